"""The linear model of sparse examples: ridge regression in closed form, the squared hinge by its own gradient."""

import numpy as np
import pytest

from rnncli.kernels import linear

N, F = 40, 12
RANDOM = np.random.default_rng(3)
X = RANDOM.normal(size=(N, F)) * (RANDOM.random((N, F)) < 0.4)
CHOSEN = np.array([i for i in range(N) if i % 5])


def fitted(y, ridge, *, hinged, epochs=2000, tolerance=1e-12):
    row, column = np.nonzero(X)
    starts = np.searchsorted(row, np.arange(N + 1))
    w, dual = np.zeros(F), np.zeros(N)
    linear.fit(starts, column, X[row, column], CHOSEN, y, ridge, hinged, w, dual, epochs, tolerance)
    assert w == pytest.approx(X.T @ dual)
    assert not dual[::5].any()
    return w, dual


@pytest.mark.parametrize("ridge", [0.1, 2.0])
def test_numbers_are_ridge_regression(ridge):
    y, x = RANDOM.normal(size=N), X[CHOSEN]
    w, _ = fitted(y, ridge, hinged=False)
    assert w == pytest.approx(np.linalg.solve(x.T @ x + ridge * np.eye(F), x.T @ y[CHOSEN]), abs=1e-9)


@pytest.mark.parametrize("ridge", [0.1, 2.0])
def test_labels_have_no_gradient_left(ridge):
    y, x = np.where(X[:, 0] + X[:, 1] + RANDOM.normal(size=N) > 0, 1.0, -1.0), X[CHOSEN]
    w, dual = fitted(y, ridge, hinged=True)
    short = np.maximum(1 - y[CHOSEN] * (x @ w), 0)
    assert 5 < (short > 0).sum() < len(short)
    assert w - x.T @ (short * y[CHOSEN]) / ridge == pytest.approx(np.zeros(F), abs=1e-8)
    assert (dual * y >= 0).all()


def test_it_stops_where_nothing_changes_much():
    y = RANDOM.normal(size=N)
    exact, _ = fitted(y, 1.0, hinged=False)
    near, _ = fitted(y, 1.0, hinged=False, tolerance=1e-3)
    far, _ = fitted(y, 1.0, hinged=False, epochs=1)
    assert 0 < np.abs(near - exact).max() < 1e-2 < np.abs(far - exact).max()
