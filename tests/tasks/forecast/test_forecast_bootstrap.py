"""The paired bootstrap: it finds what is better, is as often wrong as it says, and is not fooled by overlap."""

from itertools import product

import numpy as np
import pytest

from rnncli.tasks.forecast.metrics import blocks, probability_better, verdict

pytestmark = pytest.mark.thorough


def called(probabilities):
    """The shares called better and worse."""
    said = [verdict(p).split()[0] for p in probabilities]
    return said.count("better") / len(said), said.count("worse") / len(said)


def test_of_few_windows_it_is_the_share_of_all_possible_resamples():
    a, b = np.array([1.0, 2, 6, 1, 3]), np.array([2.0, 1, 5, 4, 3])
    sums = [sum(drawn) for drawn in product(a - b, repeat=5)]
    exact = sum(s < 0 for s in sums) / len(sums) + sum(s == 0 for s in sums) / len(sums) / 2
    assert 0.6 < exact < 0.9
    assert probability_better(a, b, np.arange(5), seed=1, resamples=20_000) == pytest.approx(exact, abs=0.01)


def test_groups_are_drawn_whole():
    """Sums −6, 1, 1, 1, 1: below zero as soon as the first is drawn."""
    difference = np.array([-2.0, 1, -2, 1, -2, 1, 1])
    groups = np.array([5, 8, 5, 1, 5, 2, 3])
    got = probability_better(difference, np.zeros(7), groups, seed=1, resamples=20_000)
    assert got == pytest.approx(1 - 0.8**5, abs=0.01)


def test_the_seed_decides():
    a, b = np.random.default_rng(0).normal(0, 1, (2, 30))
    got = [probability_better(a, b, np.arange(30), seed=seed) for seed in (1, 1, 2)]
    assert got[0] == got[1] != got[2]
    swapped = probability_better(b, a, np.arange(30), seed=1)
    assert swapped == pytest.approx(1 - got[0], abs=1e-12)


def test_equal_errors_are_a_tie_also_when_sums_round():
    a = np.random.default_rng(0).random(20)
    assert probability_better(a, a, np.arange(20), seed=1) == 0.5
    assert probability_better(a + np.tile([0.1, 0.2, -0.3], 10)[:20], a, np.zeros(20), seed=1) == 0.5  # one group
    pairs = np.tile([0.1, -0.1], 10)  # ties within each group
    assert probability_better(a + pairs, a, np.arange(20) // 2, seed=1) == 0.5


def test_windows_without_an_error_are_left_out():
    a, b = np.random.default_rng(0).normal(0, 1, (2, 12))
    groups = np.arange(12)
    wanted = probability_better(a[2:], b[2:], groups[2:], seed=1)
    a[0] = b[1] = np.nan
    assert probability_better(a, b, groups, seed=1) == wanted
    assert probability_better(np.full(3, np.nan), np.zeros(3), np.arange(3), seed=1) == 0.5
    assert probability_better(np.zeros(0), np.zeros(0), np.zeros(0, int), seed=1) == 0.5


@pytest.mark.parametrize(("groups", "wanted"), [(1, "no better"), (4, "no better"), (5, "better with 96%")])
def test_few_groups_that_agree_say_only_so_much(groups, wanted):
    errors = np.arange(20.0)
    assert verdict(probability_better(errors, errors + 1, np.arange(20) % groups, seed=1)) == wanted


def test_a_better_forecaster_is_found():
    random = np.random.default_rng(0)
    found = []
    for seed in range(100):
        shared = random.gamma(2, 1, 60)  # some windows are hard for both
        a, b = shared + random.normal(0, 0.5, 60), shared + 0.4 + random.normal(0, 0.5, 60)
        found.append(probability_better(a, b, np.arange(60), seed=seed, resamples=500))
    assert called(found)[0] > 0.95
    assert called(1 - np.array(found))[1] > 0.95


def test_of_two_equal_forecasters_each_is_called_better_one_time_in_twenty():
    random = np.random.default_rng(1)
    drawn = [
        probability_better(*random.gamma(2, 1, (2, 60)), np.arange(60), seed=seed, resamples=400) for seed in range(500)
    ]
    better, worse = called(drawn)
    assert 0.02 < better < 0.09
    assert 0.02 < worse < 0.09


def test_overlapping_windows_make_plain_resampling_too_sure_and_blocks_do_not():
    """Two equal forecasters at every origin of one series: each step's error is in as many windows as the horizon."""
    random, horizon, N = np.random.default_rng(2), 12, 960
    origins = np.arange(N - horizon)
    groups = blocks(origins, np.zeros(len(origins), int), horizon)
    plain, blocked = [], []
    for seed in range(200):
        steps = np.concatenate([[0], random.normal(0, 1, N).cumsum()])
        difference = (steps[origins + horizon] - steps[origins]) / horizon
        zeros = np.zeros(len(origins))
        plain.append(probability_better(difference, zeros, origins, seed=seed, resamples=200))
        blocked.append(probability_better(difference, zeros, groups, seed=seed, resamples=200))
    assert sum(called(plain)) > 0.5
    assert 0.04 < sum(called(blocked)) < 0.22


def test_blocks_are_runs_of_windows_cut_every_two_horizons():
    assert blocks(np.arange(10, 20), np.zeros(10, int), 2).tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 2, 2]
    touching = np.array([0, 3, 6, 9, 12])
    assert blocks(touching, np.zeros(5, int), 3).tolist() == [0, 0, 1, 1, 2]
    apart = np.array([0, 4, 8, 12])
    assert blocks(apart, np.zeros(4, int), 3).tolist() == [0, 1, 2, 3]
    # A gap starts a new run, and the run its own cuts.
    assert blocks(np.array([0, 1, 2, 9, 10, 12, 13]), np.zeros(7, int), 2).tolist() == [0, 0, 0, 1, 1, 1, 2]
    assert blocks(np.zeros(0, int), np.zeros(0, int), 2).tolist() == []


def test_windows_of_different_series_are_never_in_one_block_whatever_their_order():
    origins, series = np.array([7, 0, 1, 0, 8, 1]), np.array([3, 5, 3, 3, 3, 5])
    assert blocks(origins, series, 3).tolist() == [1, 2, 0, 0, 1, 2]
    assert blocks(np.full(4, 700), np.arange(4), 48).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("probability", "wanted"),
    [
        (1.0, "better with 99%"),
        (0.979, "better with 97%"),
        (0.97, "better with 97%"),
        (0.95, "better with 95%"),
        (0.9495, "no better"),
        (0.5, "no better"),
        (0.0505, "no better"),
        (0.05, "worse with 95%"),
        (0.02, "worse with 98%"),
        (0.0, "worse with 99%"),
    ],
)
def test_a_verdict_is_in_whole_percents_that_it_does_not_exceed(probability, wanted):
    assert verdict(probability) == wanted
