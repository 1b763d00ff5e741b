"""Intervals hold what they promise: of drawn errors, and of forecasts on rows that nothing was fitted to."""

from itertools import pairwise

import numpy as np
import pytest
from experiments import csv, shaken, trainee_of

from rnncli.tasks.forecast.calibration import RECEIPTS, Beyond, Calibration, Outlook, beyond, calibrated, ranges
from rnncli.tasks.forecast.error_quantiles import SHARES, Together
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
    low, high = calibration.interval(Outlook(point, spread), level, how)
    return (low <= actual) & (actual <= high), low, high


@pytest.mark.parametrize("level", LEVELS)
def test_fresh_errors_fall_within_as_often_as_promised_at_every_step(level):
    random = np.random.default_rng(1)
    errors, spread = drawn(random, 3000)
    made = calibrated(errors / spread, Together.of(np.arange(3000)))
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
    made = calibrated(errors / spread, Together.of(np.arange(2000)))
    fresh, its = drawn(random, 4000)
    inside, *_ = covered(made, fresh, np.zeros_like(fresh), its, 90, windowing())
    wild = its > 1
    assert within(inside[wild].mean(), 90, 2000)
    assert within(inside[~wild].mean(), 90, 2000)


def test_few_errors_of_a_step_are_taken_together_with_those_of_all():
    errors = np.arange(9.0 * H).reshape(H, 9, 1)
    few = calibrated(errors, Together.of(np.arange(9)))
    assert np.array_equal(few.errors, np.tile(few.errors[:1], (H, 1)))
    half = np.concatenate([errors, errors + 1], axis=1)
    half[1, 5:] = np.nan  # a step of 5 known ones, beside others of 18
    few = calibrated(half, Together.of(np.arange(18)))
    assert np.array_equal(few.errors, np.tile(few.errors[:1], (H, 1)))


@pytest.mark.parametrize("n", [12, 40, 110])
def test_steps_with_some_errors_keep_their_own_scale_and_share_the_shape_of_their_tails(n):
    """Errors that grow by a tenth with each step, of few windows: the ends grow as evenly, and no step stands out."""
    random, steps = np.random.default_rng(11), 24
    growth = 1.1 ** np.arange(steps)[:, None]
    errors = (growth * random.standard_t(4, (steps, n)))[:, :, None]
    made = calibrated(errors, Together.of(np.arange(n)))
    wide = np.array([made.error(k, 0.975) - made.error(k, 0.025) for k in range(steps)])
    raw = np.diff(np.quantile(errors[:, :, 0], (0.025, 0.975), axis=1), axis=0)[0]
    wanted = 2 * 2.776 * growth[:, 0]  # of Student's t with four degrees of freedom
    assert np.abs(np.log(wide / wanted)).max() < np.abs(np.log(raw / wanted)).max()
    assert np.abs(np.diff(np.log(wide))).max() < 0.25
    assert 0.8 < np.exp(np.log(wide / wanted).mean()) < 1.25


def test_many_errors_of_a_step_speak_for_it_alone():
    errors = np.arange(400.0 * H).reshape(H, 400, 1)
    for step, each in enumerate(calibrated(errors, Together.of(np.arange(400))).errors):
        assert each.min() == pytest.approx(400 * step + 1, abs=1.1)
        assert each.max() == pytest.approx(400 * step + 398, abs=1.1)


def test_a_sample_leaves_out_what_a_fresh_value_would_exceed():
    """Of n errors the k-th is exceeded by a share of 1 − k / (n + 1), not 1 − k / n: they are not the whole world."""
    made = calibrated(np.arange(1.0, 100.0).reshape(1, 99, 1), Together.of(np.arange(99)))
    low, high = made.interval(Outlook(np.zeros((1, 1, 1)), np.ones((1, 1, 1))), 90, windowing())
    assert (low[0, 0, 0], high[0, 0, 0]) == (pytest.approx(5.0), pytest.approx(95.0))


def test_nothing_known_calibrates_nothing():
    assert calibrated(np.full((H, 5, C), np.nan), Together.of(np.arange(5))) is None
    one = np.full((H, 5, C), np.nan)
    one[1, 2, 0] = 3.0
    made = calibrated(one, Together.of(np.arange(5)))
    assert made.receipts == ()
    low, high = made.interval(Outlook(np.ones((H, 1, C)), np.ones((H, 1, C))), 80, windowing())
    assert np.array_equal(low, np.full((H, 1, C), 4.0))
    assert np.array_equal(high, low)


def test_receipts_are_of_values_that_were_not_calibrated_on():
    """Two kinds of windows, taken in turn: what fits the one kind does not hold the other."""
    random = np.random.default_rng(3)
    errors = random.normal(0, 1, (H, 400, 1))
    alike = calibrated(errors, Together.of(np.arange(400)))
    assert [receipt.asked for receipt in alike.receipts] == list(RECEIPTS)
    for receipt in alike.receipts:
        assert receipt.count == errors.size
        assert within(receipt.got / 100, receipt.asked, receipt.count / 4)
    errors[:, 1::2] += 100
    for receipt in calibrated(errors, Together.of(np.arange(400))).receipts:
        assert receipt.got == 0
        assert receipt.count == errors.size
    # Windows of one group stay on one side, whatever lies between them.
    for receipt in calibrated(errors, Together.of(np.arange(400) // 2)).receipts:
        assert receipt.got > receipt.asked - 5
    unknown = errors.copy()
    unknown[0] = np.nan
    assert calibrated(unknown, Together.of(np.arange(400))).receipts[0].count == errors.size * (H - 1) // H


@pytest.mark.parametrize(("mean", "level", "first", "last", "share"), [(8, 80, 5, 11, 0.7885), (2, 95, 0, 5, 0.9834)])
def test_intervals_of_counts_are_the_whole_numbers_that_hold_nearest_to_what_is_asked(mean, level, first, last, share):
    """Each tail of this Poisson variable is nearer to half of what is left than that of any other whole number."""
    errors = np.random.default_rng(5).poisson(mean, (1, 40_000, 1)) - float(mean)
    made = calibrated(errors, Together.of(np.arange(40_000)), grain=np.ones_like(errors))
    outlook = Outlook(np.full((1, 1, 1), float(mean)), np.ones((1, 1, 1)))
    low, high = made.interval(outlook, level, windowing())
    assert (np.ceil(low), np.floor(high)) == (first, last)
    got = {receipt.asked: receipt.got for receipt in made.receipts}
    assert got[level] == pytest.approx(100 * share, abs=1)


@pytest.mark.parametrize("n", [4, 7, 12, 20])
def test_few_errors_hold_what_is_asked_by_tails_beyond_those_that_were_seen(n):
    """Between the outmost of n errors are (n − 1) / (n + 1) of all values: of 60% to 90% no interval of 95% is made."""
    fresh, got = [], []
    for seed in range(400):
        errors = np.random.default_rng([seed, n]).normal(0, 1, (1, n + 1, 1))
        made = calibrated(errors[:, :n], Together.of(np.arange(n)))
        got.append(made.receipts[-1].got)
        low, high = made.interval(Outlook(np.zeros((1, n, 1)), np.ones((1, n, 1))), 95, windowing())
        fresh.append(low[0, 0, 0] <= errors[0, n, 0] <= high[0, 0, 0])
        assert ((low <= errors[:, :n] + 1e-9) & (errors[:, :n] - 1e-9 <= high)).all()  # of its own values it holds all
    assert within(np.mean(fresh), 95, len(fresh))
    assert np.mean(fresh) > 0.9
    assert np.mean(got) > 80  # of half as many errors


def fallen(errors, together, level=80):
    """How far the width of a step's interval of errors (H, W, C) is below that of a step before, at most, in logs."""
    made, tail = calibrated(errors, together), (1 - level / 100) / 2
    widths = np.log([made.error(step, 1 - tail) - made.error(step, tail) for step in range(len(errors))])
    return float((np.maximum.accumulate(widths) - widths).max())


@pytest.mark.parametrize("windows", [12, 30, 100])
@pytest.mark.parametrize("level", LEVELS)
def test_later_steps_have_no_narrower_intervals_by_the_noise_of_few_windows(windows, level):
    """Errors of a random walk, and errors alike at all steps, from windows that overlap."""
    together = Together.of(np.arange(windows) // 12)
    for seed in range(10):
        steps = np.random.default_rng([seed, windows]).normal(0, 1, windows + 12)
        summed = np.cumsum(steps)
        walk = np.stack([summed[k + 1 : k + 1 + windows] - summed[:windows] for k in range(12)])
        flat = np.stack([steps[k : k + windows] for k in range(12)])
        for errors in (walk, flat):
            assert fallen(errors[:, :, None], together, level) < 1e-9


def test_later_steps_keep_narrower_intervals_where_enough_windows_tell_them():
    """The last value of a season of 12 is nearest to the value 12 steps later."""
    random, width = np.random.default_rng(3), 1.2 - np.cos(2 * np.pi * np.arange(1, 13) / 12)
    errors = (width[:, None] * random.normal(0, 1, (12, 120)))[:, :, None]
    made = calibrated(errors, Together.of(np.arange(120)))
    assert made.error(11, 0.9) < 0.3 * made.error(5, 0.9)
    assert fallen(errors, Together.of(np.arange(120))) > 1.0


def test_a_calibration_comes_back_from_json_as_it_was():
    errors, spread = drawn(np.random.default_rng(4), 100)
    made = calibrated(errors / spread, Together.of(np.arange(100) // 7))
    again = Calibration.from_header(made.to_header())
    assert np.array_equal(again.errors, made.errors)
    assert again.receipts == made.receipts


def test_beyond_the_horizon_intervals_are_at_least_as_wide_as_within_it_and_as_in_the_row_before():
    errors, spread = drawn(np.random.default_rng(5), 500)
    made = calibrated(errors / spread, Together.of(np.arange(500)))
    narrow = Outlook(np.zeros((H + 4, 1, C)), np.ones((H + 4, 1, C)) * 1e-3, (np.linspace(-1, 1, 199)[None],) * 2)
    narrow.spread[:H] = 1
    ends = []
    for level in (50, 80, 95):
        low, high = made.interval(narrow, level, windowing())
        width = high - low
        # The paths of this outlook add nothing.
        assert width[H:] == pytest.approx(np.maximum(width[H - 1], width[:H].mean(axis=0))[None].repeat(4, axis=0))
        assert high[H:] + low[H:] == pytest.approx(np.zeros((4, 1, C)), abs=1e-9)  # their middle is that of the paths
        ends = [low, *ends, high]
    assert (np.diff(ends, axis=0) >= 0).all()
    wide = Outlook(narrow.point, np.where(narrow.spread < 1, 1e3, 1.0), narrow.drawn)
    low, high = made.interval(wide, 80, windowing())
    assert high[H:] == pytest.approx(np.full((4, 1, C), 0.8 * 1e3), rel=0.02)
    assert low[H:] == pytest.approx(np.full((4, 1, C), -0.8 * 1e3), rel=0.02)


def test_an_interval_beyond_the_horizon_never_ends_within_a_narrower_one():
    """Most errors of the first range are wide and those of the second one narrow, but for its tails."""
    kinds = np.clip(3 * np.linspace(-1, 1, 199), -1, 1), np.linspace(-1, 1, 199) ** 9
    made = Calibration(
        np.zeros((H, 199)), (), None, tuple(Beyond(H * n, k, 1e12) for n, k in zip((2, 4), kinds, strict=True))
    )
    outlook = Outlook(np.zeros((4 * H, 1, C)), np.ones((4 * H, 1, C)), (np.zeros((1, 199)),) * 2)
    ends = [made.interval(outlook, level, windowing()) for level in (50, 80, 90, 95, 97)]
    row = [low for low, _ in ends[::-1]] + [high for _, high in ends]
    assert (np.diff(row, axis=0) >= 0).all()
    assert (np.diff(row[-1] - row[0], axis=0) >= -1e-12).all()


def test_few_independent_errors_are_widened_as_students_t_is():
    """49 windows of errors that are all alike are worth few: their groups. Quantiles of Student's t are from tables."""
    random = np.random.default_rng(13)
    each = np.repeat(np.repeat(random.normal(size=(1, 7)), 7, axis=1), 24, axis=0)[:, :, None]  # 7 groups of 7
    apart = calibrated(each, Together.of(np.arange(49)))
    grouped = calibrated(each, Together.of(np.arange(49) // 7))
    at_once = calibrated(each, Together.of(np.arange(49) // 7, np.arange(49) // 7))
    assert grouped.errors == pytest.approx(at_once.errors)
    middle = apart.error(0, 0.5)
    for share, of_seven, of_many in ((0.9, 1.440, 1.299), (0.975, 2.447, 2.011)):  # 6 and 48 degrees of freedom
        wider = (grouped.error(5, share) - middle) / (apart.error(5, share) - middle)
        assert wider == pytest.approx(of_seven / of_many, rel=0.02)
    # Of windows that begin together, errors that have nothing in common count all.
    series = random.normal(size=(24, 490, 1))
    one_group = calibrated(series, Together.of(np.zeros(490, int), np.arange(490) // 70))
    assert one_group.error(5, 0.975) == pytest.approx(
        calibrated(series, Together.of(np.arange(490))).error(5, 0.975), rel=0.01
    )
    independent = random.normal(size=(1, 60, 1))
    plain = np.quantile(independent, (0.5,))
    assert calibrated(independent, Together.of(np.arange(60))).error(0, 0.5) == pytest.approx(plain[0])


def test_each_range_beyond_the_horizon_has_errors_of_its_own_and_the_last_one_serves_what_is_further():
    errors = np.zeros((H, 199))
    certain = [Beyond(2 * H, np.full(199, 3.0), 1e12), Beyond(4 * H, np.full(199, 5.0), 1e12)]
    made = Calibration(errors, (), None, tuple(certain))
    for N, wanted in ((2 * H - 1, [0, 3]), (4 * H, [0, 3, 5]), (6 * H, [0, 3, 5, 5])):
        drawn = tuple(np.zeros((1, 199)) for _ in ranges(H, N))
        high = made.quantile(Outlook(np.zeros((N, 1, C)), np.ones((N, 1, C)), drawn), 0.9, windowing())[:, 0, 0]
        ends = [0, H, *(last for _, last in ranges(H, N))]
        for (first, last), value in zip(pairwise(ends), wanted, strict=True):
            assert high[first:last] == pytest.approx(np.full(last - first, value), rel=1e-9)


def test_errors_of_a_backtest_that_went_so_far_count_by_how_much_they_are_worth():
    """Beside paths whose errors are within ±1, errors within ±2 of many windows win, and those of three groups, each of
    which drifts, count as three; Student's t of 7 degrees of freedom is from a table."""
    paths = np.linspace(-1, 1, 199)
    drifting = np.repeat([-1.6, 0.0, 1.6], 10)[None, :, None].repeat(20, axis=0)
    nothing = np.zeros((0, 0, 1)), np.zeros(0, int)
    for errors, groups, end in (
        (np.random.default_rng(12).uniform(-2, 2, (20, 100, 1)), np.arange(100) // 2, 0.8 * 2),
        (drifting, np.arange(30) // 10, (3 * 1.6 + 5 * 0.8) / 8 * 1.415 / 1.2816),
    ):
        made, checks = beyond(nothing[0], errors, (Together.of(nothing[1]), Together.of(groups)), paths, 3, 23)
        assert made.last == 23
        assert np.interp((0.1, 0.9), SHARES, made.mixed(paths)) == pytest.approx((-end, end), rel=0.1)
        # Nothing was seen in training: what is checked are the paths.
        inside = 100 * np.mean(np.abs(errors) <= 0.8)
        assert (checks[1].asked, checks[1].first, checks[1].last) == (80, 4, 23)
        assert checks[1].got == pytest.approx(inside, abs=1.5)


@pytest.mark.parametrize("transform", ["none", "log", "log1p", "sqrt", "box-cox"])
def test_intervals_are_ordered_and_nested_in_the_units_of_the_series(transform):
    errors, _ = drawn(np.random.default_rng(6), 500)
    made = calibrated(errors, Together.of(np.arange(500)))
    how = Windowing(4, H, 1, "standard", None, windowing().fixed, transform, 0.3)
    point = np.array([0.01, 1.0, 1e6])[None, :, None] * np.ones((H, 3, C))
    ends = [made.interval(Outlook(point, np.full(point.shape, 0.7)), level, how) for level in (95, 80, 50)]
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
    tested, spread = tester.run(origins), tester.outlook(origins, 2).spread
    calibration, how = made.validated.calibrations["network"], made.members.first.windowing
    for level in LEVELS:
        inside, low, high = covered(calibration, tested.actual, tested.forecasts["network"], spread, level, how)
        assert np.isfinite([low, high]).all()
        assert within(inside.mean(), level, S)  # forecasts of one series are alike
        assert transform == "none" or low.min() > 0
    near = [receipt for receipt in calibration.receipts if receipt.first == 1]
    assert [receipt.asked for receipt in near] == list(LEVELS)
    assert all(within(receipt.got / 100, receipt.asked, S) for receipt in near)


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
    errors = made.validated.calibrations["network"].errors
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
    outlook = made.tester().outlook(made.splits.panel.starts[1:] - 2, 2)
    low, high = made.validated.calibrations["network"].interval(outlook, 95, made.members.first.windowing)
    assert (high - low).max() < 1000
