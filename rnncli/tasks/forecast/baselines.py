"""The baselines: forecasts that need no training. A network that does not beat them has learnt nothing.

Each takes a finite context w (T, B, C), a horizon and a season m, and returns finite values (horizon, B, C).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rnncli.kernels.series import autocovariances, moving_averages, smooth

_ALPHAS = np.arange(1, 101) / 100
_CRITICAL = 1.645  # standard deviations of a normal distribution that 90% lie within
LOOKED_BACK = 1000  # rows that a baseline reads at most
_NEARLY_ZERO = 1e-9  # a value below this share of the largest makes no meaningful factor


def theta(w: np.ndarray, horizon: int, m: int) -> np.ndarray:
    """The theta forecast (horizon, B, C) of contexts w (T, B, C), each series by itself; m is the season, 1 for none.

    It won the M3 competition. It is exponential smoothing plus half of the linear trend, to which the method of
    Assimakopoulos and Nikolopoulos (2000) is equivalent (Hyndman and Billah, 2003). As in the M4 benchmarks
    (Makridakis, Spiliotis and Assimakopoulos, 2020), a series is seasonally adjusted if its autocorrelation at lag m
    is significant and it has three seasons: by factors if all of it is positive, else by differences.
    """
    T = len(w)
    x = np.ascontiguousarray(w.reshape(T, -1))
    factors, offsets = _season(x, m)
    past, coming = np.arange(T) % m, (T + np.arange(horizon)) % m
    adjusted = (x - offsets[past]) / factors[past]
    level, alpha = _smoothed(adjusted)
    t = np.arange(T) - (T - 1) / 2
    slope = t @ (adjusted - adjusted[0]) / max(float(t @ t), 1.0)
    # Smoothing follows a trend from behind: in the long run by slope·(1 − α)/α, early on by less.
    steps = np.arange(horizon)[:, None] + (1 - (1 - alpha) ** T) / alpha
    forecast = (level + slope / 2 * steps) * factors[coming] + offsets[coming]
    return forecast.reshape(horizon, *w.shape[1:])


def _smoothed(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The last level (S,) of simple exponential smoothing of x (T, S), and the α (S,) with the least squared error.

    The level starts at the first value; errors are those of forecasts one step ahead.
    """
    levels, squares = np.empty((2, x.shape[1], len(_ALPHAS)))
    smooth(x, _ALPHAS, levels, squares, 0, x.shape[1])  # a loop over rows took 20 times as long
    best = squares.argmin(axis=1)
    return levels[np.arange(x.shape[1]), best], _ALPHAS[best]


def _season(x: np.ndarray, m: int) -> tuple[np.ndarray, np.ndarray]:
    """Factors and offsets, both (m, S), of the season of x (T, S), from its first row on; 1 and 0 without a season.

    Classical decomposition: the mean deviation of all rows at the same place from a centred moving average. The mean
    of the deviations themselves is not removed: it cancels out when the forecast is scaled or shifted back.
    """
    factors, offsets = np.ones((m, x.shape[1])), np.zeros((m, x.shape[1]))
    if m > 1 and len(x) >= 3 * m:
        seasonal = _is_seasonal(x, m)
        positive = x.min(axis=0) > _NEARLY_ZERO * x.max(axis=0)
        some = np.compress(seasonal & positive, x, axis=1)
        factors[:, seasonal & positive] = _means_by_place(some[m // 2 : len(x) - m // 2] / _moving_average(some, m), m)
        some = np.compress(seasonal & ~positive, x, axis=1)
        offsets[:, seasonal & ~positive] = _means_by_place(some[m // 2 : len(x) - m // 2] - _moving_average(some, m), m)
    return factors, offsets


def _is_seasonal(x: np.ndarray, m: int) -> np.ndarray:
    """Flags (S,): True if the autocorrelation of x (T, S) at lag m is outside Bartlett's 90% limits."""
    T = len(x)
    covariance = np.empty((m + 1, x.shape[1]))
    autocovariances(x - x.mean(axis=0), covariance, 0, x.shape[1])  # a Fourier transform takes ten times as long
    correlation = covariance[1:] / np.where(covariance[0] > 0, covariance[0], 1.0)
    limit = _CRITICAL * np.sqrt((1 + 2 * (correlation[:-1] ** 2).sum(axis=0)) / T)
    return np.abs(correlation[-1]) > limit


def _moving_average(x: np.ndarray, m: int) -> np.ndarray:
    """Moving averages (T − 2·(m // 2), S) of x (T, S) over m rows around each row with m // 2 rows on both sides."""
    weights = np.full(m // 2 * 2 + 1, 1 / m)
    if m % 2 == 0:
        weights[[0, -1]] /= 2
    average = np.empty((len(x) - m // 2 * 2, x.shape[1]))
    moving_averages(x, weights, average, 0, x.shape[1])
    return average


def _means_by_place(deviations: np.ndarray, m: int) -> np.ndarray:
    """Return the mean deviation (m, S) at each of the m places in the season; the first row is at place m // 2."""
    return np.stack([deviations[(place - m // 2) % m :: m].mean(axis=0) for place in range(m)])


GROWTH = 2.0  # times as much, or as little, from season to season
TOTAL_GROWTH = 4.0  # and over all seasons ahead


def last_value(w: np.ndarray, horizon: int, m: int) -> np.ndarray:
    """Repeat the last value."""
    return np.repeat(w[-1:], horizon, axis=0)


def seasonal_naive(w: np.ndarray, horizon: int, m: int) -> np.ndarray:
    """Repeat the last season, or the last value if the context is shorter than a season."""
    m = m if m <= len(w) else 1
    return w[len(w) - m + np.arange(horizon) % m]


def naive2(w: np.ndarray, horizon: int, m: int) -> np.ndarray:
    """Naive 2 of the M4 competition, by which its OWA divides: the last value after seasonal adjustment as by `theta`,
    with its season again.
    """
    T = len(w)
    x = np.ascontiguousarray(w.reshape(T, -1))
    factors, offsets = _season(x, m)
    past, coming = (T - 1) % m, (T + np.arange(horizon)) % m
    forecast = (x[-1] - offsets[past]) / factors[past] * factors[coming] + offsets[coming]
    return np.asarray(forecast.reshape(horizon, *w.shape[1:]))


def drift(w: np.ndarray, horizon: int, m: int) -> np.ndarray:
    """Continue the line from the first value through the last one: a random walk with drift."""
    slope = (w[-1] - w[0]) / max(len(w) - 1, 1)
    return w[-1] + np.arange(1, horizon + 1)[:, None, None] * slope


def seasonal_growth(w: np.ndarray, horizon: int, m: int) -> np.ndarray:
    """The last season times its growth over the one before; k seasons ahead the growth is raised to the power k.

    The growth is the ratio of the sums of the two seasons, within a half and double; its power stays within a quarter
    and four times. The forecast is seasonal naive if the context is shorter than two seasons, or if a sum is not
    positive.
    """
    plain = seasonal_naive(w, horizon, m)
    if len(w) < 2 * m:
        return plain
    last, before = w[-m:].sum(axis=0), w[-2 * m : -m].sum(axis=0)
    growing = (last > 0) & (before > 0)
    season = 1 + np.arange(horizon)[:, None, None] // m
    with np.errstate(over="ignore"):  # after almost 0, or over many seasons
        growth = np.clip(np.divide(last, before, out=np.ones_like(last), where=growing), 1 / GROWTH, GROWTH)
        return plain * np.clip(growth**season, 1 / TOTAL_GROWTH, TOTAL_GROWTH)


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

NAIVE2 = "naive2"
"""Not a baseline to choose: without a season it is the last value."""

WALKED: dict[str, Callable[[np.ndarray, int, int], np.ndarray]] = {**NAIVE_FORECASTS, NAIVE2: naive2}


def applicable(m: int) -> tuple[str, ...]:
    """Return the names of the naive forecasts of series with the season m, 1 for none."""
    return tuple(name for name in NAIVE_FORECASTS if m > 1 or not name.startswith("seasonal"))
