"""A linear model with a squared penalty, fitted one example at a time: a label against the rest, or a number."""

from __future__ import annotations

from rnncli.kernels.jit import jit


@jit
def fit(starts, columns, values, chosen, y, ridge, hinged, w, dual, epochs, tolerance):
    """Fit w (F,) to the examples `chosen` (n,) of sparse ones, starting from w = Σ_i dual_i·x_i:

        minimize ½‖w‖² + 1 / (2·ridge)·Σ_i (y_i − w·x_i)²

    Example i has values[k] in column columns[k] for starts[i] ≤ k < starts[i + 1]; y, dual (N,). hinged: y is ±1, and
    an error counts only where y_i·w·x_i < 1 (the squared hinge).

    One dual_i after the other is set to its optimum given all others (Hsieh et al., 2008, algorithm 1), in order, until
    in an epoch no gradient of one exceeded the tolerance:

        g = w·x_i − y_i + ridge·dual_i,  dual_i −= g / (x_i·x_i + ridge);  hinged: y_i·dual_i ≥ 0
    """
    for _ in range(epochs):
        largest = 0.0
        for i in chosen:
            low, high = starts[i], starts[i + 1]
            margin, square = 0.0, ridge
            for k in range(low, high):
                margin += w[columns[k]] * values[k]
                square += values[k] * values[k]
            before = dual[i]
            now = before - (margin - y[i] + ridge * before) / square
            if hinged and now * y[i] < 0.0:
                now = 0.0
            step = now - before
            if step != 0.0:
                dual[i] = now
                for k in range(low, high):
                    w[columns[k]] += step * values[k]
                largest = max(largest, abs(step) * square)
        if largest <= tolerance:
            break
