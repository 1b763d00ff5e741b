"""Forecasts as rows of a table under the input's own column names, and as charts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnncli.data.stamps import INTEGER
from rnncli.data.timeline import Timeline
from rnncli.tasks.forecast.explanation import Explanation
from rnncli.tasks.forecast.hierarchy import Hierarchy, alike
from rnncli.tasks.forecast.panel import Panel, digits_of
from rnncli.tasks.forecast.panel_columns import Columns, as_number
from rnncli.tasks.forecast.reports import SPAN, ForecastChart

_HISTORY = 3  # horizons of it are drawn, or two seasons
Band = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Sheet:
    """The table that forecasts of the series of `panel` continue. hierarchy: that of the series, if they add up."""

    panel: Panel
    columns: Columns
    hierarchy: Hierarchy | None = None

    def rows(
        self, point: np.ndarray, bands: Mapping[float, Band], explanation: Explanation | None = None
    ) -> list[dict[str, Any]]:
        """Return a row for each forecast of (H, S, C), with the ends of its intervals and what moved it."""
        return self._filled(point, bands, [self._times(s, len(point)) for s in range(point.shape[1])], explanation)

    def totals(self, total: np.ndarray, bands: Mapping[float, Band], count: int) -> list[dict[str, Any]]:
        """Return a row for each total (S, C) of `count` rows, with the first and the last of their times."""
        ends = []
        for s, name in enumerate(self.panel.ids):
            timeline = self.panel.timelines[s] if self.panel.timelines else None
            first, last = stamped(timeline, (1, count), (1, count))
            ends.append([self.columns.cells(self.columns.id, name) | dict(zip(SPAN, (first, last), strict=True))])
        return self._filled(total[None], {level: (low[None], high[None]) for level, (low, high) in bands.items()}, ends)

    def _times(self, s: int, count: int) -> list[dict[str, Any]]:
        """Return the cells that name series s and the times of the rows after its end."""
        timeline = self.panel.timelines[s] if self.panel.timelines else None
        if timeline is not None:
            times = [self.columns.cells(self.columns.time, str(stamp)) for stamp in timeline.following(count)]
        else:
            times = [{"step": k} if self.columns.layout == "rows" else {} for k in range(1, count + 1)]
        return [self.columns.cells(self.columns.id, self.panel.ids[s]) | time for time in times]

    def _filled(
        self,
        point: np.ndarray,
        bands: Mapping[float, Band],
        rows: Sequence[Sequence[dict[str, Any]]],
        explanation: Explanation | None = None,
    ) -> list[dict[str, Any]]:
        """Return `rows`, by series and row, with values; series are columns where the input has them side by side."""
        side_by_side = len(self.panel.ids) > 1 and self.columns.layout == "wide"
        digits = digits_of(self.panel)
        if self.hierarchy is not None:
            digits = alike(digits)
            point = self.hierarchy.written(point, digits)
        for s, name in enumerate(self.panel.ids):
            for k, row in enumerate(rows[s]):
                for c, target in enumerate((name,) if side_by_side else self.columns.targets):
                    number = digits[s][c].number
                    row[target] = number(point[k, s, c])
                    for level, ends in sorted(bands.items()):
                        for end, values in zip(("lo", "hi"), ends, strict=True):
                            row[f"{target}_{end}_{level:g}"] = number(values[k, s, c])
                    if explanation is not None:
                        row |= explanation.cells(target, row[target], digits[s][c], (k, s, c))
        if not side_by_side:
            return [row for series in rows for row in series]
        return [{key: cell for row in at_once for key, cell in row.items()} for at_once in zip(*rows, strict=True)]

    def charts(
        self, point: np.ndarray, bands: Mapping[float, Band], season: int, decimal: str
    ) -> Iterator[ForecastChart]:
        """Yield a chart for each series and target: the end of its history, and the forecast (H, S, C)."""
        for s in range(len(self.panel.ids)):
            for c in range(point.shape[2]):
                ends = {level: (low[:, s, c], high[:, s, c]) for level, (low, high) in bands.items()}
                end, history = int(self.panel.starts[s + 1]), max(_HISTORY * len(point), 2 * season)
                yield drawn(self.panel, self.columns, (s, c), end, history, point[:, s, c], ends, decimal)


def drawn(
    panel: Panel,
    columns: Columns,
    place: tuple[int, int],
    origin: int,
    history: int,
    made: np.ndarray,
    bands: Mapping[float, Band],
    decimal: str,
    actual: Sequence[float | None] = (),
) -> ForecastChart:
    """Return the chart of the forecast (H,) of series and target `place`, which begins at the panel's row `origin`,
    after at most `history` of the rows before it. bands: (H,) each."""
    (s, c), timelines = place, panel.timelines
    series, target, timeline = panel.rows(s), columns.targets[c], timelines[s] if timelines else None
    rows = range(max(series.start, origin - history), origin + len(made))
    offsets = [row - series.stop + 1 for row in rows]
    labels = [str(label) for label in stamped(timeline, offsets, [row - series.start + 1 for row in rows])]
    before = slice(rows.start, origin)
    shown = zip(panel.values[before, c].tolist(), panel.known[before, c], strict=True)
    tail = origin - rows.start
    return ForecastChart(
        f"{panel.ids[s]} {target}".strip() if columns.layout != "wide" else panel.ids[s] or target,
        tuple(zip(labels[:tail], [value if known else None for value, known in shown], strict=True)),
        tuple(zip(labels[tail:], made.tolist(), strict=True)),
        tuple((level, tuple(low.tolist()), tuple(high.tolist())) for level, (low, high) in bands.items()),
        target,
        clock(timeline, offsets),
        decimal,
        tuple(actual),
        columns.signs.get(target, ""),
    )


def stamped(timeline: Timeline | None, offsets: Sequence[int], places: Sequence[int]) -> list[int | str]:
    """Return the times of the rows `offsets` after the last one of a series, or `places` if there are no times."""
    return list(places) if timeline is None else [as_number(stamp) for stamp in timeline.stamps(offsets)]


def clock(timeline: Timeline | None, offsets: Sequence[int]) -> tuple[int, ...]:
    """Return the clock's seconds since 1970 at the rows `offsets` after the last one, or none without dates."""
    if timeline is None or timeline.format == INTEGER:
        return ()
    return tuple(timeline.seconds(np.array(offsets)).tolist())
