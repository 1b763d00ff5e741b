"""Columns of numbers.

The grammar is our own because `float` accepts too much: 1_000, digits of other scripts, inf. A cell is
`[sign] digits [fraction] [exponent]` in ASCII, with spaces around it allowed.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Literal, NoReturn

import numpy as np

from rnncli.errors import DataError, UsageError, shown

if TYPE_CHECKING:  # csv_table asks this module what a number is
    from rnncli.data.csv_table import Table

Missing = Literal["refuse", "mask"]

_SHAPE = r"[ \t]*[+-]?(?:[0-9]+(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][+-]?[0-9]+)?[ \t]*"
_NUMBER = {".": re.compile(_SHAPE.format(point=r"\.")), ",": re.compile(_SHAPE.format(point=","))}
# A column at once, its cells ended by newlines: some hundred times as fast as cell by cell.
_ONLY_NUMBERS = {point: re.compile(f"(?:{shape.pattern}\n)*") for point, shape in _NUMBER.items()}
_MISSING = re.compile(r"[ \t]*(?:na|nan|null)?[ \t]*", re.IGNORECASE)
_INFINITE = re.compile(r"[ \t]*[+-]?inf(?:inity)?[ \t]*", re.IGNORECASE)
_GROUPED = re.compile(r"[ \t]*[+-]?[0-9]{1,3}(?:[.,_' \u00a0\u202f][0-9]{3})+(?:[.,][0-9]*)?[ \t]*")
_LARGEST = 1e30  # squares of larger values leave float32, where the model computes


def is_number(cell: str, decimal: str = ".") -> bool:
    """Whether `cell` is a number by the grammar above, with `decimal` ("." or ",") as the point."""
    return _pattern(decimal).fullmatch(cell) is not None


def share_of_numbers(table: Table, index: int, decimal: str = ".") -> float:
    """The share of the cells of column `index` (from 0) that are numbers."""
    return 1 - len(_others([row[index] for row in table.rows], decimal)) / len(table.rows)


def is_numeric_column(table: Table, index: int, decimal: str = ".") -> bool:
    """Whether every cell of column `index` (from 0) is a number or missing, and at least one is a number."""
    others = _others([row[index] for row in table.rows], decimal)
    return len(others) < len(table.rows) and all(_MISSING.fullmatch(cell) for cell in others)


def _others(cells: list[str], decimal: str) -> list[str]:
    """The cells that are no numbers."""
    number, column = _pattern(decimal), "\n".join(cells) + "\n"
    if column.count("\n") == len(cells) and _ONLY_NUMBERS[decimal].fullmatch(column):
        return []
    return [cell for cell in cells if not number.fullmatch(cell)]


def column_index(table: Table, name_or_number: str | int) -> int:
    """The index (from 0) of a column given by name or by number (from 1); UsageError if there is none.

    A string of digits is a number unless a column has that name.
    """
    if isinstance(name_or_number, str) and name_or_number in table.header:
        return table.header.index(name_or_number)
    columns = "columns: " + ", ".join(shown(name) for name in table.header)
    if isinstance(name_or_number, str) and not re.fullmatch("[0-9]{1,9}", name_or_number):
        close = difflib.get_close_matches(name_or_number, table.header, n=1)
        guess = f"did you mean {shown(close[0])}? " if close else ""
        raise UsageError(f"no column {shown(name_or_number)} in {table.name}; {guess}{columns}")
    number = int(name_or_number)
    if not 1 <= number <= len(table.header):
        raise UsageError(f"no column {number} in {table.name}, which has {len(table.header)}; {columns}")
    return number - 1


def numeric_column(table: Table, index: int, *, decimal: str = ".", missing: Missing = "refuse") -> np.ndarray:
    """Column `index` (from 0) of `table`, (N,) float64.

    Empty, NA, NaN and null cells are `missing`: refused, or left as NaN (`mask`); see `rnncli.data.gaps` for more.
    Raises DataError naming line, column and text.
    """
    number = _pattern(decimal)
    cells = [row[index] for row in table.rows]
    gaps = [i for i, cell in enumerate(cells) if not number.fullmatch(cell)] if _others(cells, decimal) else []
    for i in gaps:
        if not _MISSING.fullmatch(cells[i]):
            _refuse(table, i, index, _why_no_number(cells[i], decimal))
    for i in gaps:
        cells[i] = "nan"
    if decimal == ",":
        cells = [cell.replace(",", ".") for cell in cells]
    values = np.fromiter(map(float, cells), np.float64, len(cells))
    _refuse_too_large(table, index, values)
    if len(gaps) == len(values):
        raise DataError(f"{table.name}: {_column(table, index)} has no values")
    if gaps and missing == "refuse":
        why = f"{len(gaps):,} of {len(values):,} values are missing, this is the first; "
        _refuse(table, gaps[0], index, why + "--set data.missing=ffill|interpolate|mask says what to do")
    return values


def _pattern(decimal: str) -> re.Pattern[str]:
    try:
        return _NUMBER[decimal]
    except KeyError:
        raise UsageError(f"--decimal {shown(decimal)}: must be . or ,") from None


def _refuse(table: Table, row: int, index: int, why: str) -> NoReturn:
    raise DataError(f"{table.name}:{table.lines[row]}: {_column(table, index)}: {why}")


def _column(table: Table, index: int) -> str:
    return f"column {index + 1} {shown(table.header[index])}"


def _why_no_number(cell: str, decimal: str) -> str:
    if _INFINITE.fullmatch(cell):
        return f"{shown(cell)} is not finite; leave the cell empty if the value is missing"
    why = f"{shown(cell)} is not a number"
    other = "," if decimal == "." else "."
    if is_number(cell, other):
        return f"{why}; if {shown(other)} is the decimal sign, pass --decimal {other}"
    if any(character.isdecimal() and not character.isascii() for character in cell):
        return f"{why}; write it with the ASCII digits 0 to 9"
    if _GROUPED.fullmatch(cell):
        return f"{why}; write it without separators between thousands"
    return why


def _refuse_too_large(table: Table, index: int, values: np.ndarray) -> None:
    """DataError for the first value that float64 cannot hold, or the largest that float32 cannot use."""
    infinite = np.flatnonzero(np.isinf(values))
    if infinite.size:
        row = int(infinite[0])
        why = f"{shown(table.rows[row][index])} is not finite in double precision; rescale"
        _refuse(table, row, index, why)
    too_large = np.flatnonzero(np.abs(values) > _LARGEST)
    if too_large.size:
        row = int(too_large[np.argmax(np.abs(values[too_large]))])
        cell = table.rows[row][index].strip()
        _refuse(table, row, index, f"values up to {shown(cell)[1:-1]} overflow float32; rescale")
