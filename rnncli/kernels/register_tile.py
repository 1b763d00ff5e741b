"""The register tile: up to 6 rows × PANEL columns of C in vector registers, as LLVM vector code.

numba cannot be trusted to keep 24 accumulators in registers, so this one inner loop is emitted as LLVM IR
through `@intrinsic`. Per step of k it loads PANEL values of the packed matrix once, broadcasts one value of A per
row, and issues rows × VECTORS fused multiply-adds. 108–114 GFLOP/s on a Zen 4 core
from 25 rows on, near its FMA limit.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from rnncli.kernels.jit import vector_lanes

LANES = vector_lanes()
# Accumulators fill the register file: 32 registers for AVX-512 and NEON take 6×4, the 16 of AVX2 take 6×2.
VECTORS = 2 if LANES == 8 else 4
PANEL = VECTORS * (LANES or 16)

_I64 = ir.IntType(64)
_FLOAT = ir.FloatType()


def _int(value):
    return ir.Constant(_I64, value)


def _vector_pointer(builder, pointer, vector):
    return builder.bitcast(pointer, vector.as_pointer())


def _load(builder, pointer, vector):
    loaded = builder.load(_vector_pointer(builder, pointer, vector))
    loaded.align = 4
    return loaded


def _broadcast(builder, scalar, vector):
    undefined = ir.Constant(vector, ir.Undefined)
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    lane = builder.insert_element(undefined, scalar, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(lane, undefined, zeros)


def _emit(builder, rows, a, a_row, a_step, panel, depth, c, c_row, accumulate):
    """do { acc[m][v] = fma(a[m, k], panel[k, v], acc[m][v]) } while (++k < depth), starting from C or from zero."""
    vector = ir.VectorType(_FLOAT, LANES)
    name = f"llvm.fma.v{LANES}f32"
    fma = cgutils.get_or_insert_function(builder.module, ir.FunctionType(vector, [vector] * 3), name)
    cells = [(m, v) for m in range(rows) for v in range(VECTORS)]

    def c_pointer(m, v):
        return builder.gep(c, [builder.add(builder.mul(_int(m), c_row), _int(v * LANES))])

    start = builder.block
    load = builder.append_basic_block("load")
    loop = builder.append_basic_block("loop")
    done = builder.append_basic_block("done")
    builder.cbranch(accumulate, load, loop)

    builder.position_at_end(load)
    loaded = {cell: _load(builder, c_pointer(*cell), vector) for cell in cells}
    builder.branch(loop)

    builder.position_at_end(loop)
    k = builder.phi(_I64)
    sums = {cell: builder.phi(vector) for cell in cells}
    b = [_load(builder, builder.gep(panel, [builder.add(builder.mul(k, _int(PANEL)), _int(v * LANES))]), vector)
         for v in range(VECTORS)]  # fmt: skip
    updated = {}
    for m in range(rows):
        at = builder.add(builder.mul(_int(m), a_row), builder.mul(k, a_step))
        x = _broadcast(builder, builder.load(builder.gep(a, [at])), vector)
        for v in range(VECTORS):
            updated[m, v] = builder.call(fma, [x, b[v], sums[m, v]])
    following = builder.add(k, _int(1))
    zero = ir.Constant(vector, [0.0] * LANES)
    for block, value in ((start, _int(0)), (load, _int(0)), (loop, following)):
        k.add_incoming(value, block)
    for cell in cells:
        for block, value in ((start, zero), (load, loaded[cell]), (loop, updated[cell])):
            sums[cell].add_incoming(value, block)
    builder.cbranch(builder.icmp_signed("<", following, depth), loop, done)

    builder.position_at_end(done)
    for cell in cells:
        stored = builder.store(updated[cell], _vector_pointer(builder, c_pointer(*cell), vector))
        stored.align = 4


def _make(rows):
    @intrinsic
    def tile(typing_context, a, a_at, a_row, a_step, packed, p_at, depth, c, c_at, c_row, accumulate):
        signature = types.void(a, *[types.intp] * 3, packed, *[types.intp] * 2, c, *[types.intp] * 2, types.boolean)

        def codegen(context, builder, signature, arguments):
            a, a_at, a_row, a_step, packed, p_at, depth, c, c_at, c_row, accumulate = arguments

            def address(position, array, offset):
                data = context.make_array(signature.args[position])(context, builder, array).data
                return builder.gep(builder.bitcast(data, _FLOAT.as_pointer()), [offset])

            a, packed, c = address(0, a, a_at), address(4, packed, p_at), address(7, c, c_at)
            _emit(builder, rows, a, a_row, a_step, packed, depth, c, c_row, accumulate)
            return context.get_dummy_value()

        return signature, codegen

    return tile


_tile_1, _tile_2, _tile_3, _tile_4, _tile_5, _tile_6 = (_make(rows) for rows in range(1, 7))


def dispatch(rows, a, a_at, a_row, a_step, packed, p_at, depth, c, c_at, c_row, accumulate):
    """The tile of `rows` rows; compiled into `gemm` in place of `plain_tile`. depth ≥ 1."""
    if rows == 6:
        _tile_6(a, a_at, a_row, a_step, packed, p_at, depth, c, c_at, c_row, accumulate)
    elif rows == 5:
        _tile_5(a, a_at, a_row, a_step, packed, p_at, depth, c, c_at, c_row, accumulate)
    elif rows == 4:
        _tile_4(a, a_at, a_row, a_step, packed, p_at, depth, c, c_at, c_row, accumulate)
    elif rows == 3:
        _tile_3(a, a_at, a_row, a_step, packed, p_at, depth, c, c_at, c_row, accumulate)
    elif rows == 2:
        _tile_2(a, a_at, a_row, a_step, packed, p_at, depth, c, c_at, c_row, accumulate)
    elif rows == 1:
        _tile_1(a, a_at, a_row, a_step, packed, p_at, depth, c, c_at, c_row, accumulate)
