"""Sentences for the user about what was inferred, left out or may surprise; whoever called decides where they go.

Code deep down says `note("...")`. A command that wants to hear it says so once, around all that it does:

    with noting(notes.append):
        ...

Nothing is said outside of that, so that a library's caller is not spoken to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_listener: ContextVar[Callable[[str], object]] = ContextVar("listener", default=lambda text: None)


def note(text: str) -> None:
    """Tell whoever listens."""
    _listener.get()(text)


@contextmanager
def noting(listener: Callable[[str], object]) -> Iterator[None]:
    """Within the block, `listener` hears every note, and nobody else does."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
