"""The columns of a table that a forecast is about, with their time column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnncli.config.schema import DataConfig
from rnncli.data.csv_table import Table, read_table
from rnncli.data.numeric import column_index, is_numeric_column, numeric_column, share_of_numbers
from rnncli.data.source import Source
from rnncli.data.timeline import Timeline, looks_like_time
from rnncli.errors import ConfigError, DataError

NO_TIME = "none"  # as data.time: the rows follow each other, whatever a column of dates says


@dataclass(frozen=True)
class Series:
    """values (N, C) float64 of the columns `targets`, known (N, C) False where a missing cell was filled.

    time is the time column's name or None, first its first stamp; delimiter is the table's own.
    """

    name: str
    targets: tuple[str, ...]
    values: np.ndarray
    known: np.ndarray
    time: str | None
    first: str | None
    timeline: Timeline | None
    delimiter: str


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
    _refuse_repeated(table, indices, time_index)
    columns = [numeric_column(table, i, decimal=data.decimal, missing=data.missing) for i in indices]
    values = np.stack(columns, axis=1)
    known = np.ones(values.shape, bool)
    if data.missing != "refuse":
        asked = [numeric_column(table, i, decimal=data.decimal, missing="mask") for i in indices]
        known = ~np.isnan(np.stack(asked, axis=1))
    for index, column in zip(indices, columns, strict=True):
        if column.min() == column.max():
            notes.append(f'column "{table.header[index]}" is constant; there is nothing in it to learn')
    return Series(
        source.name,
        tuple(table.header[i] for i in indices),
        values,
        known,
        None if time_index is None else table.header[time_index],
        None if time_index is None else table.rows[0][time_index].strip(),
        None if time_index is None else _timeline(table, time_index),
        table.delimiter or ",",
    )


def _timeline(table: Table, index: int) -> Timeline:
    try:
        return Timeline.parse(table, index)
    except DataError as error:
        raise DataError(f"{error}; or leave the times out with --set data.time={NO_TIME}") from None


def _time_index(table: Table, named: str | None, *, wanted: bool) -> int | None:
    if named == NO_TIME and NO_TIME not in table.header:
        return None
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
    for i in others:
        # Mostly numbers, or the only column: the error that names the odd cell helps more than leaving it out.
        if i not in numeric and (len(others) == 1 or share_of_numbers(table, i, data.decimal) >= 0.5):
            numeric_column(table, i, decimal=data.decimal, missing=data.missing)
    left_out = [table.header[i] for i in others if i not in numeric]
    if numeric and left_out:
        notes.append(f"columns left out because they are not numbers: {', '.join(left_out)}")
    if numeric:
        return numeric
    raise DataError(
        f"{table.name}: no column is numeric throughout; name the one to forecast with --set data.target=NAME "
        f"(columns: {', '.join(table.header)})"
    )


def _refuse_repeated(table: Table, indices: list[int], time_index: int | None) -> None:
    for position, index in enumerate(indices):
        if index in indices[:position]:
            raise ConfigError(f'data.target: names the column "{table.header[index]}" twice; name it once')
        if index == time_index:
            raise ConfigError(f'data.target: "{table.header[index]}" is the time column; name another')
