"""A rolling-origin backtest: forecasts of networks and of baselines, from many origins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rnncli.tasks.forecast.baselines import NAIVE_FORECASTS
from rnncli.tasks.forecast.calibration import Calibration
from rnncli.tasks.forecast.hierarchy import Hierarchy
from rnncli.tasks.forecast.losses import LEVELS
from rnncli.tasks.forecast.members import SEED, Members
from rnncli.tasks.forecast.metrics import Scores, blocks, scores, seasonal_differences
from rnncli.tasks.forecast.panel import Panel
from rnncli.tasks.forecast.reconciliation import Reconciliation, by_series, by_window
from rnncli.tasks.forecast.windows import Features, in_batches, rows_before

MOST_WINDOWS = 20_000
NETWORK = "network"  # the median of its members, alone
WITH_BASELINE = "network with its baseline"
UNRECONCILED = "network unreconciled"
_FAR_ENOUGH = 1000  # rows that a baseline looks back at most


@dataclass(frozen=True)
class Backtest:
    """The results of W windows of C columns: origins, series (W,) of each; actual (H, W, C), NaN where not known.

    forecasts: by name, (H, W, C) each; "network" is first. quantiles (L, H, W, C) at levels, if it was calibrated.
    scales: mean absolute and mean squared seasonal difference of each history, (S, C) each, see `Tester.run`.
    begins (S,): the first row of each series.
    """

    origins: np.ndarray
    series: np.ndarray
    actual: np.ndarray
    forecasts: dict[str, np.ndarray]
    scales: tuple[np.ndarray, np.ndarray]
    begins: np.ndarray
    levels: tuple[float, ...] = ()
    quantiles: np.ndarray | None = None

    def scores(self) -> dict[str, Scores]:
        """Return the scores of every forecaster by name; only the network has quantiles, and so a WQL."""
        C = self.actual.shape[2]
        series = (self.series[:, None] * C + np.arange(C)).ravel()
        absolute, squared = (scale[self.series].ravel() for scale in self.scales)
        flat = {name: _flat(values) for name, values in self.forecasts.items()}
        quantiles = None if self.quantiles is None else np.stack([_flat(one) for one in self.quantiles])
        return {
            name: scores(
                _flat(self.actual),
                values,
                series,
                absolute,
                squared,
                quantiles=quantiles if name == NETWORK else None,
                levels=np.array(self.levels),
            )
            for name, values in flat.items()
        }

    def band(self, level: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the ends, low and high (H, W, C), of the network's `level` percent intervals, taken from `levels`."""
        assert self.quantiles is not None
        tail = (1 - level / 100) / 2
        low, high = (int(np.argmin(np.abs(np.array(self.levels) - share))) for share in (tail, 1 - tail))
        return self.quantiles[low], self.quantiles[high]

    def groups(self, *, apart: bool) -> np.ndarray:
        """Return group numbers (W,): windows with the same number depend on each other. apart: True tells series apart;
        else windows of the same time belong together, as with columns side by side.
        """
        horizon = len(self.actual)
        if apart:
            return blocks(self.origins, self.series, horizon)
        return blocks(self.origins - self.begins[self.series], np.zeros_like(self.series), horizon)

    def of_series(self, chosen: np.ndarray) -> Backtest:
        """Return the backtest of the series `chosen` (S,) alone."""
        kept = chosen[self.series]
        return replace(
            self,
            origins=self.origins[kept],
            series=self.series[kept],
            actual=self.actual[:, kept],
            forecasts={name: made[:, kept] for name, made in self.forecasts.items()},
            quantiles=None if self.quantiles is None else self.quantiles[:, :, kept],
        )

    def errors(self, name: str, *, squared: bool = False) -> np.ndarray:
        """Return the mean absolute error of each window, (W,), in units of its series' seasonal difference if any.

        squared: return the mean squared error, in units of the squared difference.
        """
        scale = self.scales[int(squared)][self.series]
        missed = np.abs(self.forecasts[name] - self.actual) ** (2 if squared else 1)
        scaled = missed / np.where(np.isnan(scale), 1.0, scale)
        known = ~np.isnan(self.actual)
        count = np.maximum(known.sum(axis=(0, 2)), 1)
        return np.where(known.any(axis=(0, 2)), np.where(known, scaled, 0).sum(axis=(0, 2)) / count, np.nan)


def _flat(values: np.ndarray) -> np.ndarray:
    """Reshape (H, W, C) into windows of one column each, (H, W·C)."""
    return values.reshape(len(values), -1)


@dataclass(frozen=True)
class Tester:
    """Everything that a backtest needs beside the origins. names: the baselines to run.

    hierarchy: if the series are one; origins then are of every series in turn, at the same times, and forecasts of the
    networks are reconciled, with those before beside them, if `reconciliation` says how.
    """

    members: Members
    panel: Panel
    features: Features
    season: int
    names: Sequence[str]
    hierarchy: Hierarchy | None = None
    reconciliation: Reconciliation | None = None

    def run(
        self, origins: np.ndarray, calibration: Calibration | None = None, begins: np.ndarray | None = None
    ) -> Backtest:
        """Forecast from all origins, or from `MOST_WINDOWS` evenly spread ones; with quantiles if calibrated.

        begins (S,): the rows of a series before it are the history that scales errors; default: its first origin.
        """
        origins = self._thinned(origins)
        batches = [self._batch(batch) for batch in in_batches(origins)]
        forecasts = {name: np.concatenate([made[name] for made, _ in batches], axis=1) for name in batches[0][0]}
        if self.reconciliation is not None:
            forecasts = self._reconciled(forecasts, self.reconciliation)
        quantiles = None
        if calibration is not None:
            point, spread = forecasts.get(WITH_BASELINE, forecasts[NETWORK]), self.spread(origins)
            windowing = self.members.first.windowing
            quantiles = np.stack(
                [
                    self.members.countable(calibration.quantile(point, spread, level, windowing), level)
                    for level in LEVELS.tolist()
                ]
            )
        return Backtest(
            origins=origins,
            series=self.features.series[origins - 1],
            actual=np.concatenate([actual for _, actual in batches], axis=1),
            forecasts=forecasts,
            scales=self._scales(origins, begins),
            begins=self.panel.starts[:-1],
            levels=tuple(LEVELS.tolist()),
            quantiles=quantiles,
        )

    def _thinned(self, origins: np.ndarray) -> np.ndarray:
        times = origins.reshape(1 if self.hierarchy is None else len(self.panel.ids), -1)
        T = times.shape[1]
        kept = np.linspace(0, T - 1, min(T, max(MOST_WINDOWS // len(times), 1))).astype(int)
        return times[:, kept].ravel()

    def _reconciled(self, forecasts: dict[str, np.ndarray], reconcile: Reconciliation) -> dict[str, np.ndarray]:
        own = {name: forecasts[name] for name in (NETWORK, WITH_BASELINE) if name in forecasts}
        made = {name: by_window(reconcile(by_series(one, len(self.panel.ids)))) for name, one in own.items()}
        return made | {UNRECONCILED: forecasts[NETWORK]} | {k: v for k, v in forecasts.items() if k not in own}

    def spread(self, origins: np.ndarray) -> np.ndarray:
        """Return the spread (H, W, C) of values around their forecasts, in transformed units."""
        return np.concatenate(
            [self.members.spread(self.contexts(batch), SEED) for batch in in_batches(origins)], axis=1
        )

    def contexts(self, origins: np.ndarray) -> Features:
        """Return the contexts before `origins`, as long as the longest that a network reads."""
        return self.members.widest.contexts(self.features, origins)

    def _batch(self, origins: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Return the forecasts by name, and the actual values with NaN where not known, (H, B, C) each."""
        windowing, contexts = self.members.first.windowing, self.contexts(origins)
        points = self.members.points(contexts)
        made = {NETWORK: np.median(points, axis=0)}
        if self.members.with_baseline:
            made[WITH_BASELINE] = self.members.combined(points, contexts)
        made |= self._baselines(origins, windowing.horizon)
        known = windowing.futures(self.features.known, origins)
        return made, np.where(known, windowing.futures(self.features.values, origins), np.nan)

    def _baselines(self, origins: np.ndarray, horizon: int) -> dict[str, np.ndarray]:
        """Return baseline forecasts by name; each reads its series from the first row, at most `_FAR_ENOUGH` rows."""
        possible = self.members.first.windowing.possible
        begins = self.panel.starts[self.features.series[origins - 1]]
        pasts = np.minimum(origins - begins, _FAR_ENOUGH)
        names = [name for name in self.names if name in ("last-value", "drift") or self.season > 1]
        made = {name: np.empty((horizon, len(origins), self.features.values.shape[1])) for name in names}
        for length in np.unique(pasts):
            mine = pasts == length
            past = rows_before(self.features.values, origins[mine], int(length))
            for name, forecasts in made.items():
                forecasts[:, mine] = possible(NAIVE_FORECASTS[name](past, horizon, self.season))
        return made

    def _scales(self, origins: np.ndarray, begins: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        S, C = len(self.panel.ids), self.features.values.shape[1]
        absolute, squared = np.full((S, C), np.nan), np.full((S, C), np.nan)
        series = self.features.series[origins - 1]
        for s in np.unique(series):
            first = int(origins[series == s].min() if begins is None else begins[s])
            rows = slice(int(self.panel.starts[s]), first)
            history = np.where(self.panel.known[rows], self.panel.values[rows], np.nan)
            m = min(self.season, len(history) - 1)
            for c in range(C):
                absolute[s, c], squared[s, c] = seasonal_differences(history[:, c], m)
        return absolute, squared
