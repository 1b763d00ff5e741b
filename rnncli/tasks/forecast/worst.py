"""The windows of a backtest that were forecast worst, as charts: before what came true one learns little from means."""

from __future__ import annotations

import numpy as np

from rnncli.tasks.forecast.answers import clock, stamped
from rnncli.tasks.forecast.backtest import Backtest
from rnncli.tasks.forecast.calibration import SHOWN
from rnncli.tasks.forecast.experiment import ForecastExperiment
from rnncli.tasks.forecast.reports import ForecastChart

_HISTORY = 3  # horizons of it are drawn


def worst_windows(experiment: ForecastExperiment, tested: Backtest, count: int = 3) -> tuple[ForecastChart, ...]:
    """Return charts of the `count` windows with the largest mean error, in units of their series' scale; of windows of
    one series that overlap only the worst."""
    made = tested.forecasts.get(experiment.method, next(iter(tested.forecasts.values())))
    scale = np.nanstd(np.where(np.isnan(tested.actual), np.nan, tested.actual), axis=(0, 1), keepdims=True)
    errors = np.abs(tested.actual - made) / np.where(scale > 0, scale, 1.0)
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
    panel, columns = experiment.splits.panel, experiment.columns
    origin, s, H = int(tested.origins[w]), int(tested.series[w]), len(tested.actual)
    first, end = int(panel.starts[s]), int(panel.starts[s + 1])
    rows = range(max(first, origin - _HISTORY * H), origin + H)
    timeline = panel.timelines[s] if panel.timelines else None
    offsets = [row - end + 1 for row in rows]
    labels = [str(label) for label in stamped(timeline, offsets, [row - first + 1 for row in rows])]
    tail = origin - rows[0]
    values, known = panel.values[rows[0] : origin, c], panel.known[rows[0] : origin, c]
    history = [float(value) if there else None for value, there in zip(values, known, strict=True)]
    bands = {} if tested.quantiles is None else {level: tested.band(level) for level in SHOWN}
    target = columns.targets[c]
    name = panel.ids[s]
    return ForecastChart(
        f"{name} {target}".strip() if columns.layout != "wide" else name or target,
        tuple(zip(labels[:tail], history, strict=True)),
        tuple(zip(labels[tail:], made[:, w, c].tolist(), strict=True)),
        tuple(
            (level, tuple(low[:, w, c].tolist()), tuple(high[:, w, c].tolist())) for level, (low, high) in bands.items()
        ),
        target,
        clock(timeline, offsets),
        experiment.config.data.decimal,
        tuple(None if value != value else value for value in tested.actual[:, w, c].tolist()),
        columns.signs.get(target, ""),
    )
