"""Files that are written whole, or sent to a pipe: the results of compress, decompress and export."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from rnncli import safe_files
from rnncli.errors import MachineError, ReaderGoneError, UsageError
from rnncli.ui.output import Output, put, say_notes

PIPE = "-"


def target(asked: str | None, usual: str) -> str:
    """Return where to write: `asked`, or else the `usual` path. UsageError for a file that exists, or a terminal, and
    for a link at the usual path, which a stranger may have planted there."""
    path = usual if asked is None else asked
    if path == PIPE:
        if sys.stdout is not None and sys.stdout.isatty():
            raise UsageError("-o -: these bytes are not for a terminal; name a file by -o, or send them to a pipe")
    elif os.path.lexists(path) and (asked is None or os.path.isfile(path) or os.path.isdir(path)):
        raise _exists(path)
    return path


def target_folder(asked: str | None, usual: str) -> str:
    """Return the folder to make: `asked`, or else the `usual` path; UsageError for what exists, or a pipe."""
    path = usual if asked is None else asked
    if path == PIPE:
        raise UsageError("-o -: a folder is no stream; name one that does not exist yet")
    if os.path.lexists(path):
        raise _exists(path)
    return path


def _exists(path: str) -> UsageError:
    return UsageError(f"{path}: exists, and is left as it is; name another by -o, or remove it")


def write_folder(path: str, files: Mapping[str, bytes]) -> None:
    """Make the folder of `target_folder` with these files; UsageError where another process made it meanwhile."""
    try:
        safe_files.write_folder(Path(path), files)
    except MachineError:
        target_folder(path, path)
        raise


def write_bytes(path: str, content: bytes) -> None:
    """Write to the file, or to standard output."""
    if path != PIPE:
        put(Path(path), content)
        return
    if sys.stdout is None:  # closed by the shell with >&-
        raise OSError(9, os.strerror(9))
    try:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise ReaderGoneError("standard output was closed") from None


def say_sizes(name: str, before: int, after: int, path: str, form: str, *, quiet: bool) -> None:
    """Tell the sizes on standard output as JSON, or as a line on stderr, where the bytes themselves may be."""
    bits = 8 * after / before if before else None
    if form == "json" and path != PIPE:
        sizes = {"file": name, "bytes": before, "output": path, "output_bytes": after, "bits_per_byte": bits}
        Output().write(json.dumps(sizes) + "\n")
    else:
        share = f", {bits:.3f} bits a byte" if bits is not None else ""
        where = "the pipe" if path == PIPE else path
        say_notes([f"{name}: {before:,} bytes, {after:,} in {where}{share}"], quiet=quiet)
