"""One fused update per optimizer over the flat parameter buffer, and the norm of the flat gradient.

    update(w, g, m, v, rate, scale, beta1, beta2, fix_m, fix_v)

w, g, m and v are one thread's range of the weights, the gradient, the first and the second moment; rate is the
learning rate; scale is the factor of the gradient that clipping sets; beta1 and beta2, in float64, are how much of
the moments is kept; fix_m = 1/(1 − β₁ᵗ) and fix_v = 1/(1 − β₂ᵗ) are Adam's bias corrections. Formulas and usual
constants are PyTorch's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from rnncli.kernels.elementary import fma
from rnncli.kernels.jit import jit

f64 = np.float64  # float() of a float32 stays float32 in numba

BLOCK = 4096  # elements that one thread takes at least; also the fixed partial sums of the norm
EPSILON = 1e-8


@jit
def sgd(w, g, m, v, rate, scale, beta1, beta2, fix_m, fix_v):
    for i in range(w.size):
        w[i] -= rate * (g[i] * scale)


@jit
def momentum(w, g, m, v, rate, scale, beta1, beta2, fix_m, fix_v):
    keep = w.dtype.type(beta1)
    for i in range(w.size):
        m[i] = fma(keep, m[i], g[i] * scale)
        w[i] -= rate * m[i]


@jit
def rmsprop(w, g, m, v, rate, scale, beta1, beta2, fix_m, fix_v):
    keep, take, epsilon = w.dtype.type(beta2), w.dtype.type(1 - beta2), w.dtype.type(EPSILON)
    for i in range(w.size):
        d = g[i] * scale
        v[i] = fma(keep, v[i], take * (d * d))
        w[i] -= rate * d / (np.sqrt(v[i]) + epsilon)


@jit
def adam(w, g, m, v, rate, scale, beta1, beta2, fix_m, fix_v):
    """Adam (Kingma and Ba, 2015)."""
    keep_m, take_m = w.dtype.type(beta1), w.dtype.type(1 - beta1)
    keep_v, take_v, epsilon = w.dtype.type(beta2), w.dtype.type(1 - beta2), w.dtype.type(EPSILON)
    for i in range(w.size):
        d = g[i] * scale
        m[i] = fma(keep_m, m[i], take_m * d)
        v[i] = fma(keep_v, v[i], take_v * (d * d))
        w[i] -= rate * (m[i] * fix_m) / (np.sqrt(v[i] * fix_v) + epsilon)


@jit
def decay(w, rate, weight_decay):
    """Shrink the weights themselves, before their update, as AdamW does (Loshchilov and Hutter, 2019)."""
    keep = w.dtype.type(1) - rate * weight_decay
    for i in range(w.size):
        w[i] *= keep


@jit
def average(a, w, take):
    """Move an average a towards the weights w by the share `take` of their difference."""
    for i in range(a.size):
        a[i] = fma(take, w[i] - a[i], a[i])


class Optimizer(NamedTuple):
    """An update kernel with its usual constants; one of the betas is None if it keeps no such moment."""

    update: Callable[..., None]
    beta1: float | None = None
    beta2: float | None = None
    weight_decay: float = 0.0


OPTIMIZERS: dict[str, Optimizer] = {
    "sgd": Optimizer(sgd),
    "momentum": Optimizer(momentum, beta1=0.9),
    "rmsprop": Optimizer(rmsprop, beta2=0.99),
    "adam": Optimizer(adam, beta1=0.9, beta2=0.999),
    "adamw": Optimizer(adam, beta1=0.9, beta2=0.999, weight_decay=0.01),
}


@jit
def squared_norms(g, sums, first, last):
    """Compute sums[k] = Σ g² over block k of BLOCK elements, first ≤ k < last, in float64 and a fixed order."""
    for k in range(first, last):
        block = g[k * BLOCK : min((k + 1) * BLOCK, g.size)]
        s0 = s1 = s2 = s3 = 0.0
        whole = block.size // 4 * 4
        for i in range(0, whole, 4):
            a, b, c, d = f64(block[i]), f64(block[i + 1]), f64(block[i + 2]), f64(block[i + 3])
            s0 += a * a
            s1 += b * b
            s2 += c * c
            s3 += d * d
        for i in range(whole, block.size):
            s0 += f64(block[i]) * f64(block[i])
        sums[k] = (s0 + s1) + (s2 + s3)
