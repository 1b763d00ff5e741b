"""The memory that a table takes when it is read as a whole, judged by its size and its first rows before it is."""

from __future__ import annotations

import csv
import sys
from contextlib import suppress

from rnncli.data.delimiters import CANDIDATES
from rnncli.data.source import LARGE, Source
from rnncli.memory import require_free

_TEXT = 5  # bytes for a byte of the file: its content, its text, and the csv module's own
_ROW = sys.getsizeof((0, [])) + sys.getsizeof(1) + 16  # beside its cells: its line, and its places in lists


def require_room(source: Source, delimiter: str | None = None) -> None:
    """Raise MachineError if the rows of `source` alone, without what is computed of them, do not fit in memory."""
    if source.size <= LARGE:
        return
    beginning = next(source.pieces(), b"")
    *lines, _ = beginning.decode("latin-1").replace("\0", "").splitlines(keepends=True) or [""]
    size = max(1, sum(map(len, lines)))
    mark = delimiter or max(CANDIDATES, key=beginning.decode("latin-1").count)
    taken = 0
    with suppress(csv.Error):  # which reading it tells
        for row in csv.reader(lines, delimiter=mark):
            # Python has texts of one character once and for all.
            taken += _ROW + sys.getsizeof(row) + sum(sys.getsizeof(cell) for cell in row if len(cell) > 1)
    wanted = source.size * (_TEXT + taken / size)
    require_free(wanted, source.name, "give it fewer rows or columns, or more memory")
