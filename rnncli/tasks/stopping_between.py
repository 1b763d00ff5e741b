"""Signals that end what follows a stream, between what comes through it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from types import FrameType
from typing import TypeVar

from rnncli.errors import StoppedError

T = TypeVar("T")


class Stopping:
    """A context manager that stops on SIGINT or SIGTERM, by a StoppedError: between items, or at once while it waits
    for one."""

    def __init__(self) -> None:
        self.waiting, self.signal_number = False, 0

    def __enter__(self) -> Stopping:
        self.before = {number: signal.signal(number, self._take) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def _take(self, number: int, frame: FrameType | None) -> None:
        self.signal_number = number
        if self.waiting:
            raise StoppedError("stopped", number)

    def between(self, items: Iterator[T]) -> Iterator[T]:
        """Yield the items, which are waited for."""
        while True:
            if self.signal_number:
                raise StoppedError("stopped", self.signal_number)
            self.waiting = True
            item = next(items, None)
            self.waiting = False
            if item is None:
                return
            yield item
