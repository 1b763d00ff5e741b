"""The time column of a series: its format, its constant step, and the stamps that follow.

A stamp is text; its value is an integer: itself, or seconds since 1970 in no particular zone. Every calendar
format has a fixed width, so that stamps are read and written by position, a whole column at once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NoReturn

import numpy as np

from rnncli.data.csv_table import Table
from rnncli.errors import DataError, ModelFileError, shown

_INTEGER = "integer"  # the format of years and counters
_DATES = ("YYYY-MM-DD", "YYYY/MM/DD", "DD.MM.YYYY")
_CLOCKS = ("", *(gap + clock + zone for gap in " T" for clock in ("hh:mm", "hh:mm:ss") for zone in ("", "Z")))
_CALENDAR = ("YYYY-MM", *(date + clock for date in _DATES for clock in _CLOCKS))
_ISO = "YYYY-MM-DDThh:mm:ss"
_FIELDS = {"YYYY": "1970", "MM": "01", "DD": "01", "hh": "00", "mm": "00", "ss": "00"}  # text if absent

_HOUR, _DAY, _WEEK = 3600, 86_400, 604_800
_SIZES = {  # larger units first
    "second": {"week": _WEEK, "day": _DAY, "hour": _HOUR, "minute": 60, "second": 1},
    "month": {"year": 12, "month": 1},
    "year": {"year": 1},
    "step": {"step": 1},
}
_OWN_NAMES = {("second", _HOUR // 2): "half-hour", ("month", 3): "quarter"}
_YEARS = range(1500, 2300)
_TIME_NAMES = {"time", "date", "datetime", "timestamp", "ds", "t", "index"} | {
    "year", "quarter", "month", "week", "day", "hour", "minute", "step",
}  # fmt: skip


@dataclass(frozen=True)
class Timeline:
    """Stamps at a constant distance of `step` units.

    `unit` is "step" or "year" (integers), "month", or "second" (also for minutes, days and weeks).
    `day` is the day of the month that monthly stamps keep, as far as the month has it: 31 is month ends.
    """

    format: str
    unit: str
    step: int
    day: int
    last: str

    @classmethod
    def parse(cls, table: Table, index: int) -> Timeline:
        """The timeline of column `index` (from 0); DataError naming the first line that breaks it."""
        texts = _cells(table, index)
        name = _common_format(table, index, texts)
        if len(texts) < 2:
            raise DataError(f"{_place(table, 0, index)}: one row has no time step; need at least 2 rows")
        values = _read(texts, name)
        unit, day = _unit(values, name)
        distances = np.diff(_months(values)[0] if unit == "month" else values)
        timeline = cls(name, unit, _commonest_step(distances), day, texts[-1])
        wrong = np.flatnonzero(distances != timeline.step)
        if wrong.size:
            _refuse_step(table, index, int(wrong[0]) + 1, timeline)
        return timeline

    @property
    def frequency(self) -> str:
        """The step in words: "month", "half-hour", "3 hours"."""
        sizes = _SIZES[self.unit].items()
        name, size = next((name, size) for name, size in sizes if self.step % size == 0)
        words = name if self.step == size else f"{self.step // size} {name}s"
        return _OWN_NAMES.get((self.unit, self.step), words)

    @property
    def season(self) -> int | None:
        """Steps after which a pattern is likely to repeat: a year of months, weeks or quarters, a week of
        days, a day of hours and their parts, an hour of minutes; None if nothing suggests itself."""
        usual = {_WEEK: 52, _DAY: 7, 60: 60}
        if self.unit == "second" and self.step in usual:
            return usual[self.step]
        cycle, shortest = {"month": (12, 1), "second": (_DAY, 60)}.get(self.unit, (0, 0))
        return cycle // self.step if shortest <= self.step < cycle and cycle % self.step == 0 else None

    def following(self, count: int) -> list[str]:
        """The next `count` stamps, written as the input writes them; DataError past the year 9999."""
        last = int(_read([self.last], self.format)[0])
        return [_write(self._after(last, k), self.format) for k in range(1, count + 1)]

    def to_header(self) -> dict[str, Any]:
        """JSON for a model file."""
        return asdict(self)

    @classmethod
    def from_header(cls, header: dict[str, Any]) -> Timeline:
        """The inverse of `to_header`; ModelFileError if it cannot have come from there."""
        try:
            timeline = cls(**header)
            counts = timeline.unit in ("step", "year")
            whole = (
                timeline.unit in _SIZES
                and counts == (timeline.format == _INTEGER)
                and isinstance(timeline.step, int)
                and 0 < timeline.step < 10**18
                and isinstance(timeline.day, int)
                and (timeline.unit != "month" or 1 <= timeline.day <= 31)
                and _first_misfit([timeline.last], timeline.format) is None
            )
        except (TypeError, KeyError):
            whole = False
        if not whole:
            raise ModelFileError("the time column in the model file is damaged; train again")
        return timeline

    def _after(self, value: int, count: int) -> int:
        """The value of the stamp `count` steps after `value`."""
        if self.unit != "month":
            return value + count * self.step
        month, _, clock = (int(part[0]) for part in _months(np.array([value])))
        first, length = _month(np.array([month + count * self.step]))
        return int(first[0]) + (min(self.day, int(length[0])) - 1) * _DAY + clock


def looks_like_time(table: Table, index: int) -> bool:
    """Whether column `index` (from 0) is a time column: all of it dates, or evenly rising integers under
    a name such as `t`, `year` or `index`."""
    texts = _cells(table, index)
    name = _format_of(texts[0])
    if name is None or _first_misfit(texts, name) is not None:
        return False
    if name != _INTEGER:
        return True
    distances = np.diff(_read(texts, name))
    even = distances.size > 0 and distances[0] > 0 and np.all(distances == distances[0])
    return bool(even) and table.header[index].lower() in _TIME_NAMES


def _cells(table: Table, index: int) -> list[str]:
    return [row[index].strip(" ") for row in table.rows]


def _place(table: Table, row: int, index: int) -> str:
    return f"{table.name}:{table.lines[row]}: column {index + 1} {shown(table.header[index])}"


# Formats: text to values and back.


def _shape(template: str) -> re.Pattern[str]:
    shape = re.escape(template)
    for field in _FIELDS:
        shape = shape.replace(field, f"[0-9]{{{len(field)}}}")
    return re.compile(shape)


# 18 digits always fit int64. Zeros in front are refused: the stamps that follow would not have them.
_SHAPES = {_INTEGER: re.compile(r"0|-?[1-9][0-9]{0,17}"), **{name: _shape(name) for name in _CALENDAR}}


def _format_of(text: str) -> str | None:
    """The name of the format that `text` is written in, or None."""
    return next((name for name in _SHAPES if _first_misfit([text], name) is None), None)


def _common_format(table: Table, index: int, texts: Sequence[str]) -> str:
    """The format of all `texts`, told from the first one; DataError for the first that has another."""
    name = _format_of(texts[0])
    misfit = 0 if name is None else _first_misfit(texts, name)
    if name is not None and misfit is None:
        return name
    expected = "an integer, YYYY-MM, YYYY-MM-DD or YYYY-MM-DD hh:mm"
    if name is not None:
        expected = f"{name} as on line {table.lines[0]}"
    row = misfit or 0
    raise DataError(f"{_place(table, row, index)}: {shown(texts[row])} is not a time; expected {expected}")


def _first_misfit(texts: Sequence[str], name: str) -> int | None:
    """The index of the first of `texts` that is not a stamp in the format `name`, or None if all are."""
    misfit = next((i for i, text in enumerate(texts) if not _SHAPES[name].fullmatch(text)), len(texts))
    try:
        _read(texts[:misfit], name)
    except ValueError:  # the 30th of February; look for it one by one, unless it is found
        return 0 if misfit == 1 else next(i for i in range(misfit) if _first_misfit([texts[i]], name) == 0)
    return misfit if misfit < len(texts) else None


def _read(texts: Sequence[str], name: str) -> np.ndarray:
    """The values, (N,) int64, of stamps of the right shape; ValueError if a date does not exist."""
    if name == _INTEGER:
        return np.array([int(text) for text in texts], np.int64)
    iso = [_rearranged(text, name, _ISO) for text in texts]
    return np.array(iso, "datetime64[s]").astype(np.int64)


def _write(value: int, name: str) -> str:
    """The stamp with this value; DataError if the year needs more than the four digits it has."""
    if name == _INTEGER:
        return str(value)
    iso = str(np.datetime64(value, "s"))
    if len(iso) != len(_ISO):
        raise DataError(f"a time stamp after the year 9999 cannot be written as {name}")
    return _rearranged(iso, _ISO, name)


def _rearranged(text: str, given: str, wanted: str) -> str:
    """`text`, which is in the format `given`, in the format `wanted`."""
    for field, default in _FIELDS.items():
        start = given.find(field)
        wanted = wanted.replace(field, default if start < 0 else text[start : start + len(field)])
    return wanted


# Steps: values to units and distances.


def _unit(values: np.ndarray, name: str) -> tuple[str, int]:
    """The unit in which the distances can be constant, and the day of the month to keep (0: none).

    Months are tried first: two rows a month apart are more likely monthly than 31 days apart.
    """
    if name == _INTEGER:
        return ("year" if values.min() in _YEARS and values.max() in _YEARS else "step"), 0
    months, days, clocks = _months(values)
    _, lengths = _month(months)
    keep = 31 if np.all(days == lengths) else int(days.max())
    monthly = np.all(days == np.minimum(keep, lengths)) and np.all(clocks == clocks[0])
    return ("month", keep) if monthly else ("second", 0)


def _months(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of seconds (N,): the month counted from 1970-01, the day of the month from 1, the second of the day."""
    days = values // _DAY
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    first, _ = _month(months)
    return months, days - first // _DAY + 1, values % _DAY


def _month(months: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of months (N,) counted from 1970-01: the second each begins at, and its length in days."""
    first = months.astype("datetime64[M]").astype("datetime64[s]").astype(np.int64)
    after = (months + 1).astype("datetime64[M]").astype("datetime64[s]").astype(np.int64)
    return first, (after - first) // _DAY


def _commonest_step(distances: np.ndarray) -> int:
    """The most frequent positive distance, so that one gap is blamed on its own row; 1 if none rises."""
    rising, counts = np.unique(distances[distances > 0], return_counts=True)
    return int(rising[np.argmax(counts)]) if rising.size else 1


def _refuse_step(table: Table, index: int, row: int, timeline: Timeline) -> NoReturn:
    """DataError for the stamp in `row`, which is not one step after the stamp before it."""
    before, text = _cells(table, index)[row - 1 : row + 1]
    earlier, value = (int(number) for number in _read([before, text], timeline.format))
    if value == earlier:
        what = f"{shown(text)} occurs twice"
    else:
        what = f"{shown(text)} comes after {shown(before)}" + (", which is later" if value < earlier else "")
    expected = _write(timeline._after(earlier, 1), timeline.format)
    raise DataError(f"{_place(table, row, index)}: {what}; expected {shown(expected)} (step: {timeline.frequency})")
