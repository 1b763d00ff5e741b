"""Which trial goes on: the better third at each rung, and the same ones whoever asks."""

from __future__ import annotations

import random

from rnncli.training.tuned import FAILED, FINISHED, PAUSED, RUNNING, Outcome, Trial
from rnncli.workflows.tune_halving import RUNGS, goes_on, ranked, share


def outcome(loss, figure=None):
    judged = figure is not None
    return Outcome("accuracy" if judged else "nats", figure if judged else loss, judged, loss, 1, 4, 1.0)


def trial(number, *losses, state=PAUSED, figures=()):
    pairs = zip(losses, figures or [None] * len(losses), strict=True)
    return Trial(number, f"trial-{number}", {}, state, tuple(outcome(loss, figure) for loss, figure in pairs))


def at_work(numbers, workers=1, seed=0):
    """The trials at the end, of which number k is worth k at every rung, done by some workers in a random order."""
    draw = random.Random(seed)
    trials = {number: trial(number, state=RUNNING) for number in numbers}
    running = set(numbers)
    while running:
        number = draw.choice(sorted(running)[:workers])
        running.discard(number)
        losses = [float(number)] * (trials[number].rung + 1)
        trials[number] = trial(number, *losses, state=FINISHED if len(losses) == len(RUNGS) else PAUSED)
        while len(running) < workers and (further := goes_on([*trials.values()])):
            trials[further.number] = trial(further.number, *[float(further.number)] * further.rung, state=RUNNING)
            running.add(further.number)
    return [trials[number].rung for number in numbers]


def test_of_27_trials_nine_and_then_three_go_on():
    assert at_work(range(27)) == [3] * 3 + [2] * 6 + [1] * 18


def test_the_same_go_on_whoever_works_and_in_whatever_order():
    for seed in range(20):
        assert at_work(range(27), workers=4, seed=seed) == [3] * 3 + [2] * 6 + [1] * 18


def test_the_config_as_it_is_comes_to_its_end_however_bad_it_is():
    numbers = range(27)
    worst = {number: trial(number, 99.0 if number == 0 else float(number)) for number in numbers}
    assert goes_on([*worst.values()]).number == 0


def test_two_come_to_the_end_of_however_few():
    assert at_work(range(3)) == [3, 3, 1]


def test_a_trial_that_failed_earns_nothing_and_holds_nobody_up():
    trials = [trial(0, 1.0, 1.0, 1.0, state=FINISHED), trial(1, state=FAILED), trial(2, 2.0), trial(3, 3.0)]
    assert goes_on(trials).number == 2


def test_nobody_goes_on_whose_place_another_may_still_take():
    trials = [trial(0, 5.0, 5.0, 5.0, state=FINISHED), trial(1, 1.0), trial(2, 2.0), trial(3, state=RUNNING)]
    assert goes_on(trials).number == 1
    trials[1] = trial(1, 1.0, state=RUNNING)
    assert goes_on(trials) is None


def test_of_equal_figures_the_loss_decides():
    trials = [trial(0, 0.4, figures=[0.9]), trial(1, 0.3, figures=[0.9]), trial(2, 0.1, figures=[0.8])]
    assert [one.number for one in ranked(trials)] == [1, 0, 2]


def test_who_came_further_ranks_before_who_was_better_earlier():
    trials = [trial(0, 0.1), trial(1, 0.9, 0.9), trial(2, state=FAILED), trial(3, 0.5, 0.5, 0.5, state=FINISHED)]
    assert [one.number for one in ranked(trials)] == [3, 1, 0, 2]


def test_a_trial_is_trained_up_to_its_next_rung():
    assert [share(trial(1, *[1.0] * rung)) for rung in range(3)] == list(RUNGS)
