"""Standard output and error as UTF-8 whatever the locale. On a terminal, data is shown, never obeyed.

Control characters, C1 codes and bidirectional overrides in text, names and paths are shown escaped on a terminal;
in a pipe every byte passes unchanged. Text from data is never parsed as rich markup.
"""

from __future__ import annotations

import os
import sys
from typing import TextIO

from rnncli.errors import ReaderGoneError

_KEPT = "\n\t"
_BIDI = {*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C}


def visible(text: str) -> str:
    """`text` with everything that could drive a terminal written as an escape."""
    return "".join(_escaped(c) if _drives(c) else c for c in text)


def _drives(character: str) -> bool:
    code = ord(character)
    control = code < 0x20 or 0x7F <= code <= 0x9F
    return (control and character not in _KEPT) or code in _BIDI or 0xD800 <= code <= 0xDFFF


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def as_utf8(stream: TextIO) -> TextIO:
    """`stream` set to UTF-8 with line ends as written; surrogates that stand for bytes become those bytes."""
    stream.reconfigure(encoding="utf-8", errors="surrogateescape", newline="\n")  # type: ignore[attr-defined]
    return stream


class Output:
    """Writes text to standard output at once; escapes it where that is a terminal."""

    def __init__(self) -> None:
        if sys.stdout is None:  # closed by the shell with >&-
            raise OSError(9, os.strerror(9))
        self.stream = as_utf8(sys.stdout)
        self.terminal = self.stream.isatty()

    def write(self, text: str) -> None:
        try:
            self.stream.write(visible(text) if self.terminal else text)
            self.stream.flush()
        except BrokenPipeError:
            raise ReaderGoneError("standard output was closed") from None
