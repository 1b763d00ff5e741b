"""The losses of classes and their gradients against naive ones, central differences and the far ends of float32."""

import naive
import numpy as np
import pytest
from extras import torch

from rnncli.kernels import losses

T, B, V = 3, 4, 6
BOUNDS = {np.float32: 2e-6, np.float64: 1e-12}


def normal(seed, *shape, spread=1.0, dtype=np.float64):
    return np.random.default_rng(seed).normal(0, spread, shape).astype(dtype)


def classes(seed, V=V, shape=(T, B)):
    return np.random.default_rng(seed).integers(0, V, shape).astype(np.int32)


def evaluate(kernel, outputs, targets, weight, low=0, high=None):
    """(loss per position, gradient); the arguments stay as they are."""
    gradient, per_step = outputs.copy(), np.full(outputs.shape[:2], -7.0)
    high = outputs.shape[1] if high is None else high
    kernel(gradient, targets, per_step, outputs.dtype.type(weight), low, high)
    return per_step, gradient


def numeric_gradient(kernel, outputs, targets, weight):
    gradient = np.zeros_like(outputs)
    for index in np.ndindex(outputs.shape):
        sides = []
        for step in (1e-5, -1e-5):
            moved = outputs.copy()
            moved[index] += step
            sides.append(evaluate(kernel, moved, targets, weight)[0].sum() * weight)
        gradient[index] = (sides[0] - sides[1]) / 2e-5
    return gradient


def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("dtype", BOUNDS)
@pytest.mark.parametrize("size", [1, 2, 7, 65])
def test_cross_entropy_equals_the_naive_one(size, dtype):
    logits, targets = normal(0, T, B, size, spread=3, dtype=dtype), classes(1, size)
    targets[1, 2] = losses.IGNORED
    per_step, gradient = evaluate(losses.softmax_cross_entropy, logits, targets, 1 / 11)
    assert losses.total(per_step) / 11 == pytest.approx(naive.cross_entropy(logits.astype(float), targets), rel=1e-6)
    wanted = (softmax(logits.astype(float)) - np.eye(size)[targets]) / 11
    wanted[1, 2] = 0
    assert np.abs(gradient - wanted).max() < BOUNDS[dtype]
    for t, b in np.ndindex(T, B):
        alone = 0.0 if (t, b) == (1, 2) else naive.cross_entropy(logits[t, b].astype(float), targets[t, b])
        assert per_step[t, b] == pytest.approx(alone, abs=10 * BOUNDS[dtype])


def test_cross_entropy_gradient_equals_central_differences():
    logits, targets = normal(0, T, B, V, spread=2), classes(1)
    targets[0, 0] = losses.IGNORED
    _, gradient = evaluate(losses.softmax_cross_entropy, logits, targets, 0.3)
    assert np.abs(gradient - numeric_gradient(losses.softmax_cross_entropy, logits, targets, 0.3)).max() < 1e-9


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e4])
def test_an_ignored_target_has_no_loss_and_no_gradient_whatever_the_logits(bad):
    logits, targets = np.full((1, 2, V), bad, np.float32), np.array([[losses.IGNORED, 2]], np.int32)
    logits[0, 1] = 0
    per_step, gradient = evaluate(losses.softmax_cross_entropy, logits, targets, 1.0)
    assert per_step[0, 0] == 0
    assert not gradient[0, 0].any()
    assert per_step[0, 1] == pytest.approx(np.log(V), rel=1e-6)


@pytest.mark.parametrize("dtype", BOUNDS)
def test_huge_logits_stay_finite_and_exact(dtype):
    logits = np.array([[[1e4, -1e4, 0.0], [1e4, -1e4, 0.0], [1e4, 1e4, -1e4]]], dtype)
    per_step, gradient = evaluate(losses.softmax_cross_entropy, logits, np.array([[0, 1, 0]], np.int32), 1.0)
    assert per_step[0] == pytest.approx([0, 2e4, np.log(2)], abs=1e-6)
    assert np.abs(gradient[0] - [[0, 0, 0], [1, -1, 0], [-0.5, 0.5, 0]]).max() < 1e-6


@pytest.mark.parametrize("dtype", BOUNDS)
@pytest.mark.parametrize("at", range(V))
def test_a_nan_logit_gives_a_nan_loss_at_its_position_only(at, dtype):
    logits, targets = normal(0, T, B, V, dtype=dtype), classes(1)
    logits[1, 2, at] = np.nan
    per_step, gradient = evaluate(losses.softmax_cross_entropy, logits, targets, 1.0)
    wanted = np.zeros((T, B), bool)
    wanted[1, 2] = True
    assert np.array_equal(np.isnan(per_step), wanted)
    assert np.array_equal(np.isnan(gradient).all(axis=-1), wanted)
    assert np.isnan(losses.total(per_step))


@pytest.mark.parametrize("dtype", BOUNDS)
def test_shards_have_the_bits_of_the_whole_and_touch_nothing_else(dtype):
    outputs, targets, kernel = normal(0, T, B, V, dtype=dtype), classes(1), losses.softmax_cross_entropy
    per_step, gradient = evaluate(kernel, outputs, targets, 0.1)
    for low in range(B):
        for high in range(low, B + 1):
            part, part_gradient = evaluate(kernel, outputs, targets, 0.1, low, high)
            inside = (np.arange(B) >= low) & (np.arange(B) < high)
            assert np.array_equal(part, np.where(inside, per_step, -7.0))
            assert np.array_equal(part_gradient, np.where(inside[:, None], gradient, outputs))


def test_a_large_vocabulary_in_float32():
    logits, targets = normal(0, 1, 3, 5_000, spread=4, dtype=np.float32), classes(1, 5_000, (1, 3))
    per_step, gradient = evaluate(losses.softmax_cross_entropy, logits, targets, 1.0)
    assert losses.total(per_step) / 3 == pytest.approx(naive.cross_entropy(logits.astype(float), targets), rel=1e-6)
    wanted = softmax(logits.astype(float)) - np.eye(5_000)[targets]
    assert np.abs(gradient / wanted - 1).max() < 5e-6
    assert np.abs(gradient.sum(axis=-1, dtype=float)).max() < 1e-5


def test_softmax_in_place():
    logits = normal(0, 9, spread=5)
    wanted = softmax(logits)
    losses.softmax(logits)
    assert np.abs(logits - wanted).max() < 1e-15


def sets(seed, V=V, shape=(T, B)):
    return np.random.default_rng(seed).integers(0, 2, (*shape, V)).astype(np.uint8)


@pytest.mark.parametrize("dtype", BOUNDS)
@pytest.mark.parametrize("size", [1, 2, 7, 65])
def test_sigmoid_cross_entropy_equals_the_naive_one(size, dtype):
    logits, targets = normal(0, T, B, size, spread=3, dtype=dtype), sets(1, size)
    per_step, gradient = evaluate(losses.sigmoid_cross_entropy, logits, targets, 1 / 11)
    exact = logits.astype(float)
    assert per_step == pytest.approx(
        naive.sigmoid_cross_entropy(exact, targets), rel=1e-6 if dtype == np.float32 else 1e-12
    )
    assert np.abs(gradient - (naive.sigmoid(exact) - targets) / 11).max() < BOUNDS[dtype]


def test_sigmoid_cross_entropy_gradient_equals_central_differences():
    logits, targets = normal(0, T, B, V, spread=2), sets(1)
    _, gradient = evaluate(losses.sigmoid_cross_entropy, logits, targets, 0.3)
    assert np.abs(gradient - numeric_gradient(losses.sigmoid_cross_entropy, logits, targets, 0.3)).max() < 1e-9


@pytest.mark.parametrize("dtype", BOUNDS)
def test_sets_with_huge_logits_stay_finite_and_exact(dtype):
    logits = np.array([[[1e4, -1e4], [1e4, -1e4], [80.0, -80.0]]], dtype)
    targets = np.array([[[1, 0], [0, 1], [1, 0]]], np.uint8)
    per_step, gradient = evaluate(losses.sigmoid_cross_entropy, logits, targets, 1.0)
    assert per_step[0] == pytest.approx([0, 2e4, 2 * np.exp(-80)], rel=1e-6)
    assert np.abs(gradient[0] - [[0, 0], [1, -1], [0, 0]]).max() < 1e-6


def test_a_nan_logit_of_sets_gives_a_nan_loss_at_its_position_only():
    logits, targets = normal(0, T, B, V), sets(1)
    logits[1, 2, 3] = np.nan
    per_step, _ = evaluate(losses.sigmoid_cross_entropy, logits, targets, 1.0)
    assert np.argwhere(np.isnan(per_step)).tolist() == [[1, 2]]


@pytest.mark.parametrize("dtype", BOUNDS)
def test_shards_of_sets_have_the_bits_of_the_whole(dtype):
    logits, targets, kernel = normal(0, T, B, V, dtype=dtype), sets(1), losses.sigmoid_cross_entropy
    per_step, gradient = evaluate(kernel, logits, targets, 0.1)
    part, part_gradient = evaluate(kernel, logits, targets, 0.1, 1, 3)
    inside = (np.arange(B) >= 1) & (np.arange(B) < 3)
    assert np.array_equal(part, np.where(inside, per_step, -7.0))
    assert np.array_equal(part_gradient, np.where(inside[:, None], gradient, logits))


def test_probabilities_of_sets_in_place():
    logits = normal(0, 9, spread=5)
    wanted = naive.sigmoid(logits)
    losses.sigmoids(logits)
    assert np.abs(logits - wanted).max() < 1e-15


@pytest.mark.parity
def test_sigmoid_cross_entropy_equals_pytorchs():
    logits, targets = normal(0, T, B, 40, spread=4), sets(1, 40)
    per_step, gradient = evaluate(losses.sigmoid_cross_entropy, logits, targets, 1.0)
    leaf = torch.from_numpy(logits.copy()).requires_grad_()
    wanted = torch.nn.BCEWithLogitsLoss(reduction="none")(leaf, torch.from_numpy(targets.astype(float))).sum(dim=-1)
    wanted.sum().backward()
    assert per_step == pytest.approx(wanted.detach().numpy(), rel=1e-12)
    assert gradient == pytest.approx(leaf.grad.numpy(), rel=1e-12, abs=1e-14)
