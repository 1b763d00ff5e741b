"""A folder for what is not kept."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rnncli.errors import MachineError, reason_of


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """Yield a new folder, which is removed afterwards; MachineError where the system has no place for one."""
    try:
        folder = tempfile.TemporaryDirectory(prefix="rnncli-", ignore_cleanup_errors=True)
    except OSError as error:
        reason = reason_of(error)
        raise MachineError(f"no temporary folder: {reason}; set TMPDIR to a folder that can be written") from None
    with folder as name:
        yield Path(name)
