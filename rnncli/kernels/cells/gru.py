"""The gated recurrent unit of Cho et al. (2014), as PyTorch and cuDNN define it: the reset comes after the product.

    q   = h_{t−1}·U + b_hh
    r   = σ(a_r + q_r)           reset
    z   = σ(a_z + q_z)           update
    n   = tanh(a_n + r ⊙ q_n)    candidate
    h_t = (1 − z) ⊙ n + z ⊙ h_{t−1}

`a` holds x·W + b_ih in the order r, z, n before `forward`, the gates after it, and dL/da after `backward`. Because
of r ⊙ q_n the recurrent contributions are kept in an array of their own, `q`, which `backward` turns into dL/dq.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rnncli.kernels.cells.cell import Cell, Hidden
from rnncli.kernels.cells.recurrence import recurrent_grad, set_recurrent
from rnncli.kernels.elementary import sigmoid, tanh
from rnncli.kernels.jit import jit
from rnncli.kernels.steps import clear


@jit
def step(a, q, h_before, h):
    """Compute one sequence's step: a (3H,) becomes the gates r, z, n; h (H,) becomes the new state."""
    H = h.size
    r, z, n = a[:H], a[H : 2 * H], a[2 * H :]
    q_r, q_z, q_n = q[:H], q[H : 2 * H], q[2 * H :]
    for j in range(H):
        r[j] = sigmoid(r[j] + q_r[j])
        z[j] = sigmoid(z[j] + q_z[j])
        n[j] = tanh(n[j] + r[j] * q_n[j])
        h[j] = n[j] + z[j] * (h_before[j] - n[j])


@jit
def step_grad(a, q, h_before, dh, dh_before):
    """Turn the gates in a into da, and q into dq; add the direct path z ⊙ dh to dh_before."""
    H = dh.size
    one = a.dtype.type(1)
    r, z, n = a[:H], a[H : 2 * H], a[2 * H :]
    q_r, q_z, q_n = q[:H], q[H : 2 * H], q[2 * H :]
    for j in range(H):
        # h = n + z·(h_before − n)
        dn = dh[j] * (one - z[j]) * (one - n[j] * n[j])
        dz = dh[j] * (h_before[j] - n[j]) * z[j] * (one - z[j])
        dh_before[j] += dh[j] * z[j]
        # n = tanh(a_n + r·q_n)
        dr = dn * q_n[j] * r[j] * (one - r[j])
        q_n[j] = dn * r[j]
        # r = σ(a_r + q_r), z = σ(a_z + q_z)
        r[j] = q_r[j] = dr
        z[j] = q_z[j] = dz
        n[j] = dn


@jit
def forward(arrays, weights, active, low, high):
    h, a, q = arrays.h, arrays.a, arrays.q
    for t in range(a.shape[0]):
        last = min(high, active[t])
        set_recurrent(h, q, weights, t, low, last)
        for b in range(low, last):
            step(a[t, b], q[t, b], h[t, b], h[t + 1, b])


@jit
def backward(arrays, gradients, weights, active, low, high):
    h, a, q, dh = arrays.h, arrays.a, arrays.q, gradients.h
    for t in range(a.shape[0] - 1, -1, -1):
        last = min(high, active[t])
        clear(a, t, max(low, last), high)
        clear(q, t, max(low, last), high)
        for b in range(low, last):  # step(a[t, b], q[t, b], h[t, b], h[t + 1, b])
            step_grad(a[t, b], q[t, b], h[t, b], dh[t + 1, b], dh[t, b])
        # q_t = h_{t−1}·U + b_hh gives dh_{t−1} += dq_t·Uᵀ
        recurrent_grad(q, h, dh, weights, t, low, last)


class GruArrays(NamedTuple):
    h: np.ndarray
    a: np.ndarray
    q: np.ndarray


CELL = Cell(
    name="gru",
    arrays=GruArrays,
    states=Hidden,
    saved={"a": 3, "q": 3},
    gate_names=("reset", "update", "candidate"),
    initial_bias=(0.0, 0.0, 0.0),
    chrono=(0, 1, 0),
    forward=forward,
    backward=backward,
)
