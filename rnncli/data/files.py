"""Several files as the data of one run: a folder, a pattern such as poems/*.txt, or files that are named one by one.

Each is a text of its own. They are in the order of their paths, whoever lists them. What is empty or binary among them
is left out, with a doubt.
"""

from __future__ import annotations

import errno
import glob
import hashlib
import os
from collections.abc import Iterator, Sequence
from itertools import chain

from rnncli.data.sent import sent
from rnncli.data.source import Source, looks_binary, read_source
from rnncli.errors import DataError, MachineError, UsageError, reason_of
from rnncli.notes import doubt, note

Paths = str | list[str]
_NAMED = 3  # files that a message names


class Files(Source):
    """Several files that were read, by `path` a folder, a pattern, or a list; see `Source`. named: further ones, which
    these name.
    """

    def __init__(self, name: str, files: Sequence[Source], path: Paths, named: Sequence[Source] = ()):
        super().__init__(name, path=path)
        self._files, self._named = tuple(files), tuple(named)

    @property
    def files(self) -> tuple[Source, ...]:
        return self._files

    @property
    def named(self) -> tuple[Source, ...]:
        return self._named

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)

    @property
    def sha256(self) -> str:
        """The SHA-256 digest of the digests of all files, in hexadecimal."""
        return hashlib.sha256("".join(file.sha256 for file in self.files).encode()).hexdigest()

    def pieces(self) -> Iterator[bytes]:
        return chain.from_iterable(file.pieces() for file in self.files)


def read_files(path: Paths | Source, *, binary: bool = False) -> Source:
    """Open a file, a folder with all that is in it, all files that a pattern names, or a list of these.

    binary: True if the bytes of files are read as they are, so that binary ones are none to leave out.
    Raises the errors of `read_source`; UsageError where there is no file, DataError where all are left out.
    """
    if isinstance(path, Source):
        return path
    if (other := sent(path)) is not None:
        return other
    if isinstance(path, str) and not os.path.isdir(path) and (os.path.lexists(path) or not glob.has_magic(path)):
        return read_source(path)
    named, found = [path] if isinstance(path, str) else path, files_of(path)
    name = path if isinstance(path, str) else _listed(named)
    files = [read_source(file) for file in found]
    odd = [file.name for file in files if not file.size or (not binary and looks_binary(file))]
    kept = [file for file in files if file.name not in odd]
    if not kept:
        raise DataError(f"{name}: {_listed(odd)} {_are(odd)} empty or binary; name files with text in them")
    if odd:
        doubt(f"{name}: {_listed(odd)} {_are(odd)} empty or binary, and left out")
    if len(kept) > 1:
        note(f"{name}: {len(kept):,} files in the order of their names, each a text of its own: {_listed(found, odd)}")
    return Files(name, kept, path)


def files_of(path: Paths) -> list[str]:
    """Return the files that a folder, a pattern, the path of a file, or a list of these stand for, in order.

    Raises UsageError for a folder or a pattern without files, and for standard input, which is no file.
    """
    if (other := sent(path)) is not None:
        return [file.name for file in other.files]
    named = [path] if isinstance(path, str) else path
    if "-" in named:
        raise UsageError("- is standard input, which cannot be read beside files; name the files alone, or join them")
    return sorted({os.path.normpath(file) for one in named for file in _files_in(one)})


def _are(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _listed(names: Sequence[str], without: Sequence[str] = ()) -> str:
    """Return the first of some names, and how many more there are."""
    named = [name for name in names if name not in without]
    more = len(named) - _NAMED
    return ", ".join(named[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def _files_in(path: str) -> Iterator[str]:
    """Yield the files that a path stands for: those in a folder and its folders, without hidden ones."""
    if os.path.isdir(path):
        inside = list(_walked(path))
        if not inside:
            raise UsageError(f"{path}: is a folder without files; name one with texts in it")
        yield from inside
    elif not os.path.lexists(path) and glob.has_magic(path):
        _require_readable(path)
        matches = glob.glob(path, recursive=True)
        if not matches:
            raise UsageError(f"no such file: {path}; it is a pattern, which no file matches")
        for match in matches:
            yield from _files_in(match)
    else:
        yield path


def _require_readable(pattern: str) -> None:
    """Raise MachineError for a folder that a pattern looks into and that cannot be read, which glob passes over."""
    while glob.has_magic(pattern):
        pattern, name = os.path.split(pattern)
        looked_into = os.path.join(pattern or os.curdir, "**" if name == "**" else "", "")
        for folder in map(os.path.normpath, glob.iglob(looked_into, recursive=True)):
            if glob.has_magic(name):
                _require_listed(folder)
            _require_open(folder)


def _require_listed(folder: str) -> None:
    try:
        os.scandir(folder).close()
    except OSError as error:
        _unread(error)


def _require_open(folder: str) -> None:
    """Raise MachineError for a folder whose files cannot be read, though its names may be."""
    if not os.access(folder, os.X_OK):
        _unread(PermissionError(errno.EACCES, os.strerror(errno.EACCES), folder))


def _unread(error: OSError) -> None:
    """Raise MachineError for a folder that cannot be listed: what is in it would be left out in silence."""
    raise MachineError(f"{error.filename}: cannot be read: {reason_of(error)}; check its permissions, or move it away")


def _walked(folder: str) -> Iterator[str]:
    for inside, folders, names in os.walk(folder, onerror=_unread):
        _require_open(inside)
        folders[:] = [name for name in folders if not name.startswith(".")]
        if "state.safetensors" in names:  # a run, which has learnt from what is beside it
            folders[:], names = [], []
        for name in names:
            path = os.path.join(inside, name)
            if not name.startswith(".") and os.path.isfile(path):
                yield path
