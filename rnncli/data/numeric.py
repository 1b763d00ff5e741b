"""Columns of numbers in a strict grammar, and the scalers that compute their centre and scale."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, NoReturn

import numpy as np

from rnncli.config.suggestions import closest
from rnncli.data.source import mend_of_names
from rnncli.errors import DataError, UsageError, shown
from rnncli.notes import doubt

if TYPE_CHECKING:
    from rnncli.data.csv_table import Table


Missing = Literal["refuse", "mask"]

_SHAPE = r"[ \t]*[+-]?(?:[0-9]+(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][+-]?[0-9]+)?[ \t]*"
_NUMBER = {".": re.compile(_SHAPE.format(point=r"\.")), ",": re.compile(_SHAPE.format(point=","))}
# Of cells with no other characters, `float` accepts what the grammar does: some ten times as fast as the patterns.
_CHARACTERS = {point: f"0123456789{point}+-eE \t\n".encode() for point in _NUMBER}
_MISSING = re.compile(r"[ \t]*(?:#?na|nan|null|none|#?n/a|[-–—]+|\.|\?|unavailable|unknown)?[ \t]*", re.IGNORECASE)
_INFINITE = re.compile(r"[ \t]*[+-]?inf(?:inity)?[ \t]*", re.IGNORECASE)
_GROUPED = re.compile(r"[ \t]*[+-]?[1-9][0-9]{0,2}(?:[.,_'\u2019 \u00a0\u2009\u202f][0-9]{3})+(?:[.,][0-9]*)?[ \t]*")
_LARGEST = 1e30  # squares of larger values leave float32, where the model computes


def is_number(cell: str, decimal: str = ".") -> bool:
    """True if `cell` is a number by the grammar `_SHAPE`, with `decimal` ("." or ",") as the point."""
    return _pattern(decimal).fullmatch(cell) is not None


def is_missing(cell: str) -> bool:
    """True if `cell` is empty or one of the words for a missing value."""
    return _MISSING.fullmatch(cell) is not None


def value_of(cell: str, decimal: str = ".") -> float:
    """Return the number in a cell, NaN if it is missing."""
    return float("nan") if is_missing(cell) else float(cell.replace(decimal, "."))


def finite(values: np.ndarray, where: str) -> np.ndarray:
    """Return `values`; raise DataError if one is too large for float32 to square."""
    if (np.abs(values) >= _LARGEST).any():
        raise DataError(f"{where}: a value is too large for float32; rescale the data")
    return values


def is_grouped(cell: str) -> bool:
    """True if `cell` looks like a number with marks between its thousands."""
    return _GROUPED.fullmatch(cell) is not None


def share_of_numbers(table: Table, index: int, decimal: str = ".") -> float:
    """The share of the cells of column `index` (from 0) that are numbers."""
    return sum(is_number(row[index], decimal) for row in table.rows) / len(table.rows)


def is_numeric_column(table: Table, index: int, decimal: str = ".") -> bool:
    """True if every cell of column `index` (from 0) is a number or missing, and at least one is a number."""
    cells = [row[index] for row in table.rows]
    if _all_numbers(cells, decimal) is not None:
        return True
    return first_word(table, index, decimal) is None and any(is_number(cell, decimal) for cell in cells)


def first_word(table: Table, index: int, decimal: str = ".") -> int | None:
    """Return the first row (from 0) whose cell in column `index` (from 0) is neither number nor missing, or None."""
    number = _pattern(decimal)
    cells = (row[index] for row in table.rows)
    return next((i for i, cell in enumerate(cells) if not (number.fullmatch(cell) or _MISSING.fullmatch(cell))), None)


def _all_numbers(cells: Sequence[str], decimal: str) -> np.ndarray | None:
    """Return `cells` (n) as float64 (n,), or None if one of them is not a number."""
    joined = "\n".join(cells)
    _pattern(decimal)
    if not joined.isascii() or joined.encode().translate(None, _CHARACTERS[decimal]):
        return None
    if joined.count("\n") >= max(len(cells), 1):  # a newline within a cell
        return None
    if decimal == ",":
        cells = joined.replace(",", ".").split("\n")
    try:
        return np.fromiter(map(float, cells), np.float64, len(cells))
    except ValueError:
        return None


def column_index(table: Table, name_or_number: str | int) -> int:
    """Return the index (from 0) of a column given by name or number (from 1); raise UsageError if there is none.

    A string of digits is a number unless a column has that name, which a number of another column must not have.
    """
    names, number = table.header, name_or_number
    if (
        isinstance(number, int)
        and 1 <= number <= len(names)
        and str(number) in names
        and names[number - 1] != str(number)
    ):
        place, other = names.index(str(number)) + 1, shown(names[number - 1])
        raise UsageError(
            f"{number} is the name of column {place} of {table.name} and the number of column {other}; write "
            f'"{number}" in quotes for the name, or {other}'
        )
    if isinstance(name_or_number, str) and name_or_number in table.header:
        return table.header.index(name_or_number)
    if isinstance(name_or_number, str) and not re.fullmatch("[0-9]{1,9}", name_or_number):
        raise UsageError(no_column(table, name_or_number))
    number = int(name_or_number)
    if not 1 <= number <= len(table.header):
        raise UsageError(f"no column {number} in {table.name}, which has {len(table.header)}; {_columns(table)}")
    return number - 1


def no_column(table: Table, name: str) -> str:
    """Return the error message for a name that no column has."""
    near = None if table.cut_otherwise else closest(name, table.header)
    guess = mend_of_names(table.header, name) or (f"did you mean {shown(near)}? " if near else "")
    return f"no column {shown(name)} in {table.name}; {guess}{_columns(table)}"


def _columns(table: Table) -> str:
    return "columns: " + ", ".join(shown(name) for name in table.header) + table.cut_otherwise


def numeric_column(
    table: Table, index: int, *, decimal: str = ".", missing: Missing = "refuse", has_thousands: bool = True
) -> np.ndarray:
    """Return column `index` (from 0) of `table` as float64 (N,). has_thousands: whether there is a key data.thousands.

    Empty cells and those of `_MISSING`, such as NA, null, - or unavailable, are missing: `missing` decides whether
    they are refused, or left as NaN (`mask`).
    Raises DataError naming line, column and text.
    """
    cells = [row[index] for row in table.rows]
    values = _all_numbers(cells, decimal)
    if values is None:
        values = np.array([_number_or_gap(table, row, index, decimal, has_thousands) for row in range(len(cells))])
    _refuse_thousands(table, index, cells, decimal, has_thousands)
    too_large = np.flatnonzero(np.abs(values) > _LARGEST)
    if too_large.size:
        # What no double holds is named first; else the largest, which says most about the unit.
        row = int(too_large[np.argmax(np.abs(values[too_large]))])
        _refuse(table, row, index, _why_too_large(cells[row], values[row]))
    gaps = np.flatnonzero(np.isnan(values))
    if len(gaps) == len(values):
        raise DataError(f"{table.name}: {_column(table, index)} has no values")
    if gaps.size and missing == "refuse":
        refuse_missing(table, index, gaps, len(values))
    return values


def _refuse_thousands(table: Table, index: int, cells: Sequence[str], decimal: str, has_key: bool) -> None:
    """Raise DataError for a column such as 1.002 and 919, whose points may part thousands: all cells that have one have
    three digits after it, no zero before it, and others have none."""
    grouped, first = _may_be_grouped(decimal), -1
    for row, cell in enumerate(cells):
        if decimal in cell:
            if not grouped.fullmatch(cell.strip()):
                return
            first = row if first < 0 else first
    whole = next((cell for cell in cells if cell.strip().lstrip("+-").isdigit()), None) if first >= 0 else None
    if whole is not None:
        what = f"{shown(cells[first].strip())} beside {shown(whole.strip())} may be thousands or a fraction"
        zeros = f"write the zeros that it ends with, such as 919{decimal}000"
        marks = _as_thousands(decimal) if has_key else f"write them without {shown(decimal)}"
        why = f"{what}; if thousands, {marks}; if a fraction, {zeros}"
        _refuse(table, first, index, why)


def doubt_fractions(table: Table, decimal: str) -> None:
    """Write a doubt where all numbers with a `decimal` sign, such as 1.234, could be thousands as well."""
    grouped, one = _may_be_grouped(decimal), ""
    for row in table.rows:
        for cell in row:
            if decimal in cell and is_number(cell, decimal):
                if not grouped.fullmatch(cell.strip()):
                    return
                one = one or cell.strip()
    if one:
        doubt(
            f"{table.name}: numbers such as {one} are read as fractions, not thousands; if they are thousands, "
            f"{_as_thousands(decimal)}, else --decimal {decimal}"
        )


def _may_be_grouped(decimal: str) -> re.Pattern[str]:
    return re.compile(rf"[+-]?[1-9][0-9]{{0,2}}(?:\{decimal}[0-9]{{3}})+")


def _as_thousands(mark: str) -> str:
    """Return the options by which a mark stands between thousands."""
    return f"--thousands {shown(mark)} --decimal {shown('.' if mark == ',' else ',')}"


def numeric_row(table: Table, row: int, indices: Sequence[int], decimal: str = ".") -> np.ndarray:
    """Return the cells of one row (from 0) in the columns `indices` (from 0), float64 (n,) with NaN for missing cells.

    Raises DataError naming line, column and text.
    """
    cells = [table.rows[row][index] for index in indices]
    values = _all_numbers(cells, decimal)
    if values is None:
        values = np.array([_number_or_gap(table, row, index, decimal) for index in indices])
    too_large = np.flatnonzero(np.abs(values) > _LARGEST)
    if too_large.size:
        i = int(too_large[0])
        _refuse(table, row, indices[i], _why_too_large(cells[i], values[i]))
    return values


def refuse_missing(table: Table, index: int, gaps: np.ndarray, count: int, likeliest: str = "") -> NoReturn:
    """Raise DataError for column `index` (from 0), in which the rows `gaps` (n,) of `count` rows are missing.

    likeliest: a mend to name first.
    """
    why = f"{len(gaps):,} of {count:,} values are missing, this is the first; {likeliest}"
    _refuse(table, int(gaps[0]), index, why + "--missing ffill|interpolate|mask|zero says what to do")


def _number_or_gap(table: Table, row: int, index: int, decimal: str, has_thousands: bool = True) -> float:
    """Return the number in a cell, or NaN if it is missing; raise DataError if it is neither."""
    cell = table.rows[row][index]
    if is_number(cell, decimal):
        return float(cell.replace(",", "."))
    if not _MISSING.fullmatch(cell):
        _refuse(table, row, index, _why_no_number(cell, decimal, has_thousands))
    return float("nan")


def _pattern(decimal: str) -> re.Pattern[str]:
    try:
        return _NUMBER[decimal]
    except KeyError:
        raise UsageError(f"--decimal {shown(decimal)}: must be . or ,") from None


def _refuse(table: Table, row: int, index: int, why: str) -> NoReturn:
    raise DataError(f"{table.name}:{table.lines[row]}: {_column(table, index)}: {why}")


def _column(table: Table, index: int) -> str:
    return f"column {index + 1} {shown(table.header[index])}"


def _why_no_number(cell: str, decimal: str, has_thousands: bool) -> str:
    if _INFINITE.fullmatch(cell):
        return f"{shown(cell)} is not finite; leave the cell empty if the value is missing"
    why = f"{shown(cell)} is not a number"
    other = "," if decimal == "." else "."
    grouped = _GROUPED.fullmatch(cell) is not None
    if grouped and has_thousands and is_number(cell, other):
        return (
            f"{why}; if {shown(other)} stands between thousands, --thousands {shown(other)}, and if it is the decimal "
            f"sign, --decimal {other}"
        )
    if is_number(cell, other):
        return f"{why}; if {shown(other)} is the decimal sign, pass --decimal {other}"
    if any(character.isdecimal() and not character.isascii() for character in cell):
        return f"{why}; write it with the ASCII digits 0 to 9"
    if grouped:
        return f"{why}; {_without_groups(cell, decimal, other, has_thousands)}"
    return why


def _without_groups(cell: str, decimal: str, other: str, has_thousands: bool) -> str:
    """Return how to read, or write, a number with marks between its thousands."""
    mark = next(character for character in cell.strip().lstrip("+-") if not character.isdigit())
    point = next((one for one in (decimal, other) if one != mark and is_number(cell.replace(mark, ""), one)), None)
    if not has_thousands or mark == "_" or point is None:
        return "write it without separators between thousands"
    sign = "" if point == decimal else f" --decimal {point}"
    mark = shown(" " if mark.isspace() else mark)
    return f"if {mark} stands between thousands, --thousands {mark}{sign}"


def _why_too_large(cell: str, value: float) -> str:
    """Return why a value is refused: float64 cannot hold it, or float32 cannot use it."""
    if np.isinf(value):
        return f"{shown(cell)} is not finite in double precision; rescale"
    return f"values up to {shown(cell.strip())[1:-1]} overflow float32; rescale"


FAR = 1e30  # scaled; sums of larger values leave float32
FLAT = 1e-12  # a scale below this share of the window's size is rounding, not variation


def _mean(x: np.ndarray) -> np.ndarray:
    """Return the mean of the rows of x (T, ...), NaN left out; NaN where all are."""
    gaps = np.isnan(x)
    if not gaps.any():
        return np.asarray(x.mean(axis=0))
    count = (~gaps).sum(axis=0)
    return np.where(count > 0, np.where(gaps, 0.0, x).sum(axis=0) / np.maximum(count, 1), np.nan)


def seasonal_error(w: np.ndarray, m: int) -> tuple[np.ndarray, np.ndarray]:
    """Return centre, the last value, and scale, mean |w_t − w_{t−m}|: the error of a seasonal naive forecast."""
    m = min(m, len(w) - 1)
    return w[-1], _mean(np.abs(w[m:] - w[: len(w) - m]))


def mean(w: np.ndarray, m: int) -> tuple[np.ndarray, np.ndarray]:
    """Return centre 0 and scale mean |w|, for positive quantities of very different size; m is not used."""
    return np.zeros(w.shape[1:]), _mean(np.abs(w))


def standard(w: np.ndarray, m: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean as centre and the standard deviation as scale."""
    centre = _mean(w)
    return centre, np.sqrt(_mean((w - centre) ** 2))


def robust(w: np.ndarray, m: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the median as centre and half the interquartile range as scale."""
    low, middle, high = (np.nanpercentile if np.isnan(w).any() else np.percentile)(w, [25, 50, 75], axis=0)
    return middle, (high - low) / 2


SCALERS: dict[str, Callable[[np.ndarray, int], tuple[np.ndarray, np.ndarray]]] = {
    "seasonal-error": seasonal_error,
    "mean": mean,
    "standard": standard,
    "robust": robust,
}


def whole_series(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of the training rows (N, C); `none` scales every window by them.

    This suits data in which the level itself has a meaning, such as zero for sunspots.
    """
    spread = values.std(axis=0)
    return values.mean(axis=0), never_flat(spread, values)


def by_itself(x: np.ndarray) -> np.ndarray:
    """Return values (n, C) less the mean of each column, in units of its standard deviation; NaN are left out."""
    centre, scale = standard(x, 1)
    return (x - centre) / never_flat(scale, np.nan_to_num(x))


def changes(x: np.ndarray) -> np.ndarray:
    """Return the differences (n, C) of values from the step before; those of the first step are 0."""
    return np.diff(x, axis=0, prepend=x[:1])


def scaler(name: str, w: np.ndarray, m: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (centre, scale) of the windows w (T, B, C) by the scaler `name`; the scale is never zero."""
    centre, scale = SCALERS[name](w, m)
    return centre, never_flat(scale, w)


def never_flat(scale: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Return the scale of windows w (T, ...), 1 where it is rounding only."""
    return np.where(scale <= FLAT * np.abs(w).max(axis=0), 1.0, scale)
