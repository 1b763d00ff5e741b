"""The first sentence on a forecast's score: what its errors are told in, and beside which baseline."""

from types import SimpleNamespace

import numpy as np
import pytest

from rnncli.data.stamps import DAY, HOUR, WEEK
from rnncli.data.units import unit_of
from rnncli.tasks.forecast.backtest import Backtest
from rnncli.tasks.forecast.headline import headline, in_words
from rnncli.tasks.forecast.panel_columns import Columns


def backtest(actual, scale=1.0, **forecasts):
    """One series of C columns, actual (H, W, C); scale: the seasonal difference of each."""
    C = actual.shape[2]
    names = {name.replace("_", "-"): made for name, made in forecasts.items()}
    scales = (np.ones((1, C)) * scale,) * 2
    return Backtest(np.arange(actual.shape[1]), np.zeros(actual.shape[1], int), actual, names, scales, np.zeros(1, int))


def said(actual, targets, season=12, signs=None, scale=1.0, **forecasts):
    columns = Columns("wide", None, None, targets, signs=signs or {})
    months = [SimpleNamespace(unit="month", step=1, clocks=(), decimals=0)]
    found = headline(backtest(actual, scale, **forecasts), columns, season, months)
    return found and found.text()


ACTUAL = np.full((2, 3, 1), 200.0)


def test_one_target_is_told_in_its_unit_beside_the_season():
    made = {"network": ACTUAL + 10, "last_value": ACTUAL - 60, "seasonal_naive": ACTUAL - 20}
    assert said(ACTUAL, ("sales",), signs={"sales": "€"}, **made) == (
        "off by 10 € on average, 5%; last year's value: 20 €"
    )
    assert said(ACTUAL, ("load [MW]",), **made).startswith("off by 10 MW on average")
    assert said(ACTUAL, ("sales",), **made).startswith("sales off by 10 on average, 5%")
    del made["seasonal_naive"]
    assert said(ACTUAL, ("sales",), **made).endswith("; the last value: 60")


def test_what_is_not_known_counts_for_nothing():
    holes = ACTUAL.copy()
    holes[0, 0] = np.nan
    assert said(holes, ("x",), network=ACTUAL + 10, last_value=ACTUAL).startswith("x off by 10 on average, 5%")
    assert said(np.full_like(ACTUAL, np.nan), ("x",), network=ACTUAL, last_value=ACTUAL) is None


def test_values_around_zero_have_no_percents():
    actual = ACTUAL * np.array([1, -1, 1])[None, :, None]
    assert said(actual, ("x",), network=actual + 1, last_value=actual) == "x off by 1 on average; the last value: 0"


def test_several_columns_are_those_of_the_score_and_one_is_all_that_was_forecast():
    actual = np.concatenate([ACTUAL, ACTUAL / 100, np.full_like(ACTUAL, -7)], axis=2)
    made = {"network": actual * [1.1, 1.2, 1], "last_value": actual * [1.3, 1.5, 1]}
    text = said(actual, ("a", "b", "constant"), scale=[1, 1, np.nan], **made)
    assert text == "off by 15% on average; the last value: 40%"
    assert said(ACTUAL, ("a",), scale=np.nan, network=ACTUAL + 10, last_value=ACTUAL).startswith("a off by 10 on")
    both = said(actual[:, :, :2], ("a", "b"), scale=np.nan, network=actual[:, :, :2], last_value=actual[:, :, :2] * 2)
    assert both == "off by 0% on average; the last value: 100%"


def test_several_units_are_told_in_percent_or_beside_the_baseline():
    actual = np.concatenate([ACTUAL, ACTUAL / 100], axis=2)
    made = {"network": actual * 1.1, "last_value": actual * 1.3}
    assert said(actual, ("a", "b"), **made) == "off by 10% on average; the last value: 30%"
    cold = -actual * np.array([1, -1])
    text = said(cold, ("a", "b"), network=cold + 1, last_value=cold + 4)
    assert text == "errors 75% smaller than those of the last value"


@pytest.mark.parametrize(
    ("unit", "step", "season", "words"),
    [
        ("month", 1, 12, "last year's value"),
        ("month", 3, 4, "last year's value"),
        ("month", 1, 6, "the value 6 months before"),
        ("second", DAY, 7, "last week's value"),
        ("second", DAY, 365, "last year's value"),
        ("second", WEEK, 52, "last year's value"),
        ("second", HOUR, 24, "yesterday's value"),
        ("second", 60, 60, "the value an hour before"),
        ("second", 600, 5, "the value 5 rows before"),
        ("weekday", 1, 5, "last week's value"),
        ("weekday", 1, 10, "the value 10 days before"),
        ("year", 1, 11, "the value 11 years before"),
        ("step", 1, 12, "the value 12 rows before"),
    ],
)
def test_a_season_is_told_in_words(unit, step, season, words):
    timeline = SimpleNamespace(unit=unit, step=step, clocks=(), decimals=0, days=(0, 1, 2, 3, 4))
    assert in_words(season, timeline) == words


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("sales [€]", ("sales", "€")),
        ("load (MW)", ("load", "MW")),
        ("share(%)", ("share", "%")),
        ("wind [m/s]", ("wind", "m/s")),
        ("sales", ("sales", "")),
        ("size (2)", ("size (2)", "")),
    ],
)
def test_a_unit_stands_in_brackets(name, found):
    assert unit_of(name, {}) == found


def test_a_season_without_times_is_so_many_rows():
    assert in_words(7, None) == "the value 7 rows before"
