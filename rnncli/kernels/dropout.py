"""Inverted dropout (Srivastava et al., 2014) whose mask is computed from counters, never stored.

The mask of element i is a 32-bit mix (Wellons' lowbias32) of i and a key that the caller derives from seed, update
and layer; the backward pass computes it again. 32-bit integers vectorise everywhere.
"""

from __future__ import annotations

import numpy as np

from rnncli.kernels.jit import jit

u32 = np.uint32
M1, M2, S16, S15 = u32(0x7FEB352D), u32(0x846CA68B), u32(16), u32(15)


@jit
def _noise(i, key):
    x = u32(i) ^ key
    x = u32((x ^ u32(x >> S16)) * M1)
    x = u32((x ^ u32(x >> S15)) * M2)
    return u32(x ^ u32(x >> S16))


@jit
def apply(x, y, key, threshold, scale, low, high):
    """Set y[:, low:high] to x·scale where the noise is at least `threshold` (uint32, p·2³²), else to 0; x, y (T, B, H).

    The same call with x = y = dL/dy is the backward pass.
    """
    T, B, H = x.shape
    zero = x.dtype.type(0)
    for t in range(T):
        for b in range(low, high):
            start = (t * B + b) * H
            row, out = x[t, b], y[t, b]
            for j in range(H):
                out[j] = row[j] * scale if _noise(start + j, key) >= threshold else zero


@jit
def apply_to_columns(x, y, key, threshold, scale, first, last):
    """Set y[:, first:last] to x·scale or to 0, like `apply`, for matrices x, y (K, N)."""
    K, N = x.shape
    zero = x.dtype.type(0)
    for k in range(K):
        row, out = x[k], y[k]
        for j in range(first, last):
            out[j] = row[j] * scale if _noise(k * N + j, key) >= threshold else zero
