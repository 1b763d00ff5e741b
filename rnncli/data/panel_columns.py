"""Which columns of a table are what to a forecast: named by the config, remembered by a model, or found out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rnncli.config.schema import DataConfig
from rnncli.data.csv_table import Table
from rnncli.data.numeric import column_index, is_numeric_column, numeric_column, share_of_numbers
from rnncli.data.time_column import NO_TIME, looks_like_time
from rnncli.errors import ConfigError, DataError, UsageError

_ID_NAMES = ("unique_id", "item_id", "series_id")
_LONG_TIMES = ("ds", "timestamp", "date", "datetime", "time", "t")
_LONG_TARGETS = ("y", "target")
_NUMBERED = re.compile(r"[A-Za-z_ ]*[0-9]+")  # how columns are called that are the steps of a series
_FEWEST_STEPS = 8


@dataclass(frozen=True)
class Columns:
    """The names of columns by their part.

    layout: "wide", the series side by side; "long", one under another, told apart by `id`; "rows", a row for each.
    past, ahead: covariates known up to a row, and known beforehand. static: one value a series.
    """

    layout: str
    id: str | None
    time: str | None
    targets: tuple[str, ...]
    past: tuple[str, ...] = ()
    ahead: tuple[str, ...] = ()
    static: tuple[str, ...] = ()

    @classmethod
    def from_header(cls, header: Mapping[str, Any]) -> Columns:
        """From a model file, where `vars` of this went."""
        names = (tuple(map(str, header[part])) for part in ("targets", "past", "ahead", "static"))
        return cls(header["layout"], header["id"], header["time"], *names)


def find_columns(table: Table, data: DataConfig, notes: list[str]) -> Columns:
    """The columns that `data` names; what it leaves open is found out, and noted where it may surprise.

    ConfigError where it contradicts itself, UsageError for a column that there is none of.
    """
    if data.layout == "rows" or (data.layout is None and _looks_like_rows(table, data)):
        return _rows(table, data, notes)
    identity = _identity(table, data)
    time = _time(table, data, identity)
    covariates = {
        key: _named(table, getattr(data, key)) for key in ("past_covariates", "known_covariates", "static")
    }  # fmt: skip
    taken = [name for name in (identity, time, *covariates["past_covariates"], *covariates["known_covariates"],
                               *covariates["static"]) if name is not None]  # fmt: skip
    targets = _targets(table, data, taken, identity, notes)
    columns = Columns(
        "long" if identity is not None else "wide", identity, time, targets,
        covariates["past_covariates"], covariates["known_covariates"], covariates["static"],
    )  # fmt: skip
    _refuse_two_parts(columns)
    return columns


def _rows(table: Table, data: DataConfig, notes: list[str]) -> Columns:
    for key in ("time", "target", "past_covariates", "known_covariates", "static"):
        if getattr(data, key) not in (None, NO_TIME):
            raise ConfigError(
                f"data.{key}: with a series in each row (data.layout: rows) no column has a part; remove it"
            )
    identity = table.header[0] if data.id is None else table.header[column_index(table, data.id)]
    notes.append(f'a series in each row, named by the column "{identity}"')
    return Columns("rows", identity, None, ("value",))


def _looks_like_rows(table: Table, data: DataConfig) -> bool:
    """Whether each row is a series: a name, then numbered columns of numbers, missing ones only at the end."""
    others = range(1, len(table.header))
    if data.id is not None or data.time is not None or data.target is not None or len(others) < _FEWEST_STEPS:
        return False
    if not all(_NUMBERED.fullmatch(table.header[i]) for i in others) or is_numeric_column(table, 0, data.decimal):
        return False
    names = [row[0] for row in table.rows]
    return len(set(names)) == len(names) and not looks_like_time(table, 0)


def _identity(table: Table, data: DataConfig) -> str | None:
    if data.layout == "wide":
        if data.id is not None:
            raise ConfigError("data.id: tells apart series one under another; data.layout is wide, so remove it")
        return None
    if data.id is not None:
        return table.header[column_index(table, data.id)]
    found = next((name for name in table.header if name.lower() in _ID_NAMES), None)
    if found is None and data.layout == "long":
        raise ConfigError("data.layout: is long, and nothing says which series a row is of; name the column in data.id")
    return found


def _time(table: Table, data: DataConfig, identity: str | None) -> str | None:
    if data.time == NO_TIME and NO_TIME not in table.header:
        return None
    if data.time is not None:
        return table.header[column_index(table, data.time)]
    indices = [i for i, name in enumerate(table.header) if name != identity]
    usual = [i for i in indices if identity is not None and table.header[i].lower() in _LONG_TIMES]
    return next((table.header[i] for i in (*usual, *indices) if i in usual or looks_like_time(table, i)), None)


def _named(table: Table, named: str | int | list[str | int] | list[str] | None) -> tuple[str, ...]:
    names = [] if named is None else named if isinstance(named, list) else [named]
    return tuple(table.header[column_index(table, name)] for name in names)


def _targets(
    table: Table, data: DataConfig, taken: Sequence[str], identity: str | None, notes: list[str]
) -> tuple[str, ...]:
    if data.target is not None:
        return _named(table, data.target)
    others = [i for i, name in enumerate(table.header) if name not in taken]
    numeric = [i for i in others if is_numeric_column(table, i, data.decimal)]
    usual = [table.header[i] for i in numeric if identity is not None and table.header[i].lower() in _LONG_TARGETS]
    if usual:
        left_out = [table.header[i] for i in others if table.header[i] != usual[0]]
        if left_out:
            notes.append(
                f"columns left out: {', '.join(left_out)}; name those that tell something in "
                "data.known_covariates, data.past_covariates or data.static"
            )
        return (usual[0],)
    for i in others:
        # Mostly numbers, or the only column: the error that names the odd cell helps more than leaving it out.
        if i not in numeric and (len(others) == 1 or share_of_numbers(table, i, data.decimal) >= 0.5):
            numeric_column(table, i, decimal=data.decimal, missing="mask")
    left_out = [table.header[i] for i in others if i not in numeric]
    if numeric and left_out:
        notes.append(f"columns left out because they are not numbers: {', '.join(left_out)}")
    if numeric:
        return tuple(table.header[i] for i in numeric)
    raise DataError(
        f"{table.name}: no column is numeric throughout; name the one to forecast with --set data.target=NAME "
        f"(columns: {', '.join(table.header)})"
    )


def _refuse_two_parts(columns: Columns) -> None:
    """ConfigError where one column has two parts."""
    parts = {
        "the id column": (columns.id,), "the time column": (columns.time,), "a target": columns.targets,
        "a past covariate": columns.past, "a known covariate": columns.ahead, "static": columns.static,
    }  # fmt: skip
    seen: dict[str, str] = {}
    for part, names in parts.items():
        for name in names:
            if name is None:
                continue
            if seen.get(name) == "a target" == part:
                raise ConfigError(f'data.target: names the column "{name}" twice; name it once')
            if name in seen:
                raise ConfigError(f'data: the column "{name}" is {seen[name]} and {part}; name another for one of them')
            seen[name] = part


def require_columns(table: Table, columns: Columns) -> None:
    """UsageError where `table` lacks a column that the model was trained with, static ones and targets included."""
    wanted = (columns.id, columns.time, *columns.targets, *columns.past, *columns.ahead, *columns.static)
    for name in wanted if columns.layout != "rows" else ():
        if name is not None and name not in table.header:
            try:
                column_index(table, name)
            except UsageError as error:
                raise UsageError(f"{error}; the model was trained with it") from None
