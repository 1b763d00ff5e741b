"""Inverted dropout (Srivastava et al., 2014) whose mask is computed from counters, never stored.

The mask of element i is a 32-bit mix (Wellons' lowbias32) of i and a key that the caller derives from seed, update
and layer; the backward pass computes it again. 32-bit integers vectorise everywhere.

A mask that is held is the same at every step of a sequence (Gal and Ghahramani, 2016). A mask of rows drops tokens,
wherever in the batch they occur.
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
def apply(x, y, key, threshold, scale, held, low, high):
    """Set y[:, low:high] to x·scale where the noise is at least `threshold` (uint32, p·2³²), else to 0; x, y (T, B, H).

    The same call with x = y = dL/dy is the backward pass.
    """
    T, B, H = x.shape
    zero = x.dtype.type(0)
    for t in range(T):
        for b in range(low, high):
            start = (b if held else t * B + b) * H
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


@jit
def apply_to_rows(x, tokens, key, threshold, scale, low, high):
    """Multiply x[t, b] (T, B, N) by the mask of the row of its token; on a gradient, the backward pass."""
    zero = x.dtype.type(0)
    for t in range(x.shape[0]):
        for b in range(low, high):
            row = x[t, b]
            factor = scale if _noise(tokens[t, b], key) >= threshold else zero
            for j in range(row.size):
                row[j] *= factor


@jit
def gather_with_bias(table, bias, tokens, a, key, threshold, scale, low, high):
    """Compute a[t, b] = mask·table[tokens[t, b]] + bias, the mask being that of the row."""
    zero = a.dtype.type(0)
    for t in range(a.shape[0]):
        for b in range(low, high):
            row, out = table[tokens[t, b]], a[t, b]
            factor = scale if _noise(tokens[t, b], key) >= threshold else zero
            for j in range(out.size):
                out[j] = row[j] * factor + bias[j]


@jit
def apply_to_table(dtable, key, threshold, scale, first, last):
    """Multiply dtable (V, N)[:, first:last] by the mask of each row."""
    zero = dtable.dtype.type(0)
    for v in range(dtable.shape[0]):
        row = dtable[v, first:last]
        factor = scale if _noise(v, key) >= threshold else zero
        for j in range(row.size):
            row[j] *= factor
