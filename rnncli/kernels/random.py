"""Random numbers from counters: number k of stream s under a seed is a pure function of (seed, s, k).

No draw depends on an earlier one, so threads, resuming and the JIT cannot change a draw. The mixer is the finaliser
of SplitMix64 (Steele, Lea and Flood, 2014).
"""

from __future__ import annotations

import numpy as np

from rnncli.kernels.elementary import dot
from rnncli.kernels.jit import enabled, jit

if not enabled():
    np.seterr(over="ignore")  # plain Python warns of the arithmetic modulo 2^64 that is wanted here

u64 = np.uint64
GOLDEN, MIX_1, MIX_2 = u64(0x9E3779B97F4A7C15), u64(0xBF58476D1CE4E5B9), u64(0x94D049BB133111EB)
S30, S27, S31, S11 = u64(30), u64(27), u64(31), u64(11)
UNIT = 2.0**-53
S16, LOW16 = u64(16), u64(0xFFFF)
MIDDLE, SPREAD = 2.0 * 0xFFFF, ((2.0**32 - 1) / 3) ** 0.5  # of the sum of four whole numbers below 2^16


@jit
def mix(x):
    """Return 64 well-mixed bits from the 64 bits of x."""
    z = u64(x) + GOLDEN
    z = (z ^ (z >> S30)) * MIX_1
    z = (z ^ (z >> S27)) * MIX_2
    return z ^ (z >> S31)


@jit
def bits(seed, stream, k):
    """Return 64 random bits: number k of stream `stream` under `seed`."""
    return mix(mix(mix(u64(seed)) ^ u64(stream)) ^ u64(k))


@jit
def unit(seed, stream, k):
    """Return a uniform float64 in [0, 1): number k of stream `stream` under `seed`."""
    return float(bits(seed, stream, k) >> S11) * UNIT


@jit
def fill_uniform(out, seed, stream, limit):
    """Fill out (N,) float64 with uniform values in [−limit, limit)."""
    for k in range(out.size):
        out[k] = (2.0 * unit(seed, stream, k) - 1.0) * limit


@jit
def fill_normal(out, seed, stream):
    """Fill out (N,) float64 with nearly normal values, of mean 0 and variance 1: sums of four uniform ones, without a
    logarithm, of which machines have different bits."""
    for k in range(out.size):
        b = bits(seed, stream, k)
        total = (b & LOW16) + ((b >> S16) & LOW16) + ((b >> u64(32)) & LOW16) + (b >> u64(48))
        out[k] = (float(total) - MIDDLE) / SPREAD


def shuffled(count, seed, stream):
    """Return the numbers 0 … count − 1 in random order."""
    keys = np.empty(count, np.uint64)
    fill_bits(keys, seed, stream)
    return np.argsort(keys, kind="stable")


@jit
def fill_bits(out, seed, stream):
    """Fill out (N,) uint64 with random bits; sorting by them shuffles."""
    for k in range(out.size):
        out[k] = bits(seed, stream, k)


@jit
def orthogonalise(q):
    """Make the rows of q (N, N) float64 orthonormal by Gram–Schmidt, run twice, which reaches machine precision.

    LAPACK's QR would give other bits on another machine.
    """
    for i in range(q.shape[0]):
        for _ in range(2):
            for k in range(i):
                r = dot(q[k], q[i])
                for j in range(q.shape[1]):
                    q[i, j] -= r * q[k, j]
        length = np.sqrt(dot(q[i], q[i]))
        for j in range(q.shape[1]):
            q[i, j] /= length
