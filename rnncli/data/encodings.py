"""The encoding of a text whose config names none: UTF-8, or else Windows-1252, which has the letters of Latin-1."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from rnncli.config.chosen import is_open
from rnncli.config.sections import C, Config
from rnncli.config.text_encodings import canonical
from rnncli.data.lines import lines_of
from rnncli.data.source import UNDEFINED, Source, refuse_no_text
from rnncli.notes import doubt

UTF_8, MARKED, WESTERN = FOUND = "utf-8", "utf-8-sig", "cp1252"  # MARKED has a byte order mark, as spreadsheets write
_CHARACTER = re.compile(b"[\xc2-\xf4][\x80-\xbf]+")  # of UTF-8, of two bytes or more
_NO_TEXT = [*range(9), *range(14, 26), 127]  # control characters but for white space, the end of file and escape
_ASCII_LETTERS = [*b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"]
_ACCENTED = [byte for byte in range(0xC0, 0x100) if byte not in b"\xd7\xf7"]
_STRAYS = 10  # for each UTF-8 character: less is UTF-8 that is damaged, or joined with something else


def encoding_of(source: Source) -> str:
    """Return WESTERN for a text that is no UTF-8 and looks like Windows-1252, of several files if all do that are not
    in ASCII, MARKED for a file in UTF-8 that begins with a mark, and UTF_8 for all else. Raises DataError for what
    begins like no text, or like UTF-16.
    """
    found = [_of_file(file) for file in source.files]
    if found == [MARKED]:
        return MARKED
    return WESTERN if WESTERN in found and not {UTF_8, MARKED} & {*found} else UTF_8


def encodings_of(source: Source, encoding: str) -> list[str]:
    """Return in what each file of a source is read of which the encoding is known: of several in UTF-8, some that are
    none may be in WESTERN, which a doubt tells."""
    if len(source.files) == 1 or canonical(encoding) != UTF_8:
        return [encoding] * len(source.files)
    found = [encoding_of(file) for file in source.files]
    western = [file for file, one in zip(source.files, found, strict=True) if one == WESTERN]
    if western:
        others = f", and {len(western) - 1:,} more like it" if len(western) > 1 else ""
        doubt(f"{_read_as(western[0], 'the file is', WESTERN)}{others}; convert it to UTF-8 if it is in another")
    return found


def _of_file(source: Source) -> str | None:
    """Return the encoding of a file, None of one in ASCII.

    It looks like Windows-1252 if it has no control characters, no byte that this leaves undefined, hardly a character
    of UTF-8, and no more accented letters than others; in other alphabets most would look accented.
    """
    if _is_utf_8(source):
        if next(source.pieces(), b"").startswith(codecs.BOM_UTF8):
            return MARKED
        return UTF_8 if any(not piece.isascii() for piece in source.pieces()) else None
    counts, characters, in_characters = np.zeros(256, np.int64), 0, 0
    for piece in source.pieces():
        counts += np.bincount(np.frombuffer(piece, np.uint8), minlength=256)
        lengths = [len(found) for found in _CHARACTER.findall(piece)]
        characters, in_characters = characters + len(lengths), in_characters + sum(lengths)
    strays = counts[0x80:].sum() - in_characters
    western = (
        not counts[[*_NO_TEXT, *UNDEFINED]].any()
        and strays >= _STRAYS * characters
        and counts[_ASCII_LETTERS].sum() >= counts[_ACCENTED].sum()
    )
    return WESTERN if western else UTF_8


def _is_utf_8(source: Source) -> bool:
    decoder = codecs.getincrementaldecoder(UTF_8)()
    try:
        for number, piece in enumerate(source.pieces()):
            if not number:
                refuse_no_text(source.name, piece, UTF_8)
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def with_encoding(config: C, source: Source) -> C:
    """Return the config with the encoding of `source` in place of null; a doubt tells of any but UTF-8."""
    if not (is_open(config.data.encoding) and config.data.is_decoded):
        return config.completed(data={"encoding": UTF_8})
    return config.completed(data={"encoding": _told(source)})


def with_encoding_of(config: Config, source: Source, reading: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options by which other data than those of training are read, with their encoding, where none is named
    and that of training is one that is found."""
    before = config.data.encoding
    given = "encoding" in reading or before not in FOUND or not config.data.is_decoded
    return {**reading} if given else {**reading, "encoding": _told(source, before)}


def data_of(config: Config, source: Source) -> Any:
    """Return the config's `data` as they read a file of its own, such as that of a held-out split, in its encoding."""
    return config.changed(data=with_encoding_of(config, source, {})).data


def _told(source: Source, before: str | None = None) -> str:
    """Return the encoding of a source; a doubt tells of any but UTF-8, and that of what was read `before`."""
    encoding = encoding_of(source)
    if encoding not in (UTF_8, MARKED, before):
        are = "the file is" if len(source.files) == 1 else "all files are"
        odd = next(file for file in source.files if not _is_utf_8(file))
        doubt(f"{_read_as(odd, are, encoding)}; pass --encoding NAME if it is another")
    return encoding


def _read_as(file: Source, are: str, encoding: str) -> str:
    """Return in words that a file is no UTF-8, by its first line that is none, and what is done about it."""
    first = next(line for some in lines_of(file.pieces(), file.name) for line in some if line.error)
    return f"{first.where}: is not UTF-8, so {are} read as {encoding} (Windows, with the letters of Latin-1)"
