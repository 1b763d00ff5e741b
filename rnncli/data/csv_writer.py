"""CSV by RFC 4180, except that a line ends with a line feed alone."""

from __future__ import annotations

import csv
from typing import Any, TextIO


def csv_writer(file: TextIO, delimiter: str = ",") -> Any:
    """Return a writer of rows into `file`, as csv.writer is."""
    return csv.writer(_Rows(file), lineterminator="\r\n", delimiter=delimiter)


class _Rows:
    """Ends rows with LF. They come with CR LF, as csv.writer quotes a CR, which ends a row too, only then."""

    def __init__(self, file: TextIO):
        self._file = file

    def write(self, row: str) -> int:
        return self._file.write(row.removesuffix("\r\n") + "\n")
