"""The matrix product against numpy in float64, over every kind of tail, and the same bits however it is split.

A kind of product is the type of what is packed: that of the factors, or PAIR for factors in bfloat16.
"""

import itertools
import re

import numpy as np
import pytest

from rnncli.kernels import gemm, register_tile
from rnncli.kernels.bfloat16 import PAIR, rounded
from rnncli.kernels.gemm import DEPTH, SCRATCH, WIDTH
from rnncli.kernels.jit import enabled, jit, numba
from rnncli.kernels.vector_code import HAS_BFLOAT, LANES, PANEL, UNIT, VECTORS

KINDS = [np.dtype(np.float32), np.dtype(np.float64), pytest.param(PAIR, marks=pytest.mark.thorough)]
WIDTHS = [1, UNIT, PANEL - UNIT + 1, PANEL - 1, PANEL, 2 * PANEL + 3]
UNTOUCHED = 7.25

needs_jit = pytest.mark.skipif(not enabled(), reason="too slow without the JIT")
needs_vector_tile = pytest.mark.skipif(
    not (enabled() and LANES), reason="without the JIT or FMA there is no vector tile"
)


def normal(seed, *shape, dtype=np.float64):
    return np.random.default_rng(seed).normal(0, 1, shape).astype(dtype)


def values_of(kind):
    """The type of the values that a kind of product is of."""
    return np.dtype(np.float32) if kind == PAIR else kind


def packed(b, kind):
    buffer = gemm.packed_like(*b.shape, kind)
    gemm.pack(b, buffer, 0, gemm.panels(b.shape[1]))
    return buffer


def as_factor(x, kind):
    """The values of x that a product of this kind multiplies, in float64."""
    if kind != PAIR:
        return x.astype(float)
    bits = np.vectorize(rounded, otypes=[np.uint32])(x.astype(np.float32)) & np.uint32(0xFFFF0000)
    return bits.view(np.float32).astype(float)


def product(a, packed, c, times, sequences, start):
    """`multiply` from the values in `start` (N,), or `accumulate` where it is None."""
    if start is None:
        gemm.accumulate(a, packed, c, *times, *sequences)
    else:
        gemm.multiply(a, packed, start, c, *times, *sequences)


def assert_product(got, a, b, kind, before=None):
    """|got − (before + a·b)| within the a-priori rounding bound of a chain of K additions, element by element."""
    a, b = as_factor(a, kind), as_factor(b, kind)
    before = np.float64(0) if before is None else before.astype(float)
    bound = (a.shape[-1] + 1) * np.finfo(got.dtype).eps * (np.abs(a) @ np.abs(b) + np.abs(before))
    assert (np.abs(got - (a @ b + before)) <= bound).all()


def filled_scratch(kind):
    scratch = gemm.scratch_like(kind)
    scratch[...] = 7 if kind == PAIR else np.nan
    return scratch


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("N", WIDTHS)
def test_packed_panels_hold_the_matrix_and_zeros(N, kind):
    dtype = values_of(kind)
    b = normal(0, 3, N, dtype=dtype)
    panels = packed(b, kind).reshape(gemm.panels(N), -1, PANEL)
    side_by_side = np.concatenate(list(panels), axis=1)
    if kind == PAIR:
        assert np.array_equal((side_by_side << np.uint32(16)).view(np.float32)[:, :N], as_factor(b, kind)[::2])
        side_by_side &= np.uint32(0xFFFF0000)
        assert np.array_equal(side_by_side.view(np.float32)[:1, :N], as_factor(b, kind)[1::2])
        assert not side_by_side[1].any()  # beside the last row
    else:
        assert np.array_equal(side_by_side[:, :N], b)
    assert not side_by_side[:, N:].any()

    transposed = gemm.packed_like(3, N, kind)
    gemm.pack_transposed(np.ascontiguousarray(b.T), transposed, 0, gemm.panels(N))
    assert np.array_equal(transposed, packed(b, kind))


@pytest.mark.parametrize("kind", KINDS)
def test_packing_in_shares_is_packing(kind):
    dtype = values_of(kind)
    b = normal(0, 70, 2 * PANEL + 3, dtype=dtype)
    for pack, matrix in ((gemm.pack, b), (gemm.pack_transposed, np.ascontiguousarray(b.T))):
        shares = gemm.packed_like(*b.shape, kind)
        pack(matrix, shares, 1, 3)
        assert not shares[: (35 if kind == PAIR else 70) * PANEL].any()
        pack(matrix, shares, 0, 1)
        assert np.array_equal(shares, packed(b, kind))


@pytest.mark.parametrize("accumulate", [False, True])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("N", WIDTHS)
@pytest.mark.parametrize("K", [1, 5])
def test_a_product_for_every_height_and_width_of_tile(K, N, kind, accumulate):
    dtype = values_of(kind)
    for rows in range(1, 14):
        a, b, bias = normal(1, 1, rows, K, dtype=dtype), normal(2, K, N, dtype=dtype), normal(4, N, dtype=dtype)
        before = normal(3, 1, rows, N, dtype=dtype)
        c = before.copy()
        product(a, packed(b, kind), c, (0, 1), (0, rows), None if accumulate else bias)
        assert_product(c, a, b, kind, before if accumulate else bias)


@pytest.mark.parametrize("accumulate", [False, True])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("times", [(0, 1), (1, 3), (0, 4)])
@pytest.mark.parametrize("sequences", [(0, 5), (0, 2), (2, 5), (3, 4)])
def test_a_product_of_a_range_touches_no_other_row(times, sequences, kind, accumulate):
    dtype = values_of(kind)
    N = PANEL + 3
    a, b = normal(1, 5, 5, 7, dtype=dtype), normal(2, 7, N, dtype=dtype)
    c = np.full((4, 5, N), UNTOUCHED, dtype)
    product(a, packed(b, kind), c, times, sequences, None if accumulate else np.zeros(N, dtype))
    inside = np.zeros(c.shape[:2], bool)
    inside[slice(*times), slice(*sequences)] = True
    assert (c[~inside] == UNTOUCHED).all()
    assert_product(c[inside], a[:4][inside], b, kind, np.full(N, UNTOUCHED if accumulate else 0))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("accumulate", [False, True])
def test_a_product_has_the_same_bits_wherever_the_batch_is_split(kind, accumulate):
    dtype = values_of(kind)
    a, b = normal(1, 2, 9, 6, dtype=dtype), packed(normal(2, 6, PANEL + 5, dtype=dtype), kind)
    before = normal(3, 2, 9, PANEL + 5, dtype=dtype)
    start = None if accumulate else normal(4, PANEL + 5, dtype=dtype)
    whole = before.copy()
    product(a, b, whole, (0, 2), (0, 9), start)
    for at in range(1, 9):
        split = before.copy()
        product(a, b, split, (0, 2), (0, at), start)
        product(a, b, split, (0, 2), (at, 9), start)
        assert np.array_equal(whole, split), at


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("N", WIDTHS)
@pytest.mark.parametrize(("R", "M"), [(1, 1), (5, 13), (DEPTH, 2), (DEPTH + 1, 7)])
def test_products_packed_on_the_fly_overwrite(R, M, N, kind):
    dtype = values_of(kind)
    a, b = normal(1, R, M, dtype=dtype), normal(2, R, N, dtype=dtype)
    c, scratch = np.full((M, N), UNTOUCHED, dtype), filled_scratch(kind)
    gemm.multiply_transposed(a, b, c, 0, N, scratch)
    assert_product(c, a.T, b, kind)
    c[...], scratch = UNTOUCHED, filled_scratch(kind)
    gemm.multiply_columns(np.ascontiguousarray(a.T), b, c, 0, N, scratch)
    assert_product(c, a.T, b, kind)


@needs_jit
def test_multiply_transposed_of_more_columns_than_are_packed_at_a_time():
    R, M, N = 3, 2, WIDTH + PANEL + 1
    a, b = normal(1, R, M, dtype=np.float32), normal(2, R, N, dtype=np.float32)
    c = np.full((M, N), UNTOUCHED, np.float32)
    gemm.multiply_transposed(a, b, c, 0, N, np.full(SCRATCH, np.nan, np.float32))
    assert_product(c, a.T, b, np.dtype(np.float32))


@pytest.mark.parametrize("kind", KINDS)
def test_multiply_transposed_in_shares_of_columns(kind):
    dtype = values_of(kind)
    R, M, N = DEPTH + 3, 3, 2 * PANEL + 3
    a, b, scratch = normal(1, R, M, dtype=dtype), normal(2, R, N, dtype=dtype), gemm.scratch_like(kind)
    whole = np.zeros((M, N), dtype)
    gemm.multiply_transposed(a, b, whole, 0, N, scratch)
    for edge in (UNIT, PANEL, PANEL + UNIT):
        one = np.full((M, N), UNTOUCHED, dtype)
        gemm.multiply_transposed(a, b, one, edge, 2 * PANEL, scratch)
        assert (one[:, :edge] == UNTOUCHED).all()
        assert (one[:, 2 * PANEL :] == UNTOUCHED).all()
        gemm.multiply_transposed(a, b, one, 2 * PANEL, N, scratch)
        gemm.multiply_transposed(a, b, one, 0, edge, scratch)
        assert np.array_equal(whole, one)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_and_infinity_reach_their_row_and_column_only(bad, kind):
    dtype = values_of(kind)
    a, b = np.abs(normal(1, 1, 8, 6, dtype=dtype)), np.abs(normal(2, 6, PANEL + 2, dtype=dtype))
    a[0, 2, 5] = bad
    b[3, PANEL + 1] = bad
    c = np.zeros((1, 8, PANEL + 2), dtype)
    with np.errstate(invalid="ignore"):  # the JIT-off run multiplies infinities as numpy scalars
        gemm.multiply(a, packed(b, kind), np.zeros(PANEL + 2, dtype), c, 0, 1, 0, 8)
    wanted = np.zeros((8, PANEL + 2), bool)
    wanted[2] = wanted[:, PANEL + 1] = True
    assert np.array_equal(~np.isfinite(c[0]), wanted)


def twins(kind):
    """The plain tile and the register tile of a kind of product, compiled."""
    if kind == PAIR:
        register_tile.prepare_pairs()
        return jit(gemm.plain_pair_tile), jit(register_tile.pair_tile)
    return jit(gemm.plain_tile), jit(register_tile.tile)


@needs_vector_tile
@pytest.mark.thorough
@pytest.mark.parametrize("kind", [np.dtype(np.float32), PAIR])
def test_the_register_tile_has_the_bits_of_the_plain_one(kind):
    depth = 37
    panel = as_packed(normal(2, 2 * depth * PANEL), kind)
    for rows, width in itertools.product(range(1, register_tile.ROWS + 1), range(1, PANEL + 1)):
        for a_row, a_step in ((depth, 1), (1, rows)):  # A as stored, and transposed
            a, bias = as_packed(normal(1, 2 * rows * depth), kind), normal(4, width, dtype=np.float32)
            results = []
            for tile in twins(kind):
                c = normal(3, rows * PANEL, dtype=np.float32)
                tile(rows, width, a, 0, a_row, a_step, panel, 0, depth, c, 0, PANEL, c, 0, PANEL)
                from_bias = np.full(rows * width, np.nan, np.float32)
                tile(rows, width, a, 0, a_row, a_step, panel, 0, depth, bias, 0, 0, from_bias, 0, width)
                results.append((c, from_bias))
            for of_plain, of_register in zip(*results, strict=True):
                assert np.array_equal(of_plain, of_register), (rows, width)


def as_packed(values, kind):
    """The values as elements of a panel, two of them in a pair."""
    if kind != PAIR:
        return values.astype(kind)
    bits = np.vectorize(rounded, otypes=[np.uint32])(values.astype(np.float32)) >> np.uint32(16)
    return bits[::2] | (bits[1::2] << np.uint32(16))


VECTOR_CODE = {16: r"vfmadd\d+ps.*%zmm", 8: r"vfmadd\d+ps.*%ymm", 4: r"fmla\.4s|fmla\s+v\d+\.4s"}


@needs_vector_tile
@pytest.mark.parametrize(
    ("by_pointers", "signature", "pattern", "times"),
    [
        (register_tile.floats_by_pointers, register_tile.FLOATS.signature, VECTOR_CODE.get(LANES), 1),
        (register_tile.pairs_by_pointers, register_tile.PAIRS.signature, VECTOR_CODE.get(LANES), 2),
        pytest.param(
            register_tile.dots_by_pointers,
            register_tile.DOTS.signature,
            r"vdpbf16ps.*%zmm",
            1,
            marks=pytest.mark.skipif(not HAS_BFLOAT, reason="the CPU has no such instruction"),
        ),
    ],
)
def test_products_are_compiled_to_vector_instructions(by_pointers, signature, pattern, times):
    fresh = numba.cfunc(signature)(by_pointers)  # cached code cannot be inspected
    assembly = fresh._library.get_asm_str()
    tiles = itertools.product(range(1, register_tile.ROWS + 1), range(1, VECTORS + 1))
    assert len(re.findall(pattern, assembly)) >= times * sum(rows * vectors for rows, vectors in tiles)
