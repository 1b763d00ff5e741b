"""Simple exponential smoothing of many series with many smoothing factors at once."""

from __future__ import annotations

from rnncli.kernels.jit import jit


@jit
def smooth(x, alphas, levels, squares, low, high):
    """Smooth series low … high − 1 of x (T, S) with each α of alphas (A,), from the first value on:

        e_t = x_t − l_{t−1},  l_t = l_{t−1} + α·e_t,  l_0 = x_0

    levels (S, A) gets the last level, squares (S, A) the sum of e_t², the errors of forecasts one step ahead.
    """
    for s in range(low, high):
        level, square = levels[s], squares[s]
        for a in range(alphas.size):
            level[a] = x[0, s]
            square[a] = 0.0
        for t in range(1, x.shape[0]):
            value = x[t, s]
            for a in range(alphas.size):
                error = value - level[a]
                square[a] += error * error
                level[a] += alphas[a] * error
