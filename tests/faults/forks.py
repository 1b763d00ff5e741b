"""Processes of the command that are forked from this one, which has loaded and compiled all: they begin at once."""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from cli_runs import like_a_process

from rnncli.__main__ import main

PATIENCE = 60.0  # seconds; only a hang takes so long

Arm = Callable[[], None]


def forked(arguments: list[str], folder: Path, arm: Arm = lambda: None) -> int:
    """Start `rnncli ARGUMENTS` in a copy of this process that is first armed; return its number."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # which ends it, as it does a Python that has not yet begun
        log = os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for stream in (1, 2):
            os.dup2(log, stream)
        with like_a_process(folder):
            sys.argv = ["rnncli", *arguments]
            sys.stdout, sys.stderr = (open(number, "w", encoding="utf-8", closefd=False) for number in (1, 2))  # noqa: SIM115
            arm()
            signal.signal(signal.SIGINT, signal.default_int_handler)
            main()
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def ended(pid: int) -> int:
    """Wait for a process, and return how it ended as subprocess does."""
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    raise AssertionError("a process did not end")
