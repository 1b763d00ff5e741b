"""The predictor of a forecast: the rows after the series it was trained on, or after others."""

from __future__ import annotations

import copy
import hashlib
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from rnncli.config.section import Character
from rnncli.data.source import Source, read_source
from rnncli.data.typed import typed
from rnncli.errors import DataError, ModelFileError, UsageError
from rnncli.notes import note
from rnncli.tasks.answers import Answers, Stream, Table
from rnncli.tasks.forecast.answers import Band, Sheet
from rnncli.tasks.forecast.backtest import NETWORK
from rnncli.tasks.forecast.baselines import LOOKED_BACK
from rnncli.tasks.forecast.calibration import SHOWN, WIDEST, Calibration, Outlook
from rnncli.tasks.forecast.config import ForecastConfig, SeriesConfig
from rnncli.tasks.forecast.continuation import doubt_beginning, follows, require_frequency, rows_read
from rnncli.tasks.forecast.explanation import Explanation, explained, explained_baseline, usual_values
from rnncli.tasks.forecast.features import Fitted, last_contexts
from rnncli.tasks.forecast.forecast_notes import doubt_another_level, doubt_ended, note_method, note_receipts
from rnncli.tasks.forecast.hierarchy import Hierarchy, require_whole
from rnncli.tasks.forecast.kept import require_kept
from rnncli.tasks.forecast.members import SEED, Average, build_members
from rnncli.tasks.forecast.options import ForecastOptions
from rnncli.tasks.forecast.panel import Panel, continued, ending_early, stacked
from rnncli.tasks.forecast.panel_columns import Columns
from rnncli.tasks.forecast.panel_tables import lines_of, read_panel, refuse_coming_alone, with_future
from rnncli.tasks.forecast.paths import Past, Walk
from rnncli.tasks.forecast.reconciliation import Reconciliation, lowest
from rnncli.tasks.forecast.reports import AVERAGED_WITH, FORECAST_BY, ForecastChart
from rnncli.tasks.forecast.settings import kept_rows, require_within_reach
from rnncli.tasks.forecast.totals import totals
from rnncli.tasks.forecast.validated import LEAST_KEPT, Validated
from rnncli.tasks.forecast.windows import Features, loosened, require_transformable
from rnncli.tasks.headers import config_in
from rnncli.tasks.task import Asked, Predictor
from rnncli.training.backpropagation import ThreadPool

if TYPE_CHECKING:
    from rnncli.tasks.exported import InOnnx, InTorch

_AT_ONCE = 32  # windows


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


class Forecaster(Predictor):
    """The model of a model file, and the series that it continues: at first those that it was trained on."""

    def __init__(self, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]):
        self.config = config_in(header, ForecastConfig).completed(training={"batch_size": _AT_ONCE})
        series = header["series"]
        self.columns = Columns.from_header(series["columns"])
        self.delimiter = typed(Character, series["delimiter"], "delimiter")
        self.fitted = Fitted.from_header(series)
        self.panel = Panel.from_header(series["panel"], arrays)
        self.columns.require_of(self.panel.ids, (timeline.stamp(0) for timeline in self.panel.timelines))
        channels = typed(int, series["channels"], "channels")
        self.trained_on = self.panel.ids
        require_kept(self.config.data, self.columns, self.panel, self.fitted, channels)
        pool = ThreadPool(1)
        self.members = build_members(
            self.config,
            self.panel.values.shape[1],
            self.fitted.encoders.sizes(self.panel),
            channels,
            self.fitted,
            pool,
        )
        network = self.members.network
        network.load(arrays)
        self.identity = hashlib.sha256(network.parameters.weights.tobytes() + self.panel.values.tobytes()).hexdigest()
        self.validated = Validated.from_header(header["validated"], arrays)
        self.validated.require_of(self.members.first.windowing.horizon, self.panel.values.shape[1])
        self.members = self.members.bounded(self.validated.bounds).averaged(self.validated.average)
        self.left_out: Average | None = None  # what its forecast is not averaged with, see `network_alone`
        self.horizon = self.members.first.windowing.horizon
        self.of_0_1 = "average" not in header["validated"]  # whose CSV has the columns that it had
        self.learnt_reconciliation: Reconciliation | None = None
        if reconciled := header["validated"].get("reconciliation"):
            bottom_up = Reconciliation(Hierarchy.of(self.columns, self.panel.ids), None, lowest(self.members.first))
            self.learnt_reconciliation = bottom_up.restored(reconciled)
        self.reconciliation = self.learnt_reconciliation

    @property
    def data(self) -> SeriesConfig:
        return self.config.data

    @property
    def method(self) -> str:
        """The default method: the network, or the baseline that was better on validation."""
        return self.validated.method(fallback=self.config.training.fallback)

    def read(self, source: Source, data: SeriesConfig) -> None:
        """Go on from the end of `source`; rows that follow those of the model file are appended to them."""
        panel, self.columns, _ = read_panel(source, data, self.columns, self.panel)
        require_transformable(panel.values, data.transform, source.name, non_negative=data.non_negative)
        require_frequency(panel, source.name, self.panel)
        self.fitted.encoders.note_unseen(panel, source.name, lines_of(source, data, self.columns))
        if follows(panel, self.panel):
            if self.columns.hierarchy:
                require_whole(panel.ids, self.panel.ids, source.name)
            rows = rows_read(panel, self.columns)
            note(f"{source.name} goes on where the training data end; its {rows:,} rows are appended")
            panel = continued(self.panel, panel)
        else:
            doubt_beginning(panel, source.name, self.panel, self.members.context)
        self._take(panel)
        doubt_another_level(self, source.name)

    def _read_history(self, source: Source, data: SeriesConfig) -> None:
        """Read `source`; a UsageError says what it is for if it has the rows ahead alone."""
        try:
            self.read(source, data)
        except (DataError, UsageError):
            refuse_coming_alone(source, data, self.columns)
            raise

    def read_future(self, source: Source, data: SeriesConfig) -> None:
        """Read the known covariates of the rows ahead; UsageError if this model has none."""
        if not self.columns.known_covariates:
            raise UsageError("--future: this model has no known covariates; leave it out")
        self.panel = with_future(self.panel, self.columns, source, data)
        coming = replace(self.panel, past={}, known_covariates={}, static={})
        self.fitted.encoders.note_unseen(coming, source.name, lines_of(source, data, self.columns))

    def _leave_out_ended(self, wanted: int) -> None:
        """Leave out series that ended before others, such as those of a closed shop, if their known covariates are not
        told for the `wanted` rows. Sums need all series."""
        if not self.columns.known_covariates or self.columns.hierarchy:
            return
        counts = self.panel.counts_to_come
        ended = [s for s in ending_early(self.panel) if counts[s] < wanted]
        if ended:
            doubt_ended(self.panel, ended, wanted)
            self._take(stacked([self.panel.one(s) for s in range(len(counts)) if s not in {*ended}]))

    def _take(self, panel: Panel) -> None:
        fitted = self.fitted.for_series(panel, self.trained_on, self.data)
        bounds = self.validated.bounds and loosened(self.validated.bounds, panel.values)
        if self.reconciliation is not None and panel.ids != self.panel.ids:
            self.reconciliation = self._reconciliation_of(panel.ids)
        self.panel, self.members = panel, self.members.centred(fitted.fixed).bounded(bounds)

    def _reconciliation_of(self, ids: Sequence[str]) -> Reconciliation:
        """Return how the series `ids` are reconciled: bottom-up if they are not those of training."""
        assert self.learnt_reconciliation is not None
        hierarchy = Hierarchy.of(self.columns, ids)
        if sorted(ids) == sorted(self.trained_on):
            places = np.array([self.trained_on.index(one) for one in ids])
            return self.learnt_reconciliation.of(hierarchy, places)
        if self.learnt_reconciliation.gains is not None:
            note("its series are not those of training, whose errors are known: sums are forecast bottom-up")
        return replace(self.learnt_reconciliation, hierarchy=hierarchy, gains=None)

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
        method, walk = self._walk(network=network)
        past = self._past(walk, wanted)
        calibration = self.require_intervals(method, wanted) if levels else None
        outlook = walk.outlook(past, wanted, calibration, SEED)
        outlook = replace(outlook, point=self._reconciled(outlook.point, method))
        bands = self.bands(method, outlook, levels)
        if not np.isfinite([outlook.point, *(end for ends in bands.values() for end in ends)]).all():
            raise ModelFileError("the forecast is not finite; the weights or the series are too large")
        paths = self._paths(walk, past, method, samples, wanted, seed) if samples else None
        return Forecasts(outlook.point, outlook.spread, bands, paths)

    def explained(self, made: Forecasts, *, network: bool = False) -> Forecasts:
        """Return forecasts by the network, or by the default `method`, with what moved them; write a note on it."""
        wanted, rows = len(made.point), kept_rows(self.data, self.members.context)
        usual = usual_values(self.panel, self.fitted.encoders, rows)
        if not network and self.method != NETWORK:
            note("explained: a baseline's forecast, which no network and no covariate moved")
            return replace(made, explanation=explained_baseline(usual, made.point))
        corrected = (self.data.residual or "none").replace("-", " ")
        note(
            f"explained: the baseline is {corrected if corrected != 'none' else 'the centre of what the network reads'}"
        )
        if self.members.average is not None:
            note(f"explained: what the network adds is an average, {self.members.average}, less the baseline")
        if usual.columns:
            note(
                "explained: an effect is the forecast minus that with the covariate at its usual value of the last "
                f"{rows} rows; effects need not add up"
            )
        walk = Walk(self.members)
        past = self._past(walk, wanted)

        def forecast(changed: Features) -> np.ndarray:
            return self._reconciled(walk.points(replace(past, features=changed), wanted), NETWORK)

        members = self.members.reaching(wanted)
        return replace(made, explanation=explained(members, past.features, usual, made.point, forecast))

    def _walk(self, *, network: bool) -> tuple[str, Walk]:
        """Return the method that answers, the network or the default one, by name and as a way to forecast."""
        method = NETWORK if network else self.method
        return method, Walk(self.members, None if method == NETWORK else method)

    def _past(self, walk: Walk, wanted: int) -> Past:
        """Return the rows from which every series is forecast, as many as its forecaster reads."""
        lengths = np.minimum(self.panel.starts[1:, None] - self.panel.begins, LOOKED_BACK)
        rows = max(self.members.context, int(lengths.max()) if walk.looks_back else 0)
        windowing = replace(self.members.widest, context=rows)
        keys = np.array([zlib.crc32(name.encode()) for name in self.panel.ids])  # whatever stands beside a series
        return Past(last_contexts(self.panel, self.fitted.encoders, windowing, wanted), lengths, keys)

    def require_intervals(self, method: str, wanted: int = 1) -> Calibration:
        """Return the calibration of one method for `wanted` rows; UsageError if there is none."""
        if method not in self.validated.calibrations:
            raise UsageError(
                "this model has no intervals: nothing was held out to calibrate them on, or training was not finished; "
                "train to the end with data.validation"
            )
        if wanted > self.horizon and self.validated.calibrations[method].windows is None:
            raise UsageError(
                f"this model has no intervals beyond its horizon of {self.horizon} rows, since too few windows were "
                f"held out; lower --horizon, or train with data.validation={self.horizon + LEAST_KEPT - 1} rows or more"
            )
        return self.validated.calibrations[method]

    def bands(self, method: str, outlook: Outlook, levels: Sequence[float]) -> dict[float, Band]:
        """Return intervals by percent around forecasts; UsageError if there are none."""
        made: dict[float, Band] = {}
        for level in levels:
            if level < 1:
                raise UsageError(f"--levels {level:g}: is in percent, 1 or more; did you mean {100 * level:g}?")
            if level > WIDEST:
                raise UsageError(f"--levels {level:g}: errors tell intervals of up to {WIDEST:g}%; lower it")
            calibration = self.require_intervals(method, len(outlook.point))
            ends = calibration.interval(outlook, level, self.members.first.windowing)
            low, high = (self.members.countable(end, k, outlook.point) for k, end in enumerate(ends))
            made[level] = low, high
        return made

    def _reconciled(self, point: np.ndarray, method: str) -> np.ndarray:
        """Return forecasts (H, S, C) that add up, if they are of a hierarchy; those of baselines by bottom-up."""
        if self.reconciliation is None:
            return point
        return (self.reconciliation if method == NETWORK else replace(self.reconciliation, gains=None))(point)

    def _require_no_hierarchy(self, option: str) -> None:
        """Raise UsageError if forecasts add up, since drawn paths do not."""
        if self.reconciliation is not None:
            raise UsageError(
                f"--{option}: draws of the levels of data.hierarchy would not add up; leave it out, or train with "
                "data.reconcile=none"
            )

    def _paths(self, walk: Walk, past: Past, method: str, samples: int, wanted: int, seed: int) -> np.ndarray:
        """Return paths (samples, wanted, S, C): of the network's own distribution if it has one that reaches so far,
        or else with errors of the backtest."""
        self._require_no_hierarchy("samples")
        members = self.members.reaching(wanted)
        if method == NETWORK and wanted <= members.first.windowing.horizon:
            drawn = members.draws(past.features, samples, seed)
            if drawn is not None:
                return drawn[:, :wanted]
        calibration = self.validated.calibrations.get(method)
        if calibration is None or calibration.windows is None:
            raise UsageError(
                "--samples: too few windows were held out to draw from their errors; train with more data.validation, "
                "or with training.loss=student-t, gaussian, quantile or negative-binomial"
            )
        return walk.paths(past, wanted, calibration, samples, seed)

    def network_alone(self) -> Forecaster:
        alone = copy.copy(self)
        alone.members, alone.left_out = self.members.averaged(None), self.members.average
        return alone

    def in_onnx(self) -> InOnnx:
        from rnncli.tasks.forecast import exported

        return exported.in_onnx(self)

    def in_torch(self) -> InTorch:
        from rnncli.tasks.forecast import exported

        return exported.in_torch(self)

    def predict(self, asked: Asked) -> Answers:
        """Return the rows after the series, or after DATA if named; with --follow, an answer to each arriving row."""
        options = ForecastOptions(**asked.options)
        if options.follow:
            return self._followed(asked, options)
        options.require_rows()
        # A total below the training data tells nothing of others.
        data = self.config.data.read_as({"skip_footer": 0, **asked.reading})
        if asked.data is not None:
            self._read_history(read_source(asked.data), data)
        if options.future is not None:
            self.read_future(read_source(options.future), data)
        self._leave_out_ended(options.horizon or self.horizon)
        levels = options.levels or (SHOWN if options.plot and self.validated.calibrations else ())
        if options.sum:
            rows = self.totals(options)
            return Table(rows, rows, self.delimiter, self.data.decimal)
        made = self.predicted(options.horizon, levels, options.samples, network=options.network)
        if options.explain:
            made = self.explained(made, network=options.network)
        bands = {level: made.bands[level] for level in options.levels}  # a picture has more, which change no row
        rows = self.rows(replace(made, bands=bands))
        charts = tuple(self.charts(made)) if options.plot else ()
        by = NETWORK if options.network else self.method
        who = {FORECAST_BY: by}
        if by == NETWORK and self.members.average is not None:
            who[AVERAGED_WITH] = self.members.average.baseline
        nested = [row | who for row in rows]
        # A CSV of the network's has the columns of the data alone, to be joined to them; a baseline's says so.
        return Table(
            nested, rows if by == NETWORK or self.of_0_1 else nested, self.delimiter, self.data.decimal, charts
        )

    def _followed(self, asked: Asked, options: ForecastOptions) -> Stream:
        from rnncli.tasks.forecast.follow import follow

        if self.columns.hierarchy:
            raise UsageError("--follow: reads series row by row, and a sum needs the rows of all; leave it out")
        options.require_following(asked.reading)
        return Stream(follow(self, asked, options), self.delimiter, self.data.decimal)

    def predicted(
        self, horizon: int | None, levels: Sequence[float] = (), samples: int = 0, *, network: bool = False
    ) -> Forecasts:
        """Return `forecasts`, and write notes on what may surprise."""
        wanted = horizon or self.horizon
        require_within_reach(wanted, self.horizon)
        note_method(self, wanted, network=network)
        made = self.forecasts(wanted, levels, samples, network=network)
        if levels:
            note_receipts(self, levels, wanted, network=network)
        return made

    def totals(self, options: ForecastOptions) -> list[dict[str, Any]]:
        """Return a row for each series with its totals over the horizon, and write notes on what may surprise."""
        if options.samples or options.plot or options.explain:
            raise UsageError("--sum: is one row for each series; leave out --samples, --explain and --plot")
        self._require_no_hierarchy("sum")
        wanted = options.horizon or self.horizon
        if wanted == 1:  # a row is its own total
            one = self.predicted(1, options.levels, network=options.network)
            return self.sheet.totals(
                one.point[0], {level: (low[0], high[0]) for level, (low, high) in one.bands.items()}, 1
            )
        require_within_reach(wanted, self.horizon)
        note_method(self, wanted, network=options.network)
        method, walk = self._walk(network=options.network)
        note(
            "totals: the middle of drawn totals, whose errors are those of held-out windows; not the sum of the rows "
            "that predict writes, each of which is the middle of its own"
        )
        made, bands = totals(
            walk, self._past(walk, wanted), wanted, self.validated.calibrations.get(method), options.levels, SEED
        )
        if options.levels:
            note("intervals of totals: from the errors of held-out windows; evaluate --sum tells what they hold")
        return self.sheet.totals(made, bands, wanted)

    def rows(self, made: Forecasts) -> list[dict[str, Any]]:
        """Return rows under the input's column names: forecasts with intervals, or the samples one by one."""
        if made.paths is None:
            return self.sheet.rows(made.point, made.bands, made.explanation)
        return [{"sample": k, **row} for k, path in enumerate(made.paths, 1) for row in self.sheet.rows(path, {})]

    def charts(self, made: Forecasts) -> Iterator[ForecastChart]:
        """Yield a chart for each series and target: the end of its history, and the forecast."""
        return self.sheet.charts(made.point, made.bands, self.data.season or 1, self.data.decimal)

    @property
    def sheet(self) -> Sheet:
        """The table that the forecasts continue."""
        return Sheet(self.panel, self.columns, None if self.reconciliation is None else self.reconciliation.hierarchy)
