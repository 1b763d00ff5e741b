"""The columns of a table that a forecast is about, with their time column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnncli.config.schema import DataConfig
from rnncli.data.csv_table import Table, read_table
from rnncli.data.numeric import column_index, is_numeric_column, numeric_column
from rnncli.data.source import Source
from rnncli.data.timeline import Timeline, looks_like_time
from rnncli.errors import DataError


@dataclass(frozen=True)
class Series:
    """values (N, C) float64 of the columns `targets`; time is the time column's name, or None."""

    name: str
    targets: tuple[str, ...]
    values: np.ndarray
    time: str | None
    timeline: Timeline | None


def read_series(
    source: Source,
    data: DataConfig,
    notes: list[str],
    targets: Sequence[str] | None = None,
    time: str | None = None,
) -> Series:
    """The series in a CSV. `targets` and `time` of a trained model come before those of the config.

    Without any, the time column is the first that looks like one, and every other numeric column is a target.
    """
    table = read_table(
        source, encoding=data.encoding, delimiter=data.delimiter, decimal=data.decimal,
        skip_rows=data.skip_rows, ragged=data.ragged, notes=notes,
    )  # fmt: skip
    time_index = _time_index(table, time if targets else data.time, wanted=targets is None or time is not None)
    indices = _target_indices(table, list(targets) if targets else data.target, time_index, data, notes)
    columns = [numeric_column(table, i, decimal=data.decimal, missing=data.missing) for i in indices]
    for index, column in zip(indices, columns, strict=True):
        if column.min() == column.max():
            notes.append(f'column "{table.header[index]}" is constant; there is nothing in it to learn')
    return Series(
        source.name,
        tuple(table.header[i] for i in indices),
        np.stack(columns, axis=1),
        None if time_index is None else table.header[time_index],
        None if time_index is None else Timeline.parse(table, time_index),
    )


def _time_index(table: Table, named: str | None, *, wanted: bool) -> int | None:
    if named is not None:
        return column_index(table, named)
    candidates = range(len(table.header)) if wanted else ()
    return next((i for i in candidates if looks_like_time(table, i)), None)


def _target_indices(
    table: Table, named: str | int | list[str] | list[str | int] | None, time_index: int | None, data: DataConfig,
    notes: list[str],
) -> list[int]:  # fmt: skip
    if named is not None:
        return [column_index(table, name) for name in (named if isinstance(named, list) else [named])]
    others = [i for i in range(len(table.header)) if i != time_index]
    numeric = [i for i in others if is_numeric_column(table, i, data.decimal)]
    if numeric:
        return numeric
    if len(others) == 1:  # the error that names the cell helps more than "no numeric column"
        numeric_column(table, others[0], decimal=data.decimal, missing=data.missing)
    raise DataError(
        f"{table.name}: no column is numeric throughout; name the one to forecast with --set data.target=NAME "
        f"(columns: {', '.join(table.header)})"
    )
