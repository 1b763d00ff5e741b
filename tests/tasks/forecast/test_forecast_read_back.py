"""Rows of a forecast, as charts again."""

from __future__ import annotations

from typing import Any

import pytest

from rnncli.tasks.forecast.read_back import charts_of


def test_intervals_name_the_targets_and_what_stands_before_the_time_the_series() -> None:
    rows = [
        {"shop": shop, "day": f"2024-01-0{day}", "sold": "4", "sold_lo_80": "3", "sold_hi_80": "6.5"}
        for shop in ("north", "south")
        for day in (1, 2)
    ]
    north, south = charts_of(rows)
    assert (north.title, south.title) == ("north sold", "south sold")
    assert north.forecast == (("2024-01-01", 4.0), ("2024-01-02", 4.0))
    assert north.bands == ((80, (3.0, 3.0), (6.5, 6.5)),)
    assert north.seconds == (1704067200, 1704153600)


def test_without_intervals_the_last_columns_of_numbers_are_forecast() -> None:
    first, second = charts_of([{"step": k, "a": 1.5, "b": 2} for k in (1, 2)])
    assert (first.title, second.title) == ("a", "b")
    assert first.forecast == (("1", 1.5), ("2", 1.5))
    assert first.seconds == ()


@pytest.mark.parametrize(
    "times", [(2020, 2021, 2022), ("20230630", "20230701", "20230702"), (7, 8, 9), ("2020.917", "2021.0", "2021.083")]
)
def test_the_time_of_several_series_may_be_numbers(times: tuple[Any, ...]) -> None:
    rows = [{"store": s, "time": t, "sales": s + 2 * k} for s in (1, 2) for k, t in enumerate(times)]
    first, second = charts_of(rows)
    assert (first.title, second.title) == ("1 sales", "2 sales")
    assert first.forecast == tuple(zip(map(str, times), (1.0, 3.0, 5.0), strict=True))


def test_forecasts_that_rise_evenly_are_no_times() -> None:
    titles = [chart.title for chart in charts_of([{"day": f"2024-01-0{k}", "a": k, "b": 2} for k in (1, 2, 3)])]
    assert titles == ["a", "b"]
    rows = [{"shop": s, "step": k, "a": 2 * k, "b": 5} for s in ("n", "s") for k in (1, 2, 3)]
    assert [chart.title for chart in charts_of(rows)] == ["n a", "n b", "s a", "s b"]


def test_a_forecast_may_say_by_what_it_is() -> None:
    (chart,) = charts_of([{"day": f"2024-01-0{k}", "sold": "4", "forecast_by": "last-value"} for k in (1, 2)])
    assert (chart.title, chart.forecast) == ("sold", (("2024-01-01", 4.0), ("2024-01-02", 4.0)))
    said = {"forecast_by": "network", "averaged_with": "theta"}
    (chart,) = charts_of([{"day": f"2024-01-0{k}", "sold": "4", **said} for k in (1, 2)])
    assert (chart.title, chart.forecast) == ("sold", (("2024-01-01", 4.0), ("2024-01-02", 4.0)))


def test_other_rows_are_no_forecast() -> None:
    assert charts_of([]) == ()
    assert charts_of([{"name": "ann", "place": "here"}]) == ()


def test_levels_keep_their_decimals() -> None:
    ends = {"y_lo_97.5": 1, "y_hi_97.5": 3, "y_lo_98.5": 0, "y_hi_98.5": 4}
    (chart,) = charts_of([{"day": f"2024-01-0{k}", "y": 2, **ends} for k in (1, 2)])
    assert [level for level, _, _ in chart.bands] == [97.5, 98.5]


@pytest.mark.parametrize("ends", [{"sold_lo_80": "3", "sold_hi_80": "6.5"}, {}])
@pytest.mark.parametrize(
    ("first", "last"), [("2024-01", "2024-12"), (2020, 2025), (1, 12), ("2024-01-01 00:00", "2024-01-01 23:00")]
)
def test_totals_are_of_a_span_of_times(first: Any, last: Any, ends: dict[str, str]) -> None:
    total = {"first": first, "last": last, "sold": "4", **ends}
    north, south = charts_of([{"shop": shop, **total} for shop in ("north", "south")])
    assert (north.title, south.title) == ("north sold", "south sold")
    assert north.forecast == south.forecast == ((f"{first} to {last}", 4.0),)
    assert len(north.bands) == len(ends) / 2
    (alone,) = charts_of([total])
    assert (alone.title, alone.forecast) == ("sold", ((f"{first} to {last}", 4.0),))
    assert alone.seconds == ()


def test_a_time_may_be_called_as_the_end_of_a_span() -> None:
    (chart,) = charts_of([{"first": "a", "last": f"2024-01-0{day}", "sold": 4} for day in (1, 2)])
    assert (chart.title, chart.forecast) == ("a sold", (("2024-01-01", 4.0), ("2024-01-02", 4.0)))
