"""Recordings that training sees changed: as much as is asked for, by the seed and the draw alone."""

import numpy as np
import pytest

from rnncli.tasks.transcribe.augmentation import Augmentation, resampled

pytestmark = pytest.mark.fast
X = np.random.default_rng(1).normal(1, 1, (40, 6)).astype(np.float32)


def test_draws_follow_from_the_seed_and_the_number_alone():
    augment = Augmentation(0.2, 0.2, 0.3)
    first, again, other = (augment([X, X], [1, 1], draw) for draw in ((1, 5), (1, 5), (1, 6)))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], first[1])
    assert not np.array_equal(first[0], other[0])


def test_speed_changes_the_number_of_steps_up_to_its_share():
    lengths = [len(Augmentation(0.25, 0.0, 0.0)([X], [1], (1, draw))[0]) for draw in range(60)]
    assert 30 <= min(lengths) < 34
    assert 46 < max(lengths) <= 50


def test_no_recording_becomes_too_short_for_its_transcript():
    lengths = [len(Augmentation(0.25, 0.0, 0.0)([X], [39], (1, draw))[0]) for draw in range(60)]
    assert min(lengths) == 39


def test_masks_are_runs_of_the_mean_and_leave_all_else():
    for draw in range(40):
        (x,) = Augmentation(0.0, 0.2, 0.0)([X], [1], (1, draw))
        gone = (x == 0).all(axis=1)
        assert gone.sum() <= 2 * 0.2 * 40
        assert np.count_nonzero(np.diff(np.concatenate([[0], gone, [0]]))) <= 4
        assert np.array_equal(x[~gone], X[~gone])


def test_stacked_rows_lose_the_same_features():
    gone = [(Augmentation(0.0, 0.0, 0.5, stacked=2)([X], [1], (1, draw))[0] == 0).all(axis=0) for draw in range(40)]
    assert all(np.array_equal(one[:3], one[3:]) for one in gone)
    assert any(one.any() for one in gone)


def test_other_speeds_keep_both_ends_and_straight_lines():
    line = np.linspace(0, 1, 11, dtype=np.float32)[:, None]
    for steps in (5, 11, 23):
        assert resampled(line, steps) == pytest.approx(np.linspace(0, 1, steps)[:, None], abs=1e-6)
    assert resampled(line, 1) == pytest.approx(line[:1])
