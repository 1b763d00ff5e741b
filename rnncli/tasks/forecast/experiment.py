"""The experiment of a forecast: series and untrained networks for them."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from rnncli.data.places import Places
from rnncli.data.source import Source, read_source
from rnncli.data.timeline import Timeline
from rnncli.errors import DataError
from rnncli.notes import note
from rnncli.tasks.first_weights import set_first_weights
from rnncli.tasks.forecast.averaging import averaged, best_average
from rnncli.tasks.forecast.backtest import NETWORK, Backtest, Tester
from rnncli.tasks.forecast.baselines import CORRECTABLE, LOOKED_BACK, NAIVE_FORECASTS
from rnncli.tasks.forecast.calibration import MULTIPLES, SHOWN
from rnncli.tasks.forecast.config import ForecastConfig
from rnncli.tasks.forecast.facts import facts_of, rows_to_forecast, times_of
from rnncli.tasks.forecast.features import Fitted
from rnncli.tasks.forecast.forecast_notes import note_coverage, note_many_zeros, note_short_splits
from rnncli.tasks.forecast.headline import headline
from rnncli.tasks.forecast.hierarchy import Hierarchy, common_origins
from rnncli.tasks.forecast.learner import WindowLearner
from rnncli.tasks.forecast.members import Member, build_members
from rnncli.tasks.forecast.metrics import WQL_LEVELS
from rnncli.tasks.forecast.panel import Panel
from rnncli.tasks.forecast.panel_tables import read_panel, with_future
from rnncli.tasks.forecast.reconciliation import Reconciliation, lowest
from rnncli.tasks.forecast.reconciliation_choice import learnt as learnt_reconciliation
from rnncli.tasks.forecast.residual import with_residual
from rnncli.tasks.forecast.settings import kept_rows, require_within_reach, resolved, too_short
from rnncli.tasks.forecast.splits import SPLITS, TEST, TRAINING, VALIDATION, Divided, divided, with_rows
from rnncli.tasks.forecast.validated import Validated
from rnncli.tasks.forecast.windows import Bounds, bounds_of
from rnncli.tasks.headers import training_in_header
from rnncli.tasks.task import Context, Evaluation, Experiment, Options
from rnncli.training.reports import Score
from rnncli.training.side_by_side import together


class ForecastExperiment(Experiment):
    """The series, the networks for them, and the learner that trains the networks."""

    config: ForecastConfig
    given = False  # whether the data that are scored were given, see `hold_out`

    def __init__(
        self,
        config: ForecastConfig,
        source: Source,
        context: Context,
        learnt: Mapping[str, Any] | None = None,
    ):
        self.name = source.name
        self.read, self.columns, self.delimiter = self._panel(source, config)
        config = resolved(config, self.read, self.columns, source.name)
        self.splits = divided(self.read, self.columns, config.data, source.name)
        self.fitted = Fitted.to(self.splits, config.data, source.name, learnt)
        self.features = self.fitted.encoders.features(self.splits.panel)
        self.config = config = with_residual(config, self.splits, self.features, self.fitted)
        panel = self.splits.panel
        sizes = self.fitted.encoders.sizes(panel)
        self.members = build_members(
            config, panel.values.shape[1], sizes, self._channels(), self.fitted, context.pool, context.dtype
        )
        self.network = self.members.network
        learners = [self._learner(member, k) for k, member in enumerate(self.members.members)]
        self.learner = together(learners, self.network)
        self.reconciliation: Reconciliation | None = None
        if self.columns.hierarchy and config.data.reconcile != "none":
            hierarchy = Hierarchy.of(self.columns, panel.ids)
            self.reconciliation = Reconciliation(hierarchy, None, lowest(self.members.first))
        set_first_weights(self.network, config)
        note_short_splits(self)
        note_many_zeros(self)
        self.validated = Validated()
        self._weights = self.network.parameters.weights.size
        self._windows = sum(len(learner.train) for learner in learners) // len(learners)
        self.facts = facts_of(config, self.name, self.read, self.columns, self._windows, self._weights)

    def _panel(self, source: Source, config: ForecastConfig) -> tuple[Panel, Any, str]:
        panel, columns, delimiter = read_panel(source, config.data)
        if config.data.future is not None:
            panel = with_future(panel, columns, read_source(config.data.future), config.data)
        return panel, columns, delimiter

    def _channels(self) -> int:
        """The number of series that a network can tell apart: separate columns, which any new data have too; or 1."""
        apart = self.config.data.channels == "independent" and self.columns.layout == "wide"
        return len(self.splits.panel.ids) if apart else 1

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
            raise DataError(too_short(self.name, rows, windows.least, windows.horizon, purpose))
        return learner

    @property
    def hierarchy(self) -> Hierarchy | None:
        """The hierarchy of the series, if forecasts are to add up."""
        return None if self.reconciliation is None else self.reconciliation.hierarchy

    def origins(self, split: int, horizon: int | None = None) -> np.ndarray:
        """Return the origins in a split that every network can forecast from, by default as far as it was trained; of a
        hierarchy, in all series at once."""
        windows = replace(self.members.widest, horizon=horizon or self.members.widest.horizon)
        origins = self.splits.origins(windows, split, self.config.data.missing)
        return origins if self.hierarchy is None else common_origins(origins, self.splits.panel)

    def doubt_same(self, source: Source) -> None:
        if not self.read.timelines:  # then nothing tells that its rows are no later ones
            super().doubt_same(source)
            return
        raise DataError(
            f"{source.name}: has the rows that the model was trained on; a forecast is scored on those after them: "
            "give these, or no data for the split that training held out"
        )

    def hold_out(self, source: Source, changes: Options) -> None:
        """Take the rows of `source` that follow the last ones as the test split."""
        data = self.config.data.read_as(changes)
        splits = with_rows(self.splits, source, self.columns, data, may_overlap=True)
        ends = np.stack([splits.ends[:, TRAINING], splits.ends[:, -2], splits.ends[:, -1]], axis=1)
        self.splits = Divided(splits.panel, ends, splits.last)
        self.features = self.fitted.encoders.features(splits.panel)
        self.given = True

    @property
    def places(self) -> Places:
        """The places of rows, from a number of its own for each series: in data that grow they stand elsewhere."""
        begins = np.array([zlib.crc32(name.encode()) << 31 for name in self.read.ids])
        trained = begins + self.splits.ends[:, TRAINING]
        last = begins + np.minimum(self.splits.ends[:, TEST], self.read.lengths)
        return Places(np.stack([begins, trained], axis=1), np.stack([trained, last], axis=1))

    def may_have_seen(self, header: Mapping[str, Any]) -> bool:
        """Return whether rows of a series are held out that are not after those of the model."""
        kept = header["series"]["panel"]
        ends = dict(zip(kept["ids"], map(Timeline.from_header, kept["timelines"]), strict=False))
        held_out = self.splits.ends[:, TRAINING] - self.read.lengths + 1  # the first row, counted from the last one
        return any(
            first <= 0 and name in ends and timeline.overlaps(ends[name], int(first))
            for name, timeline, first in zip(self.read.ids, self.read.timelines, held_out, strict=False)
        )

    @property
    def reasons(self) -> dict[str, str]:
        from rnncli.tasks.forecast.reasons import reasons

        timeline = self.read.timelines[0] if self.read.timelines else None
        return reasons(self.config, timeline, times_of(self.read), self._windows, self._weights)

    def header(self) -> dict[str, Any]:
        config = self.config
        kept = config.data.model_dump(exclude={"path", "future", "validation", "test"})
        asked = {self.method, self.validated.average.baseline if self.validated.average else NETWORK}
        looked_back = 0 if asked <= {NETWORK, *CORRECTABLE} else LOOKED_BACK
        panel, arrays = self.read.lasting(max(kept_rows(config.data, self.members.context), looked_back)).to_header()
        validated, windows = self.validated.to_header()
        reconciled = {} if self.reconciliation is None else {"reconciliation": self.reconciliation.to_header()}
        return {
            "task": "forecast",
            "data": kept,
            "model": config.model.model_dump(),
            **training_in_header(config, "loss", "seeds", "seed", "with_baseline", "fallback"),
            "series": {
                "columns": self.columns.to_header(),
                "delimiter": self.delimiter,
                "channels": self._channels(),
                "panel": panel,
                **self.fitted.to_header(),
            },
            "validated": validated | reconciled,
            "arrays": arrays | windows,
        }

    def recall(self, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        """Restore the validation results of a model file's weights from its header and arrays."""
        self.validated = Validated.from_header(header["validated"], arrays)
        self.members = self.members.bounded(self.validated.bounds).averaged(self.validated.average)
        if self.reconciliation is not None:
            self.reconciliation = self.reconciliation.restored(header["validated"]["reconciliation"])

    @property
    def method(self) -> str:
        """The method of `predict`: the network, or the baseline that was better on validation."""
        return self.validated.method(fallback=self.config.training.fallback)

    def after_training(self, *, can_evaluate: bool) -> tuple[str, ...]:
        """Return `predict`, for as many rows as the covariates are known of."""
        assert self.config.data.horizon is not None
        known = rows_to_forecast(self.read) if self.columns.known_covariates else self.config.data.horizon
        if known >= self.config.data.horizon:
            return ("predict",)
        if known:
            return ("predict", "--horizon", str(known))
        return ("evaluate",) if can_evaluate else ("predict", "--future", "FILE")

    def tester(self) -> Tester:
        """Return a tester for backtests on any split. Columns side by side share their times, also where none stand."""
        panel, season = self.splits.panel, self.config.data.season or 1
        apart = not panel.timelines and self.columns.layout != "wide"
        return Tester(self.members, panel, self.features, season, apart, self.hierarchy, self.reconciliation)

    def score(self) -> Score | None:
        """Score the networks beside the baselines; keep validation results for the model file."""
        self._learn_from_validation()
        split = self.held_out()
        if split is None:
            return None
        return self.scored(SPLITS[split], self.tester().run(self.origins(split), begins=self.splits.begins(split)))

    def held_out(self) -> int | None:
        """Return the split to score on: data that were given, or test, else validation, or None without either."""
        if self.given:
            return TEST
        return next((split for split in (TEST, VALIDATION) if len(self.origins(split))), None)

    def scored(self, split: str, tested: Backtest) -> Score:
        """Return the score of a backtest: the MAE of one column, or the mean MASE of several, whose units differ.

        The strongest baseline comes first.
        """
        scores = tested.scores()
        one = tested.actual.shape[2] * len(self.splits.panel.ids) == 1 or bool(np.isnan(scores[NETWORK].mase))
        unit = f"MAE of {', '.join(self.columns.targets)}" if one else f"mean MASE of {self._several(tested)}"
        figures = {name: score.mae if one else score.mase for name, score in scores.items()}
        mixed = f"; forecast: {self.members.average}" if self.members.average else ""
        shown = sorted(figures.keys() - {NETWORK}, key=lambda name: (name in NAIVE_FORECASTS, figures[name], name))
        if split == SPLITS[VALIDATION]:
            self._note_other_measure(unit.partition(" of ")[0], figures)
        return Score(
            split,
            unit,
            figures[NETWORK],
            tuple((name.replace("-", " "), figures[name]) for name in shown),
            f"{_counted(tested)} rolling origins, horizon {len(tested.actual)}" + mixed,
            verdicts={name.replace("-", " "): words for name, (_, words) in tested.verdicts.items()},
            figures=(("MASE", scores[NETWORK].mase),) if one and not np.isnan(scores[NETWORK].mase) else (),
            used=self.method,
            independent=tested.independent,
            headline=headline(tested, self.columns, self.config.data.season or 1, self.read.timelines),
        )

    def _note_other_measure(self, measure: str, figures: Mapping[str, float]) -> None:
        """Write a note if who forecasts, chosen on validation, is not who has the lower figures by this measure."""
        best = min((name for name in figures if name in NAIVE_FORECASTS), key=lambda name: figures[name])
        lower = best if figures[best] <= figures[NETWORK] else NETWORK
        chosen = self.validated.prefers or self.validated.calibrations  # which nobody has where training has not ended
        if not chosen or not self.config.training.fallback or (lower == NETWORK) == (self.method == NETWORK):
            return
        errors = "squared" if self.members.first.loss.mean else "absolute"
        has, forecasts = (f"the {name}" if name == NETWORK else name.replace("-", " ") for name in (lower, self.method))
        note(
            f"{has} has the lower {measure}, and {forecasts} forecasts: the choice is by the mean of all {errors} "
            "errors on validation, in units of the seasonal difference of their series"
        )

    def evaluate(self, options: Options) -> Evaluation:
        """Run a backtest of the networks and the baselines from many origins."""
        from rnncli.tasks.forecast.report import (
            backtested,
            check,
            covered_totals,
            report,
            require_baselines,
            rows_before,
            window_rows,
        )
        from rnncli.tasks.forecast.worst import worst_windows

        step, must_beat, fail_if = options.get("step", 1), options.get("must_beat", ()), options.get("fail_if", ())
        require_within_reach(options.get("horizon", 1), self.members.widest.horizon)
        require_baselines(must_beat, self.config.data.season or 1)
        levels = options.get("levels", WQL_LEVELS)
        split, tested = backtested(self, options.get("windows"), step, options.get("horizon"), levels)
        in_sample = split == SPLITS[VALIDATION]
        made_from = self.validated.calibrations.get(NETWORK) if in_sample else None
        made = report(split, tested, step, self.members.widest.horizon, self.hierarchy, made_from)
        made = replace(made, rows_before=rows_before(self, tested))
        if options.get("sum"):
            made = replace(made, totals=tuple(covered_totals(self, tested, in_sample=in_sample)))
        return Evaluation(
            self.scored(split, tested),
            made,
            window_rows(self, tested),
            lambda: check(made, must_beat, fail_if),
            lambda: worst_windows(self, tested),
            self.delimiter,
            self.config.data.decimal,
        )

    def _several(self, tested: Backtest) -> str:
        """Return in words the series, or the columns side by side, that a mean MASE is of."""
        scored, whole = tested.scored, len(np.unique(tested.series)) * tested.actual.shape[2]
        what = "columns" if len(self.splits.panel.ids) == 1 else "series"
        if scored == whole:
            return f"{whole:,} {what}"
        differ = "whose seasons differ" if (self.config.data.season or 1) > 1 else "that vary"
        return f"{scored:,} of {whole:,} {what} {differ} before the split"

    def _learn_from_validation(self) -> None:
        """Calibrate intervals on the validation split, and find out if a naive forecast is better there."""
        origins, horizon = self.origins(VALIDATION), self.members.widest.horizon
        if not len(origins):
            if self.reconciliation is not None:
                note("sums are forecast bottom-up: no errors of validation are known, which data.reconcile mint needs")
            return
        self.members = self.members.averaged(None)
        tested, squared = replace(self.tester(), reconciliation=None).run(origins), self.members.first.loss.mean
        if self.config.training.average and not self.members.with_baseline and self.members.may_average:
            self.members = self.members.averaged(best_average(tested, squared=squared))
            tested = averaged(tested, self.members.average)
        if self.reconciliation is not None:
            bottom_up = replace(self.reconciliation, gains=None)
            self.reconciliation, tested = learnt_reconciliation(
                tested, bottom_up, self.config.data.reconcile, squared=squared
            )
        further = [
            {m * horizon: self.origins(split, m * horizon) for m in MULTIPLES} for split in (TRAINING, VALIDATION)
        ]
        bounds = self._bounds()
        self.members = self.members.bounded(bounds)
        self.validated = Validated.of(self.tester(), tested, further, bounds)
        self._note_validation()

    def _bounds(self) -> Bounds | None:
        """Return what no value of the training and the validation split passes; None if the config says that it may."""
        if not self.config.data.bounded:
            return None
        rows = np.concatenate([self.splits.rows(TRAINING), self.splits.rows(VALIDATION)])
        return bounds_of(np.where(self.features.known[rows], self.features.values[rows], np.nan))

    def _note_validation(self) -> None:
        """Write notes on how the validation results change what `predict` will answer."""
        if self.members.average is not None:
            note(f"forecast: {self.members.average}, by their errors on validation")
        if self.method != NETWORK:
            note(
                f"on validation {self.method.replace('-', ' ')} was at least as good as the network, so predict will "
                "give that baseline's forecast; predict --network uses the network"
            )
        calibration = self.validated.calibrations.get(self.method)
        if calibration is not None:
            note_coverage(calibration.receipts, SHOWN, calibration.horizon)


def _counted(tested: Backtest) -> str:
    """Return the number of windows as text, with that of all windows if they are thinned out."""
    count = len(tested.origins)
    return f"{count:,} of {tested.whole:,}" if count < tested.whole else f"{count:,}"
