"""The first record of a table: names of the columns, units, or data already."""

from __future__ import annotations

import re

from rnncli.data.numeric import is_missing, is_number
from rnncli.data.stamps import formats_of
from rnncli.errors import DataError, shown
from rnncli.notes import note

Record = tuple[int, list[str]]  # the physical line where it starts (from 1), and its fields

_UNIT = re.compile(r"[\[(]?[^\W\d_][^,;]{0,15}|[%°$€£][^\d,;]{0,15}|[\[(]-?[\])]")
_USUAL_NAMES = re.compile(
    "class|category|group|id|labels?|lang|language|name|sentence|source|tags?|target|text|title|token|word|y",
    re.IGNORECASE,
)
_STAMP = re.compile(r" *[0-9]{1,4}[-/.][0-9]{1,2}(?:[-/.][0-9]{1,4})?(?:[T ][0-9:.]+(?:Z|[+-][0-9:]{4,5})?)? *")


def numbered(first: Record) -> list[str]:
    """Return names for the columns of a table whose first record is data."""
    return [f"column{number}" for number in range(1, len(first[1]) + 1)]


def names_in(first: Record, name: str) -> list[str]:
    """Return the names of the columns in a header; DataError if two are equal."""
    names = []
    for number, field in enumerate(first[1], start=1):
        names.append(field.strip() or f"column{number}")
        if not field.strip():
            note(f'column {number} has no name; called "column{number}"')
    refuse_duplicates(names, name, first[0])
    return names


def is_data(first: Record, rest: list[Record], decimal: str) -> bool:
    """True if the first record is no header: it has values, and no words but those that the records after it have in
    the same columns; or it has words alone, one of which is a word like a label of its column. `rest` should not hold
    the record itself again, as joined files do that each had the header.
    """
    fields = first[1]
    values = [_is_value(field, decimal) for field in fields]
    if any(values):
        return all(values) or _has_the_words_of(fields, values, rest, decimal)
    return _has_a_label(fields, [row for _, row in rest])


def _has_a_label(fields: list[str], rest: list[list[str]]) -> bool:
    """True if one of the fields stands at least twice below itself, in a column with few words; none of them has the
    usual name of a column."""
    if any(_USUAL_NAMES.fullmatch(field.strip()) for field in fields):
        return False
    columns = [[row[i] for row in rest if len(row) == len(fields)] for i in range(len(fields))]
    return any(
        bool(field.strip()) and column.count(field) > 1 and 2 * len(set(column)) <= len(column)
        for field, column in zip(fields, columns, strict=True)
    )


def _is_value(field: str, decimal: str) -> bool:
    return is_number(field, decimal) or _STAMP.fullmatch(field) is not None or bool(formats_of(field.strip()))


def _has_the_words_of(fields: list[str], values: list[bool], rest: list[Record], decimal: str) -> bool:
    """True if each word of a record is one of its column in the records after it, and the others are values there."""
    columns = list(zip(*(row for _, row in rest if len(row) == len(fields)), strict=True))
    return bool(columns) and all(
        all(_is_value(cell, decimal) or is_missing(cell) for cell in column) if value else field in column
        for field, value, column in zip(fields, values, columns, strict=True)
    )


def refuse_duplicates(names: list[str], name: str, line: int) -> None:
    """Raise DataError if two columns have the same name."""
    seen: dict[str, int] = {}
    for number, column in enumerate(names, start=1):
        if column in seen:
            raise DataError(f"{name}:{line}: columns {seen[column]} and {number} are both {shown(column)}; rename one")
        seen[column] = number


def are_units(records: list[Record], width: int) -> bool:
    """True if the first record has a short word in each column in which the next two have a number."""
    if len(records) < 3 or {len(fields) for _, fields in records[:3]} != {width}:
        return False
    units, *rows = ([cell.strip() for cell in fields] for _, fields in records[:3])
    numeric = [i for i in range(len(units)) if all(is_number(row[i]) or is_number(row[i], ",") for row in rows)]
    words = [units[i] for i in numeric if not is_missing(units[i])]
    dated = any(formats_of(cell) for cell in units)
    return len(units) > 1 and not dated and bool(words) and all(map(_UNIT.fullmatch, words))
