"""The learning rate over a run, without the machine's own cosine."""

import math

import numpy as np
import pytest

from rnncli.config.training_section import TrainingConfig
from rnncli.training.optimizer import SCHEDULES, Plateau


def test_cosine_is_half_a_cosine_to_the_last_bit_but_a_few():
    for done in np.linspace(0, 1, 100_001).tolist():
        assert abs(SCHEDULES["cosine"](done) - 0.5 * (1 + math.cos(math.pi * done))) < 1e-15


def test_cosine_at_the_start_the_middle_and_the_end():
    assert [SCHEDULES["cosine"](done) for done in (0.0, 0.5, 1.0)] == pytest.approx([1, 0.5, 0], abs=1e-16)


def test_step_falls_to_a_tenth_at_half_time_and_to_a_hundredth_at_three_quarters():
    below = math.nextafter
    points = {0.0: 1, below(0.5, 0): 1, 0.5: 0.1, below(0.75, 0): 0.1, 0.75: 0.01, 1.0: 0.01}
    assert {done: SCHEDULES["step"](done) for done in points} == points


@pytest.mark.parametrize("name", ["constant", "plateau"])
def test_the_others_do_not_follow_the_time(name):
    assert {SCHEDULES[name](done) for done in (0.0, 0.3, 1.0)} == {1.0}


def test_every_schedule_of_the_config_exists():
    wanted = TrainingConfig.model_json_schema()["properties"]["schedule"]["enum"]
    assert list(SCHEDULES) == wanted


def test_plateau_halves_after_two_evaluations_in_a_row_without_a_better_one():
    plateau, factors = Plateau(active=True), []
    for improved in (False, True, False, True, False, False, False, False, True, False, False):
        plateau.see(improved)
        factors.append(plateau.factor)
    assert factors == [1, 1, 1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125]


def test_plateau_that_is_off_changes_nothing():
    plateau = Plateau(active=False)
    for _ in range(9):
        plateau.see(False)
    assert plateau.factor == 1
