"""A forecast that was written as rows, as charts again: what `predict -f csv|json|jsonl` writes, and any like it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from rnncli.data.stamps import INTEGER, form_of_all, formats_of, read
from rnncli.tasks.forecast.reports import AVERAGED_WITH, FORECAST_BY, SPAN, ForecastChart

_END = re.compile(r"(.+)_(lo|hi)_(\d{1,3}(?:\.\d{1,9})?)")  # the column of the end of an interval
_EVEN = 1e-6  # between steps that are one: decimals are rounded


def charts_of(rows: Sequence[Mapping[str, Any]], decimal: str = ".") -> tuple[ForecastChart, ...]:
    """Return a chart for each series and target, without a history; none if these are no rows of a forecast.

    Targets are the columns with intervals, or else the last ones of numbers. The column before them has the times, of
    totals the two before them, and those before it name the series.
    """
    if not all(row.keys() >= rows[0].keys() for row in rows):
        return ()
    names = [name for name in rows[0] if name not in (FORECAST_BY, AVERAGED_WITH)] if rows else []
    ends = {name: match for name in names if (match := _END.fullmatch(name))}
    plain = [name for name in names if name not in ends]
    totals = _before_totals(plain, rows)
    targets = [name for name in plain if any(match[1] == name for match in ends.values())]
    targets = targets or (plain[totals:] if totals else _numbers(plain, rows))
    if not targets or (len(names) == len(rows) == 1):  # a single number is no forecast
        return ()
    before, times = plain[: plain.index(targets[0])], len(SPAN) if totals else 1
    series: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        series.setdefault(tuple(str(row[name]) for name in before[:-times]), []).append(row)
    return tuple(
        _chart(" ".join((*key, target)), members, before[-times:], target, ends, decimal)
        for key, members in series.items()
        for target in targets
    )


def _before_totals(names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> int:
    """Return how many columns stand before totals, of which there is one row a series; 0 for other rows."""
    for end in range(len(SPAN), len(names)):
        if tuple(names[end - len(SPAN) : end]) == SPAN:
            series = {tuple(str(row[name]) for name in names[: end - len(SPAN)]) for row in rows}
            return end if len(series) == len(rows) else 0
    return 0


def _numbers(names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the last columns in which all are numbers; the first column is never one of them, if there are more, nor
    is the time of several series, which may be numbers too (2020, 20230601, a counter)."""
    first = min(1, len(names) - 1)
    start = len(names)
    while start > first and all(math.isfinite(number(row[names[start - 1]])) for row in rows):
        if 1 < start < len(names) and _is_time(names[start - 1], names[: start - 1], rows):
            break
        start -= 1
    return list(names[start:])


def _is_time(name: str, before: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> bool:
    """True if the column rises within each of the series that those `before` name: by one step, or as dates do."""
    series: dict[tuple[str, ...], list[Any]] = {}
    for row in rows:
        series.setdefault(tuple(str(row[one]) for one in before), []).append(row[name])
    several = [cells for cells in series.values() if len(cells) > 1]
    steps = [b - a for cells in several for a, b in pairwise(map(number, cells))]
    if not steps or min(steps) <= 0:
        return False
    even = math.isclose(min(steps), max(steps), rel_tol=_EVEN)
    return even or all(_seconds([str(cell) for cell in cells]) for cells in several)


def _chart(
    title: str,
    rows: Sequence[Mapping[str, Any]],
    time: Sequence[str],
    target: str,
    ends: Mapping[str, re.Match[str]],
    decimal: str,
) -> ForecastChart:
    labels = [" to ".join(str(row[name]) for name in time) or str(i) for i, row in enumerate(rows, 1)]
    sides = {(match[2], match[3]): name for name, match in ends.items() if match[1] == target}
    levels = [level for side, level in sides if side == "lo" and ("hi", level) in sides]

    def column(name: str) -> tuple[float, ...]:
        return tuple(number(row[name]) for row in rows)

    return ForecastChart(
        title,
        (),
        tuple(zip(labels, column(target), strict=True)),
        tuple((float(level), column(sides["lo", level]), column(sides["hi", level])) for level in levels),
        target,
        _seconds(labels),
        decimal,
    )


def _seconds(labels: Sequence[str]) -> tuple[int, ...]:
    """Return the clock at these stamps, or none if they are no dates."""
    for form in filter(None, [form_of_all(labels), *formats_of(labels[0])]):
        values = read(labels, form) if form != INTEGER else ()
        if len(values) == len(labels):
            return tuple(int(value) for value in values)
    return ()


def number(value: Any) -> float:
    """Return a cell as a number, NaN if it is none."""
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan
