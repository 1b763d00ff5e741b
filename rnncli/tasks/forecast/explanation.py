"""What moved a forecast: the baseline, what the network adds to it, and the known covariates of the rows ahead.

The effect of a covariate is the forecast minus the forecast with that covariate at its usual value in all rows ahead,
the others as they are. Effects are those of one at a time, so they need not add up to what the network adds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from rnncli.data.digits import Digits
from rnncli.data.written import Written
from rnncli.tasks.forecast.features import Encoders
from rnncli.tasks.forecast.members import Members
from rnncli.tasks.forecast.panel import Column, Panel
from rnncli.tasks.forecast.windows import Features


@dataclass(frozen=True)
class Explanation:
    """The parts of forecasts (H, S, C), in the series' own units: the baseline (H, S, C), to which the network adds the
    rest, and the effect (H, S, C) of each known covariate by name."""

    baseline: np.ndarray
    effects: dict[str, np.ndarray]

    def cells(self, name: str, forecast: Written, digits: Digits, place: tuple[int, int, int]) -> dict[str, Written]:
        """Return the cells of the forecast at `place` (row, series, column), of a column `name`.

        The baseline and what the network adds sum to the forecast as they are written, not only before rounding.
        """
        baseline = digits.number(self.baseline[place])
        added = digits.number(forecast.shown - baseline.shown)
        effects = {f"{name}_effect_{of}": digits.number(effect[place]) for of, effect in self.effects.items()}
        return {f"{name}_baseline": baseline, f"{name}_network": added, **effects}


@dataclass(frozen=True)
class Usual:
    """The features of known covariates at their usual values: features (S, K), and by name which of the K are whose."""

    features: np.ndarray
    columns: dict[str, slice]

    def without(self, contexts: Features, name: str) -> Features:
        """Return contexts of T rows in which the covariate `name` has its usual value in all rows ahead."""
        known, T = contexts.known_covariates.copy(), len(contexts.values)
        known[T:, :, self.columns[name]] = self.features[:, self.columns[name]]
        return replace(contexts, known_covariates=known)


def explained(
    members: Members, contexts: Features, usual: Usual, point: np.ndarray, forecast: Callable[[Features], np.ndarray]
) -> Explanation:
    """Explain the networks' forecasts `point` (H, S, C), which `forecast` made from contexts.

    The baseline is that of the first network from the rows that are known, also beyond the trained horizon.
    """
    first = members.first
    whole = replace(first, windowing=replace(first.windowing, horizon=len(point)))
    baseline = whole.windowing.back(whole.frame(contexts).baseline)
    return Explanation(baseline, {name: point - forecast(usual.without(contexts, name)) for name in usual.columns})


def explained_baseline(usual: Usual, point: np.ndarray) -> Explanation:
    """Explain the forecasts `point` (H, S, C) of a baseline, which no network and no covariate moved."""
    return Explanation(point, dict.fromkeys(usual.columns, np.zeros_like(point)))


def usual_values(panel: Panel, encoders: Encoders, rows: int) -> Usual:
    """Return the usual values of known covariates in the last `rows` rows of each series.

    Those of a number are its median, or the lower of the two middle values, so that it is one that occurred; of words
    the commonest; of the calendar the mean place in each cycle; of holidays, that there is none.
    """
    recent, encodings = panel.lasting(rows), encoders.known_covariates
    series = [recent.rows(s) for s in range(len(recent.ids))]
    columns = {
        name: np.array([_commonest_or_median(column[its]) for its in series])
        for name, column in recent.known_covariates.items()
    }
    own = encodings.encode(columns, len(series))
    calendar = encoders.features(recent).known_covariates[:, encodings.size :]
    means = np.stack([calendar[its].mean(axis=0) for its in series])
    means[:, means.shape[1] - len(encoders.holidays) :] = 0.0
    return Usual(np.concatenate([own, means], axis=1), dict(_columns(encoders, own.shape[1] + means.shape[1])))


def _commonest_or_median(column: Column) -> str | float:
    if column.dtype.kind != "U":
        return float(np.quantile(column, 0.5, method="lower"))
    words, counts = np.unique(column, return_counts=True)
    return str(words[np.argmax(counts)])


def _columns(encoders: Encoders, count: int) -> Iterator[tuple[str, slice]]:
    """Yield the names of known covariates, with which of the `count` features are whose."""
    end, names = 0, {one.name for one in encoders.known_covariates}
    for one in encoders.known_covariates:
        yield one.name, slice(end, end + one.size)
        end += one.size
    holidays = count - len(encoders.holidays)
    for name, first, last in (("calendar", end, holidays), ("holidays", holidays, count)):
        if last > first:
            yield name if name not in names else f"data.{name}", slice(first, last)
