"""Every form that a time has in the files of people, even and with one fault: read right, or refused by its line."""

from datetime import datetime, timedelta

import numpy as np
import pytest

from rnncli.data.column_kinds import kind_of_column
from rnncli.data.csv_table import Table
from rnncli.data.stamp_column import clock_of
from rnncli.data.time_column import read_timelines
from rnncli.errors import DataError

START = datetime(2022, 12, 21)


def days(k):
    return START + timedelta(days=k)


def hours(k):
    return START + timedelta(hours=k)


def months(k):
    return datetime(2020 + (9 + k) // 12, (9 + k) % 12 + 1, 1)


def weeks(k):
    return datetime(2018, 12, 3) + timedelta(weeks=k)


def quarter(t):
    return (t.month + 2) // 3


def iso(t):
    return t.isocalendar()


# name: how moment k is written, and what moments follow each other
FORMS = {
    "ISO date": (days, lambda t: t.strftime("%Y-%m-%d")),
    "slashes, year first": (days, lambda t: t.strftime("%Y/%m/%d")),
    "points, year first": (days, lambda t: t.strftime("%Y.%m.%d")),
    "unpadded ISO": (days, lambda t: f"{t.year}-{t.month}-{t.day}"),
    "day.month.year": (days, lambda t: t.strftime("%d.%m.%Y")),
    "day.month.year unpadded": (days, lambda t: f"{t.day}.{t.month}.{t.year}"),
    "day/month/year": (days, lambda t: t.strftime("%d/%m/%Y")),
    "month/day/year": (days, lambda t: t.strftime("%m/%d/%Y")),
    "month/day/year unpadded": (days, lambda t: f"{t.month}/{t.day}/{t.year}"),
    "day-month-year": (days, lambda t: t.strftime("%d-%m-%Y")),
    "day/month/year of two digits": (days, lambda t: t.strftime("%d/%m/%y")),
    "month/day/year of two digits, unpadded": (days, lambda t: f"{t.month}/{t.day}/{t:%y}"),
    "day-Mon-year": (days, lambda t: t.strftime("%d-%b-%Y")),
    "day-MON-year of two digits": (days, lambda t: t.strftime("%d-%b-%y").upper()),
    "Month day, year": (days, lambda t: f"{t:%B} {t.day}, {t.year}"),
    "day Month year": (days, lambda t: f"{t.day} {t:%B} {t.year}"),
    "digits": (days, lambda t: t.strftime("%Y%m%d")),
    "ISO hour": (hours, lambda t: t.strftime("%Y-%m-%d %H:%M")),
    "ISO T and Z": (hours, lambda t: t.strftime("%Y-%m-%dT%H:%M:%SZ")),
    "zeros of milliseconds": (hours, lambda t: t.strftime("%Y-%m-%dT%H:%M:%S.000Z")),
    "zeros of microseconds": (hours, lambda t: t.strftime("%Y-%m-%d %H:%M:%S.000000")),
    "an offset of two digits": (hours, lambda t: t.strftime("%Y-%m-%d %H:%M:%S+00")),
    "UTC by name": (hours, lambda t: t.strftime("%Y-%m-%d %H:%M UTC")),
    "basic ISO": (hours, lambda t: t.strftime("%Y%m%dT%H%M")),
    "basic ISO with seconds and Z": (hours, lambda t: t.strftime("%Y%m%dT%H%M%SZ")),
    "a spreadsheet's": (hours, lambda t: f"{t.month}/{t.day}/{t.year} {t.hour}:{t:%M}"),
    "a spreadsheet's, day first": (hours, lambda t: f"{t.day}/{t.month}/{t.year} {t.hour}:{t:%M}"),
    "twelve hours": (hours, lambda t: t.strftime("%m/%d/%Y %I:%M:%S %p")),
    "twelve hours unpadded": (hours, lambda t: f"{t.month}/{t.day}/{t.year} {int(t.strftime('%I'))}:{t:%M} {t:%p}"),
    "a day that ends at 24:00": (
        hours,
        lambda t: t.strftime("%Y-%m-%d %H:%M") if t.hour else f"{t - timedelta(days=1):%Y-%m-%d} 24:00",
    ),
    "digits of hours": (hours, lambda t: t.strftime("%Y%m%d%H")),
    "epoch": (hours, lambda t: str(int((t - datetime(1970, 1, 1)).total_seconds()))),
    "epoch in milliseconds": (hours, lambda t: str(int((t - datetime(1970, 1, 1)).total_seconds()) * 1000)),
    "epoch in nanoseconds": (hours, lambda t: str(int((t - datetime(1970, 1, 1)).total_seconds()) * 10**9)),
    "ISO month": (months, lambda t: t.strftime("%Y-%m")),
    "digits of months": (months, lambda t: t.strftime("%Y%m")),
    "month/year": (months, lambda t: t.strftime("%m/%Y")),
    "Mon-year": (months, lambda t: t.strftime("%b-%Y")),
    "Mon-year of two digits": (months, lambda t: t.strftime("%b-%y")),
    "Month year": (months, lambda t: t.strftime("%B %Y")),
    "year Mon": (months, lambda t: t.strftime("%Y %b")),
    "month.year": (months, lambda t: t.strftime("%m.%Y")),
    "month.year unpadded": (months, lambda t: f"{t.month}.{t.year}"),
    "year.month": (months, lambda t: t.strftime("%Y.%m")),
    "year.month unpadded": (months, lambda t: f"{t.year}.{t.month}"),
    "quarter ends in month.year": (lambda k: months(3 * k), lambda t: t.strftime("%m.%Y")),
    "year/month": (months, lambda t: t.strftime("%Y/%m")),
    "month-year": (months, lambda t: t.strftime("%m-%Y")),
    "month year": (months, lambda t: t.strftime("%m %Y")),
    "year and M month": (months, lambda t: t.strftime("%YM%m")),
    "year-M month": (months, lambda t: t.strftime("%Y-M%m")),
    "year and quarter": (lambda k: months(3 * k), lambda t: f"{t.year}Q{quarter(t)}"),
    "year-quarter": (lambda k: months(3 * k), lambda t: f"{t.year}-Q{quarter(t)}"),
    "quarter-year": (lambda k: months(3 * k), lambda t: f"Q{quarter(t)}-{t.year}"),
    "year/quarter": (lambda k: months(3 * k), lambda t: f"{t.year}/Q{quarter(t)}"),
    "quarter.year": (lambda k: months(3 * k), lambda t: f"Q{quarter(t)}.{t.year}"),
    "number of quarter-year": (lambda k: months(3 * k), lambda t: f"{quarter(t)}-{t.year}"),
    "year-week": (weeks, lambda t: f"{iso(t)[0]}-W{iso(t)[1]:02}"),
    "year and week": (weeks, lambda t: f"{iso(t)[0]}W{iso(t)[1]:02}"),
    "year/week": (weeks, lambda t: f"{iso(t)[0]}/W{iso(t)[1]:02}"),
    "week/year": (weeks, lambda t: f"W{iso(t)[1]:02}/{iso(t)[0]}"),
    "German week/year": (weeks, lambda t: f"KW {iso(t)[1]:02}/{iso(t)[0]}"),
    "German week, unpadded": (weeks, lambda t: f"KW {iso(t)[1]} {iso(t)[0]}"),
    "German year-week": (weeks, lambda t: f"{iso(t)[0]}-KW{iso(t)[1]:02}"),
    "day of a week": (days, lambda t: f"{iso(t)[0]}-W{iso(t)[1]:02}-{iso(t)[2]}"),
    "day of a week, basic": (days, lambda t: f"{iso(t)[0]}W{iso(t)[1]:02}{iso(t)[2]}"),
    "day of the year": (days, lambda t: t.strftime("%Y-%j")),
    "hour alone": (hours, lambda t: t.strftime("%Y-%m-%dT%H")),
    "hour alone, basic, Z": (hours, lambda t: t.strftime("%Y%m%dT%HZ")),
    "weekday in front": (days, lambda t: f"{t:%A}, {t:%B} {t.day}, {t.year}"),
    "short weekday in front": (days, lambda t: t.strftime("%a %Y-%m-%d")),
    "an internet message's": (hours, lambda t: t.strftime("%a, %d %b %Y %H:%M:%S GMT")),
    "digits of weeks": (weeks, lambda t: f"{iso(t)[0]}{iso(t)[1]:02}"),
}
N = 40
NAMES = {"digits of weeks": "week", "digits of months": "month", "number of quarter-year": "quarter"}


def table(name, stamps):
    rows = [[stamp, str(k)] for k, stamp in enumerate(stamps)]
    return Table("d.csv", [NAMES.get(name, "date"), "y"], rows, list(range(2, 2 + len(rows))), ",")


def read(name, stamps, **how):
    how = {"fill_gaps": False, "keep_duplicates": False} | how
    return read_timelines(table(name, stamps), 0, [np.arange(len(stamps))], **how)


def written(name):
    moment, write = FORMS[name]
    return [write(moment(k)) for k in range(N + 3)]


@pytest.mark.parametrize("name", FORMS)
def test_even_times_go_on_as_they_are_written(name):
    stamps = written(name)
    assert kind_of_column(table(name, stamps[:N]), 0) == "time"
    (timeline,), places = read(name, stamps[:N])
    assert timeline.following(3) == stamps[N:]
    assert timeline.stamps([1 - N, 0]) == [stamps[0], stamps[N - 1]]
    assert places.tolist() == list(range(N))


def without(stamps, k):
    return stamps[:k] + stamps[k + 1 :]


# name: what is wrong, the place of the first stamp that shows it, and words of the message
FAULTS = {
    "a gap": (lambda s: without(s, 25), 25, "comes after"),
    "a duplicate": (lambda s: [*s[:25], s[24], *s[25:]], 25, "occurs twice"),
    "shuffled": (lambda s: [*s[:25], s[30], s[25], *s[26:30], *s[31:]], 25, "comes after"),
    "newest first": (lambda s: s[::-1], 1, "times run backwards"),
    "a bad cell": (lambda s: [*s[:25], "n.v.", *s[26:]], 25, "is not a time"),
    "an empty cell": (lambda s: [*s[:25], "", *s[26:]], 25, "is not a time"),
    "a footer": (lambda s: [*s, "Total"], N, "; if this row is no data, --skip-footer 1"),
    "a footer of three lines": (lambda s: [*s, "", "Total", "Source: us"], N, "rows are no data, --skip-footer 3"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", FORMS)
def test_a_fault_is_refused_by_its_line_and_never_ignored(name, fault):
    make, place, words = FAULTS[fault]
    stamps = make(written(name)[:N])
    assert kind_of_column(table(name, stamps), 0) == "time"
    with pytest.raises(DataError, match=words) as refused:
        read(name, stamps)
    assert str(refused.value).startswith(f"d.csv:{place + 2}: column 1 ")


@pytest.mark.parametrize(
    ("stamps", "place", "form"),
    [
        (["Jan 19", "Feb 19", "Mrz 19", "Apr 19"], 2, "'%b %y'"),
        (["Jan-19", "Feb-19", "Mrz-19", "Apr-19"], 2, "%b-%y"),
        (["Januar 2019", "Februar 2019", "März 2019"], 0, "'%B %Y'"),
        (["1. Januar 2019", "1. Februar 2019", "1. März 2019"], 0, "'%d. %B %Y'"),
        (["janv. 2019", "févr. 2019", "mars 2019"], 0, "'%b. %Y'"),
    ],
)
def test_names_of_months_of_other_languages_are_sent_to_numbers_or_to_a_format(stamps, place, form):
    with pytest.raises(DataError, match="write it as a number, such as 2015-03, or by its English name") as refused:
        read("Mon YY", stamps)
    assert f", or --set data.time_format={form} where LC_TIME names its language" in str(refused.value)
    assert str(refused.value).startswith(f"d.csv:{place + 2}: column 1 ")
    (timeline,), _ = read("YYYY-MM", [f"2019-{month:02d}" for month in range(1, len(stamps) + 1)])
    assert timeline.frequency == "month"


@pytest.mark.parametrize("name", FORMS)
def test_a_gap_and_a_duplicate_are_placed_where_they_may_be(name):
    stamps = written(name)
    faulty = [*stamps[:10], *stamps[12:20], stamps[19], *stamps[20:N]]
    (timeline,), places = read(name, faulty, fill_gaps=True, keep_duplicates=True)
    assert places.tolist() == [*range(10), *range(12, 20), 19, *range(20, N)]
    assert timeline.following(1) == [stamps[N]]


@pytest.mark.parametrize("form", ["%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%d/%m/%y"])
def test_an_order_of_day_and_month_that_nothing_decides_is_refused(form):
    stamps = [datetime(2023, m, m).strftime(form) for m in (1, 2, 3)]
    with pytest.raises(DataError, match=r"is ambiguous, MM.DD.YY(YY)? or DD.MM.YY(YY)?;"):
        read("x", stamps)


@pytest.mark.parametrize("cell", ["2023-W60", "Tue 2023-01-02", "2023-366", "2023-01-01 25:00", "32/13/2023"])
def test_what_is_nearly_a_form_is_a_time_and_refused(cell):
    stamps = [cell, cell.replace("2023", "2024").replace("1990", "1991")]
    made = Table("d.csv", ["time", "y"], [[stamp, "1"] for stamp in stamps], [2, 3], ",")
    assert kind_of_column(made, 0) == "time"
    with pytest.raises(DataError, match="is not a time"):
        read_timelines(made, 0, [np.arange(2)], fill_gaps=False, keep_duplicates=False)


def test_a_fraction_of_a_second_is_a_time_and_refused_with_a_way_that_works():
    stamps = [f"2023-01-01T00:00:{k:02}.250" for k in range(9)]
    made = Table("d.csv", ["time", "y"], [[stamp, "1"] for stamp in stamps], list(range(2, 11)), ",")
    assert kind_of_column(made, 0) == "time"
    with pytest.raises(DataError, match=r"a fraction of a second, .*; make them even with --set data.resample=1s"):
        read_timelines(made, 0, [np.arange(9)], fill_gaps=False, keep_duplicates=False)
    clock = clock_of(made, 0, [np.arange(9)])
    assert clock.written(clock.local, clock.moments) == [stamp.replace(".250", ".000") for stamp in stamps]
