"""The first record of a table: names of the columns, units, or data already."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from itertools import pairwise

from rnncli.data.csv_records import Record
from rnncli.data.numeric import is_missing, is_number
from rnncli.data.stamps import formats_of
from rnncli.errors import DataError, shown
from rnncli.notes import doubt, note

_UNIT = re.compile(r"[\[(]?[^\W\d_][^,;]{0,15}|[%°$€£][^\d,;]{0,15}|[\[(]-?[\])]")
_USUAL_NAMES = re.compile(
    "class|category|group|id|labels?|lang|language|name|review|sentence|source|tags?|target|text|title|token|word|y",
    re.IGNORECASE,
)
_NAMES_OF_PAIRS = re.compile(
    "answer|from|input|output|prompt|question|response|src|summary|tgt|to|translation|trg"
    "|arabic|chinese|czech|danish|dutch|english|finnish|french|german|greek|hebrew|hindi|hungarian|italian|japanese"
    "|korean|latin|norwegian|polish|portuguese|russian|spanish|swedish|turkish|ukrainian",
    re.IGNORECASE,
)
_NAMES_OF_WORDS = re.compile("bio|chunk|entity|form|iob|lemma|ner|u?pos|xpos", re.IGNORECASE)
_NAME = re.compile(r"[^\W\d_][\w-]*(?: [\w-]+){0,2}")
_TITLES = 10  # records that may stand above a header, and that are looked at below it
_MOSTLY = 0.9  # of the cells of a column of texts have several words
_TEXT = 4  # words that no name of a column has
_STAMP = re.compile(r" *[0-9]{1,4}[-/.][0-9]{1,2}(?:[-/.][0-9]{1,4})?(?:[T ][0-9:.]+(?:Z|[+-][0-9:]{4,5})?)? *")


def numbered(first: Record) -> list[str]:
    """Return names for the columns of a table whose first record is data."""
    return [f"column{number}" for number in range(1, len(first[1]) + 1)]


def by_place(header: list[str], wanted: Collection[str]) -> list[str] | None:
    """Return the names of columns without names for a header of others, None unless the training data, of whose columns
    `wanted` are read, had none either and as many columns."""
    names = numbered((1, header))
    return names if names[-1] in wanted and {*wanted} <= {*names} and not {*wanted} & {*header} else None


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
    """True if the first record is no header. It is none if it has values, and no words but those that the records after
    it have in the same columns, or texts above others; if it has a number that is no name, such as -1.5; or if it has
    words alone, one of which is like a label of its column. `rest` should not hold the record itself again, as joined
    files do that each had the header.
    """
    fields = first[1]
    rows = [row for _, row in rest if len(row) == len(fields)]
    columns = list(zip(*rows, strict=True)) or [() for _ in fields]
    values = [_is_value(field, decimal) for field in fields]
    if any(values):
        return all(values) or _has_the_words_of(fields, values, columns, decimal) or _has_a_measure(fields, decimal)
    return _has_a_label(fields, columns)


def _has_a_measure(fields: list[str], decimal: str) -> bool:
    """True if a field is a number that no column is called by: one with decimals or a sign, unless several rise, as
    those of a spectrum do.
    """
    numbers = [float(field.replace(decimal, ".")) for field in fields if is_number(field, decimal)]
    rises = len(numbers) > 2 and all(a < b for a, b in pairwise(numbers))
    return not rises and any(is_number(field, decimal) and not field.strip().isdecimal() for field in fields)


def _has_a_label(fields: list[str], columns: Sequence[Sequence[str]]) -> bool:
    """True if one of the fields stands at least twice below itself, in a column with few words; none of them has the
    usual name of a column, and none is one word above texts of several.
    """
    if any(_USUAL_NAMES.fullmatch(field.strip()) for field in fields):
        return False
    if any(column and " " not in field and _are_texts(column) for field, column in zip(fields, columns, strict=True)):
        return False
    return any(
        bool(field.strip()) and column.count(field) > 1 and 2 * len(set(column)) <= len(column)
        for field, column in zip(fields, columns, strict=True)
    )


def _are_texts(column: Sequence[str]) -> bool:
    return sum(" " in cell.strip() for cell in column) > _MOSTLY * len(column)


def may_be_names(first: Sequence[str], rest: Sequence[Sequence[str]]) -> bool | None:
    """True if the fields of the first record of pairs name the columns, False if they are a pair themselves, None if
    they may be either. They are a pair if one is no short name, or stands below as well; they are names if all are
    usual ones, or if a word stands above texts of several.
    """
    fields = [field.strip() for field in first]
    columns = list(zip(*(row for row in rest if len(row) == len(fields)), strict=True))
    below = {cell.strip() for column in columns for cell in column}
    if not all(_NAME.fullmatch(field) and field not in below for field in fields):
        return False
    if are_names_of_pairs(fields):
        return True
    above_texts = [" " not in field and _are_texts(column) for field, column in zip(fields, columns, strict=False)]
    return True if any(above_texts) else None if columns else False


def are_names_of_pairs(fields: Sequence[str]) -> bool:
    """True if columns of pairs are often called so, each of them."""
    return all(is_usual_name(field) or _NAMES_OF_PAIRS.fullmatch(field.strip()) for field in fields)


def are_names_of_words(fields: Sequence[str]) -> bool:
    """True if columns of words and their tags are often called so, each of them."""
    return all(is_usual_name(field) or _NAMES_OF_WORDS.fullmatch(field.strip()) for field in fields)


def are_names(label: str, text: str, *, foreign: bool = False) -> bool:
    """True if what should be a label and a text are the usual names of such columns; foreign: the label is known to be
    none, so that the name of the text is enough.
    """
    return is_usual_name(text) and (is_usual_name(label) or (foreign and _NAME.fullmatch(label.strip()) is not None))


def are_short_names(fields: Sequence[str]) -> bool:
    """True if all fields may be names of columns: they begin with a letter, and have three words at most."""
    return all(_NAME.fullmatch(field.strip()) for field in fields)


def is_usual_name(word: str) -> bool:
    """True if columns are often called so."""
    return _USUAL_NAMES.fullmatch(word.strip()) is not None


def doubt_names(where: str, row: str) -> None:
    """Tell of a row that names columns, and is left out of data whose columns were to have no names."""
    doubt(f"{where}: left out {shown(row)}, which names columns")


def doubt_name(where: str, text: str) -> None:
    """Tell of a first text that may be the name of its column."""
    doubt(f"{where}: {shown(text)} is answered as the others are; if it names columns, remove the line")


def _is_value(field: str, decimal: str) -> bool:
    return is_number(field, decimal) or _STAMP.fullmatch(field) is not None or bool(formats_of(field.strip()))


def _has_the_words_of(fields: list[str], values: list[bool], columns: Sequence[Sequence[str]], decimal: str) -> bool:
    """True if each word of a record is one of its column in the records after it, or a text like those there, and the
    others are values there."""
    return any(columns) and all(
        all(_is_value(cell, decimal) or is_missing(cell) for cell in column)
        if value
        else field in column or (len(field.split()) >= _TEXT and _are_texts(column))
        for field, value, column in zip(fields, values, columns, strict=True)
    )


def refuse_titles(first: Record, rest: list[Record], name: str, decimal: str) -> None:
    """Raise DataError if the first record is a title above the header: it has one cell, or empty ones, and the record
    with the most cells of the next ones is all words. None above that has values, and all below it have, but for a row
    of units.
    """
    records = [first, *rest[:_TITLES]]
    filled = [sum(not is_missing(cell) for cell in fields) for _, fields in records]
    row = filled.index(max(filled))
    valued = [any(_is_value(cell, decimal) for cell in fields) for _, fields in rest[: row + _TITLES]]
    above, below = valued[:row], valued[row:]
    if row and (len(first[1]) == 1 or filled[0] < len(first[1])) and not any(above) and all(below[1:]) and any(below):
        line = records[row][0]
        raise DataError(
            f"{name}:{first[0]}: looks like a title above the names of the columns on line {line}; pass --skip-rows "
            f"{line - 1}, or --set data.header=true if it holds their names"
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
