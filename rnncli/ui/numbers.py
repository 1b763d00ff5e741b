"""Numbers as people read them: the digits that matter, all those before the point, and no exponent for sizes of daily
life. Tables, pages and lists of runs write figures so; CSV and JSON have them as they are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

_DIGITS, _FEWEST = 4, 2  # significant digits of the largest number of a column, and of the smallest
_LEAST, _MOST = 1e-4, 1e15  # sizes of the largest number; beyond them numbers have an exponent
_DECIMALS = 6  # at most


def figure(value: float) -> str:
    """Return a number with four significant digits, and all those before the point."""
    return figures([value])[0]


def loss(value: float, decimals: int = 4) -> str:
    """Return a loss with so many decimals, or two significant digits where these would not show them."""
    return f"{value:.2g}" if 0 < abs(value) < 10.0 ** (1 - decimals) else f"{value:.{decimals}f}"


def figures(values: Sequence[float]) -> list[str]:
    """Return numbers as a column of one width: as many decimals for all as give the largest four significant digits,
    and the smallest two; – for what is no number."""
    sizes = [abs(value) for value in values if value and math.isfinite(value)]
    if sizes and _LEAST <= max(sizes) < _MOST:
        largest, least = (math.floor(math.log10(size)) for size in (max(sizes), min(sizes)))
        decimals = min(max(_DIGITS - 1 - largest, _FEWEST - 1 - least, 0), _DECIMALS)
        shown = ["–" if math.isnan(value) else f"{value:,.{decimals}f}" for value in values]
        width = max(map(len, shown))
        return [text.rjust(width) for text in shown]
    return ["–" if math.isnan(value) else f"{value:.{_DIGITS}g}" for value in values]
