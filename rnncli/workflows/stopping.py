"""Handling of SIGINT and SIGTERM: the first lets the update finish and be saved, a second one ends at once. So does a
time that is up.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


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
def stop_on_signals(request: StopRequest | None = None) -> Iterator[StopRequest]:
    """Record the first SIGINT or SIGTERM within the block, in `request` if there is one, instead of ending."""
    request = request or StopRequest()
    before = {number: signal.signal(number, request._take) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
