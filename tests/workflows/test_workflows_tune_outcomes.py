"""What a journal of a study may say of its trials, and what a run says of itself to one."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace

import pytest

from rnncli.errors import ModelFileError
from rnncli.training.tuned import FAILED, FINISHED, PAUSED, RUNNING, Outcome, Trial, require_alike
from rnncli.workflows.tune_worker import _further, outcome_of

KEYS = {"model.cell"}
OUTCOME = Outcome("accuracy", 0.5, True, 1.5, 3, 4, 2.0)


def trial(state, rungs, number=1, settings=None):
    return Trial(number, "trial", {"model.cell": "gru"} if settings is None else settings, state, (OUTCOME,) * rungs)


@pytest.mark.parametrize(
    "one",
    [
        trial(RUNNING, 0, settings={}),
        trial(RUNNING, 0, number=0, settings={}),
        trial(FAILED, 0, number=0, settings={}),
        *[trial(RUNNING, rungs) for rungs in range(4)],
        *[trial(FAILED, rungs) for rungs in range(3)],
        *[trial(PAUSED, rungs) for rungs in (1, 2)],
        trial(FINISHED, 3),
        trial(FINISHED, 3, number=0),
    ],
)
def test_what_a_trial_can_be_is_sound(one):
    one.require_sound(KEYS, 3)


@pytest.mark.parametrize(
    "one",
    [
        trial(PAUSED, 0),
        trial(PAUSED, 3),
        trial(FINISHED, 0),
        trial(FINISHED, 2),
        trial(RUNNING, 4),
        trial(FAILED, 4),
        trial(FAILED, 0, settings={}),
        trial(PAUSED, 1, settings={}),
        trial(RUNNING, 0, settings={"model.hidden_size": 3}),
        trial(RUNNING, 0, settings={"model.cell": "gru", "model.hidden_size": 3}),
        trial(FINISHED, 3, number=0, settings={"model.hidden_size": 3}),
    ],
)
def test_what_no_trial_is_is_refused(one):
    with pytest.raises(ValueError, match=r"trial [01] "):
        one.require_sound(KEYS, 3)


@pytest.mark.parametrize(
    "changed",
    [
        *[{key: value} for key in ("figure", "loss", "seconds") for value in (math.nan, math.inf, -math.inf)],
        {"update": -1},
        {"update": 10**16},
        {"updates": 0},
        {"seconds": -1.0},
    ],
)
def test_an_outcome_of_no_training_is_refused(changed):
    with pytest.raises(ValueError, match="an outcome has"):
        replace(trial(PAUSED, 0), outcomes=(replace(OUTCOME, **changed),)).require_sound(KEYS, 3)


def test_outcomes_of_which_more_and_less_is_better_are_not_of_one_study():
    require_alike([trial(PAUSED, 1), trial(FINISHED, 3)])
    with pytest.raises(ValueError, match="more is better"):
        require_alike([trial(PAUSED, 1), Trial(2, "", {}, PAUSED, (replace(OUTCOME, higher_is_better=False),))])


def run_of(gain, *figures):
    """A run whose best evaluation is after update 2, and that has lines with these figures there."""
    position = SimpleNamespace(best_update=2, best_loss=1.5, best_gain=gain, update=3, seconds=2.0)
    return SimpleNamespace(
        metrics="metrics.jsonl",
        read_state=lambda: SimpleNamespace(position=position, plan=SimpleNamespace(updates=4)),
        read_metrics=lambda: [{"step": 2, "figure": one, "figure_name": "f"} for one in figures],
    )


@pytest.mark.parametrize(
    ("gain", "figures", "higher"),
    [(0.5, [0.5], True), (-0.5, [0.5], False), (0.0, [0.0], True), (-0.0, [0.0], False), (-0.25, [0.5, 0.25], False)],
)
def test_a_figure_is_better_as_the_run_judged_it_though_it_is_0_or_was_reached_twice(gain, figures, higher):
    found = outcome_of(run_of(gain, *figures), "nats")
    assert (found.name, found.figure, found.higher_is_better) == ("f", figures[-1], higher)


def test_without_a_figure_the_loss_is_one():
    found = outcome_of(run_of(-math.inf, None), "nats")
    assert (found.name, found.figure, found.higher_is_better) == ("nats", 1.5, False)


@pytest.mark.parametrize("figures", [[], [None], [0.25], [math.nan], ["0.5"]])
def test_a_run_that_lost_its_best_evaluation_is_not_judged_by_its_loss_instead(figures):
    with pytest.raises(ModelFileError, match="lacks the evaluation"):
        outcome_of(run_of(0.5, *figures), "nats")


def test_further_seeds_are_of_no_network_and_none_is_beyond_the_largest():
    largest = 2**63 - 1
    assert _further(1, 4) == [5, 9]
    assert _further(largest - 2, 1) == [largest - 1, largest]
    assert _further(largest - 1, 1) == [largest - 2, largest - 3]
    assert _further(largest - 3, 4) == [largest - 7, largest - 11]
    assert _further(largest - 11, 4) == [largest - 7, largest - 3]
