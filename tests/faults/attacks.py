"""The size of an attack, and the count that it prints.

`pytest -m faults` makes all of them, each in some seconds; `RNNCLI_FAULTS=full` makes them at the size of
`rnncli help security`, an attack by its name: `RNNCLI_FAULTS=full python -m pytest -s -m faults -k kills`.
"""

from __future__ import annotations

import os
from collections import Counter

FULL = os.environ.get("RNNCLI_FAULTS") == "full"


def size(quick: int, full: int) -> int:
    """The number of tries: `full` where that was asked for."""
    return full if FULL else quick


class Tally:
    """What became of every try, by its outcome; an outcome that must not be is a failure, told with the try itself."""

    def __init__(self, attack: str):
        self.attack = attack
        self.outcomes: Counter[str] = Counter()
        self.failures: list[str] = []

    def count(self, outcome: str, times: int = 1) -> None:
        self.outcomes[outcome] += times

    def fail(self, how: str) -> None:
        """Count a try that found a fault; `how` is enough to make it again."""
        self.failures.append(how)
        self.outcomes["FAILED"] += 1

    def end(self, at_least: int = 1) -> None:
        """Print tried and failed; AssertionError for a failure, or for fewer tries than the attack is about."""
        tried = self.outcomes.total()
        told = ", ".join(f"{outcome} {times:,}" for outcome, times in self.outcomes.most_common())
        print(f"\n{self.attack}: tried {tried:,}, failed {len(self.failures):,} ({told})")
        assert not self.failures, "\n".join([f"{self.attack}: {len(self.failures)} of {tried}", *self.failures[:20]])
        assert tried >= at_least, f"{self.attack}: only {tried} tries"
