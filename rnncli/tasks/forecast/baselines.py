"""The baselines: forecasts that need no training. A network that does not beat them has learnt nothing.

Each takes a finite context w (T, B, C), a horizon and a season m, and returns finite values (horizon, B, C).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

_ALPHAS = np.arange(1, 101)[:, None] / 100
_CRITICAL = 1.645  # standard deviations of a normal distribution that 90% lie within
_NEARLY_ZERO = 1e-9  # a value below this share of the largest makes no meaningful factor


def theta(w: np.ndarray, horizon: int, m: int) -> np.ndarray:
    """The theta forecast (horizon, B, C) of contexts w (T, B, C), each series by itself; m is the season, 1 for none.

    It won the M3 competition. It is exponential smoothing plus half of the linear trend, to which the method of
    Assimakopoulos and Nikolopoulos (2000) is equivalent (Hyndman and Billah, 2003). As in the M4 benchmarks
    (Makridakis, Spiliotis and Assimakopoulos, 2020), a series is seasonally adjusted if its autocorrelation at lag m
    is significant and it has three seasons: by factors if all of it is positive, else by differences.
    """
    T = len(w)
    x = w.reshape(T, -1)
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
    level = np.repeat(x[:1], len(_ALPHAS), axis=0)
    squares = np.zeros_like(level)
    for row in x[1:]:
        error = row - level
        squares += error * error
        level += _ALPHAS * error
    best = squares.argmin(axis=0)
    return level[best, np.arange(x.shape[1])], _ALPHAS[best, 0]


def _season(x: np.ndarray, m: int) -> tuple[np.ndarray, np.ndarray]:
    """Factors and offsets, both (m, S), of the season of x (T, S), from its first row on; 1 and 0 without a season.

    Classical decomposition: the mean deviation of all rows at the same place from a centred moving average. The mean
    of the deviations themselves is not removed: it cancels out when the forecast is scaled or shifted back.
    """
    factors, offsets = np.ones((m, x.shape[1])), np.zeros((m, x.shape[1]))
    if m > 1 and len(x) >= 3 * m:
        seasonal = _is_seasonal(x, m)
        positive = x.min(axis=0) > _NEARLY_ZERO * x.max(axis=0)
        some = x[:, seasonal & positive]
        factors[:, seasonal & positive] = _means_by_place(some[m // 2 : len(x) - m // 2] / _moving_average(some, m), m)
        some = x[:, seasonal & ~positive]
        offsets[:, seasonal & ~positive] = _means_by_place(some[m // 2 : len(x) - m // 2] - _moving_average(some, m), m)
    return factors, offsets


def _is_seasonal(x: np.ndarray, m: int) -> np.ndarray:
    """Flags (S,): True if the autocorrelation of x (T, S) at lag m is outside Bartlett's 90% limits."""
    T = len(x)
    d = x - x.mean(axis=0)
    spectrum = np.fft.rfft(d, n=2 * T, axis=0)  # twice as long, so that the end does not meet the start
    covariance = np.fft.irfft(spectrum * spectrum.conj(), n=2 * T, axis=0)[: m + 1]
    correlation = covariance[1:] / np.where(covariance[0] > 0, covariance[0], 1.0)
    limit = _CRITICAL * np.sqrt((1 + 2 * (correlation[:-1] ** 2).sum(axis=0)) / T)
    return np.abs(correlation[-1]) > limit


def _moving_average(x: np.ndarray, m: int) -> np.ndarray:
    """Moving averages (T − 2·(m // 2), S) of x (T, S) over m rows around each row with m // 2 rows on both sides."""
    weights = np.full(m // 2 * 2 + 1, 1 / m)
    if m % 2 == 0:
        weights[[0, -1]] /= 2
    average = np.zeros((len(x) - m // 2 * 2, x.shape[1]))
    for lag, weight in enumerate(weights):
        average += weight * x[lag : lag + len(average)]
    return average


def _means_by_place(deviations: np.ndarray, m: int) -> np.ndarray:
    """Return the mean deviation (m, S) at each of the m places in the season; the first row is at place m // 2."""
    return np.stack([deviations[(place - m // 2) % m :: m].mean(axis=0) for place in range(m)])


_LARGEST = 1e30  # no value that is read is larger


def last_value(w: np.ndarray, horizon: int, m: int) -> np.ndarray:
    """Repeat the last value."""
    return np.repeat(w[-1:], horizon, axis=0)


def seasonal_naive(w: np.ndarray, horizon: int, m: int) -> np.ndarray:
    """Repeat the last season, or the last value if the context is shorter than a season."""
    m = m if m <= len(w) else 1
    return w[len(w) - m + np.arange(horizon) % m]


def drift(w: np.ndarray, horizon: int, m: int) -> np.ndarray:
    """Continue the line from the first value through the last one: a random walk with drift."""
    slope = (w[-1] - w[0]) / max(len(w) - 1, 1)
    return w[-1] + np.arange(1, horizon + 1)[:, None, None] * slope


def seasonal_growth(w: np.ndarray, horizon: int, m: int) -> np.ndarray:
    """The last season times its growth over the one before; k seasons ahead the growth is raised to the power k.

    The growth is the ratio of the sums of the two seasons. The forecast is seasonal naive if the context is shorter
    than two seasons, if a sum is not positive, or if a value would reach 1e30, as after growth from almost 0.
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
