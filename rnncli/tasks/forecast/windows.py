"""Windows of series: `context` rows in, the next `horizon` rows out, scaled by the context or by whole series.

A window is named by its origin, the row of its first forecast.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from rnncli.data.numeric import scaler
from rnncli.errors import DataError
from rnncli.tasks.forecast.padding import LEAST, lengths_of, of_each_length, scaled

_POWERS = np.linspace(0.0, 1.0, 21)  # of a Box-Cox transform; beyond them the way back is no function
HIGHEST = 690.0  # the logarithm of what any way back ends at; a little more and it is infinite


@dataclass(frozen=True)
class Transform:
    """A monotone transform of a series into one that is easier to forecast, and of forecasts back; it preserves medians
    and quantiles. `forward` and `back` take values of any shape, and the power, which is fitted on training rows.
    `least`: the lowest value that has a transform.
    """

    forward: Callable[[np.ndarray, float], np.ndarray]
    back: Callable[[np.ndarray, float], np.ndarray]
    needs: str = ""
    least: float = -np.inf


def _box_cox(y: np.ndarray, power: float) -> np.ndarray:
    return np.log(y) if power == 0 else (y**power - 1) / power


def _box_cox_back(z: np.ndarray, power: float) -> np.ndarray:
    if power == 0:
        return np.exp(np.minimum(z, HIGHEST))
    return np.clip(z * power + 1, 0.0, np.exp(HIGHEST * power)) ** (1 / power)


TRANSFORMS: dict[str, Transform] = {
    "none": Transform(lambda y, _: y, lambda z, _: z),
    "log": Transform(lambda y, _: _box_cox(y, 0.0), lambda z, _: _box_cox_back(z, 0.0), "positive", np.nextafter(0, 1)),
    "log1p": Transform(lambda y, _: np.log1p(y), lambda z, _: np.expm1(np.clip(z, 0.0, HIGHEST)), "not negative", 0.0),
    "sqrt": Transform(lambda y, _: np.sqrt(y), lambda z, _: np.maximum(z, 0.0) ** 2, "not negative", 0.0),
    "box-cox": Transform(_box_cox, _box_cox_back, "positive", np.nextafter(0, 1)),
}


def require_transformable(values: np.ndarray, transform: str, name: str, *, non_negative: bool = False) -> None:
    """Raise DataError if one of the values, which came from the file `name`, has no transform, or is negative where the
    series cannot be."""
    needs, low = TRANSFORMS[transform], values.min()
    if non_negative and low < 0:
        raise DataError(f"{name}: data.non_negative is true, and the lowest value is {low:g}; set it to false")
    if low < needs.least:
        raise DataError(
            f"{name}: data.transform {transform} needs values that are {needs.needs}, and the lowest is {low:g}; "
            "take another transform"
        )


def fitted_power(series: Iterable[np.ndarray], season: int) -> float:
    """Return the power λ of a Box-Cox transform for series of positive values (N,) each, by Guerrero's method (1993).

    It makes the ratio of the spread within a season to its level to the power 1 − λ as equal as it can be: the
    coefficient of variation of this ratio is the least, on average over the series. It is 1, which changes nothing
    but the level, if no series has two seasons that vary.
    """
    found = [_unevenness(values, max(season, 2)) for values in series]
    uneven = [one for one in found if one is not None]
    return float(_POWERS[np.argmin(np.mean(uneven, axis=0))]) if uneven else 1.0


def _unevenness(values: np.ndarray, m: int) -> np.ndarray | None:
    """Return the coefficient of variation of Guerrero's ratio at each power; None without two seasons that vary."""
    blocks = values[len(values) % m :].reshape(-1, m)
    if len(blocks) < 2:
        return None
    level, spread = blocks.mean(axis=1), blocks.std(axis=1, ddof=1)
    ratio = spread[:, None] / level[:, None] ** (1 - _POWERS)
    size = ratio.mean(axis=0)
    return ratio.std(axis=0) / size if (size > 0).all() else None


Bounds = tuple[np.ndarray, np.ndarray]
_ENOUGH = 50  # values tell that none is below 0
_WHOLES = (1.0, 100.0)  # of shares
_VISITS = 2  # an end that values come back to is one
_ABOVE_ZERO = float(np.nextafter(0.0, 1.0))  # the bound of values that never were 0


def bounds_of(values: np.ndarray) -> Bounds:
    """Return what values (N, C), NaN where not known, never pass: 0, of amounts, or just above, of prices, which never
    were 0; and 1 or 100, of shares, if they come back to it. It is infinite for other values, and for few.
    """
    low, high = np.full((2, values.shape[1]), np.inf) * [[-1], [1]]
    for c, column in enumerate(values.T):
        known = column[~np.isnan(column)]
        if known.size >= _ENOUGH and known.min() >= 0:
            low[c] = 0.0 if _visits(known, 0.0) >= _VISITS else _ABOVE_ZERO
            high[c] = next(
                (whole for whole in _WHOLES if known.max() == whole and _visits(known, whole) >= _VISITS), np.inf
            )
    return low, high


def _visits(values: np.ndarray, end: float) -> int:
    """Return how many runs of values are at this end."""
    there = values == end
    return int(there[0]) + int((there[1:] & ~there[:-1]).sum())


def loosened(bounds: Bounds, values: np.ndarray) -> Bounds:
    """Return the bounds without those that one of `values` (N, C) passes."""
    low, high = bounds
    return (
        np.where(values.min(axis=0) < low, -np.inf, low),
        np.where(values.max(axis=0) > high, np.inf, high),
    )


NaiveForecast = Callable[[np.ndarray, int, int], np.ndarray]  # (w, horizon, season) → (horizon, B, C)

EVALUATED_AT_ONCE = 256


@dataclass(frozen=True)
class Features:
    """The inputs of networks: values, which of them are known, past and known covariates, and static ones; and which
    series each row is of.

    R rows of S series one under another: values, known (R, C), past (R, P), known_covariates (R, K), static (S, Z),
    series (R,). Contexts of B windows of T: values, known (T, B, C), past (T, B, P), known_covariates
    (T + horizon, B, K), static (B, Z), series (B,).
    """

    values: np.ndarray
    known: np.ndarray
    past: np.ndarray
    known_covariates: np.ndarray
    static: np.ndarray
    series: np.ndarray


@dataclass(frozen=True)
class Frame:
    """Contexts as a network reads them: x (T, B, C) are values minus the centre (B, C), in units of the scale (B, C).

    baseline (horizon, B, C): the forecast to correct, of transformed values as are centre and scale. coming,
    coming_known (horizon, B, C): in training, the scaled values ahead and which of them are known, for a network
    that reads its own forecasts later. lengths (B, C): the rows of each context without its padding, None if it has
    none; see `padding`.
    """

    x: np.ndarray
    centre: np.ndarray
    scale: np.ndarray
    baseline: np.ndarray
    contexts: Features
    coming: np.ndarray | None = None
    coming_known: np.ndarray | None = None
    lengths: np.ndarray | None = None


@dataclass(frozen=True)
class Windowing:
    """The way in which windows are cut and scaled.

    baseline: one of `baselines`; None corrects nothing. fixed: (centre, scale), each (S, C), of whole series,
    for scalings "none" and "last-value". power: of a Box-Cox transform. non_negative: True if forecasts end at 0.
    bounds: (low, high), each (C,), that intervals and paths do not pass; see `bounds_of`.
    padded: True if the network reads contexts with padding. by_known: True if scales and baselines are of known values
    only. share (C,): the usual scale of a series as a share of its size, for contexts with few known values.
    """

    context: int
    horizon: int
    season: int
    scaling: str
    baseline: NaiveForecast | None
    fixed: tuple[np.ndarray, np.ndarray]
    transform: str = "none"
    power: float = 1.0
    non_negative: bool = False
    bounds: Bounds | None = None
    padded: bool = False
    by_known: bool = False
    share: np.ndarray = field(default_factory=lambda: np.ones(1))

    def contexts(self, features: Features, origins: np.ndarray) -> Features:
        """Return the rows before each origin, and the known covariates of those after it.

        The first row of a series stands for those that a context has before it, which are not known.
        """
        series = features.series[origins - 1]
        begins = np.searchsorted(features.series, series)
        rows = origins[None, :] + np.arange(-self.context, self.horizon)[:, None]
        own = rows >= begins
        rows = np.maximum(rows, begins)
        before = rows[: self.context]
        # A row after the data has no covariates here; who forecasts from there brings them.
        coming = features.known_covariates[np.minimum(rows, len(features.known_covariates) - 1)]
        known, past = features.known[before], features.past[before]
        if self.by_known and not own.all():
            known &= own[: self.context, :, None]
        if self.padded and not own.all():
            past, coming = (np.where(own[: len(column), :, None], column, 0.0) for column in (past, coming))
        return Features(features.values[before], known, past, coming, features.static[series], series)

    def futures(self, values: np.ndarray, origins: np.ndarray) -> np.ndarray:
        """Return the rows (horizon, B, C) from each origin on."""
        return values[origins[None, :] + np.arange(self.horizon)[:, None]]

    def frame(self, contexts: Features, scale: np.ndarray | None = None) -> Frame:
        """Scale the contexts, by `scale` (B, C) or their own, and compute their baseline."""
        z = self.forward(contexts.values)
        lengths = self._lengths(contexts)
        if self.scaling in ("none", "last-value"):
            centre, scale = (fixed[contexts.series] for fixed in self.fixed)  # the same for all rows of a series
            centre = z[-1] if self.scaling == "last-value" else centre
        else:
            centre, own = self._scaled(z, contexts.known, lengths)
            scale = own if scale is None else scale
        if self.baseline is None:
            baseline = np.broadcast_to(centre, (self.horizon, *centre.shape))
        else:
            baseline = self.forward(self.naive(self.baseline, contexts))
        x = (z - centre) / scale
        if self.padded and lengths is not None:
            x[np.arange(len(x))[:, None, None] < len(x) - lengths] = 0
        return Frame(x, centre, scale, baseline, contexts, lengths=lengths)

    def _scaled(self, z: np.ndarray, known: np.ndarray, lengths: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        if lengths is None:
            return scaler(self.scaling, z, self.season)
        return scaled(self.scaling, z, known, self.season, self.share)

    def naive(self, baseline: NaiveForecast, contexts: Features) -> np.ndarray:
        """Return a naive forecast (horizon, B, C) from contexts without their padding."""

        def forecast(w: np.ndarray) -> np.ndarray:
            return baseline(w, self.horizon, self.season)

        lengths = self._lengths(contexts)
        if lengths is None:
            return forecast(contexts.values)
        return of_each_length(forecast, contexts.values, lengths, self.horizon)

    def _lengths(self, contexts: Features) -> np.ndarray | None:
        """Return how many rows of each context are no padding, (B, C); None if all are and no value is missing."""
        return lengths_of(contexts.known) if self.by_known and not contexts.known.all() else None

    def corrections(self, frame: Frame, futures: np.ndarray) -> np.ndarray:
        """Return the scaled corrections (horizon, B, C) that make the baseline equal to the actual `futures`."""
        return (self.forward(futures) - frame.baseline) / frame.scale

    def forecasts(self, frame: Frame, corrections: np.ndarray) -> np.ndarray:
        """Return corrections (…, horizon, B, C) as values in the series' own units."""
        return self.back(frame.baseline + corrections * frame.scale)

    def forward(self, y: np.ndarray) -> np.ndarray:
        return TRANSFORMS[self.transform].forward(y, self.power)

    def back(self, z: np.ndarray) -> np.ndarray:
        return self.possible(self.unlimited(z))

    def unlimited(self, z: np.ndarray) -> np.ndarray:
        """Return values transformed back, below 0 too where the series cannot be."""
        return TRANSFORMS[self.transform].back(z, self.power)

    def possible(self, values: np.ndarray) -> np.ndarray:
        """Return `values` with 0 in place of those below it, where the series cannot be negative."""
        return np.maximum(values, 0.0) if self.non_negative else values

    def possible_total(self, totals: np.ndarray, middle: np.ndarray) -> np.ndarray:
        """Return totals (B, C) of rows, 0 in place of those below where no row can be, unless the `middle` one is."""
        if self.bounds is None:
            return self.possible(totals)
        return self.possible(np.where((self.bounds[0] >= 0) & (middle > 0), np.maximum(totals, 0.0), totals))

    def transformable(self, values: np.ndarray, seen: np.ndarray) -> np.ndarray:
        """Return possible `values` (H, B, C); one without a transform becomes the least of rows `seen` (T, B, C)."""
        without = values < TRANSFORMS[self.transform].least
        return self.possible(np.where(without, seen.min(axis=0), values))

    def bounded(self, values: np.ndarray, point: np.ndarray) -> np.ndarray:
        """Return `values` (…, N, B, C) within the bounds, or as far out as the forecast `point` (N, B, C) itself is. A
        window that is forecast to reach 0, where the series never was, has no bound there."""
        if self.bounds is None:
            return values
        low, high = self.bounds
        reaches = (low > 0) & (point < low).any(axis=0)
        return np.clip(values, np.where(reaches, -np.inf, np.minimum(point, low)), np.maximum(point, high))

    def origins(self, first: int, last: int, begin: int = 0) -> np.ndarray:
        """Return all origins with forecast rows in first ≤ row < last, of a series that begins with the row `begin`.

        A whole context lies within the series, or one row of it if the rest may be padding.
        """
        return np.arange(max(first, begin + self.least), last - self.horizon + 1)

    @property
    def least(self) -> int:
        """The number of rows of a series that there must be before an origin."""
        return LEAST if self.padded else self.context


def rows_before(values: np.ndarray, origins: np.ndarray, count: int) -> np.ndarray:
    """Return the rows (count, B, C) before each origin."""
    return values[origins[None, :] + np.arange(-count, 0)[:, None]]


def in_batches(origins: np.ndarray) -> Iterator[np.ndarray]:
    """Yield `origins` in order, in batches of a size that is worth evaluating at once."""
    for start in range(0, len(origins), EVALUATED_AT_ONCE):
        yield origins[start : start + EVALUATED_AT_ONCE]
