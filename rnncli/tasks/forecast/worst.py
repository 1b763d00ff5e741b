"""The windows of a backtest that were forecast worst, as charts: before what came true one learns little from means."""

from __future__ import annotations

import numpy as np

from rnncli.tasks.forecast.answers import drawn
from rnncli.tasks.forecast.backtest import Backtest
from rnncli.tasks.forecast.calibration import SHOWN
from rnncli.tasks.forecast.experiment import ForecastExperiment
from rnncli.tasks.forecast.reports import ForecastChart

_HISTORY = 3  # horizons of it are drawn


def worst_windows(experiment: ForecastExperiment, tested: Backtest, count: int = 3) -> tuple[ForecastChart, ...]:
    """Return charts of the `count` windows with the largest mean absolute error, in units of their series' seasonal
    difference, as in MASE; of windows of one series that overlap only the worst."""
    made = tested.forecasts.get(experiment.method, next(iter(tested.forecasts.values())))
    errors = np.abs(tested.actual - made) / tested.units()
    known = ~np.isnan(errors)
    mean = np.where(known, errors, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)  # (W, C)
    chosen: list[tuple[int, int]] = []
    for flat in np.argsort(-mean.ravel(), kind="stable").tolist():
        w, c = divmod(flat, mean.shape[1])
        if len(chosen) == count or not mean[w, c] > 0:
            break
        if not any(_overlap(tested, w, other) and c == beside for other, beside in chosen):
            chosen.append((w, c))
    return tuple(_chart(experiment, tested, made, w, c) for w, c in chosen)


def _overlap(tested: Backtest, w: int, other: int) -> bool:
    apart = abs(int(tested.origins[w]) - int(tested.origins[other]))
    return bool(tested.series[w] == tested.series[other]) and apart < len(tested.actual)


def _chart(experiment: ForecastExperiment, tested: Backtest, made: np.ndarray, w: int, c: int) -> ForecastChart:
    bands = {} if tested.quantiles is None else {level: tested.band(level) for level in SHOWN}
    return drawn(
        experiment.splits.panel,
        experiment.columns,
        (int(tested.series[w]), c),
        int(tested.origins[w]),
        _HISTORY * len(tested.actual),
        made[:, w, c],
        {level: (low[:, w, c], high[:, w, c]) for level, (low, high) in bands.items()},
        experiment.config.data.decimal,
        [None if value != value else value for value in tested.actual[:, w, c].tolist()],
    )
