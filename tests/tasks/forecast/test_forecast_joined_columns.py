"""Times and names of series that stand in several columns: read as one, written as they came."""

import csv
import io
import json
from contextlib import nullcontext
from datetime import datetime, timedelta

import pytest
from panels import read, refused

from rnncli.data.joined_columns import Join
from rnncli.errors import ConfigError, DataError, UsageError
from rnncli.tasks.forecast.panel_columns import Columns, as_number

START = datetime(2023, 5, 1)
HOURS = [START + timedelta(hours=k) for k in range(60)]
QUARTERS = [START + timedelta(minutes=15 * k) for k in range(300)]
DAYS = [START + timedelta(days=k) for k in range(70)]
WEEKS = [START + timedelta(weeks=k) for k in range(90)]
MANY_WEEKS = [START + timedelta(weeks=k) for k in range(160)]
MONTHS = [datetime(2015 + k // 12, k % 12 + 1, 1) for k in range(50)]


def hour_of(t):
    return f"{t.hour % 12 or 12}:{t:%M %p}"


def ending(t):
    return t - timedelta(hours=1)


# The names of the columns, what they hold at a moment, and the moments.
FORMS = {
    "day first": (("Date", "Time"), lambda t: (f"{t:%d/%m/%Y}", f"{t:%H:%M}"), HOURS),
    "with seconds": (("date", "clock"), lambda t: (f"{t:%Y-%m-%d}", f"{t:%H:%M:%S}"), QUARTERS),
    "month names": (("Datum", "Uhrzeit"), lambda t: (f"{t.day} {t:%b %Y}", f"{t:%H:%M}"), HOURS),
    "twelve hours": (("Date", "Time"), lambda t: (f"{t:%b} {t.day} {t.year}", hour_of(t)), HOURS),
    "hours": (("Date", "Hour"), lambda t: (f"{t:%Y-%m-%d}", t.hour), HOURS),
    "padded hours": (("day", "hour"), lambda t: (f"{t:%d.%m.%Y}", f"{t:%H}"), HOURS),
    "hours ending": (("date", "hour"), lambda t: (f"{ending(t):%Y-%m-%d}", ending(t).hour + 1), HOURS),
    "hours and minutes": (("date", "hour", "minute"), lambda t: (f"{t:%m/%d/%Y}", t.hour, t.minute), QUARTERS),
    "year and month": (("year", "month"), lambda t: (t.year, t.month), MONTHS),
    "padded months": (("Year", "Month"), lambda t: (t.year, f"{t:%m}"), MONTHS),
    "names of months": (("YEAR", "MONTH"), lambda t: (t.year, f"{t:%b}"), MONTHS),
    "long names of months": (("Jahr", "Monat"), lambda t: (t.year, f"{t:%B}".upper()), MONTHS),
    "quarters": (("year", "quarter"), lambda t: (t.year, (t.month + 2) // 3), MONTHS[::3]),
    "named quarters": (("year", "qtr"), lambda t: (t.year, f"Q{(t.month + 2) // 3}"), MONTHS[::3]),
    "weeks": (("year", "week"), lambda t: t.isocalendar()[:2], WEEKS),
    "weeks by a short name": (("Jahr", "KW"), lambda t: t.isocalendar()[:2], WEEKS),
    "weeks of a calendar": (("Jahr", "Kalenderwoche"), lambda t: f"{t:%G %V}".split(), MANY_WEEKS),
    "quarters by a letter": (("Year", "Q"), lambda t: (t.year, (t.month + 2) // 3), MONTHS[::3]),
    "days by short names": (("Year", "Mon", "DD"), lambda t: (t.year, t.month, t.day), DAYS),
    "days of months": (("year", "month", "day"), lambda t: (t.year, t.month, t.day), DAYS),
    "numbers down to minutes": (
        ("year", "month", "day", "hour", "minute"),
        lambda t: (t.year, f"{t:%m}", f"{t:%d}", t.hour, t.minute),
        QUARTERS,
    ),
}


def table(names, cells, moments, order=slice(None)):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*names[order], "v"])
    writer.writerows([*cells(t)[order], (k * 37) % 23 + 0.5] for k, t in enumerate(moments))
    return text.getvalue()


@pytest.mark.parametrize("name", FORMS)
def test_columns_that_tell_the_time_together_are_read_and_written_together(name):
    names, cells, moments = FORMS[name]
    *before, following = moments
    notes = []
    panel, columns = read(table(names, cells, before), notes)
    assert columns.targets == ("v",)
    listed = '" and "'.join(names)
    assert f'the columns "{listed}" are read together as the time' in notes
    (timeline,) = panel.timelines
    written = columns.cells(columns.time, timeline.stamp(1))
    assert list(written) == list(names)
    assert [str(cell) for cell in written.values()] == [str(cell) for cell in cells(following)]


@pytest.mark.parametrize("name", FORMS)
def test_they_are_read_together_in_each_of_several_series_too(name):
    names, cells, moments = FORMS[name]
    rows = table((*names, "shop"), lambda t: (*cells(t[0]), t[1]), [(t, shop) for t in moments for shop in "ab"])
    panel, columns = read(rows, id="shop")
    assert columns.cells(columns.time, panel.timelines[1].stamp(0)).keys() == {*names}
    assert panel.lengths.tolist() == [len(moments)] * 2


@pytest.mark.parametrize("power", [54, 0, 7.5])
def test_power_beside_a_year_is_no_week(power):
    rows = table(("shop", "year", "kW"), lambda t: (*t, power), [(s, 2000 + k) for s in "ab" for k in range(20)])
    with pytest.raises(DataError, match='the times in "year" begin anew; if the column "shop" says'):
        read(rows)


def test_a_clock_beside_dates_that_come_once_in_each_series_is_no_time():
    rows = table(
        ("date", "opened", "shop"), lambda t: (f"{t[0]:%Y-%m-%d}", "08:30", t[1]), [(t, s) for t in DAYS for s in "ab"]
    )
    assert read(rows, id="shop")[1].time == "date"


@pytest.mark.parametrize("name", FORMS)
def test_named_in_any_order_they_are_read_alike_by_the_model_too(name):
    names, cells, moments = FORMS[name]
    turned = slice(None, None, -1)
    panel, columns = read(table(names, cells, moments[:-9], turned), time=list(names[turned]))
    kept = Columns.from_header(json.loads(json.dumps(columns.to_header())))
    assert kept == columns
    later, _ = read(table(names, cells, moments[-9:]), None, kept, panel)
    assert later.timelines[0].stamp(-8) == panel.timelines[0].stamp(1)


def test_a_list_of_one_column_is_that_column():
    rows = table(("date", "shop"), lambda t: (f"{t:%Y-%m-%d}", "a"), DAYS)
    panel, columns = read(rows, time=["date"], id=["shop"])
    assert (columns.time, columns.id, columns.joins, panel.ids) == ("date", "shop", (), ("a",))


def test_a_part_that_is_missing_is_named():
    rows = table(("year", "month"), FORMS["year and month"][1], MONTHS)
    assert refused(DataError, read, rows.replace("2016,3,", "2016,13,")) == (
        'd.csv:16: column 2 "month": "13" is no month; correct it'
    )
    rows = table(("year", "month", "day"), FORMS["days of months"][1], DAYS)
    assert refused(DataError, read, rows.replace("2023,6,30,", "2023,6,31,")).startswith(
        'd.csv:62: year "2023", month "6", day "31": no time'
    )
    rows = table(("Date", "Hour"), FORMS["hours"][1], HOURS)
    odd = rows.replace("2023-05-02,3,", "2023-05-02,x,")
    assert 'd.csv:29: column 2 "Hour": "x" is no hour' in refused(DataError, read, odd, time=["Date", "Hour"])
    panel, columns = read(rows)
    assert 'd.csv:29: column 2 "Hour": "x" is no number of a clock' in refused(
        DataError, read, odd, None, columns, panel
    )
    rows = table(("Date", "Time"), FORMS["day first"][1], HOURS)
    assert 'column 4 "Date + Time": "02/05/2023 25:00" is not a time' in refused(
        DataError, read, rows.replace("02/05/2023,03:00", "02/05/2023,25:00")
    )


def test_columns_that_make_no_time_are_refused():
    rows = table(("year", "month", "hour"), lambda t: (t.year, t.month, t.hour), HOURS)
    for given in ({}, {"time": ["year", "month", "hour"]}):
        assert "do not make a time" in refused(DataError, read, rows, **given)
    assert "no column" in refused(UsageError, read, rows, time=["year", "day"])
    assert "twice" in refused(ConfigError, read, rows, time=["year", 1])


KEYS = [(shop, kind) for shop in (1, 2) for kind in ("milk", 'nuts, "raw"')]
SHOPS = table(
    ("shop", "kind", "date"), lambda one: (*one[0], f"{one[1]:%Y-%m-%d}"), [(key, t) for key in KEYS for t in DAYS]
)


def test_several_columns_name_a_series():
    panel, columns = read(SHOPS, id=["shop", "kind"])
    assert len(panel.ids) == 4
    assert [columns.cells(columns.id, one) for one in panel.ids] == [
        {"shop": shop, "kind": kind} for shop, kind in KEYS
    ]
    kept = Columns.from_header(json.loads(json.dumps(columns.to_header())))
    again, _ = read(SHOPS, None, kept)
    assert again.ids == panel.ids


def test_keys_stay_as_they_are_written():
    panel, columns = read(SHOPS.replace("\n1,", "\n0012,"), id=["shop", "kind"])
    assert columns.cells(columns.id, panel.ids[0]) == {"shop": "0012", "kind": "milk"}


@pytest.mark.parametrize("given", [{}, {"id": "shop"}])
def test_columns_that_may_name_series_together_are_proposed(given):
    told = refused(DataError, read, SHOPS, **given)
    first, _ = told.split("; or ", 1)  # likelier than what else may be wrong
    assert first.endswith('; if "shop" and "kind" say which series a row is of, --set data.id=\'[shop, kind]\'')


LONG = [("Ab", t, t.month % 3) for t in DAYS] + [("Bc", t, t.month % 3) for t in DAYS]


@pytest.mark.parametrize(
    ("rows", "given"),
    [
        (LONG[:9] + LONG[11:], {"id": "shop"}),  # a gap
        (LONG[:9], {"missing": "refuse"}),  # one series
        (LONG + LONG[:1], {"id": "shop"}),  # a row twice
    ],
)
def test_no_columns_are_proposed_where_those_that_are_given_tell_apart_rows_of_one_time(rows, given):
    content = table(("shop", "date", "off"), lambda one: (one[0], f"{one[1]:%Y-%m-%d}", one[2]), rows[::-1])
    assert "which series a row is of" not in refused(DataError, read, content, **given)


def test_columns_are_proposed_though_a_row_of_theirs_comes_twice():
    told = refused(DataError, read, SHOPS + SHOPS.splitlines()[1] + "\n")
    assert '"shop" and "kind" say which series a row is of' in told


def test_rows_of_values_are_named_by_several_columns():
    names = [f"d_{k}" for k in range(1, 15)]
    rows = [["item", "dept", "store", *names]]
    rows += [[f"i{a}", "d", b, *(a + b + k % 7 for k in range(14))] for a in (1, 2) for b in (1, 2)]
    text = "\n".join(",".join(map(str, row)) for row in rows) + "\n"
    panel, columns = read(text, id=["item", "store"])
    assert columns.layout == "rows"
    assert panel.lengths.tolist() == [14] * 4
    assert columns.cells(columns.id, panel.ids[1]) == {"item": "i1", "store": 2}
    assert panel.values[14:28, 0].tolist() == [3 + k % 7 for k in range(14)]


SOUND = [("YYYY", "M"), ("YYYY", "Qq"), ("YYYY", "MM", "DD", "h"), ("date", "clock"), ("date", "hh", "m"), ("key",) * 3]
ODD = [(), ("x", "y"), ("YYYY",), ("M", "YYYY"), ("key", "M"), ("clock", "date"), ("date", "m"), ("YYYY", "M", "clock")]


@pytest.mark.parametrize(("fields", "sound"), [*((one, True) for one in SOUND), *((one, False) for one in ODD)])
def test_a_model_file_with_columns_that_no_table_joins_is_refused(fields, sound):
    names = [f"c{i}" for i in range(len(fields))]
    header = {"layout": "wide", "id": None, "time": " + ".join(names), "targets": ["y"], "joins": [[names, fields]]}
    with nullcontext() if sound else pytest.raises(ValueError, match="its columns make no column together"):
        Columns.from_header(header)


@pytest.mark.parametrize(
    ("fields", "text", "fits"),
    [
        (("YYYY", "M"), "2008-12", True),
        (("YYYY", "M"), "9999", False),
        (("date", "clock"), "2020-01-01 05:00", True),
        (("date", "clock"), "2020-01-01", False),
        (("key", "key"), "A,x", True),
        (("key", "key"), "A", False),
        (("key", "key"), "", False),
    ],
)
def test_a_model_file_with_a_stamp_or_an_id_that_its_columns_do_not_make_is_refused(fields, text, fits):
    columns = Columns("wide", None, "a + b", ("y",), joins=(Join(("a", "b"), fields),))
    with nullcontext() if fits else pytest.raises(ValueError, match="is none of"):
        columns.require_of([], [text])


@pytest.mark.parametrize(("stamp", "number"), [("7", 7), ("-7", -7), ("0", 0)])
def test_counts_are_numbers(stamp, number):
    assert as_number(stamp) == number


@pytest.mark.parametrize("stamp", ["--5", "\u00b2", "-0", "05", "+5", "5\n", "9" * 5000, ""])
def test_what_is_no_count_stays_as_it_is(stamp):
    assert as_number(stamp) == stamp
