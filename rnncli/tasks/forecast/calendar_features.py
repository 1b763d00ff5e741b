"""The calendar as features: the place of a row in the hour, the day, the week and the year, and public holidays.

A phase p in [0, 1) enters as sin 2πp and cos 2πp, so that the end of a cycle is next to its beginning. Holidays are
those of the package holidays, an extra.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

from rnncli.config.suggestions import did_you_mean
from rnncli.data.stamps import DAY, HOUR, WEEK, day_of_week, months_of
from rnncli.data.timeline import Timeline
from rnncli.errors import ConfigError, UsageError, shown


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


def calendar_features(timeline: Timeline, count: int, horizon: int) -> tuple[tuple[str, ...], np.ndarray]:
    """Names (K) and values (count + horizon, K) float64 of the calendar's features, for the last `count` rows of
    the series and the `horizon` rows after them.

    They are the sine and the cosine of each cycle that is longer than the step; integer times have none, K = 0.
    Phases are in the time zone of the stamps; in the week and the year they change only from day to day.
    """
    of_a_day = bool(timeline.clocks)  # rows are times of a day
    unit, step = ("second", HOUR) if of_a_day else (timeline.unit, timeline.step)
    cycles = [(name, phase) for name, length, phase in _CYCLES[unit] if step < length]
    if not cycles:
        return (), np.zeros((count + horizon, 0))
    seconds = timeline.seconds(np.arange(1 - count, horizon + 1))
    angles = np.stack([2 * np.pi * phase(seconds) for _, phase in cycles], axis=1)
    names = tuple(f"{name}-{wave}" for name, _ in cycles for wave in ("sin", "cos"))
    return names, np.stack([np.sin(angles), np.cos(angles)], axis=2).reshape(count + horizon, -1)


def holiday_features(timeline: Timeline, count: int, horizon: int, places: Sequence[str]) -> np.ndarray:
    """Return 1 for each row on a public holiday and 0 for others, (count + horizon, places) float64: of the last
    `count` rows of the series and the `horizon` rows after them, in each of `places`, such as DE or US-CA.

    ConfigError for rows that are no days or parts of days, and for a place that is not known; UsageError without the
    package.
    """
    if timeline.step > {"second": DAY, "weekday": 1}.get(timeline.unit, 0):
        raise ConfigError(f"data.holidays: tells of days, and rows are one {timeline.frequency} apart; remove it")
    days = timeline.seconds(np.arange(1 - count, horizon + 1)) // DAY
    dates = days.astype("datetime64[D]")
    years = dates.astype("datetime64[Y]").astype(np.int64) + 1970
    found = [np.isin(days, _holidays(place, int(years.min()), int(years.max()))) for place in places]
    return np.stack(found, axis=1).astype(np.float64)


@lru_cache(maxsize=32)
def _holidays(place: str, first: int, last: int) -> np.ndarray:
    """Return the public holidays of a place from the year `first` to `last`, in days since 1970."""
    try:
        import holidays
    except ImportError:
        raise UsageError(
            "data.holidays: is told by the package holidays, which is not installed; pip install 'rnncli[holidays]'"
        ) from None
    country, _, region = place.partition("-")
    known = holidays.list_supported_countries()
    if country not in known:
        hint = did_you_mean(country, known) or "; write it as in ISO 3166, such as DE or US-CA"
        raise ConfigError(f"data.holidays: no holidays of {shown(country)} are known{hint}")
    if region and region not in known[country]:
        raise ConfigError(
            f"data.holidays: {country} has no part {shown(region)} with holidays of its own; it has "
            f"{', '.join(known[country]) or 'none'}"
        )
    made = holidays.country_holidays(country, subdiv=region or None, years=range(first, last + 1))
    return np.array(sorted(made), "datetime64[D]").astype(np.int64)
