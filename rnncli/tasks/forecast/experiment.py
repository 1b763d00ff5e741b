"""The experiment of a forecast: series and untrained networks for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from rnncli.data.source import Source, read_source
from rnncli.errors import DataError, shown
from rnncli.notes import note
from rnncli.tasks.forecast.backtest import MOST_WINDOWS, NETWORK, WITH_BASELINE, Backtest, Tester
from rnncli.tasks.forecast.baselines import CORRECTABLE, NAIVE_FORECASTS, last_value, seasonal_naive
from rnncli.tasks.forecast.calibration import SHOWN, Calibration, calibrated
from rnncli.tasks.forecast.config import ForecastConfig
from rnncli.tasks.forecast.features import Fitted
from rnncli.tasks.forecast.learner import EnsembleLearner, WindowLearner
from rnncli.tasks.forecast.members import Member, build_members, windowing
from rnncli.tasks.forecast.panel import Panel
from rnncli.tasks.forecast.panel_tables import read_panel, with_future
from rnncli.tasks.forecast.settings import kept_rows, resolved, too_short
from rnncli.tasks.forecast.splits import Divided, divided, with_rows
from rnncli.tasks.task import Context, Evaluation, Experiment, Options, set_first_weights
from rnncli.training.reports import Score

TRAINING, VALIDATION, TEST = 0, 1, 2  # splits
SPLITS = {VALIDATION: "validation", TEST: "test"}
_JUDGED_BY = 2000  # windows that choose the baseline


class ForecastExperiment(Experiment):
    """The series, the networks for them, and the learner that trains the networks."""

    config: ForecastConfig

    def __init__(self, config: ForecastConfig, source: Source, context: Context):
        self.name = source.name
        self.read, self.columns, self.delimiter = self._panel(source, config)
        config = resolved(config, self.read, self.columns, source.name)
        self.splits = divided(self.read, self.columns, config.data, source.name)
        self.fitted = Fitted.to(self.splits, config.data, source.name)
        self.features = self.fitted.encoders.features(self.splits.panel)
        self.config = config = self._with_residual(config)
        panel = self.splits.panel
        sizes = self.fitted.encoders.sizes(panel)
        self.members = build_members(
            config, panel.values.shape[1], sizes, self._channels(), self.fitted, context.pool, context.dtype
        )
        self.network = self.members.network
        learners = [self._learner(member, k) for k, member in enumerate(self.members.members)]
        self.learner: WindowLearner | EnsembleLearner = (
            learners[0] if len(learners) == 1 else EnsembleLearner(learners, self.network)
        )
        set_first_weights(self.network, config)
        self._note_short_splits()
        self._note_many_zeros()
        self.calibrations: dict[str, Calibration] = {}
        self.prefers: str | None = None
        self.facts = self._facts(sum(len(learner.train) for learner in learners) // len(learners))

    def _panel(self, source: Source, config: ForecastConfig) -> tuple[Panel, Any, str]:
        panel, columns, delimiter = read_panel(source, config.data)
        if config.data.future is not None:
            panel = with_future(panel, columns, read_source(config.data.future), config.data)
        return panel, columns, delimiter

    def _channels(self) -> int:
        """The number of series that a network can tell apart: separate columns, which any new data have too; or 1."""
        apart = self.config.data.channels == "independent" and self.columns.layout == "wide"
        return len(self.splits.panel.ids) if apart else 1

    def _with_residual(self, config: ForecastConfig) -> ForecastConfig:
        """Return the config; a naive forecast it leaves open is the one that is better on the training split."""
        if config.data.residual is not None:
            return config
        windows = windowing(config, max(config.data.contexts), "none", self.fitted)
        origins = self.splits.origins(windows, TRAINING, config.data.missing)
        origins = origins[:: max(1, len(origins) // _JUDGED_BY)]
        residual = "last-value"
        if len(origins) and 1 < windows.season <= windows.context:
            past, actual = (cut(self.features.values, origins) for cut in (windows.past, windows.futures))
            last, seasonal = (
                np.abs(actual - naive(past, windows.horizon, windows.season)).mean(axis=(0, 1))
                for naive in (last_value, seasonal_naive)
            )
            # Of the columns, each counts alike, whatever its unit.
            if (seasonal / np.maximum(last + seasonal, 1e-30)).mean() < 0.5:
                residual = "seasonal-naive"
        return config.changed(data={"residual": residual})

    def _learner(self, member: Member, k: int) -> WindowLearner:
        config, windows = self.config, member.windowing
        train, valid = (self.splits.origins(windows, split, config.data.missing) for split in (TRAINING, VALIDATION))
        learner = WindowLearner(
            member,
            self.features,
            train,
            valid,
            batch_size=config.training.batch_size,
            seed=config.training.seed + k,
            updates_per_epoch=config.training.updates_per_epoch,
            masks=config.data.missing == "mask",
        )
        if not len(learner.train):
            rows = int(self.splits.ends[:, TRAINING].max())
            purpose = "" if rows == self.read.lengths.max() else " to train on"
            raise DataError(too_short(self.name, rows, windows.context, windows.horizon, purpose))
        return learner

    def origins(self, split: int) -> np.ndarray:
        """Return the origins in a split that every network can forecast from."""
        return self.splits.origins(self.members.widest, split, self.config.data.missing)

    def _note_many_zeros(self) -> None:
        """Write a note if most values are 0: a median is then 0 as well, and absolute errors reward it."""
        zeros = float((self.splits.panel.values[self.splits.rows(TRAINING)] == 0).mean())
        if zeros > 0.5 and self.config.training.loss in ("mae", "quantile", "student-t"):
            note(
                f"{zeros:.0%} of the values are 0, so the median forecast is 0; for mean amounts set "
                "training.loss=mse, for counts negative-binomial"
            )

    def _note_short_splits(self) -> None:
        data, horizon = self.config.data, self.config.data.horizon
        short = int((self.splits.ends[:, TRAINING] < self.members.context + (horizon or 0)).sum())
        if short:
            note(f"{short:,} of {len(self.splits.ends):,} series are too short to train on")
        for split, name, wanted in ((VALIDATION, "validation", data.validation), (TEST, "test", data.test)):
            if wanted and not len(self.origins(split)):
                rows = int((self.splits.ends[:, split] - self.splits.ends[:, split - 1]).max())
                note(f"the {name} split has {rows} rows, too few for a horizon of {horizon}")

    def hold_out(self, source: Source, changes: Options) -> None:
        """Take the rows of `source`, which follow the last ones, as the test split; DataError if they are too few."""
        data = self.config.changed(data=changes).data
        splits = with_rows(self.splits, source, self.columns, data)
        ends = np.stack([splits.ends[:, TRAINING], splits.ends[:, -2], splits.ends[:, -1]], axis=1)
        self.splits = Divided(splits.panel, ends, splits.last)
        self.features = self.fitted.encoders.features(splits.panel)
        if not len(self.origins(TEST)):
            rows, horizon = int((ends[:, TEST] - ends[:, VALIDATION]).max()), self.config.data.horizon
            raise DataError(f"{source.name}: has {rows} rows, too few to score a horizon of {horizon}; give it more")

    def _facts(self, windows: int) -> tuple[tuple[str, str], ...]:
        data, model, panel = self.config.data, self.config.model, self.read
        step = f", one {panel.timelines[0].frequency} apart" if panel.timelines else ""
        season = f", season {data.season}" if data.season else ""
        several = len(panel.ids) > 1
        what = f"{len(panel.ids):,} series" if several else f"{len(panel.values):,} rows of {self._targets()}"
        rows = f", {len(panel.values):,} rows in all" if several else ""
        corrected = "" if data.residual == "none" else f", correcting the {(data.residual or '').replace('-', ' ')}"
        contexts = " or ".join(map(str, data.contexts))
        count = f"{self.config.training.seeds} networks of " if self.config.training.seeds > 1 else ""
        return (
            ("data", f"{self.name}: {what}{rows}{step}{season}"),
            *self._roles(),
            ("windows", f"{windows:,} of {contexts} rows in, the next {data.horizon} out{corrected}"),
            (
                "model",
                f"{count}{model.num_layers} × {model.cell} of {model.hidden_size}, {model.decoder}, "
                f"{self.network.parameters.weights.size:,} parameters",
            ),
        )

    def _roles(self) -> Iterator[tuple[str, str]]:
        """Yield which columns tell the time and the series, and how times are read."""
        columns, panel = self.columns, self.read
        if panel.timelines:
            timeline, N = panel.timelines[0], int(panel.lengths[0])
            form = timeline.written or timeline.format
            zone = f" in {timeline.zone}" if timeline.zone else ""
            span = f"{timeline.stamp(1 - N)} to {timeline.stamp(0)}"
            yield "times", f"{shown(str(columns.time))}, read as {form}{zone}, {span}"
        if columns.id is not None:
            yield "series", f"named by {shown(columns.id)}, with {self._targets()}"

    def _targets(self) -> str:
        return ", ".join(self.columns.targets)

    def header(self) -> dict[str, Any]:
        config = self.config
        kept = config.data.model_dump(exclude={"path", "future", "validation", "test"})
        panel, arrays = self.read.lasting(kept_rows(config.data, self.members.context)).to_header()
        return {
            "task": "forecast",
            "data": kept,
            "model": config.model.model_dump(),
            "training": config.training.model_dump(include={"loss", "seeds", "seed", "with_baseline", "fallback"}),
            "series": {
                "columns": self.columns.to_header(),
                "delimiter": self.delimiter,
                "channels": self._channels(),
                "panel": panel,
                **self.fitted.to_header(),
            },
            "validated": {
                "calibrations": {name: one.to_header() for name, one in self.calibrations.items()},
                "prefers": self.prefers,
            },
            "arrays": arrays,
        }

    def recall(self, header: Mapping[str, Any]) -> None:
        """Restore the validation results of a model file's weights from its header."""
        validated = header["validated"]
        self.calibrations = {name: Calibration.from_header(one) for name, one in validated["calibrations"].items()}
        self.prefers = validated["prefers"]

    def tester(self, names: Sequence[str] = tuple(CORRECTABLE)) -> Tester:
        """Return a tester for backtests on any split, with the baselines `names` beside the networks."""
        return Tester(self.members, self.splits.panel, self.features, self.config.data.season or 1, names)

    def score(self) -> Score | None:
        """Score the networks beside last value and seasonal naive; keep validation results for the model file."""
        self._learn_from_validation()
        split = self.held_out()
        if split is None:
            return None
        return self.scored(SPLITS[split], self.tester().run(self.origins(split), begins=self.splits.begins(split)))

    def held_out(self) -> int | None:
        """Return the split to score on: test, else validation, or None without either."""
        return next((split for split in (TEST, VALIDATION) if len(self.origins(split))), None)

    def scored(self, split: str, tested: Backtest) -> Score:
        """Return the score of a backtest: the MAE of one column, or the mean MASE of several, whose units differ."""
        scores = tested.scores()
        one = tested.actual.shape[2] * len(self.splits.panel.ids) == 1 or bool(np.isnan(scores[NETWORK].mase))
        unit = f"MAE of {self._targets()}" if one else f"mean MASE of {self._several(tested)}"
        baselines = dict.fromkeys((WITH_BASELINE, "last-value", "seasonal-naive", self.config.data.residual))
        shown = [name for name in baselines if name in scores]
        figures = {name: score.mae if one else score.mase for name, score in scores.items()}
        return Score(
            split,
            unit,
            figures["network"],
            tuple((name.replace("-", " "), figures[name]) for name in shown),
            f"{self._counted(split, tested)} rolling origins, horizon {self.config.data.horizon}",
        )

    def evaluate(self, options: Options) -> Evaluation:
        """Run a backtest of the networks and the baselines from many origins."""
        from rnncli.tasks.forecast.report import backtested, check, report, window_rows

        step = options.get("step", 1)
        split, tested = backtested(self, options.get("windows"), step)
        made = report(self, split, tested, step)
        must_beat, fail_if = options.get("must_beat", ()), options.get("fail_if", ())
        return Evaluation(
            self.scored(split, tested), made, window_rows(self, tested), lambda: check(made, must_beat, fail_if)
        )

    def _counted(self, split: str, tested: Backtest) -> str:
        """Return the number of windows as text, with that of all windows if they are thinned out."""
        count = len(tested.origins)
        whole = len(self.origins(next(number for number, name in SPLITS.items() if name == split)))
        return f"{count:,} of {whole:,}" if count == MOST_WINDOWS < whole else f"{count:,}"

    def _several(self, tested: Backtest) -> str:
        series, columns = len(self.splits.panel.ids), tested.actual.shape[2]
        return f"{columns} columns" if series == 1 else f"{series * columns:,} series"

    def _learn_from_validation(self) -> None:
        """Calibrate intervals on the validation split, and find out if a naive forecast is better there."""
        origins = self.origins(VALIDATION)
        if not len(origins):
            return
        tester = self.tester()
        tested = tester.run(origins)
        if np.isnan(tested.actual).all():
            return
        own = WITH_BASELINE if WITH_BASELINE in tested.forecasts else NETWORK
        squared = self.members.first.loss.mean
        errors = {name: float(np.nanmean(tested.errors(name, squared=squared))) for name in tested.forecasts}
        best = min((name for name in errors if name in NAIVE_FORECASTS), key=lambda name: errors[name])
        self.prefers = best if errors[best] <= errors[own] else None
        spread, windows = tester.spread(tested.origins), self.members.first.windowing
        groups = tested.groups(apart=self._channels() == 1)
        for name, forecasts in ((NETWORK, tested.forecasts[own]), (best, tested.forecasts[best])):
            missed = windows.forward(tested.actual) - windows.forward(forecasts)
            if (made := calibrated(missed / spread, groups)) is not None:
                self.calibrations[name] = made
        self._note_validation()

    def _note_validation(self) -> None:
        """Write notes on how the validation results change what `predict` will answer."""
        method = self.prefers if self.prefers and self.config.training.fallback else None
        if method:
            note(
                f"on validation the network was no better than {method.replace('-', ' ')}, so predict will give that "
                "baseline's forecast; predict --network uses the network"
            )
        calibration = self.calibrations.get(method or NETWORK)
        for receipt in calibration.receipts if calibration else ():
            if receipt.asked in SHOWN:
                note(f"intervals: {receipt} on validation")
