"""One training within its run directory: how it begins or goes on, what it saves and tells, and how it ends."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from rnncli.config.loading import given_keys
from rnncli.config.sections import Config, chosen_keys
from rnncli.config.values import parse_duration
from rnncli.data.kept_rows import KeptRows
from rnncli.data.source import Source
from rnncli.errors import DataError, DivergedError, MachineError, StoppedError, UsageError, quoted, shown
from rnncli.inspection.inspect import watched
from rnncli.tasks.cross_validation import CrossValidation
from rnncli.tasks.registry import dump_config, load_run_config
from rnncli.tasks.task import Experiment
from rnncli.training.backpropagation import ThreadPool
from rnncli.training.folds import CROSS_VALIDATED
from rnncli.training.length import wanted_updates
from rnncli.training.loop import TrainingLoop
from rnncli.training.plan import BY_FIGURE
from rnncli.training.reports import Evaluated, Finished, Note, Report, Score, Started
from rnncli.workflows.experiments import data_sha256, experiment_of, optimizer_of
from rnncli.workflows.leading import Lead
from rnncli.workflows.planning import Planner, note_length
from rnncli.workflows.resume import began_with, fingerprint, is_over, require_unchanged, resumed
from rnncli.workflows.run_directory import RunDirectory
from rnncli.workflows.run_report import run_report
from rnncli.workflows.run_state import Inputs, State
from rnncli.workflows.start_from import Origin, origin_in, origin_of, require_unseen
from rnncli.workflows.stopping import StopRequest
from rnncli.workflows.train_request import Request

Facts = tuple[tuple[str, str], ...]


class TrainingRun:
    """One call of `train`: made, it has a loop at its beginning or where it was saved, and all that is needed to resume
    it is on disk; `train` runs it to its end.

    `whole` is the experiment with all data; `experiment` what is trained at first: its cross-validation, or itself.
    """

    def __init__(
        self,
        *,
        run: RunDirectory,
        request: Request,
        config: Config,
        source: Source,
        pool: ThreadPool,
        show: Callable[[Report], None],
        stop: StopRequest,
        lead: Lead,
    ):
        self.run, self.request, self.source, self.pool = run, request, source, pool
        self.show, self.stop, self.lead = show, stop, lead
        self.sha256 = data_sha256(config, source)
        state = self._saved(config) if request.resume and run.state.is_file() else None
        self.origin = origin_in(run, state) if state else self._first_origin()
        learnt = self.origin.learnt if self.origin else None
        kept = run.sound_rows()
        self.whole, self.experiment = experiment_of(config, source, pool, learnt, kept)
        lead.prepare(self.whole.config, source, learnt)
        if self.origin and state is None:
            require_unseen(self.origin, self.whole, source, request.overrides)
            self.origin.give_weights(self.experiment, request.overrides)
        self.loop, planned = self._planned(config, state)
        self.loop.begins_trained = self.origin is not None
        lead.begin(self.loop, state and state.arrays)
        self.facts = (*self.experiment.facts, *_chosen(config, self.experiment.config), *planned)
        self.seconds, self.notes = self._limited()  # by the max_time of this call, which is not kept
        self._save_beginning(state)
        self.facts += self._keep(kept)

    def _saved(self, config: Config) -> State:
        """Return the state; DataError or ConfigError where data or config are not those that the run began with."""
        state = self.run.read_state()
        if state.inputs.data_sha256 != self.sha256:
            data = quoted(self.source.path) if isinstance(self.source.path, str) else "DATA"
            raise DataError(
                f"the data changed since the run {self.run.path} began; restore it, or start a new run from its "
                f"weights: rnncli train --from {quoted(str(self.run.path))} {data} -o NEW"
            )
        require_unchanged(self.run, self._began_with(state), config, self.request.overrides)
        return state

    def _began_with(self, state: State) -> Mapping[str, Any]:
        return began_with(state, load_run_config(self.run.config), self.request.overrides)

    def _first_origin(self) -> Origin | None:
        return origin_of(self.request.origin, self.sha256) if self.request.origin else None

    def _planned(self, config: Config, state: State | None) -> tuple[TrainingLoop, Facts]:
        """Return the loop, planned anew or as it goes on from the state, and what is to be told of a new plan."""
        optimizer = optimizer_of(self.experiment, self.pool)
        planner = Planner(self.run, self.experiment, optimizer, self.request.watch_grads)
        if state is None:
            with self.lead.together("plan", config.fills_time):
                return planner.started(fills=config.fills_time)
        before, length = self._began_with(state), partial(self.lead.length, planner)
        return resumed(self.run, self.experiment, state, before, self.request.overrides, optimizer, length), ()

    def _limited(self) -> tuple[float, tuple[Note, ...]]:
        """Return the seconds that limit the updates, 0 if none do, and what is to be told of that."""
        training, plan = self.experiment.config.training, self.loop.plan
        wanted = wanted_updates(training, self.experiment.learner.updates_per_epoch)
        if not training.max_time or plan.updates >= wanted:
            return plan.budget, ()
        text = f"{plan.updates:,} of {wanted:,} updates fit into training.max_time {training.max_time} at today's speed"
        return parse_duration(training.max_time) if training.max_time else 0.0, (Note(text),)

    def _save_beginning(self, state: State | None) -> None:
        """Write what a resumed run needs, as far as it is not there yet."""
        if self.origin and state is None:  # so that a config is never resumed without these weights
            self._write_state(Inputs(self.sha256, None, self.origin.kept))
        if self.request.resume and "max_time" in (given_keys(self.request.overrides).get("training") or {}):
            # Which is the time of this resume alone, and would limit what is made from the config later.
            limit_before = load_run_config(self.run.config).training.max_time
            self.experiment.config = self.experiment.config.changed(training={"max_time": limit_before})
        self.inputs = self._written_inputs()
        if state is None or (self.inputs, self.loop.plan) != (state.inputs, state.plan):
            self._write_state(self.inputs)
        if self.origin and not self.run.model.is_file():  # from which a resumed run has what was learnt
            self.run.write_model(self.experiment.arrays(), self.experiment.header())

    def _keep(self, kept: KeptRows) -> Facts:
        """Write features that a later start can take from the run; a disk that has no room for them does no harm."""
        if not kept.is_worth_writing:
            return ()
        try:
            size = self.run.write_rows(kept)
        except MachineError as error:
            self.show(Note(f"{error}: features will be made anew at the next start"))
            return ()
        return (("features", f"kept in {self.run.features.name}, {size / 1e6:,.0f} MB, for later starts"),)

    def _written_inputs(self) -> Inputs:
        """Write the config, and return what the state is to know of it and the data: the config as it will be read."""
        placed = _placed(self.experiment.config, self.source)
        self.run.write_config(dump_config(placed, str(self.run.path)))
        began = self.origin.kept if self.origin else None
        return Inputs(self.sha256, fingerprint(load_run_config(self.run.config)), began)

    def _write_state(self, inputs: Inputs, *, failed: bool = False) -> None:
        self.run.write_state(self.lead.arrays(self.loop), self.loop.snapshot(), self.loop.plan, inputs, failed=failed)

    def train(self) -> None:
        """Train to the end; StoppedError after a stop by a signal, without an error where it is to pause."""
        self._tell_beginning()
        if self.loop.has_had(self.request.pause):
            return
        self.run.drop_report()
        reason = self._learn()
        if reason == "stopped":
            update = f"update {self.loop.position.update:,} of {self.loop.plan.updates:,}"
            self._stop(f"after {update}; saved in {self.run.path}")
            return
        _keep_best(self.experiment, self.loop)
        self.experiment.choose()
        score = self.experiment.score()  # before the header, into which its results may go
        if isinstance(self.experiment, CrossValidation):
            self.whole.cross_validated = score
            if self._learn_all(self.experiment) == "stopped":
                where = f"which is saved in {self.run.path}"
                self._stop(f"while training on all of the data, after cross-validation, {where}")
                return
            score = self.whole.score()
        self.run.write_model(self.whole.arrays(), _header(self.whole))
        self._finish(score, self._kept())

    def _tell_beginning(self) -> None:
        update, plan, learner = self.loop.position.update, self.loop.plan, self.experiment.learner
        for note in self.notes:
            self.show(note)
        if is_over(plan, self.loop.position):
            self.show(Note(self._over()))
        facts = (*self.facts, *_begun(self.origin), *self.lead.facts, ("run", str(self.run.path)))
        self.show(Started(facts, update, plan.updates, learner.loss.unit, self.request.resume))

    def _over(self) -> str:
        """Return that the run has ended, and how to go on with it nevertheless."""
        ended = f"{self.run.path} is finished, after {self.loop.position.update:,} updates"
        if isinstance(self.experiment, CrossValidation):
            return f"{ended}: cross-validation found how long to train, so that there is nothing to go on with"
        more = f"training.epochs={2 * self.experiment.config.training.epochs}"
        command = f"{self.request.resume_command(self.run.path, self.source)} --set {more}"
        return f"{ended}; go on for longer with: {command} (or --max-time 10m)"

    def _learn(self) -> str:
        """Run the loop, and save and show what it reports; return why it ended."""
        loop = self.loop
        reason, told = "finished", False
        try:
            for report in self.lead.run(loop, lambda: self.stop() or loop.has_had(self.request.pause)):
                if isinstance(report, Evaluated):
                    reason = report.reason
                    if self._keeps_last(report.valid_loss) and not told:
                        told = True
                        text = "nothing is held out for validation, so the weights of the last update are kept"
                        self.show(Note(text))
                    if self.request.watch_grads:
                        report = replace(report, memory=watched(self.experiment.learner, self.experiment.config))
                    self._save(report)
                elif isinstance(report, Note):
                    self.run.drop_metrics_after(loop.position.update)  # of a stop, if training went back behind it
                self.show(report)
        except DivergedError as error:
            raise error if self.experiment is not self.whole else self._failed(error) from None
        return reason

    def _kept(self) -> str:
        """Return which weights are kept, by the run's own metrics: a resume after its end evaluates nothing."""
        if isinstance(self.experiment, CrossValidation):
            return CROSS_VALIDATED
        losses = [line.get("valid_loss") for line in self.run.read_metrics()]
        return "last" if losses and self._keeps_last(losses[-1]) else "best"

    def _keeps_last(self, valid_loss: float | None) -> bool:
        """Return whether the weights of the last update are kept, as nothing is held out that could judge them."""
        return valid_loss is None and self.loop.plan.kept_by == BY_FIGURE

    def _save(self, report: Evaluated) -> None:
        """Save an evaluation: its line, the model if it is the best (or the first), and the state to go on from."""
        run, loop, experiment = self.run, self.loop, self.experiment
        training = experiment.config.training
        if loop.plan.budget and not training.max_time and loop.plan.updates != training.updates:
            note_length(experiment, loop.plan)
            self.inputs = self._written_inputs()
        run.append_metrics(report)
        if report.improved or not run.model.exists():
            with loop.with_best():
                run.write_model(experiment.arrays(), experiment.header())
        self._write_state(self.inputs)

    def _failed(self, error: DivergedError) -> DivergedError:
        """Return the error; save the state at the batch that failed if the weights are finite and there is room."""
        if not (self.loop.updating and np.isfinite(self.loop.parameters.weights).all()):
            return error
        try:
            self._write_state(self.inputs, failed=True)
        except MachineError:
            return error
        look = shlex.join(["rnncli", "inspect-grads", str(self.run.path), "--at", "failure"])
        return DivergedError(f"{error}; look at the batch with: {look}")

    def _stop(self, what: str) -> None:
        """Raise StoppedError after a signal; return where training only pauses."""
        number = self.stop.signal_number
        if number is None and (self.stop() or self.loop.has_had(self.request.pause)):
            return
        again = self.request.resume_command(self.run.path, self.source)
        # Where another rank alone got the signal, its number is not known here.
        raise StoppedError(f"stopped {what}; go on with: {again}", number or signal.SIGTERM)

    def _learn_all(self, folds: CrossValidation) -> str:
        """Train the network of all data for as long as was best in cross-validation; return why training ended.

        A run that is stopped here does it anew when it is resumed, since its state is that of the folds.
        """
        whole, plan = self.whole, folds.plan_of_all(self.loop.plan, self.loop.position)
        loop, reason = TrainingLoop(whole.learner, optimizer_of(whole, self.pool), plan), ""
        facts = (("training", "on all, with nothing left out, for as long as was best"),)
        self.show(Started(facts, 0, plan.ends or plan.updates, whole.learner.loss.unit, False))
        self.lead.begin(loop, of_all=True)
        for report in self.lead.run(loop, self.stop):
            if isinstance(report, Evaluated):
                reason = report.reason
            else:
                self.show(report)
        _keep_best(whole, loop)
        return reason

    def _finish(self, score: Score | None, kept: str) -> None:
        """Write and show the final report."""
        run, position, experiment = self.run, self.loop.position, self.experiment
        end = Finished(
            score,
            position.best_update,
            position.best_loss,
            str(run.path),
            kept,
            self._next(score),
            position.best_averaged,
            experiment.fit(run.read_metrics(), seconds=self.seconds),
        )
        placed = _placed(experiment.config, self.source)
        threads, model = self.pool.count, run.model_sha256()
        run.write_report(run_report(placed, self.source, self.sha256, position, threads, end, model))
        self.show(end)

    def _next(self, score: Score | None) -> tuple[str, ...]:
        """Return the command to go on with; evaluation takes a held-out split, and a file of the training data."""
        can_evaluate = score is not None and self.source.path is not None
        command, *rest = self.experiment.after_training(can_evaluate=can_evaluate)
        return (command, str(self.run.path), *rest)


def _keep_best(experiment: Experiment, loop: TrainingLoop) -> None:
    """Give the experiment the weights that the loop keeps."""
    experiment.network.parameters.weights[...] = loop.best
    experiment.network.pack()


def _header(experiment: Experiment) -> dict[str, Any]:
    """Return the header of the model file, with the score of cross-validation, if any."""
    header, score = experiment.header(), experiment.cross_validated
    if score is not None:
        header["validated"] = {**header.get("validated", {}), "cross_validated": score.to_header()}
    return header


def _chosen(config: Config, prepared: Config) -> tuple[tuple[str, str], ...]:
    """Return what the data chose in place of null, in one line, or nothing."""
    text = ", ".join(f"{key} {value}".lower() for key, value in chosen_keys(config, prepared).items())
    return (("chosen", text),) if text else ()


def _begun(origin: Origin | None) -> tuple[tuple[str, str], ...]:
    """Return where the weights come from, in one line, or nothing."""
    return (
        (("from", f"the weights of {origin.path}, with all that it knows; the optimizer starts anew"),)
        if origin
        else ()
    )


def _placed(config: Config, source: Source) -> Config:
    """Return the config with absolute data paths, so that the run can be resumed from any folder. UsageError for one
    that no config can hold."""

    def placed(path: str) -> str:
        whole = str(Path(path).resolve())
        try:
            whole.encode("utf-8")
        except UnicodeEncodeError:
            raise UsageError(f"{shown(path)}: is no name in UTF-8, in which a config is written; rename it") from None
        return whole

    path = source.path  # of a pipe, which is read once, None
    whole = path and (placed(path) if isinstance(path, str) else [placed(one) for one in path])
    return config.changed(data={"path": whole})
