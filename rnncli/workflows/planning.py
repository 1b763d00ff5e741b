"""How long a new run is: its epochs or updates, as far as training.max_time allows, or what fills that time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from rnncli.config.chosen import is_open
from rnncli.config.sections import Config
from rnncli.config.values import parse_duration
from rnncli.inspection.inspect import watched
from rnncli.notes import note
from rnncli.tasks.task import Experiment
from rnncli.training.length import (
    CALIBRATION_SECONDS,
    Length,
    Pace,
    length_within,
    measured_pace,
    planned_length,
    wanted_updates,
)
from rnncli.training.loop import TrainingLoop
from rnncli.training.optimizer import Optimizer
from rnncli.training.plan import BY_FIGURE, Plan


class Saves(Protocol):
    """A place where a run will be saved; see `RunDirectory`."""

    def time_a_save(self, arrays: Mapping[str, np.ndarray]) -> None: ...


def with_epochs(config: Config, experiment: Experiment) -> Experiment:
    """Return the experiment with the epochs that `config`, whose nulls it has filled in, leaves to its length.

    These are the most that a time is filled with, or as many as training.updates take.
    """
    per_epoch, updates = experiment.learner.updates_per_epoch, config.training.updates
    if config.fills_time:
        experiment.config = experiment.config.changed(training={"epochs": experiment.most_epochs})
    elif updates is not None and is_open(config.training.epochs):
        experiment.config = experiment.config.changed(training={"epochs": -(-updates // per_epoch)})
    elif updates is not None and updates <= (config.training.epochs - 1) * per_epoch:
        note(f"training.updates {updates:,} ends training before its {config.training.epochs:,} epochs")
    return experiment


@dataclass(frozen=True)
class Planner:
    """Plans the run of an experiment with this optimizer; watch_grads: evaluations take that time too."""

    run: Saves
    experiment: Experiment
    optimizer: Optimizer
    watch_grads: bool

    def started(self, *, fills: bool) -> tuple[TrainingLoop, tuple[tuple[str, str], ...]]:
        """Return a new run whose length is fixed, and what is to be told of that; fills: its max_time is a budget."""
        training = self.experiment.config.training
        wanted, clock = wanted_updates(training, self._per_epoch), self._clock
        self._compile()
        began = clock()
        length = Length(1, 1) if fills else self._fitting(wanted)
        plan = Plan(
            *length,
            training.learning_rate,
            training.schedule,
            training.patience,
            BY_FIGURE,
            warmup=training.warmup,
            weight_averaging=training.weight_averaging or 0.0,
            limited=length.updates < wanted,
            on_divergence=training.on_divergence,
        )
        if fills:
            return self._filling(plan)
        took = clock() - began if training.max_time else 0.0
        loop = self._loop(replace(plan, budget=self._seconds() or 0.0, most=plan.updates, calibrating=took))
        loop.position.seconds = took
        return loop, ()

    def length(self, wanted: int) -> Length:
        """Return how many of the updates `wanted` training.max_time allows; the learner is then at its beginning."""
        self._compile()
        return self._fitting(wanted)

    def _fitting(self, wanted: int) -> Length:
        return planned_length(
            self.experiment.learner, self.optimizer, wanted, self._seconds(), self._evaluate, self._clock
        )

    def _filling(self, plan: Plan) -> tuple[TrainingLoop, tuple[tuple[str, str], ...]]:
        """Return a run with as many updates as fill training.max_time, which its config then names in its place."""
        experiment, per_epoch, seconds = self.experiment, self._per_epoch, self._seconds() or 0.0
        most = wanted_updates(experiment.config.training, per_epoch)
        calibrated = min(CALIBRATION_SECONDS, seconds / 10)
        pace = measured_pace(experiment.learner, self.optimizer, calibrated, self._evaluate, self._clock)
        length = length_within(seconds, most, per_epoch, pace, reserve=0.0)
        plan = replace(
            plan,
            **length._asdict(),
            limited=True,
            budget=seconds,
            most=most,
            calibrating=pace.took,
            per_evaluation=pace.per_evaluation,
        )
        told = self._told(length, most, pace)
        loop = self._loop(plan)
        loop.position.seconds = pace.took
        note_length(experiment, plan)
        return loop, (("budget", told),)

    def _told(self, length: Length, most: int, pace: Pace) -> str:
        """Return why it is so many updates."""
        given, epochs = self.experiment.config.training.max_time, length.updates / self._per_epoch
        many = f"{length.updates:,} updates, {rounded(epochs)} epochs"
        if length.updates == most:
            return f"{many} take less than {given}, and more would hardly help"
        whose = "" if self.experiment.share_of_time == 1 else "the share that folds have of "
        pace_told = f"{rounded(1 / pace.per_update)} updates/s between evaluations"
        return f"{many} fill {whose}{given} at {pace_told}, and end with the schedule"

    @property
    def _clock(self) -> Callable[[], float]:
        """A clock by which all ranks measure the same, and so make as many updates."""
        return self.optimizer.pool.ranks.clock(time.perf_counter)

    @property
    def _per_epoch(self) -> int:
        return self.experiment.learner.updates_per_epoch

    def _seconds(self) -> float | None:
        given = self.experiment.config.training.max_time
        return parse_duration(given) * self.experiment.share_of_time if given else None

    def _loop(self, plan: Plan) -> TrainingLoop:
        return TrainingLoop(self.experiment.learner, self.optimizer, plan)

    def _compile(self) -> None:
        """Compile the kernels, so that no clock counts that time."""
        learner = self.experiment.learner
        learner.gradient(0)
        if self.experiment.config.training.max_time:
            learner.validate()
            learner.figure()  # where it searches for answers, a minute that cost half of the updates
        learner.restart()

    def _evaluate(self) -> None:
        """Do the work of an evaluation, saving included."""
        experiment = self.experiment
        training, learner = experiment.config.training, experiment.learner
        for _ in range(2 if training.weight_averaging else 1):
            with self.optimizer.pool.ranks.evaluating():
                learner.validate()
            learner.figure()
        if self.watch_grads:
            watched(learner, experiment.config)
        plan = Plan(1, 1, training.learning_rate, training.schedule, training.patience)
        self.run.time_a_save(self._loop(plan).arrays())


def note_length(experiment: Experiment, plan: Plan) -> None:
    """Let the config name the updates of a plan that fills a time, so that these can be trained again."""
    epochs = -(-plan.updates // experiment.learner.updates_per_epoch)
    experiment.config = experiment.config.changed(
        training={"epochs": epochs, "updates": plan.updates, "max_time": None}
    )


def rounded(value: float) -> str:
    """Return a number with three digits, and all those before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
