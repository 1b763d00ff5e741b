"""Quantiles of errors, of which some may be few, depend on each other, or be of counts.

H steps of W windows with C columns: errors (H, W, C), NaN where not known. G quantiles of each step, at levels SHARES.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

SHARES = np.linspace(0.0, 1.0, 201)[1:-1]  # at which the errors are kept
_NORMAL = np.array([NormalDist().inv_cdf(share) for share in SHARES.tolist()])
_FEWEST = 10  # errors of one step, to tell its scale; else those of all steps are taken together
_ENOUGH = 400  # errors of one step tell its tails; with fewer, those of neighbouring steps are taken too
_SMEARED = 18  # the seed by which errors of counts are smeared
_FEWEST_WORTH = 3.0  # independent errors, fewer of which tell no spread at all
_DEVIATION = 0.9  # of the logarithm of a scale, by the root of the normal errors that told it


def quantiles_of(sample: np.ndarray) -> np.ndarray:
    """Quantiles at SHARES, a little wider than the sample's: with n errors, share p is the (n + 1)·p-th of them."""
    n = sample.size
    outer = np.clip((SHARES * (n + 1) - 1) / max(n - 1, 1), 0, 1)
    return np.quantile(sample, outer)


def at(share: float, quantiles: np.ndarray) -> np.ndarray:
    """Return the quantiles (...) at level `share` from those (..., G) at levels SHARES."""
    place = float(np.interp(share, SHARES, np.arange(len(SHARES))))
    first = min(int(place), len(SHARES) - 2)
    low, high = quantiles[..., first], quantiles[..., first + 1]
    return np.asarray(low + (place - first) * (high - low))


@dataclass(frozen=True)
class Together:
    """Which of W windows depend on each other: those with the same number in `groups` (W,), which share rows or times;
    `times` (W,) tells which begin together."""

    groups: np.ndarray
    times: np.ndarray

    @classmethod
    def of(cls, groups: np.ndarray, times: np.ndarray | None = None) -> Together:
        """Return windows of these groups, none of which begin together if `times` is None."""
        return cls(groups, np.arange(len(groups)) if times is None else times)

    def only(self, chosen: np.ndarray) -> Together:
        """Return those of some windows."""
        return Together(self.groups[chosen], self.times[chosen])


def worth_of(errors: np.ndarray, together: Together) -> float:
    """Return how many independent errors there are in (n, W, C).

    It is one a group if the errors of windows that begin together are all alike, and many if they have nothing in
    common: the share of the mean square of errors that is the square of the mean of such windows tells.
    """
    known = np.isfinite(errors)
    groups = len(np.unique(together.groups[known.any(axis=(0, 2))]))
    place = np.unique(together.times, return_inverse=True)[1]
    counts = np.bincount(place, known.sum(axis=(0, 2)))
    sums = np.bincount(place, np.where(known, errors, 0.0).sum(axis=(0, 2)))[counts > 0]
    counts = counts[counts > 0]
    square = float((errors[known] ** 2).mean()) if known.any() else 0.0
    alike = float(((sums / counts) ** 2).mean()) / square if square > 0 else 1.0
    return float(min(groups / max(alike, np.finfo(float).tiny), counts.sum()))


def by_step(errors: np.ndarray, together: Together) -> np.ndarray:
    """Return quantiles (H, G) of errors (H, W, C) by step, smoothed over steps where there are few, and `widened`.

    A step's quantiles are its scale, half of what the middle 80% of its errors span, times the quantiles of errors in
    units of their step's scale, which are taken from as many neighbouring steps as tell the tails: from all of them,
    with scales that never fall, if too few errors are independent to tell that a later step is known better.
    """
    flat: Sequence[np.ndarray] = [step[np.isfinite(step)] for step in errors.reshape(len(errors), -1)]
    fewest = min(step.size for step in flat)
    worth, count = worth_of(errors, together), sum(step.size for step in flat)
    scales = np.zeros(1) if fewest < _FEWEST else np.array([half_of_middle(step) for step in flat])
    if not scales.all():
        return widened(np.tile(lengthened(np.concatenate(flat)), (len(flat), 1)), worth, count)
    units = [step / scale for step, scale in zip(flat, scales, strict=True)]
    radius = -(-_ENOUGH // fewest) // 2
    scales = smoothed(scales, radius)
    growing = rising(scales)
    if radius and np.abs(np.log(growing / scales)).max() <= 2 * _DEVIATION / np.sqrt(worth):
        scales, radius = growing, len(units)
    near = [units[max(k - radius, 0) : k + radius + 1] for k in range(len(units))]
    kept = np.stack([scale * lengthened(np.concatenate(some)) for scale, some in zip(scales, near, strict=True)])
    return widened(kept, worth, count)


def lengthened(sample: np.ndarray) -> np.ndarray:
    """Return quantiles (G,) of a sample with tails of Student's t beyond its outmost values: of n values, no more than
    (n − 1) / (n + 1) of all others lie between these."""
    quantiles, tails = quantiles_of(sample), np.abs(_NORMAL * _students(sample.size))
    outmost = float(np.interp(1 / (sample.size + 1), SHARES, tails))
    middle = quantiles[len(SHARES) // 2]
    return np.asarray(middle + (quantiles - middle) * (np.maximum(tails / outmost, 1) if outmost else 1))


def widened(errors: np.ndarray, worth: float, count: float = np.inf) -> np.ndarray:
    """Return quantiles (…, G) of `count` errors at levels SHARES, further from their median if only so few of them
    (`worth`) are independent, which do not know their spread: as Student's t of so many is wider than that of `count`.
    """
    middle = errors[..., len(SHARES) // 2, None]
    return middle + (errors - middle) * _students(min(worth, count)) / _students(count)


def _students(count: float) -> np.ndarray:
    """Return quantiles (G,) of Student's t with a degree of freedom less than `count`, in units of a normal
    distribution's, by the first terms of their expansion (Fisher and Cornish, 1960)."""
    z2, nu = _NORMAL**2, max(count, _FEWEST_WORTH) - 1
    return np.asarray(1 + (z2 + 1) / (4 * nu) + (5 * z2**2 + 16 * z2 + 3) / (96 * nu**2))


def smeared(errors: np.ndarray, grain: np.ndarray | None) -> np.ndarray:
    """Return errors (...) of counts as if every value were drawn from half a count below it to half a count above, or
    these errors if `grain`, one count in their units, is None.

    Quantiles of counts jump; those of smeared ones do not, and the whole numbers between two of them hold as near to
    the share between these as whole numbers can.
    """
    if grain is None:
        return errors
    return errors + grain * (np.random.default_rng(_SMEARED).random(errors.shape) - 0.5)


def rising(scales: np.ndarray) -> np.ndarray:
    """Return the scales (N, ...) that never fall and are nearest to positive ones, by their logarithms: isotonic
    regression, which pools neighbours that fall (Barlow et al., 1972)."""
    logs = np.log(scales).reshape(len(scales), -1)
    for column in logs.T:
        means, sizes = [], []
        for value in column.tolist():
            means.append(value)
            sizes.append(1)
            while len(means) > 1 and means[-2] > means[-1]:
                total = sizes[-2] + sizes[-1]
                means[-2:] = [(means[-2] * sizes[-2] + means[-1] * sizes[-1]) / total]
                sizes[-2:] = [total]
        column[...] = np.repeat(means, sizes)
    return np.exp(logs).reshape(scales.shape)


def smoothed(scales: np.ndarray, radius: int) -> np.ndarray:
    """Return positive scales (H, ...) smoothed over steps: on a line through the logarithms of the nearest ones, those
    at most `radius` steps away."""
    if radius < 1 or len(scales) < 3:
        return scales
    logs, H = np.log(scales).reshape(len(scales), -1), len(scales)
    made = np.empty_like(logs)
    for k in range(H):
        first, last = max(k - radius, 0), min(k + radius + 1, H)
        t = np.arange(first, last) - (first + last - 1) / 2
        some = logs[first:last]
        slope = t @ some / max(float(t @ t), 1.0)
        made[k] = some.mean(axis=0) + slope * (k - (first + last - 1) / 2)
    return np.exp(made).reshape(scales.shape)


def half_of_middle(sample: np.ndarray) -> float:
    """Return half the width of the middle 80% of a sample, without what is not finite; 0 if nothing is."""
    known = sample[np.isfinite(sample)]
    low, high = np.quantile(known, (0.1, 0.9)) if known.size else (0.0, 0.0)
    return float(high - low) / 2
