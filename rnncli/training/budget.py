"""A time that training is to fill: the number of updates is counted anew where the clock says that it is off.

The schedule follows updates, so that a run with a fixed number of them can be repeated byte for byte. That number is
fixed before the first update, from a short calibration. At three moments what is left of the plan is compared with what
is left of the time, at the mean speed so far. If they differ by much, the updates are counted anew, and the schedule
goes on from the rate where it is to its end. Early much is tolerated, since a speed measured for long is the surer one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rnncli.training.loop import Plan, Position

MOMENTS = {0.1: 0.1, 0.5: 0.05, 0.9: 0.01}  # shares of the time, and by what share of it the end may be off there
OVERDUE = 1.02  # of the time, after which a run ends wherever it is


class Clockwatch:
    """Compares the plan of a run that began, or was resumed, at `position` with the clock."""

    def __init__(self, plan: Plan, position: Position):
        self.due = [moment for moment in MOMENTS if moment * plan.budget > position.seconds]

    def look(self, plan: Plan, position: Position, evaluate_every: int) -> Plan:
        """Return the plan, or if it is off, one that ends with the time; called after an update."""
        if position.seconds > OVERDUE * plan.budget:
            return plan.ending_at(position.update)
        tolerated = 0.0
        while self.due and position.seconds >= self.due[0] * plan.budget:
            tolerated = MOMENTS[self.due.pop(0)]
        return fitted(plan, position, evaluate_every, tolerated) if tolerated else plan


def fitted(plan: Plan, position: Position, evaluate_every: int, tolerated: float) -> Plan:
    """Return the plan, or if its end is off by more than this share of the time, one that fills what is left of it."""
    evaluations = position.update // evaluate_every
    evaluating = position.seconds - position.update_seconds - plan.calibrating
    per_evaluation = evaluating / evaluations if evaluations else plan.per_evaluation
    per_update = position.update_seconds / position.update
    left, rest = plan.budget - position.seconds, plan.updates - position.update
    needed = rest * per_update + -(-rest // evaluate_every) * per_evaluation
    if abs(needed - left) <= tolerated * plan.budget:
        return plan
    fits = int((left - per_evaluation) / (per_update + per_evaluation / evaluate_every))
    updates = min(position.update + max(fits, 0), plan.most)
    return plan if updates == plan.updates else plan.ending_at(updates, since=position.update)


def changed(before: Plan, now: Plan) -> str:
    """Return the words for a plan that was counted anew."""
    how, speed = ("more", "faster") if now.updates > before.updates else ("fewer", "slower")
    return (
        f"training is {speed} than it was measured: {now.updates:,} updates in all, "
        f"{abs(now.updates - before.updates):,} {how} than planned, so that the schedule ends with the time"
    )
