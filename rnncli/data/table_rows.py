"""A CSV file read row by row, so that one of any size takes the memory of its beginning.

The beginning tells all that holds for the whole: the delimiter, whether the first line names the columns, whether the
second holds units. A mistake further on is an error when the rows before it have been read.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Iterator
from contextlib import nullcontext, suppress
from itertools import chain, islice
from typing import Literal

from rnncli.data.csv_records import Record, has_line_break, records_in, refuse_nul
from rnncli.data.csv_table import (
    Quoting,
    Ragged,
    Table,
    doubt_left_out,
    doubt_line_breaks,
    first_of,
    has_units,
    layout_of,
    rectangular,
    without_rows,
)
from rnncli.data.lines import LONGEST, Line, Opened
from rnncli.errors import DataError

_BEGINNING = 2000, 1 << 22  # lines, or characters where lines are long
_SAMPLE = 1000  # rows that tell whether the first line is one of them


class TableRows:
    """The rows of a table, under the names `header`; the arguments are those of `csv_table.read_table`.

    Raises the errors of `read_table`: of the beginning at once, of what comes after it when that is read.
    """

    def __init__(
        self,
        opened: Opened,
        *,
        encoding: str = "utf-8",
        delimiter: str | None = None,
        decimal: str = ".",
        skip_rows: int = 0,
        ragged: Ragged | Literal["keep"] = "refuse",
        quoting: Quoting | None = None,
        header: bool | None = None,
        named: Collection[str | int] = (),
    ):
        self.name, self._opened, self._encoding, self._ragged = opened.name, opened, encoding, ragged
        lines, is_whole = _beginning(opened, encoding)
        self._layout = layout_of(
            "".join(map(_text, lines)),
            self.name,
            delimiter=delimiter,
            decimal=decimal,
            skip_rows=skip_rows,
            quoting=quoting,
            header=header,
        )
        first, others = first_of(self._cut(lines), self.name)
        sample: list[Record] = []
        with nullcontext() if is_whole else suppress(DataError):  # of a row that goes on after the beginning
            sample.extend(others if is_whole else islice(others, _SAMPLE))
        self.header, self.headed = self._layout.names(first, sample, self.name, named)
        below = sample[has_units(sample, len(self.header), self._layout.delimiter) :] if self.headed else [first]
        if not below:
            raise without_rows(self.name, first[0])
        self._first_line = below[0][0]

    def table(self, records: Iterable[Record]) -> Table:
        """Return these rows as a table; DataError for one that has not as many fields as the header."""
        kept = rectangular(list(records), len(self.header), self.name, 1, "refuse")
        delimiter = self._layout.delimiter
        return Table(self.name, self.header, [row for _, row in kept], [line for line, _ in kept], delimiter)

    def records(self) -> Iterator[Record]:
        """Yield the physical line and the fields of every row; doubts at the end tell of what was left out."""
        lines = chain.from_iterable(self._opened.lines(self._encoding))
        first, others = first_of(self._cut(lines), self.name)
        count, broken, odd = 0, (0, 0), (0, 0)  # of the last two how many, and the line of the first
        for line, fields in chain([first], others):
            if line < self._first_line:  # a header, or units
                continue
            count += 1
            if has_line_break(fields):
                broken = broken[0] + 1, broken[1] or line
            if self._ragged == "skip" and len(fields) != len(self.header):
                odd = odd[0] + 1, odd[1] or line
            else:
                yield line, fields
        doubt_line_breaks(*broken, count)
        doubt_left_out(*odd, count, len(self.header))

    def _cut(self, lines: Iterable[Line]) -> Iterator[Record]:
        csv.field_size_limit(LONGEST)
        layout = self._layout
        texts = map(_text, islice(lines, layout.line - 1, None))
        return records_in(
            texts, layout.delimiter, self.name, layout.line, quoted=layout.quoted, blanks=self._ragged == "keep"
        )


def _beginning(opened: Opened, encoding: str) -> tuple[list[Line], bool]:
    """Return the first lines, and whether they are all."""
    lines: list[Line] = []
    size = 0
    for some in opened.first_lines(encoding):
        lines += some
        size += sum(len(line.text) for line in some)
        if len(lines) > _BEGINNING[0] or size > _BEGINNING[1]:
            return lines, False
    return lines, True


def _text(line: Line) -> str:
    """Return a line with its end; raise DataError for one with bytes that are none of a text."""
    if line.error:
        raise line.error
    refuse_nul(line.text, line.name, line.number)
    return line.text + "\n"
