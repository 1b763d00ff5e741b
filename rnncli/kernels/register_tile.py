"""The register tile: up to 6 rows × PANEL columns of C in vector registers, as LLVM vector code.

numba cannot be trusted to keep 24 accumulators in registers, so this one inner loop is emitted as LLVM IR through
`@intrinsic`. Per step of k it loads the panel's vectors once, broadcasts one value of A per row, and issues
rows × vectors fused multiply-adds. There is a loop for every height and every number of vectors, so that neither the
last rows nor the last columns of a product pay for a whole tile; a last vector that is not full is loaded and stored
under a mask. It reaches 215–235 GFLOP/s on a Zen 5 core, whose FMA limit is 232, and 107–111 of 115 on Zen 4.
"""

from __future__ import annotations

from typing import Any

from rnncli.kernels.compiler import cgutils, intrinsic, ir, types
from rnncli.kernels.jit import publish, vector_lanes

ROWS = 6  # 6 rows × 4 vectors = 24 accumulators of the 32 registers of AVX-512 and NEON
LANES = vector_lanes()
VECTORS = 2 if LANES == 8 else 4  # AVX2 has 16 registers: 6 rows × 2 vectors
PANEL = VECTORS * (LANES or 16)

_I1, _I32, _I64, _FLOAT, _VOID = ir.IntType(1), ir.IntType(32), ir.IntType(64), ir.FloatType(), ir.VoidType()
_POINTER = _FLOAT.as_pointer()
_VECTOR, _MASK = ir.VectorType(_FLOAT, LANES or 1), ir.VectorType(_I1, LANES or 1)
_ALIGNED = ir.Constant(_I32, 4)

_SYMBOL = "rnncli_register_tile"
_n, _p = types.int64, types.CPointer(types.float32)
# rows, width, a, a_row, a_step, panel, depth, start, start_row, c, c_row
SIGNATURE = types.void(_n, _n, _p, _n, _n, _p, _n, _p, _n, _p, _n)


def _int(value):
    return ir.Constant(_I64, value)


def _splat(builder, scalar):
    undefined = ir.Constant(ir.VectorType(scalar.type, LANES), ir.Undefined)
    zeros = ir.Constant(ir.VectorType(_I32, LANES), [0] * LANES)
    return builder.shuffle_vector(builder.insert_element(undefined, scalar, ir.Constant(_I32, 0)), undefined, zeros)


def _declare(builder, name, result, arguments):
    return cgutils.get_or_insert_function(builder.module, ir.FunctionType(result, arguments), f"llvm.{name}")


def _load(builder, address, mask=None):
    pointer = builder.bitcast(address, _VECTOR.as_pointer())
    if mask is None:
        return builder.load(pointer, align=4)
    name, zero = f"masked.load.v{LANES}f32.p0", ir.Constant(_VECTOR, [0.0] * LANES)
    load = _declare(builder, name, _VECTOR, [pointer.type, _I32, _MASK, _VECTOR])
    return builder.call(load, [pointer, _ALIGNED, mask, zero])


def _store(builder, value, address, mask=None):
    pointer = builder.bitcast(address, _VECTOR.as_pointer())
    if mask is None:
        builder.store(value, pointer, align=4)
    else:
        store = _declare(builder, f"masked.store.v{LANES}f32.p0", _VOID, [_VECTOR, pointer.type, _I32, _MASK])
        builder.call(store, [value, pointer, _ALIGNED, mask])


def _emit_tile(builder, rows, vectors, arguments, done):
    """Emit c[m, v] = start[m, v] + Σ_k a[m, k]·panel[k, v], depth ≥ 1; the last vector holds the rest of `width`."""
    _, width, a, a_row, a_step, panel, depth, start, start_row, c, c_row = arguments
    name = f"{rows}x{vectors}."
    full, tail, loop, store_full, store_tail = (
        builder.append_basic_block(name + part) for part in ("full", "tail", "loop", "store_full", "store_tail")
    )
    cells = [(m, v) for m in range(rows) for v in range(vectors)]
    live = builder.sub(width, _int((vectors - 1) * LANES))
    is_full = builder.icmp_signed("==", live, _int(LANES))
    lanes = ir.Constant(ir.VectorType(_I32, LANES), list(range(LANES)))
    mask = builder.icmp_signed("<", lanes, _splat(builder, builder.trunc(live, _I32)))

    def at(base, row, m, v):
        return builder.gep(base, [builder.add(builder.mul(_int(m), row), _int(v * LANES))])

    def mask_of(v, masked):
        return mask if masked and v == vectors - 1 else None

    builder.cbranch(is_full, full, tail)
    started = {}
    for block, masked in ((full, False), (tail, True)):
        builder.position_at_end(block)
        started[block] = {(m, v): _load(builder, at(start, start_row, m, v), mask_of(v, masked)) for m, v in cells}
        builder.branch(loop)

    builder.position_at_end(loop)
    fma = _declare(builder, f"fma.v{LANES}f32", _VECTOR, [_VECTOR] * 3)
    k = builder.phi(_I64)
    sums = {cell: builder.phi(_VECTOR) for cell in cells}
    row = builder.mul(k, _int(PANEL))
    b = [_load(builder, builder.gep(panel, [builder.add(row, _int(v * LANES))])) for v in range(vectors)]
    updated = {}
    for m in range(rows):
        offset = builder.add(builder.mul(_int(m), a_row), builder.mul(k, a_step))
        x = _splat(builder, builder.load(builder.gep(a, [offset])))
        for v in range(vectors):
            updated[m, v] = builder.call(fma, [x, b[v], sums[m, v]])
    following = builder.add(k, _int(1))
    k.add_incoming(following, loop)
    for cell in cells:
        sums[cell].add_incoming(updated[cell], loop)
    for block, values in started.items():
        k.add_incoming(_int(0), block)
        for cell in cells:
            sums[cell].add_incoming(values[cell], block)
    stores = builder.append_basic_block(name + "stores")
    builder.cbranch(builder.icmp_signed("<", following, depth), loop, stores)

    builder.position_at_end(stores)
    builder.cbranch(is_full, store_full, store_tail)
    for block, masked in ((store_full, False), (store_tail, True)):
        builder.position_at_end(block)
        for m, v in cells:
            _store(builder, updated[m, v], at(c, c_row, m, v), mask_of(v, masked))
        builder.branch(done)


def _switch_intrinsic(typing_context, rows, width, a, a_row, a_step, panel, depth, start, start_row, c, c_row):
    """Emit a switch to the loop for `rows` and for the number of vectors that `width` needs."""

    def codegen(context, builder, signature, arguments):
        done = builder.append_basic_block("done")
        rows, width = arguments[:2]
        vectors = builder.sdiv(builder.add(width, _int(LANES - 1)), _int(LANES))
        switch = builder.switch(builder.add(builder.mul(rows, _int(VECTORS + 1)), vectors), done)
        for m in range(1, ROWS + 1):
            for v in range(1, VECTORS + 1):
                block = builder.append_basic_block(f"{m}x{v}")
                switch.add_case(_int(m * (VECTORS + 1) + v), block)
                builder.position_at_end(block)
                _emit_tile(builder, m, v, arguments, done)
        builder.position_at_end(done)
        return context.get_dummy_value()

    return SIGNATURE, codegen


_switch: Any = intrinsic(_switch_intrinsic)


def by_pointers(rows, width, a, a_row, a_step, panel, depth, start, start_row, c, c_row):
    """Compute a tile from pointers; this is the C function that `tile` calls."""
    _switch(rows, width, a, a_row, a_step, panel, depth, start, start_row, c, c_row)


if LANES:
    publish(_SYMBOL, SIGNATURE)(by_pointers)


def _address(context, builder, array_type, array, offset):
    data = context.make_array(array_type)(context, builder, array).data
    return builder.gep(builder.bitcast(data, _POINTER), [offset])


def _tile_intrinsic(
    typing_context, rows, width, a, a_at, a_row, a_step, packed, p_at, depth, start, start_at, start_row, c, c_at, c_row
):
    n = types.intp
    signature = types.void(n, n, a, n, n, n, packed, n, n, start, n, n, c, n, n)

    def codegen(context, builder, signature, arguments):
        rows, width, a, a_at, a_row, a_step, packed, p_at, depth, start, start_at, start_row, c, c_at, c_row = arguments

        def address(position, array, offset):
            return _address(context, builder, signature.args[position], array, offset)

        a, packed = address(2, a, a_at), address(6, packed, p_at)
        start, c = address(9, start, start_at), address(12, c, c_at)
        llvm_types = [_POINTER if argument is _p else _I64 for argument in SIGNATURE.args]
        function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(_VOID, llvm_types), _SYMBOL)
        builder.call(function, [rows, width, a, a_row, a_step, packed, depth, start, start_row, c, c_row])
        return context.get_dummy_value()

    return signature, codegen


def _copy_row_intrinsic(typing_context, width, source, s_at, target, t_at):
    signature = types.void(types.intp, source, types.intp, target, types.intp)

    def codegen(context, builder, signature, arguments):
        width, source, s_at, target, t_at = arguments
        source = _address(context, builder, signature.args[1], source, s_at)
        target = _address(context, builder, signature.args[3], target, t_at)
        lanes = ir.Constant(ir.VectorType(_I64, LANES), list(range(LANES)))
        for v in range(VECTORS):
            mask = builder.icmp_signed("<", lanes, _splat(builder, builder.sub(width, _int(v * LANES))))
            _store(
                builder,
                _load(builder, builder.gep(source, [_int(v * LANES)]), mask),
                builder.gep(target, [_int(v * LANES)]),
            )
        return context.get_dummy_value()

    return signature, codegen


def _prefetch_intrinsic(typing_context, array, place):
    signature = types.void(array, types.intp)

    def codegen(context, builder, signature, arguments):
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        byte = ir.IntType(8).as_pointer()
        address = builder.bitcast(builder.gep(data, [arguments[1]]), byte)
        call = _declare(builder, "prefetch.p0", _VOID, [byte, _I32, _I32, _I32])
        builder.call(call, [address, *(ir.Constant(_I32, flag) for flag in (0, 3, 1))])  # read, keep near, data
        return context.get_dummy_value()

    return signature, codegen


def _transpose_intrinsic(typing_context, source, s_at, target, t_at, s_row):
    signature = types.void(source, types.intp, target, types.intp, types.intp)

    def codegen(context, builder, signature, arguments):
        source, s_at, target, t_at, s_row = arguments
        source = _address(context, builder, signature.args[0], source, s_at)
        target = _address(context, builder, signature.args[2], target, t_at)
        half = LANES // 2
        low, high = (
            ir.Constant(ir.VectorType(_I32, LANES), [x + part for i in range(half) for x in (i, i + LANES)])
            for part in (0, half)
        )
        rows = [_load(builder, builder.gep(source, [builder.mul(_int(i), s_row)])) for i in range(LANES)]
        for _ in range(
            LANES.bit_length() - 1
        ):  # each pass shuffles the cards once; log₂ n of them turn rows to columns
            rows = [builder.shuffle_vector(rows[i], rows[i + half], part) for i in range(half) for part in (low, high)]
        for i, row in enumerate(rows):
            _store(builder, row, builder.gep(target, [_int(i * PANEL)]))
        return context.get_dummy_value()

    return signature, codegen


_transpose: Any = intrinsic(_transpose_intrinsic)
prefetch: Any = intrinsic(_prefetch_intrinsic)
_tile: Any = intrinsic(_tile_intrinsic)
_copy_row: Any = intrinsic(_copy_row_intrinsic)


def tile(rows, width, a, a_at, a_row, a_step, packed, p_at, depth, start, start_at, start_row, c, c_at, c_row):
    """Compute c (rows, width) = start + a (rows, depth ≥ 1) · one panel for flat float32; see `gemm.plain_tile`."""
    _tile(rows, width, a, a_at, a_row, a_step, packed, p_at, depth, start, start_at, start_row, c, c_at, c_row)


def copy_row(width, source, s_at, target, t_at):
    """Write source[s_at : s_at + width] and zeros to target[t_at : t_at + PANEL], for flat float32 arrays.

    numba's loop over a slice of 64 takes five times as long.
    """
    _copy_row(width, source, s_at, target, t_at)


def transpose(source, s_at, target, t_at, s_row):
    """Transpose LANES × LANES flat float32 elements: target[t_at + j·PANEL + i] = source[s_at + i·s_row + j]."""
    _transpose(source, s_at, target, t_at, s_row)
