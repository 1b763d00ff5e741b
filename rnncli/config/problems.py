"""Mistakes collected with their places, so that all are reported at once."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from typing import NamedTuple, NoReturn
from unicodedata import east_asian_width

from rnncli.errors import ConfigError

Path = tuple[str | int, ...]
"""The way from the root to a value: `("model", "cell")`; list items by index from 0."""

Position = tuple[int, int]
"""Line and column, both from 1."""

_WORD = re.compile(r"\"[^\"]*\"|'[^']*'|\w[\w.-]*")
_WIDEST = 100  # characters of a line that are quoted
MAX_LISTED = 50  # nobody mends more in one go, and a hostile file could hold a hundred thousand


class Place(NamedTuple):
    """The place of a problem: `c.yaml:3:3`, `--set model.cell=x`, or the name of a mapping; with the line of a file."""

    text: str
    position: Position = (sys.maxsize, 0)  # --set problems follow those of the file
    line: str = ""

    @property
    def quote(self) -> str:
        """The line with marks under the word at the position, in two lines; empty for a place that is in no file."""
        before, word = self.line[: self.position[1] - 1], _WORD.match(self.line, self.position[1] - 1)
        if not self.line.strip():
            return ""
        cut = max(0, len(before) - _WIDEST // 2)
        shown, lead = self.line[cut : cut + _WIDEST], before[cut:]
        blank = "".join(c if c == "\t" else "  " if east_asian_width(c) in "WF" else " " for c in lead)
        marks = "^" * min(len(word[0]) if word else 1, max(1, len(shown) - len(lead)))
        number = f"{self.position[0]:>5} | "
        return f"{number}{shown}\n{'|':>7} {blank}{marks}"


class Problem(NamedTuple):
    """One mistake; `message` says what is wrong and what to do."""

    place: Place
    message: str


class _Refused:
    """The type of REFUSED, which stands for a value that a problem was already reported for."""


REFUSED = _Refused()
"""Put in the tree in place of a refused value, so that later checks do not report it again."""


def raise_all(problems: Iterable[Problem]) -> NoReturn:
    """Raise one ConfigError that lists the problems."""
    raise together(problems)


def together(problems: Iterable[Problem]) -> ConfigError:
    """Return one ConfigError that lists the problems in reading order, the first MAX_LISTED of them."""
    ordered = sorted(problems, key=lambda problem: problem.place.position)
    lines = [f"{problem.place.text}: {problem.message}" for problem in ordered[:MAX_LISTED]]
    quotes = [problem.place.quote for problem in ordered[:MAX_LISTED]]
    if len(ordered) > MAX_LISTED:
        lines.append(f"{ordered[MAX_LISTED].place.text}: more problems from here on; mend those above first")
        quotes.append("")
    return ConfigError(*lines, quotes=quotes)
