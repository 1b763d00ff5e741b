"""What vector code is made of: the registers of the target CPU, and the pieces of LLVM IR that are the same for all.

LANES       float32 values in a register, 0 where there is no vector code for this CPU
VECTORS     registers in a row of a panel
PANEL       columns of a panel
HAS_BFLOAT  whether there are instructions for bfloat16
"""

from __future__ import annotations

from rnncli.kernels.compiler import cgutils, ir
from rnncli.kernels.jit import cpu_features, vector_lanes

LANES = vector_lanes()
VECTORS = 2 if LANES == 8 else 4  # AVX2 has 16 registers: tiles of 6 rows × 2 vectors
PANEL = VECTORS * (LANES or 16)
HAS_BFLOAT = LANES == 16 and "avx512bf16" in cpu_features()
UNIT = LANES or 16  # columns: what a share of a weight gradient is counted in

I1, I32, I64, FLOAT, VOID = ir.IntType(1), ir.IntType(32), ir.IntType(64), ir.FloatType(), ir.VoidType()


class _Bfloat(ir.Type):
    """The type of a bfloat16 value, which llvmlite does not have."""

    def _to_string(self):
        return "bfloat"


BFLOAT = _Bfloat()
MASK = ir.VectorType(I1, LANES or 1)
_ALIGNED = ir.Constant(I32, 4)


def int64(value):
    return ir.Constant(I64, value)


def vector_of(element):
    """Return the type of a register of 32-bit elements."""
    return ir.VectorType(element, LANES or 1)


def splat(builder, scalar):
    undefined = ir.Constant(vector_of(scalar.type), ir.Undefined)
    zeros = ir.Constant(vector_of(I32), [0] * LANES)
    return builder.shuffle_vector(builder.insert_element(undefined, scalar, ir.Constant(I32, 0)), undefined, zeros)


def declare(builder, name, result, arguments):
    return cgutils.get_or_insert_function(builder.module, ir.FunctionType(result, arguments), f"llvm.{name}")


def load(builder, address, mask=None):
    """Load a register from the address of its first element; under a mask, zeros elsewhere."""
    vector = vector_of(address.type.pointee)
    pointer = builder.bitcast(address, vector.as_pointer())
    if mask is None:
        return builder.load(pointer, align=4)
    function = declare(builder, f"masked.load.{_named(vector)}.p0", vector, [pointer.type, I32, MASK, vector])
    return builder.call(function, [pointer, _ALIGNED, mask, ir.Constant(vector, [0] * LANES)])


def store(builder, value, address, mask=None):
    pointer = builder.bitcast(address, value.type.as_pointer())
    if mask is None:
        builder.store(value, pointer, align=4)
    else:
        name = f"masked.store.{_named(value.type)}.p0"
        function = declare(builder, name, VOID, [value.type, pointer.type, I32, MASK])
        builder.call(function, [value, pointer, _ALIGNED, mask])


def address(context, builder, array_type, array, offset, element=FLOAT):
    """Return the address of an element of an array, counted from its first one."""
    data = context.make_array(array_type)(context, builder, array).data
    return builder.gep(builder.bitcast(data, element.as_pointer()), [offset])


def _named(vector):
    return f"v{LANES}{'f32' if vector.element == FLOAT else 'i32'}"
