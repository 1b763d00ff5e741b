"""A column of stamps as values: its format, its time zone, and the order of its rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NoReturn

import numpy as np

from rnncli.data import decimal_times, zones
from rnncli.data.column_kinds import DATE_NAMES
from rnncli.data.csv_table import Table
from rnncli.data.stamps import (
    DAY,
    DAY_FIRST_DIGITS,
    HOUR,
    INTEGER,
    SHORT_YEAR_DIGITS,
    as_strptime,
    form_of_all,
    formats_of,
    is_fixed,
    read,
    with_other_order,
    write,
    zone_of,
)
from rnncli.data.strptime_format import is_strptime
from rnncli.data.timeline import Timeline
from rnncli.data.zoned_times import LOCAL, MOMENT, evenness, parsed, written
from rnncli.errors import DataError, quoted, shown

_YEARS = frozenset(map(str, range(1800, 2200)))  # of dates in digits that might as well be counters
_MONTH_AND_YEAR = re.compile(r"(?:\d{1,2}\.? ?)?[^\W\d_]{3,9}\.?[-/ ]?(?:\d\d){1,2}")  # in whatever language
_SHORT_MONTH = 4  # letters of the short name of a month, without its point
NO_TIME = "none"  # as data.time: the rows follow each other, whatever a column of dates says

_SEEN = 3  # times a time of the day makes a habit
_UNITS = (("s", 1, (1, 5, 10, 30)), ("min", 60, (1, 5, 10, 15, 30)), ("h", 3600, (1, 2, 3, 6, 12)), ("d", DAY, (1,)))
_INTERVALS = {f"{n}{unit}": n * s for unit, s, ns in _UNITS for n in ns}  # that uneven rows are made even in
_COUNTS = ("index", "step", "t")
_LONGEST_FOOTER = 3  # rows below the last time that may be a total, or a source


@dataclass(frozen=True)
class StampColumn:
    """The M stamps of a column in file order, with the line of each.

    cells: as they are written, where `texts` are their moments, or what the clock of a zone shows; forms: the formats
    that are what the config names, or decimal years; cut: whether fractions of a second are cut off; decimals:
    of numbers, whose point `texts` do not have.
    """

    name: str
    title: str
    header: str
    texts: list[str]
    lines: list[int]
    cells: list[str]
    forms: list[str] = field(default_factory=list)
    zone: str = ""
    written: str = ""
    cut: bool = False
    decimals: int = 0

    def timeline(self, made: Timeline) -> Timeline:
        """Return a timeline of `texts` as one of `cells`, in their zone and with their decimals."""
        return replace(made, zone=self.zone, written=self.written, decimals=self.decimals)

    @property
    def formats(self) -> list[str]:
        """The formats that the first stamp may be in, the likelier first."""
        return self.forms or formats_of(self.texts[0]) or [INTEGER]

    def refuse(self, i: int, why: str) -> NoReturn:
        """Raise DataError for stamp `i`, with the reason `why`."""
        way_out = f"or leave the times out with --set data.time={NO_TIME}"
        raise DataError(f"{self.name}:{self.lines[i]}: {self.header}: {why}; {way_out}")


def column_of(
    table: Table, index: int, rows: Sequence[int], form: str | None = None, *, cut: bool = False, known: str = ""
) -> StampColumn:
    """Return the stamps in column `index` (from 0) of these rows.

    form: the format of strptime that they are in, if it is given; cut: whether fractions of a second are cut off;
    known: the format of other rows of the series.
    """
    header = f"column {index + 1} {shown(table.header[index])}"
    texts = [table.rows[row][index].strip() for row in rows]
    title, lines = table.header[index].strip().lower(), [table.lines[row] for row in rows]
    cells = texts
    texts = decimal_times.whole_seconds(texts) if cut else texts
    # A template says too how wide the fields are.
    names = [name for name in formats_of(texts[0]) if as_strptime(name) == form] if form else []
    forms = [name for name in names if len(read(texts, name, cut=cut)) == len(texts)][:1] or ([form] if form else [])
    if not forms and (of_all := form_of_all(texts, known)):
        forms = [of_all]
    dated = title in DATE_NAMES and not decimal_times.is_epoch(texts[0])  # 30.01 and 20230131.0 are no counters
    texts, decimals = (texts, 0) if forms or dated else decimal_times.without_point(texts)
    forms = [INTEGER] if decimals else forms
    if not forms and dated and len(texts[0]) == 6 and not formats_of(texts[0])[1:]:
        _refuse_short_years(StampColumn(table.name, title, header, texts, lines, cells))
    if not forms and all(len(text) == 8 and text[4:] in _YEARS for text in texts) and not formats_of(texts[0])[1:]:
        forms = [name for name in DAY_FIRST_DIGITS if len(read(texts, name)) == len(texts)]
    return StampColumn(table.name, title, header, texts, lines, cells, forms, cut=cut, decimals=decimals)


def _refuse_short_years(column: StampColumn) -> None:
    """Raise DataError for whole numbers under the name of a date that are dates such as 230131."""
    found = [form for form in SHORT_YEAR_DIGITS if len(read(column.texts, form)) == len(column.texts)]
    if found:
        ways = " or ".join(f"--set data.time_format={shown(form)}" for form in found)
        column.refuse(0, f"{shown(column.cells[0])} may be a date with a year of two digits; say so with {ways}")


def in_zone(column: StampColumn, zone: str, groups: Sequence[np.ndarray], like: Timeline | None) -> StampColumn:
    """Return the column with its moments, or with what the clock shows if that goes by it, such as every midnight.

    So is a column in the `zone` that the config names, or whose offsets from UTC change, as with summer time: then in
    the offset of the last row, or in that of `like`. groups: the places of the stamps of each series, in order.
    DataError for what the clock of the zone never shows.
    """
    offsets = {zone_of(name) for text in (column.texts[0], column.texts[-1]) for name in formats_of(text)[:1]}
    changes = len(offsets) > 1 or not all(text.endswith(tuple(offsets)) for text in column.texts)
    changes |= "%z" in "".join(column.forms)
    known = "" if like is None else like.zone
    times = parsed(column.texts, column.formats, cut=column.cut) if zone or changes or known else None
    if times is None or not (zone or times.zone or known):
        return column
    kept = zone_of(like.format) if like is not None else ""
    named = bool(zone)
    zone = zone or known or (kept if kept[:1] in ("+", "-") else times.zone)
    moments, never = times.moments(zone, groups)
    clock = moments + zones.offsets(moments, zone) if named and times.offsets is not None else times.local
    by_clock = _goes_by_clock(clock, moments)
    if like is not None and like.zone:
        by_clock = like.format == LOCAL
    if never.any() and not by_clock:
        i = int(np.argmax(never))
        column.refuse(i, f"{shown(column.cells[i])} is no time in {zone}, whose clock is put forward over it")
    texts = write(clock, LOCAL) if by_clock else write(moments, MOMENT)
    return replace(column, texts=texts, forms=[], zone=zone, written=times.form)


def _goes_by_clock(clock: np.ndarray, moments: np.ndarray) -> bool:
    """True if what the clock shows (M,) is one time of the day, or a few with a rest after them, such as a shop's, or
    some that are hours apart and more even by the clock than the moments (M,) are."""
    times, counts = np.unique(np.unique(clock) % DAY, return_counts=True)  # of several series once
    gaps = np.diff(times, append=times[0] + DAY)
    if len(times) == 1 or counts.min() < _SEEN:
        return len(times) == 1
    few = bool(gaps.min() >= 2 * HOUR) and evenness(clock) >= evenness(moments)
    return few or bool(gaps.max() >= 2 * np.median(gaps))


def readings_of(column: StampColumn, names: Sequence[str]) -> list[tuple[str, np.ndarray]]:
    """Return (format, values) for each of the formats `names` that fits the longest run of stamps from the first on,
    without those that give the same values as one before, but for the other order of day and month."""
    if "YYYYww" in names and ("week" in column.title or "woche" in column.title):
        names = [name for name in names if name != "YYYYMM"]
    readings = [(name, read(column.texts, name, cut=column.cut)) for name in names if is_fixed(name)]
    if names[0] == INTEGER and column.title not in _COUNTS:
        dates = [one for one in readings if one[0] == "YYYYMMDD" and 2 * len(one[1]) >= len(column.texts)]
        if dates and len(dates[0][1]) < len(column.texts):
            return dates  # the first impossible day is to blame, and no whole numbers are counted
    if not any(len(values) == len(column.texts) for name, values in readings if name != INTEGER):
        readings = [(name, read(column.texts, name, cut=column.cut)) for name in names]
    most = max(len(values) for _, values in readings)
    distinct: dict[tuple[bool, bytes], tuple[str, np.ndarray]] = {}
    for name, values in readings:
        if len(values) == most:
            distinct.setdefault((name.startswith("D"), values.tobytes()), (name, values))
    return list(distinct.values())


def _clash(text: str, name: str) -> str | None:
    """Return "zone" or "order" if `text` matches `name` but for its zone, or its order of day and month; else None."""
    others = formats_of(text)
    zone = zone_of(name)
    if any(other.removesuffix(zone_of(other)) == name.removesuffix(zone) for other in others):
        return "zone"
    return "order" if with_other_order(name) in others else None


def refuse_format(column: StampColumn, i: int, names: Sequence[str]) -> NoReturn:
    """Raise DataError for stamp `i`, the first that is in none of the formats `names` of the stamps before it."""
    text, rest = column.texts[i], len(column.texts) - i
    footer = ""
    if rest <= min(_LONGEST_FOOTER, i // 4) and not text[:1].isdigit():
        footer = f"; if {'this row is' if rest == 1 else 'these rows are'} no data, --skip-footer {rest}"
    if any(len(read([text], name, cut=True)) for name in names):
        values = next((made for name in names if len(made := read(column.texts, name, cut=True)) > i), np.zeros(0))
        what = f"{shown(column.cells[i])} has a fraction of a second, and rows are read to the second"
        column.refuse(i, f"{what}; make them even with --set data.resample={interval_for(np.diff(values))}")
    if column.forms and is_strptime(column.forms[0]):
        column.refuse(
            i,
            f"{shown(column.cells[i])} is not a time in the format {column.forms[0]} of data.time_format{footer}"
            + ("; LC_TIME names the language of months" if re.search("%[bB]", column.forms[0]) else ""),
        )
    if _MONTH_AND_YEAR.fullmatch(text) and not footer:
        named = f"--set data.time_format={quoted(_of_strptime(text))} where LC_TIME names its language"
        mend = f"if it is a month, write it as a number, such as 2015-03, or by its English name, or {named}"
        column.refuse(i, f"{shown(text)} is not a time; {mend}")
    if i == 0:
        usual = "an integer, YYYY-MM, YYYY-MM-DD or YYYY-MM-DD hh:mm, or another usual form"
        column.refuse(i, f"{shown(text)} is not a time; expected {usual}, or its format in data.time_format")
    before = f"on line {column.lines[0]}"
    clash = _clash(text, names[0])
    if clash == "zone":
        given = [shown(zone) if zone else "none" for zone in (zone_of(formats_of(text)[0]), zone_of(names[0]))]
        there = f"{given[0]} after {given[1]} {before}"
        column.refuse(i, f"mixed time zones: {there}; write all times in one zone, such as UTC")
    if clash == "order":
        what = f"{shown(text)} is not {names[0]}, as the dates before it are"
        column.refuse(i, f"{what}: the order of day and month is ambiguous; rewrite the dates as YYYY-MM-DD")
    column.refuse(i, f"{shown(text)} is not a time; expected {' or '.join(names[:2])} as {before}{footer}")


def _of_strptime(text: str) -> str:
    """Return the format of a day, the name of a month and a year, or of some of them, as strptime has it."""

    def directive(found: re.Match[str]) -> str:
        word = found[0]
        if word.isdecimal():
            return "%Y" if len(word) == 4 else "%d" if found.start() == 0 else "%y"
        return "%b" if len(word) <= _SHORT_MONTH else "%B"

    return re.sub(r"\d+|[^\W\d_]+", directive, text)


def refuse_ambiguous(column: StampColumn, names: Sequence[str]) -> NoReturn:
    """Raise DataError for dates that may be in either of two formats."""
    first = f"{shown(column.cells[0])} is ambiguous, {' or '.join(names[:2])}"
    settings = " or ".join(f"--set data.time_format={shown(as_strptime(name) or name)}" for name in names[:2])
    column.refuse(0, f"{first}; say which with {settings}, or rewrite the dates as YYYY-MM-DD")


@dataclass(frozen=True)
class Clock:
    """The times of the rows of a table, in seconds since 1970, int64 (N,): what the clock shows, and the moments that
    these are, which differ in a zone; `form` is how they are written, with `unit` in a second where they are counted.
    """

    local: np.ndarray
    moments: np.ndarray
    form: str
    zone: str = ""
    unit: int = 1

    def written(self, local: np.ndarray, moments: np.ndarray) -> list[str]:
        """Return moments (n,), at which the clock shows `local` (n,), as they are written in the table."""
        if self.form == INTEGER:
            return [str(moment * self.unit) for moment in moments.tolist()]
        return written(moments, local, self.form) if self.zone else write(moments, self.form)


def clock_of(
    table: Table, index: int, groups: Sequence[np.ndarray], form: str | None = None, zone: str | None = None
) -> Clock:
    """Return the times of the rows in column `index` (from 0), even or not; those of each of `groups` in order.

    form, zone: as in `read_timelines`. Fractions of a second are cut off. DataError for what is no time, for dates that
    may be in either of two orders, and for whole numbers that are not counted from 1970.
    """
    column = column_of(table, index, range(len(table.rows)), form, cut=True)
    column = in_zone(column, zone or "", groups, None)
    readings = [(name, values) for name, values in readings_of(column, column.formats) if name != INTEGER]
    if not readings:
        size = len(column.texts[0])
        counted = readings_of(column, [INTEGER])[0][1] if size in (10, 13, 16, 19) else np.zeros(0, np.int64)
        if len(counted) < len(column.texts):
            column.refuse(len(counted), f"{shown(column.cells[len(counted)])} is no date, nor counted from 1970")
        moments = counted // 10 ** (size - 10)
        local = moments + zones.offsets(moments, zone) if zone else moments
        return Clock(local, moments, INTEGER, zone or "", 10 ** (size - 10))
    if len(readings[0][1]) < len(column.texts):
        refuse_format(column, len(readings[0][1]), [name for name, _ in readings])
    turns = [sum(int((np.diff(values[group]) < 0).sum()) for group in groups) for _, values in readings]
    likely = [one for one, count in zip(readings, turns, strict=True) if count == min(turns)]
    if len(likely) > 1:
        refuse_ambiguous(column, [name for name, _ in likely])
    name, values = likely[0]
    if not column.zone:
        return Clock(values, values, name)
    if name == LOCAL:
        return Clock(values, zones.moments(values, column.zone)[0], column.written, column.zone)
    return Clock(values + zones.offsets(values, column.zone), values, column.written, column.zone)


def interval_for(distances: np.ndarray) -> str:
    """Return an interval, as data.resample names it, that has a row of those at these distances (n,), in seconds."""
    rising = distances[distances > 0]
    typical = float(np.median(rising)) if rising.size else 1.0
    return next((name for name, seconds in _INTERVALS.items() if seconds >= typical), "1w")


def order_of_times(
    table: Table,
    index: int,
    form: str | None = None,
    zone: str | None = None,
    *,
    cut: bool = False,
    groups: Sequence[np.ndarray] = (),
) -> np.ndarray:
    """Return the rows (N,) of the table sorted by the times in column `index` (from 0), equal ones as they stand.

    form, zone: as in `read_timelines`; cut: whether fractions of a second are cut off; groups: the rows of each series,
    all rows are of one if there are none. DataError for what is no time, and for an hour that is repeated when summer
    time ends, in which the order of the rows does not tell the first from the second.
    """
    rows = np.arange(len(table.rows))
    groups = groups or [rows]
    column = column_of(table, index, rows.tolist(), form, cut=cut)
    made = in_zone(column, zone or "", groups, None)
    values = values_of(made)
    falling = np.concatenate([np.diff(values[group]) < 0 for group in groups])
    if zone and falling.size and falling.mean() > 0.5:  # the newest first: an hour is repeated further up
        rows, groups = rows[::-1], [group[::-1] for group in groups]
        made = in_zone(column, zone, groups, None)
        values = values_of(made)
    if zone and made.zone and made.formats[0] == MOMENT:
        _require_told_apart(made, values, groups)
    return rows[np.argsort(values[rows], kind="stable")]


def _require_told_apart(column: StampColumn, values: np.ndarray, groups: Sequence[np.ndarray]) -> None:
    """Raise DataError for the moments (N,) of a repeated hour whose rows are in neither order."""
    first, last = zones.moments(values + zones.offsets(values, column.zone), column.zone)
    for group in groups:
        odd = np.flatnonzero((np.diff(values[group]) < 0) & (first < last)[group][1:])
        if odd.size:
            i = int(group[odd[0] + 1])
            what = (
                f"{shown(column.cells[i])} is in an hour that is repeated when summer time ends, and the order of the"
            )
            column.refuse(i, f"{what} rows does not tell which; write the times with their offset, such as +02:00")


def values_of(column: StampColumn) -> np.ndarray:
    """Return the values (M,) of the stamps; of two orders of day and month, in the one that makes more of them even."""
    readings = readings_of(column, column.formats)
    if len(readings[0][1]) < len(column.texts):
        refuse_format(column, len(readings[0][1]), [name for name, _ in readings])
    return max((values for _, values in readings), key=lambda values: evenness(np.sort(values)))
