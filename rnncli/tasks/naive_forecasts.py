"""The forecasts that need no learning; a network that does not beat them has learnt nothing.

Each takes a context w (T, B, C), a horizon and a season m, and returns (horizon, B, C).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def last_value(w: np.ndarray, horizon: int, m: int) -> np.ndarray:
    """Tomorrow is as today."""
    return np.repeat(w[-1:], horizon, axis=0)


def seasonal_naive(w: np.ndarray, horizon: int, m: int) -> np.ndarray:
    """The last season, repeated; the last value where the context is shorter than a season."""
    m = m if m <= len(w) else 1
    return w[len(w) - m + np.arange(horizon) % m]


NAIVE_FORECASTS: dict[str, Callable[[np.ndarray, int, int], np.ndarray]] = {
    "last-value": last_value,
    "seasonal-naive": seasonal_naive,
}
