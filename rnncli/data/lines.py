"""Lines of text from a file or a pipe, as they come. A line with bytes that are not in the encoding has an error of
its own, and does not end the others.
"""

from __future__ import annotations

import codecs
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import BinaryIO

from rnncli.data.source import (
    STDIN,
    Source,
    doubt_utf_8,
    encoding_name,
    likely,
    marked,
    open_stdin,
    read_source,
    refuse_no_text,
    without_mark,
)
from rnncli.data.spool import Spooled
from rnncli.errors import DataError, MachineError

TOGETHER = 1024  # lines at most in one list
LONGEST = 1 << 24  # characters of a line; a longer one may never end
_SHOWN = 60  # of them in the place of a longer one
UNDECODED = "\ufffd"  # in place of a byte that is not in the encoding
_AT_ONCE = 1 << 16  # bytes, as many as a pipe holds
_MARK = 0xDC00  # bytes that are not in the encoding are decoded to U+DC00 … U+DCFF, which no encoding gives
_MARKED = re.compile("[\udc00-\udcff]")
_MARKING = "rnncli.marking"
_END = re.compile("(\r\n|\r|\n)")


class LongLineError(DataError):
    """A line has more characters than any may have; it may never end."""


class UndecodedError(DataError):
    """A line has `odd` bytes, which are not in the encoding."""

    def __init__(self, place: str, odd: bytes, encoding: str):
        super().__init__(f"{place}: byte 0x{odd[0]:02X} is not {mended(odd, encoding)}")
        self.odd, self.encoding = odd, encoding


def mended(odd: bytes, encoding: str) -> str:
    """Return the encoding in which bytes are not, and the option that may read them."""
    return f"{encoding}; pass --encoding {likely(odd)}"


@dataclass(frozen=True, slots=True)
class Line:
    """A line and, apart from its text, its end as it is written, "" of the last line without one. error: what is wrong
    with it: its bytes, which are UNDECODED in `text`, or its length. goes_on: True of a part of a line that is longer
    than was asked for, but for its last part.
    """

    name: str
    number: int
    text: str
    end: str = ""
    error: DataError | None = None
    goes_on: bool = False

    @property
    def blank(self) -> bool:
        """True if there is nothing but white space on it."""
        return not self.text.strip()

    @property
    def where(self) -> str:
        """The place FILE:LINE of the line, for messages."""
        return f"{self.name}:{self.number}"


class Opened:
    """The bytes of a file or of standard input (-), whose beginning can be looked at before all are read. What comes
    through a pipe is read once, and only its beginning is kept, unless it is `kept`.

    Raises the errors of `read_source`.
    """

    def __init__(self, path: str | Source, *, stdin: BinaryIO | None = None):
        self._source = None if path == "-" else read_source(path)
        self.name = STDIN if self._source is None else self._source.name
        self._seen: list[bytes] = []
        self._told = False  # of the encoding
        self._pieces = _as_they_come(open_stdin(stdin)) if self._source is None else self._source.pieces()

    def beginning(self) -> Iterator[bytes]:
        """Yield pieces from the first on, which `pieces`, `source` and a further call give again."""
        if self._source is not None:
            yield from self._source.pieces()
            return
        yield from list(self._seen)
        for piece in self._pieces:
            self._seen.append(piece)
            yield piece

    def pieces(self) -> Iterator[bytes]:
        """Return all bytes in pieces: of a pipe what is there, as soon as there is something."""
        return itertools.chain(self._seen, self._pieces) if self._source is None else self._source.pieces()

    def kept(self) -> Source:
        """Return all bytes as something that `pieces` and `lines` then give as often as they are asked for."""
        if self._source is None:
            self._source = Spooled(self.name, self.pieces())
            self._seen.clear()
        return self._source

    def lines(self, encoding: str | None, longest: int = LONGEST, *, takes_bytes: bool = False) -> Iterator[list[Line]]:
        """Yield all lines, as `lines_of` does, but of one of more than `longest` characters only its beginning, with an
        error; a doubt tells of UTF-8 that is read in another encoding."""
        return _beginnings(self.cut_lines(encoding, longest, takes_bytes=takes_bytes), longest)

    def first_lines(self, encoding: str) -> Iterator[list[Line]]:
        """Yield the lines of `beginning`, as `lines` does."""
        return _beginnings(lines_of(self.beginning(), self.name, encoding, LONGEST), LONGEST)

    def cut_lines(self, encoding: str | None, longest: int, *, takes_bytes: bool = False) -> Iterator[list[Line]]:
        """Yield all lines, as `lines` does, but those beyond `longest` characters cut into several."""

        def told() -> Iterator[bytes]:
            for piece in self.pieces():
                if not self._told and encoding is not None:
                    doubt_utf_8(self.name, piece, marked(piece, encoding))
                self._told = True
                yield piece

        return lines_of(told(), self.name, encoding, longest, takes_bytes=takes_bytes)

    def source(self) -> Source:
        """Return all bytes at once."""
        if self._source is None:
            self._source = Source(self.name, b"".join(self.pieces()))
            self._seen.clear()
        return self._source


def _as_they_come(stream: BinaryIO) -> Iterator[bytes]:
    try:
        while piece := stream.read1(_AT_ONCE):  # type: ignore[attr-defined]
            yield piece
    except OSError as error:
        raise MachineError(f"{STDIN}: {error.strerror}") from None


def read_lines(
    path: str | Source, encoding: str = "utf-8", longest: int = LONGEST, *, stdin: BinaryIO | None = None
) -> Iterator[Line]:
    """Yield every line of the text `path`, or of standard input (-) as soon as each line arrives. longest: as of
    `Opened.lines`.

    Raises the errors of `read_source` and `lines_of`.
    """
    opened = Opened(path, stdin=stdin)
    yield from itertools.chain.from_iterable(opened.lines(encoding, longest))


def lines_of(
    pieces: Iterator[bytes],
    name: str,
    encoding: str | None = "utf-8",
    longest: int | None = None,
    *,
    takes_bytes: bool = False,
) -> Iterator[list[Line]]:
    """Yield the lines of a text in lists of those that ended in the same piece, at most TOGETHER. LF, CRLF and CR end
    a line. What is held of a line whose end has not come is yielded as a part of it beyond `longest` characters.
    takes_bytes: bytes that are not in the encoding are surrogates, and no error. Without an encoding so are those that
    are no UTF-8, and none is left out.

    Raises UsageError for an unknown encoding, DataError for what is no text.
    """
    shown_name = "" if encoding is None else encoding_name(encoding)
    made = Line if takes_bytes or encoding is None else partial(_line, shown_name)
    held, number = list[str](), 1  # pieces, as adding up a long line would take quadratic time
    size = 0  # of what is held, in characters
    for text, last in _between_ends(_texts(pieces, name, encoding)):
        if "\n" in text or "\r" in text:
            ended, rest = _split("".join([*held, text]))
            held, size = [rest], len(rest)
        else:
            ended = []
            held.append(text)
            size += len(text)
        if last and size:
            ended.append(("".join(held), ""))
        for start in range(0, len(ended), TOGETHER):
            some = ended[start : start + TOGETHER]
            yield [made(name, number + i, line, end) for i, (line, end) in enumerate(some)]
            number += len(some)
        if longest is not None and size > longest:
            yield [replace(made(name, number, "".join(held), ""), goes_on=True)]
            held, size = [], 0


def _split(text: str) -> tuple[list[tuple[str, str]], str]:
    """Return the lines of a text with their ends, and what stands after the last end."""
    if "\r" not in text:  # twice as fast
        *lines, rest = text.split("\n")
        return [(line, "\n") for line in lines], rest
    *cut, rest = _END.split(text)
    return list(zip(cut[::2], cut[1::2], strict=True)), rest


def _between_ends(texts: Iterator[str]) -> Iterator[tuple[str, bool]]:
    """Yield the pieces of a text, and True with the last one, none of which begins within CRLF.

    A CR at the end of one waits for its LF, but where all lines before have ended with CR alone: such are there at
    once, and CR is the whole end of the first that has LF too and comes in two pieces.
    """
    ended, waits, alone, pairs = False, False, False, False
    for text in texts:
        text = "\r" * waits + text
        if ended and text:
            pairs, ended = pairs or text.startswith("\n"), False
            text = text.removeprefix("\n")
        pairs = pairs or "\r\n" in text
        alone = alone or text.count("\r") > text.count("\r\n") + text.endswith("\r")
        waits = text.endswith("\r") and (pairs or not alone)
        ended = ended or (text.endswith("\r") and not waits)
        yield text[: len(text) - waits], False
    yield "\r" * waits, True


def _beginnings(lists: Iterator[list[Line]], longest: int) -> Iterator[list[Line]]:
    """Yield each line once, where long ones come in parts: of one of more than `longest` characters some of the first,
    with an error, as soon as that is known, since it may never end."""
    goes_on = False
    for some in lists:
        found: list[Line] = []
        for line in some:
            is_beginning, goes_on = not goes_on, line.goes_on
            if is_beginning:
                found.append(_bounded(line, longest) if len(line.text) > longest else line)
        if found:
            yield found


def _bounded(line: Line, longest: int) -> Line:
    what = f"{line.where}: has more than {longest:,} characters, the most of a line; break it into several"
    return replace(line, text=line.text[:_SHOWN], error=LongLineError(what), goes_on=False)


def _line(encoding: str, name: str, number: int, text: str, end: str) -> Line:
    found = None if text.isascii() else _MARKED.search(text)
    if found is None:
        return Line(name, number, text, end)
    marked = bytes(ord(character) - _MARK for character in _MARKED.findall(text))
    error = UndecodedError(f"{name}:{number}:{found.start() + 1}", marked, encoding)
    return Line(name, number, _MARKED.sub(UNDECODED, text), end, error)


def _texts(pieces: Iterator[bytes], name: str, encoding: str | None) -> Iterator[str]:
    """Yield the text of all pieces, where an encoding is given without its byte order mark."""
    first = next(pieces, b"")
    pieces = itertools.chain([first], pieces) if first else iter(())
    encoding = encoding and marked(first, encoding)
    decoder = codecs.getincrementaldecoder(encoding or "utf-8")(_MARKING)
    if encoding is None:
        yield from map(decoder.decode, pieces)
        yield decoder.decode(b"", final=True)
        return
    begun = False
    for piece in itertools.chain(pieces, [b""]):
        if not begun:
            refuse_no_text(name, piece, encoding)
        try:
            text = decoder.decode(piece, final=not piece)
        except UnicodeError:
            raise without_mark(name, encoding) from None
        yield text if begun else text.removeprefix("\ufeff")
        begun = begun or bool(text)


def _marking(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(_MARK + byte) for byte in error.object[error.start : error.end]), error.end


codecs.register_error(_MARKING, _marking)
