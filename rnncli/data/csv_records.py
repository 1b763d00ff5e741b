"""The records of a CSV file, each with the physical line that it starts on, and what is wrong with broken quotes."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator

from rnncli.errors import DataError

Record = tuple[int, list[str]]  # the physical line where it starts (from 1), and its fields

_ANY_LENGTH = 2**31 - 1  # characters of a field; the csv module's own limit is 131,072
# The closing quote is one that no other quote follows, so that "" is never half of two things.
_QUOTED = re.compile(r'"[^"]*(?:""[^"]*)*"(?!")')


def from_line(text: str, line: int) -> str:
    """Return `text` from line number `line` (from 1) to its end; an empty string if it has fewer lines."""
    lines = text.split("\n", line - 1)
    return lines[-1] if len(lines) == line else ""


def refuse_nul(text: str, name: str, first_line: int = 1) -> None:
    position = text.find("\0")
    if position >= 0:
        line = text.count("\n", 0, position) + first_line
        raise DataError(f"{name}:{line}: contains a NUL byte; is this a binary file?")


def records_of(
    body: str, delimiter: str, name: str, first_line: int, *, quoted: bool = True, blanks: bool = False
) -> Iterator[Record]:
    """Return what `records_in` does for the lines of `body`, whose fields may be as long as it is."""
    csv.field_size_limit(_ANY_LENGTH)
    return records_in(io.StringIO(body, newline="\n"), delimiter, name, first_line, quoted=quoted, blanks=blanks)


def records_in(
    lines: Iterable[str], delimiter: str, name: str, first_line: int, *, quoted: bool = True, blanks: bool = False
) -> Iterator[Record]:
    """Yield (physical line, fields) for every record in `lines`, each with its end; raise DataError for broken CSV.
    blanks: True for blank lines too, as one empty field.
    """
    held: list[str] = []  # the lines of one record
    reader = csv.reader(
        _kept(lines, held),
        delimiter=delimiter,
        strict=quoted,
        quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
    )
    while True:
        start = first_line + reader.line_num  # line_num counts the lines consumed so far
        held.clear()
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            fault = _quoting_fault("".join(held), delimiter, start) or f"{start}: {error}"
            raise DataError(f"{name}:{fault}") from None
        if not is_blank(fields):
            yield start, fields
        elif blanks:
            yield start, [""]


def cut_line(line: str, delimiter: str, name: str, number: int, *, quoted: bool = True) -> list[str]:
    """Return the fields of one line, which is line `number` of `name`; DataError for broken CSV, such as a quote that
    does not close on the line."""
    records = records_of(line, delimiter, name, number, quoted=quoted, blanks=True)
    return next(records, (number, [""]))[1]


def _kept(lines: Iterable[str], held: list[str]) -> Iterator[str]:
    for line in lines:
        held.append(line)
        yield line


def is_blank(fields: list[str]) -> bool:
    """True for an empty line or a line of spaces; a quoted empty string is a missing value of a one-column file."""
    return not fields or (len(fields) == 1 and fields[0].isspace())


def has_line_break(fields: list[str]) -> bool:
    return any("\n" in field for field in fields)


def _quoting_fault(record: str, delimiter: str, line: int) -> str | None:
    """Return `LINE:COL: reason` for the csv module's failure on the record that starts at physical `line`, or None."""

    def place(offset: int) -> str:
        before = record[:offset]
        return f"{line + before.count(chr(10))}:{offset - before.rfind(chr(10))}"

    unquoted = re.compile(f"[^\n{re.escape(delimiter)}]*")
    position = 0
    while position < len(record):
        quoted = record[position] == '"'
        match = (_QUOTED if quoted else unquoted).match(record, position)
        if match is None:
            return (
                f"{place(position)}: the quote that opens here is never closed; close it or remove it, or, if quotes "
                "are part of the text, --quoting none"
            )
        end = match.end()
        if end < len(record) and record[end] not in (delimiter, "\n"):
            opened = place(position).replace(":", ", column ")
            return (
                f"{place(end)}: text after the closing quote of the field that opens on line {opened}; "
                'write a quote inside a field as "", or, if quotes are part of the text, --quoting none'
            )
        position = end + 1
    return None
