"""The vertical axis of a chart: the range its values span, and ticks at round numbers."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

MANTISSAS = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))
CONSTANT = 1e-9  # a span this small beside the values is no change that anyone could read
SLACK = Decimal("0.001")  # of a step: float32's 0.10000000149 still has its tick at 0.1
DIGITS = 8  # significant, of a constant
PLAIN_FROM, PLAIN_BELOW = Decimal("1e-4"), Decimal("1e9")  # other magnitudes are written with an exponent


@dataclass(frozen=True)
class ValueAxis:
    """The lowest value stands at the bottom edge, the highest at the top; `only` is the one value of a constant."""

    low: float
    high: float
    only: float | None = None

    def depth(self, value: float) -> float:
        """How far `value` lies below the top: 0 there, 1 at the bottom. Halves, since high − low may overflow."""
        return (self.high / 2 - value / 2) / (self.high / 2 - self.low / 2)

    def ticks(self, most: float) -> list[tuple[float, str]]:
        """(value, label) from low to high, between one and `most` + 1 of them; `most` is 2 or more.

        They are the multiples of the smallest 1, 2, 2.5 or 5 × 10^k that is not too small, with the same decimals.
        A constant has its own value for its tick.
        """
        if self.only is not None:
            return [(self.only, _labels([Decimal(f"{self.only:.{DIGITS}g}")])[0])]
        least = _exactly((self.high / 2 - self.low / 2) / most * 2)
        step = next(m.scaleb(least.adjusted()) for m in MANTISSAS if m.scaleb(least.adjusted()) >= least)
        first = (_exactly(self.low) / step - SLACK).to_integral_value(ROUND_CEILING)
        last = (_exactly(self.high) / step + SLACK).to_integral_value(ROUND_FLOOR)
        values = [step * k for k in range(int(first), int(last) + 1)]
        return list(zip(map(float, values), _labels(values), strict=True))


def spanning(values: Iterable[float]) -> ValueAxis:
    """The axis from the lowest to the highest of the finite `values`, wider where they are all alike."""
    finite = [float(value) for value in values if math.isfinite(value)] or [0.0]
    low, high = min(finite), max(finite)
    size = max(abs(low), abs(high))
    if high - low > max(CONSTANT * size, sys.float_info.min):
        return ValueAxis(low, high)
    room = size / 2 if size > sys.float_info.min else 1.0
    limit = sys.float_info.max
    return ValueAxis(max(low - room, -limit), min(high + room, limit), only=low)


def _exactly(value: float) -> Decimal:
    """The shortest decimal that reads back as `value`, so that 0.1 is a multiple of 0.1."""
    return Decimal(repr(value))


def _labels(values: list[Decimal]) -> list[str]:
    largest = max(map(abs, values))
    if largest == 0 or PLAIN_FROM <= largest < PLAIN_BELOW:
        return [f"{value:,.{_decimals(values)}f}" for value in values]
    power = largest.adjusted()
    mantissas = [value.scaleb(-power) for value in values]
    return [f"{m:.{_decimals(mantissas)}f}e{power}" if m else "0" for m in mantissas]


def _decimals(values: list[Decimal]) -> int:
    """As many as the value that needs most of them."""
    return max(max(0, -int(value.normalize().as_tuple().exponent)) for value in values)
