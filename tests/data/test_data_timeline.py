"""Time columns: formats, steps, what follows, and which line is blamed."""

from __future__ import annotations

import json
from calendar import monthrange
from contextlib import suppress
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncli.data.csv_table import Table
from rnncli.data.timeline import Timeline, looks_like_time
from rnncli.errors import DataError, ModelFileError


def column(*stamps: str, name: str = "date") -> Table:
    rows = [["x", stamp] for stamp in stamps]
    return Table("d.csv", ["id", name], rows, list(range(2, 2 + len(rows))), ",")


def parse(*stamps: str) -> Timeline:
    return Timeline.parse(column(*stamps), 1)


def refused(*stamps: str) -> str:
    with pytest.raises(DataError) as caught:
        parse(*stamps)
    return str(caught.value)


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
def test_integers_continue_as_they_would_have(start, step, length):
    stamps = [str(start + step * i) for i in range(length + 9)]
    assert parse(*stamps[:length]).following(9) == stamps[length:]


@pytest.mark.parametrize(
    "stamps", [("1", "2"), ("2020-01-31", "2020-02-29"), ("2020-01-01T00:00Z", "2020-01-01T01:00Z")]
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
    ],
)
def test_a_damaged_header_is_refused(change):
    header = parse("2020-01-31", "2020-02-29").to_header() | change
    with pytest.raises(ModelFileError, match="time column in the model file is damaged"):
        Timeline.from_header(header)


def test_a_missing_row_is_blamed_with_what_was_expected():
    months = [f"2020-{month:02}-01" for month in (1, 2, 3, 5, 6)]
    assert refused(*months) == (
        'd.csv:5: column 2 "date": "2020-05-01" comes after "2020-03-01"; expected "2020-04-01" (step: month)'
    )
    days = [f"2020-01-{day:02}" for day in (1, 3, 4, 5)]
    assert refused(*days).startswith('d.csv:3: column 2 "date": "2020-01-03" comes after "2020-01-01"')


def test_a_duplicate_and_a_step_back():
    assert refused("2020-01-01", "2020-01-02", "2020-01-02") == (
        'd.csv:4: column 2 "date": "2020-01-02" occurs twice; expected "2020-01-03" (step: day)'
    )
    assert "occurs twice" in refused("2020-01-01", "2020-01-01")
    assert refused("3", "2", "1").startswith('d.csv:3: column 2 "date": "2" comes after "3", which is later')


@pytest.mark.parametrize(
    "stamp",
    ["", "soon", "2020-1-5", "2020-02-30", "2020-13", "1.5", "007", "２０２０", "2020-01-01 24:00"],
)
def test_what_is_not_a_time(stamp):
    assert refused(stamp, "2021").startswith('d.csv:2: column 2 "date": ')
    message = refused("2020-01-30", "2020-01-31", stamp)
    assert message.startswith('d.csv:4: column 2 "date": ')
    assert message.endswith("is not a time; expected YYYY-MM-DD as on line 2")


def test_one_row_has_no_step():
    assert "need at least 2 rows" in refused("2020")


def test_the_year_9999_is_the_last():
    with pytest.raises(DataError, match="after the year 9999"):
        parse("9998", "9999").following(1) and parse("9999-11", "9999-12").following(1)
    assert "after the year 9999" in refused("9999-12-30", "9999-12-31", "9999-12-31")


@pytest.mark.parametrize(
    ("stamps", "name", "expected"),
    [
        (("2020-01", "2020-02"), "whatever", True),
        (("2020-01-01", "2020-01-09", "2020-01-03"), "x", True),  # irregular, and `parse` will say so
        (("1", "2", "3"), "t", True),
        (("1", "2", "3"), "Year", True),
        (("1", "2", "3"), "price", False),
        (("1", "2", "4"), "t", False),
        (("3", "2", "1"), "t", False),
        (("1",), "t", False),
        (("2020-01", "x"), "date", False),
        (("2020-01-31", "2020-02-30"), "date", False),
    ],
)
def test_what_looks_like_time(stamps, name, expected):
    assert looks_like_time(column(*stamps, name=name), 1) is expected


@given(st.lists(st.text("0123456789-:/. TZ", max_size=20), min_size=1, max_size=5))
def test_any_cells_are_a_timeline_or_our_own_error(stamps):
    looks_like_time(column(*stamps), 1)
    with suppress(DataError):
        parse(*stamps).following(3)
