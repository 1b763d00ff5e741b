"""A folder for what is not kept."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rnncli import safe_files
from rnncli.errors import MachineError, reason_of


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """Yield a new folder, which is removed afterwards; MachineError where the system has no place for one."""
    with contextlib.ExitStack() as stack:
        try:
            made = stack.enter_context(safe_files.temporary_folder(Path(tempfile.gettempdir(), "rnncli")))
        except OSError as error:
            reason = reason_of(error)
            raise MachineError(f"no temporary folder: {reason}; set TMPDIR to a folder that can be written") from None
        yield made
