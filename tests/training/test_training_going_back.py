"""Where training diverges it goes back and on at half the rate, and a resumed run as one that was never stopped."""

import json
import math
from dataclasses import asdict, replace

import numpy as np
import pytest
from test_training_loop import (
    RUNS,
    UPDATES,
    Scripted,
    evaluations,
    forecaster,
    fresh,
    loop_of,
    outcome,
    saved,
)

from rnncli.errors import DivergedError
from rnncli.training.going_back import HALVE, MOST, Good
from rnncli.training.plan import Position
from rnncli.training.reports import Evaluated, Note


def halving(loop, needs, *, at_evaluation=False):
    """Have a loop halve, whose loss (or validation loss, after an update) is NaN at the updates in `needs` before so
    many halvings."""
    loop.plan = replace(loop.plan, on_divergence=HALVE)
    name = "validate" if at_evaluation else "gradient"
    right = getattr(loop.learner, name)

    def wrong(*update):
        result = right(*update)
        if loop.position.halvings >= needs.get(loop.position.update, 0):
            return result
        loop.parameters.gradient[:] = np.nan
        return math.nan, result[1]

    setattr(loop.learner, name, wrong)
    return loop


def notes(reports):
    return [report.text for report in reports if isinstance(report, Note)]


def test_it_goes_back_to_the_last_evaluation_with_half_the_rate():
    loop = halving(loop_of(Scripted(valid=[3, 2, 9, 9, 9]), 50), {17: 2})  # evaluated after 5, 10, 15, ...
    reports = list(loop.run())
    told = notes(reports)
    assert [text.partition(" (")[0] for text in told] == [
        f"training diverged at update 18: the loss is nan, the gradient norm nan; it goes on from update 15 with half "
        f"the learning rate, {rate}"
        for rate in (0.5, 0.25)
    ]
    lines = evaluations(reports)
    assert [line.step for line in lines] == list(range(5, 51, 5))
    assert [line.learning_rate for line in lines] == [1.0] * 3 + [0.25] * 7
    assert [line.notes for line in lines if line.notes] == [tuple(told)]
    assert loop.parameters.weights.tolist() == [15 + 35 / 4]  # of which each update adds the rate
    assert (loop.position.update, loop.position.halvings) == (50, 2)
    assert loop.position.tokens == sum(range(1, 51))  # those that were in vain do not count


def test_before_the_first_evaluation_it_begins_again():
    loop = halving(loop_of(Scripted(), 50), {3: 1})
    note = notes(list(loop.run()))[0]
    assert "goes on from the beginning with half the learning rate, 0.5" in note
    assert loop.parameters.weights.tolist() == [25]


def test_an_evaluation_that_diverged_is_none():
    loop = halving(loop_of(Scripted(), 50), {20: 1}, at_evaluation=True)
    reports = list(loop.run())
    assert "after update 20 the validation loss is nan; it goes on from update 15" in notes(reports)[0]
    assert [line.step for line in evaluations(reports)] == list(range(5, 51, 5))
    assert loop.parameters.weights.tolist() == [15 + 35 / 2]


def test_the_last_evaluation_and_one_at_a_stop_may_diverge_too():
    loop = halving(loop_of(Scripted(), 10), {10: 1}, at_evaluation=True)
    assert [line.step for line in evaluations(loop.run())] == list(range(1, 11))
    stopped = halving(loop_of(Scripted(), 100), {13: 1}, at_evaluation=True)
    last = list(stopped.run(lambda: stopped.position.update >= 13))[-1]
    assert (last.step, last.reason) == (10, "stopped")  # from where it comes to 13 again
    assert stopped.parameters.weights.tolist() == [10]
    assert stopped.position.halvings == 0
    first = halving(loop_of(Scripted(), 100), {3: 1, 0: 1}, at_evaluation=True)
    with pytest.raises(DivergedError, match="after update 0"):
        list(first.run(lambda: first.position.update >= 3))


def test_it_ends_after_so_many_halvings():
    loop = halving(loop_of(Scripted(), 50), {17: 11})
    with pytest.raises(
        DivergedError, match=r"at update 18: .*, and the learning rate was halved 10 times before; lower"
    ):
        list(loop.run())
    assert loop.position.halvings == MOST
    assert loop.best.tolist() == [15]
    assert loop.updating  # the batch that failed can be looked at
    assert loop.parameters.weights.tolist() == pytest.approx([15 + 2 / 1024])


def test_without_it_the_way_is_named():
    with pytest.raises(DivergedError, match=r"; lower training\.learning_rate, set training\.clip_norm or .*=halve$"):
        list(loop_of(Scripted(losses={6: math.nan}), 20).run())


def test_a_time_that_is_up_does_not_wait_for_what_was_in_vain():
    loop = halving(loop_of(Scripted(), 50, "cosine"), {17: 1})
    loop.plan = replace(loop.plan, limited=True)
    rates = [line.learning_rate for line in evaluations(loop.run())]
    assert loop.position.update == 48
    assert loop.learning_rate() == pytest.approx(0, abs=1e-9)  # the schedule ends with it
    assert rates == sorted(rates, reverse=True)


def test_a_time_that_is_filled_is_filled_with_what_is_left_of_it():
    learner = Scripted(update_cost=1.0, updates_per_epoch=10**6)
    loop = halving(loop_of(learner, 1000), {199: 1, 399: 2})
    loop.plan = replace(loop.plan, budget=1000.0, most=10**6, limited=True)
    began = learner.clock()
    list(loop.run())
    assert loop.position.halvings == 2
    assert learner.clock() - began == pytest.approx(1000, rel=0.03)
    assert loop.position.update == pytest.approx(1000 - 100 - 40, rel=0.02)  # what two ways back were in vain


# Exact resume.

NEEDS = {2: 1, 7: 2, 9: 3, 12: 4}  # evaluations are after every second update


def halving_run(run):
    return halving(fresh(run), NEEDS)


@pytest.mark.parametrize("run", RUNS)
def test_a_run_stopped_or_killed_at_any_update_ends_as_one_that_was_not(run):
    whole = halving_run(run)
    wanted = {line.step: outcome(line) for line in evaluations(whole.run())}
    assert whole.position.halvings == 4
    for stopped_at in range(1, UPDATES):
        for scheduled in (False, True):  # of a kill that is the last state there is
            first = halving_run(run)
            state = saved(first)
            for report in first.run(lambda: first.position.update == stopped_at):  # noqa: B023
                if isinstance(report, Evaluated) and not (scheduled and report.reason == "stopped"):
                    state = saved(first)
            second, update = halving_run(run), state[1].update
            second.parameters.weights[:] = 7
            second.restore(*state)
            told = []
            for line in evaluations(second.run()):
                told += line.notes
                assert outcome(line) | {"notes": 0} == wanted[line.step] | {"notes": 0}, stopped_at
            if scheduled:
                after = [line for step, line in wanted.items() if step > update]
                assert told == [text for line in after for text in line["notes"]]
            assert second.parameters.weights.tobytes() == whole.parameters.weights.tobytes(), stopped_at
            assert second.best.tobytes() == whole.best.tobytes(), stopped_at
            clocked = {"seconds": 0, "update_seconds": 0, "good": 0}
            assert asdict(second.snapshot()) | clocked == asdict(whole.snapshot()) | clocked, stopped_at


def test_what_to_go_back_to_is_saved_where_it_is_not_what_to_go_on_from():
    loop = halving_run("an average, a figure, adam")
    loop.evaluate_every = 4
    list(loop.run(lambda: loop.position.update == 6))
    arrays, position = saved(loop)
    good = {name for name in arrays if name.startswith("good.")}
    assert good == {f"good.{name}" for name in arrays if name not in good and name != "best"}
    assert position.good["update"] == 4
    for lost in (*good, "numbers"):
        damaged = {name: array for name, array in arrays.items() if name != lost}
        short = replace(position, good={"update": 4}) if lost == "numbers" else position
        with pytest.raises((KeyError, ValueError), match=r"good|go back"):
            halving_run("an average, a figure, adam").restore(damaged, short)
    with pytest.raises(ValueError, match="go back"):
        Good.saved({**arrays, "good.weights": np.zeros(2, np.float32)}, position).require_fits(loop._arrays())
    plain = fresh("an average, a figure, adam")
    list(plain.run(lambda: plain.position.update == 6))
    assert not [name for name in plain.arrays() if name.startswith("good.")]
    assert plain.snapshot().good == {}


def test_a_position_of_before_is_one_without_halvings():
    older = {
        key: value for key, value in asdict(Position(update=3)).items() if key not in ("halvings", "good", "notes")
    }
    assert Position(**json.loads(json.dumps(older | {"best_loss": 1.0, "best_gain": 0.0, "top_gain": 0.0}))).halved == 1


def test_what_really_diverges_is_trained_in_the_end():
    loop = loop_of(forecaster(activation="identity", cell="rnn"), 60, rate=30.0)
    loop.plan = replace(loop.plan, on_divergence=HALVE)
    with np.errstate(all="ignore"):
        lines = evaluations(loop.run())
    assert loop.position.halvings > 0
    assert lines[-1].reason == "finished"
    assert np.isfinite(loop.best).all()
