"""A CSV as a panel: series side by side, one under another, or a row for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rnncli.config.schema import DataConfig
from rnncli.data.csv_table import Table, read_table
from rnncli.data.gaps import Filling, filled, first_known
from rnncli.data.numeric import Missing, is_numeric_column, numeric_column
from rnncli.data.panel import Column, Panel, stacked
from rnncli.data.panel_columns import Columns, find_columns, require_columns
from rnncli.data.source import Source
from rnncli.data.time_column import read_timelines
from rnncli.data.timeline import Timeline
from rnncli.errors import DataError, shown


def read_panel(
    source: Source, data: DataConfig, notes: list[str], columns: Columns | None = None
) -> tuple[Panel, Columns, str]:
    """The panel in a CSV, what its columns are, and its delimiter. `columns` are those of a trained model, if any.

    Rows at the end that have known covariates and no target are what is known beforehand.
    """
    table = _read(source, data, notes)
    if columns is None:
        columns = find_columns(table, data, notes)
    else:
        require_columns(table, columns)
    panel = _a_row_each(table, columns, data) if columns.layout == "rows" else _StepTable(table, columns, data).panel()
    for s, name in enumerate(panel.ids):
        for c, target in enumerate(columns.targets):
            column = panel.values[panel.rows(s), c]
            if column.size and column.min() == column.max():
                what = f'column "{target if columns.layout == "wide" else name}"'
                notes.append(f"{what} is constant; there is nothing in it to learn")
    return panel, columns, table.delimiter or ","


def separate(panel: Panel, targets: Sequence[str]) -> Panel:
    """A panel of one series with C targets as C series of one each, which share all the rest."""
    parts = []
    for c, name in enumerate(targets):
        known = panel.known[:, c : c + 1]
        first = first_known(known)  # a column may begin later than its neighbours
        part = replace(panel, ids=(name,), values=panel.values[:, c : c + 1], known=known)
        parts.append(part.lasting(len(known) - first))
    return stacked(parts)


@dataclass(frozen=True)
class _Cells:
    """What a table says, row by row: targets (N, C) with NaN where missing, other columns (N,) by name."""

    targets: np.ndarray
    past: dict[str, Column]
    ahead: dict[str, Column]
    static: dict[str, Column]


def with_future(panel: Panel, columns: Columns, source: Source, data: DataConfig, notes: list[str]) -> Panel:
    """The panel with the known covariates in `source` for the rows after the end of each series.

    Rows up to that end are passed over. DataError where its rows do not go on from there.
    """
    only = replace(columns, targets=(), past=(), static=())
    table = _read(source, data, notes)
    require_columns(table, only)
    later = _StepTable(table, only, data).coming()
    coming = []
    for s, name in enumerate(panel.ids):
        if name not in later:
            raise DataError(f"{source.name}: has no rows of the series {shown(name)}; add them")
        rows, timeline = later[name]
        first = 0
        if timeline is not None and panel.timelines:
            count = len(next(iter(rows.values())))
            stamps = [timeline.stamp(k) for k in range(1 - count, 1)]
            wanted = panel.timelines[s].stamp(1)
            if wanted not in stamps:
                raise DataError(f"{source.name}: has no row of {wanted}, where the series goes on; add it")
            first = stamps.index(wanted)
        coming.append({key: column[first:] for key, column in rows.items()})
    return replace(panel, coming=tuple(coming))


def _read(source: Source, data: DataConfig, notes: list[str]) -> Table:
    return read_table(
        source, encoding=data.encoding, delimiter=data.delimiter, decimal=data.decimal,
        skip_rows=data.skip_rows, ragged=data.ragged, notes=notes,
    )  # fmt: skip


class _StepTable:
    """A table in which a row is one step of a series, or of several side by side."""

    def __init__(self, table: Table, columns: Columns, data: DataConfig):
        self.table, self.columns, self.data = table, columns, data
        self.index = {name: i for i, name in enumerate(table.header)}
        self.groups = self._groups()

    def _groups(self) -> dict[str, np.ndarray]:
        """The rows of each series, in the order of their first ones."""
        if self.columns.id is None:
            return {"": np.arange(len(self.table.rows))}
        at, rows = self.index[self.columns.id], self.table.rows
        groups: dict[str, list[int]] = {}
        for number, row in enumerate(rows):
            groups.setdefault(row[at], []).append(number)
        return {name: np.array(numbers) for name, numbers in groups.items()}

    def panel(self) -> Panel:
        timelines, places = self._timelines()
        cells = _Cells(
            self._numbers(self.columns.targets), self._covariates(self.columns.past),
            self._covariates(self.columns.ahead), self._covariates(self.columns.static),
        )  # fmt: skip
        lasts = [self._last_target(rows, cells.targets) for rows in self.groups.values()]
        self._refuse_missing(lasts)
        series = [
            self._series(name, rows, last, places[rows], timelines[s : s + 1], cells)
            for s, ((name, rows), last) in enumerate(zip(self.groups.items(), lasts, strict=True))
        ]
        return stacked(series)

    def coming(self) -> dict[str, tuple[dict[str, Column], Timeline | None]]:
        """Of each series, the known covariates of all rows, and their times."""
        timelines, _ = self._timelines()
        cells = self._covariates(self.columns.ahead)
        for name in self.columns.ahead:
            if cells[name].dtype.kind != "U":
                numeric_column(self.table, self.index[name], decimal=self.data.decimal)
        return {
            name: ({key: column[rows] for key, column in cells.items()}, timelines[s] if timelines else None)
            for s, (name, rows) in enumerate(self.groups.items())
        }

    def _timelines(self) -> tuple[list[Timeline], np.ndarray]:
        if self.columns.time is None:
            places = np.zeros(len(self.table.rows), np.int64)
            for rows in self.groups.values():
                places[rows] = np.arange(len(rows))
            return [], places
        return read_timelines(
            self.table, self.index[self.columns.time], list(self.groups.values()),
            fill_gaps=self.data.missing != "refuse", keep_duplicates=self.data.duplicates != "refuse",
        )  # fmt: skip

    def _numbers(self, names: Sequence[str]) -> np.ndarray:
        """(N, C) with NaN where missing."""
        columns = [
            numeric_column(self.table, self.index[name], decimal=self.data.decimal, missing="mask") for name in names
        ]
        return np.stack(columns, axis=1)

    def _covariates(self, names: Sequence[str]) -> dict[str, Column]:
        """Numbers where a column has only them, else words."""
        return {
            name: numeric_column(self.table, self.index[name], decimal=self.data.decimal, missing="mask")
            if is_numeric_column(self.table, self.index[name], self.data.decimal)
            else np.array([row[self.index[name]].strip() for row in self.table.rows])
            for name in names
        }

    def _last_target(self, rows: np.ndarray, targets: np.ndarray) -> int:
        """How many of a series' rows there are up to its last target; all of them unless covariates go on."""
        if not self.columns.ahead:
            return len(rows)
        known = np.flatnonzero(~np.isnan(targets[rows]).all(axis=1))
        return int(known[-1]) + 1 if known.size else 0

    def _refuse_missing(self, lasts: Sequence[int]) -> None:
        """DataError for the first missing number that nothing says how to fill."""
        seen = np.concatenate([rows[:last] for rows, last in zip(self.groups.values(), lasts, strict=True)])
        kept = sorted(seen.tolist())
        within = Table(
            self.table.name, self.table.header, [self.table.rows[i] for i in kept],
            [self.table.lines[i] for i in kept], self.table.delimiter,
        )  # fmt: skip
        if not kept:
            names = ", ".join(self.columns.targets)
            raise DataError(f"{self.table.name}: no row has a value of {names}; name another column in data.target")
        how: Missing = "refuse" if self.data.missing == "refuse" else "mask"
        for name in (*self.columns.targets, *self.columns.past, *self.columns.ahead):
            if is_numeric_column(within, self.index[name], self.data.decimal) or name in self.columns.targets:
                numeric_column(within, self.index[name], decimal=self.data.decimal, missing=how)

    def _series(
        self, name: str, rows: np.ndarray, last: int, places: np.ndarray, timeline: Sequence[Timeline], cells: _Cells
    ) -> Panel:
        """One series on its regular grid."""
        if not last:
            raise DataError(f"{self.table.name}: the series {shown(name)} has no value; remove its rows")
        end = int(places[last - 1]) + 1
        seen, seen_places = rows[:last], places[:last]
        grid = self._on_grid(cells.targets[seen], seen_places, end)
        known = ~np.isnan(grid)
        values = np.stack([self._filled(grid[:, c], name, rows) for c in range(grid.shape[1])], axis=1)
        return Panel(
            (name,), np.array([0, end]), values, known,
            # No line to a value that is not known yet.
            {key: self._covariate(column[seen], seen_places, end, "mask") for key, column in cells.past.items()},
            {
                key: self._covariate(column[seen], seen_places, end, self.data.missing)
                for key, column in cells.ahead.items()
            },
            ({key: self._coming(column[rows], places, end) for key, column in cells.ahead.items()},),
            self._static(name, rows, cells.static),
            tuple(replace(one, last=one.stamp(end - 1 - int(places[-1]))) for one in timeline),
        )  # fmt: skip

    def _on_grid(self, cells: np.ndarray, places: np.ndarray, end: int) -> np.ndarray:
        """Rows (n, …) of numbers at their places of a grid of `end` rows, NaN where there is none."""
        if len(cells) == end:  # neither gaps nor duplicates: most tables
            return cells
        grid = np.full((end, *cells.shape[1:]), np.nan)
        if self.data.duplicates == "mean":
            total, count = np.zeros_like(grid), np.zeros_like(grid)
            there = ~np.isnan(cells)
            np.add.at(total, places, np.where(there, cells, 0.0))
            np.add.at(count, places, there)
            np.divide(total, count, out=grid, where=count > 0)
            return grid
        order = slice(None, None, -1) if self.data.duplicates == "first" else slice(None)
        grid[places[order]] = cells[order]
        return grid

    def _filled(self, values: np.ndarray, name: str, rows: np.ndarray) -> np.ndarray:
        if np.isnan(values).all():
            place = f"the series {shown(name)}" if name else "a column"
            raise DataError(f"{self.table.name}:{self.table.lines[rows[0]]}: {place} has no values; remove it")
        if self.data.missing == "ffill" and np.isnan(values[0]):
            raise DataError(
                f"{self.table.name}:{self.table.lines[rows[0]]}: the first value is missing, so ffill has nothing to "
                "repeat; remove the row or use --set data.missing=interpolate or mask"
            )
        return filled(values, self.data.missing) if np.isnan(values).any() else values

    def _covariate(self, column: Column, places: np.ndarray, end: int, how: Filling) -> Column:
        """A covariate on the grid of its series; words are repeated where a row is missing."""
        if column.dtype.kind == "U":
            numbers = np.arange(len(column), dtype=np.float64)
            return column[filled(self._on_grid(numbers, places, end), "mask").astype(int)]
        grid = self._on_grid(column, places, end)
        return filled(grid, how) if not np.isnan(grid).all() else np.zeros(end)

    def _coming(self, column: Column, places: np.ndarray, end: int) -> Column:
        """A known covariate in the rows after the last target, up to the first that lacks it."""
        after = places >= end
        missing = np.array([not cell for cell in column]) if column.dtype.kind == "U" else np.isnan(column)
        whole = np.cumsum(missing[after] | (places[after] != end + np.arange(after.sum()))) == 0
        return column[after][whole]

    def _static(self, name: str, rows: np.ndarray, columns: Mapping[str, Column]) -> dict[str, Column]:
        """One value a series; DataError where it changes."""
        for key, column in columns.items():
            wrong = np.flatnonzero(column[rows] != column[rows[0]])
            if wrong.size:
                line = self.table.lines[int(rows[wrong[0]])]
                raise DataError(
                    f'{self.table.name}:{line}: the static column "{key}" changes within the series {shown(name)}; '
                    "name it in data.past_covariates or data.known_covariates"
                )
        return {key: column[rows[:1]] for key, column in columns.items()}


def _a_row_each(table: Table, columns: Columns, data: DataConfig) -> Panel:
    """A series in each row, missing cells after its end."""
    at = table.header.index(columns.id) if columns.id in table.header else 0
    steps = [i for i in range(len(table.header)) if i != at]
    cells = np.stack([numeric_column(table, i, decimal=data.decimal, missing="mask") for i in steps], axis=1)
    parts = []
    for line, row, values in zip(table.lines, table.rows, cells, strict=True):
        there = np.flatnonzero(~np.isnan(values))
        if not there.size:
            raise DataError(f"{table.name}:{line}: the series {shown(row[at])} has no values; remove the row")
        values = values[: there[-1] + 1]
        gaps = np.flatnonzero(np.isnan(values))
        if gaps.size and data.missing == "refuse":
            raise DataError(
                f"{table.name}:{line}: column {steps[gaps[0]] + 1} of the series {shown(row[at])} is missing; "
                "--set data.missing=ffill|interpolate|mask says what to do"
            )
        parts.append(
            Panel(
                (row[at],), np.array([0, len(values)]), filled(values, data.missing)[:, None],
                ~np.isnan(values)[:, None], {}, {}, ({},), {}, (),
            )
        )  # fmt: skip
    return stacked(parts)
