"""Intervals hold what they promise: of drawn errors, and of forecasts on rows that nothing was fitted to."""

import numpy as np
import pytest
from experiments import csv, shaken, trainee_of

from rnncli.tasks.forecast.calibration import RECEIPTS, Calibration, calibrated
from rnncli.tasks.forecast.windows import Windowing

pytestmark = pytest.mark.thorough

H, C = 3, 2
LEVELS = (50, 80, 90, 95)


def windowing(transform="none"):
    return Windowing(4, H, 1, "standard", None, (np.zeros((1, C)), np.ones((1, C))), transform)


def drawn(random, W):
    """Errors and spreads (H, W, C): skewed, wider with every step, and a hundredfold wider in wild windows."""
    spread = np.broadcast_to(10 ** random.uniform(-1, 1, (W, C)), (H, W, C))
    growth = np.arange(1, H + 1)[:, None, None]
    return spread * growth * (random.gamma(2.0, 1.0, (H, W, C)) - 1.5), spread


def within(share, level, n):
    """Whether a share of n independent values is that of an interval, but for five deviations of a binomial."""
    p = level / 100
    return abs(share - p) < 5 * np.sqrt(p * (1 - p) / n)


def covered(calibration, actual, point, spread, level, how):
    low, high = calibration.interval(point, spread, level, how)
    return (low <= actual) & (actual <= high), low, high


@pytest.mark.parametrize("level", LEVELS)
def test_fresh_errors_fall_within_as_often_as_promised_at_every_step(level):
    random = np.random.default_rng(1)
    errors, spread = drawn(random, 3000)
    made = calibrated(errors / spread, np.arange(3000))
    fresh, its = drawn(random, 3000)
    inside, low, high = covered(made, fresh, np.zeros_like(fresh), its, level, windowing())
    assert (low < high).all()
    for step in inside:
        assert within(step.mean(), level, 3000)  # of 6000 values, and as many that it was calibrated on
    tails = ((fresh < low).mean(), (fresh > high).mean())
    assert all(within(1 - tail, 50 + level / 2, 6000) for tail in tails)  # both ends leave out the same share


def test_wild_windows_get_wide_intervals_and_calm_ones_narrow_ones():
    random = np.random.default_rng(2)
    errors, spread = drawn(random, 2000)
    made = calibrated(errors / spread, np.arange(2000))
    fresh, its = drawn(random, 4000)
    inside, *_ = covered(made, fresh, np.zeros_like(fresh), its, 90, windowing())
    wild = its > 1
    assert within(inside[wild].mean(), 90, 2000)
    assert within(inside[~wild].mean(), 90, 2000)


def test_few_errors_of_a_step_are_taken_together_with_those_of_all():
    errors = np.arange(38.0 * H).reshape(H, 38, 1)
    few = calibrated(errors, np.arange(38))
    assert np.array_equal(few.errors, np.tile(few.errors[:1], (H, 1)))
    enough = calibrated(np.concatenate([errors, errors[:, :1]], axis=1), np.arange(39))
    for step, each in enumerate(enough.errors):
        assert each.min() == 38 * step
        assert each.max() == 38 * step + 37
    half = errors.copy()
    half[1, 5] = np.nan  # a step of 37 known ones, beside others of 38
    assert np.isfinite(calibrated(half, np.arange(38)).errors).all()


def test_a_sample_leaves_out_what_a_fresh_value_would_exceed():
    """Of n errors the k-th is exceeded by a share of 1 − k / (n + 1), not 1 − k / n: they are not the whole world."""
    made = calibrated(np.arange(1.0, 100.0).reshape(1, 99, 1), np.arange(99))
    low, high = made.interval(np.zeros((1, 1, 1)), np.ones((1, 1, 1)), 90, windowing())
    assert (low[0, 0, 0], high[0, 0, 0]) == (pytest.approx(5.0), pytest.approx(95.0))


def test_nothing_known_calibrates_nothing():
    assert calibrated(np.full((H, 5, C), np.nan), np.arange(5)) is None
    one = np.full((H, 5, C), np.nan)
    one[1, 2, 0] = 3.0
    made = calibrated(one, np.arange(5))
    assert made.receipts == ()
    low, high = made.interval(np.ones((H, 1, C)), np.ones((H, 1, C)), 80, windowing())
    assert np.array_equal(low, np.full((H, 1, C), 4.0))
    assert np.array_equal(high, low)


def test_receipts_are_of_values_that_were_not_calibrated_on():
    """Two kinds of windows, taken in turn: what fits the one kind does not hold the other."""
    random = np.random.default_rng(3)
    errors = random.normal(0, 1, (H, 400, 1))
    alike = calibrated(errors, np.arange(400))
    assert [receipt.asked for receipt in alike.receipts] == list(RECEIPTS)
    for receipt in alike.receipts:
        assert receipt.count == errors.size
        assert within(receipt.got / 100, receipt.asked, receipt.count / 4)
    errors[:, 1::2] += 100
    for receipt in calibrated(errors, np.arange(400)).receipts:
        assert receipt.got == 0
        assert receipt.count == errors.size
    # Windows of one group stay on one side, whatever lies between them.
    for receipt in calibrated(errors, np.arange(400) // 2).receipts:
        assert receipt.got > receipt.asked - 5
    unknown = errors.copy()
    unknown[0] = np.nan
    assert calibrated(unknown, np.arange(400)).receipts[0].count == errors.size * (H - 1) // H


def test_a_calibration_of_too_few_shows_in_its_receipt():
    """Twenty values cannot say where 95% end."""
    got = []
    for seed in range(40):
        errors = np.random.default_rng(seed).normal(0, 1, (1, 20, 1))
        made = calibrated(errors, np.arange(20))
        got.append(made.receipts[-1].got)
        own = made.interval(np.zeros((1, 20, 1)), np.ones((1, 20, 1)), 95, windowing())
        assert ((own[0] <= errors) & (errors <= own[1])).all()  # of its own values it holds all
    assert 75 < np.mean(got) < 88  # of nine in ten each, (10 − 1) / (10 + 1)


def test_a_calibration_comes_back_from_json_as_it_was():
    errors, spread = drawn(np.random.default_rng(4), 100)
    made = calibrated(errors / spread, np.arange(100) // 7)
    again = Calibration.from_header(made.to_header())
    assert np.array_equal(again.errors, made.errors)
    assert again.receipts == made.receipts


def test_steps_beyond_those_calibrated_are_taken_for_the_last():
    errors, spread = drawn(np.random.default_rng(5), 100)
    made = calibrated(errors / spread, np.arange(100))
    low, high = made.interval(np.zeros((H + 3, 1, C)), np.ones((H + 3, 1, C)), 80, windowing())
    assert (high[H:] == high[H - 1]).all()
    assert (low[H:] == low[H - 1]).all()
    assert (high[0] < high[H - 1]).all()


@pytest.mark.parametrize("transform", ["none", "log", "log1p", "sqrt", "box-cox"])
def test_intervals_are_ordered_and_nested_in_the_units_of_the_series(transform):
    errors, _ = drawn(np.random.default_rng(6), 500)
    made = calibrated(errors, np.arange(500))
    how = Windowing(4, H, 1, "standard", None, windowing().fixed, transform, 0.3)
    point = np.array([0.01, 1.0, 1e6])[None, :, None] * np.ones((H, 3, C))
    ends = [made.interval(point, np.full(point.shape, 0.7), level, how) for level in (95, 80, 50)]
    row = [low for low, _ in ends] + [high for _, high in ends[::-1]]
    assert np.isfinite(row).all()
    assert (np.diff(row, axis=0) >= 0).all()
    if transform == "log":
        assert np.min(row) > 0
    elif transform in ("sqrt", "box-cox"):
        assert np.min(row) >= 0


# Of whole forecasts.


def wild(transform="none"):
    """120 series of random steps whose size changes from series to series, as one table."""
    random = np.random.default_rng(7)
    S, n = 120, 44
    size = np.exp(random.normal(0, 1, (S, 1)))
    steps = size * random.standard_t(5, (S, n))
    values = steps.cumsum(axis=1) if transform == "none" else np.exp(0.1 * steps.cumsum(axis=1) / size)
    return csv(id=[f"s{s}" for s in range(S) for _ in range(n)], y=values.ravel()), S


@pytest.mark.parametrize(("loss", "transform"), [("mae", "none"), ("gaussian", "none"), ("quantile", "log")])
@pytest.mark.parametrize("decoder", ["direct", "recursive"])
def test_intervals_of_a_forecast_hold_on_rows_that_nothing_was_fitted_to(loss, transform, decoder):
    content, S = wild(transform)
    made = shaken(
        trainee_of(
            content,
            {"loss": loss},
            {"decoder": decoder},
            target="y",
            id="id",
            context=10,
            horizon=2,
            season=1,
            validation=14,
            test=14,
            transform=transform,
            residual="last-value",
            scaling="standard",
        ),
        0.2,
    )
    made.score()
    tester = made.tester()
    first = made.splits.panel.starts[:-1] + 30
    origins = (first[:, None] + np.array([0, 4, 8])).ravel()
    tested, contexts = tester.run(origins), tester.contexts(origins)
    spread = made.members.spread(contexts, 1)
    calibration, how = made.calibrations["network"], made.members.first.windowing
    for level in LEVELS:
        inside, low, high = covered(calibration, tested.actual, tested.forecasts["network"], spread, level, how)
        assert np.isfinite([low, high]).all()
        assert within(inside.mean(), level, S)  # forecasts of one series are alike
        assert transform == "none" or low.min() > 0
    assert [receipt.asked for receipt in calibration.receipts] == list(LEVELS)
    assert all(within(receipt.got / 100, receipt.asked, S) for receipt in calibration.receipts)


def test_quantiles_that_a_transform_cuts_off_leave_a_spread():
    """Where both ends are below zero, which no square is."""
    random = np.random.default_rng(9)
    y = np.where(np.arange(200) % 7 == 0, 9.0, np.maximum(random.normal(0, 1, 200), 0))
    made = shaken(
        trainee_of(
            csv(y=y),
            {"loss": "gaussian"},
            context=8,
            horizon=3,
            season=4,
            validation=60,
            transform="sqrt",
            residual="last-value",
        ),
        1.0,
    )
    made.score()
    errors = made.calibrations["network"].errors
    assert np.abs(errors).max() < 1000


@pytest.mark.parametrize("decoder", ["direct", "recursive"])
def test_counts_that_are_nearly_always_zero_do_not_widen_the_intervals_of_others(decoder):
    random = np.random.default_rng(8)
    S, n = 30, 60
    rate = np.where(np.arange(S) % 2, 20.0, 0.04)[:, None]
    content = csv(id=[f"s{s}" for s in range(S) for _ in range(n)], y=random.poisson(rate, (S, n)).ravel())
    made = trainee_of(
        content,
        {"loss": "negative-binomial"},
        {"decoder": decoder},
        target="y",
        id="id",
        context=10,
        horizon=2,
        season=1,
        validation=20,
    )
    made.score()
    contexts = made.tester().contexts(made.splits.panel.starts[1:] - 2)
    spread = made.members.spread(contexts, 1)
    low, high = made.calibrations["network"].interval(
        made.members.point(contexts), spread, 95, made.members.first.windowing
    )
    assert (high - low).max() < 1000
