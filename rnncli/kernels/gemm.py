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
CPUs, runs without the JIT) uses `plain_tile`. Panels and scratch of PAIR make it a product of bfloat16: both factors
are rounded when they enter it, and two steps of k are one of a tile (see `bfloat16`).
"""

from __future__ import annotations

import numpy as np

from rnncli.kernels import register_tile
from rnncli.kernels.bfloat16 import PAIR, first_of, second_of
from rnncli.kernels.compiler import overload, types
from rnncli.kernels.jit import FLAGS, jit
from rnncli.kernels.panel_rows import copy_row, pair_along, pair_row, plain_transpose, prefetch, transpose
from rnncli.kernels.register_tile import ROWS
from rnncli.kernels.vector_code import LANES, PANEL, UNIT

# Rows and columns of B that are packed on the fly at a time: half a megabyte, which L2 holds.
PRECISIONS = {"float32": np.dtype(np.float32), "bfloat16": PAIR}  # of the factors; what they are packed as
DEPTH, WIDTH = 512, 256
SCRATCH = DEPTH * WIDTH
LEFT = 1 << 17  # elements of the left factor that are read at a time: half a megabyte too
PREFETCHED = 6  # rows: the processor itself does not see that the next row, pages away, comes next


def panels(n: int) -> int:
    """Return the number of panels that hold `n` columns."""
    return (n + PANEL - 1) // PANEL


def packed_like(k: int, n: int, dtype: np.dtype) -> np.ndarray:
    """Return a buffer of zeros for a packed (k, n) matrix; PAIR for products of bfloat16."""
    if dtype == PAIR:
        register_tile.prepare_pairs()
        k = (k + 1) // 2
    return np.zeros(panels(n) * k * PANEL, dtype)


def scratch_like(dtype: np.dtype) -> np.ndarray:
    """Return what products that pack on the fly take for scratch; PAIR for products of bfloat16."""
    if dtype == PAIR:
        register_tile.prepare_pairs()
    return np.zeros(SCRATCH, dtype)


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


def plain_pair_tile(
    rows, width, a, a_at, a_row, a_step, packed, p_at, depth, start, start_at, start_row, c, c_at, c_row
):
    """Compute the same of pairs: the second of each first, and then the first; the reference for `pair_tile`."""
    for m in range(rows):
        for j in range(width):
            c.flat[c_at + m * c_row + j] = start.flat[start_at + m * start_row + j]
        for k in range(depth):
            x = a.flat[a_at + m * a_row + k * a_step]
            for j in range(width):
                b = packed.flat[p_at + k * PANEL + j]
                total = c.flat[c_at + m * c_row + j] + second_of(x) * second_of(b)
                c.flat[c_at + m * c_row + j] = total + first_of(x) * first_of(b)


# What differs between products of single values and of pairs; an `overload` chooses by the type of what is packed.


def tile(rows, width, a, a_at, a_row, a_step, packed, p_at, depth, start, start_at, start_row, c, c_at, c_row):
    """Compute one tile of a product."""
    of = plain_pair_tile if packed.dtype == PAIR else plain_tile
    of(rows, width, a, a_at, a_row, a_step, packed, p_at, depth, start, start_at, start_row, c, c_at, c_row)


def steps_of(K, packed):
    """Return how many steps of a tile K steps of k are."""
    return _pairs_of(K, packed) if packed.dtype == PAIR else K


def fill_row(width, b, at, row, k, K, packed, t_at):
    """Write step k of a panel: the one or two rows of b that it has, of K that are `row` apart from b.flat[at] on."""
    fill = _fill_row_of_pairs if packed.dtype == PAIR else _fill_row
    fill(width, b, at, row, k, K, packed, t_at)


def left(a, at, row, step, M, K, packed):
    """Return the left factor a(m, k) = a.flat[at + m·row + k·step] as a tile reads it: (array, at, row, step)."""
    return (_left_of_pairs if packed.dtype == PAIR else _left)(a, at, row, step, M, K, packed)


@overload(tile, jit_options=FLAGS)
def _choose_tile(rows, width, a, a_at, a_row, a_step, packed, p_at, depth, start, start_at, start_row, c, c_at, c_row):
    if packed.dtype == types.uint32:
        return register_tile.pair_tile if LANES else plain_pair_tile
    return register_tile.tile if a.dtype == types.float32 and LANES else plain_tile


@overload(steps_of, jit_options=FLAGS)
def _choose_steps_of(K, packed):
    return _pairs_of if packed.dtype == types.uint32 else lambda K, packed: K


@overload(fill_row, jit_options=FLAGS)
def _choose_fill_row(width, b, at, row, k, K, packed, t_at):
    return _fill_row_of_pairs if packed.dtype == types.uint32 else _fill_row


@overload(left, jit_options=FLAGS)
def _choose_left(a, at, row, step, M, K, packed):
    return _left_of_pairs if packed.dtype == types.uint32 else _left


def _pairs_of(K, packed):
    return (K + 1) // 2


def _fill_row(width, b, at, row, k, K, packed, t_at):
    for j in range(0, width, UNIT):
        prefetch(b, at + (k + PREFETCHED) * row + j)
    copy_row(width, b, at + k * row, packed, t_at)


def _fill_row_of_pairs(width, b, at, row, k, K, packed, t_at):
    low = at + 2 * k * row
    for j in range(0, width, UNIT):
        prefetch(b, low + PREFETCHED * row + j)
        prefetch(b, low + (PREFETCHED + 1) * row + j)
    if 2 * k + 1 == K:
        pair_row(width, b, low, np.zeros(PANEL, np.float32), 0, packed, t_at)
    else:
        pair_row(width, b, low, b, low + row, packed, t_at)


def _left(a, at, row, step, M, K, packed):
    return a, at, row, step


def _left_of_pairs(a, at, row, step, M, K, packed):
    depth = (K + 1) // 2
    pairs = np.empty(M * depth + PANEL, np.uint32)  # the last row of pairs may be filled up with zeros
    if step == 1:
        for m in range(M):
            pair_along(a, at + m * row, K, pairs, m * depth)
        return pairs, 0, depth, 1
    for k in range(depth):
        for m in range(0, M, PANEL):
            _pairs_across(min(PANEL, M - m), a, at + m, step, k, K, pairs, k * M + m)
    return pairs, 0, 1, M


_pairs_across = jit(_fill_row_of_pairs)


@jit
def pack(b, packed, first, last):
    """Pack b (K, N) into panels first ≤ p < last of `packed`."""
    K, N = b.shape
    depth = steps_of(K, packed)
    for p in range(first, last):
        for k in range(depth):
            fill_row(min(PANEL, N - p * PANEL), b, p * PANEL, N, k, K, packed, (p * depth + k) * PANEL)


@jit
def pack_transposed(b, packed, first, last):
    """Pack bᵀ into panels first ≤ p < last of `packed`, b (N, K); the padding is not written and is zero already."""
    N, K = b.shape
    depth = steps_of(K, packed)
    for p in range(first, last):
        height = min(PANEL, N - p * PANEL)
        rows, at, row, _ = left(b, p * PANEL * K, K, 1, height, K, packed)
        for k in range(0, depth, UNIT):
            for j in range(0, height, UNIT):
                r, columns, t_at = min(UNIT, height - j), min(UNIT, depth - k), (p * depth + k) * PANEL + j
                for i in range(r):
                    prefetch(rows, at + (j + i) * row + k + 4 * UNIT)
                if r == UNIT and columns == UNIT:
                    transpose(rows, at + j * row + k, packed, t_at, row)
                else:
                    plain_transpose(r, columns, rows, at + j * row + k, packed, t_at, row)


@jit
def _tiles(rows, a, a_at, a_row, a_step, packed, depth, start, start_at, start_row, c, c_at, N):
    """Compute rows of c (…, N) in tiles of nearly equal height (25 = 5 × 5)."""
    count = (rows + ROWS - 1) // ROWS
    for p in range((N + PANEL - 1) // PANEL):
        j = p * PANEL
        m = 0
        for i in range(count):
            height = (rows + i) // count
            tile(
                height,
                min(PANEL, N - j),
                a,
                a_at + m * a_row,
                a_row,
                a_step,
                packed,
                j * depth,
                depth,
                start,
                start_at + m * start_row + j,
                start_row,
                c,
                c_at + m * N + j,
                N,
            )
            m += height


@jit
def _rows(rows, a, a_at, K, packed, start, start_at, start_row, c, c_at, N):
    """Compute consecutive rows of c (…, N) = start + a (…, K) · P, as many at a time as the left factor may take."""
    depth = steps_of(K, packed)
    height = max(1, LEFT // depth)
    for low in range(0, rows, height):
        m = min(height, rows - low)
        x, at, row, step = left(a, a_at + low * K, K, 1, m, K, packed)
        _tiles(m, x, at, row, step, packed, depth, start, start_at + low * start_row, start_row, c, c_at + low * N, N)


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
    zeros = np.zeros(PANEL, c.dtype)
    count = (M + ROWS - 1) // ROWS
    for r in range(0, R, DEPTH):
        K = min(DEPTH, R - r)
        depth = steps_of(K, scratch)
        x, x_at, x_row, x_step = left(a, r * a_step, a_row, a_step, M, K, scratch)
        for low in range(first, last, WIDTH):
            high = min(low + WIDTH, last)
            for k in range(depth):
                for j in range(low, high, PANEL):
                    fill_row(min(PANEL, high - j), b, r * N + j, N, k, K, scratch, (j - low) * depth + k * PANEL)
            for j in range(low, high, PANEL):
                m = 0
                for i in range(count):
                    height = (M + i) // count
                    c_at = m * N + j
                    place = (
                        height,
                        min(PANEL, high - j),
                        x,
                        x_at + m * x_row,
                        x_row,
                        x_step,
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
