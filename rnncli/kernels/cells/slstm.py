"""The scalar-memory cell of xLSTM (Beck et al., 2024): exponential input gate, normaliser, stabiliser; one head.

    a   = x_t·W + b_ih + b_hh + h_{t−1}·U      in the order i, f, z, o
    m_t = max(log σ(a_f) + m_{t−1}, a_i)       stabiliser: the log of a scale of c and n, so that no exp overflows
    i   = exp(a_i − m_t),  f = exp(log σ(a_f) + m_{t−1} − m_t),  z = tanh(a_z),  o = σ(a_o)
    c_t = f ⊙ c_{t−1} + i ⊙ z
    n_t = f ⊙ n_{t−1} + i                      normaliser: the sum of the weights in c_t
    h_t = o ⊙ c_t / n_t

If nothing was weighed yet, n_{t−1} = 0, there is no scale: m_t = a_i, f = 0. From then on n ≥ 1, because i or f is 1
in every step. `a` holds the gates after `forward` and dL/da after `backward`; `s` keeps 1 − σ(a_f).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rnncli.kernels.cells.cell import Cell
from rnncli.kernels.cells.recurrence import add_recurrent, recurrent_grad
from rnncli.kernels.elementary import exp, fma, log_sigmoid, sigmoid, tanh
from rnncli.kernels.jit import jit
from rnncli.kernels.steps import clear


@jit
def step(a, s, c_before, n_before, m_before, c, n, m, h):
    """Compute one step of a sequence: a (4H,) becomes the gates i, f, z, o; s, c, n, m and h (H,) are written."""
    H = h.size
    zero = a.dtype.type(0)
    i, f, z, o = a[:H], a[H : 2 * H], a[2 * H : 3 * H], a[3 * H :]
    for j in range(H):
        begun = n_before[j] > zero
        kept = log_sigmoid(f[j]) + m_before[j]
        m[j] = max(kept, i[j]) if begun else i[j]
        s[j] = sigmoid(-f[j])
        i[j] = exp(i[j] - m[j])
        f[j] = exp(kept - m[j]) if begun else zero
        z[j] = tanh(z[j])
        o[j] = sigmoid(o[j])
        c[j] = fma(f[j], c_before[j], i[j] * z[j])
        n[j] = f[j] * n_before[j] + i[j]
        h[j] = o[j] * (c[j] / n[j])


@jit
def step_grad(a, s, c_before, n_before, c, n, dh, dc, dn, dm, dc_before, dn_before, dm_before):
    """Turn the gates in a into da, and write the gradients of the states before; dc, dn, dm come from later steps.

    With u = log σ(a_f) + m_before: i = e^(a_i − m), f = e^(u − m) and m = max(u, a_i), so that the gradient of m,
    dm − dc·c − dn·n, goes to the larger of u and a_i. It is zero if the loss reads h alone, because m cancels in
    c / n.
    """
    H = dh.size
    zero, one = a.dtype.type(0), a.dtype.type(1)
    i, f, z, o = a[:H], a[H : 2 * H], a[2 * H : 3 * H], a[3 * H :]
    for j in range(H):
        # h = o·c / n
        mean = c[j] / n[j]
        do = dh[j] * mean * o[j] * (one - o[j])
        scaled = dh[j] * o[j] / n[j]
        Dc, Dn = dc[j] + scaled, dn[j] - scaled * mean
        # c = f·c_before + i·z, n = f·n_before + i
        di, df = i[j] * fma(Dc, z[j], Dn), f[j] * fma(Dc, c_before[j], Dn * n_before[j])
        gained = dm[j] - fma(Dc, c[j], Dn * n[j])
        keeps = f[j] == one
        di += zero if keeps else gained
        df += gained if keeps else zero
        dc_before[j], dn_before[j], dm_before[j] = Dc * f[j], Dn * f[j], df
        z[j] = Dc * i[j] * (one - z[j] * z[j])
        # d log σ(a_f) / da_f = 1 − σ(a_f)
        i[j], f[j], o[j] = di, df * s[j], do


@jit
def forward(arrays, weights, active, low, high):
    h, c, n, m, a, s = arrays.h, arrays.c, arrays.n, arrays.m, arrays.a, arrays.s
    for t in range(a.shape[0]):
        last = min(high, active[t])
        add_recurrent(h, a, weights, t, low, last)
        for b in range(low, last):
            before, after = (t, b), (t + 1, b)
            step(a[before], s[before], c[before], n[before], m[before], c[after], n[after], m[after], h[after])


@jit
def backward(arrays, gradients, weights, active, low, high):
    h, c, n, a, s = arrays.h, arrays.c, arrays.n, arrays.a, arrays.s
    dh, dc, dn, dm = gradients.h, gradients.c, gradients.n, gradients.m
    for t in range(a.shape[0] - 1, -1, -1):
        last = min(high, active[t])
        clear(a, t, max(low, last), high)
        for b in range(low, last):
            before, after = (t, b), (t + 1, b)
            step_grad(
                a[before],
                s[before],
                c[before],
                n[before],
                c[after],
                n[after],
                dh[after],
                dc[after],
                dn[after],
                dm[after],
                dc[before],
                dn[before],
                dm[before],
            )
        # a_t = … + h_{t−1}·U gives dh_{t−1} += da_t·Uᵀ
        recurrent_grad(a, h, dh, weights, t, low, last)


class SlstmArrays(NamedTuple):
    h: np.ndarray
    c: np.ndarray
    n: np.ndarray
    m: np.ndarray
    a: np.ndarray
    s: np.ndarray


class SlstmStates(NamedTuple):
    h: np.ndarray
    c: np.ndarray
    n: np.ndarray
    m: np.ndarray


CELL = Cell(
    name="slstm",
    arrays=SlstmArrays,
    states=SlstmStates,
    saved={"a": 4, "s": 1},
    gate_names=("input", "forget", "candidate", "output"),
    initial_bias=(0.0, 1.0, 0.0, 0.0),
    chrono=(-1, 1, 0, 0),
    forward=forward,
    backward=backward,
)
