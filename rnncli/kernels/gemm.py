"""Every matrix product of the project: packed panels and a register tile (Goto and van de Geijn, 2008).

The recurrent product is small, repeated T times, and always with the same weights, so the weights are packed once
per update: `[N/PANEL][K][PANEL]`, the last panel padded with zeros. A tile of up to 6 rows × one panel is held in
vector registers while it runs down K. Every output element is one chain of fused multiply-adds in the order of k,
whatever the tile, the panel or the vector width: neither threads nor the CPU change the bits.

    multiply              C = start + A · P    forward products and input gradients; P packed from B or from Bᵀ
    accumulate            C += A · P           recurrent products
    multiply_transposed   C = Aᵀ · B           weight gradients; B is packed on the fly, a block of rows at a time
    multiply_columns      C = A · B            products that use B once; B is packed on the fly too

float32 on a CPU with fused multiply-add uses the vector tile of `register_tile`; everything else (float64, other
CPUs, runs without the JIT) uses `plain_tile`.
"""

from __future__ import annotations

import numpy as np

from rnncli.kernels import register_tile
from rnncli.kernels.compiler import overload, types
from rnncli.kernels.jit import FLAGS, jit
from rnncli.kernels.register_tile import LANES, PANEL, ROWS

UNIT = LANES or 16  # columns: what a share of a weight gradient is counted in
# Rows and columns of B that are packed on the fly at a time: half a megabyte, which L2 holds.
DEPTH, WIDTH = 512, 256
SCRATCH = DEPTH * WIDTH
PREFETCHED = 6  # rows: the processor itself does not see that the next row, pages away, comes next


def panels(n: int) -> int:
    """Return the number of panels that hold `n` columns."""
    return (n + PANEL - 1) // PANEL


def packed_like(k: int, n: int, dtype: np.dtype) -> np.ndarray:
    """Return a buffer of zeros for a packed (k, n) matrix."""
    return np.zeros(panels(n) * k * PANEL, dtype)


def plain_copy_row(width, source, s_at, target, t_at):
    """Write source[s_at : s_at + width] and zeros to target[t_at : t_at + PANEL]; the reference for `copy_row`."""
    for j in range(width):
        target.flat[t_at + j] = source.flat[s_at + j]
    for j in range(width, PANEL):
        target.flat[t_at + j] = 0


def plain_tile(rows, width, a, a_at, a_row, a_step, packed, p_at, depth, start, start_at, start_row, c, c_at, c_row):
    """Compute c (rows, width ≤ PANEL) = start + a (rows, depth) · one panel; the readable reference for `tile`.

    The `_at` arguments count elements from the first of an array, whatever its shape: element (m, k) of `a` is at
    a_at + m·a_row + k·a_step, row m of `start` is at start_at + m·start_row, and so on.
    """
    for m in range(rows):
        for j in range(width):
            c.flat[c_at + m * c_row + j] = start.flat[start_at + m * start_row + j]
        for k in range(depth):
            x = a.flat[a_at + m * a_row + k * a_step]
            for j in range(width):
                c.flat[c_at + m * c_row + j] += x * packed.flat[p_at + k * PANEL + j]


def copy_row(width, source, s_at, target, t_at):
    """Write one row of a packed panel, by the code for the arguments' type."""
    plain_copy_row(width, source, s_at, target, t_at)


def tile(rows, width, a, a_at, a_row, a_step, packed, p_at, depth, start, start_at, start_row, c, c_at, c_row):
    """Compute one tile of a product, by the code for the arguments' type."""
    plain_tile(rows, width, a, a_at, a_row, a_step, packed, p_at, depth, start, start_at, start_row, c, c_at, c_row)


@jit
def plain_transpose(rows, columns, source, s_at, target, t_at, s_row):
    """target[t_at + j·PANEL + i] = source[s_at + i·s_row + j] for i < rows, j < columns."""
    for i in range(rows):
        for j in range(columns):
            target.flat[t_at + j * PANEL + i] = source.flat[s_at + i * s_row + j]


def transpose(source, s_at, target, t_at, s_row):
    """Transpose UNIT × UNIT elements into a panel, by the code for the arguments' type."""
    plain_transpose(UNIT, UNIT, source, s_at, target, t_at, s_row)


def prefetch(array, place):
    """Prefetch the cache line of element `place` of the flattened array; `place` may lie outside the array."""


@overload(prefetch, jit_options=FLAGS)
def _choose_prefetch(array, place):
    if LANES:
        return lambda array, place: register_tile.prefetch(array, place)
    return lambda array, place: None


@overload(copy_row, jit_options=FLAGS)
def _choose_copy_row(width, source, s_at, target, t_at):
    return register_tile.copy_row if source.dtype == types.float32 and LANES else plain_copy_row


@overload(transpose, jit_options=FLAGS)
def _choose_transpose(source, s_at, target, t_at, s_row):
    if source.dtype == types.float32 and LANES:
        return register_tile.transpose
    return lambda source, s_at, target, t_at, s_row: plain_transpose(UNIT, UNIT, source, s_at, target, t_at, s_row)


@overload(tile, jit_options=FLAGS)
def _choose_tile(rows, width, a, a_at, a_row, a_step, packed, p_at, depth, start, start_at, start_row, c, c_at, c_row):
    return register_tile.tile if a.dtype == types.float32 and LANES else plain_tile


@jit
def pack(b, packed, first, last):
    """Pack b (K, N) into panels first ≤ p < last of `packed`."""
    K, N = b.shape
    for p in range(first, last):
        for k in range(K):
            for j in range(0, PANEL, UNIT):
                prefetch(b, (k + PREFETCHED) * N + p * PANEL + j)
            copy_row(min(PANEL, N - p * PANEL), b, k * N + p * PANEL, packed, (p * K + k) * PANEL)


@jit
def pack_transposed(b, packed, first, last):
    """Pack bᵀ into panels first ≤ p < last of `packed`, b (N, K); the padding is not written and is zero already."""
    N, K = b.shape
    for p in range(first, last):
        for k in range(0, K, UNIT):
            for j in range(p * PANEL, min((p + 1) * PANEL, N), UNIT):
                rows, columns, t_at = min(UNIT, N - j), min(UNIT, K - k), (p * K + k) * PANEL + j - p * PANEL
                for i in range(rows):
                    prefetch(b, (j + i) * K + k + 4 * UNIT)
                if rows == UNIT and columns == UNIT:
                    transpose(b, j * K + k, packed, t_at, K)
                else:
                    plain_transpose(rows, columns, b, j * K + k, packed, t_at, K)


@jit
def _rows(rows, a, a_at, K, packed, start, start_at, start_row, c, c_at, N):
    """Compute consecutive rows of c (…, N) = start + a (…, K) · P in tiles of nearly equal height (25 = 5 × 5)."""
    count = (rows + ROWS - 1) // ROWS
    for p in range((N + PANEL - 1) // PANEL):
        j = p * PANEL
        width = min(PANEL, N - j)
        m = 0
        for i in range(count):
            height = (rows + i) // count
            tile(
                height,
                width,
                a,
                a_at + m * K,
                K,
                1,
                packed,
                j * K,
                K,
                start,
                start_at + m * start_row + j,
                start_row,
                c,
                c_at + m * N + j,
                N,
            )
            m += height


@jit
def _product(a, packed, start, start_row, c, first, last, low, high):
    """Compute c[t, b] = start[(t·B + b)·start_row:] + a[t, b] · P; the rows of whole batches run as one block."""
    B, K, N = a.shape[1], a.shape[2], c.shape[2]
    if low == 0 and high == B:
        row = first * B
        _rows((last - first) * B, a, row * K, K, packed, start, row * start_row, start_row, c, row * N, N)
    else:
        for t in range(first, last):
            row = t * B + low
            _rows(high - low, a, row * K, K, packed, start, row * start_row, start_row, c, row * N, N)


@jit
def multiply(a, packed, start, c, first, last, low, high):
    """Compute c[t, b] = start + a[t, b] · P for first ≤ t < last and low ≤ b < high.

    a (Ta, B, K), c (Tc, B, N), both C-contiguous; `packed` holds P (K, N); start (N,), a bias or zeros.
    """
    _product(a, packed, start, 0, c, first, last, low, high)


@jit
def accumulate(a, packed, c, first, last, low, high):
    """Compute c[t, b] += a[t, b] · P, with the arguments of `multiply`."""
    _product(a, packed, c, c.shape[2], c, first, last, low, high)


@jit
def _multiply_columns(a, a_row, a_step, M, R, b, c, first, last, scratch):
    """Compute c[m, first:last] = Σ_r a(m, r)·b[r, first:last]; a(m, r) is element m·a_row + r·a_step of `a`.

    The sum over R is one chain per element, interrupted only to store and reload it between blocks of rows.
    """
    N = b.shape[1]
    zeros = np.zeros(PANEL, a.dtype)
    count = (M + ROWS - 1) // ROWS
    for low in range(first, last, WIDTH):
        high = min(low + WIDTH, last)
        for r in range(0, R, DEPTH):
            depth = min(DEPTH, R - r)
            for k in range(depth):
                for j in range(low, high, UNIT):
                    prefetch(b, (r + k + PREFETCHED) * N + j)
                for j in range(low, high, PANEL):
                    copy_row(min(PANEL, high - j), b, (r + k) * N + j, scratch, (j - low) * depth + k * PANEL)
            for j in range(low, high, PANEL):
                m = 0
                for i in range(count):
                    height = (M + i) // count
                    c_at = m * N + j
                    place = (
                        height,
                        min(PANEL, high - j),
                        a,
                        m * a_row + r * a_step,
                        a_row,
                        a_step,
                        scratch,
                        (j - low) * depth,
                        depth,
                    )
                    if r == 0:
                        tile(*place, zeros, 0, 0, c, c_at, N)
                    else:
                        tile(*place, c, c_at, N, c, c_at, N)
                    m += height


@jit
def multiply_columns(a, b, c, first, last, scratch):
    """Compute c[:, first:last] = a · b[:, first:last]; a (M, R), b (R, N), c (M, N), scratch (SCRATCH,) to pack in."""
    M, R = a.shape
    _multiply_columns(a, R, 1, M, R, b, c, first, last, scratch)


@jit
def multiply_transposed(a, b, c, first, last, scratch):
    """Compute c[:, first:last] = aᵀ · b[:, first:last]; a (R, M), b (R, N), c (M, N), scratch (SCRATCH,) to pack in."""
    R, M = a.shape
    _multiply_columns(a, 1, M, M, R, b, c, first, last, scratch)
