"""The roles of a table's columns in a forecast: named by the config, remembered by a model, or found out."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from rnncli.data.column_kinds import CALENDAR_NAMES, FIELDS, Kind, kind_of_column
from rnncli.data.csv_table import Table
from rnncli.data.numeric import (
    column_index,
    first_word,
    is_number,
    is_numeric_column,
    no_column,
    numeric_column,
    share_of_numbers,
)
from rnncli.data.stamps import formats_of
from rnncli.data.time_column import NO_TIME
from rnncli.errors import ConfigError, DataError, UsageError, shown
from rnncli.notes import note
from rnncli.tasks.forecast.config import SeriesConfig

# The usual names, likelier ones first.
_ID_NAMES = ("unique_id", "item_id", "series_id")
_LONG_TIMES = ("ds", "timestamp", "date", "datetime", "time", "t")
_LONG_TARGETS = ("y", "target")
_NUMBERED = re.compile(r"[A-Za-z_ ]*[0-9]+")  # how columns are called that are the steps of a series
_FEWEST_STEPS = 8
_SURELY_NUMBERS = 0.9  # a share of numbers beside which a word is a slip


@dataclass(frozen=True)
class Columns:
    """The names of columns by their role.

    layout: "wide", the series side by side; "long", one under another, told apart by `id`; "rows", a row for each.
    past: covariates whose values are known up to the last row. known_covariates: those known of the rows ahead too.
    static: one value a series. words: the columns of these three that hold words and not numbers, also in files that
    happen to have only numbers there.
    """

    layout: str
    id: str | None
    time: str | None
    targets: tuple[str, ...]
    past: tuple[str, ...] = ()
    known_covariates: tuple[str, ...] = ()
    static: tuple[str, ...] = ()
    words: tuple[str, ...] = ()

    def to_header(self) -> dict[str, Any]:
        """Return the columns as JSON for a model file."""
        return {{"known_covariates": "ahead"}.get(key, key): value for key, value in vars(self).items()}

    @classmethod
    def from_header(cls, header: Mapping[str, Any]) -> Columns:
        """The inverse of `to_header`."""
        names = (tuple(map(str, header[role])) for role in ("targets", "past", "ahead", "static", "words"))
        return cls(header["layout"], header["id"], header["time"], *names)


def find_columns(table: Table, data: SeriesConfig) -> Columns:
    """Return the columns that `data` names; find out those that it leaves open, with a note where this may surprise.

    ConfigError if `data` contradicts itself, UsageError for a column that does not exist, DataError if a column does
    not fit its role.
    """
    if data.layout == "rows" or (data.layout is None and _looks_like_rows(table, data)):
        return _rows(table, data)
    identity = _identity(table, data)
    past, known, static = (
        _named(table, named, key)
        for key, named in (
            ("past_covariates", data.past_covariates),
            ("known_covariates", data.known_covariates),
            ("static", data.static),
        )
    )
    beside = (*past, *known, *static)
    kinds = _kinds(table, identity, {*beside, *_named(table, data.target, "target")})
    time = _time(table, data, kinds, identity)
    taken = [name for name in (identity, time, *beside) if name is not None]
    targets = _targets(table, data, taken, identity, kinds)
    layout = "long" if identity is not None else "wide"
    columns = Columns(
        layout=layout,
        id=identity,
        time=time,
        targets=targets,
        past=past,
        known_covariates=known,
        static=static,
        words=_words(table, beside, data),
    )
    _refuse_two_roles(columns)
    return columns


def _rows(table: Table, data: SeriesConfig) -> Columns:
    for key in ("time", "target", "past_covariates", "known_covariates", "static"):
        if getattr(data, key) not in (None, NO_TIME):
            raise ConfigError(
                f"data.{key}: with a series in each row (data.layout: rows) no column has a role; remove it"
            )
    at = 0 if data.id is None else column_index(table, data.id)
    steps = steps_of(table, at, data.decimal)
    _refuse_missing_header([table.header[i] for i in steps], table, data)
    left_out = [name for i, name in enumerate(table.header) if i != at and i not in steps]
    more = f"; columns left out: {', '.join(left_out)}" if left_out else ""
    note(f"a series in each row, named by the column {shown(table.header[at])}{more}")
    return Columns("rows", table.header[at], None, ("value",))


def _refuse_missing_header(names: Sequence[str], table: Table, data: SeriesConfig) -> None:
    """Raise DataError if the names of the steps are values: numbers that are not evenly spaced."""
    if not names:
        raise DataError(f"{table.name}: has one column, and a series in each row needs a name and at least 2 values")
    if not all(is_number(name, data.decimal) for name in names):
        return
    values = [float(name.replace(",", ".")) for name in names]
    distances = {after - before for before, after in pairwise(values)}
    if len(distances) > 1 or not all(distance > 0 for distance in distances):
        raise DataError(
            f"{table.name}:{data.skip_rows + 1}: the first line holds values, and would be lost as a header; write a "
            "header above it, such as id,1,2,3"
        )


def _looks_like_rows(table: Table, data: SeriesConfig) -> bool:
    """True if each row may be a series: a name that no other row has, then columns that are only numbered."""
    if data.time is not None or data.target is not None or len(table.header) <= _FEWEST_STEPS:
        return False
    if sum(_is_numbered(name, data.decimal) for name in table.header) < _FEWEST_STEPS:
        return False
    at = 0 if data.id is None else column_index(table, data.id)
    steps = steps_of(table, at, data.decimal)
    if len(steps) < _FEWEST_STEPS or not all(_is_numbered(table.header[i], data.decimal) for i in steps):
        return False
    if data.id is None and is_numeric_column(table, at, data.decimal):
        return False
    return len({row[at].strip() for row in table.rows}) == len(table.rows) and kind_of_column(table, at) != "time"


def steps_of(table: Table, at: int, decimal: str) -> list[int]:
    """Return the columns (from 0) that are the steps of series in rows, which column `at` names: all others but those
    of words that are not numbered, such as more names of a series."""
    return [
        i
        for i, name in enumerate(table.header)
        if i != at and (_is_numbered(name, decimal) or is_numeric_column(table, i, decimal))
    ]


def _is_numbered(name: str, decimal: str) -> bool:
    """True if a column is called as a step is: by a number, with or without a word before it, or by a date."""
    return _NUMBERED.fullmatch(name) is not None or is_number(name, decimal) or bool(formats_of(name))


def _identity(table: Table, data: SeriesConfig) -> str | None:
    if data.layout == "wide":
        if data.id is not None:
            raise ConfigError("data.id: tells apart series one under another; data.layout is wide, so remove it")
        return None
    if data.id is not None:
        return table.header[column_index(table, data.id)]
    found = _usual(table.header, _ID_NAMES)
    if found is None and data.layout == "long":
        raise ConfigError("data.layout: is long, and nothing says which series a row is of; name the column in data.id")
    return found


def _usual(names: Sequence[str], usual: Sequence[str]) -> str | None:
    """Return the one of `names` that comes first among the `usual` ones, in upper or lower case, or None."""
    found = {name.lower(): name for name in reversed(names)}
    return next((found[name] for name in usual if name in found), None)


def _time(table: Table, data: SeriesConfig, kinds: Mapping[str, Kind | None], identity: str | None) -> str | None:
    """Return the column of times: the one named, or the first of dates, or of whole numbers that count them."""
    if data.time == NO_TIME and NO_TIME not in table.header:
        return None
    if data.time is not None:
        return table.header[column_index(table, data.time)]
    usual = None if identity is None else _usual(list(kinds), _LONG_TIMES)
    times = [name for name, kind in kinds.items() if kind == "time"]
    # Dates that are read come before whole numbers, and before what only looks like a date, such as a version.
    times.sort(key=lambda name: (_is_whole(table, name), not _is_read(table, name), name.lower() not in CALENDAR_NAMES))
    found = usual or (times[0] if times else None)
    partial = [name for name, kind in kinds.items() if kind == "part"]
    if found is not None and not _is_whole(table, found):
        partial = [name for name in partial if not _is_whole(table, name)]
    if partial and (found is None or (identity is None and _repeats(table, found))):
        _refuse_partial_times(table, [*([found] if found else []), *partial], identity)
    return found


def _is_whole(table: Table, name: str) -> bool:
    """True if the first cell of the column is a whole number."""
    return table.rows[0][table.header.index(name)].strip().isdigit()


def _is_read(table: Table, name: str) -> bool:
    """True if the first cell of the column is a time in a form that is read."""
    return bool(formats_of(table.rows[0][table.header.index(name)].strip()))


def _refuse_partial_times(table: Table, partial: Sequence[str], identity: str | None) -> None:
    """Raise DataError if columns tell the time together, or one by itself for each of several series."""
    if len(partial) == 1 and identity is None and _is_whole(table, partial[0]):
        times = [row[table.header.index(partial[0])] for row in table.rows]
        for i, name in enumerate(table.header):
            cells = [row[i] for row in table.rows]
            tells_apart = len(set(zip(cells, times, strict=True))) == len(cells)
            if name not in partial and 1 < len(set(cells)) <= len(cells) // 2 and tells_apart:
                raise DataError(
                    f"{table.name}: the times in {shown(partial[0])} begin anew; if the column {shown(name)} says "
                    f"which series a row is of, --set data.id={name}, else leave times out with "
                    f"--set data.time={NO_TIME}"
                )
    if len(partial) > 1:
        together = " and ".join(map(shown, partial))
        raise DataError(
            f"{table.name}: the columns {together} tell the time together; write it in one column, such as 2023-05-01 "
            f"or 2023-05-01 13:00, or leave times out with --set data.time={NO_TIME}"
        )


def _repeats(table: Table, name: str) -> bool:
    """True if a cell of the column occurs in a later row too."""
    cells = [row[table.header.index(name)] for row in table.rows]
    return len(set(cells)) < len(cells)


def _kinds(table: Table, identity: str | None, taken: Collection[str]) -> dict[str, Kind | None]:
    """Return what tells time in some way, and what only counts rows, among the columns that have no other role."""
    names = [name for name in table.header if name != identity and name not in taken]
    # Years that begin anew with each series are even in each of them.
    seen = table if identity is None else _first_series(table, table.header.index(identity))
    return {name: kind_of_column(seen, table.header.index(name)) for name in names}


def _first_series(table: Table, at: int) -> Table:
    kept = [i for i, row in enumerate(table.rows) if row[at].strip() == table.rows[0][at].strip()]
    return Table(
        table.name, table.header, [table.rows[i] for i in kept], [table.lines[i] for i in kept], table.delimiter
    )


def _named(table: Table, named: str | int | list[str | int] | list[str] | None, key: str) -> tuple[str, ...]:
    names = [] if named is None else named if isinstance(named, list) else [named]
    found = tuple(table.header[column_index(table, name)] for name in names)
    for i, name in enumerate(found):
        if name in found[:i]:
            raise ConfigError(f"data.{key}: names the column {shown(name)} twice; name it once")
    return found


def _targets(
    table: Table, data: SeriesConfig, taken: Sequence[str], identity: str | None, kinds: Mapping[str, Kind | None]
) -> tuple[str, ...]:
    if data.target is not None:
        return _named(table, data.target, "target")
    others = [name for name in table.header if name not in taken]
    usual = None if identity is None else _usual(others, _LONG_TARGETS)
    if usual is not None:
        left_out = [name for name in others if name != usual]
        if left_out:
            note(
                f"columns left out: {', '.join(left_out)}; name those that tell something in "
                "data.known_covariates, data.past_covariates or data.static"
            )
        return (usual,)
    indices = [table.header.index(name) for name in others]
    numeric = [i for i in indices if is_numeric_column(table, i, data.decimal)]
    for i in indices:
        if i not in numeric and (len(others) == 1 or _meant_as_numbers(table, i, data.decimal)):
            numeric_column(table, i, decimal=data.decimal, missing="mask")  # names the odd cell
    left_out = [table.header[i] for i in indices if i not in numeric]
    if numeric and left_out:
        note(f"columns left out because they are not numbers: {', '.join(left_out)}")
    if numeric:
        return _without_clocks_and_constants(table, [table.header[i] for i in numeric], kinds)
    raise DataError(
        f"{table.name}: no column is numeric throughout; name the one to forecast with --set data.target=NAME "
        f"(columns: {', '.join(map(shown, table.header))}), or another task, such as --set task=classify"
    )


def _without_clocks_and_constants(
    table: Table, names: Sequence[str], kinds: Mapping[str, Kind | None]
) -> tuple[str, ...]:
    """Return the columns that change and are no times, with a note of the others; all of them if none is left."""
    reasons = {"time": "a time", "part": "a part of a time", "counter": "the number of the row"}
    dated = any(kind == "time" and not _is_whole(table, name) for name, kind in kinds.items())
    left_out = {}
    for name in names:
        index, kind = table.header.index(name), kinds.get(name)
        if dated and kind in ("time", "part") and name.lower() not in FIELDS:
            kind = None  # whole numbers beside a date are values, whatever they are called
        if kind:
            left_out[name] = reasons[kind]
        elif len(table.rows) > 1 and len({row[index] for row in table.rows}) == 1:
            left_out[name] = "constant"
    kept = tuple(name for name in names if name not in left_out)
    if not kept or not left_out:
        return tuple(names)
    listed = ", ".join(f"{name} ({why})" for name, why in left_out.items())
    note(f"columns left out: {listed}; name those to forecast in data.target")
    return kept


def _meant_as_numbers(table: Table, index: int, decimal: str) -> bool:
    """True if an error that names an odd cell helps more than leaving the column out: half of its cells or more are
    numbers, or all are with the other decimal sign.
    """
    other = "," if decimal == "." else "."
    return share_of_numbers(table, index, decimal) >= 0.5 or is_numeric_column(table, index, other)


def _words(table: Table, names: Sequence[str], data: SeriesConfig) -> tuple[str, ...]:
    """Return those of the columns `names` that hold words; DataError for a word in a column of numbers."""
    found = []
    for name in names:
        index = table.header.index(name)
        if is_numeric_column(table, index, data.decimal):
            continue
        odd = first_word(table, index, data.decimal)
        if odd is None or share_of_numbers(table, index, data.decimal) >= _SURELY_NUMBERS:
            numeric_column(
                table, index, decimal=data.decimal, missing="mask"
            )  # refuses its odd cell, or that it has none
        elif share_of_numbers(table, index, data.decimal) > 0:
            cell = shown(table.rows[odd][index])
            note(
                f"{table.name}:{table.lines[odd]}: the column {shown(name)} is read as words, because {cell} is not a "
                "number"
            )
        found.append(name)
    return tuple(found)


def _refuse_two_roles(columns: Columns) -> None:
    """Raise ConfigError if one column has two roles."""
    roles = {
        "the id column": (columns.id,),
        "the time column": (columns.time,),
        "a target": columns.targets,
        "a past covariate": columns.past,
        "a known covariate": columns.known_covariates,
        "static": columns.static,
    }
    seen: dict[str, str] = {}
    for role, names in roles.items():
        for name in names:
            if name is None:
                continue
            if name in seen:
                raise ConfigError(
                    f"data: the column {shown(name)} is {seen[name]} and {role}; name another for one of them"
                )
            seen[name] = role


def require_columns(table: Table, columns: Columns) -> None:
    """Raise UsageError if `table` lacks one of these columns, which are those of the training data."""
    wanted = (columns.id, columns.time, *columns.targets, *columns.past, *columns.known_covariates, *columns.static)
    for name in wanted if columns.layout != "rows" else ():
        if name is not None and name not in table.header:
            raise UsageError(f"{no_column(table, name)}; the forecast needs it")
