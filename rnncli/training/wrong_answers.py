"""Wrong answers to what was held out, each with its place: from single mistakes one learns what means hide."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

PROBABILITY, DISTANCE, EDITS = "probability", "off by", "edits"  # what they are ordered by


@dataclass(frozen=True)
class WrongAnswer:
    """A wrong answer. place: FILE:LINE of what was read. given: what was read, as text. actual, predicted: the answers,
    as text or numbers.

    by: PROBABILITY, that which the model gave the predicted answer; DISTANCE, that of two numbers; EDITS, the
    number of changes from one text to the other. size: how much of it.
    """

    place: str
    given: str
    actual: str | float
    predicted: str | float
    by: str
    size: float


def worst(found: Iterable[WrongAnswer], count: int = 8) -> tuple[WrongAnswer, ...]:
    """Return the `count` answers of the largest size, those of the same size in their order."""
    return tuple(sorted(found, key=lambda one: -one.size)[:count])
