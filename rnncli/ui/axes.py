"""Drawing tools of charts: dots of braille, value axes with round tick labels, bars on a logarithmic scale."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from rnncli.ui.results import three_digits

ACROSS, DOWN = 2, 4  # dots in a cell
BLANK = 0x2800  # Unicode's braille pattern without dots; each dot adds one bit
BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # [row][column] within a cell

Dot = tuple[int, int]  # (column, row) from the top left


class DotCanvas:
    """A canvas of dots; `cells` maps (row, column) of each cell that has dots to their bits."""

    def __init__(self) -> None:
        self.cells: dict[tuple[int, int], int] = {}

    def draw(self, points: Iterable[Dot | None]) -> None:
        """Join consecutive points; None leaves a gap, and a point between two gaps is one dot.

        Points in one column join into a run from the lowest to the highest, so that no spike is lost where many
        points share it. M4 (Jugel et al., 2014) draws the same from each column's first, last, lowest and highest
        value.
        """
        before: Dot | None = None
        for point in points:
            if point is not None and point != before:
                self._join(before or point, point)
            before = point

    def _join(self, start: Dot, end: Dot) -> None:
        across, down = end[0] - start[0], end[1] - start[1]
        steps = max(abs(across), abs(down), 1)
        for i in range(steps + 1):
            # Halves round upwards, unlike round()'s: a slope of one half makes steps of equal length.
            self._set(
                start[0] + (2 * i * across + steps) // (2 * steps), start[1] + (2 * i * down + steps) // (2 * steps)
            )

    def _set(self, column: int, row: int) -> None:
        cell = (row // DOWN, column // ACROSS)
        self.cells[cell] = self.cells.get(cell, 0) | BITS[row % DOWN][column % ACROSS]


def braille(bits: int) -> str:
    """Return the braille character with these dots."""
    return chr(BLANK + bits)


MANTISSAS = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))
CONSTANT = 1e-9  # a series whose span is a smaller share of its values counts as constant
SLACK = Decimal("0.001")  # tolerance as a share of a step: float32's 0.10000000149 still has its tick at 0.1
DIGITS = 8  # significant digits in the label of a constant series
PLAIN_FROM, PLAIN_BELOW = Decimal("1e-4"), Decimal("1e9")  # other magnitudes are written with an exponent


@dataclass(frozen=True)
class ValueAxis:
    """The axis of values: `low` is at the bottom edge, `high` at the top; `only` is the value of a constant series, and
    `decimal` the mark of decimals in labels."""

    low: float
    high: float
    only: float | None = None
    decimal: str = "."

    def depth(self, value: float) -> float:
        """Return the depth of `value`: 0 at the top, 1 at the bottom. Halves are used, as high − low may overflow."""
        return (self.high / 2 - value / 2) / (self.high / 2 - self.low / 2)

    def ticks(self, most: float) -> list[tuple[float, str]]:
        """Return between one and `most` + 1 ticks (value, label) from low to high; `most` is 2 or more.

        Ticks are the multiples of the smallest step of 1, 2, 2.5 or 5 × 10^k that does not give more of them, with
        the same number of decimals. A constant series has one tick, its value.
        """
        if self.only is not None:
            return self._labelled([Decimal(f"{self.only:.{DIGITS}g}")])
        least = _exactly((self.high / 2 - self.low / 2) / most * 2)
        step = next(m.scaleb(least.adjusted()) for m in MANTISSAS if m.scaleb(least.adjusted()) >= least)
        first = (_exactly(self.low) / step - SLACK).to_integral_value(ROUND_CEILING)
        last = (_exactly(self.high) / step + SLACK).to_integral_value(ROUND_FLOOR)
        values = [step * k for k in range(int(first), int(last) + 1)]
        return self._labelled(values)

    def _labelled(self, values: list[Decimal]) -> list[tuple[float, str]]:
        swapped = str.maketrans(",.", ".,") if self.decimal == "," else {}
        return [(float(value), label.translate(swapped)) for value, label in zip(values, _labels(values), strict=True)]


def spanning(values: Iterable[float], decimal: str = ".") -> ValueAxis:
    """Return the axis from the lowest to the highest of the finite `values`, wider where they are all alike."""
    finite = [float(value) for value in values if math.isfinite(value)] or [0.0]
    low, high = min(finite), max(finite)
    size = max(abs(low), abs(high))
    if high - low > max(CONSTANT * size, sys.float_info.min):
        return ValueAxis(low, high, decimal=decimal)
    room = size / 2 if size > sys.float_info.min else 1.0
    limit = sys.float_info.max
    return ValueAxis(max(low - room, -limit), min(high + room, limit), low, decimal)


def _exactly(value: float) -> Decimal:
    """Return the shortest decimal that reads back as `value`, so that 0.1 is a multiple of 0.1."""
    return Decimal(repr(value))


def _labels(values: list[Decimal]) -> list[str]:
    largest = max(map(abs, values))
    if largest == 0 or PLAIN_FROM <= largest < PLAIN_BELOW:
        return [f"{value:,.{_decimals(values)}f}" for value in values]
    power = largest.adjusted()
    mantissas = [value.scaleb(-power) for value in values]
    return [f"{m:.{_decimals(mantissas)}f}e{power}" if m else "0" for m in mantissas]


def _decimals(values: list[Decimal]) -> int:
    """Return the number of decimals that the value with most of them needs."""
    return max(max(0, -int(value.normalize().as_tuple().exponent)) for value in values)


ONE_PERCENT = 0.01
ENDS = 1e-4, math.inf  # limits of the scale of bars: decay as 0.1^k would leave no room for anything else
EIGHTHS = ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█")
FULL = len(EIGHTHS) - 1  # eighths in a cell
SHADE = "▒"  # the glyph of a second bar; it has no eighths
RULE = "┊"
BAR, FRAME = "cyan", "dim"  # styles


@dataclass(frozen=True)
class LogScale:
    """A scale of `cells` cells from `low`, an empty bar, to `high`, a full bar; 1% comes after `below` cells."""

    low: float
    high: float
    cells: int
    below: int

    def eighths(self, value: float | None) -> int:
        """Return the length of the bar of `value` in eighths of a cell; 0 for None and NaN."""
        if value is None or not value > self.low:
            return 0
        start, end = math.log(self.low), math.log(self.high)  # high / low may overflow
        return round(FULL * self.cells * (math.log(min(value, self.high)) - start) / (end - start))

    def bar(self, value: float | None, shaded: bool = False) -> list[tuple[str, str]]:
        """Return `cells` + 1 cells as (text, style) pieces: the bar, with the rule at 1% in a cell of its own."""
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
    """Return the scale whose bars are full at the largest of `values`, or 1, and empty at the smallest, or 1%.

    The scale does not reach beyond `ends`. Zeros and values that are not finite do not count. 1% is at the end of a
    cell, so that a bar passes the rule exactly where more is left; `low` is moved to make this so.
    """
    seen = [value for value in values if value is not None and 0 < value < math.inf]
    high = min(ends[1], max([1.0, *seen]))
    least = max(ends[0], min([ONE_PERCENT, *seen]))
    above = math.log(high) - math.log(ONE_PERCENT)
    under = math.log(ONE_PERCENT) - math.log(least)
    below = math.ceil(cells * under / (under + above))
    low = ONE_PERCENT * math.exp(-above * below / (cells - below))
    return LogScale(low, high, cells, below)
