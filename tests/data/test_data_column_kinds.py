"""What a column tells of time, by its cells and by its name."""

from datetime import datetime, timedelta

import pytest

from rnncli.data.column_kinds import kind_of_column
from rnncli.data.csv_table import Table

DAYS = [datetime(2023, 1, 5) + timedelta(days=k) for k in range(40)]


def kind(name, cells, beside="load"):
    rows = [[str(cell), "1"] for cell in cells]
    return kind_of_column(Table("d.csv", [name, beside], rows, list(range(2, 2 + len(rows))), ","), 0)


@pytest.mark.parametrize("name", ["t", "time", "seconds", "minutes", "days", "elapsed", "ms", "step"])
@pytest.mark.parametrize("cells", [range(40), [k / 50 for k in range(40)], [7 * k + k % 2 for k in range(40)]])
def test_what_rises_under_the_name_of_a_time_is_one(name, cells):
    assert kind(name, cells) == "time"


@pytest.mark.parametrize("name", ["seconds", "minutes", "days", "min", "elapsed", "load"])
@pytest.mark.parametrize("cells", [[(k * 7) % 11 for k in range(40)], [(k * 7) % 11 / 4 for k in range(40)]])
def test_durations_are_values(name, cells):
    assert kind(name, cells) is None


@pytest.mark.parametrize("form", ["%d%m%Y", "%m%d%Y"])
def test_dates_in_digits_with_the_year_at_the_end_are_times_in_either_direction(form):
    cells = [f"{day:{form}}" for day in DAYS]
    assert kind("Stichtag", cells) == kind("Stichtag", cells[::-1]) == "time"
    assert kind("number", [f"{(k * 7919) % 28 + 1:02}{k % 12 + 1:02}{2000 + k}" for k in range(40)][::2]) != "part"


@pytest.mark.parametrize("form", ["%y%m%d", "%d%m%y"])
def test_dates_with_years_of_two_digits_are_times(form):
    assert kind("Stichtag", [f"{day:{form}}" for day in DAYS]) == "time"


@pytest.mark.parametrize("cells", [[f"2010.{k}" for k in range(1, 13)], [f"{k}.01" for k in range(1, 30)]])
@pytest.mark.parametrize("name", ["date", "Datum", "ds"])
def test_numbers_under_the_name_of_a_date_are_times_and_never_values(name, cells):
    assert kind(name, cells) == "time"


def test_article_numbers_of_eight_digits_are_values():
    assert kind("article", [f"{10000000 + (k * 7919) % 9973}" for k in range(40)]) is None


@pytest.mark.parametrize(
    ("name", "cells", "beside", "wanted"),
    [
        ("column1", [k + k // 7 for k in range(40)], "load", "counter"),
        ("Unnamed: 0", [k + k // 7 for k in range(40)], "load", "counter"),
        ("column1", [k + k // 7 for k in range(40)], "column2", None),  # a table without a header
        ("column1", [(k * 7) % 40 for k in range(40)], "load", None),
        ("sold", [k + k // 7 for k in range(40)], "load", None),
    ],
)
def test_an_index_without_a_name_counts_rows_with_gaps_too(name, cells, beside, wanted):
    assert kind(name, cells, beside) == wanted


@pytest.mark.parametrize(
    "cell",
    [
        "Jan 01 2023 12:00 a.m.",
        "1 de enero de 2023, 10:00",
        "00:00 of 05/01/2023",
        "2023-01-05 00:00 - 2023-01-05 01:00",
    ],
)
def test_what_looks_like_a_date_in_whatever_form_is_a_time(cell):
    assert kind("when", [cell.replace("01", f"{k:02}") for k in range(1, 13)]) == "time"


@pytest.mark.parametrize("cell", ["2001.557", "1999.25", "-2001.557", "in 2023 we sold 5", "v2.0.2001", "20012"])
def test_what_is_a_number_or_a_text_is_no_date(cell):
    assert kind("v", [cell] * 12) is None


@pytest.mark.parametrize(
    "cells",
    [
        [f"1.{1500 + (k * 37) % 800}" for k in range(60)],  # a rate of exchange, whose decimals look like years
        [f"{1990 + (k * 7) % 40}.{(k * 5) % 12 + 1:02}" for k in range(60)],  # a price
        [f"{1 + k % 9}.{2000 + (k * 371) % 99}" for k in range(60)],
        ["1.2015", "2.2015"],
        [f"{1.5 + k / 7:.4f}" for k in range(60)],
    ],
)
@pytest.mark.parametrize("name", ["EURUSD", "close", "x"])
def test_numbers_that_one_cell_alone_might_make_months_are_values(name, cells):
    assert kind(name, cells) is None


@pytest.mark.parametrize("form", ["{m:02}.{y}", "{m}.{y}", "{y}.{m:02}", "{y}.{m}"])
def test_months_with_a_point_are_times_in_the_rows_of_several_series_and_newest_first(form):
    months = [form.format(y=2019 + k // 12, m=k % 12 + 1) for k in range(30)]
    assert [kind("x", cells) for cells in (months, months[::-1], months * 3, [m for m in months for _ in "ab"])] == (
        ["time"] * 4
    )
