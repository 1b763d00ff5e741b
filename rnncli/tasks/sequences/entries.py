"""The sequences of a table one by one, so that one that cannot be read does not stop the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rnncli.data.csv_table import Table, rectangular
from rnncli.errors import DataError


@dataclass(frozen=True)
class Entry:
    """The rows, by number, of one sequence: `id` is its name in the data, or else its number from 1.

    error: what is wrong with it, if it cannot be read. blank: whether it is a line without anything.
    """

    id: str
    where: str
    rows: list[int]
    error: DataError | None = None
    blank: bool = False


@dataclass(frozen=True)
class Entries:
    """All sequences of a table, in order.

    read: makes sequences of a table with some of its rows; raises DataError. tell: what there is to note of them.
    """

    table: Table
    entries: list[Entry]
    read: Callable[[Table], Any]
    tell: Callable[[Any], None]

    def of(self, some: Sequence[Entry]) -> Any:
        """Return the sequences in these entries; raise DataError if they cannot be read, alone or as a whole."""
        table = self.table
        records = [(table.lines[i], table.rows[i]) for i in sorted(i for entry in some for i in entry.rows)]
        kept = rectangular(records, len(table.header), table.name, 1, "refuse")
        rows = Table(table.name, table.header, [row for _, row in kept], [line for line, _ in kept], table.delimiter)
        return replace(self.read(rows), ids=[entry.id for entry in some])

    def judged(self) -> list[Entry]:
        """Return all entries, those with their error that cannot be read alone; raise DataError if the others cannot be
        read as a whole.
        """
        full = [entry for entry in self.entries if not entry.blank]
        try:
            if full:
                self.tell(self.of(full))
            return self.entries
        except DataError:
            judged = [entry if entry.blank else replace(entry, error=self._error(entry)) for entry in self.entries]
        if good := [entry for entry in judged if not (entry.error or entry.blank)]:
            self.tell(self.of(good))
        return judged

    def _error(self, entry: Entry) -> DataError | None:
        try:
            self.of([entry])
        except DataError as error:
            return error
        return None


def entries_of(table: Table, identity: str | None, *, together: bool) -> list[Entry]:
    """Return the entries of a table, named by the column `identity` if it has that; together: all rows of one name are
    an entry, else each row is one.
    """
    at = table.header.index(identity) if identity in table.header else None
    rows: dict[Any, list[int]] = {}
    for i, row in enumerate(table.rows):
        rows.setdefault(_cell(row, at) if together else i, []).append(i)
    firsts: Iterable[int] = (numbers[0] for numbers in rows.values())
    names = (_cell(table.rows[i], at) or str(i + 1) for i in firsts)
    entries = []
    for name, numbers in zip(names, rows.values(), strict=True):
        first = table.rows[numbers[0]]
        blank = len(first) == 1 and not first[0].strip()
        entries.append(Entry(name, f"{table.name}:{table.lines[numbers[0]]}", numbers, blank=blank))
    return entries


def _cell(row: Sequence[str], at: int | None) -> str:
    return row[at] if at is not None and at < len(row) else ""
