"""A first look at a data file: its first lines, and their columns if they make a table. Tasks tell by it what it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Any

from rnncli.data.cell_cleaning import split_sign
from rnncli.data.column_kinds import DATE_NAMES, Kind, counts_rows, kind_of_column
from rnncli.data.csv_table import Table, quotes_fields, read_table, without_rows
from rnncli.data.encodings import encoding_of
from rnncli.data.lines import lines_of
from rnncli.data.numeric import is_grouped, is_missing, is_number
from rnncli.data.source import Source, is_table
from rnncli.errors import DataError, shown
from rnncli.notes import noting

# Names of columns, in small letters.
LABELS = {
    *("label", "labels", "class", "classes", "category", "categories", "sentiment", "intent", "topic", "genre"),
    *("tag", "tags", "language", "lang", "polarity", "emotion", "species", "klasse", "kategorie"),
}
TEXTS = {
    *("text", "texts", "sentence", "review", "comment", "message", "content", "body", "question", "title", "tweet"),
    *("document", "sms", "utterance", "sequence", "description", "abstract", "headline"),
}
NUMBERS = {
    *("score", "rating", "stars", "total", "value", "price", "amount", "age", "length", "count", "points", "grade"),
}
_FEW = 20  # labels are few, or each stands for many rows
_CELLS, _ROWS = 20_000, (50, 1000)  # that are looked at
_FEWEST_ITEMS, _ITEM = 50, 40  # lines that make a list, and the characters of one of them
_ODD, _DISTINCT, _DOUBTED = 0.05, 0.7, 0.5  # of a list's lines: most that look otherwise, fewest that are different
_BREAKS = ".,;:!?-–—…"  # at the end of many lines of a text that is broken into lines, and of few of a list
_NAME = re.compile(r"[^\W_][\w'’.-]*(?: [\w'’.-]+){0,2}")  # of one to three words
_MARKED = re.compile(  # as a number that can be read in one way: with two marks, or with the same twice
    r"[+-]?[0-9]{1,3}([.,'\u2019 \u00a0\u2009\u202f])[0-9]{3}(?:(?:\1[0-9]{3})*(?!\1)([.,])[0-9]+|(?:\1[0-9]{3})+)"
)
_ALIKE = {"\u2019": "'", "\u00a0": " ", "\u2009": " ", "\u202f": " "}  # as data.thousands has such marks
_SENTENCE = 4  # words
_FEWEST_ROWS = 3  # before a file that is not called a table is one


@dataclass(frozen=True)
class ColumnLook:
    """What the cells of a column look like.

    index: its place, from 0. key: the column as a config names it: by its name, or by its number from 1 in a file
    without names. title: that name in small letters, empty without one. time: what it tells of time. first: the cells
    of the first rows. cells: some of all that are not missing, evenly spread, because a table may be sorted by labels.
    """

    index: int
    key: str | int
    title: str
    time: Kind | None
    first: Sequence[str]
    cells: Sequence[str]

    @property
    def called(self) -> str:
        """The key as a message has it: a name in quotes, or a number."""
        return shown(self.key) if isinstance(self.key, str) else str(self.key)

    @cached_property
    def distinct(self) -> int:
        """The number of different cells."""
        return len(set(self.cells))

    @cached_property
    def numeric(self) -> bool:
        """True if half of the cells or more are numbers, in some notation, so that an odd one is refused by name."""
        return 2 * sum(is_number(c) or is_number(c, ",") or is_grouped(c) for c in self.cells) >= len(self.cells) > 0

    @cached_property
    def measured(self) -> bool:
        """True if that is so of what they are without the signs of units."""
        return replace(self, cells=[split_sign(cell)[1] for cell in self.cells]).numeric

    @property
    def marks(self) -> set[tuple[str, str]]:
        """The marks between thousands and of decimals, "" where there are none, of numbers that tell them apart."""
        found = (_MARKED.fullmatch(split_sign(cell)[1].strip()) for cell in self.cells)
        return {(_ALIKE.get(match[1], match[1]), match[2] or "") for match in found if match}

    @cached_property
    def whole(self) -> bool:
        """True if all cells are whole numbers."""
        return all(re.fullmatch("[+-]?[0-9]+", cell) for cell in self.cells)

    @property
    def dated(self) -> bool:
        """True for times that are written as such, and no mere whole numbers."""
        return self.time == "time" and (not self.whole or self.title in DATE_NAMES)

    @property
    def repeats(self) -> bool:
        """True for few values that recur, as labels do."""
        share = self.distinct / max(len(self.cells), 1)
        return share <= 0.2 or (self.distinct <= _FEW and share <= 0.5)

    @property
    def varies(self) -> bool:
        """True for values of which hardly one recurs, as texts do."""
        return self.distinct >= 0.8 * len(self.cells)

    @cached_property
    def wordy(self) -> bool:
        """True if most cells hold several words."""
        return 2 * sum(" " in cell for cell in self.cells) > len(self.cells)

    @cached_property
    def of_sentences(self) -> bool:
        """True if most cells hold so many words as no name has."""
        return 2 * sum(len(cell.split()) >= _SENTENCE for cell in self.cells) > len(self.cells)

    @cached_property
    def with_numbers(self) -> bool:
        """True if most cells hold a digit."""
        return 2 * sum(any(map(str.isdecimal, cell)) for cell in self.cells) > len(self.cells)


@dataclass(frozen=True)
class Look:
    """The beginning of a data file: its name, data.format if that is given, its first lines, and the table in them.

    whole: True if these are all its lines. problem: why a file that is called a table is none. header: whether the
    first line names the columns, if data.header says so.
    """

    name: str
    form: str | None
    lines: list[str]
    whole: bool
    table: Table | None
    problem: DataError | None = None
    header: bool | None = None

    @property
    def named_table(self) -> bool:
        """True if the name, or data.format, says that it is a table."""
        return self.form == "csv" or (self.form is None and is_table(self.name))

    @cached_property
    def columns(self) -> tuple[ColumnLook, ...]:
        """The columns that are neither empty, nor the number of the row; none without a table."""
        table = self.table
        if table is None:
            return ()
        count = min(max(_CELLS // len(table.header), _ROWS[0]), _ROWS[1])
        start = replace(table, rows=table.rows[:count], lines=table.lines[:count])
        spread = table.rows[:: -(-len(table.rows) // count)]
        found = []
        for i, name in enumerate(table.header):
            first = [row[i].strip() for row in start.rows]
            cells = [cell for row in spread if not is_missing(cell := row[i].strip())]
            kind = kind_of_column(start, i) if cells else None
            title = name.strip().lower() if table.headed else ""
            if kind == "part" and title in LABELS:  # Tag is also German for day
                kind = None
            found.append(ColumnLook(i, name if table.headed else i + 1, title, kind, first, cells))
        kept = tuple(column for column in found if column.cells and column.time != "counter")
        return (kept[1:] if len(kept) > 1 and counts_rows(kept[0].first) else kept) or tuple(found)

    def rows_of(self, *columns: ColumnLook) -> list[tuple[str, ...]]:
        """The cells of these columns in all rows that were seen."""
        assert self.table is not None
        return [tuple(row[one.index].strip() for one in columns) for row in self.table.rows]

    @property
    def reading(self) -> dict[str, Any]:
        """The keys of `data` that read the table as it was seen, where its name and its lines leave them open."""
        assert self.table is not None
        keys: dict[str, Any] = {} if self.named_table else {"format": "csv"}
        if self.table.delimiter == "\t":
            keys["delimiter"] = "\t"
            if not self.named_table:
                keys["quoting"] = "none"
        return keys

    @property
    def marks(self) -> dict[str, str]:
        """The keys of `data` for the marks in numbers, where some can be read in one way alone and all agree."""
        found = set().union(*(column.marks for column in self.columns))
        if not found:
            return {"decimal": ","} if self._has_decimal_commas else {}
        thousands, decimals = {one for one, _ in found}, {one for _, one in found if one}
        if len(thousands) != 1 or len(decimals) > 1:
            return {}
        (mark,) = thousands
        return {"decimal": decimals.pop() if decimals else "," if mark == "." else ".", "thousands": mark}

    @property
    def _has_decimal_commas(self) -> bool:
        """True if a column has numbers such as 12,5, whose comma parts neither columns nor thousands, and nothing else,
        and no column has numbers with points."""
        if self.table is None or self.table.delimiter == ",":
            return False
        columns = [[split_sign(cell)[1] for cell in one.cells] for one in self.columns if not one.time]
        numbers = [cells for cells in columns if all(is_number(cell, ",") for cell in cells)]
        return any("," in cell and not is_grouped(cell) for cells in numbers for cell in cells) and not any(
            "." in cell and is_number(cell) for cells in columns for cell in cells
        )

    @cached_property
    def lists_items(self) -> bool:
        """True for short lines that are names or words, few of them twice: neither prose, nor verse, nor code."""
        return self._lists(lambda line: len(line) <= _ITEM and _NAME.fullmatch(line) is not None, _DISTINCT)

    @cached_property
    def may_list_items(self) -> bool:
        """True for lines, at least half of them different, that break off as neither prose, nor verse, nor code does:
        subjects of commits, say, or questions of a log."""
        return self._lists(lambda line: not line[0].isspace() and line.rstrip()[-1] not in _BREAKS, _DOUBTED)

    def _lists(self, is_item: Callable[[str], bool], distinct: float) -> bool:
        lines = [line for line in self.lines if line.strip()]
        if len(lines) < _FEWEST_ITEMS or len(self.lines) - len(lines) > _ODD * len(lines):
            return False
        return sum(map(is_item, lines)) >= (1 - _ODD) * len(lines) and len(set(lines)) >= distinct * len(lines)

    def text(self, count: int | None = None) -> Source:
        """The first `count` lines, None for all that were seen, as a source of their own."""
        return Source(self.name, "".join(f"{line}\n" for line in self.lines[:count]).encode())


def look_at(source: Source, form: str | None, dialect: Mapping[str, Any]) -> Look:
    """Return a look at `source`, of which data.format and the keys of a table's `dialect` are given.

    Raises DataError for what is no text.
    """
    encoding = dialect["encoding"] or encoding_of(source)
    pieces = list(islice(source.pieces(), 1))
    lines = [line.text for some in lines_of(iter(pieces), source.name, encoding) for line in some]
    whole = sum(map(len, pieces)) == source.size
    look = Look(
        source.name, form, lines if whole or len(lines) < 2 else lines[:-1], whole, None, header=dialect.get("header")
    )
    if form in ("text", "ts"):
        return look
    try:
        return replace(look, table=_table(look, dialect))
    except DataError as error:
        return replace(look, problem=error if look.named_table else None)


def _table(look: Look, dialect: Mapping[str, Any]) -> Table | None:
    """Return the first lines as a table, with rows of equal width; None or DataError if they are none."""
    named, own = look.named_table, {**dialect, "encoding": "utf-8"}
    lines = look.lines
    if dialect["delimiter"] is None and len({line.count("\t") for line in lines if line.strip()} | {0}) == 2:
        own["delimiter"] = "\t"  # as often in each line, so that other marks are part of the text
        if not named:
            own["quoting"] = own["quoting"] or "none"
    if quotes_fields(look.name, dialect["quoting"]) and not look.whole:
        while lines and sum(line.count('"') for line in lines) % 2:  # a quoted field goes on after them
            lines = lines[:-1]
    source, own = replace(look, lines=lines).text(), {**own, **({"ragged": "keep"} if named else {})}
    with noting(lambda text: None):
        table = read_table(source, **own)
        if dialect["header"] is None and _names_an_example(table):
            table = read_table(source, **{**own, "header": False})
    width = len(table.header)
    kept = [i for i, row in enumerate(table.rows) if any(cell.strip() for cell in row)]
    rows = [(table.rows[i] + [""] * width)[:width] for i in kept]
    if not rows:  # but blank ones
        raise without_rows(look.name, 1)
    table = replace(table, rows=rows, lines=[table.lines[i] for i in kept])
    return table if named or _surely(table) else None


def _names_an_example(table: Table) -> bool:
    """True if what were the names of two columns are a text and a number that is a label of its column."""
    if not table.headed or len(table.header) != 2:
        return False
    named = [i for i, name in enumerate(table.header) if is_number(name)]
    columns = [[row[i].strip() for row in table.rows if len(row) == 2] for i in named]
    return len(named) == 1 and columns[0].count(table.header[named[0]]) > 1 and len(set(columns[0])) <= _FEW


def _surely(table: Table) -> bool:
    """True if a file that is not called a table is one: it has tabs, numbers, times, or the usual names of columns."""
    width = len(table.header)
    if len(table.rows) < _FEWEST_ROWS:
        return False
    look = Look(table.name, None, [], True, table)
    if width == 1:
        return all(column.numeric and all(map(is_number, column.cells)) for column in look.columns)
    usual = {name.strip().lower() for name in table.header} & (LABELS | TEXTS) if table.headed else ()
    return table.delimiter == "\t" or bool(usual) or any(one.numeric or one.time for one in look.columns)
