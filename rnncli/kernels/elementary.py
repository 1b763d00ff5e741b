"""exp, log, tanh and sigmoid of our own, so that no result depends on the machine's mathematical library.

float32 uses polynomials that vectorise (numba has no vector library for exp and tanh); float64, which only checks
and inspections run in, uses the exact library functions. Each public function is plain Python and, inside a
jitted kernel, is replaced by the form for its argument's type.
"""

from __future__ import annotations

import math

import numpy as np
from numba import types
from numba.extending import intrinsic, overload

from rnncli.kernels.jit import FLAGS, jit

f32 = np.float32
_OPTIONS = {name: FLAGS[name] for name in ("nogil", "fastmath", "error_model")}


def _by_type(plain, single, double):
    """Inside kernels, call `single` for float32 and `double` for float64 in place of `plain`."""

    @overload(plain, jit_options=_OPTIONS, inline="never")
    def choose(x):
        return single if x == types.float32 else double

    return plain


# Rational minimax approximation of tanh on ±7.9988 (where float32 tanh is 1 to the last bit but one), the
# coefficients used by Eigen and XLA; 2.7e-7 absolute error at most.
_T = [f32(v) for v in (4.89352455891786e-03, 6.37261928875436e-04, 1.48572235717979e-05, 5.12229709037114e-08,
                       -8.60467152213735e-11, 2.00018790482477e-13, -2.76076847742355e-16)]  # fmt: skip
_B = [f32(v) for v in (4.89352518554385e-03, 2.26843463243900e-03, 1.18534705686654e-04, 1.19825839466702e-06)]
T0, T1, T2, T3, T4, T5, T6 = _T
B0, B1, B2, B3 = _B
TANH_LIMIT = f32(7.99881172180175781)


def _tanh32(x):
    x = min(max(x, -TANH_LIMIT), TANH_LIMIT)
    s = x * x
    p = ((((((T6 * s + T5) * s + T4) * s + T3) * s + T2) * s + T1) * s + T0) * x
    q = ((B3 * s + B2) * s + B1) * s + B0
    return p / q


def _sigmoid32(x):
    return f32(0.5) * _tanh32_jit(f32(0.5) * x) + f32(0.5)


# exp(x) = 2^n · e^r with n = round(x / ln 2) and r = x − n·ln 2 in two parts (Cody and Waite). Adding 1.5·2^23
# rounds to an integer and leaves that integer in the low bits, which become the exponent.
EXP_LOW, EXP_HIGH = f32(-87.33654), f32(88.02969)
LOG2E, LN2_HIGH, LN2_LOW, ROUND = f32(1.44269504), f32(0.693359375), f32(-2.12194440e-4), f32(12582912.0)
E2, E3, E4, E5, E6, E7 = (f32(v) for v in (5.0000001201e-1, 1.6666665459e-1, 4.1665795894e-2, 8.3334519073e-3,
                                           1.3981999507e-3, 1.9875691500e-4))  # fmt: skip


def _exp32(x):
    x = min(max(x, EXP_LOW), EXP_HIGH)
    shifted = x * LOG2E + ROUND
    n = shifted - ROUND
    r = (x - n * LN2_HIGH) - n * LN2_LOW
    p = (((((E7 * r + E6) * r + E5) * r + E4) * r + E3) * r + E2) * (r * r) + r + f32(1.0)
    bits = (f32(shifted).view(np.int32) << np.int32(23)) + np.int32(0x3F800000)
    return p * np.int32(bits).view(np.float32)


def _tanh64(x):
    return math.tanh(x)


def _sigmoid64(x):
    return 0.5 * math.tanh(0.5 * x) + 0.5


def _exp64(x):
    return math.exp(x)


_tanh32_jit = jit(_tanh32)


def tanh(x):
    """Hyperbolic tangent, 2.7e-7 absolute error in float32."""
    return _tanh32(x) if isinstance(x, np.float32) else _tanh64(x)


def sigmoid(x):
    """Logistic function, written through tanh so that it cannot overflow."""
    return _sigmoid32(x) if isinstance(x, np.float32) else _sigmoid64(x)


def exp(x):
    """Exponential; in float32 clamped to [e^-87.3, e^88.0] and within 2 ulp."""
    return _exp32(x) if isinstance(x, np.float32) else _exp64(x)


_by_type(tanh, _tanh32, _tanh64)
_by_type(sigmoid, _sigmoid32, _sigmoid64)
_by_type(exp, _exp32, _exp64)


@intrinsic
def _fused(typing_context, a, b, c):
    def codegen(context, builder, signature, arguments):
        return builder.fma(*arguments)

    return c(a, b, c), codegen


def fma(a, b, c):
    """a·b + c, fused on purpose. In a sum of two products the compiler may fuse either one, and does not choose alike
    for every vector width; writing fma(a, b, c·d) keeps the bits the same everywhere."""
    return a * b + c


@overload(fma, jit_options=_OPTIONS)
def _choose_fma(a, b, c):
    return lambda a, b, c: _fused(a, b, c)  # type: ignore[call-arg]  # numba adds the typing context


LN2, SQRT_HALF = math.log(2.0), math.sqrt(0.5)


@jit
def log(x):
    """Natural logarithm of a positive finite float64 by the series of artanh, within 2 ulp; one scalar at a time."""
    mantissa, exponent = math.frexp(x)
    if mantissa < SQRT_HALF:
        mantissa *= 2.0
        exponent -= 1
    s = (mantissa - 1.0) / (mantissa + 1.0)
    s2 = s * s
    total = 0.0
    for k in range(21, 0, -2):
        total = total * s2 + 1.0 / k
    return 2.0 * s * total + exponent * LN2


@jit
def dot(x, y):
    """x · y as four chains added in a fixed order."""
    s0 = s1 = s2 = s3 = x.dtype.type(0)
    whole = x.size - x.size % 4
    for j in range(0, whole, 4):
        s0 += x[j] * y[j]
        s1 += x[j + 1] * y[j + 1]
        s2 += x[j + 2] * y[j + 2]
        s3 += x[j + 3] * y[j + 3]
    for j in range(whole, x.size):
        s0 += x[j] * y[j]
    return (s0 + s1) + (s2 + s3)
