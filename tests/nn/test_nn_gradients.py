"""Every backward pass against central differences in float64, over the registry, layers 1 to 3, ragged lengths."""

import os
from dataclasses import replace

import naive
import numpy as np
import pytest
from windows import VARIANTS, Window, error, small_shape

from rnncli.kernels.cells import CELLS

BOUND = 1e-7
WITHOUT_JIT = os.environ.get("NUMBA_DISABLE_JIT") == "1"
needs_jit = pytest.mark.skipif(WITHOUT_JIT, reason="minutes in plain Python, and the same code")


def check_gradients(window):
    analytic = window.run_backward()
    for name, array in window.variables().items():
        numeric = window.central_differences(array)
        assert error(analytic[name], numeric) < BOUND, name


@pytest.mark.parametrize("layers", [1, pytest.param(2, marks=needs_jit), pytest.param(3, marks=needs_jit)])
@pytest.mark.parametrize(("cell", "activation"), VARIANTS)
def test_cross_entropy_with_ragged_ends(cell, activation, layers):
    check_gradients(Window(small_shape(cell, activation, layers)))


@needs_jit
@pytest.mark.parametrize(("cell", "activation"), VARIANTS)
def test_squared_error_at_the_last_step_only(cell, activation):
    check_gradients(Window(small_shape(cell, activation, 2), T=4, head_steps=1, loss="mse"))


@needs_jit
@pytest.mark.parametrize("kind", ["one-hot", "embedding", "folded embedding"])
@pytest.mark.parametrize("cell", CELLS)
def test_token_inputs_and_a_loss_on_the_newest_steps(cell, kind):
    check_gradients(Window(small_shape(cell, "tanh", 2, kind), head_steps=2))


@needs_jit
@pytest.mark.parametrize("layers", [1, 2])
def test_dropout_of_every_step_precedes_the_head_and_spares_numbers(layers):
    window = Window(replace(small_shape("gru", "tanh", layers), dropout=0.5, drops_ends=True))
    window.work.dropout_keys = window.network.dropout_keys(1, 2)
    check_gradients(window)
    assert np.array_equal(window.work.x, window.inputs)
    assert 0.3 < (window.work.y == 0).mean() < 0.7


@pytest.mark.parametrize("kind", ["numeric", "one-hot", "embedding", "folded embedding"])
@pytest.mark.parametrize(("cell", "activation"), VARIANTS)
def test_outputs_equal_the_naive_twin(cell, activation, kind):
    window = Window(small_shape(cell, activation, 3, kind))
    loss = window.run_forward()
    weights = window.network.parameters.export()
    outputs = naive.network(window.shape, weights, window.inputs, window.state)
    assert error(window.outputs, outputs) < 1e-13
    assert loss == pytest.approx(naive.cross_entropy(outputs, window.targets), rel=1e-13)


@needs_jit
@pytest.mark.parametrize("cell", CELLS)
def test_shards_do_not_change_a_bit(cell):
    shape = small_shape(cell, "tanh", 2, hidden=70)
    whole = Window(shape, T=40, B=7, dtype=np.float32).run_backward(shards=1)
    for shards in (2, 3, 7):
        split = Window(shape, T=40, B=7, dtype=np.float32).run_backward(shards)
        for name, gradient in whole.items():
            assert np.array_equal(gradient, split[name]), (name, shards)


@pytest.mark.parametrize("cell", CELLS)
def test_every_registered_cell_has_a_slow_twin(cell):
    assert cell in naive.CELLS, f"write the naive twin of {cell} in tests/naive.py"
