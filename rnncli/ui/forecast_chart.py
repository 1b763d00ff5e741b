"""A chart of a forecast after its history on a terminal, with rich; `pictures.forecast` draws it for a file.

Lines are dots of braille, bands are shades, and a dotted rule stands where the forecast begins, so that the picture
needs no colour. Colours are those of the terminal's own palette.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rnncli.tasks.forecast.reports import ForecastChart
from rnncli.ui.axes import ACROSS, DOWN, Dot, DotCanvas, ValueAxis, braille, spanning
from rnncli.ui.output import Output, visible

if TYPE_CHECKING:
    from rich.text import Text

PAST, COMING, BAND, FRAME, PLAIN = "default", "bold magenta", "cyan", "dim", ""  # styles
SHADES = "░▒▓"  # from the widest band to the narrowest; further ones share the last
RULE = "┊"
LEAST_WIDTH, MOST_WIDTH = 40, 200
LEAST_HEIGHT, MOST_HEIGHT = 10, 30
LEAST_ROWS = 5
LEAST_SHARE = 1 / 4  # least share of the width for the forecast, however long the history
BETWEEN = 2  # spaces between two labels of one line

Piece = tuple[str, str]  # (text, style)


@dataclass(frozen=True)
class TimeAxis:
    """The time axis: `past` rows of history left of the cell column `rule`, then `horizon` of forecast, evenly spaced.

    Both have one scale, unless that would leave the forecast less than LEAST_SHARE of the width.
    """

    columns: int
    past: int
    horizon: int

    @property
    def rule(self) -> int:
        share = max(LEAST_SHARE, self.horizon / (max(self.past - 1, 0) + self.horizon))
        return min(max(1, self.columns - round(self.columns * share)), self.columns - 1)

    def of_history(self, row: int) -> int:
        """Return the dot column of a row of the history; its last row stands right before the rule."""
        last = ACROSS * self.rule - 1
        return round(last * row / (self.past - 1)) if self.past > 1 else last

    def of_forecast(self, row: int) -> int:
        """Return the dot column of a row of the forecast; its last row stands at the right edge."""
        last = ACROSS * self.rule - 1
        return last + round((ACROSS * self.columns - 1 - last) * (row + 1) / self.horizon)


def draw(chart: ForecastChart, width: int, height: int) -> Text:
    """Draw `chart` in `height` lines of at most `width` cells, for 40 columns and 10 lines or more.

    The lines are, from the top, the title, the plot, the first and last label of the history and the last of the
    forecast, and the legend. The highest and the lowest value, bands included, stand in the plot's first and last
    row. A history of more rows than there are dots keeps its extremes (see `DotCanvas.draw`); missing values leave
    gaps, values that are not finite count as missing, and an infinite end of a band reaches the edge.
    """
    from rich.text import Text

    values = spanning(_values(chart), chart.decimal)
    room = height - 4
    ticks = values.ticks((room - 1) / max(2, room // 5))
    gutter = max(len(label) for _, label in ticks)
    time = TimeAxis(width - gutter - 2, len(chart.history), len(chart.forecast))
    under = _labels_under(chart, time)
    rows = max(LEAST_ROWS, height - 3 - len(under))
    marked = {_dot_row(values, value, rows) // DOWN: label for value, label in ticks}
    text = Text(no_wrap=True, overflow="crop")
    text.append(_fitted(chart.title, width) + "\n", style="bold")
    for row, pieces in enumerate(_plot(chart, values, time, rows)):
        text.append(f"{marked.get(row, ''):>{gutter}} {'┤' if row in marked else '│'}", style=FRAME)
        for piece, style in pieces:
            text.append(piece, style=style)
        text.append("\n")
    line = "─" * time.rule + "┴" + "─" * (time.columns - time.rule - 1)
    text.append(" " * (gutter + 1) + "└" + line + "\n", style=FRAME)
    for labels in under:
        text.append(" " * (gutter + 2) + labels + "\n", style=FRAME)
    text.append_text(_legend(chart, gutter + 2, width))
    return text


def _values(chart: ForecastChart) -> Iterator[float]:
    """Yield every number of the chart, from its history, forecast and bands."""
    yield from (value for _, value in chart.history if value is not None)
    yield from (value for _, value in chart.forecast)
    for _, lows, highs in chart.bands:
        yield from lows
        yield from highs


def _dot_row(values: ValueAxis, value: float, rows: int) -> int:
    return min(max(0, round(values.depth(value) * (DOWN * rows - 1))), DOWN * rows - 1)


def _plot(chart: ForecastChart, values: ValueAxis, time: TimeAxis, rows: int) -> Iterator[list[Piece]]:
    """Yield each row as runs of one style; the lines are drawn over the rule, and the rule over the bands."""

    def dot(column: int, value: float | None) -> Dot | None:
        return None if value is None or not math.isfinite(value) else (column, _dot_row(values, value, rows))

    past = [dot(time.of_history(i), value) for i, (_, value) in enumerate(chart.history)]
    coming = [dot(time.of_forecast(i), value) for i, (_, value) in enumerate(chart.forecast)]
    history, forecast = DotCanvas(), DotCanvas()
    history.draw(past)
    forecast.draw(past[-1:] + coming)
    shades: dict[tuple[int, int], str] = {}
    for shade, _, lows, highs in _shaded(chart):
        shades.update(dict.fromkeys(_band_cells(chart, lows, highs, values, time, rows), shade))

    def cell(row: int, column: int) -> Piece:
        at = row, column
        bits = history.cells.get(at, 0) | forecast.cells.get(at, 0)
        if bits:
            return braille(bits), PAST if at in history.cells else COMING
        if column == time.rule:
            return RULE, FRAME
        return (shades[at], BAND) if at in shades else (" ", PLAIN)

    for row in range(rows):
        runs = itertools.groupby((cell(row, column) for column in range(time.columns)), key=lambda piece: piece[1])
        yield [("".join(text for text, _ in run), style) for style, run in runs]


def _shaded(chart: ForecastChart) -> list[tuple[str, float, Sequence[float], Sequence[float]]]:
    """Return (shade, level, lows, highs) of each band, the widest first."""
    widest_first = sorted(chart.bands, key=lambda band: -band[0])
    return [(SHADES[min(i, len(SHADES) - 1)], *band) for i, band in enumerate(widest_first)]


def _band_cells(
    chart: ForecastChart, lows: Sequence[float], highs: Sequence[float], values: ValueAxis, time: TimeAxis, rows: int
) -> Iterator[tuple[int, int]]:
    """Yield (row, column) of the cells whose centre lies between low and high, which are joined from row to row.

    A band begins at the history's last value, if that is known.
    """

    def edge(column: int, low: float, high: float) -> tuple[int, float, float]:
        return column, max(values.depth(high), -1.0), min(values.depth(low), 2.0)  # 0 to 1 is inside

    edges = [edge(time.of_forecast(i), *ends) for i, ends in enumerate(zip(lows, highs, strict=True))]
    known = chart.history[-1][1] if chart.history else None
    if known is not None and math.isfinite(known):
        edges.insert(0, edge(time.of_history(time.past - 1), known, known))
    for (start, *before), (end, *after) in itertools.pairwise(edges if len(edges) > 1 else edges * 2):
        for column in range(start // ACROSS, end // ACROSS + 1):
            done = min(max(0.0, (ACROSS * column + 0.5 - start) / max(1, end - start)), 1.0)
            top, bottom = (a + (b - a) * done for a, b in zip(before, after, strict=True))
            for row in range(rows):
                if top <= (DOWN * row + 1.5) / (DOWN * rows - 1) <= bottom:
                    yield row, column


def _labels_under(chart: ForecastChart, time: TimeAxis) -> list[str]:
    """Return lines of labels under the plot, each label on the first line where it has room."""
    from rich.cells import cell_len

    ends = [(label, 0) for label, _ in chart.history[:1]]
    ends += [(label, time.rule) for label, _ in chart.history[1:][-1:]]
    ends += [(label, time.columns) for label, _ in chart.forecast[-1:]]
    lines: list[str] = []
    for label, end in ends:
        shown = _fitted(label, time.columns)
        start = max(0, end - cell_len(shown))
        free = (i for i, line in enumerate(lines) if cell_len(line) + BETWEEN <= start)
        at = next(free, len(lines))
        if at == len(lines):
            lines.append("")
        lines[at] += " " * (start - cell_len(lines[at])) + shown
    return lines


def _legend(chart: ForecastChart, indent: int, width: int) -> Text:
    """Return the meaning of the glyphs as one line, the narrowest band first."""
    from rich.text import Text

    lines = [Text.assemble(("⠒⠒", PAST), " history"), Text.assemble((RULE, FRAME), ("⠒⠒", COMING), " forecast")]
    bands = [Text.assemble((shade * 2, BAND), f" {level:g}%") for shade, level, _, _ in reversed(_shaded(chart))]
    text = Text("  ").join(lines + bands)
    text.truncate(width, overflow="ellipsis")
    return Text(" " * min(indent, width - text.cell_len)) + text


def _fitted(text: str, width: int) -> str:
    """Return `text` from data as one line of at most `width` cells."""
    from rich.text import Text

    shown = Text(visible(text).replace("\n", "\\n").replace("\t", "\\t"))
    shown.truncate(width, overflow="ellipsis")
    return shown.plain


def write_charts(charts: Sequence[ForecastChart]) -> None:
    """Write all charts to standard output, an empty line between two, as wide as the terminal; 80 columns in a pipe."""
    from rich.console import Console

    Output()  # rich writes to standard output as well, and finds it in UTF-8
    console = Console(highlight=False)
    width = min(max(LEAST_WIDTH, console.width), MOST_WIDTH)
    height = min(max(LEAST_HEIGHT, min(console.height - 2, width // 4)), MOST_HEIGHT)
    for number, chart in enumerate(charts):
        if number:
            console.print()
        console.print(draw(chart, width, height))
