"""Notes: sentences for the user about what was inferred, left out or may surprise. The caller decides where they go.

Code at any depth calls `note("...")`. A command receives the notes by a block around all its work:

    with noting(notes.append):
        ...

A doubt is a note that is told even to those who asked for quiet.

A block may show its notes when its work is done. What has to be read at once, whatever thread it comes from, is told
to the listener of `telling`, which the command line sets for its whole process.

Without a listener both are dropped, so that a program that uses the library sees none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_listener: ContextVar[Callable[[str], object]] = ContextVar("listener", default=lambda text: None)


_MOST = 1000  # notes that are remembered: a stream without end may have any number

_teller: list[Callable[[str], object]] = []


class Doubt(str):
    """A note of something that may be wrong: of data that were left out, or read in one of two ways."""


def note(text: str) -> None:
    """Pass a note to the current listener, if there is one."""
    _listener.get()(text)


def doubt(text: str) -> None:
    """Pass a doubt to the current listener, if there is one."""
    note(Doubt(text))


@contextmanager
def noting(listener: Callable[[str], object]) -> Iterator[None]:
    """Pass every note within the block to `listener`, and to nobody else; one that comes again, as for another series,
    model or part of the data, is passed once."""
    told: set[str] = set()

    def once(text: str) -> None:
        if text in told:
            return
        if len(told) < _MOST:
            told.add(text)
        listener(text)

    token = _listener.set(once)
    try:
        yield
    finally:
        _listener.reset(token)


@contextmanager
def reworded(change: Callable[[str], str]) -> Iterator[None]:
    """Pass every note within the block on in other words; a doubt stays one."""
    outer = _listener.get()
    with noting(lambda text: outer(type(text)(change(text)))):
        yield


def tell(text: str) -> None:
    """Pass a sentence on at once."""
    for listener in _teller:
        listener(text)


def telling(listener: Callable[[str], object]) -> None:
    """Pass all that is told from now on to `listener`, and to nobody else."""
    _teller[:] = [listener]
