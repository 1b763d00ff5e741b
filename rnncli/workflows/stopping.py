"""Signals that ask to stop: the first lets the update finish and be saved, a second one ends at once. A time that is up
asks too.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

ASKING = (signal.SIGINT, signal.SIGTERM)
ASKING_RANKS = (*ASKING, signal.SIGUSR1)  # all that the mpiexec of Open MPI hands on; it ends its ranks at the others


class StopRequest:
    """A callable that returns True once a signal has asked to stop; `signal_number` is that signal. end: is called with
    the exit code at a second one.
    """

    def __init__(self, end: Callable[[int], object] | None = None) -> None:
        self.signal_number: int | None = None
        self._end = end

    def __call__(self) -> bool:
        return self.signal_number is not None

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self.signal_number is not None:
            # Not by an exception, which could come out of a compilation as any other error.
            (self._end or os._exit)(128 + number)
        self.signal_number = number


class Until(StopRequest):
    """A request to stop at a signal, or when a time is up; `signal_number` is then None."""

    def __init__(self, seconds: float):
        super().__init__()
        self.began, self.seconds = time.monotonic(), seconds

    def __call__(self) -> bool:
        return super().__call__() or self.is_over(1.0)

    def is_over(self, share: float) -> bool:
        """Return True when this share of the time is up."""
        return time.monotonic() - self.began > share * self.seconds


@contextmanager
def stop_on_signals(
    request: StopRequest | None = None, numbers: Sequence[signal.Signals] = ASKING
) -> Iterator[StopRequest]:
    """Record the first of these signals within the block, in `request` if there is one, instead of ending the process,
    which the second does.

    Python gives signals to the main thread alone: in others nothing is recorded.
    """
    request = request or StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    before = {number: signal.signal(number, request._take) for number in numbers}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
