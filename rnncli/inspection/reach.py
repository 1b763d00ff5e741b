"""The reach of a gradient: how fast its norms by lag decay, with intervals by a bootstrap over sequences.

The decay is fitted from lag 0 to the lag at which 1% is left, or over all lags if more is left at each. What lies
beyond would only say how much longer was looked at: so the half-life is the same whatever number of lags is measured.
"""

from __future__ import annotations

import math
from collections.abc import Sequence, Sized

import numpy as np

from rnncli.inspection.reports import EXPLODING, HEALTHY, LITTLE, MUCH, NO_GRADIENT, VANISHING, Reach

_RESAMPLES, _SEED = 200, 1
_TAILS = 0.025, 0.975
_FLAT = 1e-9  # nats per step; a smaller slope is rounding


def mean_by_lag(norms: list[np.ndarray]) -> np.ndarray:
    """Return the mean norm (K,) at each lag over all sequences that are long enough."""
    together = _joined(norms)
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(np.nansum(together, axis=1) / np.maximum((~np.isnan(together)).sum(axis=1), 1))


def left_by_lag(norms: list[np.ndarray], whole: list[np.ndarray]) -> np.ndarray:
    """Return the shares (K,) of the gradient at lag 0 in `whole` that are left in `norms`, both of the same sequences.

    Each lag compares the sequences that are long enough with their own lag 0: other sequences may differ widely.
    """
    together, first = _joined(norms), _joined(whole)[0]
    known = ~np.isnan(together)
    return _shares(np.where(known, together, 0.0).sum(axis=1), np.where(known, first, 0.0).sum(axis=1))


def _shares(sums: np.ndarray, bases: np.ndarray) -> np.ndarray:
    """Return sums / bases; where a base is 0, return 0 for a sum of 0, else 1, as there is nothing to compare with."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return np.where(bases > 0, sums / bases, np.where(sums > 0, 1.0, 0.0))


def reach(norms: list[np.ndarray], flows: int | None = None, own: list[np.ndarray] | None = None) -> Reach:
    """Return the reach of the curve of all sequences; intervals come from a bootstrap over all sequences.

    flows: the number of lags that training flows back through, by which the verdict goes; None is all of them. own: the
    norms of what comes back through the layer's own recurrence, if `norms` are of more; only they tell of growth a
    step.
    """
    curve = left_by_lag(norms, norms)
    recurrence = curve if own is None else left_by_lag(own, own)
    longest = len(curve) - 1
    judged = min(longest, (flows or len(curve)) - 1)
    slope, memory = _slope(curve), _memory(curve)
    slopes, memories = _resampled(_joined(norms))
    half_life, rises = _half_life(slope), slope is not None and _rises(slope, slopes)
    step = _slope(recurrence)
    return Reach(
        decay=None if step is None else math.exp(step),
        half_life=half_life if half_life <= longest else None,
        half_life_above=None if slope is None or rises or half_life <= longest else longest,
        half_life_interval=None if slopes is None else _within(longest, _between(list(map(_half_life, slopes)))),
        memory_1_percent=memory,
        memory_interval=None if memories is None else _whole(_between(memories)),
        longest=longest,
        judged=judged,
        left=_left(curve[: judged + 1]),
        verdict=verdict(curve[: judged + 1], recurrence[: judged + 1]),
    )


def verdict(curve: np.ndarray, recurrence: np.ndarray) -> str:
    """Return the verdict on a curve of shares by lag, and on that of the recurrence, by the rule in `reports.RULE`."""
    if not np.isfinite([curve, recurrence]).all() or recurrence.max() > MUCH * recurrence[0] > 0:
        return EXPLODING
    if not curve.max() > 0:
        return NO_GRADIENT
    return VANISHING if curve[-1] < LITTLE * curve[0] else HEALTHY


def _joined(norms: list[np.ndarray]) -> np.ndarray:
    """Join arrays (K, N) side by side, each padded with NaN to the longest K."""
    K = max(len(part) for part in norms)
    return np.concatenate(
        [np.pad(part, ((0, K - len(part)), (0, 0)), constant_values=np.nan) for part in norms], axis=1
    )


def _slope(curve: np.ndarray) -> float | None:
    """Return the slope in nats per step, fitted by least squares up to the 1% lag where a logarithm exists."""
    memory = _memory(curve)
    fitted = curve if memory is None else curve[: memory + 1]
    lags = np.flatnonzero(np.isfinite(fitted) & (fitted > 0))
    if len(lags) < 2:
        return None
    from_mean = lags - lags.mean()
    return float(from_mean @ np.log(fitted[lags]) / (from_mean @ from_mean))


def _half_life(slope: float | None) -> float:
    """Return the number of lags in which a gradient of this slope halves; infinite if it does not fall."""
    return math.log(0.5) / slope if slope is not None and slope < -_FLAT else math.inf


def _rises(slope: float, slopes: Sequence[float | None] | None) -> bool:
    """Return True if a gradient is measured not to fall: neither as a whole nor at the lower end of its interval."""
    lowest = slope if slopes is None else sorted(-math.inf if s is None else s for s in slopes)[_at(_TAILS[0], slopes)]
    return min(slope, lowest) >= -_FLAT


def _left(curve: np.ndarray) -> float | None:
    return float(curve[-1]) if curve[0] > 0 and not np.isnan(curve[[0, -1]]).any() else None


def _memory(curve: np.ndarray) -> int | None:
    """Return the first lag at which 1% or less of lag 0 is left, or None."""
    few = np.flatnonzero(curve <= LITTLE * curve[0]) if 0 < curve[0] < math.inf else np.zeros(0, int)
    return int(few[0]) if len(few) else None


def _resampled(norms: np.ndarray) -> tuple[list[float | None], np.ndarray] | tuple[None, None]:
    """Return slopes and 1% lags (infinite where never reached) of curves of resampled sequences of `norms` (K, N)."""
    N = norms.shape[1]
    known = ~np.isnan(norms)
    values = np.where(known, norms, 0.0)
    if N < 2 or not np.isfinite(values).all():
        return None, None
    drawn = np.random.default_rng(_SEED).multinomial(N, np.full(N, 1 / N), _RESAMPLES).T.astype(float)
    shares = _shares(values @ drawn, np.where(known, values[0], 0.0) @ drawn)
    curves = np.where(known @ drawn > 0, shares, np.nan)
    memories = [_memory(curve) for curve in curves.T]
    return [_slope(curve) for curve in curves.T], np.array([math.inf if m is None else m for m in memories])


def _within(longest: int, ends: tuple[float | None, float | None]) -> tuple[float | None, float | None]:
    """Return the ends, with None for those beyond the longest lag."""
    low, high = (None if end is None or end > longest else end for end in ends)
    return low, high


def _between(values: Sequence[float] | np.ndarray) -> tuple[float | None, float | None]:
    """Return the ends of the middle 95% of the values, with None for infinity."""
    ordered = np.sort(values)
    low, high = (float(ordered[_at(tail, ordered)]) for tail in _TAILS)
    return (low if math.isfinite(low) else None, high if math.isfinite(high) else None)


def _at(tail: float, values: Sized) -> int:
    """Return the place of a quantile among values in order."""
    return round(tail * (len(values) - 1))


def _whole(ends: tuple[float | None, float | None]) -> tuple[int | None, int | None]:
    low, high = (None if end is None else round(end) for end in ends)
    return low, high
