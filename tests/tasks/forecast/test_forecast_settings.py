"""What a forecast's config must not ask for, and what it leaves open."""

import numpy as np
import pytest
from experiments import csv, trainee_of

from rnncli.errors import ConfigError

Y = 30 + np.random.default_rng(0).normal(0, 1, 60)
SIZES = {"context": 8, "horizon": 3, "season": 4}


@pytest.mark.parametrize(
    ("training", "model", "data", "why"),
    [
        ({}, {"decoder": "recursive"}, {"residual": "seasonal-growth"}, "cannot correct step by step"),
        ({"with_baseline": True}, {}, {"residual": "none"}, "there is no baseline"),
        ({}, {"decoder": "segments", "skip_connections": True}, {}, "set model.decoder: direct"),
    ],
)
def test_what_does_not_go_together_is_refused(training, model, data, why):
    with pytest.raises(ConfigError, match=why):
        trainee_of(csv(y=Y), training, model, **SIZES, **data)


def test_a_model_file_is_written_for_no_context_that_none_may_have():
    data = {"context": 4001, "padding": True, "horizon": 3, "season": 4}
    with pytest.raises(ConfigError, match=r"data\.context: is 4,001, and may be 4,000 at most here; lower it"):
        trainee_of(csv(y=Y), {}, {}, **data)
    assert trainee_of(csv(y=Y), {}, {}, **data | {"context": 100}).members.first.windowing.context == 100


def test_a_model_file_is_written_for_no_horizon_that_none_may_have():
    rows = np.random.default_rng(1).normal(30, 1, 20_200)
    with pytest.raises(ConfigError, match=r"data\.horizon: is 20,001, and may be 20,000 at most here; lower it"):
        trainee_of(csv(y=rows), {}, {}, context=8, horizon=20_001, season=4, validation=0, test=0)


@pytest.mark.parametrize("decoder", ["direct", "recursive"])
def test_gradients_flow_through_all_that_is_read_unless_told_otherwise(decoder):
    made = trainee_of(csv(y=Y, k=Y), {}, {"decoder": decoder}, **SIZES, target="y", known_covariates=["k"])
    its = made.members.first.decoder
    assert its.bptt == its.T == (11 if decoder == "direct" else 10)


# The context that is left open.


def monthly(rows):
    """Months whose season the time column tells."""
    months = [str(month) for month in np.datetime64("2000-01") + np.arange(rows)]
    return csv(month=months, y=30 + np.random.default_rng(1).normal(0, 1, rows))


@pytest.mark.parametrize(
    ("rows", "data", "context"),
    [
        (480, {}, 36),  # three seasons
        (100, {}, 27),  # two and a quarter, which are more than a quarter of the rows
        (72, {}, 27),
        (48, {}, (39 - 2) // 2),  # of the 39 rows to train on, as many as there are windows of them and 2 to forecast
        (48, {"validation": 0, "test": 0}, (48 - 2) // 2),
        (48, {"validation": 6, "test": 6, "horizon": 6}, (36 - 6) // 2),
        (20, {}, (16 - 1) // 2),
        (100, {"season": 1, "horizon": 5}, 15),  # three horizons
        (60, {"season": 1, "horizon": 8}, 15),  # a quarter of the rows
    ],
)
def test_a_context_is_two_seasons_and_a_bit_where_the_rows_allow_it(rows, data, context):
    made = trainee_of(monthly(rows), None, {"decoder": "direct"}, **{"validation": 0.2, **data})
    assert made.config.data.context == context


@pytest.mark.parametrize(
    ("rows", "data", "segment", "context"),
    [
        (480, {}, 12, 48),  # four horizons
        (480, {"horizon": 24}, 12, 96),
        (480, {"horizon": 48}, 24, 120),  # a quarter of the rows, in segments of two seasons
        (100, {}, 5, 25),  # two seasons and a bit, of a horizon of 5
        (120, {"horizon": 18}, None, 30),  # fewer rows than eight horizons
        (90, {}, None, 27),  # fewer rows than eight seasons
        (480, {"season": 1}, None, 3),
        (480, {"context": 40}, None, 40),
    ],
)
def test_a_long_series_with_a_season_is_read_in_segments(rows, data, segment, context):
    made = trainee_of(monthly(rows), **{"validation": 0.2, **data}).config
    assert (made.model.decoder, made.model.segment) == ("segments" if segment else "direct", segment)
    assert (made.data.context, made.data.scaling) == (context, "standard" if segment else "seasonal-error")


def test_a_network_of_one_stack_is_chosen_where_only_it_has_what_is_asked_for():
    made = trainee_of(monthly(480), None, {"skip_connections": True, "num_layers": 2}, validation=0.2)
    assert made.config.model.decoder == "direct"
    assert made.network.shape.skip_connections


def test_series_one_under_another_are_read_in_segments_by_their_usual_length():
    rows = [(name, day) for name, days in (("a", 100), ("b", 100), ("c", 9)) for day in range(days)]
    content = csv(name=[name for name, _ in rows], y=[day % 7 + 1 for _, day in rows])
    made = trainee_of(content, id="name", season=7, horizon=7, validation=0.2).config
    assert (made.model.decoder, made.model.segment, made.data.context) == ("segments", 7, 21)
    assert (made.data.padding, made.data.residual) == (True, "seasonal-naive")


@pytest.mark.parametrize(
    ("context", "scaling", "wanted", "noted"),
    [
        (18, None, "seasonal-error", None),  # 6 of 18 rows have another a season before them
        (17, None, "standard", "has 17 rows and a season 12, "),
        (12, None, "standard", "has 12 rows and a season 12, "),
        (6, None, "standard", "it is scaled by its standard deviation"),
        ([12, 36], None, "standard", "has 12 rows and a season 12, "),
        (12, "seasonal-error", "seasonal-error", "seasonal-error is a matter of luck; set it to 27 or more"),
        (12, "standard", "standard", None),
        (12, ["mean", "seasonal-error"], ["mean", "seasonal-error"], "matter of luck"),
    ],
)
def test_a_context_of_one_season_is_not_scaled_by_its_seasonal_errors(context, scaling, wanted, noted):
    notes = []
    made = trainee_of(monthly(120), {"seeds": 2}, notes=notes, context=context, scaling=scaling, validation=0.2)
    assert made.config.data.scaling == wanted
    told = [text for text in notes if text.startswith("data.context: ")]
    assert len(told) == bool(noted)
    assert noted is None or noted in told[0]


def test_a_short_context_without_a_season_is_scaled_by_its_errors():
    assert trainee_of(csv(y=Y), season=1, context=2, horizon=1).config.data.scaling == "seasonal-error"


def panel_of(count, rows, low=1.0, *, times=False):
    """So many series of a season of 7, one under another."""
    random, table = np.random.default_rng(0), [(f"s{s}", day) for s in range(count) for day in range(rows)]
    columns = {"name": [name for name, _ in table]}
    if times:
        columns["day"] = [str(np.datetime64("2020-01-01") + day) for _, day in table]
    return csv(**columns, y=[low + day % 7 + random.random() for _, day in table])


@pytest.mark.parametrize(
    ("count", "rows", "times", "horizon", "validation"),
    [
        (100, 35, False, 7, 7),
        (99, 35, False, 7, 0.2),
        (100, 34, False, 7, 0.2),  # of which a fifth is less than a horizon
        (100, 35, True, 7, 0.2),
    ],
)
def test_of_many_series_that_share_no_times_one_horizon_is_for_validation(count, rows, times, horizon, validation):
    made = trainee_of(panel_of(count, rows, times=times), {"epochs": 1}, id="name", season=7, horizon=horizon)
    assert made.config.data.validation == validation
    kept = trainee_of(panel_of(count, rows), {"epochs": 1}, id="name", season=7, horizon=horizon, validation=0.3)
    assert kept.config.data.validation == 0.3


@pytest.mark.parametrize(
    ("low", "training", "data", "scaling"),
    [
        (1.0, {}, {}, ["standard", "mean"]),
        (-3.0, {}, {}, "standard"),  # a mean near 0 is no unit
        (1.0, {}, {"transform": "log"}, "standard"),  # nor is that of logarithms
        (1.0, {"seeds": 1}, {}, "standard"),
        (1.0, {}, {"scaling": "robust"}, "robust"),
        (1.0, {}, {"context": 14}, "seasonal-error"),  # not in segments
    ],
)
def test_several_networks_of_series_in_segments_are_scaled_in_two_ways(low, training, data, scaling):
    made = trainee_of(panel_of(3, 70, low), training, id="name", season=7, horizon=7, **data)
    assert made.config.data.scaling == scaling


def test_a_negative_value_that_is_held_out_changes_no_scaling():
    random, name = np.random.default_rng(0), ["a"] * 70 + ["b"] * 70
    y = 1 + np.arange(140) % 7 + random.random(140)
    for row, scaling in ((69, ["standard", "mean"]), (40, "standard")):
        y[row] = -5
        made = trainee_of(csv(name=name, y=y), id="name", season=7, horizon=7, validation=0.2)
        assert made.config.data.scaling == scaling
