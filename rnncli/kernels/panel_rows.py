"""What panels are packed with: rows, rows of pairs, transposed blocks, prefetches.

Each has a plain form, and for elements of 32 bits vector code: numba's loop over a slice of 64 takes five times as
long. All take flat places in arrays of any shape.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rnncli.kernels.bfloat16 import pair
from rnncli.kernels.compiler import intrinsic, ir, overload, types
from rnncli.kernels.jit import FLAGS, jit
from rnncli.kernels.vector_code import (
    BFLOAT,
    HAS_BFLOAT,
    I32,
    I64,
    LANES,
    PANEL,
    UNIT,
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


def _copy_row_intrinsic(typing_context, width, source, s_at, target, t_at):
    signature = types.void(types.intp, source, types.intp, target, types.intp)

    def codegen(context, builder, signature, arguments):
        width, source, s_at, target, t_at = arguments
        source = address(context, builder, signature.args[1], source, s_at)
        target = address(context, builder, signature.args[3], target, t_at)
        lanes = ir.Constant(ir.VectorType(I64, LANES), list(range(LANES)))
        for v in range(VECTORS):
            mask = builder.icmp_signed("<", lanes, splat(builder, builder.sub(width, int64(v * LANES))))
            row = load(builder, builder.gep(source, [int64(v * LANES)]), mask)
            store(builder, row, builder.gep(target, [int64(v * LANES)]))
        return context.get_dummy_value()

    return signature, codegen


def _rounded(builder, x):
    """Return a register of float32 as bfloat16, in words of 16 bits."""
    words, shorts = vector_of(I32), ir.VectorType(ir.IntType(16), LANES)

    def bits(value):
        return ir.Constant(words, [value] * LANES)

    if HAS_BFLOAT:
        return builder.bitcast(builder.fptrunc(x, ir.VectorType(BFLOAT, LANES)), shorts)
    u = builder.bitcast(x, words)
    even = builder.and_(builder.lshr(u, bits(16)), bits(1))
    nearest = builder.add(builder.add(u, bits(0x7FFF)), even)
    quiet, zero = builder.or_(u, bits(0x400000)), builder.and_(u, bits(0x80000000))
    is_small = builder.icmp_unsigned("<", builder.and_(u, bits(0x7FFFFFFF)), bits(0x00800000))
    known = builder.select(is_small, zero, nearest)
    kept = builder.select(builder.fcmp_unordered("uno", x, x), quiet, known)
    return builder.trunc(builder.lshr(kept, bits(16)), shorts)


def _pair_row_intrinsic(typing_context, width, first, f_at, second, s_at, target, t_at):
    n = types.intp
    signature = types.void(n, first, n, second, n, target, n)

    def codegen(context, builder, signature, arguments):
        width, first, f_at, second, s_at, target, t_at = arguments
        first = address(context, builder, signature.args[1], first, f_at)
        second = address(context, builder, signature.args[3], second, s_at)
        target = address(context, builder, signature.args[5], target, t_at, I32)
        lanes = ir.Constant(ir.VectorType(I64, LANES), list(range(LANES)))
        for v in range(VECTORS):
            at = [int64(v * LANES)]
            mask = builder.icmp_signed("<", lanes, splat(builder, builder.sub(width, *at)))
            rows = (_rounded(builder, load(builder, builder.gep(row, at), mask)) for row in (first, second))
            low, high = (builder.zext(row, vector_of(I32)) for row in rows)
            pairs = builder.or_(low, builder.shl(high, ir.Constant(high.type, [16] * LANES)))
            store(builder, pairs, builder.gep(target, at))
        return context.get_dummy_value()

    return signature, codegen


def _pair_unit_intrinsic(typing_context, source, s_at, target, t_at):
    signature = types.void(source, types.intp, target, types.intp)

    def codegen(context, builder, signature, arguments):
        source, s_at, target, t_at = arguments
        source = address(context, builder, signature.args[0], source, s_at)
        target = address(context, builder, signature.args[2], target, t_at, I32)
        store(builder, _rounded(builder, load(builder, source)), target)  # neighbours are a pair as they lie
        return context.get_dummy_value()

    return signature, codegen


def _prefetch_intrinsic(typing_context, array, place):
    signature = types.void(array, types.intp)

    def codegen(context, builder, signature, arguments):
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        byte = ir.IntType(8).as_pointer()
        place = builder.bitcast(builder.gep(data, [arguments[1]]), byte)
        call = declare(builder, "prefetch.p0", VOID, [byte, I32, I32, I32])
        builder.call(call, [place, *(ir.Constant(I32, flag) for flag in (0, 3, 1))])  # read, keep near, data
        return context.get_dummy_value()

    return signature, codegen


def _transpose_intrinsic(typing_context, source, s_at, target, t_at, s_row):
    signature = types.void(source, types.intp, target, types.intp, types.intp)

    def codegen(context, builder, signature, arguments):
        source, s_at, target, t_at, s_row = arguments
        source = address(context, builder, signature.args[0], source, s_at)
        target = address(context, builder, signature.args[2], target, t_at)
        half = LANES // 2
        low, high = (
            ir.Constant(vector_of(I32), [x + part for i in range(half) for x in (i, i + LANES)]) for part in (0, half)
        )
        rows = [load(builder, builder.gep(source, [builder.mul(int64(i), s_row)])) for i in range(LANES)]
        # Each pass shuffles the cards once; log₂ n of them turn rows to columns.
        for _ in range(LANES.bit_length() - 1):
            rows = [builder.shuffle_vector(rows[i], rows[i + half], part) for i in range(half) for part in (low, high)]
        for i, row in enumerate(rows):
            store(builder, row, builder.gep(target, [int64(i * PANEL)]))
        return context.get_dummy_value()

    return signature, codegen


_prefetch: Any = intrinsic(_prefetch_intrinsic)
_transpose: Any = intrinsic(_transpose_intrinsic)
_copy_row: Any = intrinsic(_copy_row_intrinsic)
_pair_row: Any = intrinsic(_pair_row_intrinsic)
_pair_unit: Any = intrinsic(_pair_unit_intrinsic)


def plain_copy_row(width, source, s_at, target, t_at):
    """Write source[s_at : s_at + width] and zeros to target[t_at : t_at + PANEL]; the reference for `copy_row`."""
    for j in range(width):
        target.flat[t_at + j] = source.flat[s_at + j]
    for j in range(width, PANEL):
        target.flat[t_at + j] = 0


def plain_pair_row(width, first, f_at, second, s_at, target, t_at):
    """Write pairs of first[f_at : f_at + width] and second[s_at : s_at + width], and zeros to target[t_at + PANEL]."""
    for j in range(width):
        target.flat[t_at + j] = pair(first.flat[f_at + j], second.flat[s_at + j])
    for j in range(width, PANEL):
        target.flat[t_at + j] = 0


def plain_pair_unit(source, s_at, target, t_at):
    """Write pairs of neighbours of source[s_at : s_at + UNIT] to target[t_at : t_at + UNIT / 2]."""
    for k in range(UNIT // 2):
        target.flat[t_at + k] = pair(source.flat[s_at + 2 * k], source.flat[s_at + 2 * k + 1])


@jit
def plain_transpose(rows, columns, source, s_at, target, t_at, s_row):
    """target[t_at + j·PANEL + i] = source[s_at + i·s_row + j] for i < rows, j < columns."""
    for i in range(rows):
        for j in range(columns):
            target.flat[t_at + j * PANEL + i] = source.flat[s_at + i * s_row + j]


def prefetch(array, place):
    """Prefetch the cache line of element `place` of the flattened array; `place` may lie outside the array."""


def copy_row(width, source, s_at, target, t_at):
    """Write one row of a panel, as `plain_copy_row` does."""
    plain_copy_row(width, source, s_at, target, t_at)


def pair_row(width, first, f_at, second, s_at, target, t_at):
    """Write one row of a panel of pairs, as `plain_pair_row` does."""
    plain_pair_row(width, first, f_at, second, s_at, target, t_at)


def pair_unit(source, s_at, target, t_at):
    """Write UNIT values as pairs of neighbours, as `plain_pair_unit` does."""
    plain_pair_unit(source, s_at, target, t_at)


def transpose(source, s_at, target, t_at, s_row):
    """Transpose UNIT × UNIT elements into a panel."""
    plain_transpose(UNIT, UNIT, source, s_at, target, t_at, s_row)


@overload(prefetch, jit_options=FLAGS)
def _choose_prefetch(array, place):
    if LANES:
        return lambda array, place: _prefetch(array, place)
    return lambda array, place: None


@overload(copy_row, jit_options=FLAGS)
def _choose_copy_row(width, source, s_at, target, t_at):
    if source.dtype == types.float32 and LANES:
        return lambda width, source, s_at, target, t_at: _copy_row(width, source, s_at, target, t_at)
    return plain_copy_row


@overload(pair_row, jit_options=FLAGS)
def _choose_pair_row(width, first, f_at, second, s_at, target, t_at):
    if LANES:
        return lambda width, first, f_at, second, s_at, target, t_at: _pair_row(
            width, first, f_at, second, s_at, target, t_at
        )
    return plain_pair_row


@overload(pair_unit, jit_options=FLAGS)
def _choose_pair_unit(source, s_at, target, t_at):
    if LANES:
        return lambda source, s_at, target, t_at: _pair_unit(source, s_at, target, t_at)
    return plain_pair_unit


@overload(transpose, jit_options=FLAGS)
def _choose_transpose(source, s_at, target, t_at, s_row):
    if target.dtype in (types.float32, types.uint32) and LANES:
        return lambda source, s_at, target, t_at, s_row: _transpose(source, s_at, target, t_at, s_row)
    return lambda source, s_at, target, t_at, s_row: plain_transpose(UNIT, UNIT, source, s_at, target, t_at, s_row)


@jit
def pair_along(source, at, K, target, t_at):
    """Write the K values from source.flat[at] on as pairs of neighbours to target[t_at], …"""
    k = 0
    while k + UNIT <= K:
        pair_unit(source, at + k, target, t_at + k // 2)
        k += UNIT
    while k < K:
        following = source.flat[at + k + 1] if k + 1 < K else np.float32(0)
        target[t_at + k // 2] = pair(source.flat[at + k], following)
        k += 2
