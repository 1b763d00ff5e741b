"""Sequences of unequal length, in both directions, and what is read from them: twins, gradients, and no leaks."""

import os
from dataclasses import replace

import naive
import numpy as np
import pytest
from test_nn_gradients import check_gradients
from windows import VARIANTS, Window, error, small_shape

from rnncli.kernels.cells import CELLS
from rnncli.nn.pooling import POOLINGS

pytestmark = pytest.mark.thorough

LENGTHS = [6, 4, 4, 1]
WITH_JIT = pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="minutes in plain Python, nothing new")
KINDS = ["numeric", "one-hot", "embedding", "folded embedding"]
WAYS = pytest.mark.parametrize("bidirectional", [False, True], ids=["ahead", "both ways"])


def ragged(shape, **options):
    return Window(shape, T=LENGTHS[0], B=len(LENGTHS), lengths=LENGTHS, **options)


def naive_outputs(window, b):
    """The outputs of sequence b, read alone."""
    weights, n = window.network.parameters.export(), window.lengths[b]
    state = [tuple(array[b] for array in state) for state in window.state]
    y = naive.sequence(window.shape, weights, window.inputs[:n, b], state)
    if window.shape.pooling:
        y = naive.pooled(y, window.shape.pooling, window.shape.hidden_size, weights)[None]
    return y @ weights["head.weight"].T + weights["head.bias"]


@WITH_JIT
@WAYS
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize(("cell", "activation"), VARIANTS)
def test_gradients_with_a_loss_at_every_step(cell, activation, layers, bidirectional):
    check_gradients(ragged(small_shape(cell, activation, layers, bidirectional=bidirectional)))


@WITH_JIT
@WAYS
@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("cell", CELLS)
def test_gradients_of_a_pooling(cell, pooling, bidirectional):
    check_gradients(ragged(small_shape(cell, "tanh", 2, bidirectional=bidirectional, pooling=pooling)))


@WITH_JIT
@pytest.mark.parametrize("kind", KINDS[1:])
@pytest.mark.parametrize("cell", CELLS)
def test_gradients_of_tokens_read_both_ways(cell, kind):
    check_gradients(ragged(small_shape(cell, "tanh", 2, kind, "mse", bidirectional=True, pooling="last"), loss="mse"))


@WAYS
@pytest.mark.parametrize("pooling", [None, *POOLINGS])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cell", CELLS)
def test_outputs_equal_the_naive_twin_of_each_sequence_alone(cell, kind, pooling, bidirectional):
    window = ragged(small_shape(cell, "tanh", 2, kind, bidirectional=bidirectional, pooling=pooling))
    window.run_forward()
    for b, n in enumerate(LENGTHS):
        wanted = naive_outputs(window, b)
        assert error(window.outputs[: 1 if pooling else n, b], wanted) < 1e-13, b


@WITH_JIT
@WAYS
@pytest.mark.parametrize("pooling", [None, *POOLINGS])
@pytest.mark.parametrize("cell", CELLS)
def test_padding_and_company_change_no_bit(cell, pooling, bidirectional):
    shape = small_shape(cell, "tanh", 2, hidden=21, bidirectional=bidirectional, pooling=pooling)
    together, shards = ragged(shape, dtype=np.float32), ragged(shape, dtype=np.float32)
    for b, n in enumerate(LENGTHS):
        shards.inputs[n:, b] = 1e30
    together.run_forward()
    gradients, split = together.run_backward(), shards.run_backward(shards=3)
    for name, gradient in gradients.items():
        assert np.array_equal(gradient, split[name]), name
    for b, n in enumerate(LENGTHS):
        alone = Window(shape, T=n, B=1, dtype=np.float32)
        alone.inputs, alone.state = (
            together.inputs[:n, b : b + 1],
            [tuple(array[b : b + 1] for array in state) for state in together.state],
        )
        alone.targets = together.targets[: 1 if pooling else n, b : b + 1]
        alone.run_forward()
        assert np.array_equal(alone.outputs[:, 0], together.outputs[: 1 if pooling else n, b]), b


@WAYS
@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("cell", CELLS)
def test_a_workspace_keeps_nothing_of_the_batch_before(cell, pooling, bidirectional):
    shape = small_shape(cell, "tanh", 2, bidirectional=bidirectional, pooling=pooling)
    fresh, used = ragged(shape), ragged(shape)
    whole = used.network.workspace(LENGTHS[0], len(LENGTHS), 1, training=True, input_gradient=True)
    used.work = whole.ragged(np.full(len(LENGTHS), LENGTHS[0]))
    used.run_backward()
    used.work = whole.ragged(np.array(LENGTHS))
    wanted = fresh.run_backward()
    for name, gradient in used.run_backward().items():
        assert np.array_equal(gradient, wanted[name]), name


@WITH_JIT
@pytest.mark.parametrize("pooling", POOLINGS)
def test_gradients_through_dropout_between_layers_and_before_the_head(pooling):
    shape = replace(small_shape("gru", "tanh", 2, pooling=pooling, bidirectional=True), dropout=0.4)
    window = ragged(shape)
    window.work.dropout_keys = window.network.dropout_keys(1, 0)
    assert len(window.work.dropout_keys) == 3  # after each layer or its pooling, and of the input
    check_gradients(window)
    assert (window.work.pooling.pooled == 0).any()
    first = window.outputs.copy()
    window.work.dropout_keys = window.network.dropout_keys(1, 1)
    window.run_forward()
    assert not np.array_equal(window.outputs, first)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_nan_is_not_lost_in_a_pooling(pooling):
    window = ragged(small_shape("gru", "tanh", 1, pooling=pooling))
    window.inputs[2, 1] = np.nan
    window.run_forward()
    assert np.isnan(window.outputs[0, 1]).all()
    assert np.isfinite(window.outputs[0, [0, 2, 3]]).all()
