"""A CSV as a panel: series side by side, one under another, or a row for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rnncli.data.csv_table import Table, read_table
from rnncli.data.source import Source
from rnncli.errors import ConfigError, shown
from rnncli.notes import note
from rnncli.tasks.forecast.config import SeriesConfig
from rnncli.tasks.forecast.gaps import first_known
from rnncli.tasks.forecast.panel import Panel, stacked
from rnncli.tasks.forecast.panel_columns import Columns, find_columns, require_columns
from rnncli.tasks.forecast.panel_rows import panel_of_rows
from rnncli.tasks.forecast.panel_steps import StepTable


def read_panel(
    source: Source, data: SeriesConfig, columns: Columns | None = None, before: Panel | None = None
) -> tuple[Panel, Columns, str]:
    """The panel in a CSV, what its columns are, and its delimiter.

    columns, before: those of a trained model, and the series that this one may go on from, if any.

    Rows at the end that have known covariates and no target are what is known beforehand.
    """
    table = _read(source, data)
    if columns is None:
        columns = find_columns(table, data)
    else:
        require_columns(table, columns)
    if columns.layout == "rows":
        panel = panel_of_rows(table, columns, data)
    else:
        panel = StepTable(table, columns, data, before).panel()
    _note_constants(panel, columns)
    if unknown := int((~panel.known).sum()):
        note(f"{unknown:,} missing values of {panel.known.size:,}: data.missing is {data.missing}")
    if data.channels == "independent" and columns.layout == "wide":
        panel = separate(panel, columns.targets, goes_on=before is not None)
    return panel, columns, table.delimiter or ","


def separate(panel: Panel, targets: Sequence[str], *, goes_on: bool = False) -> Panel:
    """A panel of one series with C targets as C series of one each, which share all the rest.

    A series begins with its first known value, unless the panel `goes_on` from another.
    """
    parts = []
    for c, name in enumerate(targets):
        known = panel.known[:, c : c + 1]
        part = replace(panel, ids=(name,), values=panel.values[:, c : c + 1], known=known)
        parts.append(part if goes_on else part.lasting(len(known) - first_known(known)))
    return stacked(parts)


def with_future(panel: Panel, columns: Columns, source: Source, data: SeriesConfig) -> Panel:
    """The panel with the known covariates in `source` for the rows after the end of each series.

    Rows are found by their times; those up to the end are passed over. Without times, all are after it. ConfigError
    without known covariates; DataError for a series whose next row is not there.
    """
    if not columns.ahead:
        raise ConfigError("data.future: tells known covariates, and data.known_covariates names none; remove one")
    only = replace(columns, targets=(), past=(), static=())
    table = _read(source, data)
    require_columns(table, only)
    return replace(panel, coming=StepTable(table, only, data, panel).coming(panel))


def _read(source: Source, data: SeriesConfig) -> Table:
    return read_table(
        source,
        encoding=data.encoding,
        delimiter=data.delimiter,
        decimal=data.decimal,
        skip_rows=data.skip_rows,
        ragged=data.ragged,
    )


def _note_constants(panel: Panel, columns: Columns) -> None:
    firsts = panel.starts[:-1]
    low, high = (extreme.reduceat(panel.values, firsts) for extreme in (np.minimum, np.maximum))
    constant = (low == high) & (panel.lengths > 1)[:, None]  # (S, C)
    for c, target in enumerate(columns.targets):
        found = np.flatnonzero(constant[:, c])
        if found.size and columns.layout == "wide":
            note(f"column {shown(target)} is constant; there is nothing in it to learn")
        elif found.size:
            which = f" in {shown(target)}" if len(columns.targets) > 1 else ""
            are, them = ("is", "it") if found.size == 1 else ("are", "them")
            note(
                f"{found.size:,} of {len(panel.ids):,} series {are} constant{which}, the first being "
                f"{shown(panel.ids[found[0]])}; there is nothing in {them} to learn"
            )
