"""The length of a run: how many updates a time has room for, and how often to evaluate between them."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median_low
from typing import TYPE_CHECKING, NamedTuple

from rnncli.config.training_section import TrainingConfig
from rnncli.training.optimizer import Optimizer

if TYPE_CHECKING:
    from rnncli.training.learner import Learner

EVALUATIONS = 10  # the number to aim for in a run; more where one after each epoch makes more
CALIBRATION_SECONDS = 2.0
MEASURES = 5  # of the same updates: a slow moment spoils one or two of them
MOST_EVALUATING = 0.2  # largest share of max_time spent on evaluations; a short run is evaluated less often
RESERVE = 0.05  # share of max_time kept for saving and for a machine that slows down


class Length(NamedTuple):
    """The length of a run: its number of updates, and the number of evaluations to aim for."""

    updates: int
    evaluations: int


def wanted_updates(training: TrainingConfig, per_epoch: int) -> int:
    """Return how many updates a config without nulls names: those of its epochs, or training.updates if fewer."""
    of_epochs = training.epochs * per_epoch
    return min(of_epochs, training.updates) if training.updates else of_epochs


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
    """Return the pace of updates, measured for some seconds, and of an evaluation; see `planned_length`.

    Both are the median of several measures of the same work, so that a slow moment of the machine does not count.
    """
    clock = optimizer.pool.ranks.clock(clock)

    def update(number: int) -> None:
        learner.gradient(number)
        optimizer.gradient_norms()
        optimizer.pool.over_shares(learner.network.pack)

    update(0)  # compiles what is not compiled yet, and touches all memory for the first time
    learner.restart()
    began = clock()
    updates = 0
    while updates < learner.updates_per_epoch and (updates < 2 or clock() - began < seconds / MEASURES):
        update(updates)
        updates += 1
    took = [clock() - began]
    while len(took) < MEASURES and clock() - began < seconds:
        learner.restart()
        again = clock()
        for number in range(updates):
            update(number)
        took.append(clock() - again)
    learner.restart()
    evaluated: list[float] = []
    while len(evaluated) < MEASURES and sum(evaluated) < seconds / 4:
        again = clock()
        evaluate()
        evaluated.append(clock() - again)
    return Pace(median_low(took) / updates, median_low(evaluated), clock() - began)


def length_within(max_time: float, wanted: int, per_epoch: int, pace: Pace, reserve: float = RESERVE) -> Length:
    """Return the length of a run of at most `wanted` updates that ends within max_time seconds, a share of which is
    kept in reserve.
    """
    left = max_time * (1 - reserve) - pace.took
    affordable = int(MOST_EVALUATING * left / pace.per_evaluation) if pace.per_evaluation > 0 else EVALUATIONS
    evaluations = max(1, min(EVALUATIONS, affordable))
    fits = (left - evaluations * pace.per_evaluation) / pace.per_update
    if evaluations == EVALUATIONS:  # then there may be one after each epoch
        fits = min(fits, left / (pace.per_update + pace.per_evaluation / per_epoch))
    return Length(max(1, min(wanted, int(fits))), evaluations)
