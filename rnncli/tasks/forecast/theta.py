"""The Theta method, which won the M3 competition: exponential smoothing plus half of the linear trend.

Assimakopoulos & Nikolopoulos (2000) average a straight line and the smoothing of a series with twice the curvature;
Hyndman & Billah (2003) show that this is what is computed here. Seasonal adjustment is that of the M4 competition's
benchmarks (Makridakis, Spiliotis & Assimakopoulos, 2020), with an additive one for what is not positive.
"""

from __future__ import annotations

import numpy as np

_ALPHAS = np.arange(1, 101)[:, None] / 100
_CRITICAL = 1.645  # standard deviations of a normal distribution that 90% lie within
_NEARLY_ZERO = 1e-9  # a value below this share of the largest makes no meaningful factor


def theta(w: np.ndarray, horizon: int, m: int) -> np.ndarray:
    """(horizon, B, C) after contexts w (T, B, C), each series by itself; m is the season, 1 for none.

    A series is seasonally adjusted where its autocorrelation at lag m is significant and it has three seasons: by
    factors where all of it is positive, else by differences.
    """
    T = len(w)
    x = w.reshape(T, -1)
    factors, offsets = _season(x, m)
    past, ahead = np.arange(T) % m, (T + np.arange(horizon)) % m
    adjusted = (x - offsets[past]) / factors[past]
    level, alpha = _smoothed(adjusted)
    t = np.arange(T) - (T - 1) / 2
    slope = t @ (adjusted - adjusted[0]) / max(float(t @ t), 1.0)
    # Smoothing follows a trend from behind: in the long run by slope·(1 − α)/α, early on by less.
    steps = np.arange(horizon)[:, None] + (1 - (1 - alpha) ** T) / alpha
    forecast = (level + slope / 2 * steps) * factors[ahead] + offsets[ahead]
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
    """What each season of x (T, S) multiplies by and adds, both (m, S), from its first row on; 1 and 0 where none is.

    Classical decomposition: the mean deviation, from a centred moving average, of all rows at the same place. Their
    own mean is left in: the forecast of what is scaled or shifted is scaled or shifted, and then back again.
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
    """Whether the autocorrelation of each of x (T, S) at lag m is outside Bartlett's 90% limits, (S,)."""
    T = len(x)
    d = x - x.mean(axis=0)
    spectrum = np.fft.rfft(d, n=2 * T, axis=0)  # twice as long, so that the end does not meet the start
    covariance = np.fft.irfft(spectrum * spectrum.conj(), n=2 * T, axis=0)[: m + 1]
    correlation = covariance[1:] / np.where(covariance[0] > 0, covariance[0], 1.0)
    limit = _CRITICAL * np.sqrt((1 + 2 * (correlation[:-1] ** 2).sum(axis=0)) / T)
    return np.abs(correlation[-1]) > limit


def _moving_average(x: np.ndarray, m: int) -> np.ndarray:
    """Of x (T, S) over m rows around each one that has m // 2 rows on both sides: (T − 2·(m // 2), S)."""
    weights = np.full(m // 2 * 2 + 1, 1 / m)
    if m % 2 == 0:
        weights[[0, -1]] /= 2
    average = np.zeros((len(x) - m // 2 * 2, x.shape[1]))
    for lag, weight in enumerate(weights):
        average += weight * x[lag : lag + len(average)]
    return average


def _means_by_place(deviations: np.ndarray, m: int) -> np.ndarray:
    """Means (m, S) by place in the season, of deviations whose first row is at place m // 2."""
    return np.stack([deviations[(place - m // 2) % m :: m].mean(axis=0) for place in range(m)])
