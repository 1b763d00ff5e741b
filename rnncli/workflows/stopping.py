"""Signals that ask to stop: the first lets the update finish and be saved, a second one ends at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

ASKING = (signal.SIGINT, signal.SIGTERM)
ASKING_RANKS = (*ASKING, signal.SIGUSR1)  # all that the mpiexec of Open MPI hands on; it ends its ranks at the others


class StopRequest:
    """A callable that returns True once a signal has asked to stop; `signal_number` is that signal."""

    def __init__(self) -> None:
        self.signal_number: int | None = None

    def __call__(self) -> bool:
        return self.signal_number is not None

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self.signal_number is not None:
            os._exit(128 + number)  # an exception raised inside a compilation could come out as any other error
        self.signal_number = number


@contextmanager
def stop_on_signals(numbers: Sequence[signal.Signals] = ASKING) -> Iterator[StopRequest]:
    """Record the first of these signals within the block, instead of ending the process."""
    request = StopRequest()
    before = {number: signal.signal(number, request._take) for number in numbers}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
