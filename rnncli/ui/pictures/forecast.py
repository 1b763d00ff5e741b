"""The picture of a forecast: the history of the series, the forecast with its bands, and what came true."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rnncli.tasks.forecast.reports import ForecastChart
from rnncli.ui.pictures.canvas import (
    BANDS,
    BLUE,
    INK,
    ORANGE,
    WIDTH,
    dots,
    figure_of,
    headed,
    number_axis,
    plain,
    titled,
)
from rnncli.ui.pictures.dates import mark_dates

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 24  # charts in one picture
_COLUMN = 4  # charts that stand under each other; more stand in two columns
_FIRST_DAY, _LAST_DAY = -59_011_459_200, 250_000_000_000  # 100 and 9892, within the years that can be drawn
_BAR = 12  # points, how wide the interval of a single row is
_PER_CHART = 3.4, 2.4  # inches, in one column and in two


def draw(charts: Sequence[ForecastChart], title: str = "") -> Figure:
    """Draw the charts under each other or in two columns, the first MOST of them."""
    shown = charts[:MOST]
    if not shown:
        figure, (axes,) = figure_of(1.2)
        axes.set_axis_off()
        axes.set_title(f"{title or 'Forecast'}: none")
        return figure
    columns = 1 if len(shown) <= _COLUMN else 2
    rows = -(-len(shown) // columns)
    figure, places = figure_of(_PER_CHART[columns - 1] * rows + 0.6, rows, columns)
    for axes, chart in zip(places, shown, strict=False):
        _draw_one(axes, chart, columns, narrow=figure.get_figwidth() < WIDTH)
    for axes in places[len(shown) :]:
        axes.set_axis_off()
    if len(shown) == 1 and not title:
        titled(places[0], f"Forecast: {shown[0].title}" if shown[0].title else "Forecast")
        return figure
    for axes, chart in zip(places, shown, strict=False):
        axes.set_title(plain(chart.title, 80 // columns), fontsize=11)
    more = f", the first {len(shown)}" if len(charts) > len(shown) else ""
    headed(figure, title or f"Forecasts of {len(charts):,} series{more}", places[0])
    return figure


def _draw_one(axes: Axes, chart: ForecastChart, columns: int, *, narrow: bool) -> None:
    """Draw a chart; narrow: with words in its legend that fit one line of a page on a phone."""
    history = [math.nan if value is None else value for _, value in chart.history]
    places = _places(chart)
    past, coming = places[: len(history)], places[len(history) :]
    begin = [(past[-1], history[-1])] if history and math.isfinite(history[-1]) else []
    xs = [x for x, _ in begin] + list(coming)
    ends = [value for _, value in begin]
    if history:
        marks = dots(2 * len(history) if narrow else len(history))
        axes.plot(past, history, color=INK, label="history", linewidth=1.4, **marks)
    for k, (colour, (level, lows, highs)) in enumerate(_coloured(chart)):
        label = f"{level:g}%" if k and narrow else f"{level:g}% interval"
        if len(xs) == 1:  # whose band would have no width
            axes.vlines(xs, lows, highs, color=colour, linewidth=_BAR, label=label)
            continue
        axes.fill_between(xs, ends + list(lows), ends + list(highs), color=colour, lw=0, label=label)
    if history:
        axes.axvline(past[-1], color=INK, linewidth=0.8, linestyle=":")
    values = [value for _, value in chart.forecast]
    alone = dots(1) if len(xs) == 1 else {}
    axes.plot(xs, ends + values, color=BLUE, linewidth=2.2, label="forecast", **alone)
    if chart.actual:
        actual = [math.nan if value is None else value for value in chart.actual]
        axes.plot(xs, ends + actual, color=ORANGE, marker="o", markersize=3.5, linewidth=1.2, label="actual")
    number_axis(axes, [*history, *values, *_band_values(chart)], chart.decimal)
    _mark_times(axes, chart, places, 8 // columns)
    axes.margins(x=0.02)
    named = [chart.target if chart.target != chart.title and columns == 1 else "", chart.unit]
    if any(named):
        axes.set_ylabel(plain(", ".join(filter(None, named)), 40))


def _coloured(chart: ForecastChart) -> Iterator[tuple[str, tuple[float, Sequence[float], Sequence[float]]]]:
    """Yield each band with its colour, the widest first."""
    widest_first = sorted(chart.bands, key=lambda band: -band[0])
    return zip(itertools.chain(BANDS, itertools.repeat(BANDS[-1])), widest_first, strict=False)


def _band_values(chart: ForecastChart) -> Iterator[float]:
    for _, lows, highs in chart.bands:
        yield from lows
        yield from highs
    yield from (value for value in chart.actual if value is not None)


def _is_dated(chart: ForecastChart) -> bool:
    return len(chart.seconds) > 1 and _FIRST_DAY < min(chart.seconds) and max(chart.seconds) < _LAST_DAY


def _places(chart: ForecastChart) -> list[Any]:
    """Return the place of each row on the axis of time: a date, a number, or its rank."""
    import numpy as np

    if _is_dated(chart):
        return list(np.array(chart.seconds, "datetime64[s]"))
    labels = [label for label, _ in (*chart.history, *chart.forecast)]
    try:
        numbers = [float(label) for label in labels]
    except ValueError:
        return list(range(len(labels)))
    return numbers if all(map(math.isfinite, numbers)) else list(range(len(labels)))


def _mark_times(axes: Axes, chart: ForecastChart, places: Sequence[Any], most: int) -> None:
    """Write dates or numbers where they are round, or else the labels of a few rows."""
    from matplotlib.ticker import MaxNLocator

    if _is_dated(chart):
        mark_dates(axes, most)
        return
    labels = [label for label, _ in (*chart.history, *chart.forecast)]
    try:
        [float(label) for label in labels]
        axes.xaxis.set_major_locator(MaxNLocator(most, integer=True))
        axes.ticklabel_format(axis="x", style="plain", useOffset=False)
    except ValueError:
        room = max(1, 9 * most // max(map(len, labels)))
        chosen = range(0, len(labels), max(1, -(-len(labels) // room)))
        axes.set_xticks([places[i] for i in chosen], [plain(labels[i], 24 if len(labels) > 1 else 72) for i in chosen])
