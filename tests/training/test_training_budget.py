"""A time that training fills: its last update comes with the end of the time, at the end of the schedule."""

from dataclasses import asdict, replace

import numpy as np
import pytest
from test_training_loop import Scripted, evaluations, loop_of, saved

from rnncli.training.budget import MOMENTS, OVERDUE
from rnncli.training.length import Pace, length_within, wanted_updates
from rnncli.training.optimizer import SCHEDULES, Optimizer
from rnncli.training.plan import Plan
from rnncli.training.reports import Note

BUDGET = 100.0
PACE = Pace(per_update=0.1, per_evaluation=0.5, took=1.0)


class Paced(Scripted):
    """A learner whose update number u takes pace(u) seconds."""

    def gradient(self, update):
        self.update_cost = self.pace(update)
        return super().gradient(update)


def filling(pace, measured=0.1, evaluation=0.5, per_epoch=1000, most=10**6, schedule="cosine", warmup=0):
    """A run that is to fill the time, whose updates were measured to take `measured` seconds."""
    learner = Paced(updates_per_epoch=per_epoch, validation_cost=evaluation)
    learner.pace = pace
    loop = loop_of(learner, 1, schedule)
    length = length_within(BUDGET, most, per_epoch, PACE._replace(per_update=measured, per_evaluation=evaluation), 0.0)
    plan = Plan(*length, 1.0, schedule, None, "figure", warmup=warmup)
    loop._follow(replace(plan, budget=BUDGET, most=most, per_evaluation=evaluation, calibrating=PACE.took))
    loop.position.seconds = PACE.took
    return loop


def rates_of(loop, monkeypatch):
    """The rate of each update, and all reports."""
    rates = []
    with monkeypatch.context() as patch:
        patch.setattr(Optimizer, "update", lambda self, rate, norm: rates.append(rate))
        reports = list(loop.run())
    return rates, reports


def notes(reports):
    return [report.text for report in reports if isinstance(report, Note)]


PACES = {
    "as measured": lambda u: 0.1,
    "half as fast": lambda u: 0.2,
    "twice as fast": lambda u: 0.05,
    "slower later": lambda u: 0.1 if u < 500 else 0.13,
    "faster at the end": lambda u: 0.1 if u < 800 else 0.07,
    "uneven": lambda u: 0.05 if u % 10 else 0.5,
}


@pytest.mark.parametrize("per_epoch", [25, 1000])
@pytest.mark.parametrize("pace", PACES)
def test_the_last_update_comes_with_the_end_of_the_time_and_of_the_schedule(pace, per_epoch, monkeypatch):
    loop = filling(PACES[pace], per_epoch=per_epoch)
    rates, reports = rates_of(loop, monkeypatch)
    assert loop.position.seconds == pytest.approx(BUDGET, rel=0.05)
    assert reports[-1].reason == "finished"
    assert (np.diff(rates) <= 0).all()  # however often it was counted anew
    assert rates[-1] < 1e-4
    assert len(notes(reports)) <= len(MOMENTS)
    if pace in ("as measured", "half as fast", "twice as fast", "slower later"):
        assert bool(notes(reports)) == (pace != "as measured")


def test_a_plan_that_is_right_is_that_of_its_updates_alone(monkeypatch):
    loop = filling(PACES["as measured"])
    planned = loop.plan
    rates, _ = rates_of(loop, monkeypatch)
    assert loop.plan == planned
    assert rates == [SCHEDULES["cosine"](u / planned.updates) for u in range(planned.updates)]


def test_what_is_said_when_it_is_counted_anew(monkeypatch):
    first = notes(rates_of(filling(PACES["half as fast"]), monkeypatch)[1])[0]
    assert first == (
        "training is slower than it was measured: 480 updates in all, 460 fewer than planned, so that the schedule "
        "ends with the time"
    )


def test_the_schedule_goes_on_from_where_it_was():
    plan = Plan(100, 10, 1.0, "cosine", None, warmup=10)
    anew = plan.ending_at(60, since=40)
    assert anew.done(40) == plan.done(40) == 30 / 90
    assert anew.done(60) == 1
    assert [plan.rate(u) for u in range(10)] == [anew.rate(u) for u in range(10)]
    again = anew.ending_at(200, since=50)
    assert again.done(50) == anew.done(50)
    assert again.done(200) == 1
    assert plan.ending_at(60, since=5).done(35) == 0.5  # in the warm-up nothing of the schedule is done


def test_a_warm_up_to_the_end_leaves_no_schedule():
    plan = Plan(8, 2, 1.0, "cosine", None, warmup=8)
    assert [plan.rate(7), plan.done(8)] == [1.0, 1.0]


def test_what_takes_much_too_long_ends_it_at_once():
    loop = filling(lambda u: 0.1 if u < 900 else 2.0)
    list(loop.run())
    assert BUDGET < loop.position.seconds < OVERDUE * BUDGET + 2.0 + 0.5 + 1e-9


def test_no_more_updates_are_made_than_help():
    loop = filling(PACES["twice as fast"], most=800)
    reports = list(loop.run())
    assert loop.position.update == 800
    assert notes(reports) == []
    assert loop.position.seconds < 0.5 * BUDGET


@pytest.mark.parametrize("pace", ["slower later", "half as fast"])
def test_a_run_that_was_stopped_ends_as_one_that_was_not(pace):
    whole = filling(PACES[pace])
    wanted = [line.valid_loss for line in evaluations(whole.run())]
    for stopped_at in (1, 60, 100, 449, 600):
        first = filling(PACES[pace])
        list(first.run(lambda: first.position.update >= stopped_at))  # noqa: B023
        arrays, position = saved(first)
        second = filling(PACES[pace])
        second._follow(Plan(**asdict(first.plan)))
        second.restore(arrays, position)
        list(second.run())
        assert second.plan == whole.plan
        assert second.parameters.weights.tobytes() == whole.parameters.weights.tobytes()
        assert second.position.update == whole.position.update
    assert len(wanted) >= 5


def test_updates_end_epochs():
    class Training:
        epochs, updates = 3, None

    assert wanted_updates(Training, 7) == 21
    Training.updates = 20
    assert wanted_updates(Training, 7) == 20
    Training.updates = 22
    assert wanted_updates(Training, 7) == 21
