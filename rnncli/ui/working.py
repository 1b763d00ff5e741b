"""A word about what takes its time, on stderr where that is a terminal, gone when it is done."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def working(what: str) -> Iterator[Callable[[str], None]]:
    """A function that says which part of `what` is being done."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda part: None
        return
    from rich.console import Console
    from rich.text import Text

    with Console(stderr=True).status(Text(what)) as status:
        yield lambda part: status.update(Text(f"{what}: {part}"))
