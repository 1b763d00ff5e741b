"""The plan of a run, fixed before its first update, and its position: the numbers that a resume needs."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

from rnncli.training.optimizer import SCHEDULES

BY_FIGURE, BY_LOSS = "figure", "loss"  # what the best weights are the best by; runs of 0.1 go by the loss alone


@dataclass(frozen=True)
class Plan:
    """The plan of a run, fixed before its first update; `updates` and `evaluations` are those of `Length`.

    kept_by: what the best weights are the best by. ends: the update after which to end, if before `updates`, by which
    the learning rate falls. warmup: the updates over which it rises, before the schedule. weight_averaging: how much of
    the average of the weights an update keeps, 0 for no average.

    budget: the seconds that the run is to fill, or may take, 0 if no time limits it; most: the updates that it may
    then have; calibrating, per_evaluation: the seconds that it took to measure the pace, and those of an evaluation.
    since, progress: the update at which the updates were counted anew, and the share of the schedule that was done.
    limited: True if a time has room for no more updates than these.

    on_divergence: whether to stop where training diverges, or to halve the learning rate; see `going_back`.
    """

    updates: int
    evaluations: int
    learning_rate: float
    schedule: str
    patience: int | None
    kept_by: str = BY_LOSS
    ends: int | None = None
    warmup: int = 0
    weight_averaging: float = 0.0
    budget: float = 0.0
    most: int = 0
    calibrating: float = 0.0
    per_evaluation: float = 0.0
    since: int = 0
    progress: float = 0.0
    limited: bool = False
    on_divergence: str = "stop"

    def require_sound(self) -> None:
        """Raise ValueError for numbers that no plan has, such as those of an edited state."""
        counts = (self.updates, self.evaluations, self.patience or 1, self.ends or 1)
        sizes = (self.warmup, self.budget, self.most, self.calibrating, self.per_evaluation, self.since)
        _require(max(*counts, self.most) < _MOST, "its plan has counts beyond those of any")
        _require(min(counts) >= 1 and min(sizes) >= 0, "its plan has numbers below those of any")
        _require(self.learning_rate > 0 and 0 <= self.weight_averaging < 1 and 0 <= self.progress <= 1, "no plan")
        _require(self.since < self.updates, "its plan ends before it begins")
        _require((self.ends or 0) <= self.updates, "its plan ends after its last update")
        _require(self.on_divergence in ("stop", "halve"), "its plan has no way out")
        _require(self.schedule in SCHEDULES and self.kept_by in (BY_FIGURE, BY_LOSS), "its plan has no schedule")

    def rate(self, update: int) -> float:
        """Return the learning rate of an update, without what the plateau schedule makes of it."""
        if update < self.warmup:
            return self.learning_rate * (update + 1) / self.warmup
        return self.learning_rate * SCHEDULES[self.schedule](self.done(update))

    def done(self, update: int) -> float:
        """Return the share of the schedule that is done before an update, after the warm-up."""
        since = max(self.since, self.warmup)
        if since >= self.updates:
            return 1.0  # a warm-up to the end leaves no schedule
        return self.progress + (1.0 - self.progress) * ((update - since) / (self.updates - since))

    def ending_at(self, updates: int, since: int | None = None) -> Plan:
        """Return the plan with so many updates in all; since: the schedule goes on from there to its end."""
        if since is None or since <= self.warmup or updates <= since:
            return replace(self, updates=updates)
        return replace(self, updates=updates, since=since, progress=self.done(since))


@dataclass
class Position:
    """The position of a run: every number that a resume needs; the arrays are those of the weights and the learner.

    best_gain, best_loss: of the evaluation whose weights are the best. best_averaged: whether these are an average.
    top_gain, top_margin: of the best figure so far. average_power: see `WeightAverage`.
    halvings: how often the learning rate was halved since training diverged. good: the numbers to go back to where it
    diverges again, empty where they are these. notes: what the next line of metrics will tell.
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
    best_averaged: bool = False
    evaluations_since_best: int = 0
    plateau_factor: float = 1.0
    plateau_waited: int = 0
    optimizer_powers: list[float] = field(default_factory=lambda: [1.0, 1.0])
    average_power: float = 1.0
    halvings: int = 0
    good: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def halved(self) -> float:
        """What is left of the learning rate after all halvings."""
        return 0.5**self.halvings

    def require_sound(self) -> None:
        """Raise ValueError for numbers that no position has, such as those of an edited state."""
        counts = (
            self.update,
            self.tokens,
            self.loss_count,
            self.best_update,
            self.evaluations_since_best,
            self.halvings,
        )
        times = (self.seconds, self.update_seconds, self.top_margin, self.plateau_waited)
        _require(min(*counts, *times) >= 0, "its position has numbers below zero")
        _require(max(counts) < _MOST, "its position has counts beyond those of any")
        shares = (*self.optimizer_powers, self.average_power, self.plateau_factor)
        _require(len(self.optimizer_powers) == 2 and all(0 <= share <= 1 for share in shares), "no powers")


_MOST = 1 << 53  # updates and tokens: beyond, numbers of JSON are not whole


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(what)
