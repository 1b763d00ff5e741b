"""The forecasts that need no learning: by hand, by other formulas, and by the figures published for them."""

import csv
import gzip
import os
from pathlib import Path

import numpy as np
import pytest

from rnncli.tasks.forecast.baselines import (
    CORRECTABLE,
    NAIVE_FORECASTS,
    WALKED,
    applicable,
    drift,
    naive2,
    seasonal_growth,
    theta,
)
from rnncli.tasks.forecast.metrics import (
    WQL_LEVELS,
    mae,
    scores,
    seasonal_differences,
)


def of_one(f, values, horizon, m):
    """The forecast (horizon,) of one series."""
    return f(np.array(values, float)[:, None, None], horizon, m)[:, 0, 0]


def test_a_network_may_correct_three_of_them():
    assert {name: NAIVE_FORECASTS[name] for name in CORRECTABLE} == CORRECTABLE
    assert list(CORRECTABLE) == ["last-value", "seasonal-naive", "seasonal-growth"]


def test_those_of_a_season_need_one():
    assert applicable(12) == tuple(NAIVE_FORECASTS)
    assert applicable(1) == ("last-value", "drift", "theta")


def test_drift_continues_the_line_from_the_first_value_through_the_last():
    assert of_one(drift, [2, 5, 3, 8], 3, 1).tolist() == [10, 12, 14]
    assert of_one(drift, [7], 2, 1).tolist() == [7, 7]


def test_seasonal_growth_multiplies_the_last_season_and_compounds():
    assert of_one(seasonal_growth, [9, 9, 1, 3, 2, 4], 5, 2).tolist() == [3, 6, 4.5, 9, 6.75]
    assert of_one(seasonal_growth, [4, 4, 6, 0], 3, 2).tolist() == [4.5, 0, 3.375]


@pytest.mark.parametrize(
    ("values", "growth"),
    [
        ([1, 3, 2, 6], [2, 4, 4, 4]),  # doubled, and no more than fourfold in all
        ([4, 4, 2, 0], [0.5, 0.25, 0.25, 0.25]),
        ([1, 1, 20, 30], [2, 4, 4, 4]),
        ([1e-300, 0, 2, 6], [2, 4, 4, 4]),  # growth that no float can hold
        ([500, 500, 1, 2], [0.5, 0.25, 0.25, 0.25]),
        ([4, 4, 5, 7], [1.5, 2.25, 3.375, 4]),
    ],
)
def test_the_growth_of_a_season_and_of_all_is_bounded(values, growth):
    made = of_one(seasonal_growth, values, 8, 2)
    assert made.reshape(4, 2).tolist() == [[factor * value for value in values[2:]] for factor in growth]
    assert np.abs(of_one(seasonal_growth, values, 10_000, 2)).max() == 4 * max(values[2:]) or growth[0] < 1


@pytest.mark.parametrize(
    "values",
    [
        [3, 2, 6],  # shorter than two seasons
        [-1, 1, 2, 6],  # nothing before
        [-5, 1, 2, 6],  # negative before
        [1, 3, 2, -6],  # negative now
    ],
)
def test_seasonal_growth_without_a_growth_is_seasonal_naive(values):
    assert of_one(seasonal_growth, values, 5, 2).tolist() == [*values[-2:], *values[-2:], values[-2]]


SHAPES = {
    "zeros": np.zeros(40),
    "a constant": np.full(40, 0.1),
    "a spike": np.eye(40)[20],
    "a last spike": np.eye(40)[39],
    "a first spike": 1e29 * np.eye(40)[0] + 1e-29,
    "the largest": 1e29 * (-1.0) ** np.arange(40),
    "the smallest": 5e-324 * (1 + np.arange(40) % 4),
    "small beside large": 10.0 ** (-80 * (np.arange(40) % 2) + np.arange(40) % 4),
    "a season of zeros": np.tile([0.0, 0, 5, 9], 10),
    "negative": -5.0 - np.arange(40) % 4,
}


@pytest.mark.parametrize("name", WALKED)
@pytest.mark.parametrize("m", [1, 4, 5, 13, 60])
@pytest.mark.parametrize("T", [1, 2, 3, 8, 12, 40])
def test_whatever_the_context_there_is_a_finite_forecast_and_no_warning(name, m, T):
    w = np.stack(list(SHAPES.values()), 1)[-T:, :, None]
    for horizon in (1, 9):
        made = WALKED[name](w, horizon, m)
        assert made.shape == (horizon, len(SHAPES), 1)
        assert np.isfinite(made).all()
        assert made[:, :2, 0].tolist() == [[0, 0.1]] * horizon


@pytest.mark.parametrize("name", WALKED)
@pytest.mark.parametrize("m", [1, 6, 7])
def test_every_series_is_forecast_by_itself(name, m):
    random = np.random.default_rng(0)
    kinds = [5.0, 100.0, 3 * np.sin(np.arange(50) * 2 * np.pi / m), 20 + 3 * (np.arange(50) % m)]
    w = np.stack([random.normal(0, 1, (50, 3)) + np.reshape(kind, (-1, 1)) for kind in kinds], 1)
    together = WALKED[name](w, 10, m)
    for b in range(4):
        for c in range(3):
            assert together[:, b, c] == pytest.approx(of_one(WALKED[name], w[:, b, c], 10, m), rel=1e-12)


# The Theta method.


def test_theta_continues_a_straight_line_with_half_its_slope():
    """α = 1 is best, so that the level is the last value."""
    assert of_one(theta, 2 * np.arange(10) - 3, 3, 1) == pytest.approx([16, 17, 18], rel=1e-13)


@pytest.mark.parametrize("seed", range(8))
def test_theta_is_the_mean_of_the_trend_and_the_smoothing_of_twice_the_curvature(seed):
    """As Assimakopoulos & Nikolopoulos define it, with the α that smooths the series itself best."""
    random = np.random.default_rng(seed)
    values = random.normal(0, 1, 30).cumsum() * (seed % 2) + random.normal(0, 2, 30) + 0.3 * np.arange(30)

    def smoothed(series, alpha):
        level, error = series[0], 0.0
        for value in series[1:]:
            error += (value - level) ** 2
            level = alpha * value + (1 - alpha) * level
        return level, error

    alpha = min((k / 100 for k in range(1, 101)), key=lambda a: smoothed(values, a)[1])
    trend = np.poly1d(np.polyfit(np.arange(30), values, 1))
    curved, _ = smoothed(2 * values - trend(np.arange(30)), alpha)
    wanted = [(curved + trend(30 + k)) / 2 for k in range(5)]
    assert of_one(theta, values, 5, 1) == pytest.approx(wanted, rel=1e-10)


@pytest.mark.parametrize("m", [4, 5])
def test_theta_repeats_a_season_that_is_all_there_is(m):
    pattern = np.array([3.0, 8, 1, 4, 4][:m])
    for values in (np.tile(pattern, 6), np.tile(pattern, 6)[1:], np.tile(pattern - 5, 6)):
        wanted = [values[len(values) - m + k % m] for k in range(9)]
        assert of_one(theta, values, 9, m) == pytest.approx(wanted, rel=1e-12)


def test_theta_takes_factors_of_what_is_positive_and_differences_of_what_is_not():
    t = np.arange(60)
    trend = 10 + 0.5 * t
    growing = trend * np.tile([0.5, 1.5, 0.8, 1.2], 15)
    ahead = 10 + 0.5 * (60 + np.arange(4))
    made = of_one(theta, growing, 4, 4)
    assert made / np.array([0.5, 1.5, 0.8, 1.2]) == pytest.approx(ahead, rel=0.05)
    adding = trend - 25 + np.tile([-5, 5, -2, 2.0], 15)
    made = of_one(theta, adding, 4, 4) - np.array([-5, 5, -2, 2.0])
    assert made == pytest.approx(ahead - 25, abs=1.0)
    assert np.diff(made) == pytest.approx(np.full(3, 0.25), abs=0.01)  # half the slope, and no factors


def test_theta_adjusts_a_season_only_where_its_autocorrelation_is_significant():
    """The forecast of what is not adjusted is a straight line."""
    m, T, random = 5, 40, np.random.default_rng(1)
    found = []
    for _ in range(60):
        x = random.normal(0, 1, T) + 0.45 * (np.arange(T) % m)
        d = x - x.mean()
        r = [sum(d[t] * d[t - k] for t in range(k, T)) / sum(d * d) for k in range(m + 1)]
        limit = 1.645 * np.sqrt((1 + 2 * sum(r[k] ** 2 for k in range(1, m))) / T)
        found.append(abs(r[m]) > limit)
        bends = np.abs(np.diff(of_one(theta, x, 2 * m, m), 2)).max()
        assert (bends > 1e-9) == found[-1]
    assert 15 < sum(found) < 45


def test_theta_wants_three_seasons_to_adjust():
    values = np.tile([1.0] * 7 + [9], 3)
    assert of_one(theta, values, 8, 8) == pytest.approx(values[-8:], rel=1e-12)
    assert np.ptp(of_one(theta, values[1:], 8, 8)) < 1


@pytest.mark.parametrize("factor", [1e-6, 0.3, 1e9])
def test_theta_in_another_unit_is_in_that_unit(factor):
    t = np.arange(48)
    w = 20 + t / 4 + 6 * np.sin(t * np.pi / 6) + np.random.default_rng(2).normal(0, 1, 48)
    for values in (w, w - 25):
        assert of_one(theta, factor * values, 12, 12) == pytest.approx(factor * of_one(theta, values, 12, 12), rel=1e-9)


# Naive 2.


def test_naive2_is_the_last_value_adjusted_by_its_season():
    """Classical decomposition by hand: of 8, 12, 8, 12, … the centred averages are 10, and the factors 0.8 and 1.2."""
    values = np.tile([8.0, 12.0], 8)
    assert of_one(naive2, values, 3, 2) == pytest.approx([8, 12, 8])
    values[-1] = 18
    deviations = [values[1:-1:2] / 10, values[2:-1:2] / 10]
    deviations[1][-1] = 8 / ((12 / 2 + 8 + 18 / 2) / 2)
    odd, even = (deviation.mean() for deviation in deviations)
    assert of_one(naive2, values, 3, 2) == pytest.approx([18 / odd * even, 18, 18 / odd * even])


def test_naive2_without_a_season_is_the_last_value():
    noise = np.random.default_rng(1).normal(0, 1, 40)
    assert of_one(naive2, noise, 3, 1).tolist() == of_one(naive2, noise, 3, 7).tolist() == [noise[-1]] * 3
    assert of_one(naive2, np.tile([8.0, 12.0], 2), 2, 2).tolist() == [12, 12]  # two seasons are too few


def test_naive2_of_values_that_are_not_positive_is_adjusted_by_differences():
    assert of_one(naive2, np.tile([-1.0, 1.0, 3.0], 6), 4, 3) == pytest.approx([-1, 1, 3, -1])


# Published figures.


def public(name):
    """A file of the folder $RNNCLI_DATA."""
    folder = os.environ.get("RNNCLI_DATA")
    if not folder or not (Path(folder) / name).exists():
        pytest.skip(f"needs {name} in the folder $RNNCLI_DATA")
    return Path(folder) / name


@pytest.fixture(scope="module")
def m4_hourly():
    """The training parts of 414 hourly series, of 700 or 960 rows, and the 48 rows after each, (48, 414)."""
    parts = []
    for name in ("m4_hourly_train.csv", "m4_hourly_test.csv"):
        with public(name).open(newline="") as file:
            rows = list(csv.reader(file))[1:]
        parts.append([np.array([float(cell) for cell in row[1:] if cell]) for row in rows])
    return parts[0], np.stack(parts[1], 1)


@pytest.mark.parametrize(
    ("name", "smape", "mase", "within"),
    [
        ("last-value", 43.003, 11.608, 0.0005),
        ("seasonal-naive", 13.912, 1.193, 0.0005),
        ("naive2", 18.383, 2.395, 0.0005),
        ("theta", 18.138, 2.455, 0.003),  # R smooths with an α of any size
    ],
)
def test_m4_hourly_as_published(m4_hourly, name, smape, mase, within):
    """Makridakis, Spiliotis & Assimakopoulos (2020), the benchmarks by frequency; one window a series."""
    histories, actual = m4_hourly
    predicted = np.zeros(actual.shape)
    for length in (700, 960):
        some = [k for k, history in enumerate(histories) if len(history) == length]
        w = np.stack([histories[k] for k in some], 1)[:, :, None]
        predicted[:, some] = WALKED[name](w, 48, 24)[:, :, 0]
    scales = np.array([seasonal_differences(history, 24) for history in histories])
    got = scores(actual, predicted, np.arange(414), scales[:, 0], scales[:, 1])
    assert got.smape == pytest.approx(smape, abs=within)
    assert got.mase == pytest.approx(mase, abs=within)


def test_airline_passengers_grow_by_the_season():
    with public("airline_passengers.csv").open(newline="") as file:
        values = np.array([float(row[1]) for row in list(csv.reader(file))[1:]])
    for name, wanted in (("seasonal-naive", 47.8), ("seasonal-growth", 13.4)):
        predicted = NAIVE_FORECASTS[name](values[:-12, None, None], 12, 12)[:, :, 0]
        assert mae(values[-12:, None], predicted) == pytest.approx(wanted, abs=0.05)


def test_exchange_rates_have_the_published_weighted_quantile_loss():
    """GluonTS's, of seasonal naive as a point: every quantile is the forecast. One window of 30 days for each."""
    with gzip.open(public("exchange_rate.txt.gz"), "rt") as file:
        values = np.loadtxt(file, delimiter=",")
    predicted = NAIVE_FORECASTS["seasonal-naive"](values[:-30, :, None], 30, 5)[:, :, 0]
    quantiles, ones = np.broadcast_to(predicted, (9, *predicted.shape)), np.ones(8)
    got = scores(values[-30:], predicted, np.arange(8), ones, ones, quantiles=quantiles, levels=np.array(WQL_LEVELS))
    assert got.wql == pytest.approx(0.01298, abs=5e-6)
