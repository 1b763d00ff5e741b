"""What a column of a table tells of time: a time, a part of one, the number of the row, or nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from rnncli.data.csv_table import Table
from rnncli.data.numeric import is_number
from rnncli.data.stamps import INTEGER, formats_of, read

Kind = Literal["time", "part", "counter"]

CALENDAR_NAMES = {
    "date",
    "day",
    "ds",
    "datetime",
    "month",
    "period",
    "time",
    "timestamp",
    "week",
    "yearmonth",
    "yyyymm",
}
_TIME_NAMES = CALENDAR_NAMES | {"hour", "index", "minute", "quarter", "second", "step", "t", "year"}
_COUNTERS = re.compile(r"(?:column|unnamed: )[0-9]+|index|row ?names?|row|rownum(?:ber)?|no\.?|nr\.?|#", re.I)
_CLOCK = re.compile("[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?(?: ?[AaPp][Mm])?")
# A date in whatever form: a column of these is a time, and is read or refused.
_LIKE_A_DATE = re.compile(r"[0-9]{1,4}([-/.])[0-9A-Za-z]{1,9}\1[0-9]{1,4}(?![0-9]).*|[0-9]{4}-?[WwQq][0-9].*")
_SAMPLED = 200  # cells tell what a column is
_LONGEST_CYCLE = 1000  # of a clock or a calendar in whole numbers: days of a year, years of a series


def kind_of_column(table: Table, index: int) -> Kind | None:
    """Return "time" if column `index` (from 0) is a time: half of its cells or more are dates in some form, or all are
    whole numbers that rise evenly under a name such as `t`, `year` or `timestamp`, or that are dates such as 20230601.

    "part" is one of a time that other columns complete, such as a clock or the months 1 to 12; "counter" the number of
    the row; None anything else. A column that is mostly times is one, so that its odd cell is refused by
    `read_timelines` and never ignored.
    """
    cells = [row[index].strip(" ") for row in table.rows]
    sample = cells[:: max(1, len(cells) // _SAMPLED)]
    title = table.header[index].strip().lower()
    if _half(_is_date, sample):
        return "time"
    if _half(_CLOCK.fullmatch, sample):
        return "part"
    named = title in _TIME_NAMES
    if not _half(lambda cell: formats_of(cell)[:1] == [INTEGER], sample):
        rises = title in _TIME_NAMES - {"index"} and all(map(is_number, cells)) and bool(np.all(_steps(cells) > 0))
        return "time" if rises else None  # seconds or years with a fraction, which are refused
    if not (named or _COUNTERS.fullmatch(title) or len(formats_of(sample[0])) > 1):
        return None
    values = read(cells, INTEGER)
    if len(values) < len(cells):
        return "time" if named else None
    return _kind_of_integers(title, cells, values)


def _half(holds: Callable[[str], object], cells: Sequence[str]) -> bool:
    """True if something holds for half of `cells` or more."""
    return 2 * sum(bool(holds(cell)) for cell in cells) >= len(cells)


def _steps(cells: Sequence[str]) -> np.ndarray:
    return np.diff(np.array(cells, np.float64)) if len(cells) > 1 else np.zeros(1)


def _is_date(cell: str) -> bool:
    """True if `cell` is a date in a format that is read, or looks like one."""
    return any(name != INTEGER and not cell.isdigit() for name in formats_of(cell)) or (
        _LIKE_A_DATE.fullmatch(cell) is not None
    )


def _kind_of_integers(title: str, cells: Sequence[str], values: np.ndarray) -> Kind | None:
    distances = np.diff(values)
    if _COUNTERS.fullmatch(title) and title != "index" and values[0] in (0, 1) and bool(np.all(distances == 1)):
        return "counter"
    rising = bool(distances.size > 0 and (np.all(distances > 0) or np.all(distances < 0)))
    # Months and hours begin anew; years stand for many rows. What repeats otherwise is a time with duplicates.
    cycles = 2 * len(np.unique(values)) <= len(values) and np.ptp(values) < _LONGEST_CYCLE
    dated = any(len(read(cells, name)) == len(cells) for name in formats_of(cells[0])[1:])
    if title in _TIME_NAMES:
        return "part" if cycles and not dated else "time"
    return "time" if dated and rising and bool(np.any(distances != distances[0])) else None
