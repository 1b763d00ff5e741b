"""A season that the calendar does not give, looked for in the series itself (sunspots: about 11 years)."""

from __future__ import annotations

import numpy as np

_LEAST_CORRELATION = 0.3
_AS_HIGH = 0.9
_MOST_ROWS = 4096  # of the newest; enough to see a season, and cheap


def detected_season(values: np.ndarray) -> int | None:
    """The lag (2 … N/4) of the highest peak of the autocorrelation of values (N,), or None where none is clear.

    A straight line is taken out first, because a trend correlates with itself at every lag.
    """
    y = values[-_MOST_ROWS:]
    N = len(y)
    if N < 12:
        return None
    t = np.arange(N) - (N - 1) / 2
    y = y - y.mean() - t * (t * (y - y.mean())).sum() / (t * t).sum()
    variance = float((y * y).mean())
    if variance <= 1e-12 * float((values * values).mean()):
        return None
    lags = np.arange(1, N // 4 + 2)
    correlation = np.array([float((y[k:] * y[:-k]).mean()) for k in lags]) / variance
    inner = correlation[1:-1]
    peaks = (inner > correlation[:-2]) & (inner >= correlation[2:]) & (inner > max(_LEAST_CORRELATION, 3 / np.sqrt(N)))
    if not peaks.any():
        return None
    # Twice the season correlates as well as the season: the first of the peaks that are about as high.
    return int(lags[1:-1][peaks][np.argmax(inner[peaks] >= _AS_HIGH * inner[peaks].max())])
