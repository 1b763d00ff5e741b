"""SIGINT and SIGTERM, taken as a wish: the window is finished and saved first. A second signal ends at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopRequest:
    """Whether a signal has asked to stop, and which."""

    def __init__(self) -> None:
        self.signal_number: int | None = None

    def __call__(self) -> bool:
        return self.signal_number is not None

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self.signal_number is not None:
            os._exit(128 + number)  # an exception inside a compilation would surface as anything
        self.signal_number = number


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """While active, the first SIGINT or SIGTERM is noted instead of ending the process."""
    request = StopRequest()
    before = {number: signal.signal(number, request._take) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
