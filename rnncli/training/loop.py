"""The training loop: a generator of reports, for any learner. Its caller decides what to save and show.

The number of updates is fixed before the first one, because schedules depend on it. The best weights are those with
the best figure of the validation split at a scheduled evaluation, and of equal ones the lowest loss; the figure is the
one that the score prints, such as an accuracy. Where nothing is held out, the last weights are kept, and patience and
the plateau schedule see the training loss. An evaluation forced by stopping is reported but decides nothing, so that
a resumed run ends exactly like one that was never stopped.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np

from rnncli.errors import DivergedError
from rnncli.nn.network import Model
from rnncli.training.backpropagation import Backpropagation, Loss, Sample
from rnncli.training.optimizer import SCHEDULES, Optimizer, Plateau
from rnncli.training.reports import Evaluated, Figure, Progress

EVALUATIONS = 10  # the number to aim for in a run; more where one after each epoch makes more
CALIBRATION_SECONDS = 2.0
MOST_EVALUATING = 0.2  # largest share of max_time spent on evaluations; a short run is evaluated less often
RESERVE = 0.05  # share of max_time kept for saving and for a machine that slows down
BY_FIGURE, BY_LOSS = "figure", "loss"  # what the best weights are the best by; runs of 0.1 go by the loss alone


class Learner(Protocol):
    """The interface between a task and the training loop: an object that hands out gradients of batches."""

    updates_per_epoch: int
    endless: bool  # true of sequences without an end, of which a stretch has as many steps as are asked for

    @property
    def network(self) -> Model: ...

    @property
    def loss(self) -> Loss: ...

    @property
    def backpropagation(self) -> Backpropagation:
        """The driver of the network that `sample` makes batches for; of several networks, that of the first."""

    def gradient(self, update: int) -> tuple[float, int]:
        """Return (summed loss, number of its terms), and leave the gradient of the mean in the network's parameters."""

    def sample(self, update: int, *, carried: bool = False) -> Sample:
        """Return the batch of an update for inspection, from zero state or, if carried, from that of its streams.

        Training goes on afterwards as if this call had not been made.
        """

    def stretch(self, number: int, count: int, steps: int) -> Sample:
        """Return batch `number` of `count` for gradients by lag, the same whatever number of steps training goes back.

        It has whole sequences, or where a sequence goes on without end, stretches of up to `steps` steps of it.
        """

    def validate(self) -> tuple[float, int]:
        """Return (summed loss, number of its terms) of the validation split; (nan, 0) where there is none."""

    def figure(self) -> Figure | None:
        """Return the figure of the validation split that the score prints; None if that is the loss, or without it."""

    def restart(self) -> None:
        """Forget the state that is carried from update to update."""

    def arrays(self, *, before: bool = False) -> dict[str, np.ndarray]:
        """Return the arrays beyond the weights for an exact resume or, if `before`, for redoing the last update."""

    def restore(self, arrays: dict[str, np.ndarray]) -> None: ...


class Length(NamedTuple):
    """The length of a run: its number of updates, and the number of evaluations to aim for."""

    updates: int
    evaluations: int


@dataclass(frozen=True)
class Plan:
    """The plan of a run, fixed before its first update; `updates` and `evaluations` are those of `Length`.

    kept_by: what the best weights are the best by. ends: the update after which to end, if before `updates`, by which
    the learning rate falls. warmup: the updates over which it rises, before the schedule.
    """

    updates: int
    evaluations: int
    learning_rate: float
    schedule: str
    patience: int | None
    kept_by: str = BY_LOSS
    ends: int | None = None
    warmup: int = 0

    def rate(self, update: int) -> float:
        """Return the learning rate of an update, without what the plateau schedule makes of it."""
        if update < self.warmup:
            return self.learning_rate * (update + 1) / self.warmup
        done = (update - self.warmup) / (self.updates - self.warmup)
        return self.learning_rate * SCHEDULES[self.schedule](done)


class Measured(NamedTuple):
    """What an evaluation measured: the mean loss, of training where nothing is held out, and the figure, if any."""

    loss: float
    held_out: bool
    figure: Figure | None

    @property
    def gain(self) -> float:
        """The figure, negative if lower is better; -inf if there is none."""
        if self.figure is None or math.isnan(self.figure.value):
            return -math.inf
        return self.figure.value if self.figure.higher_is_better else -self.figure.value


@dataclass
class Position:
    """The position of a run: every number that a resume needs; the arrays are those of the weights and the learner.

    best_gain, best_loss: of the evaluation whose weights are the best. top_gain, top_margin: of the best figure so far.
    """

    update: int = 0
    tokens: int = 0
    seconds: float = 0.0
    update_seconds: float = 0.0
    loss_sum: float = 0.0
    loss_count: int = 0
    top_gain: float = -math.inf
    top_margin: float = 0.0
    best_gain: float = -math.inf
    best_loss: float = math.inf
    best_update: int = 0
    evaluations_since_best: int = 0
    plateau_factor: float = 1.0
    plateau_waited: int = 0
    optimizer_powers: list[float] = field(default_factory=lambda: [1.0, 1.0])


class TrainingLoop:
    """Trains `learner` with `optimizer` according to `plan`; `best` (P,) holds the best weights so far."""

    def __init__(
        self,
        learner: Learner,
        optimizer: Optimizer,
        plan: Plan,
        clock: Callable[[], float] = time.perf_counter,
    ):
        self.learner, self.optimizer, self.plan, self.clock = learner, optimizer, plan, clock
        self.position = Position()
        self.plateau = Plateau(plan.schedule == "plateau")
        self.parameters = learner.network.parameters
        self.best = self.parameters.weights.copy()
        self.rate = plan.learning_rate  # of the last update
        self.updating = False  # true during an update, and after one that failed
        self.evaluate_every = updates_between(Length(plan.updates, plan.evaluations), learner.updates_per_epoch)

    def run(self, stop: Callable[[], bool] = lambda: False) -> Iterator[Progress | Evaluated]:
        """Train and yield reports until the plan ends, patience runs out, or stop() is true after an update."""
        position, since = self.position, self.clock()
        norm, reason = math.nan, "patience" if self._out_of_patience() else "scheduled"
        last = self.plan.ends or self.plan.updates
        while position.update < last and reason == "scheduled":
            norm = self._update()
            now = self.clock()
            position.seconds, since = position.seconds + now - since, now
            yield self._progress(norm)
            if position.update == last:
                reason = "finished"
            elif stop():
                reason = "stopped"
            scheduled = position.update % self.evaluate_every == 0
            if scheduled or reason == "finished":
                measured, improved = self._evaluate()
                now = self.clock()
                position.seconds, since = position.seconds + now - since, now
                if self._out_of_patience() and reason != "finished":
                    reason = "patience"
                report = self._report(measured, norm, reason, improved=improved)
                position.loss_sum, position.loss_count = 0.0, 0  # before the yield, since the caller saves at a report
                yield report
            elif reason == "stopped":
                yield self._report(self._measured(), norm, reason, improved=False)

    def _update(self) -> float:
        position, began = self.position, self.clock()
        self.updating = True
        loss, count = self.learner.gradient(position.update)
        norms = self.optimizer.gradient_norms()
        norm = math.hypot(*norms)
        unclipped = self.optimizer.clip_norm is None
        if not (loss / count < self.learner.loss.absurd and math.isfinite(norm)):
            raise DivergedError(
                f"training diverged at update {position.update + 1}: the loss is {loss / count:g}, the gradient norm "
                f"{norm:g}; lower training.learning_rate" + (", or set training.clip_norm" if unclipped else "")
            )
        self.rate = self.learning_rate()
        self.optimizer.update(self.rate, norms)
        self.updating = False
        position.update += 1
        position.tokens += count
        position.loss_sum += loss
        position.loss_count += count
        position.update_seconds += self.clock() - began
        return norm

    def learning_rate(self) -> float:
        """Return the learning rate of the next update."""
        return self.plan.rate(self.position.update) * self.plateau.factor

    def _evaluate(self) -> tuple[Measured, bool]:
        """Run a scheduled evaluation, remember the best weights, inform the plateau schedule, and return what was
        measured and whether these weights are kept.
        """
        position, measured = self.position, self._measured()
        if measured.gain > position.top_gain:
            position.top_gain, position.top_margin = measured.gain, measured.figure.margin if measured.figure else 0.0
        least = position.top_gain - position.top_margin
        better = measured.gain >= least and (position.best_gain < least or measured.loss < position.best_loss)
        if better:
            position.best_gain, position.best_loss = measured.gain, measured.loss
        kept = better or (self.plan.kept_by == BY_FIGURE and not measured.held_out)
        if kept:
            position.best_update = position.update
            self.best[...] = self.parameters.weights
        position.evaluations_since_best = 0 if better else position.evaluations_since_best + 1
        self.plateau.see(better)
        return measured, kept

    def _measured(self) -> Measured:
        """Evaluate the current weights; DivergedError if they lead nowhere."""
        total, count = self.learner.validate()
        position = self.position
        loss = total / count if count else self._train_loss()
        if not (loss < self.learner.loss.absurd and np.isfinite(self.parameters.weights).all()):
            raise DivergedError(
                f"training diverged: after update {position.update:,} the validation loss is {loss:g}; "
                "lower training.learning_rate"
            )
        return Measured(loss, count > 0, self.learner.figure() if self.plan.kept_by == BY_FIGURE else None)

    def _out_of_patience(self) -> bool:
        return self.plan.patience is not None and self.position.evaluations_since_best >= self.plan.patience

    def _epoch(self) -> int:
        """Return the epoch of the last update, counted from 1."""
        return -(-self.position.update // self.learner.updates_per_epoch)

    def _train_loss(self) -> float:
        return self.position.loss_sum / max(self.position.loss_count, 1)

    def _speed(self) -> float:
        return self.position.tokens / self.position.update_seconds if self.position.update_seconds else 0.0

    def _progress(self, norm: float) -> Progress:
        return Progress(
            self.position.update,
            self.plan.ends or self.plan.updates,
            self._epoch(),
            self._train_loss(),
            norm,
            self.rate,
            self._speed(),
        )

    def _report(self, measured: Measured, norm: float, reason: str, *, improved: bool) -> Evaluated:
        position = self.position
        return Evaluated(
            step=position.update,
            epoch=self._epoch(),
            tokens=position.tokens,
            seconds=position.seconds,
            train_loss=self._train_loss(),
            valid_loss=measured.loss if measured.held_out else None,
            learning_rate=self.rate,
            grad_norm=norm,
            tokens_per_second=self._speed(),
            improved=improved,
            reason=reason,
            figure=measured.figure,
        )

    def arrays(self) -> dict[str, np.ndarray]:
        """Return every array that an exact resume needs, or that a repeat of the last update needs if it failed."""
        return {
            "weights": self.parameters.weights,
            "best": self.best,
            **self.optimizer.arrays(),
            **self.learner.arrays(before=self.updating),
        }

    def snapshot(self) -> Position:
        """Return the position, updated with the numbers that the plateau schedule and the optimizer keep."""
        position = self.position
        position.plateau_factor, position.plateau_waited = self.plateau.factor, self.plateau.waited
        position.optimizer_powers = self.optimizer.powers
        return position

    def restore(self, arrays: dict[str, np.ndarray], position: Position) -> None:
        """Go on from a snapshot; KeyError or ValueError where the arrays belong to another model."""
        self.parameters.weights[...] = arrays["weights"]
        self.best[...] = arrays["best"]
        self.optimizer.restore(arrays, position.optimizer_powers)
        self.learner.restore(arrays)
        self.learner.network.pack()
        self.position = position
        self.plateau.factor, self.plateau.waited = position.plateau_factor, position.plateau_waited


def updates_between(length: Length, per_epoch: int) -> int:
    """Return the number of updates from one evaluation to the next."""
    per_run = -(-length.updates // length.evaluations)
    return max(1, per_run if length.evaluations < EVALUATIONS else min(per_epoch, per_run))


def planned_length(
    learner: Learner,
    optimizer: Optimizer,
    wanted: int,
    max_time: float | None,
    evaluate: Callable[[], object],
    clock: Callable[[], float] = time.perf_counter,
) -> Length:
    """Return the length of a run: the updates `wanted`, or what a short calibration fits into max_time seconds, if that
    is less.

    evaluate: does all the work of one evaluation, saving included. Call this once everything is compiled; it changes
    neither weights nor position.
    """
    if max_time is None:
        return Length(wanted, EVALUATIONS)
    seconds = min(CALIBRATION_SECONDS, max_time / 10)
    pace = measured_pace(learner, optimizer, seconds, evaluate, clock)
    return length_within(max_time, wanted, learner.updates_per_epoch, pace)


class Pace(NamedTuple):
    """The seconds that an update and an evaluation take, and those that it took to measure them."""

    per_update: float
    per_evaluation: float
    took: float


def measured_pace(
    learner: Learner,
    optimizer: Optimizer,
    seconds: float,
    evaluate: Callable[[], object],
    clock: Callable[[], float] = time.perf_counter,
) -> Pace:
    """Return the pace of updates, measured for some seconds, and of one evaluation; see `planned_length`."""
    began = clock()
    updates = 0
    while updates < learner.updates_per_epoch and (updates < 3 or clock() - began < seconds):
        learner.gradient(updates)
        optimizer.gradient_norms()
        optimizer.pool.over_shares(learner.network.pack)
        updates += 1
    per_update = (clock() - began) / updates
    learner.restart()
    evaluation_began = clock()
    evaluate()
    return Pace(per_update, clock() - evaluation_began, clock() - began)


def length_within(max_time: float, wanted: int, per_epoch: int, pace: Pace) -> Length:
    """Return the length of a run of at most `wanted` updates that ends within max_time seconds."""
    left = max_time * (1 - RESERVE) - pace.took
    affordable = int(MOST_EVALUATING * left / pace.per_evaluation) if pace.per_evaluation > 0 else EVALUATIONS
    evaluations = max(1, min(EVALUATIONS, affordable))
    fits = (left - evaluations * pace.per_evaluation) / pace.per_update
    if evaluations == EVALUATIONS:  # then there may be one after each epoch
        fits = min(fits, left / (pace.per_update + pace.per_evaluation / per_epoch))
    return Length(max(1, min(wanted, int(fits))), evaluations)
