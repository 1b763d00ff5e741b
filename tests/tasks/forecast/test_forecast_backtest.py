"""Rolling origins: figures by hand, scales from before them, and as many windows as there is time for."""

import math
from dataclasses import replace

import numpy as np
import pytest
from experiments import csv, shaken, trainee_of

from rnncli.tasks.forecast import backtest
from rnncli.tasks.forecast.backtest import NETWORK, WITH_BASELINE, Backtest
from rnncli.tasks.forecast.baselines import NAIVE_FORECASTS, naive2

NAN = math.nan


BEGINS = np.array([0, 10])


def by_hand():
    """Two windows of series 0, one of series 1, of one column and two steps."""
    actual = np.array([[10.0, 20.0, 5.0], [12.0, NAN, 7.0]])[:, :, None]
    network = np.array([[11.0, 18.0, 5.0], [10.0, 99.0, 8.0]])[:, :, None]
    guess = np.array([[10.0, 20.0, 1.0], [10.0, 20.0, 1.0]])[:, :, None]
    scales = np.array([[2.0], [0.5]]), np.array([[8.0], [0.25]])
    return Backtest(
        np.array([4, 5, 20]), np.array([0, 0, 1]), actual, {NETWORK: network, "last-value": guess}, scales, BEGINS
    )


def test_the_figures_of_a_small_backtest():
    scores = by_hand().scores()
    assert list(scores) == [NETWORK, "last-value"]
    assert scores[NETWORK].mae == pytest.approx((1 + 2 + 2 + 0 + 1) / 5)
    assert scores[NETWORK].rmse == pytest.approx(math.sqrt((1 + 4 + 4 + 0 + 1) / 5))
    # Window by window (1 + 2)/2/2, 2/2, (0 + 1)/2/0.5; then series by series.
    assert scores[NETWORK].mase == pytest.approx(((0.75 + 1.0) / 2 + 1.0) / 2)
    assert scores[NETWORK].rmsse == pytest.approx(
        ((math.sqrt(2.5 / 8) + math.sqrt(4 / 8)) / 2 + math.sqrt(0.5 / 0.25)) / 2
    )
    assert scores["last-value"].mae == pytest.approx((0 + 2 + 0 + 4 + 6) / 5)
    assert scores["last-value"].mase == pytest.approx(((0.5 + 0.0) / 2 + 10.0) / 2)


def test_the_errors_of_each_window_are_in_units_of_its_series():
    tested = by_hand()
    assert tested.errors(NETWORK).tolist() == [0.75, 1.0, 1.0]
    assert tested.errors("last-value").tolist() == [0.5, 0.0, 10.0]
    tested.actual[:, 1] = NAN
    tested.scales[0][1] = NAN  # a constant history has no unit, and is left out beside one that has
    assert tested.errors(NETWORK).tolist()[0] == 0.75
    assert np.isnan(tested.errors(NETWORK)[1:]).all()
    tested.scales[0][0] = NAN  # where none has one, errors are in the data's own
    assert tested.errors(NETWORK)[[0, 2]].tolist() == [1.5, 0.5]


def judged(differences, series, **given):
    """A backtest of one step whose network errs so much more than the last value, on windows that share nothing."""
    W = len(differences)
    errors = {NETWORK: np.asarray(differences) + 5, "last-value": np.full(W, 5.0)}
    return Backtest(
        origins=np.arange(W) * 3,
        series=np.asarray(series),
        actual=np.zeros((1, W, 1)),
        forecasts={name: values.reshape(1, W, 1) for name, values in errors.items()},
        scales=given.pop("scales", (np.ones((2, 1)),) * 2),
        zeros=np.zeros(2, int),
        **given,
    )


def test_a_verdict_is_on_the_figure_that_is_shown():
    """In the mean over windows the network is worse; in MASE, where each series counts alike, it is better."""
    noise = np.random.default_rng(5).normal(0, 0.02, 60)
    differences, series = np.array([0.1] * 45 + [-0.25] * 15) + noise, [0] * 45 + [1] * 15
    assert differences.mean() > 0
    for apart in (False, True):
        tested = judged(differences, series, apart=apart)
        scores = tested.scores()
        assert scores[NETWORK].mase < scores["last-value"].mase
        assert tested.independent == 60
        assert tested.verdicts["last-value"][0] > 0.9
    scaled = judged(differences, series, scales=(np.array([[1.0], [9.0]]),) * 2)  # and the other way round
    assert scaled.scores()[NETWORK].mase > scaled.scores()["last-value"].mase
    assert scaled.verdicts["last-value"][0] < 0.1
    plain = judged(differences, series, scales=(np.full((2, 1), NAN),) * 2)
    assert plain.scores()[NETWORK].mae > plain.scores()["last-value"].mae
    assert plain.verdicts["last-value"][0] < 0.5


def test_windows_of_a_series_without_a_scale_are_in_no_verdict():
    differences, series = np.array([-0.1, -0.2] * 4 + [3.0] * 9), [0] * 8 + [1] * 9
    tested = judged(differences, series, scales=(np.array([[1.0], [NAN]]),) * 2)
    assert tested.independent == 8
    assert tested.verdicts == {"last-value": (1 - 0.5**8, "better")}
    few = judged(differences[4:], series[4:], scales=(np.array([[1.0], [NAN]]),) * 2)
    assert few.verdicts["last-value"][1] == "cannot tell, 4 groups"


def test_columns_of_several_series_do_not_mix():
    """Errors are 1 to 6; a mean over windows is taken column by column of each series first."""
    actual, said = np.zeros((1, 3, 2)), np.arange(1.0, 7.0).reshape(1, 3, 2)
    made = Backtest(np.array([3, 4, 20]), np.array([0, 0, 1]), actual, {NETWORK: said}, (np.ones((2, 2)),) * 2, BEGINS)
    assert made.scores()[NETWORK].mase == pytest.approx(((1 + 3) / 2 + (2 + 4) / 2 + 5 + 6) / 4)


def test_columns_are_scored_as_series_of_their_own():
    actual, said = np.array([[[1.0, 100.0]]]), np.array([[[2.0, 110.0]]])
    made = Backtest(np.array([3]), np.array([0]), actual, {NETWORK: said}, (np.array([[1.0, 20.0]]),) * 2, BEGINS)
    assert made.scores()[NETWORK].mase == pytest.approx((1 + 0.5) / 2)
    assert made.errors(NETWORK) == pytest.approx([(1 + 0.5) / 2])


N, SEASON = 60, 4
SERIES = 30 + 5 * np.sin(np.arange(N) * 2 * np.pi / SEASON) + np.random.default_rng(0).normal(0, 1, N)


def long_table(*series, **columns):
    ids = [f"s{s}" for s, values in enumerate(series) for _ in values]
    return csv(id=ids, y=np.concatenate(series), **columns)


def long_trainee(*series, training=None, **data):
    data = {"context": 8, "horizon": 3, "season": SEASON, "residual": "last-value", "validation": 0.3} | data
    return trainee_of(long_table(*series), training, target="y", id="id", **data)


def test_scales_are_of_the_rows_before_the_first_origin_of_each_series():
    made = long_trainee(SERIES, 3 * SERIES[:50], missing="mask")
    panel = made.splits.panel
    gap = 60 + 11
    panel.known[gap] = False
    tested = made.tester().run(np.array([45, 30, 60 + 20, 60 + 33]))
    for s, history in enumerate((SERIES[:30].copy(), 3 * SERIES[:20])):
        if s:
            history[11] = NAN
        steps = np.array([history[t] - history[t - SEASON] for t in range(SEASON, len(history))])
        steps = steps[~np.isnan(steps)]
        assert tested.scales[0][s] == pytest.approx([np.abs(steps).mean()])
        assert tested.scales[1][s] == pytest.approx([(steps**2).mean()])
    panel.values[45:60] = 1e6  # at and after its last origin
    assert np.array_equal(made.tester().run(np.array([45, 30, 80, 93])).scales, tested.scales)


def test_only_what_is_known_is_scored():
    series = SERIES.copy()
    series[50] = NAN
    made = long_trainee(series, SERIES, missing="mask")
    tested = made.tester().run(np.array([48, 49, 50]))
    wanted = [[SERIES[48], SERIES[49], NAN], [SERIES[49], NAN, SERIES[51]], [NAN, SERIES[51], SERIES[52]]]
    assert np.array_equal(tested.actual[:, :, 0].T, wanted, equal_nan=True)


def test_each_forecast_is_what_its_maker_says_alone():
    made = shaken(long_trainee(SERIES, SERIES[::-1], training={"seeds": 3, "with_baseline": True}))
    origins = np.array([48, 50, 60 + 55])
    tested = made.tester().run(origins)
    assert list(tested.forecasts) == [NETWORK, WITH_BASELINE, *NAIVE_FORECASTS]
    both = np.concatenate([SERIES, SERIES[::-1]])
    for w, origin in enumerate(origins):
        contexts = made.members.widest.contexts(made.features, origins[w : w + 1])
        alone = [member.point(contexts)[:, 0, 0] for member in made.members.members]
        last = np.repeat(both[origin - 1], 3)
        assert tested.forecasts[NETWORK][:, w, 0] == pytest.approx(np.sort(alone, axis=0)[1], rel=1e-6)
        four = np.sort([*alone, last], axis=0)
        assert tested.forecasts[WITH_BASELINE][:, w, 0] == pytest.approx((four[1] + four[2]) / 2, rel=1e-6)
        assert tested.forecasts["last-value"][:, w, 0].tolist() == last.tolist()
        assert tested.forecasts["seasonal-naive"][:, w, 0].tolist() == both[origin - SEASON : origin][:3].tolist()
        assert tested.actual[:, w, 0].tolist() == both[origin : origin + 3].tolist()
    assert tested.series.tolist() == [0, 0, 1]


def test_windows_beyond_the_most_are_thinned_out_evenly(monkeypatch):
    made = long_trainee(SERIES)
    origins = np.arange(10, 58)
    monkeypatch.setattr(backtest, "MOST_WINDOWS", 6)
    tested = made.tester().run(origins)
    assert tested.origins.tolist() == [10, 19, 28, 38, 47, 57]
    assert tested.actual.shape == (3, 6, 1)
    monkeypatch.setattr(backtest, "MOST_WINDOWS", 48)
    assert made.tester().run(origins).origins.tolist() == origins.tolist()


def test_in_pieces_the_figures_are_the_same(monkeypatch):
    made = shaken(long_trainee(SERIES, SERIES[::-1], training={"loss": "quantile"}))
    made.score()
    calibration = made.validated.calibrations[NETWORK]
    whole = made.tester().run(made.origins(1), calibration)
    monkeypatch.setattr("rnncli.tasks.forecast.windows.EVALUATED_AT_ONCE", 4)
    pieces = made.tester().run(made.origins(1), calibration)
    for name in whole.forecasts:
        assert pieces.forecasts[name] == pytest.approx(whole.forecasts[name], rel=1e-6)
    assert pieces.quantiles == pytest.approx(whole.quantiles, rel=1e-5)
    for part, wanted in zip(pieces.band(80), whole.band(80), strict=True):
        assert part == pytest.approx(wanted, rel=1e-5)
    assert pieces.scores()[NETWORK].wql == pytest.approx(whole.scores()[NETWORK].wql, rel=1e-5)


@pytest.mark.parametrize("levels", [None, (0.3, 0.7), (0.5,), (0.05,)])
def test_figures_with_a_name_are_that_figure(levels):
    made = shaken(long_trainee(SERIES, training={"loss": "quantile"}))
    made.score()
    origins, calibration = made.origins(1), made.validated.calibrations[NETWORK]
    tested = made.tester().run(origins, calibration, **({"levels": levels} if levels else {}))
    scores, actual = tested.scores(), tested.actual
    outlook, windowing = made.tester().outlook(origins, 3, calibration), made.members.first.windowing
    wanted = []
    for q in levels or np.arange(1, 10) / 10:
        made_at = calibration.quantile(outlook, q, windowing)
        over = actual - made_at
        wanted.append(2 * np.where(over > 0, q * over, (q - 1) * over).sum() / np.abs(actual).sum())
    assert scores[NETWORK].wql == pytest.approx(np.mean(wanted))
    if levels != (0.05,):
        absolute = np.abs(actual - tested.forecasts["last-value"]).sum() / np.abs(actual).sum()
        assert scores["last-value"].wql == pytest.approx(absolute)
    assert tested.band(95)[0] == pytest.approx(calibration.quantile(outlook, 0.025, windowing))
    reference = replace(tested, forecasts={NETWORK: tested.naive2}).scores()[NETWORK]
    assert reference.owa == pytest.approx(1)
    for score in scores.values():
        assert score.owa == pytest.approx((score.smape / reference.smape + score.mase / reference.mase) / 2)
    for w, origin in enumerate(origins.tolist()):
        before = made.features.values[:origin, :, None]
        assert tested.naive2[:, w] == pytest.approx(naive2(before, 3, SEASON)[:, :, 0])


def test_a_series_too_short_for_a_season_stops_no_one(monkeypatch):
    monkeypatch.setattr("rnncli.tasks.forecast.windows.EVALUATED_AT_ONCE", 2)
    made = long_trainee(SERIES, SERIES[:16], season=24, validation=4)
    tested = made.tester().run(made.origins(1))
    assert all(values.shape == tested.actual.shape for values in tested.forecasts.values())


def test_a_validation_part_of_gaps_tells_nothing():
    series = SERIES.copy()
    series[40:50] = NAN
    made = long_trainee(series, missing="mask", validation=10, test=10)
    assert made.score().split == "test"
    assert made.validated.prefers is None
    assert made.validated.calibrations == {}


def test_a_naive_forecast_that_errs_less_on_validation_is_preferred():
    walk = np.random.default_rng(3).normal(0, 1, 120).cumsum()
    made = shaken(long_trainee(walk), 5.0)  # a network that says wild things
    made.score()
    assert made.validated.prefers == "last-value"
    assert set(made.validated.calibrations) == {NETWORK, "last-value"}
    errors = made.tester().run(made.origins(1)).errors("last-value")
    assert np.nanmean(errors) < np.nanmean(made.tester().run(made.origins(1)).errors(NETWORK))


def test_windows_of_the_same_time_are_one_group_in_a_long_table_and_side_by_side():
    days = np.arange("2024-01-01", "2024-03-01", dtype="datetime64[D]").astype(str).tolist()
    late = SERIES[:40]  # begins on the eleventh day and ends on the fiftieth
    content = csv(id=["a"] * 60 + ["b"] * 40, day=[*days, *days[10:50]], y=np.append(SERIES, late))
    data = {"context": 8, "horizon": 3, "season": SEASON, "validation": 0.3}
    made = trainee_of(content, target="y", id="id", time="day", **data)
    assert np.diff(made.splits.panel.zeros()).tolist() == [60 - 10]
    day = 40
    origins = np.array([day, 60 + day - 10, day + 6, 60 + day - 4, day + 12])
    groups = made.tester().run(origins).together.groups.tolist()
    assert groups == [0, 0, 1, 1, 2]
    timeless = trainee_of(content, target="y", id="id", time="none", **data)
    assert timeless.tester().run(origins).together.groups.tolist() == [0, 4, 1, 5, 2]
    wide = trainee_of(csv(y=SERIES, z=SERIES[::-1]), channels="independent", **data)
    assert wide.tester().run(origins[[0, 2, 4]]).together.groups.tolist() == [0, 1, 2]
    both = wide.tester().run(np.array([40, 46, 60 + 40, 60 + 46]))
    assert both.together.groups.tolist() == [0, 1, 0, 1]


def test_every_baseline_looks_back_to_the_beginning_of_its_own_series():
    made = long_trainee(SERIES, SERIES[:20] * 10)
    tester = made.tester()
    origins = np.array([30, 50, 60 + 15])
    together = tester.run(origins).forecasts
    for w, origin in enumerate(origins):
        own = SERIES[:origin] if w < 2 else 10 * SERIES[: origin - 60]
        for name, naive in NAIVE_FORECASTS.items():
            wanted = naive(own[:, None, None], 3, SEASON)[:, 0, 0]
            assert together[name][:, w, 0] == pytest.approx(wanted, rel=1e-12), name
