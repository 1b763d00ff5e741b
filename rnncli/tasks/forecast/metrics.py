"""The measures of forecasts: errors in the data's units, errors without units, and the loss of quantiles.

W windows of H steps, each of one series: `actual` (H, W) has NaN where a value is not known, which is then left out;
`predicted` (H, W) is complete. Every error is one figure a window, (W,), NaN where nothing of the window is known.
A forecast that is NaN is not left out: the figure of its window is NaN, and so is every mean over it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

WQL_LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)  # of GluonTS's mean weighted quantile loss


@dataclass(frozen=True)
class Scores:
    """The means of one forecaster's figures over all windows; NaN where no window has a figure.

    owa: beside another forecaster, see `owa`.
    """

    mae: float
    rmse: float
    smape: float
    mase: float
    rmsse: float
    wql: float | None = None
    owa: float = float("nan")


def mae(actual: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Mean absolute error (W,)."""
    return _mean_of_known(np.abs(actual - predicted), actual)


def mse(actual: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Mean squared error (W,); take the root of a mean of these, not a mean of roots."""
    return _mean_of_known((actual - predicted) ** 2, actual)


def smape(actual: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Mean of 200·|y − f| / (|y| + |f|) in percent (W,), as in the M4 competition; 0 where y and f are both 0."""
    size = np.abs(actual) + np.abs(predicted)
    return _mean_of_known(200 * np.abs(actual - predicted) / np.where(size == 0, 1.0, size), actual)


def mase(actual: np.ndarray, predicted: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Mean absolute error (W,) divided by scale (W,), the first of `seasonal_differences` (Hyndman & Koehler, 2006)."""
    return mae(actual, predicted) / scale


def rmsse(actual: np.ndarray, predicted: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """The root of each window's mean squared error divided by scale (W,), the second of `seasonal_differences`.

    Hyndman & Koehler (2006); the M5 competition's measure, with m = 1.
    """
    return np.sqrt(mse(actual, predicted) / scale)


def seasonal_differences(values: np.ndarray, m: int) -> tuple[float, float]:
    """Mean |x_t − x_{t−m}| and mean (x_t − x_{t−m})² of a history (N,), by which errors are divided.

    NaN values are gaps; differences across one are left out. Both means are NaN if no difference is known, or all are
    0 or so small that their squares are, since nothing can be divided by that; MASE and RMSSE then leave the series'
    windows out.
    """
    step = values[m:] - values[:-m]
    step = step[~np.isnan(step)]
    squared = float((step * step).mean()) if len(step) else 0.0
    return (float(np.abs(step).mean()), squared) if squared else (float("nan"), float("nan"))


def pinball_sums(actual: np.ndarray, quantiles: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Sums (Q, W) of the pinball loss of quantiles (Q, H, W) at levels (Q,): max(q·(y − f), (q − 1)·(y − f))."""
    q = np.asarray(levels)[:, None, None]
    over = actual - quantiles
    return np.where(np.isnan(actual), 0.0, np.maximum(q * over, (q - 1) * over)).sum(axis=1)


def absolute_sums(actual: np.ndarray) -> np.ndarray:
    """Sums |y| (W,) over known values, by which pinball losses are divided."""
    return np.where(np.isnan(actual), 0.0, np.abs(actual)).sum(axis=0)


def wql(pinball: np.ndarray, absolute: np.ndarray) -> float:
    """Weighted quantile loss 2·Σ pinball / Σ|y| over all windows, averaged over levels, from the sums (Q, W) and (W,).

    GluonTS's mean weighted quantile loss, whose levels are `WQL_LEVELS`; with many even levels it nears CRPS over mean
    |y|. Of a point forecast it is Σ|y − f| / Σ|y| for levels that are symmetric about a half. NaN if all y are 0.
    """
    total = float(absolute.sum())
    return float(2 * pinball.sum(axis=1).mean() / total) if total > 0 else float("nan")


def owa(of: Scores, naive2: Scores) -> float:
    """The overall weighted average of the M4 competition: the mean of sMAPE and MASE in units of those of Naive 2."""
    if not (naive2.smape > 0 and naive2.mase > 0):
        return float("nan")
    return (of.smape / naive2.smape + of.mase / naive2.mase) / 2


def scores(
    actual: np.ndarray,
    predicted: np.ndarray,
    series: np.ndarray,
    absolute_scale: np.ndarray,
    squared_scale: np.ndarray,
    *,
    quantiles: np.ndarray | None = None,
    levels: np.ndarray | None = None,
) -> Scores:
    """Return one forecaster's figures over W windows; series (W,) has the number of each window's series.

    absolute_scale, squared_scale (W,): `seasonal_differences` of each window's series; MASE and RMSSE leave out
    windows where they are NaN. quantiles (Q, H, W) at levels (Q,) give WQL. MAE, RMSE and WQL are over known values.
    The others are averaged over the windows of a series and then over series, as in the M4 competition: a series
    with more windows does not count for more.
    """
    known = ~np.isnan(actual)
    any_known = known.any(axis=0)

    def by_series(figures: np.ndarray, counted: np.ndarray = any_known) -> float:
        return _mean_of_series(figures[counted], series[counted])

    error = np.abs(actual - predicted)[known]
    loss = None
    if quantiles is not None and levels is not None:
        loss = wql(pinball_sums(actual, quantiles, levels), absolute_sums(actual))
    return Scores(
        mae=float(error.mean()) if error.size else float("nan"),
        rmse=float(np.sqrt((error * error).mean())) if error.size else float("nan"),
        smape=by_series(smape(actual, predicted)),
        mase=by_series(mase(actual, predicted, absolute_scale), any_known & ~np.isnan(absolute_scale)),
        rmsse=by_series(rmsse(actual, predicted, squared_scale), any_known & ~np.isnan(squared_scale)),
        wql=loss,
    )


def _mean_of_known(x: np.ndarray, actual: np.ndarray) -> np.ndarray:
    """Means (W,) of x (H, W) over the steps where `actual` is known; NaN if it is known at none."""
    known = ~np.isnan(actual)
    count = known.sum(axis=0)
    return np.where(count > 0, np.where(known, x, 0.0).sum(axis=0) / np.maximum(count, 1), np.nan)


def _mean_of_series(figures: np.ndarray, series: np.ndarray) -> float:
    """The mean over all series of the mean figure of each; NaN without figures."""
    if not len(figures):
        return float("nan")
    _, place = np.unique(series, return_inverse=True)
    return float((np.bincount(place, figures) / np.bincount(place)).mean())


def blocks(origins: np.ndarray, series: np.ndarray, horizon: int) -> np.ndarray:
    """A group number (W,) for each window, from its series (W,) and its origin (W,), the row of its first forecast.

    Windows of a series whose forecast rows overlap or touch form a run, and a run is cut every 2·horizon rows: long
    enough that little of a group is shared with the next, short enough that there are many groups. Neighbours have
    numbers that follow each other; one number is left out between two series.
    """
    order = np.lexsort((origins, series))
    origin, one = origins[order], series[order]
    another = np.ones(len(order), bool)
    another[1:] = one[1:] != one[:-1]
    starts = another.copy()
    starts[1:] |= origin[1:] - origin[:-1] > horizon
    first = origin[starts][np.cumsum(starts) - 1]
    chunk = (origin - first) // (2 * horizon)
    starts[1:] |= chunk[1:] != chunk[:-1]
    groups = np.empty(len(order), np.int64)
    groups[order] = np.cumsum(starts) + np.cumsum(another) - 2
    return groups
