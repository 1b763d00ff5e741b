"""Tables as they are exported: a time is used as one or refused by name, and a value stays a value."""

from datetime import datetime, timedelta

import pytest
from panels import panel_of, read, refused

from rnncli.errors import DataError

DAYS = [datetime(2023, 1, 20) + timedelta(days=k) for k in range(40)]
HOURS = [datetime(2023, 1, 20) + timedelta(hours=k) for k in range(40)]


def table(header, rows):
    return "\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n"


def value(k):
    return (k * 37) % 23 + 0.5


def epoch(moment):
    return int((moment - datetime(1970, 1, 1)).total_seconds())


READ = {  # a table, the time column, the targets, and the next stamp
    "an epoch under any name": (
        table("open_time,v", [(epoch(t), value(k)) for k, t in enumerate(HOURS)]),
        "open_time",
        ("v",),
        str(epoch(HOURS[-1] + timedelta(hours=1))),
    ),
    "an epoch in milliseconds": (
        table("x,v", [(epoch(t) * 1000, value(k)) for k, t in enumerate(HOURS)]),
        "x",
        ("v",),
        str(epoch(HOURS[-1] + timedelta(hours=1)) * 1000),
    ),
    "digits under any name": (
        table("Stichtag,v", [(f"{t:%Y%m%d}", value(k)) for k, t in enumerate(DAYS)]),
        "Stichtag",
        ("v",),
        "20230301",
    ),
    "weeks in digits": (
        table("week,v", [(202101 + k, value(k)) for k in range(12)]),
        "week",
        ("v",),
        "202113",
    ),
    "a version before the date": (
        table("version,date,v", [(f"1.{k % 3}.0", f"{t:%Y-%m-%d}", value(k)) for k, t in enumerate(DAYS)]),
        "date",
        ("v",),
        "2023-03-01",
    ),
    "an index of prices beside a date": (
        table("date,index,v", [(f"{t:%Y-%m-%d}", 20 + (k * 7) % 11, value(k)) for k, t in enumerate(DAYS)]),
        "date",
        ("index", "v"),
        "2023-03-01",
    ),
    "a meter beside a date": (
        table("date,meter", [(f"{t:%Y-%m-%d}", 201001 + k * 3 + (k * k) % 2) for k, t in enumerate(DAYS)]),
        "date",
        ("meter",),
        "2023-03-01",
    ),
    "the hour beside a date and time": (
        table("when,hour,v", [(f"{t:%Y-%m-%d %H:%M}", t.hour, value(k)) for k, t in enumerate(HOURS)]),
        "when",
        ("v",),
        "2023-01-21 16:00",
    ),
    "local midnights across the end of winter": (
        table(
            "date,v",
            [(f"2023-03-{d} 00:00:00+0{1 + (d > 26)}:00", value(d)) for d in range(20, 31)],
        ),
        "date",
        ("v",),
        "2023-03-31 00:00:00+02:00",
    ),
    "dates with a space behind": (
        table("date,v", [(f"{t:%Y-%m-%d}\u00a0", value(k)) for k, t in enumerate(DAYS)]),
        "date",
        ("v",),
        "2023-03-01",
    ),
}


@pytest.mark.parametrize("name", READ)
def test_a_time_is_used_as_one(name):
    text, time, targets, following = READ[name]
    panel, columns = read(text, [])
    assert (columns.time, columns.targets) == (time, targets)
    assert panel.timelines[0].stamp(1) == following


YEARS = [(who, year, value(year)) for who in "ABC" for year in range(2000, 2020)]
REFUSED = {  # a table, and what is said of it
    "years of several entities": (table("Entity,Year,v", YEARS), "--set data.id=Entity"),
    "a duplicate in digits": (
        table("Datum2,v", [(f"{t:%Y%m%d}", value(k)) for k, t in enumerate([*DAYS[:9], DAYS[8], *DAYS[9:]])]),
        "occurs twice",
    ),
    "an impossible day in digits": (
        table("tag_x,v", [(20230231 if k == 30 else f"{t:%Y%m%d}", value(k)) for k, t in enumerate(DAYS)]),
        '"20230231" is not a time',
    ),
    "seasons of two years": (
        table("season,v", [(f"{y}-{y - 1999:02}", value(y)) for y in range(2001, 2012)]),
        "looks like a season of two years",
    ),
    "half years": (table("date,v", [(f"{2000 + k // 2}H{k % 2 + 1}", value(k)) for k in range(20)]), "is not a time"),
    "days without a year": (
        table("date,v", [(f"{t:%m-%d}", value(k)) for k, t in enumerate(DAYS)]),
        "is not a time",
    ),
    "a date for every third row": (
        table("date,v", [(f"{t:%Y-%m-%d}" if k % 3 == 0 else "", value(k)) for k, t in enumerate(DAYS)]),
        "is not a time",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_time_in_a_form_that_is_read_is_refused(name):
    text, told = REFUSED[name]
    assert told in refused(DataError, read, text, [])


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ([f"2301{k:02}" for k in range(1, 30)], 'data.time_format="%y%m%d"'),
        ([f"202301{k:02}.0" for k in range(1, 30)], "is not a time"),
        ([f"{k:02}.01" for k in range(1, 30)], "is not a time"),
        ([f"2010.{k}" for k in range(4, 17)], "is not a time"),
    ],
)
def test_dates_in_digits_are_no_counters(cells, told):
    assert told in refused(DataError, read, table("date,v", [(cell, value(k)) for k, cell in enumerate(cells)]))


def test_a_decimal_date_beside_year_and_month_is_left_out():
    rows = [(1958 + k // 12, k % 12 + 1, f"{1958 + (k + 0.5) / 12:.4f}", value(k)) for k in range(48)]
    panel, columns = read(table("year,month,decimal date,average", rows))
    assert (columns.time, columns.targets) == ("year + month", ("average",))
    assert panel.timelines[0].stamp(1) == "1962-01"


def test_of_several_times_the_one_that_changes_is_taken_and_the_others_are_told():
    rows = [("2023-01-01T00:00:00Z", f"{t:%Y-%m-%dT%H:%M:%SZ}", value(k)) for k, t in enumerate(HOURS)]
    notes = []
    _, columns = read(table("_start,_time,_value", rows), notes)
    assert (columns.time, columns.targets) == ("_time", ("_value",))
    assert "more columns of times, which are left out: _start; name another one in data.time" in notes


def test_times_in_the_header_of_series_in_rows_are_told():
    header = ",".join(["Item", *(f"2015-{month:02}" for month in range(1, 13))])
    notes = []
    read(table(header, [(name, *range(k, k + 12)) for k, name in enumerate("abc")]), notes)
    assert 'the times from "2015-01" in the header are not read: forecasts count the steps' in notes


def test_short_names_of_units_are_read_where_they_are_named():
    rows = [(*divmod(k, 24), value(k)) for k in range(60)]
    text = table("date,HE,v", [(f"{DAYS[day]:%Y-%m-%d}", hour + 1, v) for day, hour, v in rows])
    panel, columns = read(text, time=["date", "HE"])
    assert columns.cells("date + HE", panel.timelines[0].stamp(1)) == {"date": "2023-01-22", "HE": 13}
    weeks = [((DAYS[0] + timedelta(weeks=k)).isocalendar()[:2], value(k)) for k in range(60)]
    panel, columns = read(table("Jahr,KW,v", [(*week, v) for week, v in weeks]), time=["Jahr", "KW"])
    assert columns.cells("Jahr + KW", panel.timelines[0].stamp(1)) == {"Jahr": 2024, "KW": 11}


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        (["1,353.72", "1,360.10", "998.00"], '--thousands ","'),
        (["0,513", "0,428", "1,002"], "--decimal ,"),
    ],
)
def test_a_column_of_numbers_in_another_dialect_is_refused_and_not_left_out(cells, told):
    rows = [(f"{t:%Y-%m-%d}", f'"{cells[k % 3]}"', value(k)) for k, t in enumerate(DAYS)]
    message = refused(DataError, read, table("date,price,change", rows))
    assert told in message
    assert ("--thousands" in message) == (cells[0][0] != "0")


@pytest.mark.parametrize("first", ["Jan-2015", "2020Q1", "2019-W02", "1/30/2023 1:00 PM", "2023-06-01 00:00:00 UTC"])
def test_a_first_row_of_values_is_data(first):
    assert len(panel_of(f"{first},10\n{first},11\n", time="none").values) == 2


@pytest.mark.parametrize(
    ("trained", "new", "following"),
    [
        (["2022-01-31", "2022-02-28", "2022-03-31"], ["2022-05-15", "2022-06-15", "2022-07-15"], "2022-08-15"),
        (["2022-01-01", "2022-02-01", "2022-03-01"], ["2022-05-31", "2022-06-30", "2022-07-31"], "2022-08-31"),
        (["2023-01-02", "2023-01-03"], ["2023-02-04", "2023-02-05", "2023-02-06"], "2023-02-07"),
    ],
)
def test_new_data_on_other_days_go_on_as_they_are(trained, new, following):
    before = panel_of(table("d,v", [(stamp, value(k)) for k, stamp in enumerate(trained)]))
    _, columns = read(table("d,v", [(stamp, value(k)) for k, stamp in enumerate(trained)]), [])
    panel, _ = read(
        table("d,v", [(stamp, value(k)) for k, stamp in enumerate(new)]), [], columns=columns, before=before
    )
    assert panel.timelines[0].stamp(1) == following


def test_series_in_rows_may_have_dates_for_names_of_their_steps():
    header = "shop," + ",".join(f"{2020 + k // 12}-{k % 12 + 1:02}" for k in range(24))
    rows = [(f"S{s}", *(value(k + s) for k in range(24))) for s in range(4)]
    assert panel_of(table(header, rows)).ids == ("S0", "S1", "S2", "S3")


def test_series_in_rows_may_have_more_names_which_are_left_out_and_told():
    header = "id,item_id,store_id," + ",".join(f"d_{k}" for k in range(1, 41))
    rows = [(f"F{i}_S{s}", f"F{i}", f"S{s}", *(value(k + s) for k in range(40))) for i in range(3) for s in range(4)]
    notes = []
    panel, columns = read(table(header, rows), notes)
    assert (columns.layout, columns.id, len(panel.ids), panel.lengths.tolist()) == ("rows", "id", 12, [40] * 12)
    assert panel.values[:40, 0].tolist() == [value(k) for k in range(40)]
    assert notes == ['a series in each row, named by the column "id"; columns left out: item_id, store_id']
