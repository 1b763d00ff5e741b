"""What a column of a table tells of time: a time, a part of one, the number of the row, or nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from rnncli.data import decimal_times, dotted_months
from rnncli.data.csv_table import Table
from rnncli.data.numeric import is_grouped, is_missing, is_number
from rnncli.data.stamps import DAY_FIRST_DIGITS, INTEGER, SHORT_YEAR_DIGITS, formats_of, read

Kind = Literal["time", "part", "counter"]

# Names of times, in the languages that tables come in most.
CALENDAR_NAMES = {
    *(
        "date",
        "day",
        "ds",
        "datetime",
        "dt",
        "month",
        "period",
        "time",
        "timestamp",
        "ts",
        "week",
        "yearmonth",
        "yyyymm",
    ),
    *("datum", "fecha", "jour", "monat", "mois", "mes", "tag", "uhrzeit", "woche", "zeit", "zeitstempel"),
}
# Names of what is counted, from the largest unit: kW, mm, min and HR are none, as they are measured.
UNITS = {
    "year": ("year", "years", "yr", "jahr", "año", "annee", "année"),
    "quarter": ("quarter", "qtr", "quartal", "trimestre"),
    "month": ("month", "monat", "mes", "mois"),
    "week": ("week", "isoweek", "woche", "kalenderwoche", "semana", "semaine"),
    "day": ("day", "tag", "dia", "día", "jour"),
    "hour": ("hour", "stunde", "hora", "heure"),
    "minute": ("minute", "minuto"),
    "second": ("second", "segundo", "seconde", "sekunde"),
}
DATE_NAMES = {"date", "datum", "fecha", "ds", "datetime", "dt", "yearmonth", "yyyymm"}  # of nothing else
_YEARS = {*UNITS["year"], *UNITS["quarter"], "fiscal year"}
_TIME_NAMES = CALENDAR_NAMES | _YEARS | {"epoch", "index", "step", "t", "unix", "unix_time"}
_TIME_NAMES |= {name for names in UNITS.values() for name in names}
# Names of times where they rise, and of durations where they do not.
_COUNTED = {"s", "sec", "secs", "seconds", "ms", "min", "minutes", "hours", "days", "weeks", "months", "elapsed"}
CLOCK_TIME = re.compile("[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?(?: ?[AaPp][Mm])?")
_COUNTERS = re.compile(r"(?:column|unnamed: )[0-9]+|row ?names?|row|rownum(?:ber)?|no\.?|nr\.?|#", re.I)
_UNNAMED = re.compile(r"(?:column|unnamed: )[0-9]+", re.I)  # beside names: an index, which may have gaps
_TWO_DIGITS = re.compile("0[0-9]|[1-9][0-9]?")
# A date in whatever form: a column of these is a time, and is read or refused.
_LIKE_A_DATE = re.compile(
    r"[0-9]{1,4}([-/.])[0-9A-Za-z]{1,9}\1[0-9]{1,4}(?![0-9]).*|[0-9]{4}-?[WwQqM][0-9].*|"
    r"(?=.{0,40}$)(?=.*\b(?:19|20)[0-9]{2}\b)(?=(?:[^0-9]{0,14}[0-9]){7})(?=.*[^0-9.,+-]).*[0-9].*|"
    r"[0-9]{1,2}(?: de|\.|,)? ?[^\W\d_]{3,10}(?: de|\.|,)? ?(?:19|20)[0-9]{2}\b.{0,20}"
)
_SAMPLED = 200  # cells tell what a column is
_FEWEST, _YEAR_2000, _YEAR_2100 = 10, 946_684_800, 4_102_444_800  # rows that show an epoch or count; seconds
_LONGEST_CYCLE = 1000  # of a clock or a calendar in whole numbers: days of a year, years of a series


def kind_of_column(table: Table, index: int) -> Kind | None:
    """Return "time" if column `index` (from 0) is a time: half of its present cells or more are dates in some form, or
    it has the name of one, such as `t`, `year` or `timestamp`, or whole numbers that are dates such as 20230601 or
    moments since 1970.

    "part" is one of a time that other columns complete, such as a clock or the months 1 to 12; "counter" the number of
    the row; None anything else. A column that is mostly times is one, so that its odd cell is refused by
    `read_timelines` and never ignored.
    """
    cells = [row[index].strip() for row in table.rows]
    present = [cell for cell in cells if not is_missing(cell)] or cells
    sample = present[:: max(1, len(present) // _SAMPLED)]
    title = table.header[index].strip().lower()
    if _half(_is_date, sample):
        return "time"
    if _half(CLOCK_TIME.fullmatch, sample):
        return "part"
    if decimal_times.looks_like_times(present) or _are_day_first_digits(present) or dotted_months.form_of(present):
        return "time"
    if not _half(lambda cell: formats_of(cell)[:1] == [INTEGER] or _TWO_DIGITS.fullmatch(cell), sample):
        return _kind_of_words(title, present) if title in _TIME_NAMES | _COUNTED else None
    whole = sample[0].isdigit() and len(sample[0]) in (8, 10, 13, 16, 19)
    if not (whole or title in _TIME_NAMES | _COUNTED or _COUNTERS.fullmatch(title) or len(formats_of(sample[0])) > 1):
        return None
    values = read(cells, INTEGER)
    if title in _TIME_NAMES and all(map(_TWO_DIGITS.fullmatch, cells)):  # a zero in front does no harm
        values = np.array(cells, np.int64)
    if len(values) == len(cells):
        others = [name for i, name in enumerate(table.header) if i != index]
        unnamed = _UNNAMED.fullmatch(title) is not None and not all(map(_UNNAMED.fullmatch, others))
        return _kind_of_integers(title, cells, values, unnamed=unnamed)
    return "time" if title in _TIME_NAMES or _half(_is_eight_digits, sample) else None


def counts_rows(cells: Sequence[str]) -> bool:
    """True for many whole numbers from 0 or from 1 by 1: the first column of a table is then the number of the row."""
    start = int(cells[:1] == ["1"])
    return len(cells) >= _FEWEST and all(cell == str(number) for number, cell in enumerate(cells, start=start))


def _kind_of_words(title: str, cells: Sequence[str]) -> Kind | None:
    """Return what a column under the name of a time tells that is neither dates in a form that is read, nor whole
    numbers: a time, to be refused by name, if it rises or hardly repeats; else a part, such as Mon or Jan."""
    if all(map(is_number, cells)):
        return "time" if title in DATE_NAMES or bool(np.all(np.diff(np.array(cells, np.float64)) > 0)) else None
    if title in _COUNTED:
        return None
    return "time" if 2 * len(set(cells)) > len(cells) else "part"


def _are_day_first_digits(cells: Sequence[str]) -> bool:
    """True for dates such as 31122023, or 230131 over more months than one, that stand in order, or newest first."""
    if len(cells[0]) not in (6, 8) or len(cells) < _FEWEST or not cells[0].isdecimal():
        return False
    for name in DAY_FIRST_DIGITS if len(cells[0]) == 8 else SHORT_YEAR_DIGITS:
        values = read(cells, name)
        steps = np.diff(values)
        if len(values) < len(cells) or len(set(np.sign(steps).tolist())) != 1:
            continue
        if len(cells[0]) == 8 or (len(set(steps.tolist())) == 1 and len(set(np.diff(np.array(cells, int)))) > 1):
            return True
    return False


def _is_eight_digits(cell: str) -> bool:
    """True if `cell` is a date such as 20230601."""
    return len(cell) == 8 and "YYYYMMDD" in formats_of(cell)


def _half(holds: Callable[[str], object], cells: Sequence[str]) -> bool:
    """True if something holds for half of `cells` or more."""
    return 2 * sum(bool(holds(cell)) for cell in cells) >= len(cells)


def _is_date(cell: str) -> bool:
    """True if `cell` is a date in a format that is read, or looks like one."""
    return any(name != INTEGER and not cell.isdigit() for name in formats_of(cell)) or (
        _LIKE_A_DATE.fullmatch(cell) is not None and not is_grouped(cell)
    )


def _kind_of_integers(title: str, cells: Sequence[str], values: np.ndarray, *, unnamed: bool) -> Kind | None:
    distances = np.diff(values)
    counts = values[0] in (0, 1) and bool(np.all(distances == 1))
    if _COUNTERS.fullmatch(title) and (counts or (unnamed and bool(np.all(distances > 0)))):
        return "counter"
    rising = bool(distances.size > 0 and (np.all(distances > 0) or np.all(distances < 0)))
    # Months and hours begin anew; years stand for many rows. What repeats otherwise is a time with duplicates.
    cycles = 2 * len(np.unique(values)) <= len(values) and np.ptp(values) < _LONGEST_CYCLE
    dated = any(len(read(cells, name)) == len(cells) for name in formats_of(cells[0])[1:])
    if title in _TIME_NAMES:
        return "part" if cycles and not dated else "time"
    if title in _COUNTED and bool(np.all(distances > 0)):
        return "time"
    if _half(_is_eight_digits, cells[:_SAMPLED]):
        return "time"
    if dated and rising and bool(np.any(distances != distances[0])):
        return "time"
    return "time" if _is_epoch(values, distances) else None


def _is_epoch(values: np.ndarray, distances: np.ndarray) -> bool:
    """True for whole numbers that are moments of this century, in seconds or their thousandths, and rise evenly but
    for some rows."""
    if distances.size < _FEWEST or not np.all(distances > 0):
        return False
    unit = 1000 ** ((len(str(values[0])) - 10) // 3)
    step = int(np.median(distances))
    even = np.count_nonzero(distances == step) * 2 >= distances.size
    return bool(even and step >= unit and values[0] // unit >= _YEAR_2000 and values[-1] // unit < _YEAR_2100)
