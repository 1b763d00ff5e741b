"""CTC against brute force over all paths, central differences, published values, PyTorch, and outputs far apart."""

import naive
import numpy as np
import pytest
from extras import torch
from windows import central_differences, error

from rnncli.kernels.ctc import ctc_loss, least_steps
from rnncli.kernels.jit import enabled

DTYPES = [np.float32, np.float64]
BOUNDS = {np.float32: 2e-6, np.float64: 1e-12}
# Repeats, an empty target, as many steps as symbols, as many as symbols and repeats, one step, long and longer.
RAGGED = [
    (9, (1, 2, 3)),
    (9, (2, 2, 1, 1)),
    (7, ()),
    (4, (3, 1, 2, 3)),
    (6, (1, 1, 1, 2)),
    (1, (2,)),
    (1, ()),
    (8, (3, 3)),
]


class Batch:
    """Random outputs, and sequences of (steps, target), padded as the kernel takes them."""

    def __init__(self, items, C=4, dtype=np.float64, spread=1.5, seed=0, steps=0):
        T, B, S = max(steps, *(n for n, _ in items)), len(items), max(len(target) for _, target in items)
        self.items, self.outputs = items, np.random.default_rng(seed).normal(0, spread, (T, B, C)).astype(dtype)
        self.steps = np.array([n for n, _ in items], np.int32)
        self.lengths = np.array([len(target) for _, target in items], np.int32)
        self.targets = np.zeros((S, B), np.int32)
        for b, (_, target) in enumerate(items):
            self.targets[: len(target), b] = target

    def run(self, weight=1.0, low=0, high=None):
        """The losses (T, B) and the gradient of the outputs, which stay as they are."""
        gradient, losses = self.outputs.copy(), np.full(self.outputs.shape[:2], -7.0)
        high = len(self.items) if high is None else high
        weight = gradient.dtype.type(weight)
        ctc_loss(gradient, self.targets, self.steps, self.lengths, losses, weight, low, high)
        return losses, gradient

    def loss(self):
        return self.run()[0].sum()

    def alone(self, b):
        """The outputs of one sequence, and the number that its loss is divided by."""
        return self.outputs[: self.steps[b], b].astype(float), max(self.lengths[b], 1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("T", range(1, 7))
def test_loss_and_gradient_of_every_target_are_those_of_brute_force_over_all_paths(T, dtype):
    outputs = np.random.default_rng(T).normal(0, 1.5, (T, 4)).astype(dtype)
    paths = naive.ctc_paths(outputs.astype(float))
    batch = Batch([(T, target) for target in paths], dtype=dtype)
    batch.outputs[...] = outputs[:, None]
    losses, gradient = batch.run()
    assert not losses[1:].any()
    chances = np.exp(-losses[0] * np.maximum(batch.lengths, 1))
    assert chances.sum() == pytest.approx(1, rel=BOUNDS[dtype])
    for b, path in enumerate(paths.values()):
        assert chances[b] == pytest.approx(path[0].sum(), rel=BOUNDS[dtype])
        wanted = (naive.softmax(outputs.astype(float)) - path / path[0].sum()) / max(batch.lengths[b], 1)
        assert np.abs(gradient[:, b] - wanted).max() < BOUNDS[dtype]


@pytest.mark.skipif(not enabled(), reason="too slow without the JIT")
def test_the_gradient_of_a_ragged_batch_equals_central_differences():
    batch = Batch(RAGGED)
    _, gradient = batch.run()
    assert error(gradient, central_differences(batch.outputs, batch.loss, 1e-3, fourth_order=True)) < 1e-9


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("spread", [1.0, 40.0])
def test_long_sequences_equal_the_recursion_in_logarithms(spread, dtype):
    random = np.random.default_rng(3)
    items = [(n, tuple(random.integers(1, 12, S))) for n, S in ((90, 25), (90, 3), (70, 40), (50, 0))]
    batch = Batch(items, 12, dtype, spread)
    losses, gradient = batch.run()
    for b, (n, target) in enumerate(items):
        outputs, count = batch.alone(b)
        assert losses[0, b] * count == pytest.approx(
            naive.ctc_loss(outputs, target), rel=1e-6 if dtype == np.float32 else 1e-12
        )
        assert np.abs(gradient[:n, b].sum(axis=1)).max() < BOUNDS[dtype]
        assert not gradient[n:, b].any()


@pytest.mark.parametrize("target", [(1, 2, 3, 1), (2, 2, 2), (3,), (1, 1, 2, 2)])
def test_least_steps_leave_one_path_and_fewer_leave_none(target):
    n = least_steps(np.array(target, np.int32))
    outputs = np.random.default_rng(0).normal(0, 1, (n, 4))
    paths = naive.ctc_paths(outputs)[target]
    path = paths.argmax(axis=1)
    assert paths.astype(bool).sum() == n
    assert n == 1 or target not in naive.ctc_paths(outputs[1:])
    batch = Batch([(n, target)])
    batch.outputs[:, 0] = outputs
    losses, gradient = batch.run()
    y = naive.softmax(outputs)
    assert losses[0, 0] == pytest.approx(-np.log(y[np.arange(n), path]).sum() / len(target), rel=1e-13)
    assert np.abs(gradient[:, 0] - (y - np.eye(4)[path]) / len(target)).max() < 1e-15


def test_no_symbols_take_no_steps():
    assert least_steps(np.zeros(0, np.int32)) == 0


def test_a_batch_of_empty_targets_says_blanks():
    batch = Batch([(5, ()), (3, ())])
    losses, gradient = batch.run()
    y = naive.softmax(batch.outputs)
    assert losses[0] == pytest.approx([-np.log(y[:5, 0, 0]).sum(), -np.log(y[:3, 1, 0]).sum()], rel=1e-13)
    assert np.abs(gradient[:5, 0] - (y[:5, 0] - np.eye(4)[0])).max() < 1e-15


def test_the_weight_scales_the_gradient_but_no_loss():
    batch = Batch(RAGGED)
    losses, gradient = batch.run()
    same, lighter = batch.run(0.25)
    assert np.array_equal(same, losses)
    assert np.allclose(lighter, gradient / 4, rtol=1e-12, atol=0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_shards_have_the_bits_of_the_whole_and_touch_nothing_else(dtype):
    batch = Batch(RAGGED, 30, dtype)
    losses, gradient = batch.run(0.1)
    for low in range(len(RAGGED)):
        for high in range(low, len(RAGGED) + 1):
            part, part_gradient = batch.run(0.1, low, high)
            inside = (np.arange(len(RAGGED)) >= low) & (np.arange(len(RAGGED)) < high)
            assert np.array_equal(part, np.where(inside, losses, -7.0))
            assert np.array_equal(part_gradient, np.where(inside[:, None], gradient, batch.outputs))


@pytest.mark.parametrize("dtype", DTYPES)
def test_company_and_padding_change_no_bit(dtype):
    batch = Batch(RAGGED, 30, dtype, steps=12)
    losses, gradient = batch.run(0.1)
    for b, (n, target) in enumerate(RAGGED):
        alone = Batch([(n, target)], 30, dtype)
        alone.outputs[...] = batch.outputs[:n, b : b + 1]
        one, its = alone.run(0.1)
        assert one[0, 0] == losses[0, b]
        assert np.array_equal(its[:, 0], gradient[:n, b])
        assert not gradient[n:, b].any()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [200.0, 1e4, 1e12])
def test_outputs_far_apart_give_finite_losses_and_gradients(size, dtype):
    batch = Batch([(4, (1, 2)), (3, (2, 2))], 3, dtype)
    batch.outputs[...] = -size
    batch.outputs[:, :, 0] = 0  # nothing but blanks is likely
    losses, gradient = batch.run()
    # In four steps the symbols have six ways to be said, two symbols in three steps with a blank between them one.
    assert losses[0] == pytest.approx([size - np.log(6) / 2, size], rel=1e-6)
    assert np.abs(gradient[:, 0, 1] * 2 + [3 / 6, 2 / 6, 1 / 6, 0]).max() < 1e-6
    assert np.abs(gradient[:, 0, 2] * 2 + [0, 1 / 6, 2 / 6, 3 / 6]).max() < 1e-6
    assert np.abs(gradient[:3, 1, 2] * 2 + [1, 0, 1]).max() < 1e-6


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("at", range(4))
def test_a_nan_output_gives_a_nan_loss_of_its_sequence_only(at, dtype):
    batch = Batch(RAGGED, dtype=dtype)
    batch.outputs[2, 1, at] = np.nan
    batch.outputs[8, 2:, at] = np.nan  # beyond their ends
    losses, gradient = batch.run()
    assert np.flatnonzero(np.isnan(losses.sum(axis=0))).tolist() == [1]
    assert np.flatnonzero(np.isnan(gradient).any(axis=(0, 2))).tolist() == [1]


PUBLISHED = {
    # Loss and chances of the published tests of TensorFlow's ctc_loss, which warp-ctc has too; there the blank is last.
    (0, 1, 2, 1, 0): (
        3.34211,
        """0.633766 0.221185 0.0917319 0.0129757 0.0142857 0.0260553
        0.111121 0.588392 0.278779 0.0055756 0.00569609 0.010436
        0.0357786 0.633813 0.321418 0.00249248 0.00272882 0.0037688
        0.0663296 0.643849 0.280111 0.00283995 0.0035545 0.00331533
        0.458235 0.396634 0.123377 0.00648837 0.00903441 0.00623107""",
        """-0.366234 0.221185 0.0917319 0.0129757 0.0142857 0.0260553
        0.111121 -0.411608 0.278779 0.0055756 0.00569609 0.010436
        0.0357786 0.633813 -0.678582 0.00249248 0.00272882 0.0037688
        0.0663296 -0.356151 0.280111 0.00283995 0.0035545 0.00331533
        -0.541765 0.396634 0.123377 0.00648837 0.00903441 0.00623107""",
    ),
    (0, 1, 1, 0): (
        5.42262,
        """0.30176 0.28562 0.0831517 0.0862751 0.0816851 0.161508
        0.24082 0.397533 0.0557226 0.0546814 0.0557528 0.19549
        0.230246 0.450868 0.0389607 0.038309 0.0391602 0.202456
        0.280884 0.429522 0.0326593 0.0339046 0.0326856 0.190345
        0.423286 0.315517 0.0338439 0.0393744 0.0339315 0.154046""",
        """-0.69824 0.28562 0.0831517 0.0862751 0.0816851 0.161508
        0.24082 -0.602467 0.0557226 0.0546814 0.0557528 0.19549
        0.230246 0.450868 0.0389607 0.038309 0.0391602 -0.797544
        0.280884 -0.570478 0.0326593 0.0339046 0.0326856 0.190345
        -0.576714 0.315517 0.0338439 0.0393744 0.0339315 0.154046""",
    ),
}


def table(text):
    return np.roll(np.array(text.split(), float).reshape(5, 6), 1, axis=1)


@pytest.mark.parametrize("labels", PUBLISHED)
def test_published_losses_and_gradients(labels):
    loss, chances, wanted = PUBLISHED[labels]
    batch = Batch([(5, tuple(label + 1 for label in labels))], 6)
    batch.outputs[:, 0] = np.log(table(chances))
    losses, gradient = batch.run()
    assert losses[0, 0] * len(labels) == pytest.approx(loss, abs=5e-6)
    assert np.abs(gradient[:, 0] * len(labels) - table(wanted)).max() < 2e-6


@pytest.mark.parity
@pytest.mark.parametrize(("dtype", "bound"), [(np.float32, 1e-5), (np.float64, 1e-10)])
@pytest.mark.parametrize("size", ["small", "large"])
def test_losses_and_gradients_equal_pytorchs(dtype, bound, size):
    random = np.random.default_rng(5)
    lengths = (40, 25, 25, 12, 0, 7)
    large = [(80 - 5 * i, tuple(random.integers(1, 4, S))) for i, S in enumerate(lengths)]
    batch = Batch(RAGGED if size == "small" else large, 4 if size == "small" else 30, dtype, 3.0)
    losses, gradient = batch.run(1 / len(batch.items))
    leaf = torch.from_numpy(batch.outputs.copy()).requires_grad_()
    padded, steps, symbols = (torch.from_numpy(a).long() for a in (batch.targets.T, batch.steps, batch.lengths))
    logs = torch.nn.functional.log_softmax(leaf, dim=2)
    wanted = torch.nn.CTCLoss()(logs, padded, steps, symbols)
    wanted.backward()
    assert losses[0].mean() == pytest.approx(wanted.item(), rel=bound)
    assert np.abs(gradient - leaf.grad.numpy()).max() < bound
    each = torch.nn.CTCLoss(reduction="none")(logs, padded, steps, symbols).detach().numpy()
    assert losses[0] * np.maximum(batch.lengths, 1) == pytest.approx(each, rel=bound)
