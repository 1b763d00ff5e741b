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
from rnncli.tasks.forecast.reports import ForecastChart

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
            ends.append([self.columns.cells(self.columns.id, name) | {"first": first, "last": last}])
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
        for s, name in enumerate(self.panel.ids):
            one, timeline = self.panel.one(s), self.panel.timelines[s] if self.panel.timelines else None
            N, H = len(one.values), len(point)
            tail = min(N, max(_HISTORY * H, 2 * season))
            labels = stamped(timeline, range(1 - tail, H + 1), range(N - tail + 1, N + H + 1))
            shown = [str(label) for label in labels]
            seconds = clock(timeline, range(1 - tail, H + 1))
            for c in range(one.values.shape[1]):
                target = self.columns.targets[c]
                title = f"{name} {target}".strip() if self.columns.layout != "wide" else name or target
                history = [
                    value if known else None
                    for value, known in zip(one.values[-tail:, c], one.known[-tail:, c], strict=True)
                ]
                yield ForecastChart(
                    title,
                    tuple(zip(shown[:tail], history, strict=True)),
                    tuple(zip(shown[tail:], point[:, s, c].tolist(), strict=True)),
                    tuple(
                        (level, tuple(low[:, s, c].tolist()), tuple(high[:, s, c].tolist()))
                        for level, (low, high) in bands.items()
                    ),
                    target,
                    seconds,
                    decimal,
                    unit=self.columns.signs.get(target, ""),
                )


def stamped(timeline: Timeline | None, offsets: Sequence[int], places: Sequence[int]) -> list[int | str]:
    """Return the times of the rows `offsets` after the last one of a series, or `places` if there are no times."""
    return list(places) if timeline is None else [as_number(stamp) for stamp in timeline.stamps(offsets)]


def clock(timeline: Timeline | None, offsets: Sequence[int]) -> tuple[int, ...]:
    """Return the clock's seconds since 1970 at the rows `offsets` after the last one, or none without dates."""
    if timeline is None or timeline.format == INTEGER:
        return ()
    return tuple(timeline.seconds(np.array(offsets)).tolist())
