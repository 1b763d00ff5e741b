"""A picture of gradients by lag as lines of braille: lags to the right, the share of lag 0 upwards, logarithmic.

Decay by the same factor every step is a straight line, whose slope is that factor. Each line has its name at its end.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rnncli.inspection.reports import GradientReport
from rnncli.ui.axes import ACROSS, DOWN, FRAME, ONE_PERCENT, Dot, DotCanvas, braille
from rnncli.ui.lag_chart import DEPTH, Shares, beside, folded
from rnncli.ui.output import visible

if TYPE_CHECKING:
    from rich.text import Text

Line = tuple[str, Shares]
HEIGHT = 16  # in cells
LOWEST, HIGHEST = -6, 6  # powers of ten at which the axis ends at the latest
SLACK = 0.1  # how far a line may pass the axis, which would else be a power longer; it is drawn at the end then
LABEL = 20  # the most cells of a line's name
STYLES = ("cyan", "yellow", "magenta", "green", "blue", "red")
DASH, LEFT, UNDER, CORNER = "┄", "│", "─", "└"
LEGEND = "the share of lag 0's gradient that is left k steps back, logarithmic; ┄ marks 1%"


def lines(report: GradientReport) -> list[Line]:
    """Return one line a layer, and one more for a layer of which more comes back through the layers above."""
    found: list[Line] = []
    for layer in report.layers:
        found.append((layer.name, layer.memory_by_lag))
        if (other := beside(layer)) is not None:
            found.append((f"{layer.name} {other[1]}" if other[1] == DEPTH else f"{layer.name} alone", other[0]))
    return found


def draw_lines(curves: Sequence[Line], width: int) -> Text:
    """Draw curves of shares by lag in rows of at most `width` cells, with their explanation below."""
    from rich.text import Text

    ends = _powers(curves)
    names = [visible(name)[:LABEL] for name, _ in curves]
    ticks = {_depth(power, ends) // DOWN: _power(power) for power in range(ends[0], ends[1] + 1)}
    gutter = max(map(len, ticks.values()))
    cells = width - gutter - len(LEFT) - max(map(len, names)) - 1
    longest = max(1, *(len(shares) - 1 for _, shares in curves))
    dots = [list(_dots(shares, ends, longest, cells)) for _, shares in curves]
    places = _apart([next((dot[1] // DOWN for dot in reversed(line) if dot), HEIGHT - 1) for line in dots])
    picture, rule = _drawn(dots), _depth(math.log10(ONE_PERCENT), ends) // DOWN
    text = Text(no_wrap=True, overflow="crop")
    for row in range(HEIGHT):
        line = Text(ticks.get(row, "").rjust(gutter) + LEFT, style=FRAME)
        for column in range(cells):
            glyph, style = picture.get((row, column), (DASH if row == rule else " ", FRAME))
            line.append(glyph, style=style)
        for i in (i for i, place in enumerate(places) if place == row):
            line.append(f" {names[i]}", style=STYLES[i % len(STYLES)])
        line.rstrip()
        text.append_text(line).append("\n")
    text.append(" " * gutter + CORNER + UNDER * cells + "\n", style=FRAME)
    text.append(" " * (gutter + 1) + _ticks(longest, cells) + "\n", style=FRAME)
    return text.append("\n".join(folded(LEGEND, width)), style=FRAME)


def _drawn(lines: Sequence[Sequence[Dot | None]]) -> dict[tuple[int, int], tuple[str, str]]:
    """Return glyph and style of each (row, column) that has dots; where lines cross, the first decides the style."""
    bits: dict[tuple[int, int], int] = {}
    styles: dict[tuple[int, int], str] = {}
    for number, line in enumerate(lines):
        canvas = DotCanvas()
        canvas.draw(line)
        for cell, some in canvas.cells.items():
            bits[cell] = bits.get(cell, 0) | some
            styles.setdefault(cell, STYLES[number % len(STYLES)])
    return {cell: (braille(some), styles[cell]) for cell, some in bits.items()}


def _powers(curves: Sequence[Line]) -> tuple[int, int]:
    """Return the powers of ten at which the axis ends; 0.1% and 1 are always within."""
    shown = [math.log10(share) for _, shares in curves for share in shares if share and 0 < share < math.inf]
    low, high = math.floor(min(shown, default=0)), math.ceil(max(shown, default=0) - SLACK)
    return max(LOWEST, min(-3, low)), min(HIGHEST, max(0, high))


def _power(power: int) -> str:
    return f"{10.0**power:g}" if -3 <= power <= 3 else f"1e{power}"


def _depth(logarithm: float, ends: tuple[int, int]) -> int:
    """Return the row of dots, from the top, of a decimal logarithm."""
    low, high = ends
    return round((high - logarithm) / (high - low) * (HEIGHT * DOWN - 1))


def _dots(shares: Shares, ends: tuple[int, int], longest: int, cells: int) -> Iterator[Dot | None]:
    """Yield a dot for each lag; None where there is no logarithm, or one beyond the axis."""
    for lag, share in enumerate(shares):
        logarithm = math.log10(share) if share and 0 < share < math.inf else math.inf
        if ends[0] <= logarithm <= ends[1] + SLACK:
            yield round(lag / longest * (cells * ACROSS - 1)), _depth(min(logarithm, ends[1]), ends)
        else:
            yield None


def _apart(rows: Sequence[int]) -> list[int | None]:
    """Return a row for each name, the one that is wished or the nearest that is free; None where all are taken."""
    placed = list[int | None]()
    for wished in rows:
        free = [row for row in range(HEIGHT) if row not in placed]
        placed.append(min(free, key=lambda row, wished=wished: abs(row - wished), default=None))  # type: ignore[misc]
    return placed


def _ticks(longest: int, cells: int) -> str:
    """Return the lags below the axis: 0, the middle and the longest, each under its column."""
    first, middle, last = "lag 0", f"{longest // 2:,}", f"{longest:,}"
    at = (longest // 2) * cells // longest - len(middle) // 2
    row = f"{first:<{at}}{middle}" if at > len(first) and longest > 1 else first
    return f"{row:<{cells - len(last)}}{last}"
