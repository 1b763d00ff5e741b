"""Time columns: formats, steps, what follows, and which line is blamed."""

from __future__ import annotations

import json
from calendar import monthrange
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rnncli.data.column_kinds import kind_of_column
from rnncli.data.csv_table import Table
from rnncli.data.stamp_column import order_of_times
from rnncli.data.time_column import read_timelines
from rnncli.data.timeline import Timeline
from rnncli.errors import DataError, ModelFileError


def column(*stamps: str, name: str = "date") -> Table:
    rows = [["x", stamp] for stamp in stamps]
    return Table("d.csv", ["id", name], rows, list(range(2, 2 + len(rows))), ",")


def parse(*stamps: str, name: str = "date") -> Timeline:
    rows = np.arange(len(stamps))
    (timeline,), places = read_timelines(column(*stamps, name=name), 1, [rows], fill_gaps=False, keep_duplicates=False)
    assert places.tolist() == rows.tolist()
    return timeline


def refused(*stamps: str) -> str:
    """Why the stamps are no time, without the way out that every such error ends with."""
    with pytest.raises(DataError) as caught:
        parse(*stamps)
    why, way_out = str(caught.value).rsplit("; or ", 1)
    assert way_out == "leave the times out with --set data.time=none"
    return why


@pytest.mark.parametrize(
    ("first", "second", "third", "frequency", "season"),
    [
        ("2019", "2020", "2021", "year", None),
        ("0", "1", "2", "step", None),
        ("-10", "-5", "0", "5 steps", None),
        ("2020-11", "2020-12", "2021-01", "month", 12),
        ("2020-07", "2020-10", "2021-01", "quarter", 4),
        ("2020-01", "2020-07", "2021-01", "6 months", 2),
        ("2020-01", "2021-01", "2022-01", "year", None),
        ("2019-02-28", "2020-02-28", "2021-02-28", "year", None),
        ("2020-02-29", "2020-03-31", "2020-04-30", "month", 12),
        ("2020-12-30", "2021-01-30", "2021-02-28", "month", 12),
        ("2020-06-30", "2020-09-30", "2020-12-31", "quarter", 4),
        ("2020-02-28", "2020-02-29", "2020-03-01", "day", 7),
        ("2020/12/31", "2021/01/01", "2021/01/02", "day", 7),
        ("31.12.2020", "01.01.2021", "02.01.2021", "day", 7),
        ("2020-12-21", "2020-12-28", "2021-01-04", "week", 52),
        ("2020-12-31 22:00", "2020-12-31 23:00", "2021-01-01 00:00", "hour", 24),
        ("2020-12-31T23:00", "2020-12-31T23:30", "2021-01-01T00:00", "half-hour", 48),
        ("2020-12-31 23:30", "2020-12-31 23:45", "2021-01-01 00:00", "15 minutes", 96),
        ("2020-12-31T18:00:00Z", "2020-12-31T21:00:00Z", "2021-01-01T00:00:00Z", "3 hours", 8),
        ("2020-12-31 23:58:00", "2020-12-31 23:59:00", "2021-01-01 00:00:00", "minute", 60),
        ("2020-12-31 23:59:58", "2020-12-31 23:59:59", "2021-01-01 00:00:00", "second", None),
        ("2020-11-01 06:00", "2020-12-01 06:00", "2021-01-01 06:00", "month", 12),
        ("2020-12-31T23:00+05:30", "2020-12-31T23:30+05:30", "2021-01-01T00:00+05:30", "half-hour", 48),
        ("2020-12-31 22:00:00-0800", "2020-12-31 23:00:00-0800", "2021-01-01 00:00:00-0800", "hour", 24),
        ("12/30/2020", "12/31/2020", "01/01/2021", "day", 7),
        ("30/12/2020", "31/12/2020", "01/01/2021", "day", 7),
        ("12/31/2020 22:00", "12/31/2020 23:00", "01/01/2021 00:00", "hour", 24),
        ("31/12/2020T22:00:00Z", "31/12/2020T23:00:00Z", "01/01/2021T00:00:00Z", "hour", 24),
        ("2021-01-01", "2021-01-04", "2021-01-05", "weekday", 5),  # a Friday, and a Monday
        ("2021-01-01 09:30Z", "2021-01-04 09:30Z", "2021-01-05 09:30Z", "weekday", 5),
        ("2021-01-02", "2021-01-05", "2021-01-08", "3 days", None),  # a Saturday
    ],
)
def test_two_stamps_tell_the_third(first, second, third, frequency, season):
    timeline = parse(first, second)
    assert timeline.following(1) == [third]
    assert (timeline.frequency, timeline.season) == (frequency, season)
    assert parse(first, second, third).frequency == frequency


def month_stamp(months: int, day: int) -> datetime:
    year, month = divmod(months, 12)
    return datetime(year, month + 1, min(day, monthrange(year, month + 1)[1]))


CALENDAR = st.sampled_from(
    ["%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%SZ"]
)


@given(
    st.integers(1000 * 12, 9000 * 12),
    st.sampled_from([1, 3, 12]),
    st.integers(1, 31),
    st.integers(14, 40),
    CALENDAR,
)
def test_monthly_series_continue_as_they_would_have(start, step, day, length, pattern):
    if step > 1 and day > 28:
        start -= start % step  # quarters and years begin in January, so that the longest month is among the seen
    stamps = [month_stamp(start + step * i, day).strftime(pattern) for i in range(length + 9)]
    timeline = parse(*stamps[:length])
    assert timeline.following(9) == stamps[length:]
    assert timeline.frequency == {1: "month", 3: "quarter", 12: "year"}[step]


@given(
    st.datetimes(datetime(1000, 1, 1), datetime(9000, 1, 1)),
    st.sampled_from([1, 7, 60, 1800, 3600, 3 * 3600, 86_400, 7 * 86_400]),
    st.integers(3, 40),
)
def test_steps_of_seconds_continue_as_they_would_have(start, step, length):
    moments = [start.replace(microsecond=0) + timedelta(seconds=step * i) for i in range(length + 9)]
    stamps = [moment.strftime("%Y-%m-%d %H:%M:%S") for moment in moments]
    assert parse(*stamps[:length]).following(9) == stamps[length:]


@given(st.integers(-(10**17), 10**17), st.integers(1, 10**9), st.integers(2, 9))
@example(10078990, 121, 2)
@example(10078980, 131, 2)
def test_integers_continue_as_they_would_have(start, step, length):
    stamps = [str(start + step * i) for i in range(length + 9)]
    assert parse(*stamps[:length], name="t").following(9) == stamps[length:]


@pytest.mark.parametrize(
    "stamps",
    [
        ("1", "2"),
        ("2020-01-31", "2020-02-29"),
        ("2020-01-01T00:00Z", "2020-01-01T01:00Z"),
        ("2021-01-01 09:30+01:00", "2021-01-04 09:30+01:00"),
    ],
)
def test_the_header_is_json_and_carries_on(stamps):
    timeline = parse(*stamps)
    restored = Timeline.from_header(json.loads(json.dumps(timeline.to_header())))
    assert restored == timeline
    assert restored.following(5) == timeline.following(5)


@pytest.mark.parametrize(
    "change",
    [
        {"format": "YY"},
        {"format": "integer"},
        {"unit": "fortnight"},
        {"unit": "step"},
        {"step": 0},
        {"step": 1.5},
        {"step": "1"},
        {"day": 0},
        {"last": "2020-02-30"},
        {"last": None},
        {"more": 1},
        {"unit": "weekday"},  # the last stamp is a Saturday
        {"unit": "second", "step": 10**12},
        {"format": "YYYY-MM-DD hh:mm+01:00"},
    ],
)
def test_a_damaged_header_is_refused(change):
    header = parse("2020-01-31", "2020-02-29").to_header() | change
    with pytest.raises(ModelFileError, match="time column in the model file is damaged"):
        Timeline.from_header(header)


def days(first: str, last: str) -> list[datetime]:
    start, end = datetime.fromisoformat(first), datetime.fromisoformat(last)
    return [start + timedelta(days=k) for k in range((end - start).days + 1)]


WEEKDAYS = [f"{day:%Y-%m-%d}" for day in days("1969-11-03", "1970-03-31") if day.weekday() < 5]


@given(st.integers(6, 40), st.integers(0, 40), st.sampled_from(["", " 16:00"]))
def test_weekdays_continue_over_weekends(length, start, clock):
    stamps = [day + clock for day in WEEKDAYS[start : start + length + 20]]
    timeline = parse(*stamps[:length])
    assert timeline.frequency == "weekday"
    assert timeline.following(20) == stamps[length:]
    assert [timeline.stamp(k) for k in range(1 - length, 1)] == stamps[:length]


def test_days_with_a_weekend_in_them_are_days():
    assert parse(*(f"{day:%Y-%m-%d}" for day in days("2024-01-05", "2024-01-15"))).frequency == "day"
    assert parse("2024-01-08", "2024-01-09", "2024-01-10", "2024-01-11", "2024-01-12").following(1) == ["2024-01-13"]
    assert parse("2024-01-05", "2024-01-08", "2024-01-11").following(1) == ["2024-01-14"]  # every third day
    assert parse("2024-01-05", "2024-01-12", "2024-01-19").frequency == "week"


def test_weekdays_are_at_one_time_of_day():
    assert refused("2024-01-05 09:00", "2024-01-08 09:00", "2024-01-09 10:00") == (
        'd.csv:3: column 2 "date": "2024-01-08 09:00" comes after "2024-01-05 09:00"; '
        'expected "2024-01-06 10:00" (step: 25 hours)'
    )


def test_a_holiday_among_weekdays_is_a_gap():
    why = refused(
        "2023-12-20", "2023-12-21", "2023-12-22", "2023-12-26", "2023-12-27", "2023-12-28", "2023-12-29", "2024-01-01"
    )
    assert why.startswith(
        'd.csv:5: column 2 "date": "2023-12-26" comes after "2023-12-22"; expected "2023-12-25" (step: weekday); '
    )


@pytest.mark.parametrize(
    ("stamps", "offset", "expected"),
    [
        (("7", "9"), -6, "-3"),
        (("2020-01-31", "2020-02-29"), -3, "2019-11-30"),
        (("2020-03-30", "2020-04-30"), -2, "2020-02-29"),
        (("2024-02-29", "2024-03-01"), -366, "2023-03-01"),
        (("2024-01-01T00:00-03:00", "2024-01-01T01:00-03:00"), -2, "2023-12-31T23:00-03:00"),
        (("31/01/2024", "01/02/2024"), 0, "01/02/2024"),
    ],
)
def test_stamps_before_the_last(stamps, offset, expected):
    assert parse(*stamps).stamp(offset) == expected


def test_a_missing_row_is_blamed_with_what_was_expected():
    months = [f"2020-{month:02}-01" for month in (1, 2, 3, 5, 6)]
    assert refused(*months) == (
        'd.csv:5: column 2 "date": "2020-05-01" comes after "2020-03-01"; expected "2020-04-01" (step: month); '
        "or fill such gaps with --missing ffill|interpolate|mask|zero"
    )
    days = [f"2020-01-{day:02}" for day in (1, 3, 4, 5)]
    assert refused(*days).startswith('d.csv:3: column 2 "date": "2020-01-03" comes after "2020-01-01"')


def test_a_duplicate_and_a_step_back():
    assert refused("2020-01-01", "2020-01-02", "2020-01-02") == (
        'd.csv:4: column 2 "date": "2020-01-02" occurs twice; expected "2020-01-03" (step: day); '
        "or merge such rows with --set data.duplicates=first|last|mean|sum"
    )
    assert "occurs twice" in refused("2020-01-01", "2020-01-01")
    assert refused("3", "2", "1") == (
        'd.csv:3: column 2 "date": "2" comes after "3", which is later; expected "4" (step: step); '
        "or sort the rows with --set data.sort=true"
    )


@pytest.mark.parametrize(
    "stamp",
    [
        "",
        "soon",
        "2020-02-30",
        "2020-13",
        "2020-00",
        "2020-01-00",
        "1.5",
        "007",
        "２０２０",
        "2020-01-01 10:00+1:00",
        "2020-01-01 10:00+24:00",
        "2020-01-01Z",
        "2020-01-0\N{ARABIC-INDIC DIGIT ONE}",
        "13/13/2020",
    ],
)
def test_what_is_not_a_time(stamp):
    assert refused(stamp, "2021").startswith('d.csv:2: column 2 "date": ')
    message = refused("2020-01-30", "2020-01-31", stamp)
    assert message.startswith('d.csv:4: column 2 "date": ')
    assert message.endswith("is not a time; expected YYYY-MM-DD as on line 2")


def test_an_uneven_step_may_be_made_even():
    assert refused("2020-01-01 00:00", "2020-01-01 01:00", "2020-01-01 01:30", "2020-01-01 02:30") == (
        'd.csv:4: column 2 "date": "2020-01-01 01:30" comes after "2020-01-01 01:00"; '
        'expected "2020-01-01 02:00" (step: hour); or make uneven rows even with --set data.resample=1h'
    )


def test_times_with_and_without_an_offset_are_refused():
    assert refused("2024-03-31T00:00+01:00", "2024-03-31T01:00+01:00", "2024-03-31T03:00") == (
        'd.csv:4: column 2 "date": mixed time zones: none after "+01:00" on line 2; write all times in one zone, such '
        "as UTC"
    )


def test_offsets_however_written_are_compared_as_moments():
    stamps = ["2024-03-31T00:00+01:00", "2024-03-31T00:00Z", "2024-03-31T03:00+0200", "2024-03-31T02:00Z"]
    assert parse(*stamps).following(2) == ["2024-03-31T03:00Z", "2024-03-31T04:00Z"]


def test_offsets_that_change_with_summer_time_are_instants():
    """The last offset goes on."""
    spring = parse("2024-03-31T00:00+01:00", "2024-03-31T01:00+01:00", "2024-03-31T03:00+02:00")
    assert spring.following(2) == ["2024-03-31T04:00+02:00", "2024-03-31T05:00+02:00"]
    autumn = parse("2023-10-29 01:45+02:00", "2023-10-29 02:45+02:00", "2023-10-29 02:45+01:00")
    assert autumn.following(1) == ["2023-10-29 03:45+01:00"]
    assert "occurs twice" in refused("2024-03-31T00:00+01:00", "2024-03-31T01:00+01:00", "2024-03-31T02:00+02:00")


@pytest.mark.parametrize(
    ("stamps", "following"),
    [
        (("12/01/2023", "01/01/2024", "02/01/2024"), "03/01/2024"),
        (("01/11/2023", "01/12/2023", "01/01/2024", "01/02/2024"), "01/03/2024"),
        (("12/11/2023", "12/12/2023", "12/13/2023"), "12/14/2023"),
        (("01/01/2023", "01/01/2024"), "01/01/2025"),
        (("05/05/2020", "05/05/2022"), "05/05/2024"),
    ],
)
def test_the_order_of_day_and_month_is_told_by_the_values(stamps, following):
    assert parse(*stamps).following(1) == [following]


def test_an_order_of_day_and_month_that_nothing_tells_is_refused():
    assert refused("01/01/2024", "01/02/2024", "01/03/2024") == (
        'd.csv:2: column 2 "date": "01/01/2024" is ambiguous, MM/DD/YYYY or DD/MM/YYYY; say which with --set '
        'data.time_format="%m/%d/%Y" or --set data.time_format="%d/%m/%Y", or rewrite the dates as YYYY-MM-DD'
    )
    assert "is ambiguous" in refused("01/01/2024", "01/02/2024", "01/04/2024", "01/09/2024")  # uneven either way
    assert "is ambiguous" in refused("01/01/2024", "02/02/2024")  # the same either way, but not what follows
    assert refused("03/12/2023", "13/12/2023", "12/23/2023") == (
        'd.csv:4: column 2 "date": "12/23/2023" is not DD/MM/YYYY, as the dates before it are: '
        "the order of day and month is ambiguous; rewrite the dates as YYYY-MM-DD"
    )
    assert refused("03/12/2023", "soon").endswith(
        '"soon" is not a time; expected MM/DD/YYYY or DD/MM/YYYY as on line 2'
    )


def test_one_row_has_no_step():
    assert "need at least 2 rows" in refused("2020")


def test_the_year_9999_is_the_last():
    with pytest.raises(DataError, match="after the year 9999"):
        parse("9998", "9999").following(1) and parse("9999-11", "9999-12").following(1)
    with pytest.raises(DataError, match="before the year 0"):
        parse("0000-01-01", "0000-01-02").stamp(-2)
    assert "after the year 9999" in refused("9999-12-30", "9999-12-31", "9999-12-31")


@pytest.mark.parametrize(
    ("stamps", "name", "expected"),
    [
        (("2020-01", "2020-02"), "whatever", "time"),
        (("2020-01-01", "2020-01-09", "2020-01-03"), "x", "time"),  # irregular, and `parse` will say so
        (("1", "2", "3"), "t", "time"),
        (("1", "2", "3"), "Year", "time"),
        (("1", "2", "3"), "price", None),
        (("1", "2", "4"), "t", "time"),  # a gap, to be refused by its line
        (("3", "2", "1"), "t", "time"),  # backwards, likewise
        (("1", "2", "1", "2"), "month", "part"),
        (("2020", "2020", "2021", "2021"), "year", "part"),
        (("0", "1", "2"), "Unnamed: 0", "counter"),
        (("1", "2", "3"), "rownames", "counter"),
        (("5", "7", "9"), "rownames", None),
        (("1",), "t", "time"),
        (("2020-01", "x"), "date", "time"),  # its odd cell is to be refused
        (("2020-01-31", "2020-02-30"), "date", "time"),
        (("2020-01-01T00:00+0100", "2020-01-01T01:00+0100"), "x", "time"),
        (("01/02/2020", "01/03/2020"), "x", "time"),  # ambiguous, refused like the two below
        (("01/13/2020", "13/01/2020"), "x", "time"),
        (("2020-01-01T00:00Z", "2020-01-01T01:00"), "x", "time"),
        (("01/13/2020", "13/13/2020"), "x", "time"),
        (("20230101", "20230102"), "date", "time"),
        (("20230130", "20230131", "20230201"), "code", "time"),
        (("20230101", "20230102"), "code", "time"),
        (("10:00", "11:00"), "x", "part"),
        (("0.5", "1.0", "1.5"), "time", "time"),  # refused: no fractions of a second
        (("1990", "1990.25", "1990.5"), "time", "time"),
        (("1.5", "1.0"), "time", None),
        (("a", "b"), "x", None),
    ],
)
def test_what_a_column_tells(stamps, name, expected):
    assert kind_of_column(column(*stamps, name=name), 1) == expected


@given(st.lists(st.text("0123456789-+:/. TZ", max_size=20), min_size=1, max_size=5))
def test_any_cells_are_a_timeline_or_our_own_error(stamps):
    kind_of_column(column(*stamps), 1)
    with suppress(DataError):
        parse(*stamps).following(3)


def days_of(week, count, start=datetime(2023, 1, 2)):
    """The first `count` days from `start` on that are on these days of the week, by Python's own calendar."""
    days = (start + timedelta(days=k) for k in range(10 * count))
    return [f"{day:%Y-%m-%d}" for day in days if day.weekday() in week][:count]


@pytest.mark.parametrize("week", [(0, 1, 2, 3, 4), (0, 1, 2, 3, 4, 5), (0, 1, 2, 3, 6), (0, 2, 4), (1, 3), (5, 6)])
def test_the_days_of_a_week_that_are_open_go_on(week):
    stamps = days_of(week, 40)
    timeline = parse(*stamps[:30])
    assert timeline.following(10) == stamps[30:]
    assert timeline.stamps(range(-29, 1)) == stamps[:30]
    assert timeline.season == len(week)
    assert Timeline.from_header(timeline.to_header()) == timeline


def test_an_open_day_that_is_missing_is_a_gap():
    stamps = days_of((0, 1, 2, 3, 4, 5), 40)
    assert refused(*stamps[:20], *stamps[21:]).startswith(f'd.csv:22: column 2 "date": "{stamps[21]}" comes after')


def test_the_last_weekdays_of_months_go_on():
    ends = [datetime(2014 + k // 12, k % 12 + 1, monthrange(2014 + k // 12, k % 12 + 1)[1]) for k in range(40)]
    stamps = [f"{end - timedelta(days=max(end.weekday() - 4, 0)):%Y-%m-%d}" for end in ends]
    timeline = parse(*stamps[:30])
    assert timeline.following(10) == stamps[30:]
    assert (timeline.frequency, timeline.season) == ("month", 12)


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d-%b-%Y"])
def test_rows_in_any_order_can_be_sorted(form):
    stamps = [(datetime(2023, 1, 9) + timedelta(days=k)).strftime(form) for k in range(60)]
    for order in (range(59, -1, -1), np.random.default_rng(1).permutation(60)):
        assert order_of_times(column(*(stamps[k] for k in order)), 1).tolist() == np.argsort(order).tolist()
    with pytest.raises(DataError, match=r"d\.csv:3: .*is not a time"):
        order_of_times(column(stamps[0], "soon", stamps[1]), 1)


@pytest.mark.parametrize(
    ("stamps", "others", "rows"),
    [
        (("2024-01-01", "2024-01-02", "2024-01-03"), ("2024-01-05", "2024-01-06"), -3),
        (("2024-05", "2024-06"), ("2023-01", "2023-02"), 16),
        (("2024-01-31", "2024-02-29", "2024-03-31"), ("2023-11-30", "2023-12-31", "2024-01-31"), 2),
        (("2024-01-05", "2024-01-08", "2024-01-09"), ("2024-01-02", "2024-01-03", "2024-01-04"), 3),  # working days
        (("2024-01-10", "2024-01-17"), ("2024-01-01", "2024-01-08"), 1),  # weeks that begin two days later
        (("2024-01-01", "2024-01-08"), ("2024-01-03", "2024-01-10"), -1),
        (("10", "20", "30"), ("100", "110", "120"), -9),
    ],
)
def test_a_timeline_ends_so_many_rows_after_another(stamps: tuple[str, ...], others: tuple[str, ...], rows: int):
    table = column(*stamps, *others)
    groups = [np.arange(len(stamps)), len(stamps) + np.arange(len(others))]
    (one, other), _ = read_timelines(table, 1, groups, fill_gaps=True, keep_duplicates=False)
    assert one.rows_after(other) == rows
    assert one.rows_after(one) == 0


def test_a_state_may_end_a_timeline_where_it_likes_but_at_no_time():
    timeline = parse("2020-01-31", "2020-02-29")
    assert timeline.restored("2021-05-31") == replace(timeline, last="2021-05-31")
    for stamp in ("2021-05-32", "../../x", "", None, 3, 1e300, {}, "\x1b"):
        with pytest.raises(ValueError, match="is no stamp of the time column"):
            timeline.restored(stamp)


@pytest.mark.parametrize("name", ["moment", "x", "hh:mm:mm", "YYYY-YYYY"])
def test_a_format_that_is_none_is_damage(name):
    with pytest.raises(ModelFileError, match="the time column in the model file is damaged"):
        Timeline.from_header({"format": name, "unit": "second", "step": 60, "day": 0, "last": "2020-01-01 00:00"})
