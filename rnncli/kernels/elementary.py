"""exp, log, tanh and sigmoid of our own, so that no result depends on the machine's mathematical library.

float32 uses polynomials that vectorise (numba has no vector library for exp and tanh). In float64 only tanh is the
library's; checks and inspections alone call it. exp, tanh, sigmoid and log_sigmoid are plain Python that a jitted
kernel replaces by the form for the argument's type; log, log1p and softplus are float64 only.
"""

from __future__ import annotations

import math

import numpy as np

from rnncli.kernels.compiler import intrinsic, overload, types
from rnncli.kernels.jit import FLAGS, jit

f32, f64 = np.float32, np.float64


def _by_type(plain, single, double):
    """Make kernels call `single` for float32 and `double` for float64 in place of `plain`; return `plain`."""

    @overload(plain, jit_options=FLAGS, inline="never")
    def choose(x):
        return single if x == types.float32 else double

    return plain


# Rational minimax approximation of tanh on ±7.9988 (where float32 tanh is 1 to the last bit but one), the
# coefficients used by Eigen and XLA; 2.7e-7 absolute error at most.
_T = [
    f32(v)
    for v in (
        4.89352455891786e-03,
        6.37261928875436e-04,
        1.48572235717979e-05,
        5.12229709037114e-08,
        -8.60467152213735e-11,
        2.00018790482477e-13,
        -2.76076847742355e-16,
    )
]
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
E2, E3, E4, E5, E6, E7 = (
    f32(v)
    for v in (5.0000001201e-1, 1.6666665459e-1, 4.1665795894e-2, 8.3334519073e-3, 1.3981999507e-3, 1.9875691500e-4)
)


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


# The same reduction in float64; ln 2 in the two parts of fdlibm, the high one ending in 21 zero bits, so that
# n·LN2_HIGH64 is exact. The Taylor series to the 13th power is off by 2^-57 at |r| = ln 2 / 2.
EXP_LOW64, EXP_HIGH64 = -708.39, 709.43
LOG2E64, LN2_HIGH64, LN2_LOW64 = 1.4426950408889634, 6.93147180369123816490e-01, 1.90821492927058770002e-10
ROUND64 = 6755399441055744.0  # 1.5·2^52
C2, C3, C4, C5, C6, C7, C8, C9, C10, C11, C12, C13 = (1.0 / math.factorial(k) for k in range(2, 14))


def _exp64(x):
    if x < EXP_LOW64:
        return 0.0
    if x > EXP_HIGH64:
        return math.inf
    m, n = exp_parts(x)
    bits = (f64(n + ROUND64).view(np.int64) << np.int64(52)) + np.int64(0x3FF0000000000000)
    return m * np.int64(bits).view(np.float64)


@jit
def exp_parts(x):
    """Return m near 1 and an integer n, both float64, with m·2^n = e^x, which neither overflows nor underflows.

    It is right within 2 ulp for |x| ≤ 10⁶, and for |x| ≤ 10¹⁵ as well as x is, which is rounded.
    """
    n = (x * LOG2E64 + ROUND64) - ROUND64
    r = (x - n * LN2_HIGH64) - n * LN2_LOW64
    p = C8 + r * (C9 + r * (C10 + r * (C11 + r * (C12 + r * C13))))
    p = C2 + r * (C3 + r * (C4 + r * (C5 + r * (C6 + r * (C7 + r * p)))))
    return p * (r * r) + r + 1.0, n


def _sigmoid64(x):
    e = exp(-abs(x))
    return (e if x < 0.0 else 1.0) / (1.0 + e)


_tanh32_jit = jit(_tanh32)


def tanh(x):
    """Return the hyperbolic tangent; in float32 its absolute error is at most 2.7e-7."""
    return _tanh32(x) if isinstance(x, np.float32) else _tanh64(x)


def sigmoid(x):
    """Return the logistic function, written so that it cannot overflow; in float64 within 2 ulp in both tails."""
    return _sigmoid32(x) if isinstance(x, np.float32) else _sigmoid64(x)


def exp(x):
    """Return the exponential within 2 ulp.

    float32 results are clamped to [e^−87.3, e^88.0]; float64 ones are 0 for x < −708.39, infinite for x > 709.43.
    """
    return _exp32(x) if isinstance(x, np.float32) else _exp64(x)


def log_sigmoid(x):
    """Return ln σ(x); in float32 with an error of at most 1e-7·max(1, |x|), in float64 as −softplus(−x)."""
    return _log_sigmoid32(x) if isinstance(x, np.float32) else _log_sigmoid64(x)


def _log_sigmoid32(x):
    # ln(1 + e) = 2·artanh(e / (2 + e)), of at most 1/3, where the series' next term is 5e-9.
    e = exp(-abs(x))
    s = e / (f32(2.0) + e)
    s2 = s * s
    total = ((((A13 * s2 + A11) * s2 + A9) * s2 + A7) * s2 + A5) * s2 + A3
    return min(x, f32(0.0)) - f32(2.0) * (s + s * (s2 * total))


def _log_sigmoid64(x):
    return -softplus(-x)


A3, A5, A7, A9, A11, A13 = (f32(1.0 / k) for k in range(3, 14, 2))

_by_type(tanh, _tanh32, _tanh64)
_by_type(log_sigmoid, _log_sigmoid32, _log_sigmoid64)
_by_type(sigmoid, _sigmoid32, _sigmoid64)
_by_type(exp, _exp32, _exp64)


@intrinsic
def _fused(typing_context, a, b, c):
    def codegen(context, builder, signature, arguments):
        return builder.fma(*arguments)

    return c(a, b, c), codegen


def fma(a, b, c):
    """Return a·b + c, fused on purpose.

    In a sum of two products the compiler may fuse either one, and its choice differs between vector widths; writing
    fma(a, b, c·d) keeps the bits the same everywhere.
    """
    return a * b + c


@overload(fma, jit_options=FLAGS)
def _choose_fma(a, b, c):
    return lambda a, b, c: _fused(a, b, c)  # type: ignore[call-arg]  # numba adds the typing context


LN2, SQRT_HALF, SQRT_2 = math.log(2.0), math.sqrt(0.5), math.sqrt(2.0)


@jit
def _artanh(s):
    """Return artanh s by its series for |s| ≤ 0.1716, the range of (x − 1) / (x + 1) for x in [√½, √2]."""
    s2 = s * s
    total = 0.0
    for k in range(21, 0, -2):
        total = total * s2 + 1.0 / k
    return s * total


@jit
def log(x):
    """Return the natural logarithm of a positive finite float64 scalar by the series of artanh, within 2 ulp."""
    mantissa, exponent = math.frexp(x)
    if mantissa < SQRT_HALF:
        mantissa *= 2.0
        exponent -= 1
    return 2.0 * _artanh((mantissa - 1.0) / (mantissa + 1.0)) + exponent * LN2


@jit
def log1p(x):
    """Return ln(1 + x) of a finite float64 x > −1, within 3 ulp even if x is lost in the rounding of 1 + x."""
    if SQRT_HALF < 1.0 + x < SQRT_2:
        return 2.0 * _artanh(x / (2.0 + x))
    return log(1.0 + x)


@jit
def softplus(x):
    """Return ln(1 + e^x) of a float64, with a small relative error in both tails; its derivative is `sigmoid`."""
    return max(x, 0.0) + log1p(exp(-abs(x)))


@jit
def dot(x, y):
    """Return x · y, summed as four chains that are added in a fixed order."""
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
