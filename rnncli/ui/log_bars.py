"""Bars on a logarithmic scale: what decays by the same factor every step falls along a straight line."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from rnncli.ui.results import three_digits

ONE_PERCENT = 0.01
ENDS = 1e-4, math.inf  # where a bar is empty and full at the latest: 0.1^k would leave no room for anything else
EIGHTHS = ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█")
FULL = len(EIGHTHS) - 1  # eighths in a cell
SHADE = "▒"  # of a second bar; it has no eighths
RULE = "┊"
BAR, FRAME = "cyan", "dim"  # styles


@dataclass(frozen=True)
class LogScale:
    """`cells` cells from `low`, where a bar is empty, to `high`, where it is full; 1% is where `below` of them end."""

    low: float
    high: float
    cells: int
    below: int

    def eighths(self, value: float | None) -> int:
        """The length of the bar of `value`, in eighths of a cell; 0 of None and NaN."""
        if value is None or not value > self.low:
            return 0
        start, end = math.log(self.low), math.log(self.high)  # high / low may overflow
        return round(FULL * self.cells * (math.log(min(value, self.high)) - start) / (end - start))

    def bar(self, value: float | None, shaded: bool = False) -> list[tuple[str, str]]:
        """(text, style) of `cells` + 1 cells: the bar, with the rule at 1% in a cell of its own."""
        length = self.eighths(value)
        if shaded:
            text = SHADE * math.ceil(length / FULL)  # so that it passes the rule wherever more is left
        else:
            text = EIGHTHS[-1] * (length // FULL) + EIGHTHS[length % FULL]
        text = text.ljust(self.cells)
        return [(text[: self.below], BAR), (RULE, FRAME), (text[self.below :], BAR)]

    @property
    def legend(self) -> str:
        empty, full = three_digits(self.low), three_digits(self.high)
        return f"bars: logarithmic, empty up to {empty}, full from {full}; {RULE} marks 1%"


def log_scale(values: Iterable[float | None], cells: int, ends: tuple[float, float] = ENDS) -> LogScale:
    """The scale in which a bar is full at the largest of `values`, or at 1, and empty at the smallest or at 1%.

    It does not reach beyond `ends`. Zeros and values that are not finite do not count. 1% is where a cell ends, so that
    a bar passes the rule exactly where more is left: `low` gives way to that.
    """
    seen = [value for value in values if value is not None and 0 < value < math.inf]
    high = min(ends[1], max([1.0, *seen]))
    least = max(ends[0], min([ONE_PERCENT, *seen]))
    above = math.log(high) - math.log(ONE_PERCENT)
    under = math.log(ONE_PERCENT) - math.log(least)
    below = math.ceil(cells * under / (under + above))
    low = ONE_PERCENT * math.exp(-above * below / (cells - below))
    return LogScale(low, high, cells, below)
