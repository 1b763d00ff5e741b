"""Data that rank 0 of a job read and sent: what other ranks get in place of files, of which they may have none."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rnncli.data.source import Source

_sent: ContextVar[Mapping[str, Source] | None] = ContextVar("sent", default=None)


@contextmanager
def in_place_of_files(sources: Mapping[str, Source]) -> Iterator[None]:
    """Give these sources, within the block, to whoever reads the paths that they are named by; see `name_of`."""
    token = _sent.set(sources)
    try:
        yield
    finally:
        _sent.reset(token)


def sent(path: str | list[str]) -> Source | None:
    """Return the source that was sent in place of `path`; None where files are read. KeyError for one that was not."""
    sources = _sent.get()
    return None if sources is None else sources[name_of(path)]


def is_there(path: str) -> bool:
    """True for a file, or one that was sent in place of it."""
    sources = _sent.get()
    return os.path.exists(path) if sources is None else path in sources


def is_folder(path: str) -> bool:
    """True for a folder, or files that were sent in place of it."""
    sources = _sent.get()
    if sources is None:
        return os.path.isdir(path)
    return not glob.has_magic(path) and [file.name for file in sources[path].files] != [path]


def name_of(path: str | list[str]) -> str:
    return path if isinstance(path, str) else "\0".join(path)
