"""Successive halving: which trial to train next, and how far.

All trials are trained up to the first rung, a share of their own plan of updates. Of these the better third goes on to
the second rung, each from its own state, and of them the better third to the end. A trial's schedule is that of its
whole plan from the beginning, so that the one that ends is, byte for byte, what `rnncli train` makes of its config.
Trial 0, the config as it is, is trained to its end whatever comes, to have something to compare with.

Several workers choose alike: a trial goes on as soon as no other that is still on its way could take its place.
"""

from __future__ import annotations

from collections.abc import Sequence

from rnncli.training.tuned import FAILED, PAUSED, RUNNING, Trial

RUNGS = (0.25, 0.5, 1.0)  # shares of the updates of a plan
KEPT = 3  # one of so many goes on from a rung
FEWEST = 2  # that reach the end, so that there is a runner-up
OWN = 0  # the number of the trial that is the config as it is


def share(trial: Trial) -> float:
    """Return the share of its updates to train a trial up to."""
    return RUNGS[min(trial.rung, len(RUNGS) - 1)]


def goes_on(trials: Sequence[Trial]) -> Trial | None:
    """Return a paused trial that is to go on, or None if there is none, or none yet."""
    paused = [trial for trial in trials if trial.state == PAUSED]
    if own := [trial for trial in paused if trial.number == OWN]:
        return own[0]
    for rung in range(1, len(RUNGS)):
        for trial in _better(trials, rung):
            if trial in paused and trial.rung == rung:
                return trial
    return None


def _better(trials: Sequence[Trial], rung: int) -> list[Trial]:
    """Return the trials that have surely earned to go on from a rung, the best first."""
    places = max(FEWEST, len(trials) // KEPT**rung)
    came = [trial for trial in trials if trial.rung >= rung]
    under_way = sum(trial.rung < rung and _may_come(trial, trials, rung) for trial in trials)
    return sorted(came, key=lambda trial: order_at(trial, rung))[: max(0, places - under_way)]


def _may_come(trial: Trial, trials: Sequence[Trial], rung: int) -> bool:
    """True for a trial that may still reach a rung: it is on its way, or has earned to go on from an earlier one."""
    if trial.state == RUNNING:
        return True
    return trial.state != FAILED and 0 < trial.rung < rung and trial in _better(trials, trial.rung)


def order_at(trial: Trial, rung: int) -> tuple[float, float, int]:
    """Return what to sort trials by that have reached a rung: the better one first."""
    return (*trial.outcomes[rung - 1].order, trial.number)


def ranked(trials: Sequence[Trial]) -> list[Trial]:
    """Return the trials, the best first: those that came further before the others, those that failed last."""
    return sorted(trials, key=lambda one: (-one.rung, order_at(one, one.rung) if one.rung else (0.0, 0.0, one.number)))
