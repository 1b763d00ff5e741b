"""Long short-term memory of Hochreiter and Schmidhuber (1997) with the forget gate of Gers et al. (2000).

    a   = x_t·W + b_ih + b_hh + h_{t−1}·U      in the order i, f, g, o of PyTorch and cuDNN
    i   = σ(a_i),  f = σ(a_f),  g = tanh(a_g),  o = σ(a_o)
    c_t = f ⊙ c_{t−1} + i ⊙ g                  i may be capped, see `recurrence`
    h_t = o ⊙ tanh(c_t)

`a` holds the input part and both biases before `forward`, the gates after it, and dL/da after `backward`. `s` keeps
tanh(c_t): reading it again is cheaper than computing it again.
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
def step(a, c_before, c, s, h, capped):
    """Compute one sequence's step: a (4H,) becomes the gates i, f, g, o; c, s = tanh(c) and h (H,) are written."""
    H = h.size
    one = a.dtype.type(1)
    i, f, g, o = a[:H], a[H : 2 * H], a[2 * H : 3 * H], a[3 * H :]
    for j in range(H):
        f[j] = sigmoid(f[j])
        i[j] = let_in(sigmoid(i[j]), f[j], one, capped)
        g[j] = tanh(g[j])
        o[j] = sigmoid(o[j])
        c[j] = fma(f[j], c_before[j], i[j] * g[j])
        s[j] = tanh(c[j])
        h[j] = o[j] * s[j]


@jit
def step_grad(a, c_before, s, dh, dc, dc_before, capped):
    """Turn the gates in a into da, and write dc_before; dc (H,) is the gradient that later steps pass to the memory."""
    H = dh.size
    one = a.dtype.type(1)
    i, f, g, o = a[:H], a[H : 2 * H], a[2 * H : 3 * H], a[3 * H :]
    for j in range(H):
        # h = o·tanh(c)
        d = dc[j] + dh[j] * o[j] * (one - s[j] * s[j])
        do = dh[j] * s[j]
        # c = f·c_before + i·g
        di, df = let_in_grad(d * g[j], d * c_before[j], i[j], f[j], one, capped)
        dg = d * i[j]
        dc_before[j] = d * f[j]
        # i = σ(a_i), f = σ(a_f), g = tanh(a_g), o = σ(a_o)
        i[j] = di * i[j] * (one - i[j])
        f[j] = df * f[j] * (one - f[j])
        g[j] = dg * (one - g[j] * g[j])
        o[j] = do * o[j] * (one - o[j])


@jit
def forward(arrays, weights, active, low, high):
    h, c, a, s = arrays.h, arrays.c, arrays.a, arrays.s
    for t in range(a.shape[0]):
        last = min(high, active[t])
        add_recurrent(h, a, weights, t, low, last)
        for b in range(low, last):
            step(a[t, b], c[t, b], c[t + 1, b], s[t, b], h[t + 1, b], weights.capped)


@jit
def backward(arrays, gradients, weights, active, low, high):
    h, c, a, s, dh, dc = arrays.h, arrays.c, arrays.a, arrays.s, gradients.h, gradients.c
    for t in range(a.shape[0] - 1, -1, -1):
        last = min(high, active[t])
        clear(a, t, max(low, last), high)
        for b in range(low, last):  # step(a[t, b], c[t, b], c[t + 1, b], s[t, b], h[t + 1, b], capped)
            step_grad(a[t, b], c[t, b], s[t, b], dh[t + 1, b], dc[t + 1, b], dc[t, b], weights.capped)
        # a_t = … + h_{t−1}·U gives dh_{t−1} += da_t·Uᵀ
        recurrent_grad(a, h, dh, weights, t, low, last)


class LstmArrays(NamedTuple):
    h: np.ndarray
    c: np.ndarray
    a: np.ndarray
    s: np.ndarray


CELL = Cell(
    name="lstm",
    arrays=LstmArrays,
    states=HiddenAndMemory,
    saved={"a": 4, "s": 1},
    gate_names=("input", "forget", "candidate", "output"),
    # A forget gate that starts open lets gradients through from the first update (Jozefowicz et al., 2015).
    initial_bias=(0.0, 1.0, 0.0, 0.0),
    chrono=(-1, 1, 0, 0),
    forward=forward,
    backward=backward,
    caps=True,
)
