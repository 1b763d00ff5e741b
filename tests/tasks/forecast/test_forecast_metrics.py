"""What a forecast is judged by, by hand; what is not known counts nowhere, and no forecast is let off."""

import math

import numpy as np
import pytest

from rnncli.tasks.forecast.metrics import (
    Scores,
    absolute_sums,
    mae,
    mase,
    mse,
    owa,
    pinball_sums,
    rmsse,
    scores,
    seasonal_differences,
    smape,
    wql,
)

NAN = math.nan
# Three windows of three steps: all known, some known, nothing known.
ACTUAL = np.array([[1.0, NAN, NAN], [0, 8, NAN], [-4, 2, NAN]])
PREDICTED = np.array([[3.0, 5, 1], [0, 4, 1], [-2, 2, 1]])


def same(got, wanted):
    return got == pytest.approx(np.array(wanted, float), rel=1e-12, nan_ok=True)


def test_errors_by_hand():
    assert same(mae(ACTUAL, PREDICTED), [4 / 3, 2, NAN])
    assert same(mse(ACTUAL, PREDICTED), [8 / 3, 8, NAN])
    # 200·2/4, 0/0, 200·2/6; 200·4/12, 0.
    assert same(smape(ACTUAL, PREDICTED), [(100 + 0 + 400 / 6) / 3, 200 / 6, NAN])
    assert same(mase(ACTUAL, PREDICTED, np.array([2.0, 4, 1])), [2 / 3, 0.5, NAN])
    assert same(rmsse(ACTUAL, PREDICTED, np.array([6.0, 2, 1])), [2 / 3, 2, NAN])
    assert same(mase(ACTUAL, PREDICTED, np.array([NAN, 4, 1])), [NAN, 0.5, NAN])


def test_smape_is_200_where_the_signs_differ_and_0_where_both_are_0():
    assert smape(np.array([[1.0, 0, 0]]), np.array([[-7.0, 0, 3]])).tolist() == [200, 0, 200]


def test_seasonal_differences_by_hand():
    assert seasonal_differences(np.array([1.0, 2, 4, 8]), 1) == (7 / 3, 21 / 3)
    assert seasonal_differences(np.array([1.0, 2, 4, 8]), 2) == (4.5, 22.5)
    assert seasonal_differences(np.array([1.0, NAN, 4, 8, 8, 5]), 1) == (7 / 3, 25 / 3)  # 4, 0, −3


@pytest.mark.parametrize("values", [[], [3], [3, 1], [3, 1, 3, 1], [3, NAN, 4, 5, NAN, 6], [NAN] * 5, [0, 1e-300, 0]])
def test_without_a_seasonal_difference_there_is_no_scale(values):
    m = (1 if len(values) == 3 else 2) if len(values) < 5 else 4
    assert all(map(math.isnan, seasonal_differences(np.array(values, float), m)))


def test_quantile_losses_by_hand():
    levels = np.array([0.1, 0.5])
    quantiles = np.stack([PREDICTED - 1, PREDICTED])
    sums = pinball_sums(ACTUAL, quantiles, levels)
    # y − f of the first level: −1, 1, −1 and 5, 1; of the second −2, 0, −2 and 4, 0.
    assert same(sums, [[0.9 + 0.1 + 0.9, 0.1 * 6, 0], [2, 2, 0]])
    assert same(absolute_sums(ACTUAL), [5, 10, 0])
    assert wql(sums, absolute_sums(ACTUAL)) == pytest.approx((2 * 2.5 / 15 + 2 * 4 / 15) / 2, rel=1e-12)
    assert math.isnan(wql(np.ones((2, 1)), np.zeros(1)))


def test_the_weighted_loss_of_the_median_is_the_absolute_error_over_the_size():
    y, f = np.random.default_rng(0).normal(0, 1, (2, 5, 7))
    got = wql(pinball_sums(y, f[None], np.array([0.5])), absolute_sums(y))
    assert got == pytest.approx(np.abs(y - f).sum() / np.abs(y).sum(), rel=1e-12)


def test_the_weighted_loss_of_many_quantiles_is_the_crps_of_the_normal_distribution():
    """CRPS(N(0, 1), y) = y·(2Φ(y) − 1) + 2φ(y) − 1/√π (Gneiting & Raftery, 2007)."""
    y, draws = np.array([-1.5, 0.0, 0.4, 2.0]), 20_000
    levels = (np.arange(draws) + 0.5) / draws
    z = np.linspace(-6, 6, 200_001)
    density = np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    quantiles = np.interp(levels, np.cumsum(density) * (z[1] - z[0]), z)
    got = wql(pinball_sums(y[:, None], np.repeat(quantiles[:, None, None], 4, 1), levels), absolute_sums(y[:, None]))
    crps = [
        v * math.erf(v / math.sqrt(2)) + 2 * math.exp(-v * v / 2) / math.sqrt(2 * math.pi) - 1 / math.sqrt(math.pi)
        for v in y
    ]
    assert got * np.abs(y).sum() == pytest.approx(sum(crps), rel=1e-3)


def test_scores_are_means_over_the_windows_of_a_series_and_then_over_series():
    """Series 7 has windows 0 and 3, series 4 has 1; window 2 is unknown, and with it series 9."""
    actual = np.column_stack([ACTUAL, [10.0, 10, 10]])
    predicted = np.column_stack([PREDICTED, [11.0, 9, 10]])
    first, second = np.array([2.0, 4, 1, 2]), np.array([6.0, 2, 1, 6])
    got = scores(actual, predicted, np.array([7, 4, 9, 7]), first, second)
    assert got.mae == pytest.approx((2 + 0 + 2 + 4 + 0 + 1 + 1 + 0) / 8, rel=1e-12)
    assert got.rmse == pytest.approx(math.sqrt((4 + 4 + 16 + 1 + 1) / 8), rel=1e-12)
    near = 200 / 21 + 200 / 19
    assert got.smape == pytest.approx(((500 / 9 + near / 3) / 2 + 100 / 3) / 2, rel=1e-12)
    assert got.mase == pytest.approx(((2 / 3 + 1 / 3) / 2 + 0.5) / 2, rel=1e-12)
    assert got.rmsse == pytest.approx(((2 / 3 + 1 / 3) / 2 + 2) / 2, rel=1e-12)
    assert got.wql is None


def test_a_series_without_a_scale_is_left_out_of_scaled_errors_only():
    got = scores(
        ACTUAL[:, :2], PREDICTED[:, :2], np.arange(2), absolute_scale=np.array([NAN, 4]), squared_scale=np.full(2, NAN)
    )
    assert got.mase == 0.5
    assert math.isnan(got.rmsse)
    assert got.mae == pytest.approx(8 / 5)
    assert got.smape == pytest.approx((500 / 9 + 100 / 3) / 2)


def test_quantiles_give_their_loss():
    levels = np.array([0.1, 0.25, 0.5, 0.75, 0.9])
    actual = np.array([[0.0, 3, 1], [5, 3, 1]])
    quantiles = np.broadcast_to(np.array([-4.0, -1, 0, 1, 4])[:, None, None], (5, 2, 3))
    got = scores(actual, actual, np.array([0, 0, 1]), np.ones(3), np.ones(3), quantiles=quantiles, levels=levels)
    wanted = [
        2 * sum(max(q * (y - f), (q - 1) * (y - f)) for y in actual.ravel()) / 13
        for q, f in zip(levels, [-4, -1, 0, 1, 4], strict=True)
    ]
    assert got.wql == pytest.approx(sum(wanted) / 5, rel=1e-12)


def test_a_forecast_that_is_no_number_is_not_let_off():
    predicted = PREDICTED.copy()
    predicted[1, 1] = NAN
    got = scores(ACTUAL, predicted, np.arange(3), np.ones(3), np.ones(3))
    assert all(math.isnan(x) for x in (got.mae, got.rmse, got.smape, got.mase, got.rmsse))
    assert math.isnan(wql(pinball_sums(ACTUAL, predicted[None], np.array([0.5])), absolute_sums(ACTUAL)))
    predicted = PREDICTED.copy()
    predicted[0, 1] = NAN  # where nothing is known it is not asked
    assert math.isfinite(scores(ACTUAL, predicted, np.arange(3), np.ones(3), np.ones(3)).mae)
    assert math.isfinite(wql(pinball_sums(ACTUAL, predicted[None], np.array([0.5])), absolute_sums(ACTUAL)))


@pytest.mark.parametrize("actual", [np.full((3, 2), NAN), np.zeros((3, 0))])
def test_without_a_known_value_there_are_no_scores(actual):
    W = actual.shape[1]
    got = scores(
        actual,
        np.zeros((3, W)),
        np.zeros(W, int),
        np.ones(W),
        np.ones(W),
        quantiles=np.zeros((2, 3, W)),
        levels=np.array([0.1, 0.9]),
    )
    figures = [got.mae, got.rmse, got.smape, got.mase, got.rmsse, got.wql]
    assert all(map(math.isnan, figures))


def test_owa_is_the_mean_of_both_errors_in_units_of_those_of_naive2():
    naive2 = Scores(1.0, 1.0, smape=18.383, mase=2.395, rmsse=1.0)
    assert owa(naive2, naive2) == 1
    assert owa(Scores(1.0, 1.0, smape=9.328, mase=0.893, rmsse=1.0), naive2) == pytest.approx(0.440, abs=5e-4)
    for odd in (Scores(0.0, 0.0, smape=0.0, mase=0.0, rmsse=0.0), Scores(1.0, 1.0, smape=2.0, mase=NAN, rmsse=NAN)):
        assert math.isnan(owa(naive2, odd))
