"""forecast: the next rows of one or more numeric columns (many-to-many, `horizon` steps at once).

The network reads a window of `context` rows, scaled by itself, and corrects a naive forecast: a network that has learnt
nothing forecasts exactly what that baseline does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from rnncli.config.loading import config_from_mapping
from rnncli.config.schema import Config, DataConfig
from rnncli.data.scaling import whole_series
from rnncli.data.seasonality import detected_season
from rnncli.data.source import Source, read_source
from rnncli.data.timeline import Timeline
from rnncli.errors import ConfigError, DataError
from rnncli.models.memory import require_memory
from rnncli.models.network import Network, NetworkShape
from rnncli.tasks.first_weights import set_first_weights
from rnncli.tasks.naive_forecasts import NAIVE_FORECASTS
from rnncli.tasks.one_direction import require_one_direction
from rnncli.tasks.series import Series, read_series
from rnncli.training.backpropagation import SQUARED_ERROR, Backpropagation
from rnncli.training.gradients import Batch
from rnncli.training.reports import Score
from rnncli.training.threads import ThreadPool
from rnncli.training.windows import Windowing, WindowLearner, forecast, in_batches, rows_before

name = "forecast"


class Trainee:
    """A series and a fresh network for it."""

    def __init__(self, config: Config, source: Source, pool: ThreadPool, notes: list[str]):
        series = read_series(source, config.data, notes)
        self.config = config = resolved(config, series)
        data, training = config.data, config.training
        self.series, self.values, self.known = series, series.values, series.known
        self.edges = self._split(notes)
        self.fixed = whole_series(self.values[: self.edges[0]])
        windowing = _windowing(data, "last-value", self.fixed)
        train = self._origins(0, self.edges[0], windowing)
        if not len(train):
            raise DataError(_too_short(series, self.edges[0], data))
        self._note_short_parts(notes, windowing)
        self.residual = data.residual or _better_baseline(windowing, self.values, train)
        self.windowing = _windowing(data, self.residual, self.fixed)
        shape = network_shape(config, len(series.targets))
        require_memory(shape, self.windowing.context, min(training.batch_size, len(train)))
        self.network = Network(shape)
        set_first_weights(self.network, config)
        assert training.bptt is not None
        self.learner = WindowLearner(
            self.network, self.values, self.windowing, train, self._origins(*self.edges[:2]),
            batch_size=training.batch_size, bptt=training.bptt, seed=training.seed, pool=pool,
        )  # fmt: skip
        self.facts = self._facts(len(train))

    def _origins(self, first: int, last: int, windowing: Windowing | None = None) -> np.ndarray:
        """The origins of one part. None stands right behind a filled cell: what filled it may lie ahead of it."""
        origins = (windowing or self.windowing).origins(first, last)
        return origins[self.known[origins - 1].all(axis=1)]

    def _note_short_parts(self, notes: list[str], windowing: Windowing) -> None:
        for split, wanted, first, last in (
            ("validation", self.config.data.validation, *self.edges[:2]),
            ("test", self.config.data.test, *self.edges[1:]),
        ):
            if wanted and not len(self._origins(first, last, windowing)):
                notes.append(f"the {split} part has {last - first} rows, too few for a horizon of {windowing.horizon}")

    def _split(self, notes: list[str]) -> tuple[int, int, int]:
        """The rows at which the training, validation and test parts end; the values of files are appended.

        Fractions are cut off the end of the data, test last. Files continue it: their first windows look back at it.
        """
        data, N = self.config.data, len(self.values)
        if isinstance(data.validation, str) and isinstance(data.test, float) and data.test > 0:
            raise ConfigError("data.test: a fraction cannot come after a data.validation that is a file; name a file")
        cut = sum(int(part * N) for part in (data.validation, data.test) if isinstance(part, float))
        if cut >= N:
            raise ConfigError("data.validation and data.test leave nothing to train on; lower one of them")
        ends, self._last = [N - cut], self.series
        for part in (data.validation, data.test):
            if isinstance(part, str):
                ends.append(ends[-1] + self._continued(read_source(part), data, notes))
            else:
                ends.append(ends[-1] + int((part or 0) * N))
        return ends[0], ends[1], ends[2]

    def _continued(self, source: Source, data: DataConfig, notes: list[str]) -> int:
        """Append the rows of `source`, read as `data` says; how many they are."""
        extra = read_series(source, data, notes, self.series.targets, self.series.time)
        _require_continuation(extra, self._last)
        self._last = extra
        self.values = np.concatenate([self.values, extra.values])
        self.known = np.concatenate([self.known, extra.known])
        return len(extra.values)

    def hold_out(self, source: Source, changes: Mapping[str, Any], notes: list[str]) -> None:
        """Rows that follow the last ones."""
        end = len(self.values)
        rows = self._continued(source, self.config.data.model_copy(update=dict(changes)), notes)
        self.edges = self.edges[0], end, end + rows
        if not len(self._origins(end, end + rows)):
            horizon = self.windowing.horizon
            raise DataError(f"{source.name}: has {rows} rows, too few to score a horizon of {horizon}; give it more")

    def _facts(self, windows: int) -> tuple[tuple[str, str], ...]:
        series, model, data = self.series, self.config.model, self.config.data
        step = f", one {series.timeline.frequency} apart" if series.timeline else ""
        season = f", season {data.season}" if data.season else ""
        corrected = self.residual.replace("-", " ")
        size = self.network.parameters.weights.size
        return (
            ("data", f"{series.name}: {len(series.values):,} rows of {', '.join(series.targets)}{step}{season}"),
            (
                "windows",
                f"{windows:,} of {data.context} rows in, the next {data.horizon} out, correcting the {corrected}",
            ),
            ("model", f"{model.num_layers} × {model.cell} of {model.hidden_size}, {size:,} parameters"),
        )

    def header(self) -> dict[str, Any]:
        data = self.config.data
        kept = ("encoding", "decimal", "skip_rows", "ragged", "missing",
                "horizon", "context", "season", "scaling")  # fmt: skip
        context = self.series.values[-(data.context or 0) :]
        return {
            "task": name,
            "data": {key: getattr(data, key) for key in kept},
            "model": self.config.model.model_dump(),
            "series": {
                "targets": list(self.series.targets),
                "time": self.series.time,
                "timeline": self.series.timeline.to_header() if self.series.timeline else None,
                "delimiter": self.series.delimiter,
                "residual": self.residual,
                "whole": [part.tolist() for part in self.fixed],
                "context": context.tolist(),
            },
        }

    def score(self) -> Score | None:
        """The network beside last value and seasonal naive, over every origin of the test or validation part."""
        train_end, valid_end, end = self.edges
        parts = (("test", valid_end, end), ("validation", train_end, valid_end))
        held_out = ((split, self._origins(first, last)) for split, first, last in parts)
        split, origins = next(((split, origins) for split, origins in held_out if len(origins)), ("", np.zeros(0)))
        if not len(origins):
            return None
        season = self.config.data.season or 1
        unit, weight = self._unit(season)
        seen = 1 < season <= origins[0]  # a season that no origin can look back to is no floor
        naive = {label: f for label, f in NAIVE_FORECASTS.items() if label != "seasonal-naive" or seen}
        errors, count = dict.fromkeys(("network", *naive), 0.0), 0
        for batch in in_batches(origins):
            actual, known = self.windowing.futures(self.values, batch), self.windowing.futures(self.known, batch)
            # A floor may look back further than the network does.
            past = rows_before(self.values, batch, min(max(season, self.windowing.context), int(batch[0])))
            predicted = {label: f(past, self.windowing.horizon, season) for label, f in naive.items()}
            predicted["network"] = self.learner.forecast(past[-self.windowing.context :])
            for label, values in predicted.items():
                errors[label] += float((np.abs(actual - values) * weight * known).sum())
            count += int(known.sum())
        return Score(
            split, unit, errors["network"] / count,
            tuple((label.replace("-", " "), errors[label] / count) for label in naive),
            f"{len(origins):,} rolling origins, horizon {self.windowing.horizon}",
        )  # fmt: skip

    def _unit(self, season: int) -> tuple[str, np.ndarray]:
        """MAE for one column; for several the mean of their MASE, because their units differ."""
        if len(self.series.targets) == 1:
            return f"MAE of {self.series.targets[0]}", np.ones(1)
        train = self.values[: self.edges[0]]
        season = min(season, len(train) - 1)
        scale = np.abs(train[season:] - train[:-season]).mean(axis=0)
        return f"mean MASE of {len(self.series.targets)} columns", 1 / np.where(scale > 0, scale, 1.0)


prepare = Trainee


def inspected(
    config: Config, source: Source, notes: list[str],
    header: Mapping[str, Any] | None, arrays: Mapping[str, np.ndarray] | None,
) -> Batch:  # fmt: skip
    """A batch of training windows, evenly spread, as far back as training.bptt lets gradients flow."""
    trainee = Trainee(config, source, ThreadPool(1, np.dtype(np.float64)), notes)
    # In training the head starts at zero, and a head of zeros passes no gradient on: nothing could be seen.
    network = Network(replace(trainee.network.shape, head_starts_at_zero=False), np.dtype(np.float64))
    set_first_weights(network, config)
    if arrays is not None:
        network.load(arrays)
    else:
        notes.append("the head starts at random here, so that gradients can be seen; in training it starts at zero")
    x, targets = trainee.learner.sample(trainee.config.training.batch_size)
    return Batch(network, x.astype(np.float64), targets.astype(np.float64), SQUARED_ERROR)


def resolved(config: Config, series: Series) -> Config:
    """The config with every null filled in that the series decides."""
    require_one_direction(config)
    data, training, N = config.data, config.training, len(series.values)
    if training.bptt_stride is not None:
        raise ConfigError("training.bptt_stride: a forecast has one loss a window; remove it, training.bptt is enough")
    if data.residual == "naive-bayes":
        raise ConfigError("data.residual: is naive-bayes, which is for texts; take last-value or seasonal-naive")
    if data.format not in (None, "csv"):
        raise ConfigError(f"data.format: is {data.format}, and a forecast reads csv; change it, or the task")
    frequency = series.timeline.frequency if series.timeline else None
    if data.freq is not None and frequency is not None and data.freq != frequency:
        raise DataError(f"{series.name}: its rows are one {frequency} apart, not one {data.freq}; change data.freq")
    season = data.season or (series.timeline.season if series.timeline else None) or _detected_season(data, series)
    horizon = data.horizon or (season if season and season <= N // 10 else max(1, min(12, N // 20)))
    context = data.context or max(2, min(3 * max(season or 0, horizon), N // 4))
    if context + horizon > N:
        raise DataError(_too_short(series, N, data.model_copy(update={"context": context, "horizon": horizon})))
    filled = {
        "time": series.time or data.time, "target": list(series.targets), "season": season, "horizon": horizon,
        "context": context, "freq": frequency or data.freq,
        "scaling": data.scaling or "seasonal-error",
    }  # fmt: skip
    return config.model_copy(
        update={
            "data": data.model_copy(update=filled),
            "training": training.model_copy(update={"bptt": training.bptt or context}),
        }
    )


def _detected_season(data: DataConfig, series: Series) -> int | None:
    """A season seen in the first target's training rows."""
    held_out = sum(part for part in (data.validation, data.test) if isinstance(part, float))
    return detected_season(series.values[: int(len(series.values) * (1 - held_out)), 0])


def network_shape(config: Config, columns: int) -> NetworkShape:
    model = config.model
    return NetworkShape(
        cell=model.cell, input_size=columns, hidden_size=model.hidden_size, num_layers=model.num_layers,
        output_size=columns * (config.data.horizon or 1), token_input=False, activation=model.activation,
        dropout=model.dropout, head_starts_at_zero=True,
    )  # fmt: skip


def _windowing(data: DataConfig, baseline: str, fixed: tuple[np.ndarray, np.ndarray]) -> Windowing:
    assert data.context is not None
    assert data.horizon is not None
    assert data.scaling is not None
    return Windowing(data.context, data.horizon, data.season or 1, data.scaling, NAIVE_FORECASTS[baseline], fixed)


def _require_continuation(series: Series, before: Series) -> None:
    """DataError unless the rows of `series` follow those of `before` in time."""
    if series.timeline is None or before.timeline is None:
        return
    expected = before.timeline.following(1)[0]
    if series.first != expected:
        raise DataError(
            f"{series.name}: begins at {series.first}; it must go on where {before.name} ends, at {expected}"
        )


def _too_short(series: Series, rows: int, data: DataConfig) -> str:
    part = "" if rows == len(series.values) else " to train on"
    needed = (data.context or 0) + (data.horizon or 0)
    return (
        f"{series.name}: has {rows:,} rows{part}; context {data.context} + horizon {data.horizon} needs {needed:,}; "
        "lower data.context or data.horizon"
    )


def _better_baseline(windowing: Windowing, values: np.ndarray, origins: np.ndarray) -> str:
    """The naive forecast with the smaller error on the training part is what the network corrects."""
    sample = origins[:: max(1, len(origins) // 2000)]
    contexts, actual = windowing.contexts(values, sample), windowing.futures(values, sample)
    size = np.abs(actual).mean(axis=(0, 1)) + 1e-30
    errors = {
        label: float((np.abs(actual - naive(contexts, windowing.horizon, windowing.season)) / size).mean())
        for label, naive in NAIVE_FORECASTS.items()
        if label != "seasonal-naive" or windowing.season <= windowing.context
    }
    return min(errors, key=lambda label: errors[label])


class Forecaster:
    """A trained forecast: the rows after the context it was trained up to, or after other data."""

    def __init__(self, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]):
        config = config_from_mapping({"task": name, "data": header["data"], "model": header["model"]})
        series = header["series"]
        self.data, self.targets, self.time = config.data, tuple(series["targets"]), series["time"]
        self.timeline = Timeline.from_header(series["timeline"]) if series["timeline"] else None
        self.delimiter = str(series["delimiter"])
        self.context = np.array(series["context"], np.float64)
        centre, scale = (np.array(part, np.float64) for part in series["whole"])
        self.windowing = _windowing(config.data, series["residual"], (centre, scale))
        self.network = Network(network_shape(config, len(self.targets)))
        self.network.load(arrays)

    def read(self, source: Source, data: DataConfig, notes: list[str]) -> None:
        """Continue from the end of `source` instead of the training data."""
        series = read_series(source, data, notes, self.targets, self.time)
        if len(series.values) < self.windowing.context:
            raise DataError(
                f"{source.name}: has {len(series.values):,} rows; this model reads the last {self.windowing.context}; "
                "give more rows"
            )
        if self.timeline and series.timeline and series.timeline.frequency != self.timeline.frequency:
            raise DataError(
                f"{source.name}: its rows are one {series.timeline.frequency} apart, the model's one "
                f"{self.timeline.frequency}; give rows like those it was trained on"
            )
        self.context, self.timeline = series.values[-self.windowing.context :], series.timeline

    def predict(self, horizon: int | None, notes: list[str]) -> list[dict[str, Any]]:
        """The next `horizon` rows (the trained horizon by default) under the input's own column names."""
        wanted, trained = horizon or self.windowing.horizon, self.windowing.horizon
        if wanted > trained:
            notes.append(f"horizon {wanted} is beyond the trained {trained}: later rows build on forecast ones")
        driver = Backpropagation(self.network, SQUARED_ERROR, ThreadPool(1, self.network.dtype))
        context = self.context
        rows = np.zeros((0, len(self.targets)))
        while len(rows) < wanted:
            block = forecast(self.network, self.windowing, context[:, None, :], driver)[:, 0]
            rows = np.concatenate([rows, block])
            context = np.concatenate([context, block])[-self.windowing.context :]
        stamps = self.timeline.following(wanted) if self.timeline else [None] * wanted
        return [
            ({self.time: _number(stamp)} if self.time is not None and stamp is not None else {})
            | {target: float(value) for target, value in zip(self.targets, row, strict=True)}
            for stamp, row in zip(stamps, rows[:wanted], strict=True)
        ]


def _number(stamp: str) -> int | str:
    """Years and counters as numbers, everything else as text."""
    return int(stamp) if stamp.lstrip("-").isdigit() else stamp


load = Forecaster
