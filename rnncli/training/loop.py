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
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace

import numpy as np

from rnncli.errors import DivergedError, amount
from rnncli.training.budget import Clockwatch, changed
from rnncli.training.going_back import HALVE, MOST, Divergence, Good, forms, is_good
from rnncli.training.learner import Learner
from rnncli.training.length import Length, updates_between
from rnncli.training.measured import Measured, better
from rnncli.training.optimizer import Optimizer, Plateau
from rnncli.training.plan import BY_FIGURE, Plan, Position
from rnncli.training.ranks import COMPARED_EVERY
from rnncli.training.reports import Evaluated, Note, Progress
from rnncli.training.weight_average import WeightAverage


class TrainingLoop:
    """Trains `learner` with `optimizer` according to `plan`; `best` (P,) holds the best weights so far."""

    def __init__(
        self,
        learner: Learner,
        optimizer: Optimizer,
        plan: Plan,
        clock: Callable[[], float] = time.perf_counter,
    ):
        self.learner, self.optimizer, self.plan, self.ranks = learner, optimizer, plan, optimizer.pool.ranks
        self.clock = self.ranks.clock(clock) if plan.budget else clock  # which the plan then depends on
        self.position = Position()
        self.plateau = Plateau(plan.schedule == "plateau")
        self.parameters = learner.network.parameters
        self.best = self.parameters.weights.copy()
        decay = plan.weight_averaging
        self.average = WeightAverage(decay, self.parameters.weights, optimizer.pool) if decay else None
        self.rate = plan.learning_rate  # of the last update
        self.updating = False  # true during an update, and after one that failed
        self.begins_trained = False  # whether the first weights are worth an evaluation
        self.good: Good | None = None  # what to go back to where training diverges
        self._follow(plan)

    def _follow(self, plan: Plan) -> None:
        self.plan = plan
        length = Length(plan.updates, plan.evaluations)
        self.evaluate_every = updates_between(length, self.learner.updates_per_epoch)

    def run(self, stop: Callable[[], bool] = lambda: False) -> Iterator[Note | Progress | Evaluated]:
        """Train and yield reports until the plan ends, patience runs out, or stop() is true after an update.

        Of several ranks, all run it, and it is enough that it is true on one of them.
        """
        self.ranks.asked = stop
        position, self._since = self.position, self.clock()
        norm, reason = math.nan, "patience" if self._out_of_patience() else "scheduled"
        watch = Clockwatch(self.plan, position)
        if self.plan.on_divergence == HALVE and self.good is None:
            self._remember()
        if self.begins_trained and position.update == 0 and position.best_loss == math.inf:
            yield from self._first_evaluation()
        while position.update < self._last() and reason == "scheduled":
            try:
                norm = self._update()
            except Divergence as divergence:
                yield self._gone_back(divergence)
                continue
            self._count_time()
            if self.plan.budget and (plan := watch.look(self.plan, position, self.evaluate_every)) != self.plan:
                yield Note(changed(self.plan, plan))
                self._follow(plan)
            yield self._progress(norm)
            if position.update == self._last():
                reason = "finished"
            elif self.ranks.stopping():
                reason = "stopped"
            scheduled = position.update % self.evaluate_every == 0
            if scheduled or reason == "finished":
                try:
                    measured = self._measured()
                except Divergence as divergence:
                    yield self._gone_back(divergence)
                    reason = "scheduled"
                    continue
                improved = self._judge(measured)
                self._count_time()
                if self._out_of_patience() and reason != "finished":
                    reason = "patience"
                report = self._report(measured, norm, reason, improved=improved)
                report = replace(report, notes=tuple(position.notes))  # not at a stop, behind which it may go back
                position.loss_sum, position.loss_count = 0.0, 0  # before the yield, since the caller saves at a report
                position.notes = []
                if self.good:
                    self._remember()
                yield report
            elif reason == "stopped":
                yield self._report(self._measured_at_a_stop(), norm, reason, improved=False)

    def _first_evaluation(self) -> Iterator[Evaluated]:
        """Evaluate the weights that a run begins with, so that these are kept if it only makes them worse."""
        measured = self._measure(averaged=False)  # there is no average yet
        self._count_time()
        if measured.held_out and measured.loss < self.learner.loss.absurd:
            yield self._report(measured, None, "scheduled", improved=self._judge(measured))

    def _count_time(self) -> None:
        """Add the time since it was last counted."""
        now = self.clock()
        self.position.seconds, self._since = self.position.seconds + now - self._since, now

    def _last(self) -> int:
        """Return the number of updates after which the run ends."""
        return self.plan.ends or self.plan.updates

    def _update(self) -> float:
        position, began = self.position, self.clock()
        self.updating = True
        loss, count = self.learner.gradient(position.update)
        norms = self.optimizer.gradient_norms()
        norm = math.hypot(*norms)
        if not (loss / count < self.learner.loss.absurd and math.isfinite(norm)):
            raise Divergence(
                f"at update {position.update + 1}: the loss is {loss / count:g}, the gradient norm {norm:g}"
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
        if position.update % COMPARED_EVERY == 0:
            self.ranks.require_same(self.parameters.weights)
        return norm

    def learning_rate(self) -> float:
        """Return the learning rate of the next update."""
        return self.plan.rate(self.position.update) * self.plateau.factor * self.position.halved

    def _judge(self, measured: Measured) -> bool:
        """Remember the best weights after a scheduled evaluation, inform the plateau schedule, and return whether these
        weights are kept.
        """
        position = self.position
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
        return kept

    def _measured(self) -> Measured:
        """Evaluate the weights, and their average if there is one; return what the better of both is measured at.

        Where nothing is held out, the average counts as the better. Divergence if the weights lead nowhere.
        """
        own = self._measure(averaged=False)
        if not self._leads_somewhere(own.loss):
            raise Divergence(f"after update {self.position.update:,} the validation loss is {own.loss:g}")
        if self.average is None:
            return own
        with self.using(self.average.values):
            average = self._measure(averaged=True)
        candidates = [average, own] if average.loss < self.learner.loss.absurd else [own]
        return better(candidates)._replace(losses=(own.loss, average.loss))

    def _measured_at_a_stop(self) -> Measured:
        """Evaluate the weights; if they lead nowhere, those to go back to, from which a resumed run comes here."""
        try:
            return self._measured()
        except Divergence as divergence:
            if self.good is None or self.good.numbers["update"] == self.position.update:
                raise self._ended(divergence) from None
            self._go_back(self.good)
            return self._measured_at_a_stop()

    def _gone_back(self, divergence: Divergence) -> Note:
        """Go back to the last evaluation at half the learning rate, and return the words; DivergedError if that is not
        wanted, or was of no use."""
        position, good = self.position, self.good
        if good is None or position.halvings == MOST or not position.update:
            raise self._ended(divergence) from None
        lost, seconds = position.update - good.numbers["update"], position.seconds
        update_seconds = position.update_seconds - good.numbers["update_seconds"]
        self._count_time()
        self._go_back(good)
        position.halvings += 1
        if self.plan.limited:  # a time that is up does not wait for what was in vain
            updates = max(self.plan.updates - lost, position.update + 1)
            calibrating = self.plan.calibrating + position.seconds - seconds + update_seconds
            self._follow(replace(self.plan.ending_at(updates, since=position.update), calibrating=calibrating))
        text = (
            f"training diverged {divergence}; it goes on from {self._place()} with half the learning rate, "
            f"{self.learning_rate():.3g} ({position.halvings} of at most {MOST} times)"
        )
        position.notes = [*position.notes, text]
        return Note(text)

    def _place(self) -> str:
        return f"update {self.position.update:,}" if self.position.update else "the beginning"

    def _ended(self, divergence: Divergence) -> DivergedError:
        """Return the error that ends the run. Before the first update no learning rate is to blame."""
        if not self.position.update and not self.position.halvings:
            return DivergedError(
                f"training diverged {divergence}; no weight has changed yet, so training.learning_rate is not the "
                "cause: mend or rescale values that are far beyond all others, or lower model.recurrent_scale"
            )
        ways = ["lower training.learning_rate", *([] if self.optimizer.clip_norm else ["set training.clip_norm"])]
        count = self.position.halvings
        halved = f", and the learning rate was halved {amount(count, 'time')} before" if count else ""
        if self.good is None:
            ways.append(f"halve it where that happens with --set training.on_divergence={HALVE}")
        text = " or ".join([", ".join(ways[:-1]), ways[-1]] if ways[1:] else ways)
        return DivergedError(f"training diverged {divergence}{halved}; {text}")

    def _remember(self) -> None:
        """Let this be what to go back to."""
        self.good = Good.of(self._arrays(), self.snapshot())

    def _go_back(self, good: Good) -> None:
        """Go on from there, with the time and the best weights as they are."""
        for name, value in good.numbers.items():
            setattr(self.position, name, value)
        self._restore(good.arrays, self.position)
        self.updating = False

    def _measure(self, *, averaged: bool) -> Measured:
        """Evaluate the weights that are in the network."""
        with self.ranks.evaluating():
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

    def has_had(self, share: float) -> bool:
        """Return True at the evaluation nearest to this share of the updates, or at a later one; for 1, at none."""
        rung = max(1, round(share * self.plan.updates / self.evaluate_every)) * self.evaluate_every
        return share < 1 and self.position.update >= rung and self.position.update % self.evaluate_every == 0

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

    def _report(self, measured: Measured, norm: float | None, reason: str, *, improved: bool) -> Evaluated:
        position = self.position
        return Evaluated(
            step=position.update,
            epoch=self._epoch(),
            tokens=position.tokens,
            seconds=position.seconds,
            train_loss=self._train_loss() if position.update else None,
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
        """Return every array that an exact resume needs, or that a repeat of the last update needs if it failed.

        Of several ranks, all call it, and all get the same.
        """
        return {**self._arrays(), **(self.good.beside(self.position.update)[0] if self.good else {})}

    def _arrays(self) -> dict[str, np.ndarray]:
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
        position.good = self.good.beside(position.update)[1] if self.good else {}
        return position

    def restore(self, arrays: dict[str, np.ndarray], position: Position) -> None:
        """Go on from a snapshot; KeyError or ValueError where the arrays belong to another model."""
        with self.ranks.apart():
            own = forms(self._arrays())
        if forms({name: array for name, array in arrays.items() if not is_good(name)}) != own:
            raise ValueError("the arrays are of another model")
        self.best[...] = arrays["best"]
        self._restore(arrays, position)
        self.position = position
        self.plateau.factor, self.plateau.waited = position.plateau_factor, position.plateau_waited
        if self.plan.on_divergence == HALVE and (good := Good.saved(arrays, position)):
            with self.ranks.apart():
                good.require_fits(self._arrays())
            self.good = good

    def _restore(self, arrays: dict[str, np.ndarray], position: Position) -> None:
        """Restore what changes between evaluations."""
        self.parameters.weights[...] = arrays["weights"]
        self.optimizer.restore(arrays, position.optimizer_powers)
        if self.average:
            self.average.restore(arrays["average"], position.average_power)
        self.learner.restore(arrays)
        self.learner.network.pack()
