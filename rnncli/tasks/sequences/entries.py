"""The sequences of a table one by one, so that one that cannot be read does not stop the others, as they come."""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from rnncli.data.csv_records import Record
from rnncli.data.csv_table import Table
from rnncli.data.lines import TOGETHER, Opened
from rnncli.data.table_rows import TableRows
from rnncli.errors import DataError
from rnncli.memory import require_free
from rnncli.tasks.sequences.gaps import Gaps

_MOST_ROWS = 8192  # of the sequences in one list
_AS_OBJECTS = 8  # bytes of memory for a byte of rows that are kept: 7 of short cells were measured


@dataclass(frozen=True)
class Entry:
    """The rows of one sequence: `id` is its name in the data, or else its number from 1.

    error: what is wrong with it, if it cannot be read. blank: whether it is a line without anything.
    """

    id: str
    where: str
    records: list[Record]
    error: DataError | None = None
    blank: bool = False


@dataclass(frozen=True)
class Entries:
    """All sequences of a table, in order.

    identity: the column that names them, if the table has it; together: all rows of one name are a sequence, else each
    row is one. read: makes sequences of a table with some of its rows; raises DataError. gaps: the missing values of
    those that were read.
    """

    opened: Opened
    rows: TableRows
    identity: str | None
    together: bool
    read: Callable[[Table], Any]
    gaps: Gaps = field(default_factory=Gaps)

    def of(self, some: Sequence[Entry]) -> Any:
        """Return the sequences in these entries; raise DataError if they cannot be read, alone or as a whole."""
        records = sorted((record for entry in some for record in entry.records), key=lambda record: record[0])
        return replace(self.read(self.rows.table(records)), ids=[entry.id for entry in some])

    def judged(self) -> Iterator[list[Entry]]:
        """Yield all entries in lists, those with their error that cannot be read alone; raise DataError if the others
        of a list cannot be read as a whole.
        """
        some: list[Entry] = []
        rows = 0
        for entry in map(self._entry, self._grouped()):
            some.append(entry)
            rows += len(entry.records)
            if len(some) == TOGETHER or rows >= _MOST_ROWS:
                yield self._judged(some)
                some, rows = [], 0
        if some:
            yield self._judged(some)

    def _judged(self, some: list[Entry]) -> list[Entry]:
        full = [entry for entry in some if not entry.blank]
        try:
            if full:
                self.gaps.add(self.of(full))
            return some
        except DataError:
            judged = [entry if entry.blank else replace(entry, error=self._error(entry)) for entry in some]
        if good := [entry for entry in judged if not (entry.error or entry.blank)]:
            self.gaps.add(self.of(good))
        return judged

    def _error(self, entry: Entry) -> DataError | None:
        try:
            self.of([entry])
        except DataError as error:
            return error
        return None

    def _entry(self, numbered: tuple[int, list[Record]]) -> Entry:
        number, records = numbered
        line, first = records[0]
        blank = len(first) == 1 and not first[0].strip()
        return Entry(self._name(first) or str(number), f"{self.rows.name}:{line}", records, blank=blank)

    def _name(self, row: Sequence[str]) -> str:
        names = self.rows.header
        at = names.index(self.identity) if self.identity in names else None
        return row[at] if at is not None and at < len(row) else ""

    def _grouped(self) -> Iterator[tuple[int, list[Record]]]:
        """Yield the rows of each sequence, and the number from 1 of the first of them."""
        if not self.together:
            for number, record in enumerate(self.rows.records(), start=1):
                yield number, [record]
            return
        self.opened.kept()
        if self._stand_together():
            number = 1
            for _, some in itertools.groupby(self.rows.records(), lambda record: self._name(record[1])):
                records = list(some)
                yield number, records
                number += len(records)
            return
        mend = f"sort the rows by {self.identity}, and they are read piece by piece"
        require_free(_AS_OBJECTS * self.opened.kept().size, self.rows.name, mend)
        groups: dict[str, tuple[int, list[Record]]] = {}
        for number, record in enumerate(self.rows.records(), start=1):
            groups.setdefault(self._name(record[1]), (number, []))[1].append(record)
        yield from groups.values()

    def _stand_together(self) -> bool:
        """True if no name comes again after another one: then a sequence has ended where another begins.

        Names are compared by 64 bits each, 8 bytes of memory; two that are equal in these are taken for one name, so
        that all rows are read first, as they need not be.
        """
        names = array("q")
        for name, _ in itertools.groupby(self._name(fields) for _, fields in self.rows.records()):
            names.append(hash(name))
        ordered = np.sort(np.frombuffer(names, np.int64))
        return not (ordered[1:] == ordered[:-1]).any()
