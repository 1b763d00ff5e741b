"""A worker of a study: it looks for work, trains, writes what came of it, and looks again."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rnncli.config.loading import dump_value
from rnncli.config.sections import Config
from rnncli.config.training_section import LARGEST_SEED
from rnncli.errors import (
    ConfigError,
    DataError,
    DivergedError,
    ModelFileError,
    RunInUseError,
    StoppedError,
    UsageError,
    amount,
)
from rnncli.notes import Doubt
from rnncli.tasks.registry import load_run_config
from rnncli.training.reports import Evaluated, Note, Progress, Report, Started
from rnncli.training.tuned import RUNNING, Again, Begun, Ended, Outcome, Trial
from rnncli.workflows.run_directory import RunDirectory
from rnncli.workflows.stopping import Until
from rnncli.workflows.train import train
from rnncli.workflows.train_request import Request as Training
from rnncli.workflows.tune_halving import OWN, RUNGS, goes_on, ranked, share
from rnncli.workflows.tune_report import write_best
from rnncli.workflows.tune_sampler import proposed
from rnncli.workflows.tune_space import Space
from rnncli.workflows.tune_study import Study

EXPLORING = 0.3  # the share of a limited time in which trials are begun, so that the best of them come to an end
SEEDS = 2  # further ones that the best two are trained from
_SECONDS = 0.5  # between two looks at what others do
_BYTES_OF_SEEDS = 1_000_000  # of the lock: behind those of trials


@dataclass(frozen=True)
class Work:
    """A trial to train up to the next rung; seed: from the beginning to the end, from this one."""

    trial: Trial
    byte: int
    seed: int | None = None


class Worker:
    """Works on a study until there is nothing left to do, or until it is to stop."""

    def __init__(
        self,
        study: Study,
        space: Space,
        training: Training,
        seed: int,
        wanted: int | None,
        show: Callable[[Note | Begun | Progress | Ended], None],
        stop: Until,
        unit_of_loss: Callable[[], str],
    ):
        self.study, self.space, self.training = study, space, training
        self.seed, self.wanted, self.show, self.stop = seed, wanted, show, stop
        self.left = ""
        self._unit, self._unit_of_loss = "", unit_of_loss
        self._exhausted = False
        self._lost: set[int] = set()  # the bytes of seeds that came to nothing

    def work(self) -> None:
        """Do what there is to do; `left` then says what the time had no room for. StoppedError after a signal."""
        waited = False
        while True:
            if self.stop():
                self._stopped()
                return
            with self.study.looking_for_work():
                work = self._next()
                others = work is None and any(trial.state == RUNNING for trial in self.study.trials())
            if work is not None:
                waited = False
                self._do(work)
            elif others or self._seeds_left(self.study.trials()):
                if not waited:
                    self.show(Note("other processes work on what is left; this one waits for them"))
                waited = True
                time.sleep(_SECONDS)
            else:
                return

    def _stopped(self) -> None:
        """Raise StoppedError after a signal; else the time is up."""
        if self.stop.signal_number is not None:
            raise StoppedError(f"stopped; the study is saved in {self.study.path}", self.stop.signal_number)
        self.left = "the time is up before all trials that earned it came to their end; the same command goes on"

    def _next(self) -> Work | None:
        """Return what to do next, whose lock this process then has; None if there is nothing for it."""
        trials = self.study.trials()
        for trial in trials:
            if trial.state == RUNNING and self.study.take(trial.number):  # its worker is no more
                return Work(self._settled(trial, trials), trial.number)
        own = goes_on([trial for trial in trials if trial.number == OWN])
        new = self._new(trials) if own is None and self._is_exploring(trials) else None
        if new is not None:
            return Work(new, new.number)
        further = own or goes_on(trials)
        if further is not None and self.study.take(further.number):
            self.study.work_on(further.number)
            return Work(further, further.number)
        return None if any(one.state == RUNNING for one in trials) else self._next_seed(trials)

    def _is_exploring(self, trials: Sequence[Trial]) -> bool:
        """Return True while trials are to be begun; the first one always is."""
        enough = self._exhausted or len(trials) >= (self.wanted or math.inf) or self.stop.is_over(EXPLORING)
        return not trials or not enough

    def _new(self, trials: Sequence[Trial]) -> Trial | None:
        """Return a new trial, or None if the space has no more."""
        found = proposed(self.space, trials, self.seed, self.wanted) if trials else ({}, {})
        if found is None:
            self._exhausted = True
            self.show(Note(f"the space holds no more than the {len(trials):,} trials that there are"))
            return None
        number = self.study.add()
        if trials:
            self.study.set(number, *found)
        return self.study.trials()[number]

    def _settled(self, trial: Trial, before: Sequence[Trial]) -> Trial:
        """Return a trial with its settings, which are chosen if it has none."""
        if trial.number == OWN or trial.settings:
            return trial
        found = proposed(self.space, before[: trial.number], self.seed, self.wanted)
        assert found is not None
        self.study.set(trial.number, *found)
        return replace(trial, settings=found[0])

    def _do(self, work: Work) -> None:
        """Train a trial up to its next rung, and write what came of it."""
        trial, seed = work.trial, work.seed
        self.show(Note(self._manner()))
        to = share(trial) if seed is None else 1.0
        run = RunDirectory(self.study.run_of(trial.number, seed))
        self.show(Begun(trial, to, seed))
        try:
            if not run.report.is_file():
                first = trial.number == OWN and seed is None
                train(
                    self._training(run, trial, to, seed),
                    lambda report: self._shown(report, first),
                    stopping=nullcontext(self.stop),
                )
            if run.report.is_file() or not self.stop():  # else it is half-way, to be gone on with
                self._ended(work, run, to)
        except DivergedError as error:
            self._failed(work, to, str(error))
        except (ConfigError, DataError) as error:  # such as a context that is longer than the data
            if seed is not None:
                raise
            self._failed(work, to, str(error))
        except RunInUseError:
            time.sleep(_SECONDS)  # somebody trains it by hand
        except StoppedError:
            self._stopped()
        finally:
            self.study.leave(work.byte)

    def _manner(self) -> str:
        """Return how trials are numbered and how far they come, which is told once."""
        many = f"{amount(self.wanted, 'trial')}" if self.wanted else "as many trials as the time has room for"
        first, second, _ = (f"{rung:.0%}" for rung in RUNGS)
        return (
            f"{many}, numbered from 0, the config as it is: all are trained to {first} of their updates; the better "
            f"third comes back to be trained to {second}, and the better third of these to the end"
        )

    def _ended(self, work: Work, run: RunDirectory, to: float) -> None:
        """Write what came of a trial, of which that which ended before its plan has come to all rungs."""
        self._unit = self._unit or self._unit_of_loss()  # none was told of a run that had ended before
        trial, outcome = work.trial, outcome_of(run, self._unit)
        if outcome is None:
            self._failed(work, to, "no evaluation gave a figure")
        elif work.seed is not None:
            self.show(Ended(replace(trial, outcomes=(outcome,)), to, work.seed))
        else:
            if trial.number == OWN and not trial.settings:
                self.study.set(OWN, values_of(load_run_config(run.config), self.space), {})
            rungs = len(RUNGS) - trial.rung if run.report.is_file() else 1
            with self.study.looking_for_work():
                self.study.came_to(trial.number, (*trial.outcomes, *[outcome] * rungs))
                write_best(self.study, self.again())
            self.show(Ended(self.study.trials()[trial.number], to))

    def _failed(self, work: Work, to: float, why: str) -> None:
        """Write that a trial cannot go on, or that one of its seeds came to nothing."""
        if work.seed is not None:
            self._lost.add(work.byte)
            self.show(Note(f"trial {work.trial.number} from seed {work.seed}: {why}"))
            return
        self.study.failed(work.trial.number, why)
        self.show(Ended(self.study.trials()[work.trial.number], to))

    def _training(self, run: RunDirectory, trial: Trial, to: float, seed: int | None) -> Training:
        """Return the request by which a run begins, or goes on."""
        if (run.state.is_file() or run.config.is_file()) and not run.is_abandoned():
            return Training(None, self.training.data, str(run.path), resume=True, pause=to)
        settings = {} if trial.number == OWN else {key: trial.settings[key] for key in self.space}
        if seed is not None:
            settings["training.seed"] = seed
            assert trial.outcome is not None
            settings |= {"training.updates": trial.outcome.updates, "training.max_time": None}  # as long as it
        overrides = [f"{key}={dump_value(value)}" for key, value in settings.items()]
        return replace(self.training, out=str(run.path), overrides=overrides, pause=to)

    def _shown(self, report: Report, first: bool) -> None:
        """Pass on what is to be shown of a training; first: also its notes, as those of others say much the same."""
        if isinstance(report, Started):
            self._unit = report.unit
        elif isinstance(report, Evaluated) and report.valid_loss is None:
            raise UsageError("tune judges trials by a validation split, and nothing is held out; set data.validation")
        elif isinstance(report, Progress) or (isinstance(report, Note) and (first or isinstance(report.text, Doubt))):
            self.show(report)

    def _next_seed(self, trials: Sequence[Trial]) -> Work | None:
        """Return one of the best two to train from another seed."""
        for trial, seed in self._seeds_left(trials):
            byte = self._byte(trial, seed)
            if self.study.take(byte):
                return Work(trial, byte, seed)
        return None

    def _byte(self, trial: Trial, seed: int) -> int:
        """Return the byte of the lock for a trial from a further seed."""
        return _BYTES_OF_SEEDS + trial.number * _BYTES_OF_SEEDS + seed % _BYTES_OF_SEEDS

    def _seeds_left(self, trials: Sequence[Trial]) -> list[tuple[Trial, int]]:
        """Return the best two with the seeds from which they are yet to be trained."""
        return [
            (trial, seed)
            for trial, seed in self._seeds(trials)
            if self._byte(trial, seed) not in self._lost
            and not RunDirectory(self.study.run_of(trial.number, seed)).report.is_file()
        ]

    def _seeds(self, trials: Sequence[Trial]) -> list[tuple[Trial, int]]:
        """Return the best two with the further seeds to train them from, which no network of theirs has had."""
        found = []
        for trial in ranked(trials)[:2]:
            if trial.rung == len(RUNGS):
                config = load_run_config(Path(trial.run) / "config.yaml")
                found += [(trial, seed) for seed in _further(config.training.seed, config.networks)]
        return found

    def again(self) -> tuple[Again, ...]:
        """Return what the best two are worth from all seeds; nothing unless all of them have been trained."""
        trials = self.study.trials()
        found: dict[int, list[float]] = {}
        for trial, seed in self._seeds(trials):
            run = RunDirectory(self.study.run_of(trial.number, seed))
            outcome = outcome_of(run, "") if run.report.is_file() else None
            assert trial.outcome is not None
            if outcome is None:
                return ()
            found.setdefault(trial.number, [trial.outcome.figure]).append(outcome.figure)
        return tuple(Again(number, tuple(figures)) for number, figures in found.items())


def _further(seed: int, networks: int) -> list[int]:
    """Return seeds for so many networks each that have none of them had: those that follow, or else that go before."""
    by = networks if seed + (SEEDS + 1) * networks - 1 <= LARGEST_SEED else -networks
    return [seed + k * by for k in range(1, SEEDS + 1)]


def values_of(config: Config, space: Space) -> dict[str, Any]:
    """Return the values of the searched keys in a config."""
    return {key: getattr(getattr(config, key.partition(".")[0]), key.partition(".")[2]) for key in space}


def outcome_of(run: RunDirectory, unit: str) -> Outcome | None:
    """Return what validation says of a run so far; None if no evaluation has given a figure."""
    state = run.read_state()
    position = state.position
    loss, gain = position.best_loss, position.best_gain
    if not math.isfinite(loss):
        return None
    if not math.isfinite(gain):
        name, figure, higher_is_better = unit, loss, False
    else:
        best = next((one for one in run.read_metrics() if _is_of(one, position.best_update, gain)), None)
        if best is None:
            raise ModelFileError(f"{run.metrics}: lacks the evaluation that the state has as its best; restore it")
        name, figure = str(best.get("figure_name")), float(best["figure"])
        higher_is_better = math.copysign(1, gain) == math.copysign(1, figure)  # also where both are 0
    return Outcome(name, figure, higher_is_better, loss, position.update, state.plan.updates, position.seconds)


def _is_of(line: Mapping[str, Any], update: int, gain: float) -> bool:
    """True for a line of metrics with a figure that makes this gain at an update, which may have several lines."""
    figure = line.get("figure")
    return line["step"] == update and isinstance(figure, (int, float)) and abs(figure) == abs(gain)
