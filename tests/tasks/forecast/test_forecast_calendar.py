"""Calendar features: which cycles a step sees, and where each row stands in them."""

from __future__ import annotations

import re
import sys
from datetime import datetime, timedelta
from math import cos, pi, sin

import numpy as np
import pytest

from rnncli.data.timeline import Timeline
from rnncli.errors import ConfigError, UsageError
from rnncli.tasks.forecast.calendar_features import calendar_features, holiday_features

HOUR, DAY = 3600, 86_400


def timeline(unit: str, step: int, last: str, pattern: str = "YYYY-MM-DD", day: int = 0) -> Timeline:
    return Timeline(pattern, unit, step, day, last)


def phases(features: np.ndarray) -> np.ndarray:
    """Back from sines and cosines, (rows, 2 K), to phases in [0, 1), (rows, K)."""
    sines, cosines = features[:, 0::2], features[:, 1::2]
    assert sines**2 + cosines**2 == pytest.approx(1)
    return (np.arctan2(sines, cosines) / (2 * pi)) % 1


def cycles(names: tuple[str, ...]) -> list[str]:
    assert [name[-4:] for name in names] == ["-sin", "-cos"] * (len(names) // 2)
    assert [name[:-4] for name in names[0::2]] == [name[:-4] for name in names[1::2]]
    return [name[:-4] for name in names[0::2]]


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        (
            timeline("second", 1, "2024-01-01 00:00:00", "YYYY-MM-DD hh:mm:ss"),
            ["minute-of-hour", "time-of-day", "day-of-week", "day-of-year"],
        ),
        (
            timeline("second", HOUR, "2024-01-01 00:00", "YYYY-MM-DD hh:mm"),
            ["time-of-day", "day-of-week", "day-of-year"],
        ),
        (timeline("second", DAY, "2024-01-01"), ["day-of-week", "day-of-year"]),
        (timeline("second", 7 * DAY, "2024-01-01"), ["day-of-year"]),
        (timeline("second", 400 * DAY, "2024-01-01"), []),
        (timeline("weekday", 1, "2024-01-01"), ["day-of-week", "day-of-year"]),
        (timeline("weekday", 5, "2024-01-01"), ["day-of-year"]),
        (timeline("month", 1, "2024-01", "YYYY-MM", 1), ["month-of-year"]),
        (timeline("month", 3, "2024-01-31", day=31), ["month-of-year"]),
        (timeline("month", 12, "2024-01", "YYYY-MM", 1), []),
        (timeline("year", 1, "2024", "integer"), []),
        (timeline("step", 5, "-5", "integer"), []),
    ],
)
def test_a_series_has_the_cycles_that_are_longer_than_its_step(series, expected):
    names, features = calendar_features(series, 7, 4)
    assert cycles(names) == expected
    assert features.shape == (11, 2 * len(expected))
    assert features.dtype == np.float64


def test_a_quarter_of_a_day_is_a_quarter_of_a_turn():
    names, features = calendar_features(timeline("second", 6 * HOUR, "2024-05-05 12:00", "YYYY-MM-DD hh:mm"), 3, 2)
    assert names[:2] == ("time-of-day-sin", "time-of-day-cos")
    # 00:00, 06:00, 12:00, which is the last row, 18:00, 00:00
    assert features[:, :2] == pytest.approx(np.array([[0, 1], [1, 0], [0, -1], [-1, 0], [0, 1]]), abs=1e-12)
    monday, sunday = [0, 1], [sin(2 * pi * 6 / 7), cos(2 * pi * 6 / 7)]
    assert features[:, 2:4] == pytest.approx(np.array([sunday] * 4 + [monday]), abs=1e-12)


def test_minutes_and_hours_are_those_of_the_clock_as_it_is_written():
    series = timeline("second", 600, "1969-12-31 23:50+05:30", "YYYY-MM-DD hh:mm+05:30")
    seen = phases(calendar_features(series, 2, 1)[1])
    assert seen[:, 0] == pytest.approx([40 / 60, 50 / 60, 0])
    assert seen[:, 1] == pytest.approx([(23 * 60 + 40) / 1440, (23 * 60 + 50) / 1440, 0])
    assert seen[:, 2] == pytest.approx([2 / 7, 2 / 7, 3 / 7])  # Wednesday, Wednesday, Thursday
    assert seen[:, 3] == pytest.approx([364 / 365, 364 / 365, 0])


def test_days_are_those_that_datetime_counts_leap_years_too():
    last = datetime(2001, 1, 1)
    seen = phases(calendar_features(timeline("second", DAY, "2001-01-01"), 1200, 800)[1])
    for row, (week, year) in enumerate(seen):
        day = last + timedelta(days=row - 1199)
        length = datetime(day.year, 12, 31).timetuple().tm_yday
        assert week == pytest.approx(day.weekday() / 7)
        assert year == pytest.approx((day.timetuple().tm_yday - 1) / length)
        if (day.month, day.day) == (12, 31):
            assert year == pytest.approx(365 / 366 if day.year == 2000 else 364 / 365)


def test_weekdays_stand_where_they_are_in_the_whole_week():
    seen = phases(calendar_features(timeline("weekday", 1, "2024-03-01"), 2, 3)[1])  # Thursday, Friday, Monday …
    assert seen[:, 0] == pytest.approx([3 / 7, 4 / 7, 0, 1 / 7, 2 / 7])
    assert seen[:, 1] * 366 == pytest.approx([59, 60, 63, 64, 65])


def test_months_and_quarters_stand_in_the_year():
    monthly = phases(calendar_features(timeline("month", 1, "1970-01-31", day=31), 3, 1)[1])
    assert monthly[:, 0] == pytest.approx([10 / 12, 11 / 12, 0, 1 / 12])
    quarters = phases(calendar_features(timeline("month", 3, "2024-02", "YYYY-MM", 1), 2, 2)[1])
    assert quarters[:, 0] == pytest.approx([10 / 12, 1 / 12, 4 / 12, 7 / 12])


@pytest.mark.parametrize(
    ("place", "days"),
    [
        ("DE", ["2024-01-01", "2024-03-29", "2024-05-01", "2024-10-03", "2024-12-25", "2024-12-26", "2025-01-01"]),
        ("US", ["2024-01-01", "2024-07-04", "2024-11-28", "2024-12-25", "2025-01-01"]),
        ("DE-BY", ["2024-01-06", "2024-11-01", "2025-01-06"]),
    ],
)
def test_holidays_are_those_of_the_place(place, days):
    made = holiday_features(timeline("second", DAY, "2024-12-31"), 366, 31, [place])
    assert made.shape == (397, 1)
    found = {str(np.datetime64("2024-01-01") + int(k)) for k in np.flatnonzero(made[:, 0])}
    assert set(days) <= found
    assert not {"2024-01-02", "2024-07-05", "2024-12-24"} & found
    assert ("2024-01-06" in found) == (place == "DE-BY")


def test_every_hour_of_a_holiday_is_one_and_places_stand_side_by_side():
    hourly = timeline("second", HOUR, "2024-07-03 22:00", "YYYY-MM-DD hh:mm")
    assert holiday_features(hourly, 1, 27, ["DE", "US"]).tolist() == [[0, 0]] * 2 + [[0, 1]] * 24 + [[0, 0]] * 2
    friday = timeline("weekday", 1, "2024-03-28")
    assert holiday_features(friday, 1, 3, ["DE"])[:, 0].tolist() == [0, 1, 1, 0]  # Good Friday, Easter Monday


@pytest.mark.parametrize(
    ("series", "places", "told"),
    [
        (timeline("month", 1, "2024-01-01", day=1), ["DE"], "rows are one month apart"),
        (timeline("second", 7 * DAY, "2024-01-01"), ["DE"], "rows are one week apart"),
        (timeline("year", 1, "2024", "integer"), ["DE"], "rows are one year apart"),
        (timeline("second", DAY, "2024-01-01"), ["GER"], 'no holidays of "GER" are known'),
        (timeline("second", DAY, "2024-01-01"), ["DE-XX"], 'DE has no part "XX"'),
    ],
)
def test_holidays_that_nobody_can_tell_are_refused(series, places, told):
    with pytest.raises(ConfigError, match=told):
        holiday_features(series, 3, 3, places)


def test_without_the_package_its_name_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "holidays", None)
    with pytest.raises(UsageError, match=re.escape("pip install 'rnncli[holidays]'")):
        holiday_features(timeline("second", DAY, "1999-01-01"), 3, 3, ["DE"])
