"""Sentences on stderr: what was inferred, what is being waited for."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from rnncli.ui.output import as_utf8, visible


def say_notes(notes: Iterable[str]) -> None:
    for note in notes:
        say(note)


def say(text: str) -> None:
    """One line on stderr."""
    stream = as_utf8(sys.stderr)
    stream.write(f"rnncli: {visible(text)}\n")
    stream.flush()
