"""The source of all long-lived arrays, so that a model's memory can be counted without allocating it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

_counted: ContextVar[list[int] | None] = ContextVar("counted", default=None)
_room: ContextVar[list[int] | None] = ContextVar("room", default=None)


def zeros(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Return an array of zeros; inside `only_counting`, a read-only one that takes no memory and is counted."""
    counted, room = _counted.get(), _room.get()
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if room is not None:
        room[0] -= size
        if room[0] < 0:
            raise ValueError("it would be far larger than its file")
    if counted is None:
        return np.zeros(shape, dtype)
    counted.append(size)
    return np.broadcast_to(np.zeros((), dtype), shape)


@contextmanager
def only_counting() -> Iterator[list[int]]:
    """Yield a list of the bytes of each array that `zeros` is asked for inside; the arrays are not allocated."""
    counted: list[int] = []
    token = _counted.set(counted)
    try:
        yield counted
    finally:
        _counted.reset(token)


@contextmanager
def within(size: int) -> Iterator[None]:
    """Raise ValueError once `zeros` has been asked inside for more than `size` bytes in all, before they are there."""
    token = _room.set([size])
    try:
        yield
    finally:
        _room.reset(token)
