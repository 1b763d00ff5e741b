"""Our own ln Γ and its derivative, for likelihoods that learn the argument of a gamma function.

The recurrences 6.1.15 and 6.3.5 of Abramowitz and Stegun (1964) raise the argument to at least 8, where their
asymptotic series 6.1.40 and 6.3.18 are cut after the seventh term, with an error of at most 1e-14.
"""

from __future__ import annotations

from rnncli.kernels.elementary import log, log1p
from rnncli.kernels.jit import jit

HALF_LOG_2PI = 0.9189385332046727
SERIES_FROM = 8.0
STEPS = 8


@jit
def _stirling_remainder(x):
    """Return ln Γ(x) − [(x − ½) ln x − x + ½ ln 2π] for x ≥ 8: Σ B₂ₖ / (2k(2k − 1) x^(2k−1)), 6.1.40."""
    s = 1.0 / (x * x)
    p = 1 / 1188 + s * (-691 / 360360 + s * (1 / 156))
    return (1 / 12 + s * (-1 / 360 + s * (1 / 1260 + s * (-1 / 1680 + s * p)))) / x


@jit
def _digamma_remainder(x):
    """Return ψ(x) − ln x for x ≥ 8: −1/(2x) − Σ B₂ₖ / (2k x^2k), 6.3.18."""
    s = 1.0 / (x * x)
    p = -1 / 240 + s * (1 / 132 + s * (-691 / 32760 + s * (1 / 12)))
    return -0.5 / x - s * (1 / 12 + s * (-1 / 120 + s * (1 / 252 + s * p)))


@jit
def log_gamma(x):
    """Return ln Γ(x) of a float64 x > 0; the error is 1e-12 at most, absolute near its zeros 1 and 2, else relative."""
    product = 1.0
    if x < SERIES_FROM:
        for _ in range(STEPS):
            product *= x
            x += 1.0
    return (x - 0.5) * log(x) - x + HALF_LOG_2PI + _stirling_remainder(x) - log(product)


@jit
def log_rising(x, n):
    """Return ln Γ(x + n) − ln Γ(x) for x > 0, n ≥ 0 (the rising factorial), accurate also for very large x."""
    if x < SERIES_FROM:
        return log_gamma(x + n) - log_gamma(x)
    change = _stirling_remainder(x + n) - _stirling_remainder(x)
    return (x - 0.5) * log1p(n / x) + n * (log(x + n) - 1.0) + change


@jit
def digamma_less_log(x):
    """Return ψ(x) − ln x of a float64 x > 0 without cancellation, although the two are nearly equal at large x."""
    if x >= SERIES_FROM:
        return _digamma_remainder(x)
    total = log1p(STEPS / x)
    for i in range(STEPS):
        total -= 1.0 / (x + i)
    return total + _digamma_remainder(x + STEPS)
