"""Products of values that are rounded to bfloat16, two steps of k at a time, with sums in float32.

bfloat16 is the upper half of a float32: 8 bits of its 24-bit significand, the whole exponent. A pair holds the values
of two neighbours in k, in one uint32, the first in the lower half. A tile computes for each pair

    c = fma(second of a, second of b, c)
    c = fma(first of a, first of b, c)

each rounded to the nearest even, with denormals taken for zero: what the instruction VDPBF16PS of Zen 4 and later does
(Intel, 2023, Architecture Instruction Set Extensions, "VDPBF16PS"), and what two fused multiply-adds of float32 do on a
CPU without it. A product of two bfloat16 is exact in float32, so that even a CPU without fused multiply-adds has the
same bits.

An odd K is filled up with a pair whose second values are zero.
"""

from __future__ import annotations

import numpy as np

from rnncli.kernels.jit import jit

PAIR = np.dtype(np.uint32)
_U = np.uint32
_HALF, _UPPER, _QUIET = _U(16), _U(0xFFFF0000), _U(0x400000)
_SIGN, _MAGNITUDE, _INFINITY, _LEAST = _U(0x80000000), _U(0x7FFFFFFF), _U(0x7F800000), _U(0x00800000)


@jit
def rounded(x):
    """Return float32 x as bits whose upper half is x as bfloat16, rounded to the nearest even.

    A NaN stays one; a denormal becomes zero, even one that would be rounded up to the least normal number.
    """
    u = np.float32(x).view(np.uint32)
    if (u & _MAGNITUDE) > _INFINITY:
        return _U(u | _QUIET)
    if (u & _MAGNITUDE) < _LEAST:
        return _U(u & _SIGN)
    return _U(u + _U(0x7FFF) + ((u >> _HALF) & _U(1)))


@jit
def pair(first, second):
    """Return two float32 as a pair of bfloat16."""
    return _U((rounded(first) >> _HALF) | (rounded(second) & _UPPER))


@jit
def first_of(pair):
    """Return the first value of a pair as float32."""
    return _U(pair << _HALF).view(np.float32)


@jit
def second_of(pair):
    """Return the second value of a pair as float32."""
    return _U(pair & _UPPER).view(np.float32)
