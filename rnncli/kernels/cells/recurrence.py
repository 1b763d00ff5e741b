"""The recurrent product, h_{t−1}·U, and what a layer may do to the recurrence of its cell, whatever the cell.

    locked    h_{t−1} is dropped out in the product, by one mask for all steps of a window (Gal and Ghahramani, 2016);
              what a cell keeps of h_{t−1} beside the product, as the gru does, is whole
    capped    i ← min(i, 1 − f): what the input gate lets in, the forget gate has made room for (Melis et al., 2018;
              the coupled gates of Greff et al., 2017, are its limit)

Each is a field of `Weights`, None where it is not wanted. Of an argument that is None, numba compiles only what such
a call does: a layer without them runs the code that it would run if this file did not exist.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rnncli.kernels.gemm import accumulate, multiply
from rnncli.kernels.jit import jit
from rnncli.kernels.steps import clear


class Locked(NamedTuple):
    """Dropout of h_{t−1}: mask (B, H), 0 or 1 / (1 − p), and the products of both, h (T, B, H)."""

    mask: np.ndarray
    h: np.ndarray


@jit
def add_recurrent(h, a, weights, t, low, high):
    """Compute a_t += h_{t−1}·U for sequences low ≤ b < high; h (T+1, B, H), a (T, B, N)."""
    accumulate(_before(h, weights.locked, t, low, high), weights.recurrent, a, t, t + 1, low, high)


@jit
def set_recurrent(h, q, weights, t, low, high):
    """Compute q_t = h_{t−1}·U + b_hh, like `add_recurrent`."""
    multiply(_before(h, weights.locked, t, low, high), weights.recurrent, weights.bias, q, t, t + 1, low, high)


@jit
def recurrent_grad(da, h, dh, weights, t, low, high):
    """Add da_t·Uᵀ to dh_{t−1}, the backward pass of both; weights.recurrent holds Uᵀ."""
    _add_grad(da, weights.recurrent, h, dh, weights.locked, t, low, high)


@jit
def _before(h, locked, t, low, high):
    """Return an array whose row t is what the product of step t reads."""
    if locked is None:
        return h
    _lock(h, locked, t, low, high)
    return locked.h


@jit
def _lock(h, locked, t, low, high):
    for b in range(low, high):
        source, mask, target = h[t, b], locked.mask[b], locked.h[t, b]
        for j in range(target.size):
            target[j] = mask[j] * source[j]


@jit
def _add_grad(da, packed, h, dh, locked, t, low, high):
    if locked is None:
        accumulate(da, packed, dh, t, t + 1, low, high)
        return
    # The gradient of mask ⊙ h stands for a moment where the gradient of U will look for mask ⊙ h itself.
    clear(locked.h, t, low, high)
    accumulate(da, packed, locked.h, t, t + 1, low, high)
    for b in range(low, high):
        gradient, mask, target = locked.h[t, b], locked.mask[b], dh[t, b]
        for j in range(target.size):
            target[j] += mask[j] * gradient[j]
    _lock(h, locked, t, low, high)


@jit
def let_in(i, f, one, capped):
    """Return what the input gate lets in, i or min(i, 1 − f)."""
    if capped is None:
        return i
    return one - f if i > one - f else i  # a NaN stays


@jit
def let_in_grad(di, df, i, f, one, capped):
    """Return (di, df), the gradients of the gates, for di of what was let in, i."""
    if capped is None:
        return di, df
    # Where 1 − f was the smaller one, what was let in does not depend on the input gate.
    return (one - one, df - di) if i >= one - f else (di, df)
