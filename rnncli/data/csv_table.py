"""A CSV file as a table of strings, with the physical line of every record.

All line ends become newlines before parsing, inside quotes too: the same data give the same table on every
system, and a line number is a count of newlines.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

from rnncli.data.csv_records import Record, from_line, has_line_break, is_blank, records_of, refuse_nul
from rnncli.data.delimiters import CANDIDATES, other_delimiter
from rnncli.data.source import Source, decode
from rnncli.data.table_header import are_units, is_data, names_in, numbered, refuse_titles
from rnncli.data.table_room import require_room
from rnncli.errors import DataError, UsageError, shown
from rnncli.notes import doubt, note

Ragged = Literal["refuse", "skip"]
Quoting = Literal["minimal", "none"]

_DELIMITER_NAMES = {"\\t": "\t", "tab": "\t"}
_ANNOTATIONS = ("#group", "#datatype", "#default")  # of InfluxDB's CSV
_MOST_COMMENTS = 1000  # lines
_BLOCK = 50  # records that the delimiter is detected from
_SEPARATOR_LINE = re.compile(r'"?sep=.?"?', re.IGNORECASE)


@dataclass(frozen=True)
class Table:
    """A table: `rows[i]` has one string per name in `header` and starts on physical line `lines[i]` (from 1).

    headed: whether the names are those of the file, which else has none. signs: of the units that all cells of a column
    had, where they were taken from the cells.
    """

    name: str
    header: list[str]
    rows: list[list[str]]
    lines: list[int]
    delimiter: str
    headed: bool = True
    signs: Mapping[str, str] = field(default_factory=dict)

    @property
    def cut_otherwise(self) -> str:
        """The end of a message about a column that is missing, if another delimiter would cut the rows."""
        above = [self.header] if self.headed else []
        return other_delimiter([*above, *self.rows[:_BLOCK]])


def read_table(
    source: Source,
    *,
    encoding: str = "utf-8",
    delimiter: str | None = None,
    decimal: str = ".",
    skip_rows: int = 0,
    skip_footer: int = 0,
    ragged: Ragged | Literal["keep"] = "refuse",
    quoting: Quoting | None = None,
    header: bool | None = None,
    named: Collection[str | int] = (),
) -> Table:
    """Return the table in `source`, parsed strictly, without blank lines, the first `skip_rows` lines and the last
    `skip_footer` rows. quoting: whether quotes hold a field together; None means that they do but in a .tsv. header:
    whether the first row names the columns; None means that it does unless it looks like data and has none of the names
    `named`, which the user gives. ragged: "keep" for rows of any number of fields, which `rectangular` may judge later,
    and for blank lines of a file of one column.

    A note reports every choice made for the user (a delimiter, a column's name).
    Raises DataError naming the line, and UsageError for an impossible `delimiter` or `skip_rows`.
    """
    require_room(source, declared_delimiter(delimiter))
    text = decode(source, encoding).replace("\r\n", "\n").replace("\r", "\n")
    refuse_nul(text, source.name)
    layout = layout_of(
        text, source.name, delimiter=delimiter, decimal=decimal, skip_rows=skip_rows, quoting=quoting, header=header
    )
    records = records_of(
        from_line(text, layout.line),
        layout.delimiter,
        source.name,
        layout.line,
        quoted=layout.quoted,
        blanks=ragged == "keep",
    )
    first, others = first_of(records, source.name)
    rest = list(others)
    names, header = layout.names(first, rest, source.name, named)
    chosen = layout.delimiter
    rest = rest if header else [first, *rest]
    if skip_footer and rest:
        rest, footer = rest[:-skip_footer], rest[-skip_footer:]
        rows = "row" if len(footer) == 1 else f"{len(footer):,} rows"
        doubt(f"left out the last {rows}, from line {footer[0][0]}: {shown(chosen.join(footer[0][1]))}")
    if header and has_units(rest, len(names), chosen):
        rest = rest[1:]
    broken = [line for line, fields in rest if has_line_break(fields)]
    doubt_line_breaks(len(broken), broken[0] if broken else 0, len(rest))
    kept = rectangular(rest, len(names), source.name, first[0], ragged, "header" if header else "the first line")
    if not kept:
        raise without_rows(source.name, first[0])
    return Table(source.name, names, [row for _, row in kept], [line for line, _ in kept], chosen, header)


def without_rows(name: str, line: int) -> DataError:
    """Return the error for a table that ends with its header, on this line."""
    return DataError(f"{name}:{line}: header but no rows; add data below it")


@dataclass(frozen=True)
class Layout:
    """How the records of a table are cut. line: the physical line of the first of them (from 1). header: whether it
    names the columns, if the user said so. skipped: the lines above them that the user leaves out.
    """

    line: int
    skipped: list[str]
    delimiter: str
    quoted: bool
    decimal: str
    header: bool | None

    def names(
        self, first: Record, rest: list[Record], name: str, named: Collection[str | int]
    ) -> tuple[list[str], bool]:
        """Return the names of the columns, and whether they are those in the record `first`. rest: the records after
        it, or many of them."""
        header = self.header
        known = {field.strip() for field in first[1]} & set(named)
        if header is not False and not known:
            self._refuse_skipped(name, named)
        if header is None:
            others = [record for record in rest if record[1] != first[1]]
            if not known:
                refuse_titles(first, rest, name, self.decimal)
            header = bool(known) or not is_data(first, others, self.decimal)
            if not header:
                note(f"the first line holds values, so it is data; the columns are called {_called(numbered(first))}")
            elif any(isinstance(one, int) for one in named):
                line = shown(self.delimiter.join(first[1]))
                note(f"the first line, {line}, names the columns; if not, --set data.header=false")
        return (names_in(first, name) if header else numbered(first)), header

    def _refuse_skipped(self, name: str, named: Collection[str | int]) -> None:
        """Raise DataError if a line that is left out has the name of a column, as where the skip_rows of a run are
        more than the lines above the header of another file."""
        for number, line in enumerate(self.skipped, start=1):
            fields = [field.strip().strip('"') for field in line.split(self.delimiter)]
            found = next((field for field in fields if field in named), None)
            if found is not None:
                raise DataError(
                    f"{name}:{number}: names the column {shown(found)}, and is left out by data.skip_rows, which is "
                    f"{len(self.skipped)}; pass --skip-rows {number - 1}"
                )


def layout_of(
    text: str,
    name: str,
    *,
    delimiter: str | None,
    decimal: str,
    skip_rows: int,
    quoting: Quoting | None,
    header: bool | None,
) -> Layout:
    """Return the layout of a table by its text, of which the beginning is enough; see `read_table`."""
    declared = declared_delimiter(delimiter)
    if skip_rows < 0:
        raise UsageError(f"--skip-rows {skip_rows}: cannot be negative")
    body = from_line(text, skip_rows + 1)
    _refuse_separator_line(body, name, skip_rows + 1)
    comments = _comments(body, declared)
    if comments:
        doubt(f"left out the first {comments:,} lines, which are comments")
    quoted = quotes_fields(name, quoting)
    chosen = declared or _detect_delimiter(from_line(body, comments + 1), name, decimal, quoted)
    skipped = text.split("\n", skip_rows)[:skip_rows]
    return Layout(skip_rows + comments + 1, skipped, chosen, quoted, decimal, header)


def first_of(records: Iterator[Record], name: str) -> tuple[Record, Iterator[Record]]:
    """Return the first record that is not blank, and those after it, the blank ones only of a file of one column."""
    first = next((record for record in records if not is_blank(record[1])), None)
    if first is None:
        raise DataError(f"{name}: file is empty; need a header and at least 2 rows")
    return first, (record for record in records if len(first[1]) == 1 or not is_blank(record[1]))


def has_units(rest: list[Record], width: int, delimiter: str) -> bool:
    """Return whether the first record below a header holds units, and is to be left out, with a doubt."""
    units = are_units(rest, width)
    if units:
        doubt(f"left out line {rest[0][0]}, which holds units: {shown(delimiter.join(rest[0][1]))}")
    return units


def _called(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"


def declared_delimiter(delimiter: str | None) -> str | None:
    if delimiter is None:
        return None
    character = _DELIMITER_NAMES.get(delimiter, delimiter)
    if len(character) != 1 or character in '"\r\n\0':
        raise UsageError(f"--delimiter {shown(delimiter)}: must be one character, such as ; or tab")
    return character


def _refuse_separator_line(body: str, name: str, line: int) -> None:
    first = body.split("\n", 1)[0].strip(" ")
    if _SEPARATOR_LINE.fullmatch(first):
        raise DataError(
            f"{name}:{line}: {shown(first)} is a spreadsheet's hint, not a header; "
            f"delete the line or pass --skip-rows {line}"
        )


def quotes_fields(name: str, quoting: Quoting | None) -> bool:
    """True if quotes hold a field together in the file `name`, which is the rule but in a .tsv."""
    return quoting == "minimal" if quoting else not name.lower().endswith(".tsv")


def doubt_line_breaks(broken: int, first: int, count: int) -> None:
    """Tell that fields of `broken` of `count` rows, the first on line `first`, hold line breaks, as those do in which a
    quote is never meant to close."""
    if broken:
        doubt(
            f"line breaks within quotes in {broken:,} of {count:,} rows, the first on line {first}; if "
            "quotes are part of the text there, --quoting none"
        )


def _detect_delimiter(body: str, name: str, decimal: str, quoted: bool) -> str:
    """Return the candidate that cuts the first records into equally many fields, or the best one if none does.

    A comma that fits wins, unless it is the decimal sign; a file of one column gets a comma.
    Raises DataError if several other candidates fit equally well.
    """
    fits = {candidate: _fit(body, candidate, quoted) for candidate in CANDIDATES}
    best_share = max(share for share, _ in fits.values())
    best = [candidate for candidate in CANDIDATES if fits[candidate][0] == best_share]
    if best_share == 0 or (best[0] == "," and (decimal != "," or len(best) == 1)):
        return ","
    if decimal == "," and len(best) > 1:
        best = [candidate for candidate in best if candidate != ","]
    if len(best) > 1:
        readings = ", ".join(f"{shown(candidate)} gives {fits[candidate][1]} columns" for candidate in best)
        raise DataError(f"{name}: the delimiter is ambiguous: {readings}; pass --delimiter")
    note(f"delimiter {shown(best[0])} detected")
    return best[0]


def _fit(body: str, delimiter: str, quoted: bool) -> tuple[float, int]:
    """Return how well `delimiter` fits: the share of the first records that have the most common number of fields
    above one, and that number.
    """
    reader = csv.reader(
        io.StringIO(body, newline="\n"),
        delimiter=delimiter,
        quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
    )
    counts: list[int] = []
    with suppress(csv.Error):  # an open quote swallowed too much; what was counted before it still speaks
        counts.extend(len(fields) for fields in islice(reader, _BLOCK) if not is_blank(fields))
    cut = [count for count in counts if count > 1]
    if not cut:
        return 0.0, 1
    commonest = max(set(cut), key=lambda count: (cut.count(count), count))
    return cut.count(commonest) / len(counts), commonest


def _comments(body: str, delimiter: str | None) -> int:
    """Return how many lines at the beginning are comments: they begin with #, and are not cut into as many fields as
    the line after them, as a header is; those of annotated CSV are, and begin with #group, #datatype or #default."""
    lines = body.split("\n", _MOST_COMMENTS + 1)
    count = next((i for i, line in enumerate(lines) if not line.startswith("#")), 0)
    if not count or count > _MOST_COMMENTS:
        return 0
    marks = CANDIDATES if delimiter is None else (delimiter,)
    fields = {mark: lines[count].count(mark) for mark in marks}
    mark = max(fields, key=lambda one: fields[one])
    annotated = lines[0].startswith(_ANNOTATIONS)
    is_header = not annotated and fields[mark] and lines[count - 1].count(mark) == fields[mark]
    return count - bool(is_header)


def rectangular(
    records: list[Record],
    width: int,
    name: str,
    header_line: int,
    ragged: Ragged | Literal["keep"],
    first: str = "header",
) -> list[Record]:
    """Return the records with `width` fields; the others raise DataError, or are dropped and counted in a note, or
    kept."""
    odd = [(line, fields) for line, fields in records if len(fields) != width]
    if not odd or ragged == "keep":
        return records
    line, fields = odd[0]
    if ragged == "refuse":
        plural, the_first = "" if len(fields) == 1 else "s", "the header" if first == "header" else first
        raise DataError(
            f"{name}:{line}: {len(fields)} field{plural}, {first} has {width}; correct the line, "
            f"pass --skip-rows N if {the_first} is not on line {header_line}, "
            "or --ragged skip to leave such lines out"
        )
    doubt_left_out(len(odd), line, len(records), width)
    return [record for record in records if len(record[1]) == width]


def doubt_left_out(odd: int, first: int, count: int, width: int) -> None:
    """Tell that `odd` of `count` rows, the first on line `first`, have not as many fields as the header."""
    if odd:
        doubt(f"left out {odd:,} of {count:,} rows without {width} fields, the first on line {first}")
