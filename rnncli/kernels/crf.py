"""A linear-chain conditional random field over outputs (Lafferty et al., 2001; over a tagger, Lample et al., 2016).

    s(y)     = start[y_0] + Σ_t z_t[y_t] + Σ_t A[y_{t−1}, y_t] + end[y_{n−1}]
    p(y | z) = exp s(y) / Z, Z summed over all K^n sequences of tags

The forward–backward algorithm works in float64 on probabilities that are divided by their sum at every step, which
takes no logarithm of a sum for each pair of tags; u_t is z_t, with start at the first step and end at the last:

    α_t[j] = (Σ_i α_{t−1}[i]·E[i, j])·e_t[j] / c_t      E = exp(A − max A), e_t = exp(u_t − max u_t), Σ_j α_t[j] = 1
    β_t[i] = Σ_j E[i, j]·γ_{t+1}[j]                     γ_t[j] = e_t[j]·β_t[j] / c_t, β_{n−1} = 1
    ln Z   = Σ_t (ln c_t + max u_t) + (n − 1)·max A
    p(y_t = j) = α_t[j]·β_t[j],   p(y_t = i, y_{t+1} = j) = α_t[i]·E[i, j]·γ_{t+1}[j]

So dL/dz_t = (p(y_t) − one-hot)·weight for L = −weight·ln p(y | z), and dL/dA is the sum over all pairs of neighbours
of their joint probability, less the number of times that they are the tags. Every E and e_t is at least e^−300, so
that no c_t is zero whatever the outputs are.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rnncli.kernels.elementary import dot, exp, log
from rnncli.kernels.jit import jit

f64 = np.float64

_LEAST = -300.0  # the logarithm of the smallest factor: products of two are far from the smallest float64


class Chain(NamedTuple):
    """The parameters of a chain of K tags, and the arrays of B sequences of up to T steps.

    transitions A (K, K), from a row's tag to a column's; start, end (K,); factors E (K, K) float64; lengths (B,).
    `negative_log_likelihood` leaves there what `transition_gradients` reads: alpha, gamma (T, B, K) float64, tags
    (T, B) int32, weights (B,) float64.
    """

    transitions: np.ndarray
    start: np.ndarray
    end: np.ndarray
    factors: np.ndarray
    lengths: np.ndarray
    alpha: np.ndarray
    gamma: np.ndarray
    tags: np.ndarray
    weights: np.ndarray


@jit
def _highest(A):
    highest = A[0, 0]
    for i in range(A.shape[0]):
        for j in range(A.shape[1]):
            highest = max(highest, A[i, j])
    return f64(highest)


@jit
def _factor(x):
    return exp(_LEAST if x < _LEAST else x)  # NaN stays


@jit
def factors(transitions, E, first, last):
    """Compute E[:, first:last] = exp(A − max A)."""
    highest = _highest(transitions)
    for i in range(E.shape[0]):
        for j in range(first, last):
            E[i, j] = _factor(f64(transitions[i, j]) - highest)


@jit
def _forward(z, chain, b):
    """Compute alpha of sequence b, and e_t / c_t in gamma; return ln Z. z (T, B, K)."""
    n, K = chain.lengths[b], z.shape[2]
    total = (n - 1) * _highest(chain.transitions)
    for t in range(n):
        a, e = chain.alpha[t, b], chain.gamma[t, b]
        for j in range(K):
            e[j] = f64(z[t, b, j])
            if t == 0:
                e[j] += f64(chain.start[j])
            if t == n - 1:
                e[j] += f64(chain.end[j])
        highest = e[0]
        for j in range(1, K):
            highest = max(highest, e[j])
        for j in range(K):
            e[j] = _factor(e[j] - highest)
            a[j] = 1.0 if t == 0 else 0.0
        if t > 0:
            for i in range(K):
                before, E = chain.alpha[t - 1, b, i], chain.factors[i]
                for j in range(K):
                    a[j] += before * E[j]
        c = 0.0
        for j in range(K):
            a[j] *= e[j]
            c += a[j]
        for j in range(K):
            a[j] /= c
            e[j] /= c
        total += log(c) + highest
    return total


@jit
def _backward(z, chain, b):
    """Complete gamma of sequence b, and replace z[t, b] by the probabilities of the tags, after `_forward`."""
    n, K = chain.lengths[b], z.shape[2]
    for t in range(n - 1, -1, -1):
        a, g = chain.alpha[t, b], chain.gamma[t, b]
        for i in range(K):
            beta = 1.0 if t == n - 1 else dot(chain.factors[i], chain.gamma[t + 1, b])
            g[i] *= beta
            z[t, b, i] = a[i] * beta


@jit
def _score(z, tags, chain, b):
    """Return s(y) of the tags of sequence b."""
    n = chain.lengths[b]
    s = f64(chain.start[tags[0, b]]) + f64(chain.end[tags[n - 1, b]])
    for t in range(n):
        s += f64(z[t, b, tags[t, b]])
        if t > 0:
            s += f64(chain.transitions[tags[t - 1, b], tags[t, b]])
    return s


@jit
def negative_log_likelihood(z, targets, chain, losses, weight, low, high):
    """Write losses[0, b] = −ln p(targets[:, b] | z) in nats, and zero to the other steps.

    z becomes its gradient, zero beyond a sequence's end. z (T, B, K), targets (T, B) int32 below K, where a sequence
    is; losses (T, B) float64.
    """
    for b in range(low, high):
        n = chain.lengths[b]
        chain.weights[b] = weight
        score = _score(z, targets, chain, b)
        losses[:, b] = 0.0
        losses[0, b] = _forward(z, chain, b) - score
        _backward(z, chain, b)
        for t in range(n):
            chain.tags[t, b] = targets[t, b]
            z[t, b, targets[t, b]] -= z.dtype.type(1)
            for j in range(z.shape[2]):
                z[t, b, j] *= weight
        for t in range(n, z.shape[0]):
            z[t, b, :] = 0


@jit
def transition_gradients(chain, sums, dA, first, last):
    """Compute dA[:, first:last], in `sums` (K, K) float64, after `negative_log_likelihood` of all sequences.

    Every element is one chain of additions over (b, t) in order.
    """
    K = dA.shape[0]
    for i in range(K):
        sums[i, first:last] = 0.0
    for b in range(chain.lengths.size):
        for t in range(1, chain.lengths[b]):
            g = chain.gamma[t, b]
            for i in range(K):
                a, out = chain.alpha[t - 1, b, i] * chain.weights[b], sums[i]
                for j in range(first, last):
                    out[j] += a * g[j]
    for i in range(K):
        for j in range(first, last):
            sums[i, j] *= chain.factors[i, j]
    for b in range(chain.lengths.size):
        for t in range(1, chain.lengths[b]):
            j = chain.tags[t, b]
            if first <= j < last:
                sums[chain.tags[t - 1, b], j] -= chain.weights[b]
    for i in range(K):
        for j in range(first, last):
            dA[i, j] = sums[i, j]


@jit
def end_gradients(dz, lengths, dstart, dend, first, last):
    """Compute columns first ≤ j < last of dstart and dend (K,) from dz (T, B, K), the gradient of the outputs."""
    for j in range(first, last):
        at_start = at_end = 0.0
        for b in range(lengths.size):
            at_start += f64(dz[0, b, j])
            at_end += f64(dz[lengths[b] - 1, b, j])
        dstart[j] = at_start
        dend[j] = at_end


@jit
def probabilities(z, chain):
    """Replace z (T, B, K) by p(y_t | z) of each step alone."""
    for b in range(z.shape[1]):
        _forward(z, chain, b)
        _backward(z, chain, b)


@jit
def best_path(z, transitions, start, end, scores, came_from, path):
    """Write the tags of the highest s(y), the first of equals at each step, to path (n,) int32 (Viterbi, 1967).

    z (n, K), transitions (K, K), start, end (K,) float64; scores (n, K) float64 and came_from (n, K) int32 are scratch.
    """
    n, K = z.shape
    for j in range(K):
        scores[0, j] = start[j] + z[0, j]
    for t in range(1, n):
        for j in range(K):
            best = 0
            for i in range(1, K):
                if scores[t - 1, i] + transitions[i, j] > scores[t - 1, best] + transitions[best, j]:
                    best = i
            came_from[t, j] = best
            scores[t, j] = scores[t - 1, best] + transitions[best, j] + z[t, j]
    best = 0
    for j in range(1, K):
        if scores[n - 1, j] + end[j] > scores[n - 1, best] + end[best]:
            best = j
    for t in range(n - 1, -1, -1):
        path[t] = best
        best = came_from[t, best]
