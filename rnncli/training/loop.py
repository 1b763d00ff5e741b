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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import NamedTuple, Protocol

import numpy as np

from rnncli.errors import DivergedError
from rnncli.nn.network import Model
from rnncli.training.backpropagation import Backpropagation, Loss, Sample
from rnncli.training.budget import Clockwatch, changed
from rnncli.training.length import Length, updates_between
from rnncli.training.optimizer import Optimizer, Plateau
from rnncli.training.plan import BY_FIGURE, Plan, Position
from rnncli.training.reports import Evaluated, Figure, Note, Progress
from rnncli.training.weight_average import WeightAverage


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


class Measured(NamedTuple):
    """What an evaluation measured: the mean loss, of training where nothing is held out, and the figure, if any.

    averaged: whether it is about the average of the weights. losses: that of the weights and that of their average,
    where there is one.
    """

    loss: float
    held_out: bool
    figure: Figure | None
    averaged: bool = False
    losses: tuple[float, float] | None = None

    @property
    def gain(self) -> float:
        """The figure, negative if lower is better; -inf if there is none."""
        if self.figure is None or math.isnan(self.figure.value):
            return -math.inf
        return self.figure.value if self.figure.higher_is_better else -self.figure.value

    @property
    def margin(self) -> float:
        """How much less than the gain counts as equal to it."""
        return self.figure.margin if self.figure else 0.0


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
        decay = plan.weight_averaging
        self.average = WeightAverage(decay, self.parameters.weights, optimizer.pool) if decay else None
        self.rate = plan.learning_rate  # of the last update
        self.updating = False  # true during an update, and after one that failed
        self._follow(plan)

    def _follow(self, plan: Plan) -> None:
        self.plan = plan
        length = Length(plan.updates, plan.evaluations)
        self.evaluate_every = updates_between(length, self.learner.updates_per_epoch)

    def run(self, stop: Callable[[], bool] = lambda: False) -> Iterator[Note | Progress | Evaluated]:
        """Train and yield reports until the plan ends, patience runs out, or stop() is true after an update."""
        position, since = self.position, self.clock()
        norm, reason = math.nan, "patience" if self._out_of_patience() else "scheduled"
        watch = Clockwatch(self.plan, position)
        while position.update < self._last() and reason == "scheduled":
            norm = self._update()
            now = self.clock()
            position.seconds, since = position.seconds + now - since, now
            if self.plan.budget and (plan := watch.look(self.plan, position, self.evaluate_every)) != self.plan:
                yield Note(changed(self.plan, plan))
                self._follow(plan)
            yield self._progress(norm)
            if position.update == self._last():
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

    def _last(self) -> int:
        """Return the number of updates after which the run ends."""
        return self.plan.ends or self.plan.updates

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
        if self.average:
            self.average.add()
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
            position.top_gain, position.top_margin = measured.gain, measured.margin
        least = position.top_gain - position.top_margin
        better = measured.gain >= least and (position.best_gain < least or measured.loss < position.best_loss)
        if better:
            position.best_gain, position.best_loss = measured.gain, measured.loss
        kept = better or (self.plan.kept_by == BY_FIGURE and not measured.held_out)
        if kept:
            position.best_update, position.best_averaged = position.update, measured.averaged
            averaged = self.average if measured.averaged else None
            self.best[...] = averaged.values if averaged else self.parameters.weights
        position.evaluations_since_best = 0 if better else position.evaluations_since_best + 1
        self.plateau.see(better)
        return measured, kept

    def _measured(self) -> Measured:
        """Evaluate the weights, and their average if there is one; return what the better of both is measured at.

        Where nothing is held out, the average counts as the better. DivergedError if the weights lead nowhere.
        """
        own = self._measure(averaged=False)
        if not self._leads_somewhere(own.loss):
            raise DivergedError(
                f"training diverged: after update {self.position.update:,} the validation loss is {own.loss:g}; "
                "lower training.learning_rate"
            )
        if self.average is None:
            return own
        with self.using(self.average.values):
            average = self._measure(averaged=True)
        candidates = [average, own] if average.loss < self.learner.loss.absurd else [own]
        return better(candidates)._replace(losses=(own.loss, average.loss))

    def _measure(self, *, averaged: bool) -> Measured:
        """Evaluate the weights that are in the network."""
        total, count = self.learner.validate()
        loss = total / count if count else self._train_loss()
        judged = self.plan.kept_by == BY_FIGURE and self._leads_somewhere(loss)
        return Measured(loss, count > 0, self.learner.figure() if judged else None, averaged)

    def _leads_somewhere(self, loss: float) -> bool:
        """Return False if the weights that are in the network, or their loss, are beyond what can be answered with."""
        return bool(loss < self.learner.loss.absurd and np.isfinite(self.parameters.weights).all())

    def with_best(self) -> AbstractContextManager[None]:
        """Have the best weights in the network for a while, where these are not those that were just evaluated."""
        return self.using(self.best) if self.position.best_averaged else nullcontext()

    @contextmanager
    def using(self, weights: np.ndarray) -> Iterator[None]:
        """Have other weights (P,) in the network for a while."""
        own = self.parameters.weights.copy()
        self._put(weights)
        try:
            yield
        finally:
            self._put(own)

    def _put(self, weights: np.ndarray) -> None:
        self.parameters.weights[...] = weights
        self.optimizer.pool.over_shares(self.learner.network.pack)

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
            self._last(),
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
            averaged=measured.averaged,
            losses=measured.losses,
        )

    def arrays(self) -> dict[str, np.ndarray]:
        """Return every array that an exact resume needs, or that a repeat of the last update needs if it failed."""
        return {
            "weights": self.parameters.weights,
            "best": self.best,
            **({"average": self.average.values} if self.average else {}),
            **self.optimizer.arrays(),
            **self.learner.arrays(before=self.updating),
        }

    def snapshot(self) -> Position:
        """Return the position, updated with the numbers that the plateau schedule and the optimizer keep."""
        position = self.position
        position.plateau_factor, position.plateau_waited = self.plateau.factor, self.plateau.waited
        position.optimizer_powers = self.optimizer.powers
        position.average_power = self.average.power if self.average else 1.0
        return position

    def restore(self, arrays: dict[str, np.ndarray], position: Position) -> None:
        """Go on from a snapshot; ValueError where the arrays belong to another model."""
        if _shapes(arrays) != _shapes(self.arrays()):
            raise ValueError("the arrays are of another model")
        self.parameters.weights[...] = arrays["weights"]
        self.best[...] = arrays["best"]
        self.optimizer.restore(arrays, position.optimizer_powers)
        if self.average:
            self.average.restore(arrays["average"], position.average_power)
        self.learner.restore(arrays)
        self.learner.network.pack()
        self.position = position
        self.plateau.factor, self.plateau.waited = position.plateau_factor, position.plateau_waited


def _shapes(arrays: Mapping[str, np.ndarray]) -> dict[str, tuple[tuple[int, ...], np.dtype]]:
    """Return the shapes and types of all arrays but empty ones, which are not the same in all versions."""
    return {name: (array.shape, array.dtype) for name, array in arrays.items() if array.size}


def better(measured: Sequence[Measured]) -> Measured:
    """Return the one with the best figure, of those within its margin the one with the lowest loss."""
    top = max(measured, key=lambda one: one.gain)
    return min((one for one in measured if one.gain >= top.gain - top.margin), key=lambda one: one.loss)
