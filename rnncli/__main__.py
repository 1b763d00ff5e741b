"""The process of the command `rnncli`, and of python -m rnncli: what INT and TERM do before a command has begun.

With python -m the current folder is on sys.path: use the `rnncli` script in folders you do not trust.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from types import FrameType
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line; never returns."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) != signal.SIG_IGN:  # a shell without job control ignores Ctrl-C in its background
            signal.signal(number, _end)
    from rnncli import job
    from rnncli.cli import main  # after that, since it takes a moment

    try:
        main()
    except SystemExit as end:  # all is written and flushed
        if job.joined().size > 1:
            raise  # MPI has something left to do in the end of a process, without which it is taken for one that failed
        os._exit(int(end.code or 0))  # to free objects one by one takes longer than many a command


def _end(number: int, frame: FrameType | None) -> NoReturn:
    """End the process at once: an exception could be lost in compiled code. `train` handles signals in its own way."""
    with contextlib.suppress(OSError, ValueError, RuntimeError):  # RuntimeError: in the middle of a write
        if sys.stdout is not None:
            sys.stdout.flush()
    os._exit(128 + number)


if __name__ == "__main__":
    main()
