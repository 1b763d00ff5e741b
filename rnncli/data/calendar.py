"""What the calendar says about each row: where it stands in the hour, the day, the week and the year.

A phase p in [0, 1) enters as sin 2πp and cos 2πp, so that the end of a cycle is next to its beginning.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rnncli.data.stamps import DAY, HOUR, WEEK, day_of_week, months_of
from rnncli.data.timeline import Timeline


def _minute_of_hour(seconds: np.ndarray) -> np.ndarray:
    return seconds % HOUR / HOUR


def _time_of_day(seconds: np.ndarray) -> np.ndarray:
    return seconds % DAY / DAY


def _day_of_week(seconds: np.ndarray) -> np.ndarray:
    return day_of_week(seconds) / 7


def _day_of_year(seconds: np.ndarray) -> np.ndarray:
    days = (seconds // DAY).astype("datetime64[D]")
    years = days.astype("datetime64[Y]")
    first, after = (year.astype("datetime64[D]") for year in (years, years + 1))
    return (days - first) / (after - first)


def _month_of_year(seconds: np.ndarray) -> np.ndarray:
    return months_of(seconds)[0] % 12 / 12


_Phase = Callable[[np.ndarray], np.ndarray]
_CYCLES: dict[str, tuple[tuple[str, int, _Phase], ...]] = {  # by unit: name, length in units, phase
    "second": (
        ("minute-of-hour", HOUR, _minute_of_hour),
        ("time-of-day", DAY, _time_of_day),
        ("day-of-week", WEEK, _day_of_week),
        ("day-of-year", 365 * DAY, _day_of_year),
    ),
    "weekday": (("day-of-week", 5, _day_of_week), ("day-of-year", 260, _day_of_year)),
    "month": (("month-of-year", 12, _month_of_year),),
    "year": (),
    "step": (),
}


def calendar_features(timeline: Timeline, count: int, ahead: int) -> tuple[tuple[str, ...], np.ndarray]:
    """Names (K) and values (count + ahead, K) float64 of the calendar's features, for the last `count` rows of
    the series and the `ahead` rows after them.

    They are the sine and the cosine of each cycle that is longer than the step; integers have none, K = 0.
    Phases are those of the zone that the stamps are written in; a day counts as a whole in the week and the year.
    """
    cycles = [(name, phase) for name, length, phase in _CYCLES[timeline.unit] if timeline.step < length]
    if not cycles:
        return (), np.zeros((count + ahead, 0))
    seconds = timeline.seconds(np.arange(1 - count, ahead + 1))
    angles = np.stack([2 * np.pi * phase(seconds) for _, phase in cycles], axis=1)
    names = tuple(f"{name}-{part}" for name, _ in cycles for part in ("sin", "cos"))
    return names, np.stack([np.sin(angles), np.cos(angles)], axis=2).reshape(count + ahead, -1)
