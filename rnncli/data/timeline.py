"""The time of a series: its constant step, and the stamps before and after its last one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from rnncli.data import decimal_times, zones
from rnncli.data.stamps import (
    DAY,
    HOUR,
    INTEGER,
    LAST_WEEKDAY,
    WEEK,
    WORKWEEK,
    day_of_week,
    days_in_months,
    months_of,
    months_starts,
    read,
    weekday_starts,
    weekdays_of,
    write,
    zone_of,
)
from rnncli.data.typed import typed
from rnncli.data.zoned_times import LOCAL, MOMENT, moments_of, written
from rnncli.errors import DataError, ModelFileError, shown

_SIZES = {  # larger units first
    "second": {"week": WEEK, "day": DAY, "hour": HOUR, "minute": 60, "second": 1},
    "weekday": {"weekday": 1},
    "month": {"year": 12, "month": 1},
    "year": {"year": 1},
    "step": {"step": 1},
}
_OWN_NAMES = {("second", HOUR // 2): "half-hour", ("month", 3): "quarter"}
_CYCLES = {"month": (12, 1), "second": (DAY, 60)}  # and the shortest step that sees it


@dataclass(frozen=True)
class Timeline:
    """Stamps at a constant distance of `step` units, up to `last`.

    `unit` is "step" or "year" (integers), "month", "weekday" (Monday to Friday, or the days of `week`, 0 being Monday),
    or "second" (also for minutes, days and weeks). Of weekdays with `clocks`, in seconds of the day, each row is one of
    these times, such as the hours in which a shop is open. `day` is the day of the month of monthly stamps, or the last
    day of a month that is shorter: 31 means month ends, `LAST_WEEKDAY` the last weekdays of months.

    In a `zone`, stamps are read and written in the format `written`, and `last` is kept in the format MOMENT where
    rows are so many seconds apart, or in LOCAL where they go on by the clock, such as days. `decimals` is how many
    digits of a whole number are written behind a point.
    """

    format: str
    unit: str
    step: int
    day: int
    last: str
    week: str = ""
    zone: str = ""
    written: str = ""
    decimals: int = 0
    clocks: tuple[int, ...] = ()

    @property
    def days(self) -> tuple[int, ...]:
        """The days of the week that weekdays count, 0 being Monday."""
        return tuple(map(int, self.week)) or WORKWEEK

    def holds(self, values: np.ndarray) -> bool:
        """True if the moments (n,), in seconds, are on the days of the week of this timeline, and at its times."""
        clocks = not self.clocks or bool(np.isin(values % DAY, self.clocks).all())
        return clocks and on_days(values, self.days)

    @property
    def frequency(self) -> str:
        """The step in words: "month", "half-hour", "3 hours"."""
        if self.clocks:
            return f"row of {len(self.clocks)} a day" + (f" ({self.step} at once)" if self.step > 1 else "")
        if self.decimals:
            return f"{decimal_times.with_point(self.step, self.decimals)} steps"
        sizes = _SIZES[self.unit].items()
        name, size = next((name, size) for name, size in sizes if self.step % size == 0)
        words = name if self.step == size else f"{self.step // size} {name}s"
        return _OWN_NAMES.get((self.unit, self.step), words)

    @property
    def season(self) -> int | None:
        """The number of steps after which a pattern is likely to repeat: a year of months, weeks or quarters, a week of
        days, a day of hours or their fractions, an hour of minutes; None if no period is likely.
        """
        if self.clocks:
            return len(self.clocks) if self.step == 1 else None
        usual = {WEEK: 52, DAY: 7, 60: 60}
        if self.unit == "second" and self.step in usual:
            return usual[self.step]
        cycle, shortest = (len(self.days), 1) if self.unit == "weekday" else _CYCLES.get(self.unit, (0, 0))
        return cycle // self.step if shortest <= self.step < cycle and cycle % self.step == 0 else None

    def stamp(self, offset: int) -> str:
        """Return the stamp `offset` rows after `last` (before it if negative), written as in the input.

        Raises DataError before the year 0 and after 9999.
        """
        return self.stamps([offset])[0]

    def offset_of(self, stamp: str) -> int | None:
        """Return how many rows after `last` a stamp is (negative: before it); None if it is no time of this series.

        Of the two rows of an hour that is repeated when summer time ends, the one that comes next after `last`.
        """
        found = [self._offset(value) for value in self._values(stamp)]
        offsets = [offset for offset in found if offset is not None and self.stamp(offset) == stamp]
        return min((offset for offset in offsets if offset > 0), default=max(offsets, default=None))

    def _values(self, stamp: str) -> list[int]:
        """Return what a stamp may stand for, in the units of `last`."""
        if not self.zone:
            (text,), decimals = decimal_times.without_point([stamp]) if self.decimals else ([stamp], 0)
            return [int(value) for value in read([text], self.format)] if decimals == self.decimals else []
        moments = np.array(moments_of(stamp, self.written, self.zone), np.int64)
        return (moments if self.format == MOMENT else moments + zones.offsets(moments, self.zone)).tolist()

    def rows_after(self, other: Timeline) -> int:
        """Return how many rows this timeline ends after `other`, which differs from it in nothing but its end; rounded
        down, where the one has its rows between those of the other."""
        return other._distance(int(read([self.last], self.format)[0]))[0]

    def overlaps(self, other: Timeline, offset: int) -> bool:
        """Return whether the row `offset` rows after the end is not after the end of `other`; False where they are no
        timelines of the same kind."""
        return replace(self, last=other.last) == other and self.rows_after(other) + offset <= 0

    def _offset(self, value: int) -> int | None:
        offset, rest = self._distance(value)
        return None if rest else offset

    def _distance(self, value: int) -> tuple[int, int]:
        """Return how many rows after `last` a value in its units is, and what remains."""
        values = np.array([int(read([self.last], self.format)[0]), value])
        if self.unit == "month":
            values = months_of(values)[0]
        elif self.unit == "weekday":
            values = weekdays_of(values, self.days, self.clocks)
        return divmod(int(values[1] - values[0]), self.step)

    def ending(self, stamp: str) -> Timeline:
        """Return the timeline whose last row is the one of `stamp`; DataError if it is no time of this series."""
        offset = self.offset_of(stamp)
        if offset is None:
            raise DataError(f"{shown(stamp)} is no time of this series, whose rows are one {self.frequency} apart")
        return self.moved(offset)

    def moved(self, offset: int) -> Timeline:
        """Return the timeline whose last row is `offset` rows later."""
        if self.format == INTEGER:
            return replace(self, last=str(int(self.last) + offset * self.step))
        if not self.zone:
            return replace(self, last=self.stamp(offset))
        return replace(self, last=write(self._counted([offset]), self.format)[0])

    def zoned(self, form: str) -> Timeline | None:
        """Return the timeline of stamps with an offset from UTC as one in the zone of that offset, kept in the format
        `form`, MOMENT or LOCAL; None without an offset."""
        suffix = zone_of(self.format)
        if self.zone or not suffix:
            return self if self.zone else None
        zone = suffix if suffix[0] in "+-" else "+00:00"
        local = read([self.last], self.format)
        last = write(local - (zones.offset_seconds(zone) if form == MOMENT else 0), form)[0]
        return replace(self, format=form, last=last, zone=zone, written=self.format)

    def following(self, count: int) -> list[str]:
        """Return the next `count` stamps after `last`; raise DataError past the year 9999."""
        return self.stamps(range(1, count + 1))

    def stamps(self, offsets: Sequence[int]) -> list[str]:
        """Return the stamps at many offsets at once, each as `stamp` returns it."""
        if self.format == INTEGER:
            numbers = (int(self.last) + int(offset) * self.step for offset in offsets)
            return [decimal_times.with_point(number, self.decimals) for number in numbers]
        counted = self._counted(offsets)
        if not self.zone:
            return write(counted, self.format)
        if self.format == MOMENT:
            return written(counted, counted + zones.offsets(counted, self.zone), self.written)
        return written(zones.moments(counted, self.zone)[0], counted, self.written)

    def seconds(self, offsets: np.ndarray) -> np.ndarray:
        """Return what the clock shows, in seconds since 1970, int64 (K,), at the stamps `offsets` (K,) rows after
        `last`; not for integers."""
        counted = self._counted(offsets)
        return counted + zones.offsets(counted, self.zone) if self.format == MOMENT else counted

    def _counted(self, offsets: Sequence[int] | np.ndarray) -> np.ndarray:
        """Return the values, int64 (K,), in the units of `last`, of the stamps `offsets` (K,) rows after it."""
        offsets, last = np.asarray(offsets, np.int64), read([self.last], self.format)
        if self.unit == "month":
            months, _, clocks = months_of(last)
            months = months + offsets * self.step
            return months_starts(months)[0] + (days_in_months(months, self.day) - 1) * DAY + clocks
        if self.unit == "weekday":
            counted = weekdays_of(last, self.days, self.clocks) + offsets * self.step
            return weekday_starts(counted, self.days, self.clocks) + (0 if self.clocks else last % DAY)
        return last + offsets * self.step

    def restored(self, stamp: Any) -> Timeline:
        """Return the timeline with another last stamp, which a file has; ValueError if that is none."""
        try:
            return Timeline.from_header(self.to_header() | {"last": stamp})
        except ModelFileError:
            raise ValueError(f"{shown(str(stamp))} is no stamp of the time column") from None

    def to_header(self) -> dict[str, Any]:
        """Return the timeline as JSON for a model file."""
        added = ("week", "zone", "written", "decimals", "clocks")  # since 0.1
        return {key: value for key, value in asdict(self).items() if key not in added or value}

    @classmethod
    def from_header(cls, header: dict[str, Any]) -> Timeline:
        """Return the timeline that `to_header` wrote; raise ModelFileError if the header is damaged."""
        try:
            timeline = typed(cls, header)
            counts = timeline.unit in ("step", "year")
            whole = (
                timeline.unit in _SIZES
                and _is_format(timeline.format)
                and counts == (timeline.format == INTEGER)
                and 0 < timeline.step < (2 * 10**18 if counts else 10**12)
                and (timeline.unit != "month" or 1 <= timeline.day <= LAST_WEEKDAY)
                and re.fullmatch("(?!.*(.).*\\1)[0-6]{0,7}", timeline.week) is not None
                and len(read([timeline.last], timeline.format)) == 1
                and (not timeline.zone or (zones.is_zone(timeline.zone) and timeline.format in (MOMENT, LOCAL)))
                and (timeline.unit != "weekday" or timeline.holds(read([timeline.last], timeline.format)))
                and (timeline.unit == "weekday" or not timeline.clocks)
            )
        except ValueError:
            whole = False
        if not whole:
            raise ModelFileError("the time column in the model file is damaged; train again")
        return timeline


@cache
def _is_format(name: str) -> bool:
    """True for a format that moments can be written in and read from."""
    try:
        read(write(np.zeros(1, np.int64), name), name)
    except (ValueError, LookupError, re.error):
        return False
    return True


def on_days(seconds: np.ndarray, days: Sequence[int]) -> bool:
    """True if all of the moments (n,), in seconds, are on these days of the week, 0 being Monday."""
    return bool(np.isin(day_of_week(seconds), days).all())
