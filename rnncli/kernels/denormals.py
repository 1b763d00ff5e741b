"""Flushing of denormals, the numbers closest to zero, to zero on the calling thread.

Some CPUs need a hundred cycles for each denormal. A vanishing gradient runs into them, and a backward pass then
takes up to fifty times as long on many laptops. The setting is in the thread's control word (x86: FTZ and DAZ; ARM:
FZ); on other machines nothing happens.
"""

from __future__ import annotations

import platform
from typing import Any

from rnncli.kernels.compiler import cgutils, intrinsic, ir, types
from rnncli.kernels.jit import enabled, jit

_ARM = platform.machine().lower() in ("aarch64", "arm64")
_X86 = platform.machine().lower() in ("x86_64", "amd64")
_FLUSH = 1 << 24 if _ARM else 0x8040
_VOID, _I32, _I64 = ir.VoidType(), ir.IntType(32), ir.IntType(64)


def _call(builder, name, result, argument_types, arguments):
    function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(result, argument_types), f"llvm.{name}")
    return builder.call(function, arguments)


def _x86(builder, name, word):
    pointer = builder.bitcast(word, ir.IntType(8).as_pointer())
    _call(builder, f"x86.sse.{name}", _VOID, [pointer.type], [pointer])


def _read_intrinsic(typing_context):
    def codegen(context, builder, signature, arguments):
        if _ARM:
            return _call(builder, "aarch64.get.fpcr", _I64, [], [])
        if not _X86:
            return ir.Constant(_I64, 0)
        word = cgutils.alloca_once(builder, _I32)
        _x86(builder, "stmxcsr", word)
        return builder.zext(builder.load(word), _I64)

    return types.int64(), codegen


def _write_intrinsic(typing_context, value):
    def codegen(context, builder, signature, arguments):
        if _ARM:
            _call(builder, "aarch64.set.fpcr", _VOID, [_I64], list(arguments))
        elif _X86:
            word = cgutils.alloca_once(builder, _I32)
            builder.store(builder.trunc(arguments[0], _I32), word)
            _x86(builder, "ldmxcsr", word)
        return context.get_dummy_value()

    return types.void(types.int64), codegen


_read: Any = intrinsic(_read_intrinsic) if enabled() else lambda: 0
_write: Any = intrinsic(_write_intrinsic) if enabled() else lambda value: None


@jit
def flush():
    """Treat denormals as zero from now on; return the thread's previous control word for `restore`."""
    word = _read()
    _write(word | _FLUSH)
    return word


@jit
def restore(word):
    _write(word)
