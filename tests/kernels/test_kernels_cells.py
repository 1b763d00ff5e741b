"""Every cell of the registry against its naive twin, in shards, in pieces, with NaN, and backward's initial state."""

import naive
import numpy as np
import pytest
from windows import VARIANTS, error

from rnncli.kernels import gemm
from rnncli.kernels.cells import CELLS, rnn

BOUNDS = {np.float32: 1e-5, np.float64: 1e-12}
INPUT = 3


class Layer:
    """One cell with random weights over T steps of B sequences, holding the arrays that the kernels share."""

    def __init__(self, name, T=4, B=3, H=5, dtype=np.float64, activation="tanh", seed=0):
        self.cell, self.activation = CELLS[name], rnn.ACTIVATIONS[activation]
        self.T, self.B, self.H, self.dtype = T, B, H, dtype
        random, GH = np.random.default_rng(seed), self.cell.gates * H
        shapes = {"w_ih": (GH, INPUT), "w_hh": (GH, H), "b_ih": (GH,), "b_hh": (GH,)}
        self.p = {n: random.normal(0, 0.8 / np.sqrt(s[-1]), s).astype(dtype) for n, s in shapes.items()}
        self.x = random.normal(0, 1, (T, B, INPUT)).astype(dtype)
        self.h0, self.c0 = random.normal(0, 0.5, (2, B, H)).astype(dtype)
        self.reset()

    @property
    def active(self):
        return np.full(self.T, self.B, np.int32)

    def reset(self):
        """The arrays as `forward` receives them."""
        cell, T, B, H = self.cell, self.T, self.B, self.H
        GH, dtype = cell.gates * H, self.dtype
        bias = self.p["b_ih"] if cell.keeps_recurrent_apart else self.p["b_ih"] + self.p["b_hh"]
        self.a = (self.x @ self.p["w_ih"].T + bias).astype(dtype)
        self.q = np.zeros((T, B, GH) if cell.keeps_recurrent_apart else (0, 0, 0), dtype)
        self.h = np.zeros((T + 1, B, H), dtype)
        self.c = np.zeros((T + 1, B, H) if cell.has_memory else (0, 0, 0), dtype)
        self.s = np.zeros((T, B, H) if cell.has_memory else (0, 0, 0), dtype)
        self.h[0] = self.h0
        if cell.has_memory:
            self.c[0] = self.c0
        self.recurrent = gemm.packed_like(H, GH, dtype)
        gemm.pack_transposed(self.p["w_hh"], self.recurrent, 0, gemm.panels(GH))
        self.recurrent_transposed = gemm.packed_like(GH, H, dtype)
        gemm.pack(self.p["w_hh"], self.recurrent_transposed, 0, gemm.panels(H))

    def forward(self, low=0, high=None):
        high = self.B if high is None else high
        saved = self.a, self.q, self.h, self.c, self.s
        self.cell.forward(*saved, self.recurrent, self.p["b_hh"], self.activation, self.active, low, high)
        return self.h

    def backward(self, dh):
        """dL/dh0, dL/dc0 and dL/da from dL/dh of steps 1..T."""
        gradient, dc = np.zeros_like(self.h), np.zeros_like(self.c)
        gradient[1:] = dh
        saved = self.a, self.q, self.h, self.c, self.s
        self.cell.backward(*saved, gradient, dc, self.recurrent_transposed, self.activation, self.active, 0, self.B)
        return gradient[0], dc[:1], self.a


def naive_states(layer, activation):
    p = {name: value.astype(float) for name, value in layer.p.items()}
    h, c, states = layer.h0.astype(float), layer.c0.astype(float), []
    for x in layer.x.astype(float):
        h, c = naive.CELLS[layer.cell.name](x, h, c, p, activation)
        states.append(h)
    return np.stack(states), c


@pytest.mark.parametrize("dtype", BOUNDS)
@pytest.mark.parametrize(("T", "B", "H"), [(1, 1, 1), (5, 3, 4), (3, 7, 17), (12, 1, 22)])
@pytest.mark.parametrize(("name", "activation"), VARIANTS)
def test_forward_equals_the_naive_twin(name, activation, T, B, H, dtype):
    layer = Layer(name, T, B, H, dtype, activation)
    states, memory = naive_states(layer, activation)
    assert error(layer.forward()[1:], states) < BOUNDS[dtype]
    if layer.cell.has_memory:
        assert error(layer.c[-1], memory) < BOUNDS[dtype]


@pytest.mark.parametrize("name", CELLS)
def test_a_shard_leaves_the_other_sequences_alone(name):
    whole, shard = Layer(name, B=5, dtype=np.float32), Layer(name, B=5, dtype=np.float32)
    before = {part: getattr(shard, part).copy() for part in "aqhcs"}
    whole.forward()
    shard.forward(1, 3)
    for part, kept in before.items():
        if kept.size:
            now, wanted = getattr(shard, part), getattr(whole, part)
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
        step.h0 = step.h[1]
        step.c0 = step.c[1] if step.cell.has_memory else step.c0


@pytest.mark.parametrize("dtype", BOUNDS)
@pytest.mark.parametrize(("name", "activation"), VARIANTS)
def test_nan_stays_in_its_sequence_and_is_not_lost(name, activation, dtype):
    clean, layer = (Layer(name, activation=activation, dtype=dtype) for _ in range(2))
    layer.a[1, 1] = np.nan
    layer.forward()
    clean.forward()
    assert np.array_equal(layer.h[:, [0, 2]], clean.h[:, [0, 2]])
    assert np.array_equal(layer.h[:2, 1], clean.h[:2, 1])
    assert np.isnan(layer.h[2:, 1]).all()


@pytest.mark.parametrize(("name", "activation"), VARIANTS)
def test_backward_equals_directional_derivatives(name, activation):
    """L = Σ w·h over all steps, along random directions of h0, c0 and the pre-activations a."""
    random = np.random.default_rng(5)
    layer = Layer(name, activation=activation)
    w = random.normal(0, 1, (layer.T, layer.B, layer.H))

    def loss(part, change):
        layer.reset()
        array = {"h0": layer.h[0], "c0": layer.c[:1], "a": layer.a}[part]
        array += change
        return float((layer.forward()[1:] * w).sum())

    loss("h0", 0.0)
    dh0, dc0, da = (gradient.copy() for gradient in layer.backward(w))
    for part, gradient in (("h0", dh0), ("c0", dc0), ("a", da)):
        if gradient.size:
            v = random.normal(0, 1, gradient.shape)
            numeric = (loss(part, 1e-5 * v) - loss(part, -1e-5 * v)) / 2e-5
            assert (gradient * v).sum() == pytest.approx(numeric, rel=1e-7, abs=1e-8), part


@pytest.mark.parametrize("name", CELLS)
def test_the_record_is_consistent(name):
    cell = CELLS[name]
    assert cell.name == name
    assert cell.gates == len(cell.gate_names) == len(cell.initial_bias) == len(set(cell.gate_names))
