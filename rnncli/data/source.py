"""Bytes in: a file, a pipe or standard input, read once, and decoded with errors that name a position."""

from __future__ import annotations

import codecs
import difflib
import hashlib
import os
import stat
import sys
from dataclasses import dataclass
from typing import BinaryIO, NoReturn

from rnncli.errors import DataError, MachineError, UsageError

# Longest mark first: the UTF-32 little-endian mark begins with the UTF-16 one.
_WIDE_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


@dataclass(frozen=True)
class Source:
    """What was read: `name` for messages, the raw `content`, and its `sha256` in hex."""

    name: str
    content: bytes
    sha256: str


def read_source(path: str, *, stdin: BinaryIO | None = None) -> Source:
    """Read `path` to its end in one pass; "-" is `stdin`, by default the process's own.

    Raises UsageError (no such file, a directory, a socket, a terminal), MachineError (permission, I/O,
    memory) and DataError (a file that changes while it is read).
    """
    if path == "-":
        name, content = "<stdin>", _read_stdin(stdin)
    else:
        name, content = path, _read_path(path)
    return Source(name, content, hashlib.sha256(content).hexdigest())


def decode(source: Source, encoding: str = "utf-8", *, hint: str = "pass --encoding latin-1") -> str:
    """The text of `source`, without a byte order mark; line ends are left as they are.

    `hint` ends the message about an invalid byte and says what the user can do.
    Raises UsageError for an unknown encoding, DataError naming line and column for an invalid byte.
    """
    shown_name = _encoding_name(encoding)
    if shown_name == "UTF-8":
        _refuse_wide_mark(source)
    try:
        text = source.content.decode(encoding)
    except UnicodeDecodeError as error:
        line, column = _position_after(error.object[: error.start].decode(encoding, "replace"))
        byte = error.object[error.start] if error.start < len(error.object) else 0
        raise DataError(f"{source.name}:{line}:{column}: byte 0x{byte:02X} is not {shown_name}; {hint}") from None
    except UnicodeError as error:
        # A few codecs, such as punycode, complain without a position.
        raise DataError(f"{source.name}: is not {shown_name} ({error}); {hint}") from None
    return text.removeprefix("\ufeff")


def _encoding_name(encoding: str) -> str:
    """`encoding` as messages write it; UsageError unless it is a text encoding Python knows."""
    try:
        canonical = codecs.lookup(encoding).name
        b" ".decode(encoding, "replace")  # fails for what is no encoding of files, such as hex, zip or idna
    except (LookupError, ValueError):
        raise UsageError(f"unknown encoding {encoding!r}; try utf-8, utf-16, latin-1 or cp1252") from None
    return "UTF-8" if canonical == "utf-8" else encoding


def _refuse_wide_mark(source: Source) -> None:
    for mark, name in _WIDE_MARKS.items():
        if source.content.startswith(mark):
            raise DataError(f"{source.name}: looks like {name}; convert with iconv or pass --encoding {name.lower()}")


def _position_after(prefix: str) -> tuple[int, int]:
    """Line and column (both from 1) of the character that follows `prefix`; CR, LF and CRLF end lines."""
    prefix = prefix.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return prefix.count("\n") + 1, len(prefix) - prefix.rfind("\n")


def _read_stdin(stdin: BinaryIO | None) -> bytes:
    if stdin is None:
        if sys.stdin is None:
            raise UsageError("standard input is closed; pipe data in or name a file")
        stdin = sys.stdin.buffer
    if stdin.isatty():
        raise UsageError("standard input is a terminal; pipe data in or name a file")
    try:
        return stdin.read()
    except OSError as error:
        raise MachineError(f"<stdin>: {error.strerror}") from None
    except MemoryError:
        raise MachineError("<stdin>: out of memory while reading") from None


def _read_path(path: str) -> bytes:
    try:
        _refuse_unreadable_kind(path)
        with open(path, "rb") as handle:
            if handle.isatty():
                raise UsageError(f"{path} is a terminal; pipe data in or name a file")
            return _read_unchanged(handle, path)
    except OSError as error:
        _refuse(path, error)
    except MemoryError:
        raise MachineError(f"{path}: out of memory while reading") from None
    except ValueError:  # the system cannot even be asked about such a name
        raise UsageError(f"{path!r} is not a file name: it contains a NUL character") from None


def _refuse_unreadable_kind(path: str) -> None:
    mode = os.stat(path).st_mode
    for is_kind, kind in ((stat.S_ISDIR, "a directory"), (stat.S_ISSOCK, "a socket")):
        if is_kind(mode):
            raise UsageError(f"{path}: is {kind}; name a file, or - for standard input")


def _read_unchanged(handle: BinaryIO, path: str) -> bytes:
    """The content of `handle`; a regular file must not change in the meantime (a pipe has no size)."""
    before = os.fstat(handle.fileno())
    content = handle.read()
    after = os.fstat(handle.fileno())
    changed = (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns)
    if changed and stat.S_ISREG(before.st_mode):
        raise DataError(
            f"{path}: changed while it was read ({before.st_size:,} bytes, then {after.st_size:,}); "
            "wait until it is written, or copy it first"
        )
    return content


def _refuse(path: str, error: OSError) -> NoReturn:
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        raise UsageError(f"no such file: {path}{_similar_sibling(path)}") from None
    raise MachineError(f"{path}: {(error.strerror or str(error)).lower()}") from None


def _similar_sibling(path: str) -> str:
    """`; did you mean …` when the folder holds a file with almost this name, otherwise nothing."""
    folder, name = os.path.split(path)
    try:
        siblings = os.listdir(folder or ".")
    except OSError:
        return ""
    close = difflib.get_close_matches(name, siblings, n=1)
    return f"; did you mean {os.path.join(folder, close[0])}" if close else ""
