"""The first sentence on a score: a figure that people use, beside that of a baseline which they know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

CORRECT, OFF_BY, IN_PERCENT, AMONG, ERRORS = "right", "off by", "off by percent", "among", "errors"


@dataclass(frozen=True)
class Headline:
    """What the sentence is made of. network, baseline: sums over `count` answers, of the network and of the baseline
    that `beside` names in words.

    kind: CORRECT, sums of right answers; OFF_BY, of absolute errors in one unit; IN_PERCENT, the same in percent of the
    actual values, of several units; ERRORS, of errors without a unit; AMONG, the number of equally likely tokens that
    it is as hard to choose from. what: whose errors, or which answers or tokens. unit: of the errors, if it is known.
    size: the sum of the absolute actual values, None where percent of them say nothing.
    """

    kind: str
    network: float
    baseline: float
    beside: str
    count: int = 1
    what: str = ""
    unit: str = ""
    size: float | None = None

    def text(self) -> str:
        """Return the sentence."""
        ours, theirs = plain(self.network / self.count), plain(self.baseline / self.count)
        if self.kind == CORRECT:
            of = f"{self.count:,} {self.what}".rstrip()
            return f"right {self.network:,.0f} of {of}; {self.beside}: {self.baseline:,.0f}"
        if self.kind == OFF_BY:
            unit, whose = (f" {self.unit}", "") if self.unit else ("", f"{self.what} ")
            share = f", {percent(self.network / self.size)}" if self.size else ""
            return f"{whose}off by {ours}{unit} on average{share}; {self.beside}: {theirs}{unit}"
        if self.kind == IN_PERCENT:
            ours, theirs = (percent(value / self.count / 100) for value in (self.network, self.baseline))
            return f"off by {ours} on average; {self.beside}: {theirs}"
        if self.kind == AMONG:
            return f"each next {self.what} is like a guess among {ours}; {self.beside}: {theirs}"
        ratio = self.network / self.baseline
        way = "smaller" if ratio <= 1 else "larger"
        return f"errors {percent(abs(1 - ratio))} {way} than those of {self.beside}"

    def to_json(self) -> dict[str, Any]:
        """Return the sentence and its numbers, means where they are of errors."""
        over = 1 if self.kind == CORRECT else self.count
        numbers = {"network": self.network / over, "baseline": self.baseline / over, "beside": self.beside}
        numbers |= {"count": self.count} if self.kind != AMONG else {}
        numbers |= {"unit": self.unit or None} if self.kind == OFF_BY else {}
        numbers |= {"percent": 100 * self.network / self.size} if self.size else {}
        return {"text": self.text(), **numbers}


def summed(headlines: Sequence[Headline | None]) -> Headline | None:
    """Return the headline of all the answers that these are of; None if one is missing."""
    found = [one for one in headlines if one is not None]
    if len(found) < len(headlines) or not found:
        return None
    sizes = [one.size for one in found if one.size is not None]
    return replace(
        found[0],
        network=sum(one.network for one in found),
        baseline=sum(one.baseline for one in found),
        count=sum(one.count for one in found),
        size=sum(sizes) if len(sizes) == len(found) else None,
    )


def plain(value: float) -> str:
    """Return a number as people write it: three significant digits, and all those before the point."""
    if abs(value) >= 999.5:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def percent(share: float) -> str:
    """Return a share as percent, two significant digits and all those before the point."""
    return f"{100 * share:,.0f}%" if abs(share) >= 0.0995 else f"{100 * share:.2g}%"
