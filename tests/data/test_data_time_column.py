"""Many series in one table: the step they share, the place of every row, and what each switch allows."""

from __future__ import annotations

import numpy as np
import pytest

from rnncli.data.csv_table import Table
from rnncli.data.time_column import read_timelines
from rnncli.errors import DataError


def table(rows: str) -> tuple[Table, list[np.ndarray]]:
    """A table of "series stamp" lines, where a series called - is no series, and the rows of each series."""
    cells = [line.split(" ", 1) for line in rows.split(", ")]
    names = [name for name in dict.fromkeys(name for name, _ in cells) if name != "-"]
    groups = [np.array([i for i, (name, _) in enumerate(cells) if name == wanted]) for wanted in names]
    return Table("d.csv", ["id", "day"], cells, list(range(2, 2 + len(cells))), ","), groups


def read(rows: str, *, fill_gaps: bool = False, keep_duplicates: bool = False):
    data, groups = table(rows)
    return read_timelines(data, 1, groups, fill_gaps=fill_gaps, keep_duplicates=keep_duplicates)


def refused(rows: str, **switches: bool) -> str:
    with pytest.raises(DataError) as caught:
        read(rows, **switches)
    return str(caught.value)


def test_series_one_under_the_other_or_mixed_have_places_of_their_own():
    below, places = read("a 2020-01-30, a 2020-01-31, a 2020-02-01, b 2020-05-01, b 2020-05-02")
    assert places.tolist() == [0, 1, 2, 0, 1]
    assert [timeline.last for timeline in below] == ["2020-02-01", "2020-05-02"]
    assert [timeline.following(1) for timeline in below] == [["2020-02-02"], ["2020-05-03"]]
    mixed, places = read("a 2020-01-30, b 2020-05-01, a 2020-01-31, b 2020-05-02, a 2020-02-01")
    assert places.tolist() == [0, 0, 1, 1, 2]
    assert mixed == below


def test_rows_in_no_series_have_no_place_and_are_not_read():
    timelines, places = read("- soon, a 5, - 5, a 7, - x")
    assert places.tolist() == [-1, 0, -1, 1, -1]
    assert timelines[0].following(1) == ["9"]


def test_a_series_of_one_row_takes_the_step_of_the_others():
    timelines, places = read("a 2020-02, b 2020-01, b 2020-04")
    assert places.tolist() == [0, 0, 1]
    assert timelines[0].following(2) == ["2020-05", "2020-08"]


def test_without_two_rows_in_a_series_there_is_no_step():
    assert refused("a 2020-01, b 2020-02") == (
        'd.csv:2: column 2 "day": series of one row have no time step; need at least 2 rows; '
        "or leave the times out with --set data.time=none"
    )
    assert "there is no time step" in refused("a 2020-01, a 2020-01", keep_duplicates=True)


def test_the_commonest_step_of_all_series_is_that_of_each():
    rows = "a 2020-01-01, a 2020-01-03, b 2020-01-01, b 2020-01-02, b 2020-01-03"
    assert refused(rows).startswith(
        'd.csv:3: column 2 "day": "2020-01-03" comes after "2020-01-01"; expected "2020-01-02"'
    )
    timelines, places = read(rows, fill_gaps=True)
    assert places.tolist() == [0, 2, 0, 1, 2]
    assert timelines[0].following(1) == ["2020-01-04"]


def test_gaps_are_counted_in_steps_of_any_unit():
    assert read("a 2020-01-31, a 2020-02-29, a 2020-06-30, a 2020-07-31", fill_gaps=True)[1].tolist() == [0, 1, 5, 6]
    weekdays = "a 2024-01-04, a 2024-01-05, a 2024-01-08, a 2024-01-09, a 2024-01-22"
    assert read(weekdays, fill_gaps=True)[1].tolist() == [0, 1, 2, 3, 12]
    assert read("a 0, a 5, a 10, a 100", fill_gaps=True)[1].tolist() == [0, 1, 2, 20]


def test_a_repeated_stamp_has_the_place_of_the_one_before_it():
    rows = "a 2020-01-01, a 2020-01-01, a 2020-01-02, b 2020-01-02, a 2020-01-02, b 2020-01-03"
    timelines, places = read(rows, keep_duplicates=True)
    assert places.tolist() == [0, 0, 1, 0, 1, 1]
    assert timelines[0].following(1) == ["2020-01-03"]
    assert "--set data.duplicates=first|last|mean|sum; or leave" in refused(rows, fill_gaps=True)
    assert "--missing ffill|interpolate|mask|zero; or leave" in refused("a 1, a 2, a 3, a 9", keep_duplicates=True)


@pytest.mark.parametrize("late", ["2020-01-01 00:00", "2020-01-01 01:30"])
def test_no_switch_allows_a_step_back_or_a_part_of_a_step(late):
    rows = f"a 2020-01-01 00:00, a 2020-01-01 01:00, a {late}, a 2020-01-01 04:00, a 2020-01-01 05:00"
    assert refused(rows, fill_gaps=True, keep_duplicates=True).startswith(
        f'd.csv:4: column 2 "day": "{late}" comes after'
    )


def test_the_first_line_at_fault_is_named_whichever_series_it_is_in():
    rows = "b 1, a 1, b 2, a 2, a 2, b 9, b 10, a 3"
    assert refused(rows).startswith('d.csv:6: column 2 "day": "2" occurs twice; expected "3"')
    assert refused(rows, keep_duplicates=True).startswith('d.csv:7: column 2 "day": "9" comes after "2"; expected "3"')


def test_a_stamp_of_another_form_is_named_in_the_order_of_the_file():
    rows = "a 2020-01-01, b 2020-01-01, b 2020.01.02, a 2020-01-32, b 2020-01-03"
    assert refused(rows).startswith(
        'd.csv:4: column 2 "day": "2020.01.02" is not a time; expected YYYY-MM-DD as on line 2'
    )


def test_a_weekend_in_one_series_shows_that_all_are_weekdays():
    timelines, _ = read("a 2024-01-02, a 2024-01-03, b 2024-01-05, b 2024-01-08")
    assert [timeline.frequency for timeline in timelines] == ["weekday", "weekday"]
    timelines, _ = read("a 2024-01-02, a 2024-01-05, b 2024-01-05, b 2024-01-08, b 2024-01-11")
    assert timelines[0].frequency == "3 days"


def test_the_order_of_day_and_month_is_told_by_all_series_together():
    timelines, _ = read("a 01/02/2024, a 01/03/2024, b 01/13/2024, b 01/14/2024")
    assert [timeline.stamp(1) for timeline in timelines] == ["01/04/2024", "01/15/2024"]
    timelines, _ = read("a 12/01/2023, a 01/01/2024, a 01/01/2024, a 02/01/2024", keep_duplicates=True)
    assert timelines[0].stamp(1) == "03/01/2024"
