"""Losses of forecast numbers: errors, quantiles and likelihoods, each fused with its gradient.

Every kernel is called as kernel(outputs, targets, *arguments, losses, weight, low, high) for the sequences
low ≤ b < high. outputs (T, B, K·P) hold P parameters for each of K values, those of value k together from column k·P
on, and are overwritten by dL/d(outputs)·weight; losses (T, B) float64 get the sum over k at each position. A target
that is NaN is unknown: it has no loss, and its P gradients are 0 whatever the outputs hold. `weight` is 1 / (number
of known values).

Likelihoods are negative logarithms in nats, computed in float64 whatever the outputs are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rnncli.kernels.compiler import overload
from rnncli.kernels.elementary import log, log1p, sigmoid, softplus
from rnncli.kernels.gamma import HALF_LOG_2PI, digamma_less_log, log_gamma, log_rising
from rnncli.kernels.jit import FLAGS, jit

f64 = np.float64  # float() of a float32 stays float32 in numba

LEAST_SCALE = 1e-3  # of a Gaussian or Student's t, in scaled units: one exact guess must not earn endless nats
LEAST_FREEDOM = 2.0  # degrees of freedom above which the variance is finite
LEAST = 1e-6  # mean and dispersion of counts, so that logarithms and reciprocals stay finite
HALF_LOG_PI = 0.5723649429247001


def kernel_of(P: int, loss_of: Callable[..., Any]) -> Callable[..., None]:
    """Return the kernel that sums loss_of(p (P,), y, scale) → (loss, its P derivatives) over the known values.

    Targets (T, B, 2·K) hold the K values, then a scale for each; a loss that ignores the scale takes (T, B, K).
    """
    # Overloaded and not jitted: numba caches no kernel that closes over a jitted function.
    overload(loss_of, jit_options=FLAGS)(lambda p, y, scale: loss_of)

    def kernel(outputs, targets, losses, weight, low, high):
        K = outputs.shape[2] // P
        scales = targets.shape[2] - K
        for t in range(outputs.shape[0]):
            for b in range(low, high):
                total = 0.0
                for k in range(K):
                    p, y = outputs[t, b, k * P : (k + 1) * P], targets[t, b, k]
                    if np.isnan(y):
                        p[:] = 0
                        continue
                    loss, gradient = loss_of(p, y, targets[t, b, scales + k])
                    total += loss
                    for i in range(P):
                        p[i] = gradient[i] * weight
                losses[t, b] = total

    kernel.__name__ = kernel.__qualname__ = loss_of.__name__.lstrip("_")  # by which its file in the cache is named
    kernel.__doc__ = loss_of.__doc__
    return jit(kernel)


def _squared_error(p, y, scale):
    """Squared error (output − target)², P = 1; the difference is taken in the outputs' own type."""
    difference = p[0] - y
    return f64(difference) * f64(difference), (p.dtype.type(2) * difference,)


def _absolute_error(p, y, scale):
    """Absolute error |output − target|, P = 1; the gradient of an exact output is 0."""
    difference = f64(p[0]) - f64(y)
    return abs(difference), (_sign(difference),)


@jit
def _sign(x):
    """Return 1 if x > 0, −1 if x < 0, and else x itself, which is 0 or NaN."""
    if x > 0.0:
        return 1.0
    return -1.0 if x < 0.0 else x


def _gaussian(p, y, scale):
    """Negative logarithm of the normal density, P = 2: the mean, and s with σ = softplus(s) + LEAST_SCALE."""
    mean, s = f64(p[0]), f64(p[1])
    sigma = softplus(s) + LEAST_SCALE
    z = (y - mean) / sigma
    loss = log(sigma) + 0.5 * z * z + HALF_LOG_2PI

    # loss = ln sigma + z² / 2 + …, z = (y − mean) / sigma
    dmean = -z / sigma
    dsigma = (1.0 - z * z) / sigma
    # sigma = softplus(s) + …
    return loss, (dmean, dsigma * sigmoid(s))


def _student_t(p, y, scale):
    """Negative logarithm of Student's t density, P = 3: the location, s and v.

    The scale is σ = softplus(s) + LEAST_SCALE, the degrees of freedom are ν = LEAST_FREEDOM + softplus(v): the
    variance is always finite. The density is Γ((ν + 1)/2) / (Γ(ν/2) √(πν) σ) · (1 + z²/ν)^(−(ν + 1)/2),
    z = (y − location)/σ.
    """
    location, s, v = f64(p[0]), f64(p[1]), f64(p[2])
    sigma, nu = softplus(s) + LEAST_SCALE, LEAST_FREEDOM + softplus(v)
    z = (y - location) / sigma
    w = z * z / nu
    tail = log1p(w)
    loss = log(sigma) + 0.5 * (nu + 1.0) * tail + 0.5 * log(nu) + HALF_LOG_PI - log_rising(0.5 * nu, 0.5)

    # loss = ln sigma + (nu + 1) / 2 · ln(1 + z² / nu) + …, z = (y − location) / sigma
    dz = (nu + 1.0) * z / (nu * (1.0 + w))
    dlocation = -dz / sigma
    dsigma = (1.0 - dz * z) / sigma
    # loss = … + ½ ln nu − ln Γ((nu + 1) / 2) + ln Γ(nu / 2), ψ(x) = ln x + digamma_less_log(x)
    dgamma = log1p(1.0 / nu) + digamma_less_log(0.5 * (nu + 1.0)) - digamma_less_log(0.5 * nu)
    dnu = 0.5 * (tail - dz * z / nu + 1.0 / nu - dgamma)
    # sigma = softplus(s) + …, nu = softplus(v) + …
    return loss, (dlocation, dsigma * sigmoid(s), dnu * sigmoid(v))


def _negative_binomial(p, y, scale):
    """Negative logarithm of the negative binomial probability of a count (DeepAR: Salinas et al., 2020), P = 2: m, a.

    targets (T, B, 2·K) hold K counts y ≥ 0, then the scale > 0 of each. The mean is μ = scale·(softplus(m) + LEAST),
    the dispersion α = softplus(a) / √scale + LEAST; the variance is μ + αμ².
    p(y) = Γ(y + 1/α) / (Γ(y + 1) Γ(1/α)) · (1 / (1 + αμ))^(1/α) · (αμ / (1 + αμ))^y.
    """
    y, scale, m, a = f64(y), f64(scale), f64(p[0]), f64(p[1])
    root = np.sqrt(scale)
    mu, alpha = scale * (softplus(m) + LEAST), softplus(a) / root + LEAST
    r = 1.0 / alpha
    spread = log1p(alpha * mu)
    loss = log_gamma(y + 1.0) - log_rising(r, y) + (y + r) * spread - y * log(alpha * mu)

    # loss = … + (y + 1 / alpha) ln(1 + alpha mu) − y ln(alpha mu)
    dmu = (mu - y) / (mu * (1.0 + alpha * mu))
    # (y + 1 / alpha) mu / (1 + alpha mu) − y / alpha = −(y − mu) / (r + mu) / alpha², so that dalpha gathers its terms
    # over alpha², of which each alone drowns their sum
    # loss = … − ln Γ(y + 1 / alpha) + ln Γ(1 / alpha), ψ(x) = ln x + digamma_less_log(x)
    dgamma = log1p(alpha * y) + digamma_less_log(r + y) - digamma_less_log(r)
    dalpha = r * r * (dgamma - spread - (y - mu) / (r + mu))
    # mu = scale · softplus(m) + …, alpha = softplus(a) / √scale + …
    return loss, (dmu * scale * sigmoid(m), dalpha / root * sigmoid(a))


squared_error = kernel_of(1, _squared_error)
absolute_error = kernel_of(1, _absolute_error)
gaussian = kernel_of(2, _gaussian)
student_t = kernel_of(3, _student_t)
negative_binomial = kernel_of(2, _negative_binomial)


@jit
def quantile(outputs, targets, levels, losses, weight, low, high):
    """Compute the mean pinball loss of P = Q quantiles, times 2, which for the median alone is the absolute error.

    levels (Q,) are float64 in (0, 1). At level τ the loss is 2τ(y − output) for an output below y and
    2(1 − τ)(output − y) for one above (Koenker and Bassett, 1978).
    """
    Q = levels.size
    for t in range(outputs.shape[0]):
        for b in range(low, high):
            total = 0.0
            for i in range(outputs.shape[2]):
                k, q = divmod(i, Q)
                y = targets[t, b, k]
                if np.isnan(y):
                    outputs[t, b, i] = 0
                    continue
                difference = f64(outputs[t, b, i]) - f64(y)
                slope = 2.0 * (1.0 - levels[q] if difference > 0.0 else levels[q]) / Q
                total += slope * abs(difference)
                outputs[t, b, i] = slope * _sign(difference) * weight
            losses[t, b] = total


@jit
def softplus_each(x):
    """Replace x (N,) float64 by softplus(x), with the same bits as in the likelihoods."""
    for i in range(x.size):
        x[i] = softplus(x[i])
