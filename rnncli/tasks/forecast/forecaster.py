"""The predictor of a forecast: the rows after the series it was trained on, or after others."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rnncli.data.source import Source, read_source
from rnncli.data.timeline import Timeline
from rnncli.errors import DataError, ModelFileError, UsageError
from rnncli.nn.network import FLOAT32
from rnncli.notes import note
from rnncli.tasks.forecast.backtest import NETWORK
from rnncli.tasks.forecast.baselines import NAIVE_FORECASTS
from rnncli.tasks.forecast.calibration import SHOWN, Calibration
from rnncli.tasks.forecast.config import ForecastConfig, SeriesConfig
from rnncli.tasks.forecast.explanation import Explanation, explained, explained_baseline, usual_values
from rnncli.tasks.forecast.features import Fitted, last_contexts
from rnncli.tasks.forecast.members import SEED, Members, build_members
from rnncli.tasks.forecast.panel import Panel, continued, digits_of
from rnncli.tasks.forecast.panel_columns import Columns, as_number
from rnncli.tasks.forecast.panel_tables import lines_of, read_panel, with_future
from rnncli.tasks.forecast.recursive import Recursive
from rnncli.tasks.forecast.reports import ForecastChart
from rnncli.tasks.forecast.settings import kept_rows, require_within_reach
from rnncli.tasks.forecast.windows import Features, require_transformable
from rnncli.tasks.task import Answers, Asked, Predictor, Stream, Table, config_in
from rnncli.training.backpropagation import ThreadPool

_FAR = 5.0  # standard deviations of the training data from their mean
_HISTORY = 3  # horizons of it are drawn, or two seasons
Band = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Forecasts:
    """Forecasts after each of S series: point (H, S, C) in the series' units, spread (H, S, C) in transformed units.

    bands: by percent (low, high); paths (n, H, S, C), if any were to be drawn; explanation, if it was requested.
    """

    point: np.ndarray
    spread: np.ndarray
    bands: dict[float, Band]
    paths: np.ndarray | None = None
    explanation: Explanation | None = None


@dataclass(frozen=True)
class ForecastOptions:
    """The options of a forecast: how far ahead, the percents of intervals, which method, in which form."""

    horizon: int | None = None
    levels: Sequence[float] = ()
    samples: int = 0
    network: bool = False
    future: str | None = None
    explain: bool = False
    follow: bool = False
    state: str | None = None
    plot: bool = False
    svg: str | None = None

    @property
    def drawn(self) -> bool:
        return self.plot or self.svg is not None


class Forecaster(Predictor):
    """The model of a model file, and the series that it continues: at first those that it was trained on."""

    def __init__(self, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]):
        self.config = config_in(header, ForecastConfig)
        series = header["series"]
        self.columns, self.delimiter = Columns.from_header(series["columns"]), str(series["delimiter"])
        self.fitted = Fitted.from_header(series)
        self.panel = Panel.from_header(series["panel"], arrays)
        self.trained_on = self.panel.ids
        pool = ThreadPool(1, FLOAT32)
        self.members = build_members(
            self.config,
            self.panel.values.shape[1],
            self.fitted.encoders.sizes(self.panel),
            int(series["channels"]),
            self.fitted,
            pool,
        )
        network = self.members.network
        network.load(arrays)
        self.identity = hashlib.sha256(network.parameters.weights.tobytes() + self.panel.values.tobytes()).hexdigest()
        validated = header["validated"]
        self.calibrations = {name: Calibration.from_header(one) for name, one in validated["calibrations"].items()}
        self.prefers = validated["prefers"] if validated["prefers"] in NAIVE_FORECASTS else None
        self.horizon = self.members.first.windowing.horizon

    @property
    def data(self) -> SeriesConfig:
        return self.config.data

    @property
    def method(self) -> str:
        """The default method: the network, or the baseline that was better on validation."""
        return self.prefers if self.prefers and self.config.training.fallback else NETWORK

    def read(self, source: Source, data: SeriesConfig) -> None:
        """Go on from the end of `source`; rows that follow those of the model file are appended to them."""
        panel, _, _ = read_panel(source, data, self.columns, self.panel)
        require_transformable(panel.values, data.transform, source.name, non_negative=data.non_negative)
        self._require_frequency(panel, source.name)
        self.fitted.encoders.note_unseen(panel, source.name, lines_of(source, data))
        if self._follows(panel):
            note(
                f"{source.name} goes on where the training data end; its {int(panel.lengths.sum()):,} rows are appended"
            )
            panel = continued(self.panel, panel)
        short = np.flatnonzero(panel.lengths < self.members.context)
        if short.size:
            rows, s = int(panel.lengths[short[0]]), int(short[0])
            which = f' of "{panel.ids[s]}"' if panel.ids[s] else ""
            raise DataError(
                f"{source.name}: has {rows:,} rows{which}; this model reads the last {self.members.context}; give more"
                f"{self._where_to_go_on(panel, s)}"
            )
        self._take(panel)
        self._note_another_level(source.name)

    def _note_another_level(self, name: str) -> None:
        """Write a note if values are far from those of training, and no network scales them by their own context."""
        windowing = self.members.first.windowing
        if windowing.scaling != "none":
            return
        for s in range(len(self.panel.ids)):
            level = windowing.forward(self.panel.one(s).values[-windowing.context :]).mean(axis=0)
            if np.any(np.abs(level - windowing.fixed[0][s]) > _FAR * windowing.fixed[1][s]):
                note(
                    f"{name}: its level is far from that of the training data, at which data.scaling none keeps the "
                    "forecast; train with another data.scaling"
                )
                return

    def read_future(self, source: Source, data: SeriesConfig) -> None:
        """Read the known covariates of the rows ahead; UsageError if this model has none."""
        if not self.columns.known_covariates:
            raise UsageError("--future: this model has no known covariates; leave it out")
        self.panel = with_future(self.panel, self.columns, source, data)
        coming = replace(self.panel, past={}, known_covariates={}, static={})
        self.fitted.encoders.note_unseen(coming, source.name, lines_of(source, data))

    def _require_frequency(self, panel: Panel, name: str) -> None:
        if not (self.panel.timelines and panel.timelines):
            return
        its, ours = panel.timelines[0].frequency, self.panel.timelines[0].frequency
        if its != ours:
            raise DataError(
                f"{name}: its rows are one {its} apart, the model's one {ours}; give rows like those it was trained on"
            )

    def _where_to_go_on(self, panel: Panel, s: int) -> str:
        """Return at which time rows of series s of `panel` would go on from the training data."""
        if panel.ids[s] not in self.panel.ids or not (panel.timelines and self.panel.timelines):
            return ""
        begins = panel.timelines[s].stamp(1 - int(panel.lengths[s]))
        wanted = self.panel.timelines[self.panel.ids.index(panel.ids[s])].stamp(1)
        return f", or rows that go on at {wanted}, where the training data end; these begin at {begins}"

    def _follows(self, panel: Panel) -> bool:
        """True if each series begins where one of the model file ends."""
        if not (self.panel.timelines and panel.timelines):
            return False
        ends = {name: timeline.stamp(1) for name, timeline in zip(self.panel.ids, self.panel.timelines, strict=True)}
        begins = zip(panel.ids, panel.timelines, panel.lengths, strict=True)
        return all(ends.get(name) == timeline.stamp(1 - int(length)) for name, timeline, length in begins)

    def _take(self, panel: Panel) -> None:
        fitted = self.fitted.for_series(panel, self.trained_on, self.data)
        self.panel, self.members = panel, self.members.centred(fitted.fixed)

    def forecasts(
        self,
        horizon: int | None = None,
        levels: Sequence[float] = (),
        samples: int = 0,
        *,
        network: bool = False,
        seed: int = SEED,
    ) -> Forecasts:
        """Forecast the next `horizon` rows of every series, by the network or by the default `method`.

        UsageError if intervals or samples are requested that this model cannot give.
        """
        wanted = horizon or self.horizon
        members, contexts = self._last(wanted)
        method = NETWORK if network else self.method
        point, spread = self._on_and_on(members, contexts, wanted)
        if method != NETWORK:
            point = self._naive(method, wanted)
        bands = self.bands(method, point, spread, levels)
        if not np.isfinite(point).all():
            raise ModelFileError("the forecast is not finite; the weights or the series are too large")
        return Forecasts(point, spread, bands, self._paths(members, contexts, method, samples, wanted, seed))

    def explained(self, made: Forecasts, *, network: bool = False) -> Forecasts:
        """Return forecasts by the network, or by the default `method`, with what moved them; write a note on it."""
        wanted, rows = len(made.point), kept_rows(self.data, self.members.context)
        usual = usual_values(self.panel, self.fitted.encoders, rows)
        if not network and self.method != NETWORK:
            note("explained: a baseline's forecast, which no network and no covariate moved")
            return replace(made, explanation=explained_baseline(usual, made.point))
        members, contexts = self._last(wanted)
        corrected = (self.data.residual or "none").replace("-", " ")
        note(
            f"explained: the baseline is {corrected if corrected != 'none' else 'the centre of what the network reads'}"
        )
        if usual.columns:
            note(
                "explained: an effect is the forecast minus that with the covariate at its usual value of the last "
                f"{rows} rows; effects need not add up"
            )
        explanation = explained(
            members, contexts, usual, made.point, lambda changed: self._on_and_on(members, changed, wanted)[0]
        )
        return replace(made, explanation=explanation)

    def _last(self, wanted: int) -> tuple[Members, Features]:
        """Return the networks that forecast `wanted` rows, and the contexts at the end of every series."""
        members = self.members.reaching(wanted)
        whole = self.panel.at_least(members.context)
        return members, last_contexts(whole, self.fitted.encoders, members.widest, wanted)

    def require_intervals(self, method: str) -> Calibration:
        """Return the calibration of one method; UsageError if there is none."""
        if method not in self.calibrations:
            raise UsageError(
                "this model has no intervals: nothing was held out to calibrate them on, or training was not finished; "
                "train to the end with data.validation"
            )
        return self.calibrations[method]

    def bands(self, method: str, point: np.ndarray, spread: np.ndarray, levels: Sequence[float]) -> dict[float, Band]:
        """Return intervals by percent around points (H, S, C) with spread (H, S, C); UsageError if there are none."""
        made: dict[float, Band] = {}
        for level in levels:
            ends = self.require_intervals(method).interval(point, spread, level, self.members.first.windowing)
            low, high = (self.members.countable(end, share) for end, share in zip(ends, (0.0, 1.0), strict=True))
            made[level] = low, high
        return made

    def _on_and_on(self, members: Members, contexts: Features, wanted: int) -> tuple[np.ndarray, np.ndarray]:
        """Return point and spread, (wanted, S, C) each; beyond the horizon, forecasts are read like actual values."""
        points, spreads, h = [], [], members.first.windowing.horizon
        for first in range(0, wanted, h):
            here = replace(
                contexts, known_covariates=contexts.known_covariates[first : first + len(contexts.values) + h]
            )
            points.append(members.point(here))
            spreads.append(members.spread(here, SEED))
            values = np.concatenate([contexts.values, points[-1]])[h:]
            past = np.concatenate([contexts.past, np.repeat(contexts.past[-1:], h, axis=0)])[h:]
            known = np.concatenate([contexts.known, np.ones(points[-1].shape, bool)])[h:]
            contexts = replace(contexts, values=values, known=known, past=past)
        return np.concatenate(points)[:wanted], np.concatenate(spreads)[:wanted]

    def _naive(self, name: str, wanted: int) -> np.ndarray:
        season, series = self.data.season or 1, map(self.panel.one, range(len(self.panel.ids)))
        made = [NAIVE_FORECASTS[name](one.values[:, None], wanted, season) for one in series]
        return self.members.first.windowing.possible(np.concatenate(made, axis=1))

    def _paths(
        self, members: Members, contexts: Features, method: str, samples: int, wanted: int, seed: int
    ) -> np.ndarray | None:
        if not samples:
            return None
        if method != NETWORK:
            raise UsageError(
                f"--samples: {method.replace('-', ' ')}, which was better on validation, has no distribution; "
                "--network draws from the network"
            )
        if members.first.windowing.horizon < wanted:
            raise UsageError(
                f"--samples: this model draws {members.first.windowing.horizon} rows; lower --horizon, or train with "
                "model.decoder=recursive"
            )
        paths = members.draws(contexts, samples, seed)
        if paths is None:
            loss = self.config.training.loss
            raise UsageError(
                f"--samples: a model trained for {loss} knows no distribution; train with training.loss=student-t, "
                "gaussian, quantile or negative-binomial"
            )
        return paths[:, :wanted]

    def predict(self, asked: Asked) -> Answers:
        """Return the rows after the series, or after DATA if named; with --follow, an answer to each arriving row."""
        options = ForecastOptions(**asked.options)
        if options.follow:
            return self._followed(asked, options)
        if options.state is not None:
            raise UsageError("--state: is for --follow; leave it out")
        if options.explain and options.samples:
            raise UsageError("--explain: does not go with --samples, whose paths are drawn; leave one of them out")
        if options.explain and options.plot:
            raise UsageError("--explain: adds columns, and a plot has none; take another --format")
        # A total below the training data tells nothing of others.
        data = self.config.changed(data={"skip_footer": 0, **asked.reading}).data
        if asked.data is not None:
            self.read(read_source(asked.data), data)
        if options.future is not None:
            self.read_future(read_source(options.future), data)
        levels = options.levels or (SHOWN if options.drawn and self.calibrations else ())
        made = self.predicted(options.horizon, levels, options.samples, network=options.network)
        if options.explain:
            made = self.explained(made, network=options.network)
        rows = self.rows(made)
        charts = tuple(self.charts(made)) if options.drawn else ()
        return Table(rows, rows, self.delimiter, self.data.decimal, charts)

    def _followed(self, asked: Asked, options: ForecastOptions) -> Stream:
        from rnncli.tasks.forecast.follow import follow

        for name in ("horizon", "samples", "future", "explain"):
            if getattr(options, name):
                raise UsageError(f"--{name}: does not go with --follow, which forecasts the next row; leave it out")
        return Stream(follow(self, asked, options), self.delimiter, self.data.decimal)

    def predicted(
        self, horizon: int | None, levels: Sequence[float] = (), samples: int = 0, *, network: bool = False
    ) -> Forecasts:
        """Return `forecasts`, and write notes on what may surprise."""
        wanted = horizon or self.horizon
        require_within_reach(wanted, self.horizon)
        if wanted > self.horizon and not isinstance(self.members.first.decoder, Recursive):
            note(f"horizon {wanted} is beyond the trained {self.horizon}: later rows build on forecast ones")
        if self.method != NETWORK and not network:
            note(
                f"the network was no better than {self.method.replace('-', ' ')} on validation, so this is the "
                "forecast of that baseline; --network uses the network"
            )
        if short := int((self.panel.lengths < self.members.context).sum()):
            note(
                f"{short:,} series have fewer than the {self.members.context} rows that the network reads; their first "
                "value stands for what is missing"
            )
        made = self.forecasts(wanted, levels, samples, network=network)
        receipts = self.receipts(levels, network=network)
        for receipt in receipts:
            note(f"intervals: {receipt} on validation")
        if levels and not receipts:
            note("intervals: the validation split has too few windows to check their coverage")
        return made

    def rows(self, made: Forecasts) -> list[dict[str, Any]]:
        """Return rows under the input's column names: forecasts with intervals, or the samples one by one."""
        if made.paths is None:
            return self._rows(made.point, made.bands, made.explanation)
        return [{"sample": k, **row} for k, path in enumerate(made.paths, 1) for row in self._rows(path, {})]

    def charts(self, made: Forecasts) -> Iterator[ForecastChart]:
        """Yield a chart for each series and target: the end of its history, and the forecast."""
        for s, name in enumerate(self.panel.ids):
            one, timeline = self.panel.one(s), self.panel.timelines[s] if self.panel.timelines else None
            N, H = len(one.values), len(made.point)
            tail = min(N, max(_HISTORY * H, 2 * (self.data.season or 1)))
            labels = stamped(timeline, range(1 - tail, H + 1), range(N - tail + 1, N + H + 1))
            shown = [str(label) for label in labels]
            for c in range(one.values.shape[1]):
                target = self.columns.targets[c]
                title = f"{name} {target}".strip() if self.columns.layout != "wide" else name or target
                history = [
                    value if known else None
                    for value, known in zip(one.values[-tail:, c], one.known[-tail:, c], strict=True)
                ]
                yield ForecastChart(
                    title,
                    tuple(zip(shown[:tail], history, strict=True)),
                    tuple(zip(shown[tail:], made.point[:, s, c].tolist(), strict=True)),
                    tuple(
                        (round(level), tuple(low[:, s, c].tolist()), tuple(high[:, s, c].tolist()))
                        for level, (low, high) in made.bands.items()
                    ),
                )

    def receipts(self, levels: Sequence[float], *, network: bool = False) -> list[str]:
        """Return the coverage of intervals of these levels on validation, in words."""
        calibration = self.calibrations.get(NETWORK if network else self.method)
        return [str(receipt) for receipt in calibration.receipts if receipt.asked in levels] if calibration else []

    def _rows(
        self, point: np.ndarray, bands: Mapping[float, Band], explanation: Explanation | None = None
    ) -> list[dict[str, Any]]:
        """Return table rows, with series side by side as columns if the input has them so, else one under another."""
        side_by_side = len(self.panel.ids) > 1 and self.columns.layout == "wide"
        rows, digits = [], digits_of(self.panel)
        for s, name in enumerate(self.panel.ids):
            timeline = self.panel.timelines[s] if self.panel.timelines else None
            stamps = timeline.following(len(point)) if timeline else range(1, len(point) + 1)
            for k, stamp in enumerate(stamps):
                row = self.columns.cells(self.columns.id, name)
                if timeline is not None:
                    row |= self.columns.cells(self.columns.time, str(stamp))
                elif self.columns.layout == "rows":
                    row["step"] = stamp
                names = (name,) if side_by_side else self.columns.targets
                for c, target in enumerate(names):
                    number = digits[s][c].number
                    row[target] = number(point[k, s, c])
                    for level, ends in sorted(bands.items()):
                        for end, values in zip(("lo", "hi"), ends, strict=True):
                            row[f"{target}_{end}_{level:g}"] = number(values[k, s, c])
                    if explanation is not None:
                        row |= explanation.cells(target, row[target], digits[s][c], (k, s, c))
                rows.append(row)
        if not side_by_side:
            return rows
        H = len(point)
        return [
            {key: value for s in range(len(self.panel.ids)) for key, value in rows[s * H + k].items()} for k in range(H)
        ]


def stamped(timeline: Timeline | None, offsets: Sequence[int], places: Sequence[int]) -> list[int | str]:
    """Return the times of the rows `offsets` after the last one of a series, or `places` if there are no times."""
    return list(places) if timeline is None else [as_number(stamp) for stamp in timeline.stamps(offsets)]
