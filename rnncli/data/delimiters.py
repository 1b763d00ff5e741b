"""The characters between the columns of a table, and how one is named that a table was not cut at."""

from __future__ import annotations

from collections.abc import Sequence

from rnncli.errors import quoted

CANDIDATES = (",", ";", "\t", "|")


def other_delimiter(rows: Sequence[Sequence[str]]) -> str:
    """Return the end of a message about rows that lack a column: the options that cut them, if each is one field in
    which another delimiter stands; "" if not."""
    if any(len(row) != 1 for row in rows):
        return ""
    mark = next((mark for mark in CANDIDATES if rows and all(mark in row[0] for row in rows)), None)
    if mark is None:
        return ""
    option = f"--delimiter {'tab' if mark == chr(9) else quoted(mark)}"
    quotes = any(row[0].startswith('"') or f'{mark}"' in row[0] for row in rows)
    return f"; its rows are separated otherwise: {option}{' --quoting minimal' if quotes else ''}"
