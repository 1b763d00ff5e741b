"""LSTM whose gates see the memory: peephole connections (Gers and Schmidhuber, 2000), as ONNX defines its input P.

    a   = x_t·W + b_ih + b_hh + h_{t−1}·U      in the order i, f, g, o
    i   = σ(a_i + p_i ⊙ c_{t−1}),  f = σ(a_f + p_f ⊙ c_{t−1}),  g = tanh(a_g)
    c_t = f ⊙ c_{t−1} + i ⊙ g                  i may be capped, see `recurrence`
    o   = σ(a_o + p_o ⊙ c_t)
    h_t = o ⊙ tanh(c_t)

The cell's own parameter `weight_ch` (3H,) is p in the order i, o, f of ONNX. `a` holds the gates after `forward` and
dL/da after `backward`; `s` keeps tanh(c_t).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rnncli.kernels.cells.cell import Cell, HiddenAndMemory
from rnncli.kernels.cells.recurrence import add_recurrent, let_in, let_in_grad, recurrent_grad
from rnncli.kernels.elementary import fma, sigmoid, tanh
from rnncli.kernels.jit import jit
from rnncli.kernels.steps import clear


@jit
def step(a, p, c_before, c, s, h, capped):
    """Compute one sequence's step: a (4H,) becomes the gates i, f, g, o; c, s = tanh(c), h (H,) are set; p (3, H)."""
    H = h.size
    one = a.dtype.type(1)
    i, f, g, o = a[:H], a[H : 2 * H], a[2 * H : 3 * H], a[3 * H :]
    p_i, p_o, p_f = p[0], p[1], p[2]
    for j in range(H):
        f[j] = sigmoid(f[j] + p_f[j] * c_before[j])
        i[j] = let_in(sigmoid(i[j] + p_i[j] * c_before[j]), f[j], one, capped)
        g[j] = tanh(g[j])
        c[j] = fma(f[j], c_before[j], i[j] * g[j])
        o[j] = sigmoid(o[j] + p_o[j] * c[j])
        s[j] = tanh(c[j])
        h[j] = o[j] * s[j]


@jit
def step_grad(a, p, c_before, s, dh, dc, dc_before, capped):
    """Turn the gates in a into da, and write dc_before; dc (H,) is the gradient that later steps pass to the memory."""
    H = dh.size
    one = a.dtype.type(1)
    i, f, g, o = a[:H], a[H : 2 * H], a[2 * H : 3 * H], a[3 * H :]
    p_i, p_o, p_f = p[0], p[1], p[2]
    for j in range(H):
        # h = o·tanh(c), o = σ(a_o + p_o·c)
        do = dh[j] * s[j] * o[j] * (one - o[j])
        d = fma(do, p_o[j], dc[j] + dh[j] * o[j] * (one - s[j] * s[j]))
        # c = f·c_before + i·g; i = σ(a_i + p_i·c_before), f = σ(a_f + p_f·c_before), g = tanh(a_g)
        di, df = let_in_grad(d * g[j], d * c_before[j], i[j], f[j], one, capped)
        di, df = di * i[j] * (one - i[j]), df * f[j] * (one - f[j])
        dc_before[j] = fma(di, p_i[j], fma(df, p_f[j], d * f[j]))
        g[j] = d * i[j] * (one - g[j] * g[j])
        i[j], f[j], o[j] = di, df, do


@jit
def forward(arrays, weights, active, low, high):
    h, c, a, s = arrays.h, arrays.c, arrays.a, arrays.s
    for t in range(a.shape[0]):
        last = min(high, active[t])
        add_recurrent(h, a, weights, t, low, last)
        for b in range(low, last):
            step(a[t, b], weights.own, c[t, b], c[t + 1, b], s[t, b], h[t + 1, b], weights.capped)


@jit
def backward(arrays, gradients, weights, active, low, high):
    h, c, a, s, dh, dc = arrays.h, arrays.c, arrays.a, arrays.s, gradients.h, gradients.c
    for t in range(a.shape[0] - 1, -1, -1):
        last = min(high, active[t])
        clear(a, t, max(low, last), high)
        for b in range(low, last):  # step(a[t, b], p, c[t, b], c[t + 1, b], s[t, b], h[t + 1, b], capped)
            step_grad(a[t, b], weights.own, c[t, b], s[t, b], dh[t + 1, b], dc[t + 1, b], dc[t, b], weights.capped)
        # a_t = … + h_{t−1}·U gives dh_{t−1} += da_t·Uᵀ
        recurrent_grad(a, h, dh, weights, t, low, last)


@jit
def own_gradient(arrays, gradient, low, high):
    """Compute units low ≤ j < high of the gradient of p: dp_i = Σ da_i·c_{t−1}, and so on.

    It follows from a_i = … + p_i·c_{t−1}; da is zero beyond a sequence's end.
    """
    c, a = arrays.c, arrays.a
    T, B, H = c.shape[0] - 1, c.shape[1], c.shape[2]
    gradient[:, low:high] = 0
    dp_i, dp_o, dp_f = gradient[0], gradient[1], gradient[2]
    for t in range(T):
        for b in range(B):
            di, df, do = a[t, b, :H], a[t, b, H : 2 * H], a[t, b, 3 * H :]
            before, after = c[t, b], c[t + 1, b]
            for j in range(low, high):
                dp_i[j] += di[j] * before[j]
                dp_f[j] += df[j] * before[j]
                dp_o[j] += do[j] * after[j]


class PeepholeArrays(NamedTuple):
    h: np.ndarray
    c: np.ndarray
    a: np.ndarray
    s: np.ndarray


CELL = Cell(
    name="peephole",
    arrays=PeepholeArrays,
    states=HiddenAndMemory,
    saved={"a": 4, "s": 1},
    gate_names=("input", "forget", "candidate", "output"),
    initial_bias=(0.0, 1.0, 0.0, 0.0),
    chrono=(-1, 1, 0, 0),
    forward=forward,
    backward=backward,
    caps=True,
    own={"weight_ch": 3},
    own_gradient=own_gradient,
)
