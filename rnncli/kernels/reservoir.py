"""A fixed ring of leaky tanh units, and ridge regression with all the answers it gives to examples that it leaves out.

run                  the states of a ring over many sequences, as means of their segments and the last state
ridge                weights by example, and the leverage of each, from a Cholesky factor
gram, products       of rows, each summed in the same order however many there are
"""

from __future__ import annotations

import math

from rnncli.kernels.elementary import dot, tanh
from rnncli.kernels.jit import jit


@jit
def run(x, starts, v, bias, ring, leak, backwards, states, found):
    """Write into found (N, S + 1, H) the mean state of each of S segments of every sequence, and its last state.

        h_t = (1 − a)·h_{t−1} + a·tanh(b + V·x_t + r·shift(h_{t−1})),  h_0 = 0

    Each unit reads its neighbour alone (Rodan and Tiňo, 2011), with the weight r: `ring`; a: `leak` (Jaeger et al.,
    2007). Sequence n is the rows starts[n]:starts[n + 1] of x (R, I), read from its end if `backwards`; v (I, H) and
    bias (H,) are the weights of inputs; states (L + 1, H), room for the longest one, has a row of zeros first. A
    sequence of fewer steps than segments has steps that stand for several.
    """
    S, H = found.shape[1] - 1, bias.size
    for n in range(starts.size - 1):
        T = starts[n + 1] - starts[n]
        for t in range(T):
            row = x[starts[n + 1] - 1 - t] if backwards else x[starts[n] + t]
            before, now = states[t], states[t + 1]
            now[0] = bias[0] + ring * before[H - 1]
            for i in range(1, H):
                now[i] = bias[i] + ring * before[i - 1]
            for j in range(row.size):
                for i in range(H):
                    now[i] += v[j, i] * row[j]
            for i in range(H):
                now[i] = before[i] + leak * (tanh(now[i]) - before[i])
        for k in range(S):
            first = k * T // S
            last = max(first + 1, (k + 1) * T // S)
            mean = found[n, k]
            mean[:] = 0.0
            for t in range(first, last):
                mean += states[t + 1]
            mean /= last - first
        found[n, S] = states[T]


@jit
def ridge(products, penalty, y, factor, inverse, weights, leverage):
    """Write into weights (L, N) the solution of A·wᵀ = yᵀ, y (L, N), and into leverage (N,) the diagonal of A⁻¹, where
    A is `products` (N, N) float64, symmetric and positive semidefinite, with `penalty` added on its diagonal.

    factor and inverse (N, N): room for the Cholesky factor L and for the transpose of its inverse M, row by row:

        L_ij = (A_ij − Σ_k<j L_ik·L_jk) / L_jj,  M_ij = −Σ_k<i L_ik·M_kj / L_ii,  A⁻¹ = Mᵀ·M
    """
    N = products.shape[0]
    for i in range(N):
        for j in range(i):
            factor[i, j] = (products[i, j] - dot(factor[i, :j], factor[j, :j])) / factor[j, j]
        factor[i, i] = math.sqrt(products[i, i] + penalty - dot(factor[i, :i], factor[i, :i]))
    for j in range(N):
        inverse[j, j] = 1.0 / factor[j, j]
        for i in range(j + 1, N):
            inverse[j, i] = -dot(factor[i, j:i], inverse[j, j:i]) / factor[i, i]
        leverage[j] = dot(inverse[j, j:], inverse[j, j:])
    for k in range(y.shape[0]):
        halfway = factor[0]  # which is done with
        halfway[:] = 0.0
        for j in range(N):
            for i in range(j, N):
                halfway[i] += inverse[j, i] * y[k, j]
        for j in range(N):
            weights[k, j] = dot(inverse[j, j:], halfway[j:])


@jit
def gram(a, found):
    """Write into found (N, N) the products of all pairs of rows of a (N, F)."""
    for n in range(a.shape[0]):
        for m in range(n + 1):
            found[n, m] = found[m, n] = dot(a[n], a[m])


@jit
def products(a, b, found):
    """Write into found (N, M) the products of all rows of a (N, F) and b (M, F), each summed in the same order."""
    for n in range(a.shape[0]):
        for m in range(b.shape[0]):
            found[n, m] = dot(a[n], b[m])
