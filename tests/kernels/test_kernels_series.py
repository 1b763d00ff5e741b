"""Kernels over many series side by side, beside plain loops; the series that are not asked for are left alone."""

import numpy as np
import pytest

from rnncli.kernels.series import autocovariances, moving_averages, smooth

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(0, 1, (20, 5)).cumsum(axis=0)
NAN = np.nan


def left_alone(out):
    """The columns of series 2 and 3, after a look at the others."""
    assert np.isnan(out[:, [0, 1, 4]]).all()
    return out[:, 2:4].T


def test_smoothing_ends_at_the_level_and_the_sum_of_squared_errors():
    alphas = np.array([0.1, 0.45, 1.0])
    levels, squares = np.full((2, 5, 3), NAN)
    smooth(X, alphas, levels, squares, 2, 4)
    for s in (2, 3):
        for a, alpha in enumerate(alphas):
            level, square = X[0, s], 0.0
            for value in X[1:, s]:
                square += (value - level) ** 2
                level = alpha * value + (1 - alpha) * level
            assert levels[s, a] == pytest.approx(level, rel=1e-12)
            assert squares[s, a] == pytest.approx(square, rel=1e-12)
    left_alone(levels.T)
    left_alone(squares.T)


def test_autocovariances_are_sums_of_products_of_rows_so_far_apart():
    out = np.full((4, 5), NAN)
    autocovariances(X, out, 2, 4)
    for s, found in zip((2, 3), left_alone(out), strict=True):
        wanted = [sum(X[t, s] * X[t + k, s] for t in range(20 - k)) for k in range(4)]
        assert found == pytest.approx(wanted, rel=1e-12)


def test_a_moving_average_weighs_the_rows_in_their_order():
    weights = np.array([0.5, 0.3, 0.2])
    out = np.full((18, 5), NAN)
    moving_averages(X, weights, out, 2, 4)
    for s, found in zip((2, 3), left_alone(out), strict=True):
        wanted = [0.5 * X[t, s] + 0.3 * X[t + 1, s] + 0.2 * X[t + 2, s] for t in range(18)]
        assert found == pytest.approx(wanted, rel=1e-12)
