"""bfloat16: rounding by its definition, and the same bits by an instruction for pairs as by two for float32."""

import math

import numpy as np
import pytest

from rnncli.kernels import denormals, register_tile
from rnncli.kernels.bfloat16 import first_of, pair, rounded, second_of
from rnncli.kernels.jit import address_of, enabled, jit
from rnncli.kernels.panel_rows import pair_along, pair_row, plain_pair_row
from rnncli.kernels.register_tile import DOTS, PAIRS, ROWS, dots_by_pointers, pairs_by_pointers, run_at
from rnncli.kernels.vector_code import HAS_BFLOAT, LANES, PANEL, UNIT

UPPER = np.uint32(0xFFFF0000)
needs_jit = pytest.mark.skipif(not enabled(), reason="too slow without the JIT")


def of_bits(bits):
    return np.asarray(bits, np.uint32).view(np.float32)


def hard(seed, n):
    """Floats of random bits, ties between two bfloat16, numbers near the ends of the range, infinities; no NaN."""
    rng = np.random.default_rng(seed)
    bits = rng.integers(0, 1 << 32, n, np.uint32, endpoint=False)
    ties = (bits & UPPER) | np.uint32(0x8000)
    ends = np.uint32(
        [0, 1 << 31, 1, 0x7F7FFFFF, 0xFF7FFFFF, 0x7F800000, 0xFF800000, 0x00800000, 0x007FFFFF, 0x7F7F8000]
    )
    chosen = np.where(rng.random(n) < 0.2, ties, bits)
    chosen = np.where(rng.random(n) < 0.1, rng.choice(ends, n), chosen)
    near_one = (chosen & np.uint32(0x807FFFFF)) | (rng.integers(100, 150, n, np.uint32) << np.uint32(23))
    chosen = np.where(rng.random(n) < 0.5, near_one, chosen)
    values = of_bits(chosen.astype(np.uint32)).copy()
    values[np.isnan(values)] = 1.5
    return values


def nearest(x):
    """The bfloat16 closest to x, the even one of two; by comparing distances."""
    low = np.uint32(np.float32(x).view(np.uint32) & UPPER)
    high = np.uint32(low + np.uint32(0x10000))
    candidates = [of_bits(bits)[()] for bits in (low, high)]
    # Beyond the largest number the next one would be, it is infinity.
    up = math.copysign(2.0**128, x) if np.isinf(candidates[1]) else float(candidates[1])
    below, above = abs(float(x) - float(candidates[0])), abs(up - float(x))
    if below == above:
        return candidates[(low >> np.uint32(16)) & np.uint32(1)]
    return candidates[int(above < below)]


def test_rounding_is_to_the_nearest_and_of_two_to_the_even_one():
    for x in hard(1, 2000):
        wanted = x if np.isinf(x) else nearest(x) if abs(x) >= 2.0**-126 else 0.0
        assert of_bits(rounded(x) & UPPER) == wanted, x


def test_a_nan_stays_one():
    for bits in (0x7FC00000, 0x7F800001, 0xFFFFFFFF, 0x7F80FFFF):
        assert np.isnan(of_bits(rounded(of_bits(bits)[()]) & UPPER))


def test_a_pair_is_two_values():
    assert first_of(pair(np.float32(1.5), np.float32(-3.0))) == 1.5
    assert second_of(pair(np.float32(1.5), np.float32(-3.0))) == -3.0


@pytest.mark.parametrize("K", [1, 4, 5, UNIT, UNIT + 2, 2 * UNIT + 3])
def test_pairs_along_a_row_end_with_a_zero_where_it_is_odd(K):
    row, pairs = hard(5, K + 4), np.full(K // 2 + 3, 7, np.uint32)
    row[K] = np.nan
    pair_along(row, 1, K, pairs, 1)
    given = [*row[1 : 1 + K], np.float32(0)]
    wanted = [pair(given[k], given[k + 1]) for k in range(0, K, 2)]
    assert pairs.tolist() == [7, *wanted, *[7] * (len(pairs) - 1 - len(wanted))]


@jit
def by_vector_code(width, first, f_at, second, s_at, target, t_at):
    pair_row(width, first, f_at, second, s_at, target, t_at)


@needs_jit
@pytest.mark.skipif(not LANES, reason="there is no vector code for this CPU")
@pytest.mark.parametrize("width", [1, 7, PANEL - 1, PANEL])
def test_a_row_of_pairs_by_vector_code(width):
    first, second = hard(2, PANEL), hard(3, PANEL)
    first[0] = np.nan
    rows = [np.full(PANEL, 9, np.uint32) for _ in range(2)]
    for write, row in zip((by_vector_code, plain_pair_row), rows, strict=True):
        write(width, first, 0, second, 0, row, 0)
    assert np.array_equal(*rows)


@needs_jit
@pytest.mark.skipif(not HAS_BFLOAT, reason="the CPU has no such instruction")
def test_the_instruction_for_pairs_has_the_bits_of_two_for_float32():
    depth, rng = 40, np.random.default_rng(4)
    tiles = address_of(dots_by_pointers, DOTS.signature), address_of(pairs_by_pointers, PAIRS.signature)
    word = denormals.flush()
    try:
        for seed in range(200):
            a, panel, start = (hard(3 * seed + i, 1 << 12) for i in range(3))
            a, panel = (x.view(np.uint32)[: n * depth].copy() for x, n in ((a, ROWS), (panel, PANEL)))
            a ^= rng.integers(0, 1 << 16, a.size, np.uint32)  # the first of each pair
            results = []
            for tile in tiles:
                c = start[: ROWS * PANEL].copy()
                run_at(tile, ROWS, PANEL, a, depth, 1, panel, depth, c, PANEL, c, PANEL)
                results.append(c)
            of_dots, of_pairs = results
            assert np.array_equal(np.isnan(of_dots), np.isnan(of_pairs))
            known = ~np.isnan(of_dots)
            assert np.array_equal(of_dots.view(np.uint32)[known], of_pairs.view(np.uint32)[known])
    finally:
        denormals.restore(word)


@needs_jit
@pytest.mark.skipif(not LANES, reason="there is no vector code for this CPU")
@pytest.mark.parametrize(("of_pairs", "pays"), [(0.55, True), (0.95, False), (1.8, False)])
def test_bfloat16_pays_where_its_tile_takes_less_time(of_pairs, pays, monkeypatch):
    monkeypatch.setattr(register_tile, "_seconds", lambda tile, steps=0: 1.0 if steps else of_pairs)
    register_tile.pairs_pay.cache_clear()
    try:
        assert register_tile.pairs_pay() is pays
    finally:
        register_tile.pairs_pay.cache_clear()
