"""Bytes from a file, a pipe or standard input, and their decoding to text, with errors that name a position."""

from __future__ import annotations

import codecs
import contextlib
import gzip
import hashlib
import os
import stat
import sys
import zlib
from collections.abc import Collection, Iterator
from typing import BinaryIO, NoReturn

from rnncli.config.suggestions import similar_sibling
from rnncli.config.text_encodings import canonical
from rnncli.data.sent import sent
from rnncli.errors import DataError, MachineError, UsageError, quoted, reason_of, shown
from rnncli.memory import require_free
from rnncli.notes import doubt

PIECE = 1 << 20  # bytes
LARGE = 1 << 24  # a file beyond it is not kept in memory
_NAME_A_FILE = "name a file, which may be larger"
_UNPACKED = 4  # bytes of memory at least for each byte that was packed: some megabytes may hold many gigabytes
_UNLOOKED = 1 << 26  # bytes of a stream between two looks at the memory that is left
STDIN = "<stdin>"  # the name of what comes from a pipe
GIVEN = "<data>"  # of what a program hands over; a table is then called GIVEN.csv
UNNAMED = (STDIN, GIVEN)  # of data in no file

# Longest mark first: the UTF-32 little-endian mark begins with the UTF-16 one.
_WIDE_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


# What begins so is no text, and what to do with it.
_KINDS = {
    b"PK\x03\x04": ("a zip archive", "unpack it, and name the file inside"),
    b"%PDF-": ("a PDF", "save its text or its table"),
    b"\xd0\xcf\x11\xe0": ("an old Office file", "save it as CSV or as text"),
    b"\x1f\x8b": ("compressed by gzip", "call it .gz, and it is read as it is"),
    b"BZh": ("compressed by bzip2", "unpack it"),
    b"\xfd7zXZ": ("compressed by xz", "unpack it"),
    b"PAR1": ("a Parquet file", "save it as CSV"),
}
_UNPACKERS = {b"\x1f\x8b": "zcat", b"BZh": "bzcat", b"\xfd7zXZ": "xzcat"}  # of what comes through a pipe
_OF_BYTES = ("cp125", "iso8859")  # encodings of one byte for each character
_OF_WINDOWS = range(0x80, 0xA0)  # bytes that cp1252 has letters and quotes for, and latin-1 control characters
UNDEFINED = {0x81, 0x8D, 0x8F, 0x90, 0x9D}  # those that cp1252 has nothing for


def is_table(path: str) -> bool:
    """True if the file name is that of a table (.csv or .tsv), compressed or not."""
    return path.lower().removesuffix(".gz").endswith((".csv", ".tsv"))


def is_piped(name: str) -> bool:
    """True for the name of standard input, or of a shell's <(…)."""
    return name == STDIN or name.startswith("/dev/fd/")


class Source:
    """Data that were read, or a large file that is read when needed: `name` for messages, bytes, and their `sha256`.

    path: the file, or files, that they can be read from again, None for a pipe.
    Raises DataError if a file that is read more than once differs from the first time.
    """

    def __init__(
        self,
        name: str,
        content: bytes | None = None,
        *,
        file: tuple[str, os.stat_result] | None = None,
        path: str | list[str] | None = None,
    ):
        self.name, self.path = name, path
        self._content, self._file = content, file
        self._sha256: str | None = None

    @property
    def files(self) -> tuple[Source, ...]:
        """The files that it consists of, each a text of its own."""
        return (self,)

    @property
    def size(self) -> int:
        """The size in bytes."""
        if self._content is not None:
            return len(self._content)
        assert self._file is not None
        return self._file[1].st_size

    @property
    def content(self) -> bytes:
        """The whole content in memory."""
        if self._content is None:
            self._content = b"".join(self.pieces())
        return self._content

    @property
    def sha256(self) -> str:
        """The SHA-256 digest of the content, in hexadecimal."""
        if self._sha256 is None:
            for _ in self.pieces():
                pass
        assert self._sha256 is not None
        return self._sha256

    def pieces(self) -> Iterator[bytes]:
        """Yield the whole content, at most a megabyte at a time."""
        digest = hashlib.sha256()
        for piece in self._kept() if self._content is not None else self._read():
            digest.update(piece)
            yield piece
        if self._sha256 not in (None, digest.hexdigest()):
            raise _changed(self.name, "its content is another one now")
        self._sha256 = digest.hexdigest()

    def _kept(self) -> Iterator[bytes]:
        assert self._content is not None
        for start in range(0, len(self._content), PIECE):
            yield self._content[start : start + PIECE]

    def _read(self) -> Iterator[bytes]:
        assert self._file is not None
        path, before = self._file
        left = before.st_size  # readers have room for so many bytes
        try:
            with open(path, "rb") as handle:
                while piece := handle.read(PIECE):
                    left -= len(piece)
                    if left < 0:
                        _require_unchanged(path, before, os.fstat(handle.fileno()))
                    yield piece
                _require_unchanged(path, before, os.fstat(handle.fileno()))
        except OSError as error:
            _refuse(path, error)


def read_source(path: str | Source, *, stdin: BinaryIO | None = None, unpacks: bool = True) -> Source:
    """Open `path`; "-" is `stdin`, by default the process's own. All but large files are read to their end in one pass.
    What a program has read itself is given back. unpacks: what is in a file that is called .gz, not its own bytes.

    Raises UsageError (no such file, a directory, a socket, a terminal), MachineError (permission, I/O,
    memory) and DataError (a file that changes while it is read).
    """
    if isinstance(path, Source):
        return path
    if (other := sent(path)) is not None:
        return other
    return Source(STDIN, _read_stdin(stdin)) if path == "-" else _open_path(path, unpacks=unpacks)


def decoded(source: Source, encoding: str = "utf-8", *, hint: str) -> Iterator[str]:
    """Yield the text of `source` in pieces, with the results and errors of `decode`."""
    encoding_name(encoding)
    decoder, first = None, True
    try:
        for piece in source.pieces():
            if decoder is None:
                encoding = marked(piece, encoding)
                decoder = codecs.getincrementaldecoder(encoding)()
            if first:
                refuse_no_text(source.name, piece, encoding)
                doubt_utf_8(source.name, piece, encoding)
            text = decoder.decode(piece)
            yield text.removeprefix("\ufeff") if first else text
            first = first and not text
        if decoder is not None:
            yield decoder.decode(b"", final=True)
    except UnicodeError:
        decode(source, encoding, hint=hint)  # says where
        raise


def decode(source: Source, encoding: str = "utf-8", *, hint: str = "pass --encoding latin-1") -> str:
    """Return the text of `source` without a byte order mark; line ends are left as they are.

    `hint` ends the message about an invalid byte and names what the user can do.
    Raises UsageError for an unknown encoding, DataError naming line and column for an invalid byte, or naming UTF-16
    without a mark, of which no piece could be read either.
    """
    encoding = marked(source.content, encoding)
    shown_name = encoding_name(encoding)
    refuse_no_text(source.name, source.content, encoding)
    doubt_utf_8(source.name, source.content, encoding)
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(source.content, final=True)
    except UnicodeDecodeError as error:
        line, column = _position_after(error.object[: error.start].decode(encoding, "replace"))
        byte = error.object[error.start] if error.start < len(error.object) else 0
        way = hint.replace("latin-1", likely(error.object)).replace("-f latin-1", "-f latin1")  # as iconv calls it
        raise DataError(f"{source.name}:{line}:{column}: byte 0x{byte:02X} is not {shown_name}; {way}") from None
    except UnicodeError:
        raise without_mark(source.name, encoding) from None
    return text.removeprefix("\ufeff")


def encoding_name(encoding: str) -> str:
    """Return `encoding` as messages write it; raise UsageError unless it is an encoding of files that Python knows."""
    try:
        return "UTF-8" if canonical(encoding) == "utf-8" else encoding
    except ValueError:
        raise UsageError(f"unknown encoding {shown(encoding)}; try utf-8, utf-16, latin-1 or cp1252") from None


def without_mark(name: str, encoding: str) -> DataError:
    """Return the error for text in UTF-16 or UTF-32 (`encoding`) without the mark that tells the order of its bytes."""
    kind = canonical(encoding)
    return DataError(
        f"{name}: has no byte order mark, as {encoding} begins with; pass --encoding {kind}-le or {kind}-be"
    )


def likely(content: bytes) -> str:
    """Return the encoding that bytes which are no UTF-8 are likely in."""
    found = {*content} & {*_OF_WINDOWS}
    return "cp1252" if found and not found & UNDEFINED else "latin-1"


def refuse_no_text(name: str, beginning: bytes, encoding: str) -> None:
    """Raise DataError for what begins like no text, or like text in another encoding."""
    for mark, (what, mend) in _KINDS.items():
        if beginning.startswith(mark):
            if what == "a zip archive" and name.lower().endswith((".xlsx", ".xlsm", ".ods", ".docx")):
                what, mend = "an Office file", "save it as CSV or as text"
            if mark in _UNPACKERS and is_piped(name):
                mend = f"unpack it on its way: {_UNPACKERS[mark]} FILE | rnncli …"
            raise DataError(f"{name}: is {what}; {mend}")
    for mark, wide in _WIDE_MARKS.items() if encoding_name(encoding) == "UTF-8" else ():
        if beginning.startswith(mark):
            raise DataError(f"{name}: looks like {wide}; convert with iconv or pass --encoding {wide.lower()}")


def looks_binary(source: Source) -> bool:
    """Return True for what begins with a NUL among its bytes, or as no text does."""
    beginning = next(source.pieces(), b"")
    wide = any(beginning.startswith(mark) for mark in _WIDE_MARKS)
    return not wide and (b"\0" in beginning or any(beginning.startswith(mark) for mark in _KINDS))


def marked(beginning: bytes, encoding: str) -> str:
    """Return the encoding of a text that begins so: UTF-8 if it has the mark of that, and none of its own is known."""
    is_marked = beginning.startswith(codecs.BOM_UTF8) and canonical(encoding).startswith(_OF_BYTES)
    return "utf-8" if is_marked else encoding


def mend_of_one(name: str) -> str:
    """Return the hint for `decode` about one of several files, of which the others may be in UTF-8."""
    return f"convert it: iconv -f latin-1 -t utf-8 {quoted(name)} > NEW"


def mend_of_names(names: Collection[str], wanted: str) -> str:
    """Return how to read a table that has the name `wanted` in UTF-8, and was read in another encoding; or nothing."""
    misread = {wanted.encode("utf-8", "replace").decode(encoding, "replace") for encoding in ("cp1252", "latin-1")}
    return "it looks like UTF-8, so pass --encoding utf-8; " if (misread - {wanted}) & {*names} else ""


def doubt_utf_8(name: str, beginning: bytes, encoding: str) -> None:
    """Tell of what begins like UTF-8, and is read in an encoding that has a character for each of its bytes."""
    if canonical(encoding).startswith(_OF_BYTES) and not beginning.isascii():
        with contextlib.suppress(UnicodeDecodeError):
            codecs.getincrementaldecoder("utf-8")().decode(beginning)
            doubt(f"{name}: looks like UTF-8, and is read as {encoding}; pass --encoding utf-8 if it is")


def _position_after(prefix: str) -> tuple[int, int]:
    """Return line and column (from 1) of the character that follows `prefix`; CR, LF and CRLF end lines."""
    prefix = prefix.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return prefix.count("\n") + 1, len(prefix) - prefix.rfind("\n")


def open_stdin(stdin: BinaryIO | None) -> BinaryIO:
    """Return `stdin`, or else the process's own standard input; raise UsageError if it is closed or a terminal."""
    if stdin is None:
        if sys.stdin is None:
            raise UsageError("standard input is closed; pipe data in or name a file")
        stdin = sys.stdin.buffer
    if stdin.isatty():
        raise UsageError("standard input is a terminal; pipe data in or name a file")
    return stdin


def _read_stdin(stdin: BinaryIO | None) -> bytes:
    stdin = open_stdin(stdin)
    try:
        return _all_of(stdin, STDIN, _NAME_A_FILE)
    except OSError as error:
        raise MachineError(f"<stdin>: {error.strerror}") from None
    except MemoryError:
        raise MachineError("<stdin>: out of memory while reading") from None


def _all_of(stream: BinaryIO, name: str, mend: str, times: int = 1) -> bytes:
    """Return what is in a stream whose size nobody knows; MachineError, with `mend`, before it fills the memory, which
    should have room for it `times` more."""
    pieces: list[bytes] = []
    size, looked = 0, 0
    while piece := stream.read(PIECE):
        pieces.append(piece)
        size += len(piece)
        if size - looked > _UNLOOKED:
            require_free(times * size, name, mend)
            looked = size
    return b"".join(pieces)


def _open_path(path: str, *, unpacks: bool) -> Source:
    try:
        _refuse_unreadable_kind(path)
        with open(path, "rb") as handle:
            if handle.isatty():
                raise UsageError(f"{path} is a terminal; pipe data in or name a file")
            status = os.fstat(handle.fileno())
            again = path if stat.S_ISREG(status.st_mode) else None
            if unpacks and path.lower().endswith(".gz"):
                content = _unzipped(handle, path)
                _require_unchanged(path, status, os.fstat(handle.fileno()))
                return Source(path[: -len(".gz")], content, path=again)
            if again and status.st_size > LARGE:
                return Source(path, file=(path, status), path=path)
            return Source(path, _read_unchanged(handle, path, status), path=again)
    except OSError as error:
        _refuse(path, error)
    except MemoryError:
        raise MachineError(f"{path}: out of memory while reading") from None
    except ValueError:  # the system cannot even be asked about such a name
        raise UsageError(f"{path!r} is not a file name: it has a NUL, or half a surrogate pair") from None


def _unzipped(handle: BinaryIO, path: str) -> bytes:
    try:
        with gzip.GzipFile(fileobj=handle) as unpacked:
            return _all_of(unpacked, path, "name the unpacked file", _UNPACKED)  # type: ignore[arg-type]
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise DataError(f"{path}: is no whole gzip file; get it again, or name the unpacked file") from None


def _refuse_unreadable_kind(path: str) -> None:
    mode = os.stat(path).st_mode
    for is_kind, kind in ((stat.S_ISDIR, "a directory"), (stat.S_ISSOCK, "a socket")):
        if is_kind(mode):
            raise UsageError(f"{path}: is {kind}; name a file, or - for standard input")


def _read_unchanged(handle: BinaryIO, path: str, before: os.stat_result) -> bytes:
    """Return the content of `handle`; raise DataError if a regular file changes meanwhile (a pipe has no size)."""
    if not stat.S_ISREG(before.st_mode):
        return _all_of(handle, path, _NAME_A_FILE)
    content = handle.read()
    _require_unchanged(path, before, os.fstat(handle.fileno()))
    return content


def _require_unchanged(path: str, before: os.stat_result, after: os.stat_result) -> None:
    if stat.S_ISREG(before.st_mode) and (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise _changed(path, f"{before.st_size:,} bytes, then {after.st_size:,}")


def _changed(name: str, how: str) -> DataError:
    return DataError(f"{name}: changed while it was read ({how}); wait until it is written, or copy it first")


def _refuse(path: str, error: OSError) -> NoReturn:
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        raise UsageError(f"no such file: {path}{similar_sibling(path)}") from None
    raise MachineError(f"{path}: {reason_of(error)}") from None
