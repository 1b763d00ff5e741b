"""Rows of a table, or JSON lines, in a pipe of texts: no name tells what the lines are, so that each is a text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

from rnncli.data.csv_records import cut_line
from rnncli.data.delimiters import CANDIDATES
from rnncli.data.json_text import is_json
from rnncli.data.lines import Line
from rnncli.data.table_header import are_names_of_pairs, are_short_names, is_usual_name
from rnncli.errors import DataError, shown
from rnncli.notes import doubt


def doubt_row(line: Line, is_answer: Callable[[str], bool] = lambda field: False) -> None:
    """Tell of a first line that looks like the names of columns, like a row with one of few answers, or like JSON."""
    if line.text.lstrip().startswith("{") and is_json(line.text, whole=True):
        what = "an object of JSON"
    elif any(_is_row(row, is_answer) or _are_names(row) for row in _rows(line)):
        what = "a row of a table"
    else:
        return
    doubt(f"{line.where}: {shown(line.text)} looks like {what}, and is read as a text; give the texts alone if it is")


def _rows(line: Line) -> Iterator[list[str]]:
    """Yield the fields of a line by each delimiter that cuts it as no prose is cut, which has a space after it."""
    for mark in CANDIDATES:
        with suppress(DataError):  # broken quotes
            row = cut_line(line.text, mark, line.name, line.number)
            if len(row) > 1 and not any(field[:1] == " " for field in row):
                yield row


def _is_row(row: list[str], is_answer: Callable[[str], bool]) -> bool:
    """True if a field is an answer beside a text of several words."""
    return any(is_answer(field.strip()) for field in row) and any(" " in field.strip() for field in row)


def _are_names(row: list[str]) -> bool:
    return are_names_of_pairs(row) or (are_short_names(row) and any(map(is_usual_name, row)))
