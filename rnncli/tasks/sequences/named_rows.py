"""A table for a model whose training data had no names of columns: it has as many, and a first row of names is no
sequence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from rnncli.data.csv_table import Table
from rnncli.data.numeric import is_missing, is_number
from rnncli.data.table_header import are_names, doubt_name, doubt_names, is_usual_name
from rnncli.data.table_rows import TableRows
from rnncli.errors import DataError

IsAnswer = Callable[[str], bool]
_NAMED = 4  # columns that a message names


def are_names_for(like: Any, row: Sequence[str], decimal: str, is_answer: IsAnswer | None) -> bool:
    """True if the cells of a first row are names: words where the model reads numbers, or usual names of a label and a
    text, of which that of the text is enough where the label is known to be none. A space after a comma is prose.

    like: the columns of the training data, which had no names. is_answer: whether a cell is an answer, None where
    nobody knows.
    """

    def cell(column: str | None) -> str:
        at = int((column or "column0").removeprefix("column")) - 1
        return row[at] if 0 <= at < len(row) else ""

    if like.text is None:
        return not any(is_number(cell(one), decimal) or is_missing(cell(one)) for one in like.inputs)
    label, prose = cell(like.label).strip(), any(field[:1] == " " for field in row)
    foreign = is_answer is not None and not is_answer(label) and not prose
    return are_names(label, cell(like.text), foreign=foreign)


def require_width(name: str, width: int, like: Any, *, answered: bool) -> None:
    """Raise DataError for a table of another width than the training data, whose columns had no names; it may lack the
    answers, if they are not needed and last.
    """
    if like.headed or like.width is None or width in (1, like.width):  # of one column others tell how it may be cut
        return
    is_last = like.label == f"column{like.width}"
    if answered or not (is_last and width == like.width - 1):
        raise DataError(
            f"{name}: has {width} columns, and the training data had {like.width} without names; give it those, in "
            f"their order: {_places(like)}"
        )


def _places(like: Any) -> str:
    """Return in words where the columns stand that are read."""
    roles = [
        ("the id", [like.id]),
        ("the text", [like.text]),
        ("a number", like.inputs),
        ("the answer", [like.label]),
    ]
    found = [(int(name.removeprefix("column")), role) for role, names in roles for name in names if name]
    return ", ".join(f"{role} in column {place}" for place, role in sorted(found)[:_NAMED])


def without_names(table: Table, like: Any, decimal: str, is_answer: IsAnswer | None) -> Table:
    """Return the table without a first row of names above others."""
    if like.headed or len(table.rows) < 2 or not are_names_for(like, table.rows[0], decimal, is_answer):
        return table
    doubt_names(f"{table.name}:{table.lines[0]}", table.delimiter.join(table.rows[0]))
    return replace(table, rows=table.rows[1:], lines=table.lines[1:])


def leave_names_out(rows: TableRows, like: Any, decimal: str, is_answer: IsAnswer) -> None:
    """Leave a first row of names out of the rows; a text alone that may be the name of its column is doubted."""
    require_width(rows.name, len(rows.header), like, answered=False)
    if like.headed:
        return
    line, cells = rows.first
    where = f"{rows.name}:{line}"
    if are_names_for(like, cells, decimal, is_answer):
        doubt_names(where, rows.delimiter.join(cells))
        rows.leave_out_first()
    elif like.text is not None and len(cells) == 1 and is_usual_name(cells[0]):
        doubt_name(where, cells[0])
