"""LSTM whose gates are normalised (Ba et al., 2016), each by the root mean square of its units (Zhang, Sennrich, 2019).

    a   = x_t·W + b_ih + b_hh + h_{t−1}·U      in the order i, f, g, o
    n   = r·a,  r = 1 / √(mean of a² + ε)      of each gate apart, over its H units
    y   = n + p ⊙ n                            1 + p is a gain of each unit of each gate
    i   = σ(y_i),  f = σ(y_f),  g = tanh(y_g),  o = σ(y_o)
    c_t = f ⊙ c_{t−1} + i ⊙ g                  i may be capped, see `recurrence`
    h_t = o ⊙ tanh(c_t)

No mean is taken off, so that biases still open some units further than others; how far a whole gate opens is bounded.

The cell's own parameter `weight_gain` (4H,) is p. `a` holds the gates after `forward` and dL/da after `backward`; `s`
keeps tanh(c_t); `n` keeps n, and dL/dy ⊙ n after `backward`. `r` keeps r of each gate in the first place of its H
units, and is scratch.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rnncli.kernels.cells.cell import Cell, HiddenAndMemory
from rnncli.kernels.cells.lstm import step, step_grad
from rnncli.kernels.cells.recurrence import add_recurrent, recurrent_grad
from rnncli.kernels.elementary import fma
from rnncli.kernels.jit import jit
from rnncli.kernels.steps import clear

EPSILON = 1e-5


@jit
def mean(x):
    """Return the mean of x (H,), added up in eight chains: in one, each sum would wait for the one before."""
    H, zero = x.size, x.dtype.type(0)
    s0, s1, s2, s3, s4, s5, s6, s7 = zero, zero, zero, zero, zero, zero, zero, zero
    whole = H // 8 * 8
    for j in range(0, whole, 8):
        s0 += x[j]
        s1 += x[j + 1]
        s2 += x[j + 2]
        s3 += x[j + 3]
        s4 += x[j + 4]
        s5 += x[j + 5]
        s6 += x[j + 6]
        s7 += x[j + 7]
    for j in range(whole, H):
        s0 += x[j]
    return (((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7))) / x.dtype.type(H)


@jit
def normalise(a, p, n, r):
    """Turn a (4H,) into y, and write n and r (4H,); p (4, H)."""
    H, one, epsilon = p.shape[1], a.dtype.type(1), a.dtype.type(EPSILON)
    for gate in range(4):
        first, last = gate * H, (gate + 1) * H
        x, gain, normed, scratch = a[first:last], p[gate], n[first:last], r[first:last]
        for j in range(H):
            scratch[j] = x[j] * x[j]
        # The root of a quotient: the quotient of a root may become an estimate, and those differ between CPUs.
        scale = np.sqrt(one / (mean(scratch) + epsilon))
        scratch[0] = scale
        for j in range(H):
            normed[j] = scale * x[j]
            x[j] = fma(gain[j], normed[j], normed[j])


@jit
def normalise_grad(a, p, n, r):
    """Turn dL/dy in a into dL/da, and n into dL/dy ⊙ n."""
    H = p.shape[1]
    for gate in range(4):
        first, last = gate * H, (gate + 1) * H
        d, gain, normed, scratch = a[first:last], p[gate], n[first:last], r[first:last]
        scale = scratch[0]
        # y = n + p·n
        for j in range(H):
            scratch[j] = fma(gain[j], d[j], d[j]) * normed[j]
        # n = r·a with dr/da = −r²·n / H
        along = mean(scratch)
        for j in range(H):
            dn = fma(gain[j], d[j], d[j])
            before = d[j] * normed[j]
            d[j] = scale * (dn - along * normed[j])
            normed[j] = before


@jit
def forward(arrays, weights, active, low, high):
    h, c, a, s, n, r = arrays.h, arrays.c, arrays.a, arrays.s, arrays.n, arrays.r
    for t in range(a.shape[0]):
        last = min(high, active[t])
        add_recurrent(h, a, weights, t, low, last)
        for b in range(low, last):
            normalise(a[t, b], weights.own, n[t, b], r[t, b])
            step(a[t, b], c[t, b], c[t + 1, b], s[t, b], h[t + 1, b], weights.capped)


@jit
def backward(arrays, gradients, weights, active, low, high):
    h, c, a, s, dh, dc = arrays.h, arrays.c, arrays.a, arrays.s, gradients.h, gradients.c
    n, r = arrays.n, arrays.r
    for t in range(a.shape[0] - 1, -1, -1):
        last = min(high, active[t])
        clear(a, t, max(low, last), high)
        clear(n, t, max(low, last), high)
        for b in range(low, last):
            # step(a[t, b], c[t, b], c[t + 1, b], s[t, b], h[t + 1, b], capped)
            step_grad(a[t, b], c[t, b], s[t, b], dh[t + 1, b], dc[t + 1, b], dc[t, b], weights.capped)
            # normalise(a[t, b], p, n[t, b], r[t, b])
            normalise_grad(a[t, b], weights.own, n[t, b], r[t, b])
        # a_t = … + h_{t−1}·U gives dh_{t−1} += da_t·Uᵀ
        recurrent_grad(a, h, dh, weights, t, low, last)


@jit
def own_gradient(arrays, gradient, low, high):
    """Compute units low ≤ j < high of the gradient of p, Σ dL/dy ⊙ n; those are zero beyond a sequence's end."""
    n, H = arrays.n, gradient.shape[1]
    gradient[:, low:high] = 0
    for t in range(n.shape[0]):
        for b in range(n.shape[1]):
            for gate in range(4):
                row, dp = n[t, b, gate * H : (gate + 1) * H], gradient[gate]
                for j in range(low, high):
                    dp[j] += row[j]


class RmsLstmArrays(NamedTuple):
    h: np.ndarray
    c: np.ndarray
    a: np.ndarray
    s: np.ndarray
    n: np.ndarray
    r: np.ndarray


CELL = Cell(
    name="rmslstm",
    arrays=RmsLstmArrays,
    states=HiddenAndMemory,
    saved={"a": 4, "s": 1, "n": 4, "r": 4},
    gate_names=("input", "forget", "candidate", "output"),
    initial_bias=(0.0, 1.0, 0.0, 0.0),
    chrono=(0, 0, 0, 0),
    forward=forward,
    backward=backward,
    caps=True,
    own={"weight_gain": 4},
    own_gradient=own_gradient,
)
