"""The networks' forecast is averaged with a baseline's, by the shares that were best on validation."""

from dataclasses import replace

import numpy as np
import pytest
from experiments import csv, reloaded, shaken, trained, trainee_of

from rnncli.errors import UsageError
from rnncli.notes import noting
from rnncli.tasks.forecast.averaging import best_average
from rnncli.tasks.forecast.backtest import NETWORK, Backtest
from rnncli.tasks.forecast.baselines import last_value, seasonal_naive, theta
from rnncli.tasks.forecast.members import Average
from rnncli.tasks.forecast.paths import Walk
from rnncli.tasks.forecast.splits import TEST, VALIDATION
from rnncli.tasks.forecast.validated import Validated
from rnncli.tasks.task import Asked

H, M = 4, 6
RANDOM = np.random.default_rng(3)
Y = 50 + 8 * np.sin(np.arange(160) * 2 * np.pi / M) + RANDOM.normal(0, 3, 160)


def made(training=None, model=None, columns=1, **data):
    sizes = {"horizon": H, "season": M, "context": 9, "residual": "seasonal-naive", "validation": 0.3, "test": 0.2}
    content = csv(**{f"y{c}": Y * 10**c + c for c in range(columns)})
    return trained(shaken(trainee_of(content, training, model, **(sizes | data)), 0.1), 20)


def backtest(actual, **forecasts):
    """Windows (H, W) of one column, each of which starts where the one before it ends."""
    actual = np.asarray(actual, float)[:, :, None]
    return Backtest(
        origins=10 + H * np.arange(actual.shape[1]),
        series=np.zeros(actual.shape[1], int),
        actual=actual,
        forecasts={name.replace("_", "-"): np.asarray(one, float)[:, :, None] for name, one in forecasts.items()},
        scales=(np.ones((1, 1)), np.ones((1, 1))),
        zeros=np.zeros(1, int),
    )


@pytest.mark.parametrize("squared", [False, True])
def test_the_shares_are_those_with_the_least_error_drawn_to_equal_ones(squared):
    actual = RANDOM.normal(size=(H, 4))
    # Errors of 1 and of 4 in opposite directions cancel out at 0.8 and 0.2; theta is further off.
    tested = backtest(actual, network=actual + 1, last_value=actual - 4, theta=actual - 8)
    found = best_average(tested, squared=squared)
    assert found.baseline == "last-value"
    assert tested.independent == 2
    assert found.share == pytest.approx((2 * 0.8 + 0.5) / 3)


@pytest.mark.parametrize(("network", "baseline"), [(1, 2), (3, 2)])
def test_whoever_is_best_alone_forecasts_alone(network, baseline):
    actual = RANDOM.normal(size=(H, 4))
    assert best_average(backtest(actual, network=actual + network, theta=actual + baseline), squared=False) is None


def test_a_baseline_that_is_no_worse_than_the_average_by_drawn_shares_forecasts_alone():
    """Errors cancel out at a ninth of the network, which two groups of windows draw to more than a fifth."""
    actual = RANDOM.normal(size=(H, 4))
    assert best_average(backtest(actual, network=actual + 8, theta=actual - 1), squared=False) is None
    assert best_average(backtest(actual, network=actual + 2, theta=actual - 1), squared=False) is not None


def test_nothing_is_averaged_where_no_value_is_known():
    unknown = np.full((H, 4), np.nan)
    assert best_average(backtest(unknown, network=unknown, theta=unknown), squared=False) is None


def test_the_average_is_what_is_scored_and_what_predict_answers_with():
    experiment, notes = made(columns=2, scaling="standard"), []
    with noting(notes.append):
        score = experiment.score()
    by = experiment.validated.average
    assert 0 < by.share < 1
    told = f"{by.share:.0%} the network's and {1 - by.share:.0%} that of {by.baseline.replace('-', ' ')}"
    assert notes[0] == f"forecast: {told}, by their errors on validation"
    assert score.detail.endswith(f"; forecast: {told}")
    model, network = reloaded(experiment), reloaded(made({"average": False}, columns=2, scaling="standard"))
    naive = {"theta": theta, "last-value": last_value, "seasonal-naive": seasonal_naive}[by.baseline]
    past = model.panel.values[-1000:, None, :]
    wanted = by.share * network.forecasts(network=True).point + (1 - by.share) * naive(past, H, M)
    assert model.forecasts(network=True).point == pytest.approx(wanted)


def test_a_backtest_is_that_of_predict_from_each_origin():
    experiment = made()
    experiment.score()
    by, origins = experiment.validated.average, experiment.origins(TEST)
    tested = experiment.tester().run(origins)
    alone = replace(experiment.tester(), members=experiment.members.averaged(None)).run(origins)
    wanted = by.share * alone.forecasts[NETWORK] + (1 - by.share) * alone.forecasts[by.baseline]
    assert tested.forecasts[NETWORK] == pytest.approx(wanted)
    assert tested.forecasts["theta"] == pytest.approx(alone.forecasts["theta"])


def test_a_second_score_is_the_first():
    experiment = made()
    first, by = experiment.score(), experiment.validated.average
    assert experiment.score() == first
    assert experiment.validated.average == by


def test_beyond_the_horizon_both_read_on_from_their_average():
    experiment = made()
    experiment.score()
    members = experiment.members.averaged(Average("theta", 0.25))
    past = replace(experiment.tester(), members=members).past(experiment.origins(VALIDATION)[:3], 2 * H)
    first = Walk(members).points(past, H)
    then = past.then(first, None)
    # The scale stays that of the rows that were seen, with which last values are corrected here.
    again = members.averaged(None).point(then.features, members.scales(past.features))
    assert Walk(members).points(past, 2 * H)[H:] == pytest.approx(
        0.25 * again + 0.75 * Walk(members, "theta").points(then, H)
    )


@pytest.mark.parametrize(
    ("training", "model"),
    [
        ({"loss": "gaussian"}, {}),
        ({"loss": "quantile"}, {}),
        ({"with_baseline": True}, {}),
        ({}, {"decoder": "recursive"}),
        ({"average": False}, {}),
    ],
)
def test_some_forecast_alone(training, model):
    experiment = made(training, model)
    experiment.score()
    assert experiment.validated.average is None
    assert experiment.validated.calibrations


def test_intervals_are_calibrated_on_the_errors_of_the_average():
    wide, narrow = made({"average": False}), made()
    wide.score()
    narrow.score()
    widths = [
        np.subtract(*reloaded(one).forecasts(levels=(80,), network=True).bands[80][::-1]).mean()
        for one in (wide, narrow)
    ]
    assert widths[1] < widths[0]


@pytest.mark.parametrize("options", [{}, {"network": True}, {"samples": 2}])
@pytest.mark.parametrize("prefers", [None, "drift"])
@pytest.mark.parametrize("average", [None, Average("theta", 0.25)])
def test_json_names_the_baseline_that_is_part_of_the_networks_forecast(average, prefers, options):
    experiment = made()
    experiment.score()
    one = experiment.validated.calibrations[NETWORK]
    experiment.validated = Validated({NETWORK: one, "drift": one}, prefers, average=average)
    with noting(lambda text: None):
        table = reloaded(experiment).predict(Asked(None, {}, options, lambda text: None))
    by = NETWORK if options.get("network") else prefers or NETWORK
    said = {"forecast_by": by} | ({"averaged_with": "theta"} if average and by == NETWORK else {})
    for row in table.nested:
        assert {key: value for key, value in row.items() if key.endswith(("_by", "_with"))} == said
    assert not any("averaged_with" in row for row in table.rows)


def test_a_choice_that_the_printed_measure_would_not_make_is_told():
    """The choice is by all errors at once, the printed MASE by means of series; here the network's are made up."""
    experiment = made(test=0)
    experiment.score()
    assert experiment.method == NETWORK
    tested = experiment.tester().run(experiment.origins(VALIDATION))
    actual = tested.actual

    def told(prefers, missed, split="validation"):
        experiment.validated, notes = replace(experiment.validated, prefers=prefers), []
        with noting(notes.append):
            experiment.scored(split, replace(tested, forecasts=tested.forecasts | {NETWORK: actual + missed}))
        return notes

    by = "the choice is by the mean of all absolute errors on validation, in units of the seasonal difference"
    (note,) = told(None, 1000)
    assert note.startswith(("seasonal naive has", "theta has", "last value has"))
    assert f"has the lower MAE, and the network forecasts: {by}" in note
    (note,) = told("theta", 0)
    assert note.startswith(f"the network has the lower MAE, and theta forecasts: {by}")
    assert told("theta", 1000) == told(None, 0) == told("theta", 0, "test") == []


def test_a_module_for_pytorch_is_refused_with_what_helps():
    one, two = made(), made({"seeds": 2})
    for experiment in (one, two):
        experiment.score()
        experiment.validated = replace(experiment.validated, average=Average("seasonal-naive", 0.5))
    with pytest.raises(UsageError, match="is averaged with a baseline; add --no-average for the network's own, or use"):
        reloaded(one).in_torch()
    reloaded(one).network_alone().in_torch()
    for model in (reloaded(two), reloaded(two).network_alone()):
        with pytest.raises(UsageError, match="is the median of 2 networks; use --to onnx, or train with") as refused:
            model.in_torch()
        assert "--no-average" not in str(refused.value)
