"""The lines of a stream as they arrive, with or without a header, cut into the cells of the model's columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rnncli.data.cell_cleaning import cleaned, split_sign
from rnncli.data.csv_records import cut_line
from rnncli.data.csv_table import Table, quotes_fields
from rnncli.data.digits import decimals_of
from rnncli.data.lines import Line, read_lines
from rnncli.data.numeric import is_number, numeric_row
from rnncli.data.source import Source, mend_of_names
from rnncli.data.table_header import by_place, doubt_names, names_in, numbered
from rnncli.errors import DataError, UsageError, shown
from rnncli.tasks.forecast.config import SeriesConfig
from rnncli.tasks.forecast.panel_columns import Columns
from rnncli.tasks.forecast.windows import require_transformable

LONGEST = 1 << 17  # characters of a line; where a line end is missing, nothing longer is one row


@dataclass(frozen=True)
class Arrived:
    """A line: its time as it is written, if rows have times, and its cells as a table of one row; or, in `why`, its
    place and what is wrong with it. ragged: True if that is its number of fields, and such lines are to be skipped."""

    where: str
    stamp: str | None = None
    row: Table | None = None
    why: str = ""
    ragged: bool = False


@dataclass(frozen=True)
class Cells:
    """What a line says of the targets: values (C,), NaN where missing; with how many decimals each is written; and
    `doubts`, sentences on cells that were taken for missing values."""

    values: np.ndarray
    decimals: list[int]
    doubts: list[str]


class StreamLines:
    """The lines of a CSV, from a file or a pipe (-). strict: a value that cannot be read is the end, by a DataError."""

    def __init__(
        self, path: str | Source, columns: Columns, data: SeriesConfig, delimiter: str, *, strict: bool = False
    ):
        self.path, self.columns, self.data, self.delimiter, self.strict = path, columns, data, delimiter, strict
        self.absent = 0.0 if data.missing == "zero" else float("nan")  # what a missing value counts as
        self.names = [*columns.sources(columns.time), *columns.targets]

    def __iter__(self) -> Iterator[Arrived]:
        """Yield each line that is not blank, but the header. UsageError for a header without the model's columns,
        DataError if the first line cannot be read.
        """
        header: list[str] | None = None
        for line in read_lines(self.path, self.data.encoding, LONGEST):
            if line.blank and not line.error:
                continue
            if header is None:
                if line.error:
                    raise line.error
                if self._is_title(line):
                    continue
                header = self._header(line)
                if header is not self.names:
                    continue
            yield self._arrived(line, header)

    def _is_title(self, line: Line) -> bool:
        """True for one of the first data.skip_rows lines that is no header and has no number, as a row has."""
        cells = [cell.strip() for cell in line.text.split(self.delimiter)]
        numbered = any(cell.lstrip("+-")[:1].isdigit() for cell in cells)
        return line.number <= self.data.skip_rows and not numbered and not set(self.names) <= set(cells)

    def _header(self, line: Line) -> list[str]:
        """Return the names in the first line, or those of the training data if it is a row already. DataError for two
        columns of one name."""
        try:
            fields = self._cut(line)
        except DataError:
            return self.names
        header = [cell.strip() or name for cell, name in zip(fields, numbered((line.number, fields)), strict=True)]
        if set(self.names) <= set(header):
            return names_in((line.number, fields), line.name)
        if not any(map(is_number, header)) and (names := by_place(header, self.columns.read())):
            doubt_names(line.where, line.text)
            return names
        named = set(self.names) & set(header)
        if not named and (len(header) == len(self.names) or any(cell.lstrip("+-")[:1].isdigit() for cell in header)):
            return self.names  # a row, if a broken one
        missing = next(name for name in self.names if name not in header)
        raise UsageError(
            f"{line.where}: no column {shown(missing)}; {mend_of_names(header, missing)}the model was trained with "
            f"{', '.join(self.names)}"
        )

    def _cut(self, line: Line) -> list[str]:
        quoted = quotes_fields(line.name, self.data.quoting)
        return cut_line(line.text, self.delimiter, line.name, line.number, quoted=quoted)

    def _arrived(self, line: Line, header: list[str]) -> Arrived:
        try:
            if line.error:
                raise line.error
            cells = self._cut(line)
            if len(cells) != len(header):
                plural = "" if len(cells) == 1 else "s"
                why = f"{line.where}: {len(cells)} field{plural}, the others have {len(header)}"
                return Arrived(line.where, why=why, ragged=self.data.ragged == "skip")
            bare = [split_sign(cell)[1] for cell in cells]
            bare = cleaned(bare, self.data.thousands, self.data.na_values, self.data.decimal)
            row = self.columns.joined(Table(line.name, header, [bare], [line.number], self.delimiter))
        except DataError as error:
            return Arrived(line.where, why=str(error))
        time = self.columns.time
        return Arrived(line.where, None if time is None else row.rows[0][row.header.index(time)].strip(), row)

    def cells(self, arrived: Arrived) -> Cells:
        """Return what a line that was read says of the targets."""
        assert arrived.row is not None
        row, doubts = arrived.row, list[str]()
        places = [row.header.index(name) for name in self.columns.targets]
        values = np.array([self._value(row, place, doubts) for place in places])
        return Cells(values, [decimals_of(row.rows[0][place], self.data.decimal) for place in places], doubts)

    def _value(self, row: Table, place: int, doubts: list[str]) -> float:
        """Return the value in a column (from 0) of the row, or what a missing one counts as; NaN, with a doubt, for one
        that cannot be read, or that the transform of the model cannot take."""
        where = f"{row.name}:{row.lines[0]}: column {place + 1} {shown(row.header[place])}"
        try:
            value = float(numeric_row(row, 0, [place], self.data.decimal)[0])
            if not np.isnan(value):
                require_transformable(
                    np.array([value]), self.data.transform, where, non_negative=self.data.non_negative
                )
                return value
        except DataError as error:
            if self.strict:
                raise DataError(f"{error}; mend it, or leave out --strict") from None
            doubts.append(f"{error}; taken for a missing value")
            return float("nan")
        if cell := row.rows[0][place].strip():
            doubts.append(f"{where}: {shown(cell)} is a missing value")
        return self.absent
