"""Every matrix product of the project: packed panels and a register tile (Goto and van de Geijn, 2008).

The recurrent product is small, repeated T times, and always with the same weights, so these are packed once per
update: `[N/PANEL][K][PANEL]`, the last panel padded with zeros. A tile of up to 6 rows × one panel is held in vector
registers while it runs down K. Every output element is one chain of fused multiply-adds in the order of k, whatever
the tile, the panel or the vector width: neither threads nor the CPU change the bits.

    multiply              C (+)= A · P        forward products and input gradients; P packed from B or from Bᵀ
    multiply_transposed   C (+)= Aᵀ · B       weight gradients; B is packed on the fly, 256 rows at a time

float32 on a CPU with fused multiply-add uses the vector tile of `register_tile`; everything else (float64, odd
CPUs, runs without the JIT) uses `plain_tile`.
"""

from __future__ import annotations

import numpy as np
from numba import types
from numba.extending import overload

from rnncli.kernels import register_tile
from rnncli.kernels.jit import FLAGS, jit
from rnncli.kernels.register_tile import PANEL

ROWS = 6  # 6 rows × 4 vectors = 24 accumulators of AVX-512's 32 registers
BLOCK = 256  # rows of B packed at a time by multiply_transposed: 64 KB, which L2 holds
SCRATCH = BLOCK * PANEL  # elements of the buffer that multiply_transposed packs into


def panels(n: int) -> int:
    """How many panels hold `n` columns."""
    return (n + PANEL - 1) // PANEL


def packed_like(k: int, n: int, dtype: np.dtype) -> np.ndarray:
    """A buffer for a packed (k, n) matrix."""
    return np.zeros(panels(n) * k * PANEL, dtype)


@jit
def pack(b, packed):
    """b (K, N) into panels."""
    K, N = b.shape
    for p in range((N + PANEL - 1) // PANEL):
        width = min(PANEL, N - p * PANEL)
        for k in range(K):
            for j in range(width):
                packed[(p * K + k) * PANEL + j] = b[k, p * PANEL + j]


@jit
def pack_transposed(b, packed):
    """bᵀ into panels, b (N, K)."""
    N, K = b.shape
    for p in range((N + PANEL - 1) // PANEL):
        for j in range(min(PANEL, N - p * PANEL)):
            for k in range(K):
                packed[(p * K + k) * PANEL + j] = b[p * PANEL + j, k]


def plain_tile(rows, a, a_at, a_row, a_step, packed, p_at, depth, c, c_at, c_row, accumulate):
    """c (rows, PANEL) (+)= a (rows, depth) · one panel; the readable truth of `register_tile`.

    `a` and `c` are flat; element (m, k) of `a` is at a_at + m·a_row + k·a_step.
    """
    for m in range(rows):
        if not accumulate:
            for j in range(PANEL):
                c[c_at + m * c_row + j] = 0
        for k in range(depth):
            x = a[a_at + m * a_row + k * a_step]
            for j in range(PANEL):
                c[c_at + m * c_row + j] += x * packed[p_at + k * PANEL + j]


def tile(rows, a, a_at, a_row, a_step, packed, p_at, depth, c, c_at, c_row, accumulate):
    """The tile for the arguments' type."""
    plain_tile(rows, a, a_at, a_row, a_step, packed, p_at, depth, c, c_at, c_row, accumulate)


@overload(tile, jit_options={name: FLAGS[name] for name in ("nogil", "fastmath", "error_model")})
def _choose_tile(rows, a, a_at, a_row, a_step, packed, p_at, depth, c, c_at, c_row, accumulate):
    if a.dtype == types.float32 and register_tile.LANES:
        return register_tile.dispatch
    return plain_tile


@jit
def _panel(rows, a, a_at, a_row, a_step, packed, p_at, depth, c, c_at, c_row, width, accumulate, edge):
    """c (rows, width ≤ PANEL) (+)= a · one panel, in tiles of nearly equal height (25 rows are five times 5).

    A panel that is not full goes through `edge` (ROWS·PANEL,), because a tile writes whole panels.
    """
    count = (rows + ROWS - 1) // ROWS
    short, taller = rows // count, rows % count
    m = 0
    for i in range(count):
        height = short + 1 if i < taller else short
        if width == PANEL:
            tile(height, a, a_at + m * a_row, a_row, a_step, packed, p_at, depth,
                 c, c_at + m * c_row, c_row, accumulate)  # fmt: skip
        else:
            if accumulate:
                for r in range(height):
                    for j in range(width):
                        edge[r * PANEL + j] = c[c_at + (m + r) * c_row + j]
            tile(height, a, a_at + m * a_row, a_row, a_step, packed, p_at, depth, edge, 0, PANEL, accumulate)
            for r in range(height):
                for j in range(width):
                    c[c_at + (m + r) * c_row + j] = edge[r * PANEL + j]
        m += height


@jit
def multiply(a, packed, c, first, last, low, high, accumulate):
    """c[t, b] (+)= a[t, b] · P for first ≤ t < last and low ≤ b < high.

    a (Ta, B, K), c (Tc, B, N), both C-contiguous; `packed` holds P (K, N). Rows of whole batches run as one block.
    """
    B, K, N = a.shape[1], a.shape[2], c.shape[2]
    flat_a, flat_c = a.reshape(-1), c.reshape(-1)
    edge = np.zeros(ROWS * PANEL if N % PANEL else 0, a.dtype)
    whole = low == 0 and high == B
    for p in range((N + PANEL - 1) // PANEL):
        width = min(PANEL, N - p * PANEL)
        if whole:
            _panel((last - first) * B, flat_a, first * B * K, K, 1, packed, p * K * PANEL, K,
                   flat_c, first * B * N + p * PANEL, N, width, accumulate, edge)  # fmt: skip
        else:
            for t in range(first, last):
                _panel(high - low, flat_a, (t * B + low) * K, K, 1, packed, p * K * PANEL, K,
                       flat_c, (t * B + low) * N + p * PANEL, N, width, accumulate, edge)  # fmt: skip


@jit
def multiply_transposed(a, b, c, first_panel, last_panel, scratch):
    """c[:, panels] = aᵀ · b[:, panels], a (R, M), b (R, N), c (M, N); `scratch` (SCRATCH,) takes packed rows.

    The sum over R is one chain per element, interrupted only by storing and loading it between blocks of rows.
    """
    R, M = a.shape
    N = b.shape[1]
    flat_a, flat_c = a.reshape(-1), c.reshape(-1)
    edge = np.zeros(ROWS * PANEL if N % PANEL else 0, a.dtype)
    for p in range(first_panel, last_panel):
        width = min(PANEL, N - p * PANEL)
        for r in range(0, R, BLOCK):
            depth = min(BLOCK, R - r)
            for k in range(depth):
                for j in range(width):
                    scratch[k * PANEL + j] = b[r + k, p * PANEL + j]
                for j in range(width, PANEL):
                    scratch[k * PANEL + j] = 0
            _panel(M, flat_a, r * M, 1, M, scratch, 0, depth, flat_c, p * PANEL, N, width, r > 0, edge)
