"""A CSV with a series in each row, as the M4 competition gives them: a name, then its values from the first on."""

from __future__ import annotations

import numpy as np

from rnncli.data.csv_table import Table
from rnncli.data.numeric import numeric_row
from rnncli.errors import DataError, shown
from rnncli.tasks.forecast.config import SeriesConfig
from rnncli.tasks.forecast.gaps import filled
from rnncli.tasks.forecast.panel import Panel, stacked
from rnncli.tasks.forecast.panel_columns import Columns


def panel_of_rows(table: Table, columns: Columns, data: SeriesConfig) -> Panel:
    """A series for each row; it ends with its last value, because shorter ones leave the last cells empty.

    DataError for a row without a name of its own, without a value, or with a gap that nothing says how to fill.
    """
    at = table.header.index(columns.id) if columns.id in table.header else 0
    steps = [i for i in range(len(table.header)) if i != at]
    seen: dict[str, int] = {}
    parts = []
    for row, (line, cells) in enumerate(zip(table.lines, table.rows, strict=True)):
        name, where = cells[at].strip(), f"{table.name}:{line}"
        if not name:
            raise DataError(f"{where}: column {at + 1} {shown(table.header[at])}: the series has no name; write one")
        if name in seen:
            raise DataError(f"{where}: the series {shown(name)} is on line {seen[name]} too; rename one")
        seen[name] = line
        end = max((k for k, i in enumerate(steps, start=1) if cells[i]), default=0)
        values = numeric_row(table, row, steps[:end], data.decimal)
        known = np.flatnonzero(~np.isnan(values))
        if not known.size:
            raise DataError(f"{where}: the series {shown(name)} has no values; remove the row")
        parts.append(_series(name, values[: known[-1] + 1], steps, where, table, data))
    return stacked(parts)


def _series(name: str, values: np.ndarray, steps: list[int], where: str, table: Table, data: SeriesConfig) -> Panel:
    known = ~np.isnan(values)
    if not known.all() and data.missing == "refuse":
        gap = steps[int(np.argmin(known))]
        raise DataError(
            f"{where}: column {gap + 1} {shown(table.header[gap])}: a value of the series {shown(name)} is missing; "
            "--set data.missing=ffill|interpolate|mask says what to do"
        )
    if not known[0] and data.missing == "ffill":
        raise DataError(
            f"{where}: the first value of the series {shown(name)} is missing, so ffill has nothing to repeat; begin "
            "with a value or use --set data.missing=interpolate or mask"
        )
    whole = values if known.all() else filled(values, data.missing)
    return Panel(
        ids=(name,),
        starts=np.array([0, len(values)]),
        values=whole[:, None],
        known=known[:, None],
        past={},
        ahead={},
        coming=({},),
        static={},
        timelines=(),
    )
