"""Rows of a forecast, as charts again."""

from __future__ import annotations

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


def test_a_forecast_may_say_by_what_it_is() -> None:
    (chart,) = charts_of([{"day": f"2024-01-0{k}", "sold": "4", "forecast_by": "last-value"} for k in (1, 2)])
    assert (chart.title, chart.forecast) == ("sold", (("2024-01-01", 4.0), ("2024-01-02", 4.0)))


def test_other_rows_are_no_forecast() -> None:
    assert charts_of([]) == ()
    assert charts_of([{"name": "ann", "place": "here"}]) == ()
