"""Every cell of the registry against its naive twin, in shards, in pieces, with NaN; backward against differences."""

import naive
import numpy as np
import pytest
from windows import VARIANTS, error

from rnncli.kernels import gemm
from rnncli.kernels.cells import CELLS, rnn
from rnncli.kernels.cells.cell import Weights

BOUNDS = {np.float32: 1e-5, np.float64: 1e-12}
INPUT = 3


class Layer:
    """One cell with random weights over T steps of B sequences, holding the arrays that the kernels share."""

    def __init__(self, name, T=4, B=3, H=5, dtype=np.float64, activation="tanh", seed=0):
        self.cell, self.activation = CELLS[name], rnn.ACTIVATIONS[activation]
        self.T, self.B, self.H, self.dtype = T, B, H, dtype
        random, GH = np.random.default_rng(seed), self.cell.gates * H
        shapes = {"w_ih": (GH, INPUT), "w_hh": (GH, H), "b_ih": (GH,), "b_hh": (GH,)}
        shapes |= {own: (width * H,) for own, width in self.cell.own.items()}
        self.p = {n: random.normal(0, 0.8 / np.sqrt(s[-1]), s).astype(dtype) for n, s in shapes.items()}
        self.x = random.normal(0, 1, (T, B, INPUT)).astype(dtype)
        self.state = tuple(array.astype(dtype) for array in naive.some_state(name, random, B, H))
        self.reset()

    @property
    def active(self):
        return np.full(self.T, self.B, np.int32)

    def reset(self):
        """The arrays as `forward` receives them."""
        cell, H, dtype, GH = self.cell, self.H, self.dtype, self.cell.gates * self.H
        bias = self.p["b_ih"] if cell.keeps_recurrent_apart else self.p["b_ih"] + self.p["b_hh"]
        self.arrays = cell.zeros(self.T, self.B, H, dtype)
        self.arrays.a[...] = self.x @ self.p["w_ih"].T + bias
        for array, values in zip(self.arrays, self.state, strict=False):
            array[0] = values
        packed, packed_back = gemm.packed_like(H, GH, dtype), gemm.packed_like(GH, H, dtype)
        gemm.pack_transposed(self.p["w_hh"], packed, 0, gemm.panels(GH))
        gemm.pack(self.p["w_hh"], packed_back, 0, gemm.panels(H))
        own = np.concatenate([np.zeros((0, H), dtype), *(self.p[own].reshape(-1, H) for own in cell.own)])
        self.weights = Weights(packed, self.p["b_hh"], own, self.activation)
        self.weights_back = Weights(packed_back, self.p["b_hh"], own, self.activation)

    @property
    def h(self):
        return self.arrays.h

    def forward(self, low=0, high=None):
        self.cell.forward(self.arrays, self.weights, self.active, low, self.B if high is None else high)
        return self.h

    def backward(self, dh):
        """dL/d(state) of every initial state and dL/da from dL/dh of steps 1..T."""
        gradients = self.cell.zero_states(self.T, self.B, self.H, self.dtype)
        gradients.h[1:] = dh
        self.cell.backward(self.arrays, gradients, self.weights_back, self.active, 0, self.B)
        return [gradient[0] for gradient in gradients], self.arrays.a

    def own_gradient(self):
        """dL/d(own parameters), after `backward`."""
        gradient = np.full((self.cell.own_rows, self.H), np.nan)
        for low, high in ((0, 2), (2, self.H)):
            self.cell.own_gradient(self.arrays, gradient, low, high)
        return gradient


def naive_states(layer, activation):
    """Every state after every step."""
    p = {name: value.astype(float) for name, value in layer.p.items()}
    state, states = tuple(array.astype(float) for array in layer.state), []
    for x in layer.x.astype(float):
        state = naive.CELLS[layer.cell.name](x, state, p, activation)
        states.append(state)
    return [np.stack(one) for one in zip(*states, strict=True)]


@pytest.mark.parametrize("dtype", BOUNDS)
@pytest.mark.parametrize(("T", "B", "H"), [(1, 1, 1), (5, 3, 4), (3, 7, 17), (12, 1, 22)])
@pytest.mark.parametrize(("name", "activation"), VARIANTS)
def test_forward_equals_the_naive_twin(name, activation, T, B, H, dtype):
    layer = Layer(name, T, B, H, dtype, activation)
    layer.forward()
    for state, array, wanted in zip(naive.STATES[name], layer.arrays, naive_states(layer, activation), strict=False):
        assert error(array[1:], wanted) < BOUNDS[dtype], state


@pytest.mark.parametrize("name", CELLS)
def test_a_shard_leaves_the_other_sequences_alone(name):
    whole, shard = Layer(name, B=5, dtype=np.float32), Layer(name, B=5, dtype=np.float32)
    before = [array.copy() for array in shard.arrays]
    whole.forward()
    shard.forward(1, 3)
    for part, kept, now, wanted in zip(whole.arrays._fields, before, shard.arrays, whole.arrays, strict=True):
        assert np.array_equal(now[:, 1:3], wanted[:, 1:3]), part
        assert np.array_equal(now[:, [0, 3, 4]], kept[:, [0, 3, 4]]), part


@pytest.mark.parametrize("dtype", BOUNDS)
@pytest.mark.parametrize(("name", "activation"), VARIANTS)
def test_steps_with_carried_state_have_the_bits_of_one_window(name, activation, dtype):
    window = Layer(name, T=6, dtype=dtype, activation=activation)
    states = window.forward()
    step = Layer(name, T=6, dtype=dtype, activation=activation)
    inputs, step.T = step.x, 1
    for t in range(6):
        step.x = inputs[t : t + 1]
        step.reset()
        step.forward()
        assert np.array_equal(step.h[1], states[t + 1]), t
        step.state = tuple(array[1] for array in step.arrays[: len(step.state)])


@pytest.mark.parametrize("dtype", BOUNDS)
@pytest.mark.parametrize(("name", "activation"), VARIANTS)
def test_nan_stays_in_its_sequence_and_is_not_lost(name, activation, dtype):
    clean, layer = (Layer(name, activation=activation, dtype=dtype) for _ in range(2))
    layer.arrays.a[1, 1] = np.nan
    layer.forward()
    clean.forward()
    assert np.array_equal(layer.h[:, [0, 2]], clean.h[:, [0, 2]])
    assert np.array_equal(layer.h[:2, 1], clean.h[:2, 1])
    assert np.isnan(layer.h[2:, 1]).all()


@pytest.mark.parametrize(("name", "activation"), VARIANTS)
def test_backward_equals_directional_derivatives(name, activation):
    """L = Σ w·h over all steps, along random directions of every initial state, of a and of the own parameters."""
    random = np.random.default_rng(5)
    layer = Layer(name, activation=activation)
    w = random.normal(0, 1, (layer.T, layer.B, layer.H))

    def loss(part, change):
        layer.reset()
        if part in ("a", "own"):
            array = layer.arrays.a if part == "a" else layer.weights.own
        else:
            array = getattr(layer.arrays, part)[0]
        array += change
        return float((layer.forward()[1:] * w).sum())

    loss("h", 0.0)
    states, da = layer.backward(w)
    gradients = dict(zip(naive.STATES[name], states, strict=True)) | {"a": da.copy()}
    if layer.cell.own:
        gradients["own"] = layer.own_gradient()
    for part, gradient in gradients.items():
        v = random.normal(0, 1, gradient.shape)
        numeric = (loss(part, 1e-5 * v) - loss(part, -1e-5 * v)) / 2e-5
        assert (gradient * v).sum() == pytest.approx(numeric, rel=1e-7, abs=1e-8), part


@pytest.mark.parametrize("name", CELLS)
def test_the_record_is_consistent(name):
    cell = CELLS[name]
    assert cell.name == name
    assert cell.gates == len(cell.gate_names) == len(cell.initial_bias) == len(cell.chrono) == len(set(cell.gate_names))
    assert cell.arrays._fields == (*cell.state_names, *cell.saved)
    assert cell.state_names[0] == "h"
    assert [other.name for other in CELLS.values() if other.arrays.__name__ == cell.arrays.__name__] == [name]
    assert cell.saved["a"] == cell.saved.get("q", cell.gates) == cell.gates
    assert set(cell.signed) <= {*cell.gate_names, "candidate"}
    assert (cell.own_gradient is not None) == bool(cell.own)
    assert "".join(cell.state_names) == naive.STATES[name], "the naive twin has other states"


# What the scalar-memory cell adds.


def test_a_step_of_slstm_with_nothing_weighed_takes_its_input_whole():
    """However small e^a is: h = σ(o)·tanh(z), which 0 / 0 would be where e^a is rounded to nothing."""
    for level in (-1e4, 0.0, 1e4):
        layer = Layer("slstm", dtype=np.float32)
        layer.state = tuple(np.zeros_like(array) for array in layer.state)
        layer.reset()
        layer.arrays.a[0, :, : layer.H] = level
        z, o = layer.arrays.a[0, :, 2 * layer.H : 3 * layer.H].copy(), layer.arrays.a[0, :, 3 * layer.H :].copy()
        assert error(layer.forward()[1], naive.sigmoid(o) * np.tanh(z)) < 1e-6


@pytest.mark.parametrize("level", [80.0, 1e3, -1e3])
def test_slstm_does_not_overflow_where_its_exponentials_would(level):
    """h is a weighted mean times a gate, whose weights do not change with a level that all inputs share."""
    layer, raised = (Layer("slstm", T=9, dtype=np.float32) for _ in range(2))
    for one, by in ((layer, 0.0), (raised, level)):
        one.state = tuple(np.zeros_like(array) for array in one.state)
        one.reset()
        one.arrays.a[:, :, : one.H] += by
    assert error(raised.forward(), layer.forward()) < 1e-4
