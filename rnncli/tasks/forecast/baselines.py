"""The forecasts that need no learning; a network that does not beat them has learnt nothing.

Each takes a context w (T, B, C) of finite values, a horizon and a season m, and returns (horizon, B, C), always finite.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rnncli.tasks.forecast.theta import theta

_LARGEST = 1e30  # no value that is read is larger


def last_value(w: np.ndarray, horizon: int, m: int) -> np.ndarray:
    """Tomorrow is as today."""
    return np.repeat(w[-1:], horizon, axis=0)


def seasonal_naive(w: np.ndarray, horizon: int, m: int) -> np.ndarray:
    """The last season, repeated; the last value where the context is shorter than a season."""
    m = m if m <= len(w) else 1
    return w[len(w) - m + np.arange(horizon) % m]


def drift(w: np.ndarray, horizon: int, m: int) -> np.ndarray:
    """The line from the first value through the last one, continued: a random walk with drift."""
    slope = (w[-1] - w[0]) / max(len(w) - 1, 1)
    return w[-1] + np.arange(1, horizon + 1)[:, None, None] * slope


def seasonal_growth(w: np.ndarray, horizon: int, m: int) -> np.ndarray:
    """The last season times its growth over the one before; k seasons ahead the growth is raised to the power k.

    Growth is the ratio of the two sums. Seasonal naive where the context is shorter than two seasons, where a sum is
    not positive, and where the forecast would be 1e30 or more, as after growth from next to nothing.
    """
    plain = seasonal_naive(w, horizon, m)
    if len(w) < 2 * m:
        return plain
    last, before = w[-m:].sum(axis=0), w[-2 * m : -m].sum(axis=0)
    season = 1 + np.arange(horizon)[:, None, None] // m
    with np.errstate(all="ignore"):  # what is not finite, or no number, is not taken
        grown = plain * (last / before) ** season
    return np.where((last > 0) & (before > 0) & (np.abs(grown) < _LARGEST).all(axis=0), grown, plain)


CORRECTABLE: dict[str, Callable[[np.ndarray, int, int], np.ndarray]] = {
    "last-value": last_value,
    "seasonal-naive": seasonal_naive,
    "seasonal-growth": seasonal_growth,
}
"""Those that a network may correct."""

NAIVE_FORECASTS: dict[str, Callable[[np.ndarray, int, int], np.ndarray]] = {
    **CORRECTABLE,
    "drift": drift,
    "theta": theta,
}
