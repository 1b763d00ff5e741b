"""Hierarchies of series, such as shop ⊂ region ⊂ all: which sums there are, and the sums as further series of a panel.

A sum is named as its series are, with the word `total` in place of what is summed over: North,total is the region
North, and total,total everything. Sums, from the top down, stand before the leaves, the series of the lowest level.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from rnncli.data.csv_table import Table
from rnncli.data.digits import Digits, rounded_like
from rnncli.data.joined_columns import join_of_keys
from rnncli.data.numeric import column_index
from rnncli.errors import DataError, shown
from rnncli.notes import note
from rnncli.tasks.forecast.config import SeriesConfig
from rnncli.tasks.forecast.panel import Column, Panel, stacked
from rnncli.tasks.forecast.panel_columns import Columns, rows_of_series

TOTAL = "total"


@dataclass(frozen=True)
class Hierarchy:
    """The m sums of n leaves, S = m + n series in all: levels (S,), the place of the level of each in `names`;
    aggregation (m, n), 1 where a leaf is in a sum, 0 elsewhere."""

    names: tuple[str, ...]
    levels: np.ndarray
    aggregation: np.ndarray

    @classmethod
    def of(cls, columns: Columns, ids: Sequence[str]) -> Hierarchy:
        """Return the hierarchy of these S `ids` of sums and, after them, of leaves."""
        each = [_cells(columns, name) for name in ids]
        depths = np.array([_depth(cells) for cells in each])
        m = int((depths < len(each[0])).sum())
        places = {tuple(cells[:depth]): s for s, (cells, depth) in enumerate(zip(each, depths.tolist(), strict=True))}
        aggregation = np.zeros((m, len(ids) - m))
        for s, cells in enumerate(each[m:]):
            above = [places[tuple(cells[:depth])] for depth in range(len(columns.hierarchy) + 1) if cells[depth:]]
            aggregation[above, s] = 1
        names = (TOTAL, *columns.hierarchy)
        if len(each[0]) > len(columns.hierarchy):
            names += (", ".join(columns.sources(columns.id)[len(columns.hierarchy) :]),)
        return cls(names, np.minimum(depths, len(names) - 1), aggregation)

    def described(self) -> str:
        """Return how many series each level has, in words."""
        counts = np.bincount(self.levels).tolist()
        return ", ".join(
            TOTAL if name == TOTAL else f"{n:,} of {name}" for name, n in zip(self.names, counts, strict=True)
        )

    @property
    def sums(self) -> int:
        return len(self.aggregation)

    def gaps(self, values: np.ndarray) -> np.ndarray:
        """Return how far the sums among `values` (…, S, C) are from the sums of their leaves, (…, m, C)."""
        return values[..., : self.sums, :] - self.aggregation @ values[..., self.sums :, :]

    def summed(self, leaves: np.ndarray) -> np.ndarray:
        """Return values (…, n, C) with their sums before them, (…, S, C)."""
        return np.concatenate([self.aggregation @ leaves, leaves], axis=-2)

    def written(self, values: np.ndarray, digits: Sequence[Sequence[Digits]]) -> np.ndarray:
        """Return values (…, S, C) that still add up when they are written with `digits`, alike for all series."""
        leaves = values[..., self.sums :, :].copy()
        for c, one in enumerate(digits[0]):
            leaves[..., c] = np.round(leaves[..., c], one.most)
        return self.summed(leaves)


def alike(digits: Sequence[Sequence[Digits]]) -> list[list[Digits]]:
    """Return digits, (S) lists of C, in which every series of a target has those of the one that has most."""
    most = [Digits(max(d.least for d in target), max(d.most for d in target)) for target in zip(*digits, strict=True)]
    return [most] * len(digits)


def _cells(columns: Columns, name: str) -> list[str]:
    sources = columns.sources(columns.id)
    return join_of_keys(sources).cells(name) if len(sources) > 1 else [name]


def _name(columns: Columns, cells: Sequence[str]) -> str:
    return join_of_keys(columns.sources(columns.id)).texts([[cell] for cell in cells])[0] if cells[1:] else cells[0]


def _depth(cells: Sequence[str]) -> int:
    """Return how many cells of a name are told before those that are summed over."""
    return next((depth for depth, cell in enumerate(cells) if cell == TOTAL), len(cells))


def require_hierarchy(table: Table, columns: Columns, data: SeriesConfig) -> None:
    """Raise DataError for the first row whose cells are no hierarchy: a shop of two regions, or a cell that is blank or
    called as a sum is. Names that data.id joins with those above them may come again, since both tell a series."""
    sources = columns.sources(columns.id)
    for name in sources:
        for row, cell in enumerate(_column(table, name)):
            if cell in ("", TOTAL):
                _refuse_name(table, row, name, cell)
    given = data.id if isinstance(data.id, list) else [] if data.id is None else [data.id]
    own = [table.header[column_index(table, name)] for name in given]
    for above, below in pairwise([[name] for name in columns.hierarchy] + ([own] if own else [])):
        if above[0] not in own and above != below:
            _require_one_above(table, above[0], below, sources)


def _refuse_name(table: Table, row: int, name: str, cell: str) -> None:
    where = f"{_where(table, row)}: column {table.header.index(name) + 1} {shown(name)}"
    if not cell:
        raise DataError(f"{where}: is empty, and tells what the row adds to; write it, or remove the row")
    raise DataError(
        f"{where}: {shown(cell)} is what sums are called, which are made of the other rows; remove such rows, or "
        "rename what is no sum"
    )


def _require_one_above(table: Table, above: str, below: Sequence[str], sources: Sequence[str]) -> None:
    first: dict[tuple[str, ...], int] = {}
    cells, parents = list(zip(*(_column(table, name) for name in below), strict=True)), _column(table, above)
    for row, (cell, parent) in enumerate(zip(cells, parents, strict=True)):
        before = first.setdefault(cell, row)
        if parents[before] != parent:
            what = " and ".join(f"{name} {shown(one)}" for name, one in zip(below, cell, strict=True))
            raise DataError(
                f"{_where(table, row)}: {what} is in {above} {shown(parent)}, and in {shown(parents[before])} on line "
                f"{table.lines[before]}; correct one, or, if these are two, train with --set data.id="
                f"'[{', '.join(sources)}]'"
            )


def require_whole(ids: Collection[str], before: Sequence[str], name: str) -> None:
    """Raise DataError if the file `name`, whose series are `ids`, lacks one of those that it goes on from: sums would
    be of other leaves."""
    for one in before:
        if one not in ids:
            raise DataError(f"{name}: has no rows of the series {shown(one)}, which is in the sums; add them")


def common_origins(origins: np.ndarray, panel: Panel) -> np.ndarray:
    """Return those origins, of every series in turn, at whose time each series of a hierarchy has one."""
    before_end = panel.starts[np.searchsorted(panel.starts, origins)] - origins
    times, counts = np.unique(before_end, return_counts=True)
    return origins[np.isin(before_end, times[counts == len(panel.ids)])]


def _column(table: Table, name: str) -> list[str]:
    at = table.header.index(name)
    return [row[at].strip() for row in table.rows]


def _where(table: Table, row: int) -> str:
    return f"{table.name}:{table.lines[row]}"


def with_sums(panel: Panel, columns: Columns, table: Table) -> Panel:
    """Return the panel with its sums before its series.

    A value of a sum is known where those of all its series are. A series that begins later adds nothing before, which
    is noted. Covariates of a sum are the mean of its series' numbers, and the word of all of them, or else `total`.
    DataError for a series that does not end with the others, named by its row in `table`.
    """
    _require_common_end(panel, columns, table)
    late = np.flatnonzero(panel.lengths < panel.lengths.max())
    if late.size:
        last = int(np.argmin(panel.lengths))
        stamp = f" at {panel.timelines[last].stamp(1 - int(panel.lengths[last]))}" if panel.timelines else ""
        note(
            f"{late.size:,} of {len(panel.ids):,} series begin later than the others, {shown(panel.ids[last])}{stamp}; "
            "before that they add 0 to the sums"
        )
    each = [_cells(columns, name) for name in panel.ids]
    groups: dict[str, list[int]] = {}
    for depth in range(len(columns.hierarchy) + 1):
        for s, cells in enumerate(each):
            if depth < len(cells):
                groups.setdefault(_name(columns, [*cells[:depth], *(TOTAL,) * (len(cells) - depth)]), []).append(s)
    return stacked([*(_sum(panel, name, leaves) for name, leaves in groups.items()), panel])


def _require_common_end(panel: Panel, columns: Columns, table: Table) -> None:
    """Raise DataError for a series that does not end when the others do; without times, for one of another length."""
    places = [_end(panel, s) for s in range(len(panel.ids))] if panel.timelines else panel.lengths.tolist()
    last = int(np.argmax([-np.inf if place is None else place for place in places]))
    wrong = next((s for s, place in enumerate(places) if place != places[last]), None)
    if wrong is None:
        return
    ends = [
        f"at {panel.timelines[s].stamp(0)}" if panel.timelines else f"after {panel.lengths[s]:,} rows"
        for s in (wrong, last)
    ]
    rows = rows_of_series(table, columns)[panel.ids[wrong]].tolist()
    row = rows[-1]
    if columns.time is not None:
        times, stamp = _column(table, columns.time), panel.timelines[wrong].stamp(0)
        row = next((row for row in rows if times[row] == stamp), row)
    raise DataError(
        f"{_where(table, row)}: the series {shown(panel.ids[wrong])} ends {ends[0]}, and {shown(panel.ids[last])} "
        f"{ends[1]}; sums need rows of both to the same end: add some, with 0 where there is nothing, or remove the "
        "series"
    )


def _end(panel: Panel, s: int) -> int | None:
    """Return how many rows after the first series the series s ends; None if their rows are at other times."""
    first, one = panel.timelines[0], panel.timelines[s]
    return 0 if one == first else first.offset_of(one.stamp(0))


def _sum(panel: Panel, name: str, leaves: Sequence[int]) -> Panel:
    """Return the sum of the series `leaves` as a panel of one series, from the first row that one of them has."""
    R, C = int(panel.lengths[list(leaves)].max()), panel.values.shape[1]
    values, known = np.zeros((R, C)), np.ones((R, C), bool)
    for s in leaves:
        rows = slice(R - int(panel.lengths[s]), R)
        values[rows] += panel.values[panel.rows(s)]
        known[rows] &= panel.known[panel.rows(s)]
    values = rounded_like(values, np.concatenate([panel.values[panel.rows(s)] for s in leaves]))

    def merged(columns: Mapping[str, Column]) -> dict[str, Column]:
        return {key: _merged([column[panel.rows(s)] for s in leaves]) for key, column in columns.items()}

    return Panel(
        ids=(name,),
        starts=np.array([0, R]),
        values=values,
        known=known,
        past=merged(panel.past),
        known_covariates=merged(panel.known_covariates),
        coming=(_coming([panel.coming[s] for s in leaves]),),
        static={key: _merged([column[s : s + 1] for s in leaves]) for key, column in panel.static.items()},
        timelines=panel.timelines[leaves[0] : leaves[0] + 1],
    )


def coming_of_all(hierarchy: Hierarchy, coming: Sequence[Mapping[str, Column]]) -> tuple[Mapping[str, Column], ...]:
    """Return the known covariates ahead of the S series, from those (n) of the lowest level."""
    sums = (_coming([coming[s] for s in np.flatnonzero(row).tolist()]) for row in hierarchy.aggregation)
    return (*sums, *coming)


def _coming(leaves: Sequence[Mapping[str, Column]]) -> dict[str, Column]:
    """Return known covariates ahead of a sum, as far as those of all its leaves go."""
    ends = {key: min(len(one[key]) for one in leaves) for key in leaves[0]}
    return {key: _merged([one[key][:end] for one in leaves]) for key, end in ends.items()}


def _merged(columns: Sequence[Column]) -> Column:
    """Return columns that end together as one, from the first row that one of them has: the mean of numbers; the word
    in all, or else `total`."""
    longest = max(columns, key=len)
    R = len(longest)
    if longest.dtype.kind == "U":
        agree = np.ones(R, bool)
        for column in columns:
            agree[R - len(column) :] &= column == longest[R - len(column) :]
        return np.where(agree, longest, TOTAL)
    total, count = np.zeros(R), np.zeros(R)
    for column in columns:
        total[R - len(column) :] += column
        count[R - len(column) :] += 1
    return total / count
