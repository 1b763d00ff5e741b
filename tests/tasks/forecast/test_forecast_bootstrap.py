"""The paired bootstrap: it finds what is better, is seldom wrong, and is not fooled by overlap or by few groups."""

import math
from itertools import product

import numpy as np
import pytest
from bench.verdicts import Setting

from rnncli.tasks.forecast.metrics import blocks
from rnncli.training.paired_bootstrap import probability_better, verdict

pytestmark = pytest.mark.thorough

APART = 2 * np.arange(200)  # numbers of groups that are no neighbours


def called(probabilities, groups=60):
    """The shares called better and worse."""
    said = [verdict(p, groups) for p in probabilities]
    return said.count("better") / len(said), said.count("worse") / len(said)


def student(t, freedom):
    """The share of Student's t below t, by the trapezoidal rule."""
    x = np.linspace(-200, t, 400_001)
    density = (1 + x * x / freedom) ** (-(freedom + 1) / 2)
    constant = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2) - math.log(freedom * math.pi) / 2
    return math.exp(constant) * float(((density[1:] + density[:-1]) * np.diff(x)).sum()) / 2


def squares_of(sums, sizes):
    """The sum of squares of what groups differ by from what their sizes would have at the mean of all."""
    mean = sum(sums) / sum(sizes)
    return sum((s - mean * n) ** 2 for s, n in zip(sums, sizes, strict=True))


def deviation(sums, sizes, least=0.0):
    """The mean difference of groups, and its standard error, whose sum of squares is at least so much."""
    G, squares = len(sums), max(squares_of(sums, sizes), least)
    return sum(sums) / sum(sizes), math.sqrt(squares * G / (G - 1)) / sum(sizes)


def exact(sums, sizes, wider=1.0):
    """The shares, of all possible resamples and of Student's t, that are above the difference in standard errors."""
    mean, error = deviation(sums, sizes)
    t, above, least = mean / (error * math.sqrt(wider)), [], squares_of(sums, sizes) / len(sums)
    for drawn in product(range(len(sums)), repeat=len(sums)):
        other, its = deviation([sums[g] for g in drawn], [sizes[g] for g in drawn], least)
        above.append(other - mean > t * its)
    return sum(above) / len(above), student(-t, len(sums) - 1)


SUMS, SIZES = [-4.0, -1.5, 0.4, -3.0, 0.9, -1.2], [2.0, 1, 1, 2, 1, 1]
# The same by window: groups of two windows hold half of their sum each.
WINDOWS = np.array([-3.0, -1.0, -1.5, 0.4, -3.5, 0.5, 0.9, -1.2])
MEMBERS = np.array([0, 0, 1, 2, 3, 3, 4, 5])


def test_it_is_the_less_sure_of_all_possible_resamples_and_of_students_t():
    of_resamples, of_student = exact(SUMS, SIZES)
    assert 0.9 < of_resamples < of_student - 0.02
    got = probability_better(WINDOWS, np.zeros(8), APART[MEMBERS], seed=1, resamples=100_000)
    assert got == pytest.approx(of_resamples, abs=0.004)
    far = [-1.0, -0.1, -0.2, 0.3, 0.2, -5.0]  # one group makes nearly all of the difference
    of_resamples, of_student = exact(far, [1.0] * 6)
    assert of_student < of_resamples - 0.02
    got = probability_better(np.array(far), np.zeros(6), APART[:6], seed=1, resamples=100_000)
    assert got == pytest.approx(of_student, abs=0.004)


def test_neighbours_that_are_alike_make_it_less_sure():
    """r = 5 products of neighbours over 6 squares, and 5/36 for what 6 deviations from their mean lack."""
    sums = [-3.0, -2.5, -1.5, -0.5, 0.5, 0.1]
    odd = np.array(sums) - np.mean(sums)
    r = sum(odd[1:] * odd[:-1]) / sum(odd * odd) + 5 / 36
    assert r > 0.5
    wanted = min(exact(sums, [1.0] * 6, wider=1 + 2 * r))
    got = probability_better(np.array(sums), np.zeros(6), np.arange(6), seed=1, resamples=100_000)
    assert got == pytest.approx(wanted, abs=0.004)
    alone = probability_better(np.array(sums), np.zeros(6), APART[:6], seed=1, resamples=100_000)
    assert alone > got + 0.03
    # Neighbours that are not alike share rows all the same.
    turned = [-3.0, 0.5, -2.5, 0.1, -1.5, -0.5]
    wanted = min(exact(turned, [1.0] * 6, wider=1 + 2 * 0.1 * 5 / 6))
    got = probability_better(np.array(turned), np.zeros(6), np.arange(6), seed=1, resamples=100_000)
    assert got == pytest.approx(wanted, abs=0.004)


def test_weights_are_those_of_the_mean():
    """A window of weight 2 counts like two of the same group that are alike."""
    a, weights = np.array([-3.0, 1.0, -2.0, -1.0, 0.5, -2.0, -1.0]), np.array([2.0, 1, 1, 2, 1, 1, 1])
    twice = np.repeat(np.arange(7), weights.astype(int))
    got = probability_better(a, np.zeros(7), np.arange(7), weights=weights, seed=1)
    assert got == pytest.approx(probability_better(a[twice], np.zeros(9), twice, seed=1), abs=1e-12)
    assert got != probability_better(a, np.zeros(7), np.arange(7), seed=1)
    # The sign of the weighted mean decides, not that of the plain one.
    assert probability_better(np.array([-1.0, 0.5] * 5), np.zeros(10), APART[:10], seed=1) > 0.5
    heavy = np.array([1.0, 3.0] * 5)
    assert probability_better(np.array([-1.0, 0.5] * 5), np.zeros(10), APART[:10], weights=heavy, seed=1) < 0.5


def test_of_thousands_of_groups_neighbours_are_joined():
    random = np.random.default_rng(4)
    a = random.normal(-0.02, 1, 5000)
    mean, error = deviation(a, np.ones(5000))
    got = probability_better(a, np.zeros(5000), 2 * np.arange(5000), seed=1, resamples=20_000)
    assert 0.6 < student(-mean / error, 499) < 0.97
    assert got == pytest.approx(student(-mean / error, 499), abs=0.05)
    wide = probability_better(np.repeat(a, 10), np.zeros(50_000), np.arange(50_000), seed=1)  # tens that are alike
    assert wide == pytest.approx(student(-mean / error, 499), abs=0.1)


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


@pytest.mark.parametrize(
    ("groups", "wanted"),
    [(1, "cannot tell, 1 group"), (4, "cannot tell, 4 groups"), (5, "cannot tell, 5 groups"), (6, "better")],
)
def test_few_groups_that_agree_say_only_so_much(groups, wanted):
    errors = np.arange(60.0)
    probability = probability_better(errors, errors + 1, np.arange(60) % groups, seed=1)
    assert probability == 1 - 0.5**groups
    assert verdict(probability, groups) == wanted


def test_a_better_forecaster_is_found():
    random = np.random.default_rng(0)
    found = []
    for seed in range(100):
        shared = random.gamma(2, 1, 60)  # some windows are hard for both
        a, b = shared + random.normal(0, 0.5, 60), shared + 0.4 + random.normal(0, 0.5, 60)
        found.append(probability_better(a, b, np.arange(60), seed=seed, resamples=500))
    assert called(found)[0] > 0.9
    assert called(1 - np.array(found))[1] > 0.9


def test_of_two_equal_forecasters_each_is_seldom_called_better():
    random = np.random.default_rng(1)
    drawn = [
        probability_better(*random.gamma(2, 1, (2, 60)), np.arange(60), seed=seed, resamples=400) for seed in range(500)
    ]
    better, worse = called(drawn)
    assert 0 < better < 0.05
    assert 0 < worse < 0.05


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
        plain.append(probability_better(difference, zeros, APART[-1] + 2 * origins, seed=seed, resamples=200))
        blocked.append(probability_better(difference, zeros, groups, seed=seed, resamples=200))
    assert sum(called(plain)) > 0.3
    assert 0.005 < sum(called(blocked)) < 0.1


@pytest.mark.parametrize(
    "setting",
    [Setting(6, 0.9, 0.5), Setting(6, 0.3, 0.5, size=1.04), Setting(12, 0.6, 0.9, 3)],
    ids=["few groups", "a worse one", "heavy tails"],
)
def test_better_is_seldom_said_of_a_forecaster_that_is_not_though_series_and_rows_move_together(setting):
    """As tests/bench/verdicts.py measures with more draws: at most 5% there, of 150 draws at most 12."""
    said = setting.said(150, seed=2)
    assert said["better"] <= 12
    assert said["cannot tell"] > 100


def test_a_clear_improvement_is_found_in_most_draws():
    said = Setting(20, 0.3, 0.5, size=0.787).said(40, seed=3)
    assert said["better"] > 24
    assert said["worse"] == 0


def test_blocks_are_runs_of_windows_cut_every_two_horizons():
    assert blocks(np.arange(10, 20), np.zeros(10, int), 2).tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 2, 2]
    touching = np.array([0, 3, 6, 9, 12])
    assert blocks(touching, np.zeros(5, int), 3).tolist() == [0, 0, 1, 1, 2]
    apart = np.array([0, 4, 8, 12])
    assert blocks(apart, np.zeros(4, int), 3).tolist() == [0, 1, 2, 3]
    # A gap starts a new run, and the run its own cuts.
    assert blocks(np.array([0, 1, 2, 9, 10, 12, 13]), np.zeros(7, int), 2).tolist() == [0, 0, 0, 1, 1, 1, 2]
    assert blocks(np.zeros(0, int), np.zeros(0, int), 2).tolist() == []


def test_windows_of_different_series_are_never_in_one_block_nor_in_neighbours_whatever_their_order():
    origins, series = np.array([7, 0, 1, 0, 8, 1]), np.array([3, 5, 3, 3, 3, 5])
    assert blocks(origins, series, 3).tolist() == [1, 3, 0, 0, 1, 3]
    assert blocks(np.full(4, 700), np.arange(4), 48).tolist() == [0, 2, 4, 6]


@pytest.mark.parametrize(
    ("probability", "wanted"),
    [
        (1.0, "better"),
        (0.975, "better"),
        (0.974, "cannot tell, 6 groups"),
        (0.5, "cannot tell, 6 groups"),
        (0.026, "cannot tell, 6 groups"),
        (0.025, "worse"),
        (0.0, "worse"),
    ],
)
def test_a_verdict_is_one_of_few_words(probability, wanted):
    assert verdict(probability, 6) == wanted
    assert verdict(probability, 5) == "cannot tell, 5 groups"


@pytest.mark.parametrize("count", [8, 20, 400])
def test_of_answers_that_are_right_or_wrong_it_agrees_with_mcnemars_exact_test(count):
    """One forecaster alone is right on some questions, the other alone on some, and both or none on the rest."""
    for right, wrong in ((5, 0), (6, 0), (7, 0), (7, 1), (10, 2), (10, 3), (20, 8), (count - 1, 0), (count - 2, 1)):
        differing = right + wrong
        if differing > count:
            continue
        a, b = np.zeros(count), np.zeros(count)
        a[:wrong], b[wrong:differing] = 1, 1
        chance = sum(math.comb(differing, k) for k in range(right, differing + 1)) / 2**differing
        probability = probability_better(a, b, 2 * np.arange(count), seed=1)
        assert (verdict(probability, count) == "better") == (chance <= 0.025), (right, wrong)
        swapped = probability_better(b, a, 2 * np.arange(count), seed=1)
        assert (verdict(swapped, count) == "worse") == (chance <= 0.025), (wrong, right)
