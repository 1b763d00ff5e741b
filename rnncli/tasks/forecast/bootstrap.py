"""Whether one forecaster is better than another, or only luckier on these windows: the paired bootstrap.

Efron & Tibshirani (1993); Koehn (2004) for comparing two systems on the same cases. Windows that overlap share rows and
are alike, so whole groups of them are drawn (Künsch, 1989), as if each group were one case.
"""

from __future__ import annotations

import numpy as np

_ENOUGH = 0.95
_ROUNDING = 1e-12  # of the sum of all sizes: a difference below is none


def probability_better(a: np.ndarray, b: np.ndarray, groups: np.ndarray, *, seed: int, resamples: int = 2000) -> float:
    """The share of resamples in which the mean of errors a (W,) is below that of b (W,); an equal mean counts half.

    groups (W,): windows of the same number depend on each other and are drawn together (see `blocks`). Windows where
    an error is NaN are left out; 0.5 where none remains. From G groups the result is within 2^−G … 1 − 2^−G: so often
    all of them favour one of two equal forecasters (the sign test). Fewer than five can therefore not reach 0.95.
    """
    known = ~np.isnan(a - b)
    difference = (a - b)[known]
    _, place = np.unique(groups[known], return_inverse=True)
    sums = np.bincount(place, difference)
    if not len(sums):
        return 0.5
    random = np.random.Generator(np.random.PCG64(seed))
    totals = np.array([sums[random.integers(len(sums), size=len(sums))].sum() for _ in range(resamples)])
    totals[np.abs(totals) <= _ROUNDING * np.abs(difference).sum()] = 0
    by_chance = 0.5 ** len(sums)
    return float(np.clip((totals < 0).mean() + (totals == 0).mean() / 2, by_chance, 1 - by_chance))


def blocks(origins: np.ndarray, series: np.ndarray, horizon: int) -> np.ndarray:
    """A group number (W,) for each window, of its origin (W,), the row of its first forecast, and its series (W,).

    Windows of a series whose forecast rows overlap or touch form a run, and a run is cut every 2·horizon rows: long
    enough that little of a group is shared with the next, short enough that there are many.
    """
    order = np.lexsort((origins, series))
    origin, one = origins[order], series[order]
    starts = np.ones(len(order), bool)
    starts[1:] = (one[1:] != one[:-1]) | (origin[1:] - origin[:-1] > horizon)
    first = origin[starts][np.cumsum(starts) - 1]
    chunk = (origin - first) // (2 * horizon)
    starts[1:] |= chunk[1:] != chunk[:-1]
    groups = np.empty(len(order), np.int64)
    groups[order] = np.cumsum(starts) - 1
    return groups


def verdict(probability: float) -> str:
    """What to say of a forecaster that is better with `probability`; whole percents, rounded down, 99 at most."""
    if probability >= _ENOUGH:
        return f"better with {_percent(probability)}%"
    if 1 - probability >= _ENOUGH:
        return f"worse with {_percent(1 - probability)}%"
    return "no better"


def _percent(probability: float) -> int:
    return min(int(100 * probability), 99)  # no sample makes certain
