"""What comes through a pipe, kept so that it can be read twice: beyond some megabytes in a file without a name."""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Iterable, Iterator

from rnncli.data.source import PIECE, Source
from rnncli.errors import MachineError, reason_of

_IN_MEMORY = 1 << 22  # bytes


class Spooled(Source):
    """Bytes that came in `pieces`; see `Source`. Raises MachineError where a temporary file has no room for them."""

    def __init__(self, name: str, pieces: Iterable[bytes]):
        super().__init__(name)
        self._room = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY, prefix="rnncli-")  # noqa: SIM115 - kept open
        weakref.finalize(self, self._room.close)
        try:
            for piece in pieces:
                self._room.write(piece)
            self._room.flush()
        except OSError as error:
            why = reason_of(error)
            raise MachineError(f"{name}: cannot be kept in {tempfile.gettempdir()}: {why}; name a file") from None
        self._size = self._room.tell()

    @property
    def size(self) -> int:
        return self._size

    def _read(self) -> Iterator[bytes]:
        for start in range(0, self._size, PIECE):
            self._room.seek(start)  # each time: another may have read since
            yield self._room.read(min(PIECE, self._size - start))
