"""A rolling-origin backtest: forecasts of networks and of baselines, from many origins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from rnncli.tasks.forecast.baselines import LOOKED_BACK, NAIVE2, NAIVE_FORECASTS, applicable
from rnncli.tasks.forecast.calibration import Calibration, Outlook
from rnncli.tasks.forecast.error_quantiles import Together
from rnncli.tasks.forecast.hierarchy import Hierarchy
from rnncli.tasks.forecast.members import SEED, Members
from rnncli.tasks.forecast.metrics import (
    WQL_LEVELS,
    Scores,
    blocks,
    mase,
    owa,
    scores,
    seasonal_differences,
)
from rnncli.tasks.forecast.panel import Panel
from rnncli.tasks.forecast.paths import Past, Walk
from rnncli.tasks.forecast.reconciliation import Reconciliation, by_series, by_window
from rnncli.tasks.forecast.windows import Features, in_batches
from rnncli.training.paired_bootstrap import probability_better, verdict

MOST_WINDOWS = 20_000
MOST_DRAWN = 200  # windows whose rows are drawn as paths
NETWORK = "network"  # the median of its members, alone
WITH_BASELINE = "network with its baseline"
_SEED = 1
_OF_BANDS = (0.025, 0.1, 0.9, 0.975)  # levels of the ends of intervals that are shown
UNRECONCILED = "network unreconciled"


@dataclass(frozen=True)
class Backtest:
    """The results of W windows of C columns: origins, series (W,) of each; actual (H, W, C), NaN where not known.

    forecasts: by name, (H, W, C) each; "network" is first. naive2 (H, W, C): by whose errors OWA divides. quantiles
    (L, H, W, C) at levels, if it was calibrated; wql_levels: those of the weighted quantile loss.
    scales: mean absolute and mean squared seasonal difference of each history, (S, C) each, see `Tester.run`.
    zeros (S,): the row of each series at one time of all, see `Panel.zeros`. apart: True if series share no times.
    whole: the number of windows that W were taken from.
    """

    origins: np.ndarray
    series: np.ndarray
    actual: np.ndarray
    forecasts: dict[str, np.ndarray]
    scales: tuple[np.ndarray, np.ndarray]
    zeros: np.ndarray
    levels: tuple[float, ...] = ()
    quantiles: np.ndarray | None = None
    wql_levels: tuple[float, ...] = WQL_LEVELS
    naive2: np.ndarray | None = None
    apart: bool = False
    whole: int = 0

    def scores(self) -> dict[str, Scores]:
        """Return the scores of every forecaster by name. The quantiles of all but the network are their forecasts, and
        none has a WQL without those of the network.
        """
        series, (absolute, squared) = self._flat_series(), (scale[self.series].ravel() for scale in self.scales)
        actual, levels = _flat(self.actual), np.array(self.wql_levels)

        def scored(name: str, made: np.ndarray) -> Scores:
            flat = _flat(made)
            quantiles = None
            if self.quantiles is not None:
                own = [_flat(self.quantiles[self.levels.index(level)]) for level in self.wql_levels]
                quantiles = np.stack(own) if name == NETWORK else np.broadcast_to(flat, (len(levels), *flat.shape))
            return scores(actual, flat, series, absolute, squared, quantiles=quantiles, levels=levels)

        made = {name: scored(name, forecast) for name, forecast in self.forecasts.items()}
        if self.naive2 is None:
            return made
        reference = scored(NAIVE2, self.naive2)
        return {name: replace(score, owa=owa(score, reference)) for name, score in made.items()}

    def band(self, level: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the ends, low and high (H, W, C), of the network's `level` percent intervals, taken from `levels`."""
        assert self.quantiles is not None
        tail = (1 - level / 100) / 2
        low, high = (int(np.argmin(np.abs(np.array(self.levels) - share))) for share in (tail, 1 - tail))
        return self.quantiles[low], self.quantiles[high]

    @cached_property
    def verdicts(self) -> dict[str, tuple[float, str]]:
        """The probability that the network's MASE is lower, and what it amounts to in words, by baseline.

        Where no series has a scale, it is that of the MAE: always of the mean that `scores` returns.
        """
        counted, scale = self.counted.ravel(), self.scales[0][self.series].ravel()
        actual, series = _flat(self.actual)[:, counted], self._flat_series()[counted]
        if np.isnan(scale[counted]).any():
            scale, weights = np.ones(len(scale)), (~np.isnan(actual)).sum(axis=0)
        else:
            _, place, count = np.unique(series, return_inverse=True, return_counts=True)
            weights = 1 / count[place]
        errors = {name: mase(actual, _flat(made)[:, counted], scale[counted]) for name, made in self.forecasts.items()}
        groups = np.repeat(self.together.groups, self.actual.shape[2])[counted]
        found = {}
        for name in (name for name in errors if name in NAIVE_FORECASTS):
            better = probability_better(errors[NETWORK], errors[name], groups, weights=weights, seed=_SEED)
            found[name] = better, verdict(better, self.independent)
        return found

    @property
    def independent(self) -> int:
        """The number of groups of windows that share little, on which verdicts rest."""
        return len(np.unique(self.together.groups[self.counted.any(axis=1)]))

    @property
    def counted(self) -> np.ndarray:
        """Flags (W, C): True for the columns of windows that MASE is of: where a value is known, and a seasonal
        difference, unless no series has one."""
        return ~(np.isnan(self.actual).all(axis=0) | np.isnan(self.units()))

    def _flat_series(self) -> np.ndarray:
        """Return the number (W·C,) of each window's series and column."""
        C = self.actual.shape[2]
        return (self.series[:, None] * C + np.arange(C)).ravel()

    @property
    def scored(self) -> int:
        """The number of columns of all series that MASE is of."""
        return len(np.unique(self._flat_series()[self.counted.ravel()]))

    def by_column(self, values: np.ndarray) -> np.ndarray:
        """Return the sums of values (H, W, C) over all windows of each column of each series that MASE is of, (N,)."""
        counted = self.counted.ravel()
        _, place = np.unique(self._flat_series()[counted], return_inverse=True)
        return np.bincount(place, _flat(values).sum(axis=0)[counted])

    @cached_property
    def together(self) -> Together:
        """Which of the windows depend on each other: those of a series, and of all series that share its times."""
        return dependent(self.origins, self.series, self.zeros, len(self.actual), apart=self.apart)

    def of_series(self, chosen: np.ndarray) -> Backtest:
        """Return the backtest of the series `chosen` (S,) alone."""
        kept = chosen[self.series]
        return replace(
            self,
            origins=self.origins[kept],
            series=self.series[kept],
            actual=self.actual[:, kept],
            forecasts={name: made[:, kept] for name, made in self.forecasts.items()},
            naive2=None if self.naive2 is None else self.naive2[:, kept],
            quantiles=None if self.quantiles is None else self.quantiles[:, :, kept],
        )

    def units(self, *, squared: bool = False) -> np.ndarray:
        """Return the seasonal difference (W, C) of each window's series, or the squared one, NaN if that is not known;
        1 of each if no series with a known value has one."""
        scale = self.scales[int(squared)][self.series]
        scored = ~np.isnan(self.actual).all(axis=0) & ~np.isnan(scale)
        return np.asarray(scale if scored.any() else np.ones_like(scale))

    def errors(self, name: str, *, squared: bool = False) -> np.ndarray:
        """Return the mean absolute error of each window, (W,), in units of its series' seasonal difference; NaN if that
        is not known, as in `scores`, unless no series has one.

        squared: return the mean squared error, in units of the squared difference.
        """
        scale = self.units(squared=squared)
        missed = np.abs(self.forecasts[name] - self.actual) ** (2 if squared else 1)
        known = ~(np.isnan(self.actual) | np.isnan(scale))
        scaled = missed / np.where(np.isnan(scale), 1.0, scale)
        count = np.maximum(known.sum(axis=(0, 2)), 1)
        return np.where(known.any(axis=(0, 2)), np.where(known, scaled, 0).sum(axis=(0, 2)) / count, np.nan)


def dependent(origins: np.ndarray, series: np.ndarray, zeros: np.ndarray, horizon: int, *, apart: bool) -> Together:
    """Return which of W windows depend on each other; see `Backtest` for what each argument is."""
    if apart:
        return Together.of(blocks(origins, series, horizon))
    times = origins - zeros[series]
    return Together.of(blocks(times, np.zeros_like(series), horizon), times)


def evenly(origins: np.ndarray, most: int) -> np.ndarray:
    """Return at most this many of the origins, evenly spread."""
    return origins[np.linspace(0, len(origins) - 1, min(len(origins), most)).astype(int)]


def _flat(values: np.ndarray) -> np.ndarray:
    """Reshape (H, W, C) into windows of one column each, (H, W·C)."""
    return values.reshape(len(values), -1)


@dataclass(frozen=True)
class Tester:
    """Everything that a backtest needs beside the origins. apart: True if series share no times.

    hierarchy: if the series are one; origins then are of every series in turn, at the same times, and forecasts of the
    networks are reconciled, with those before beside them, if `reconciliation` says how.
    """

    members: Members
    panel: Panel
    features: Features
    season: int
    apart: bool
    hierarchy: Hierarchy | None = None
    reconciliation: Reconciliation | None = None

    @property
    def horizon(self) -> int:
        """The horizon that the networks were trained for."""
        return self.members.first.windowing.horizon

    def run(
        self,
        origins: np.ndarray,
        calibration: Calibration | None = None,
        begins: np.ndarray | None = None,
        horizon: int | None = None,
        levels: Sequence[float] = WQL_LEVELS,
    ) -> Backtest:
        """Forecast `horizon` rows, by default the trained ones, from all origins, or from `MOST_WINDOWS` evenly spread
        ones; with quantiles if calibrated, then from `MOST_DRAWN` where they need paths.

        begins (S,): the rows of a series before it are the history that scales errors; default: its first origin.
        levels: of the weighted quantile loss.
        """
        wanted = horizon or self.horizon
        most = MOST_DRAWN if wanted > self.horizon and calibration else MOST_WINDOWS
        whole, origins = len(origins), self.evenly(origins, most)
        # Baselines forecast at once what has pasts of one length.
        order = np.lexsort(self._lengths(origins).T)
        batches, back = list(in_batches(origins[order])), np.argsort(order)
        made = self.members.first.driver.pool.ranks.shared(
            batches, lambda some: [self._batch(one, wanted) for one in some]
        )
        forecasts = {name: np.concatenate([one[name] for one, _ in made], axis=1)[:, back] for name in made[0][0]}
        if self.reconciliation is not None:
            forecasts = self._reconciled(forecasts, self.reconciliation)
        naive2 = forecasts.pop(NAIVE2)
        quantiles, every = None, tuple(sorted({*_OF_BANDS, *levels}))
        if calibration is not None:
            outlook, windowing = self.outlook(origins, wanted, calibration), self.members.first.windowing
            quantiles = np.stack(
                [
                    self.members.countable(calibration.quantile(outlook, level, windowing), level, outlook.point)
                    for level in every
                ]
            )
        return Backtest(
            origins=origins,
            series=self.features.series[origins - 1],
            actual=np.concatenate([actual for _, actual in made], axis=1)[:, back],
            forecasts=forecasts,
            naive2=naive2,
            scales=self._scales(origins, begins),
            zeros=self.panel.zeros(),
            whole=whole,
            levels=every,
            quantiles=quantiles,
            wql_levels=tuple(levels),
            apart=self.apart,
        )

    def outlook(
        self, origins: np.ndarray, wanted: int, calibration: Calibration | None = None, baseline: str | None = None
    ) -> Outlook:
        """Return the forecasts of `wanted` rows and their spread, of the networks or of a baseline."""
        past = self.past(origins, wanted, baseline)
        made = Walk(self.members, baseline).outlook(past, wanted, calibration, SEED)
        if self.reconciliation is None or baseline is not None:
            return made
        return replace(made, point=self._add_up(made.point, self.reconciliation))

    def evenly(self, origins: np.ndarray, most: int) -> np.ndarray:
        """Return at most this many of the origins, evenly spread; of a hierarchy, of all series at the same times."""
        if self.hierarchy is None:
            return evenly(origins, most)
        S = len(self.panel.ids)
        times = origins.reshape(S, -1)
        return times[:, evenly(np.arange(times.shape[1]), max(most // S, 1))].ravel()

    def _add_up(self, forecasts: np.ndarray, reconcile: Reconciliation) -> np.ndarray:
        return by_window(reconcile(by_series(forecasts, len(self.panel.ids))))

    def _reconciled(self, forecasts: dict[str, np.ndarray], reconcile: Reconciliation) -> dict[str, np.ndarray]:
        own = {name: forecasts[name] for name in (NETWORK, WITH_BASELINE) if name in forecasts}
        made = {name: self._add_up(one, reconcile) for name, one in own.items()}
        return made | {UNRECONCILED: forecasts[NETWORK]} | {k: v for k, v in forecasts.items() if k not in own}

    def past(self, origins: np.ndarray, wanted: int, baseline: str | None = None) -> Past:
        """Return the rows before `origins`: as many as the longest that a network reads, or those that a baseline does,
        from the first known row of its series and at most `LOOKED_BACK`."""
        lengths = self._lengths(origins)
        rows = max(self.members.context, int(lengths.max()) if baseline or self.members.average else 0)
        whole = -(-wanted // self.horizon) * self.horizon
        windowing = replace(self.members.widest, context=rows, horizon=whole)
        return Past(windowing.contexts(self.features, origins), lengths)

    def _lengths(self, origins: np.ndarray) -> np.ndarray:
        """Return how many rows before each origin a baseline reads of each column, (W, C)."""
        return np.minimum(origins[:, None] - self.panel.begins[self.features.series[origins - 1]], LOOKED_BACK)

    def _batch(self, origins: np.ndarray, wanted: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Return the forecasts by name, and the actual values with NaN where not known, (H, B, C) each."""
        past, alone = self.past(origins, wanted), replace(self.members, with_baseline=False)
        made = {NETWORK: Walk(alone).points(past, wanted)}
        if self.members.with_baseline:
            made[WITH_BASELINE] = Walk(self.members).points(past, wanted)
        names = (*applicable(self.season), NAIVE2)
        past = self.past(origins, wanted, names[0])
        made |= {name: Walk(self.members, name).points(past, wanted) for name in names}
        return made, self.actual(origins, wanted)

    def actual(self, origins: np.ndarray, wanted: int) -> np.ndarray:
        """Return the actual values (wanted, W, C) from each origin on, NaN where not known."""
        windowing = replace(self.members.first.windowing, horizon=wanted)
        known = windowing.futures(self.features.known, origins)
        return np.where(known, windowing.futures(self.features.values, origins), np.nan)

    def together(self, origins: np.ndarray, wanted: int) -> Together:
        """Return which of the windows of `wanted` rows depend on each other."""
        series = self.features.series[origins - 1]
        return dependent(origins, series, self.panel.zeros(), wanted, apart=self.apart)

    def _scales(self, origins: np.ndarray, begins: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        series = self.features.series[origins - 1]
        firsts = {
            s: int(origins[series == s].min() if begins is None else begins[s]) for s in np.unique(series).tolist()
        }
        return scales_before(self.panel, self.season, firsts)


def scales_before(panel: Panel, season: int, firsts: Mapping[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean absolute and mean squared seasonal difference, (S, C) each, of each series before its row in
    `firsts`; NaN for a series that is not there. Of no more rows than a season, it is that from one row to the next."""
    S, C = len(panel.ids), panel.values.shape[1]
    absolute, squared = np.full((S, C), np.nan), np.full((S, C), np.nan)
    for s, first in firsts.items():
        rows = slice(int(panel.starts[s]), first)
        history = np.where(panel.known[rows], panel.values[rows], np.nan)
        m = season if season < len(history) else 1  # as seasonal naive, which repeats the last value then
        for c in range(C):
            absolute[s, c], squared[s, c] = seasonal_differences(history[:, c], m)
    return absolute, squared
