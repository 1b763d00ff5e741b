"""What naive forecasts compute of many series side by side: autocovariances, moving averages, smoothed levels."""

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


@jit
def autocovariances(d, out, low, high):
    """Compute out (K, S), out[k, s] = Σ_t d[t, s]·d[t+k, s], of series low … high − 1 of d (T, S), less their means."""
    for k in range(out.shape[0]):
        row = out[k]
        row[low:high] = 0.0
        for t in range(d.shape[0] - k):
            now, later = d[t], d[t + k]
            for s in range(low, high):
                row[s] += now[s] * later[s]


@jit
def moving_averages(x, weights, out, low, high):
    """Compute out (T − W + 1, S), out[t, s] = Σ_k weights[k]·x[t+k, s] with weights (W,), of series low … high − 1."""
    for t in range(out.shape[0]):
        row = out[t]
        row[low:high] = 0.0
        for k in range(weights.size):
            weight, values = weights[k], x[t + k]
            for s in range(low, high):
                row[s] += weight * values[s]
