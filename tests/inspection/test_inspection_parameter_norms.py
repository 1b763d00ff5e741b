"""Norms parameter by parameter, the sizes of updates beside optimizers in plain numpy, and clipping."""

import numpy as np
import pytest
from inspection import B, H, O, T, changed, driver_of, inspected, made, optimizer_of, sample_of, window

from rnncli.inspection.parameters import ParameterNorms
from rnncli.kernels.optimizers import OPTIMIZERS

RATE, BATCHES = 0.01, 5


def batches(network, count=BATCHES):
    return [sample_of(network, *window(seed=seed)) for seed in range(count)]


def gradients(network, samples):
    """(N, P) the flat gradient of each batch."""
    driver, found = driver_of(network), []
    for sample in samples:
        driver.gradient(sample.work, sample.targets, sample.count)
        found.append(network.parameters.gradient.copy())
    return np.stack(found)


def parts(network, flat):
    """By name, out of (…, P)."""
    ends = np.cumsum([spec.size for spec in network.parameters.declared])
    return {
        spec.name: flat[..., end - spec.size : end] for spec, end in zip(network.parameters.declared, ends, strict=True)
    }


class Plain:
    """Optimizers as their papers have them; `change` of a gradient (P,) at weights (P,), which stay where they are."""

    def __init__(self, name, clip):
        self.name, self.clip, self.t, self.m, self.v = name, clip, 0, 0.0, 0.0

    def change(self, w, g):
        norm = np.sqrt((g**2).sum())
        g = g * min(1.0, self.clip / (norm + 1e-6)) if self.clip else g
        self.t += 1
        if self.name == "sgd":
            return -RATE * g
        if self.name == "momentum":
            self.m = 0.9 * self.m + g
            return -RATE * self.m
        if self.name == "rmsprop":
            self.v = 0.99 * self.v + 0.01 * g**2
            return -RATE * g / (np.sqrt(self.v) + 1e-8)
        self.m, self.v = 0.9 * self.m + 0.1 * g, 0.999 * self.v + 0.001 * g**2
        step = (self.m / (1 - 0.9**self.t)) / (np.sqrt(self.v / (1 - 0.999**self.t)) + 1e-8)
        return -RATE * (step + 0.01 * w) if self.name == "adamw" else -RATE * step


@pytest.mark.parametrize("clip", [None, 0.3])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_updates_are_those_of_an_optimizer_in_plain_numpy_while_weights_stay(name, clip):
    """Moments go on from batch to batch; clipped to 0.3 all gradients are."""
    network = made("gru", layers=2)
    samples = batches(network)
    weights, plain = network.parameters.weights.copy(), Plain(name, clip)
    changes = np.stack([plain.change(weights, g) for g in gradients(network, samples)])
    report = inspected(network, *samples, optimizer=optimizer_of(network, name, clip), rate=RATE)
    sizes = {n: np.linalg.norm(part, axis=1).mean() for n, part in parts(network, changes).items()}
    for row in report.parameters:
        if row.weight_norm > 0:
            assert row.update_ratio == pytest.approx(sizes[row.name] / row.weight_norm, rel=1e-7), row.name
        else:
            assert row.update_ratio is None


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_inspection_leaves_the_network_as_it_was_bit_for_bit(name):
    """Its weights, and its packed weights: it says the same."""
    network = made("lstm", layers=2, token_input=True, input_size=4, embedding_size=3)
    tokens = np.random.default_rng(0).integers(0, 4, (T, B)).astype(np.int32)
    sample, driver = sample_of(network, tokens, window()[1]), driver_of(network)

    def said():
        driver.forward(sample.work)
        return sample.work.outputs.copy()

    weights, before = network.parameters.weights.copy(), said()
    inspected(network, sample, sample, optimizer=optimizer_of(network, name, 1.0), rate=0.5)
    assert np.array_equal(network.parameters.weights, weights)
    assert np.array_equal(said(), before)


def test_norms_are_means_over_batches():
    network = made("rnn")
    samples = batches(network)
    report = inspected(network, *samples)
    by_name = parts(network, gradients(network, samples))
    weights = parts(network, network.parameters.weights)
    assert report.batches == BATCHES
    for row in report.parameters:
        each = np.linalg.norm(by_name[row.name], axis=1)
        assert row.grad_norm == pytest.approx(each.mean(), rel=1e-12)
        assert row.weight_norm == pytest.approx(np.linalg.norm(weights[row.name]), rel=1e-12)
        if row.weight_norm:
            assert row.ratio == pytest.approx(row.grad_norm / row.weight_norm, rel=1e-12)
    shapes = {row.name: row.shape for row in report.parameters}
    assert shapes["rnn.weight_ih_l0"] == (H, 3)  # PyTorch's
    assert shapes["head.weight"] == (O, H)


def test_a_weight_of_zeros_has_no_ratio():
    network = made("rnn", head_starts_at_zero=True)
    report = inspected(network, sample_of(network, *window()))
    by_name = {row.name: row for row in report.parameters}
    assert (by_name["head.weight"].ratio, by_name["head.weight"].update_ratio) == (None, None)
    assert by_name["head.weight"].grad_norm > 0
    assert by_name["rnn.weight_hh_l0"].ratio == 0  # no gradient passes a head of zeros
    assert by_name["rnn.weight_hh_l0"].update_ratio == 0
    assert by_name["rnn.weight_hh_l0"].zero_share == 1


def test_the_share_of_zeros_is_that_of_tokens_never_seen():
    """Of eight tokens two are seen in one batch, four in the other."""
    network = made("gru", token_input=True, input_size=8)
    _, targets = window()
    few, more = (np.resize(np.arange(n, dtype=np.int32), (T, B)) for n in (2, 4))
    report = inspected(network, *[sample_of(network, tokens, targets) for tokens in (few, more)])
    shares = {row.name: row.zero_share for row in report.parameters}
    assert shares.pop("rnn.weight_ih_l0") == (6 / 8 + 4 / 8) / 2
    assert set(shares.values()) == {0}


def test_signal_to_noise_is_that_of_the_batches_gradients():
    """The mean's norm over the root of the unbiased mean square distance from it."""
    network = made("gru")
    samples = batches(network)
    report = inspected(network, *samples)
    for name, part in parts(network, gradients(network, samples)).items():
        mean = part.mean(axis=0)
        noise = ((part - mean) ** 2).sum() / (BATCHES - 1)
        row = next(row for row in report.parameters if row.name == name)
        assert row.signal_to_noise == pytest.approx(np.linalg.norm(mean) / np.sqrt(noise), rel=1e-9)
    alone = inspected(network, samples[0])
    assert {row.signal_to_noise for row in alone.parameters} == {None}


def test_batches_that_agree_have_no_noise():
    network = made("gru")
    sample = sample_of(network, *window())
    for count in (2, 3, 7):
        report = inspected(network, *[sample] * count)
        assert {row.signal_to_noise for row in report.parameters} == {None}


def test_gradients_too_large_to_be_squared_have_norms_all_the_same():
    network = changed(made("rnn", "identity", method="orthogonal", scale=8.0), rnn__weight_ih_l0=lambda w: 0 * w)
    report = inspected(network, *[sample_of(network, *window(steps=300, seed=seed)) for seed in (1, 2)])
    norms = {row.name: row.grad_norm for row in report.parameters}
    assert 1e200 < norms["rnn.weight_ih_l0"] < np.inf
    assert report.clip.largest_norm >= norms["rnn.weight_ih_l0"]


def taken(norms, clip):
    """The clipping of gradients of these norms."""
    network = made("rnn")
    counted = ParameterNorms(optimizer_of(network, clip_norm=clip), RATE)
    for size in norms:
        network.parameters.gradient[...] = 0
        network.parameters.gradient[3] = size
        counted.take()
    return counted.clipping()


def test_clipping_is_counted_in_batches_beyond_the_limit():
    clip = taken([1.0, 4.0, 5.0, 10.0, 20.0], 5.0)
    assert (clip.clip_norm, clip.clipped) == (5.0, 2 / 5)  # exactly at the limit nothing is cut
    assert clip.scale == pytest.approx((1 / 2 + 1 / 4) / 2, rel=1e-12)
    assert (clip.mean_norm, clip.largest_norm) == (8.0, 20.0)


def test_where_nothing_is_clipped_there_is_no_scale():
    below, never = taken([1.0, 3.0], 5.0), taken([1.0, 3.0], None)
    assert (below.clipped, below.scale, below.mean_norm, below.largest_norm) == (0, None, 2, 3)
    assert (never.clip_norm, never.clipped, never.scale) == (None, 0, None)


def test_an_infinite_gradient_is_clipped_and_moves_nothing():
    clip = taken([1.0, np.inf], 5.0)
    assert (clip.clipped, clip.largest_norm, clip.mean_norm) == (0.5, np.inf, np.inf)
    network = made("rnn")
    counted = ParameterNorms(optimizer_of(network, "adam", 5.0), RATE)
    weights = network.parameters.weights.copy()
    network.parameters.gradient[...] = np.nan
    counted.take()
    assert np.array_equal(network.parameters.weights, weights)
    assert not np.any(counted.optimizer.first)
