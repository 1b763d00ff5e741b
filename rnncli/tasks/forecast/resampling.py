"""Rows of irregular times, or of finer ones, made even: those of each interval become one row.

An interval without rows stays a gap, which `data.missing` fills or refuses; no value is invented here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from rnncli.data import zones
from rnncli.data.csv_table import Table
from rnncli.data.digits import rounded_like
from rnncli.data.numeric import numeric_column
from rnncli.data.stamp_column import Clock, clock_of
from rnncli.data.stamps import DAY, HOUR, months_of, months_starts
from rnncli.errors import ConfigError, DataError, shown
from rnncli.notes import doubt, note
from rnncli.tasks.forecast.config import SeriesConfig, interval_of
from rnncli.tasks.forecast.panel_columns import Columns, rows_of_series

_MONDAY = 4 * DAY  # the first one since 1970, where weeks begin

AGGREGATES: dict[str, Callable[[np.ndarray], float]] = {
    "mean": np.mean,
    "sum": np.sum,
    "last": lambda values: values[-1],
    "max": np.max,
    "min": np.min,
}


def resampled(table: Table, columns: Columns, data: SeriesConfig) -> Table:
    """Return a table with one row for each interval of `data.resample` that has rows of a series, in the order of the
    series and of their times; a note counts them.

    Targets become what `data.aggregate` says of their known values, or of the sums of those of one time if
    `data.duplicates` says so; other numbers become their mean, and words the last one.
    DataError for rows that are not in the order of their times, or of one time, unless `data.duplicates` is set.
    """
    if columns.time is None:
        raise ConfigError("data.resample: needs a time column; name it in data.time, or remove data.resample")
    at, groups = table.header.index(columns.time), list(rows_of_series(table, columns).values())
    clock = clock_of(table, at, groups, data.time_format, data.timezone)
    _require_order(table, at, groups, clock, data)
    groups = [_without_duplicates(group, table, at, data) for group in groups]
    local, begins = _beginnings(clock, str(data.resample))
    firsts = [np.flatnonzero(np.append(True, np.diff(begins[group]) != 0)) for group in groups]
    members = [rows for group, cuts in zip(groups, firsts, strict=True) for rows in np.split(group, cuts[1:])]
    heads = np.array([rows[0] for rows in members])
    made = [list(table.rows[rows[-1]]) for rows in members]
    for name, how in _numbers(columns, data).items():
        place = table.header.index(name)
        values = numeric_column(table, place, decimal=data.decimal, missing="mask")
        summed = data.duplicates == "sum" and name in columns.targets
        known = [rows[~np.isnan(values[rows])] for rows in members]
        each = [_sums(values[rows], clock.moments[rows]) if summed else values[rows] for rows in known]
        numbers = np.array([how(one) if one.size else np.nan for one in each])
        if how is np.sum:
            numbers = rounded_like(numbers, values)
        for row, number in zip(made, numbers.tolist(), strict=True):
            row[place] = "" if np.isnan(number) else repr(number).replace(".", data.decimal)
    for row, stamp in zip(made, clock.written(local[heads], begins[heads]), strict=True):
        row[at] = stamp
    _note_counts(np.array([len(rows) for rows in members]), data)
    _doubt_ends(table, at, groups, clock, begins, data)
    return replace(table, rows=made, lines=[table.lines[i] for i in heads])


def _sums(values: np.ndarray, moments: np.ndarray) -> np.ndarray:
    """Return the sum of the values (n,) of each of the moments (n,), in their order."""
    sums = np.bincount(np.unique(moments, return_inverse=True)[1], values)
    return rounded_like(sums, values) if len(sums) < len(values) else sums


def _numbers(columns: Columns, data: SeriesConfig) -> dict[str, Callable[[np.ndarray], float]]:
    """Return how each column of numbers is aggregated."""
    beside = [name for name in (*columns.past, *columns.known_covariates) if name not in columns.words]
    return dict.fromkeys(columns.targets, AGGREGATES[data.aggregate]) | dict.fromkeys(beside, np.mean)


def _beginnings(clock: Clock, resample: str) -> tuple[np.ndarray, np.ndarray]:
    """Return what the clock shows, and the moment, (N,) each, where the interval of each row begins.

    Intervals of two hours and more go by the clock, shorter ones by moments, so that the two hours that are one on the
    clock when summer time ends are told apart.
    """
    count, months = interval_of(resample)
    if months:
        at = months_of(clock.local)[0] // count * count
        return _with_moments(months_starts(at)[0], clock)
    if count < 2 * HOUR:
        offset = clock.local - clock.moments  # hours begin as on the clock, in zones of half hours too
        begins = (clock.moments + offset) // count * count
        return begins, begins - offset
    return _with_moments((clock.local - _MONDAY) // count * count + _MONDAY, clock)


def _with_moments(local: np.ndarray, clock: Clock) -> tuple[np.ndarray, np.ndarray]:
    return local, zones.moments(local, clock.zone)[0] if clock.zone else local


def _require_order(table: Table, at: int, groups: Sequence[np.ndarray], clock: Clock, data: SeriesConfig) -> None:
    """Raise DataError for the first row that is before the one above it in its series, or at the same time."""
    for group in groups:
        steps = np.diff(clock.moments[group])
        for i in np.flatnonzero(steps <= 0):
            before, after = (shown(table.rows[group[k]][at].strip()) for k in (i, i + 1))
            if steps[i] == 0 and (before != after or data.duplicates != "refuse"):
                continue
            where = f"{table.name}:{table.lines[group[i + 1]]}: column {at + 1} {shown(table.header[at])}"
            if steps[i] < 0:
                raise DataError(f"{where}: {after} comes after {before}, which is later; --sort sorts the rows")
            raise DataError(
                f"{where}: {after} occurs twice; if these are of several series, name the column that tells them apart "
                "in data.id, and if they are all of one, --duplicates mean, and the interval has both, or sum "
                "to add them up first"
            )


def _without_duplicates(group: np.ndarray, table: Table, at: int, data: SeriesConfig) -> np.ndarray:
    """Return the rows of a series without those of one time that `data.duplicates` leaves out."""
    if data.duplicates not in ("first", "last"):
        return group
    cells = [table.rows[row][at].strip() for row in group]
    again = np.array([a == b for a, b in pairwise(cells)], bool)
    return group[np.append(True, ~again) if data.duplicates == "first" else np.append(~again, True)]


def _doubt_ends(
    table: Table, at: int, groups: Sequence[np.ndarray], clock: Clock, begins: np.ndarray, data: SeriesConfig
) -> None:
    """Tell of series whose rows begin or end in the middle of an interval, which then counts for a whole one."""
    count, months = interval_of(str(data.resample))
    typical = count * 31 * DAY if months else count
    short, first = 0, ""
    for group in groups:
        moments = clock.moments[group]
        step = int(np.median(np.diff(moments))) if len(group) > 1 else 0
        late = moments[0] - begins[group[0]] > 1.5 * step
        left = begins[group[-1]] + (0.9 if months else 1) * typical - moments[-1]
        if late or left > 1.5 * max(step, 1):
            short += 1
            row = group[0] if late else group[-1]
            first = first or f"{table.name}:{table.lines[row]}, {shown(table.rows[row][at].strip())}"
    if short:
        doubt(
            f"{short:,} of {len(groups):,} series begin or end within an interval of {data.resample}, which counts for "
            f"a whole one (see {first}); remove such rows, unless {data.aggregate} is right for a piece"
        )


def _note_counts(counts: np.ndarray, data: SeriesConfig) -> None:
    low, middle, high = counts.min(), int(np.median(counts)), counts.max()
    ends = f"; {counts[0]:,} in the first, {counts[-1]:,} in the last"
    held = f"{low:,}" if low == high else f"{low:,} to {high:,} (median {middle:,}{ends})"
    note(
        f"{counts.sum():,} rows became {len(counts):,}, the {data.aggregate} (data.aggregate) of each {data.resample} "
        f"with rows, which are {held}"
    )
