"""A chain of tags against brute force over all sequences, central differences, and outputs that overflow others."""

import naive
import numpy as np
import pytest
from windows import central_differences, error

from rnncli.kernels import crf
from rnncli.nn.crf import ChainWork, TagChain
from rnncli.nn.parameters import Parameters, Share

K, LENGTHS = 3, [4, 3, 1]
PARAMETERS = "transitions", "start", "end"


class Chained:
    """Outputs and tags of a batch of sequences, longest first, on a chain with random weights."""

    def __init__(self, lengths=LENGTHS, K=K, dtype=np.float64, spread=1.0, seed=0):
        random, T, B = np.random.default_rng(seed), max(lengths), len(lengths)
        self.part = TagChain(K)
        self.parameters = Parameters(self.part.declared, np.dtype(dtype))
        for one in self.part.declared:
            one.value[...] = random.normal(0, spread, one.shape)
        self.lengths, self.work = np.array(lengths, np.int32), ChainWork.plan(T, B, K)
        self.outputs = random.normal(0, spread, (T, B, K)).astype(dtype)
        self.targets = np.full((T, B), -1, np.int32)
        for b, n in enumerate(lengths):
            self.targets[:n, b] = random.integers(0, K, n)

    def run(self, weight=1.0, shards=1):
        """The losses (T, B) and the gradient of the outputs; those of the parameters are left in them."""
        gradient, losses = self.outputs.copy(), np.full(self.targets.shape, -7.0)
        shares = [Share(i, shards) for i in range(shards)]
        for share in shares:
            self.part.pack(share)
        chain = self.part.chain(self.work, self.lengths)
        for share in shares:
            crf.negative_log_likelihood(
                gradient, self.targets, chain, losses, gradient.dtype.type(weight), *share.split(len(self.lengths))
            )
        for share in shares:
            self.part.weight_gradients(self.work, self.lengths, gradient, share)
        return losses, gradient

    def loss(self):
        return self.run()[0].sum()

    def alone(self, b):
        """The outputs of one sequence, and the weights of the chain."""
        return self.outputs[: self.lengths[b], b].astype(float), *(
            one.value.astype(float) for one in self.part.declared
        )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_loss_is_that_of_brute_force_over_all_sequences_of_tags(dtype):
    chained = Chained(dtype=dtype)
    losses, _ = chained.run()
    for b, n in enumerate(LENGTHS):
        paths, logs = naive.tag_chances(*chained.alone(b))
        (at,) = np.flatnonzero((paths == chained.targets[:n, b]).all(axis=1))
        assert losses[:, b].sum() == pytest.approx(-logs[at], rel=1e-6 if dtype == np.float32 else 1e-12)


def test_gradients_equal_central_differences_and_expected_less_observed_counts():
    chained = Chained()
    _, doutputs = chained.run()
    gradients = [one.gradient.copy() for one in chained.part.declared]
    assert error(doutputs, central_differences(chained.outputs, chained.loss, 1e-3, fourth_order=True)) < 1e-9
    for one, gradient in zip(chained.part.declared, gradients, strict=True):
        assert error(gradient, central_differences(one.value, chained.loss, 1e-3, fourth_order=True)) < 1e-9, one.name
    counts = np.zeros((K, K))
    for b, n in enumerate(LENGTHS):
        paths, logs = naive.tag_chances(*chained.alone(b))
        for path, chance in zip([*paths, chained.targets[:n, b]], [*np.exp(logs), -1.0], strict=True):
            np.add.at(counts, (path[:-1], path[1:]), chance)
    assert np.abs(gradients[0] - counts).max() < 1e-12


def test_the_weight_scales_every_gradient_but_no_loss():
    chained = Chained()
    losses, doutputs = chained.run()
    gradient = chained.parameters.gradient.copy()
    lighter, lighter_outputs = chained.run(0.25)
    assert np.array_equal(losses, lighter)
    assert np.allclose(lighter_outputs, doutputs / 4, rtol=1e-14)
    assert np.allclose(chained.parameters.gradient, gradient / 4, rtol=1e-13)


def test_probabilities_and_the_best_path_are_those_of_brute_force():
    for seed in range(20):
        chained = Chained(seed=seed, spread=2.0)
        chained.part.pack(Share(0, 1))
        for b, n in enumerate(LENGTHS):
            outputs, *weights = chained.alone(b)
            paths, logs = naive.tag_chances(outputs, *weights)
            marginals = np.stack([np.exp(logs) @ (paths == k) for k in range(K)], axis=1)
            assert np.abs(chained.part.probabilities(outputs) - marginals).max() < 1e-12
            path = np.zeros(n, np.int32)
            crf.best_path(outputs, *weights, np.zeros((n, K)), np.zeros((n, K), np.int32), path)
            assert np.array_equal(path, paths[logs.argmax()])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_shards_and_company_change_no_bit(dtype):
    lengths, K = [9, 7, 7, 2, 1], 40
    losses, doutputs = Chained(lengths, K, dtype).run(0.1)
    whole = Chained(lengths, K, dtype)
    whole.run(0.1)
    for shards in (2, 3, 5):
        split = Chained(lengths, K, dtype)
        assert all(np.array_equal(a, b) for a, b in zip(split.run(0.1, shards), (losses, doutputs), strict=True))
        assert np.array_equal(split.parameters.gradient, whole.parameters.gradient), shards
    for b, n in enumerate(lengths):
        alone = Chained(lengths, K, dtype)
        alone.outputs, alone.targets = (np.ascontiguousarray(a[:n, b : b + 1]) for a in (alone.outputs, alone.targets))
        alone.lengths, alone.work = np.array([n], np.int32), ChainWork.plan(n, 1, K)
        some_losses, some = alone.run(0.1)
        assert np.array_equal(some_losses[:, 0], losses[:n, b])
        assert np.array_equal(some[:, 0], doutputs[:n, b])
        assert not doutputs[n:, b].any()


@pytest.mark.parametrize("size", [200.0, 1e4, 1e30])
def test_outputs_far_apart_give_finite_losses_and_gradients(size):
    chained = Chained([3], dtype=np.float32)
    chained.outputs[:, 0] = np.float32(size) * np.array([[1, -1, 0], [-1, 0, 1], [0, 1, -1]], np.float32)
    chained.targets[:, 0] = [1, 0, 2]  # the worst of each step
    losses, doutputs = chained.run()
    assert losses[0, 0] == pytest.approx(6 * size, rel=0.1)
    assert np.abs(doutputs[:, 0] - [[1, -1, 0], [-1, 0, 1], [0, 1, -1]]).max() < 1e-6
    assert np.isfinite(chained.parameters.gradient).all()


def test_transitions_far_apart_force_the_only_path_against_the_outputs():
    chained = Chained([3])
    chained.part.transitions.value[...] = -150.0
    chained.part.transitions.value[0, 1] = chained.part.transitions.value[1, 0] = 0.0
    chained.outputs[:, 0] = [[40, 0, 50], [60, 0, 70], [30, 20, 80]]
    chained.targets[:, 0] = [0, 1, 0]
    losses, doutputs = chained.run()
    outputs, *weights = chained.alone(0)
    paths, logs = naive.tag_chances(outputs, *weights)
    assert losses[0, 0] == pytest.approx(-logs[(paths == [0, 1, 0]).all(axis=1)][0], rel=1e-12)
    marginals = np.stack([np.exp(logs) @ (paths == k) for k in range(K)], axis=1)
    assert np.abs(doutputs[:, 0] - (marginals - np.eye(K)[[0, 1, 0]])).max() < 1e-12


@pytest.mark.parametrize("at", range(K))
def test_a_nan_output_gives_a_nan_loss_of_its_sequence_only(at):
    chained = Chained(dtype=np.float32)
    chained.outputs[1, 1, at] = np.nan
    losses, _ = chained.run()
    assert np.isnan(losses.sum(axis=0)).tolist() == [False, True, False]
