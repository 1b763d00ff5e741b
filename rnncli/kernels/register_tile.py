"""The register tile: up to 6 rows × PANEL columns of C in vector registers, as LLVM vector code.

numba cannot be trusted to keep 24 accumulators in registers, so this one inner loop is emitted as LLVM IR through
`@intrinsic`. Per step of k it loads the panel's vectors once, broadcasts one value of A per row, and issues
rows × vectors fused multiply-adds. There is a loop for every height and every number of vectors, so that neither the
last rows nor the last columns of a product pay for a whole tile; a last vector that is not full is loaded and stored
under a mask. It reaches 215–235 GFLOP/s on a Zen 5 core, whose FMA limit is 232, and 107–111 of 115 on Zen 4.

One emitter makes three tiles; `Arithmetic` says what differs. That of pairs multiplies two values of k at once, each
rounded to bfloat16: with one instruction where the CPU has it, else with two fused multiply-adds, which have the same
bits (see `rnncli.kernels.bfloat16`).
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from rnncli.kernels.compiler import cgutils, intrinsic, ir, types
from rnncli.kernels.jit import address_of, enabled, name_symbol
from rnncli.kernels.vector_code import (
    BFLOAT,
    FLOAT,
    HAS_BFLOAT,
    I32,
    I64,
    LANES,
    PANEL,
    VECTORS,
    VOID,
    address,
    declare,
    int64,
    load,
    splat,
    store,
    vector_of,
)

TIMED = 512  # pairs in a tile whose time is measured
PAYS = 0.85  # of the time of float32: what is left is for rounding, which float32 does not need
ROWS = 6  # 6 rows × 4 vectors = 24 accumulators of the 32 registers of AVX-512 and NEON
_VECTOR = vector_of(FLOAT)
_n, _p, _q = types.int64, types.CPointer(types.float32), types.CPointer(types.uint32)


_HALVES = ir.VectorType(BFLOAT, 2 * LANES or 1)


def _fused(builder, x, b, total):
    return builder.call(declare(builder, f"fma.v{LANES}f32", _VECTOR, [_VECTOR] * 3), [x, b, total])


def _dot(builder, x, b, total):
    """total + x[1]·b[1], and then + x[0]·b[0], for the two values in each lane."""
    function = declare(builder, "x86.avx512bf16.dpbf16ps.512", _VECTOR, [_VECTOR, _HALVES, _HALVES])
    return builder.call(function, [total, builder.bitcast(x, _HALVES), builder.bitcast(b, _HALVES)])


def _as_it_is(builder, vector):
    return vector


def _second(builder, pairs):
    """The second value of each pair, as float32."""
    high = ir.Constant(pairs.type, [0xFFFF0000] * LANES)
    return builder.bitcast(builder.and_(pairs, high), _VECTOR)


def _first(builder, pairs):
    return builder.bitcast(builder.shl(pairs, ir.Constant(pairs.type, [16] * LANES)), _VECTOR)


class Arithmetic(NamedTuple):
    """What the elements of A and the panel are, the vectors that a step of k multiplies, one after the other, and how.

    signature: rows, width, a, a_row, a_step, panel, depth, start, start_row, c, c_row
    """

    symbol: str
    signature: Any
    element: Any
    factors: tuple[Callable[..., Any], ...]
    multiply_add: Callable[..., Any]


FLOATS = Arithmetic(
    "rnncli_register_tile", types.void(_n, _n, _p, _n, _n, _p, _n, _p, _n, _p, _n), FLOAT, (_as_it_is,), _fused
)
PAIRS = Arithmetic(
    "rnncli_pair_tile", types.void(_n, _n, _q, _n, _n, _q, _n, _p, _n, _p, _n), I32, (_second, _first), _fused
)
DOTS = PAIRS._replace(factors=(_as_it_is,), multiply_add=_dot)


def _emit_tile(builder, rows, vectors, arithmetic, arguments, done):
    """Emit c[m, v] = start[m, v] + Σ_k a[m, k]·panel[k, v], depth ≥ 1; the last vector holds the rest of `width`."""
    _, width, a, a_row, a_step, panel, depth, start, start_row, c, c_row = arguments
    name = f"{rows}x{vectors}."
    full, tail, loop, store_full, store_tail = (
        builder.append_basic_block(name + part) for part in ("full", "tail", "loop", "store_full", "store_tail")
    )
    cells = [(m, v) for m in range(rows) for v in range(vectors)]
    live = builder.sub(width, int64((vectors - 1) * LANES))
    is_full = builder.icmp_signed("==", live, int64(LANES))
    lanes = ir.Constant(vector_of(I32), list(range(LANES)))
    mask = builder.icmp_signed("<", lanes, splat(builder, builder.trunc(live, I32)))

    def at(base, row, m, v):
        return builder.gep(base, [builder.add(builder.mul(int64(m), row), int64(v * LANES))])

    def mask_of(v, masked):
        return mask if masked and v == vectors - 1 else None

    builder.cbranch(is_full, full, tail)
    started = {}
    for block, masked in ((full, False), (tail, True)):
        builder.position_at_end(block)
        started[block] = {(m, v): load(builder, at(start, start_row, m, v), mask_of(v, masked)) for m, v in cells}
        builder.branch(loop)

    builder.position_at_end(loop)
    k = builder.phi(I64)
    sums = {cell: builder.phi(_VECTOR) for cell in cells}
    row = builder.mul(k, int64(PANEL))
    b = [load(builder, builder.gep(panel, [builder.add(row, int64(v * LANES))])) for v in range(vectors)]
    offsets = [builder.add(builder.mul(int64(m), a_row), builder.mul(k, a_step)) for m in range(rows)]
    x = [splat(builder, builder.load(builder.gep(a, [offset]))) for offset in offsets]
    updated = dict(sums)
    for factor in arithmetic.factors:
        b_factors = [factor(builder, one) for one in b]
        for m in range(rows):
            x_factor = factor(builder, x[m])
            for v in range(vectors):
                updated[m, v] = arithmetic.multiply_add(builder, x_factor, b_factors[v], updated[m, v])
    following = builder.add(k, int64(1))
    k.add_incoming(following, loop)
    for cell in cells:
        sums[cell].add_incoming(updated[cell], loop)
    for block, values in started.items():
        k.add_incoming(int64(0), block)
        for cell in cells:
            sums[cell].add_incoming(values[cell], block)
    stores = builder.append_basic_block(name + "stores")
    builder.cbranch(builder.icmp_signed("<", following, depth), loop, stores)

    builder.position_at_end(stores)
    builder.cbranch(is_full, store_full, store_tail)
    for block, masked in ((store_full, False), (store_tail, True)):
        builder.position_at_end(block)
        for m, v in cells:
            store(builder, updated[m, v], at(c, c_row, m, v), mask_of(v, masked))
        builder.branch(done)


def _switch(arithmetic):
    """Return an intrinsic: a switch to the loop for `rows` and for the number of vectors that `width` needs."""

    def switch(typing_context, rows, width, a, a_row, a_step, panel, depth, start, start_row, c, c_row):
        def codegen(context, builder, signature, arguments):
            done = builder.append_basic_block("done")
            rows, width = arguments[:2]
            vectors = builder.sdiv(builder.add(width, int64(LANES - 1)), int64(LANES))
            cases = builder.switch(builder.add(builder.mul(rows, int64(VECTORS + 1)), vectors), done)
            for m in range(1, ROWS + 1):
                for v in range(1, VECTORS + 1):
                    block = builder.append_basic_block(f"{m}x{v}")
                    cases.add_case(int64(m * (VECTORS + 1) + v), block)
                    builder.position_at_end(block)
                    _emit_tile(builder, m, v, arithmetic, arguments, done)
            builder.position_at_end(done)
            return context.get_dummy_value()

        return arithmetic.signature, codegen

    return intrinsic(switch)


_floats: Any = _switch(FLOATS)
_pairs: Any = _switch(PAIRS)
_dots: Any = _switch(DOTS)


# The C functions that tiles call. numba keeps compiled functions by the names that stand in a file.
def floats_by_pointers(rows, width, a, a_row, a_step, panel, depth, start, start_row, c, c_row):
    _floats(rows, width, a, a_row, a_step, panel, depth, start, start_row, c, c_row)


def pairs_by_pointers(rows, width, a, a_row, a_step, panel, depth, start, start_row, c, c_row):
    _pairs(rows, width, a, a_row, a_step, panel, depth, start, start_row, c, c_row)


def dots_by_pointers(rows, width, a, a_row, a_step, panel, depth, start, start_row, c, c_row):
    _dots(rows, width, a, a_row, a_step, panel, depth, start, start_row, c, c_row)


def _tile_of_floats() -> int:
    return address_of(floats_by_pointers, FLOATS.signature)


if LANES and enabled():
    name_symbol(FLOATS.symbol, _tile_of_floats())


@functools.cache
def prepare_pairs() -> None:
    """Load the tile of pairs, which must be there before code that calls it: the faster one on this CPU."""
    if LANES and enabled():
        name_symbol(PAIRS.symbol, min(_tiles_of_pairs(), key=_seconds))


@functools.cache
def pairs_pay() -> bool:
    """Return True if this CPU multiplies values of bfloat16 in less time than those of float32.

    To have an instruction for them says little: a Zen 4 takes as long for it as for one of float32, which multiplies
    half as many values, a Xeon with AMX some three times as long.
    """
    if not (LANES and enabled()):
        return False
    return min(map(_seconds, _tiles_of_pairs())) < PAYS * _seconds(_tile_of_floats(), steps=2 * TIMED)


def _tiles_of_pairs() -> list[int]:
    tiles = [address_of(pairs_by_pointers, PAIRS.signature)]
    return [*tiles, address_of(dots_by_pointers, DOTS.signature)] if HAS_BFLOAT else tiles


def run_at(tile: int, *arguments: int | np.ndarray) -> None:
    """Call the C function at an address with the arguments of its signature."""
    _call_at(tile, *arguments)()


def _call_at(tile: int, *arguments: int | np.ndarray) -> Callable[[], None]:
    """Return the call of the C function at an address, in which hardly any time is Python's."""
    import ctypes

    given = [ctypes.c_int64(one) if isinstance(one, int) else ctypes.c_void_p(one.ctypes.data) for one in arguments]
    return functools.partial(ctypes.CFUNCTYPE(None, *map(type, given))(tile), *given)


def _seconds(tile: int, steps: int = TIMED) -> float:
    """Return the time of a whole tile of so many steps, each of them a pair or a float32."""
    a, panel, c = np.zeros(ROWS * steps, np.uint32), np.zeros(PANEL * steps, np.uint32), np.zeros((ROWS, PANEL), "f4")
    call = _call_at(tile, ROWS, PANEL, a, steps, 1, panel, steps, c, PANEL, c, PANEL)
    times = []
    for _ in range(20):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return min(times)


def _tile_of(arithmetic):
    """Return an intrinsic that calls the C function on addresses in arrays."""

    def tile(
        typing_context,
        rows,
        width,
        a,
        a_at,
        a_row,
        a_step,
        packed,
        p_at,
        depth,
        start,
        start_at,
        start_row,
        c,
        c_at,
        c_row,
    ):
        n = types.intp
        signature = types.void(n, n, a, n, n, n, packed, n, n, start, n, n, c, n, n)

        def codegen(context, builder, signature, arguments):
            rows, width, a, a_at, a_row, a_step, packed, p_at, depth, start, start_at, start_row, c, c_at, c_row = (
                arguments
            )

            def of(position, array, offset, element=FLOAT):
                return address(context, builder, signature.args[position], array, offset, element)

            a, packed = of(2, a, a_at, arithmetic.element), of(6, packed, p_at, arithmetic.element)
            start, c = of(9, start, start_at), of(12, c, c_at)
            given = [rows, width, a, a_row, a_step, packed, depth, start, start_row, c, c_row]
            kind = ir.FunctionType(VOID, [argument.type for argument in given])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, arithmetic.symbol), given)
            return context.get_dummy_value()

        return signature, codegen

    return intrinsic(tile)


_float_tile: Any = _tile_of(FLOATS)
_pair_tile: Any = _tile_of(PAIRS)


def tile(rows, width, a, a_at, a_row, a_step, packed, p_at, depth, start, start_at, start_row, c, c_at, c_row):
    """Compute c (rows, width) = start + a (rows, depth ≥ 1) · one panel for flat float32; see `gemm.plain_tile`."""
    _float_tile(rows, width, a, a_at, a_row, a_step, packed, p_at, depth, start, start_at, start_row, c, c_at, c_row)


def pair_tile(rows, width, a, a_at, a_row, a_step, packed, p_at, depth, start, start_at, start_row, c, c_at, c_row):
    """Compute the same for pairs of bfloat16 in `a` and `packed`; see `bfloat16.plain_tile`."""
    _pair_tile(rows, width, a, a_at, a_row, a_step, packed, p_at, depth, start, start_at, start_row, c, c_at, c_row)
