"""Did you mean ...? for mistyped keys and values."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

LONGEST_WORD = 80  # the comparison is quadratic, and nothing we know is nearly as long


def closest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that `word` most likely stands for, or None when nothing is near."""
    matches = difflib.get_close_matches(word[:LONGEST_WORD].lower(), list(candidates), n=1)
    return matches[0] if matches else None


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """`; did you mean "x"?`, ready to append to a message, or an empty string."""
    match = closest(word, candidates)
    return f'; did you mean "{match}"?' if match else ""
