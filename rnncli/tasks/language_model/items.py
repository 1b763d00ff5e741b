"""A text as items that have nothing to do with each other: its lines, its paragraphs, or the whole of a file.

CR and CR LF end a line as LF does. What is blank is no item.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rnncli.config.text_encodings import canonical
from rnncli.data.encodings import UTF_8
from rnncli.data.source import Source, decoded
from rnncli.data.text import Kind
from rnncli.notes import note

STREAM, LINES, PARAGRAPHS, FILES = "stream", "lines", "paragraphs", "files"
BETWEEN = {LINES: "\n", PARAGRAPHS: "\n\n", FILES: "\n" + 32 * "-" + "\n"}  # items that are written one after another


def texts_in(source: Source, kind: Kind, encoding: str, *, hint: str) -> Iterator[str]:
    """Yield the text of a source in pieces; a byte that is to be a token of its own is a Latin-1 character."""
    if kind == "byte":
        return (piece.decode("latin-1") for piece in source.pieces())
    return decoded(source, encoding, hint=hint)


def note_own_bytes(encoding: str) -> None:
    """Tell that an encoding other than UTF-8 does not matter to tokens that are bytes."""
    if canonical(encoding) != UTF_8:
        note(f"the encoding {encoding} changes nothing: data.tokens: byte reads the bytes of a file as they are")


def items_in(pieces: Iterator[str], how: str) -> Iterator[list[str]]:
    """Yield the items of a text that comes in pieces, in lists of those that ended in the same piece."""
    if how == FILES:
        whole = "".join(pieces)
        return iter([[whole]] if whole.strip() else [])
    return _paragraphs(_lines(pieces)) if how == PARAGRAPHS else _without_blank(_lines(pieces))


def _lines(pieces: Iterator[str]) -> Iterator[list[str]]:
    held = ""
    for piece in pieces:
        text = held + piece
        returned = text.endswith("\r")  # of CR LF that comes in two pieces, the first ends no line yet
        *ended, held = (text[:-1] if returned else text).replace("\r\n", "\n").replace("\r", "\n").split("\n")
        held += "\r" * returned
        yield ended
    yield [held.removesuffix("\r")]


def _without_blank(lists: Iterable[list[str]]) -> Iterator[list[str]]:
    return ([line for line in lines if line.strip()] for lines in lists)


def _paragraphs(lists: Iterable[list[str]]) -> Iterator[list[str]]:
    held: list[str] = []
    for lines in lists:
        ended = []
        for line in lines:
            if line.strip():
                held.append(line)
            elif held:
                ended.append("\n".join(held))
                held = []
        yield ended
    yield ["\n".join(held)] if held else []
