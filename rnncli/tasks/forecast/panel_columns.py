"""The roles of a table's columns in a forecast: named by the config, remembered by a model, or found out."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from rnncli.data.column_kinds import kind_of_column
from rnncli.data.csv_table import Table
from rnncli.data.joined_columns import Join, join_of_keys, join_of_times, joined
from rnncli.data.numeric import (
    column_index,
    first_word,
    is_number,
    is_numeric_column,
    no_column,
    numeric_column,
    share_of_numbers,
)
from rnncli.data.stamp_column import NO_TIME
from rnncli.data.stamps import formats_of
from rnncli.data.typed import typed
from rnncli.errors import ConfigError, DataError, UsageError, shown
from rnncli.notes import doubt, note
from rnncli.tasks.forecast.config import SeriesConfig
from rnncli.tasks.forecast.panel_keys import plain_key
from rnncli.tasks.forecast.panel_targets import find_targets
from rnncli.tasks.forecast.panel_times import find_time, kinds_of, usual_name

# The usual names, likelier ones first.
_ID_NAMES = ("unique_id", "item_id", "series_id")
_NUMBERED = re.compile(r"[A-Za-z_ ]*[0-9]+")  # how columns are called that are the steps of a series
_COUNT = re.compile("0|-?[1-9][0-9]{0,18}")  # as a number is written
_FEWEST_STEPS = 8
_SURELY_NUMBERS = 0.9  # a share of numbers beside which a word is a slip


@dataclass(frozen=True)
class Columns:
    """The names of columns by their role.

    layout: "wide", the series side by side; "long", one under another, told apart by `id`; "rows", a row for each.
    past: covariates whose values are known up to the last row. known_covariates: those known of the rows ahead too.
    static: one value a series. words: the columns of these three that hold words and not numbers, also in files that
    happen to have only numbers there. joins: the columns that make `id` or `time`, if these are made of several.
    hierarchy: those of them that series are summed by, from the top down. signs: of columns all of whose cells have the
    same sign of a unit, in the file that was read last.
    """

    layout: Literal["wide", "long", "rows"]
    id: str | None
    time: str | None
    targets: tuple[str, ...]
    past: tuple[str, ...] = ()
    known_covariates: tuple[str, ...] = ()
    static: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    joins: tuple[Join, ...] = ()
    hierarchy: tuple[str, ...] = ()
    signs: Mapping[str, str] = field(default_factory=dict, compare=False)

    def to_header(self) -> dict[str, Any]:
        """Return the columns as JSON for a model file."""
        header = {{"known_covariates": "ahead"}.get(key, key): value for key, value in vars(self).items()}
        header["joins"] = [[join.names, join.fields] for join in self.joins]
        new = ("joins", "hierarchy", "signs")  # which 0.1 had not
        return {key: value for key, value in header.items() if value or key not in new}

    @classmethod
    def from_header(cls, header: Mapping[str, Any]) -> Columns:
        """The inverse of `to_header`."""
        joins = typed(list[tuple[tuple[str, ...], tuple[str, ...]]], header.get("joins", ()), "joins")
        kept = {"known_covariates" if key == "ahead" else key: value for key, value in header.items()}
        columns = typed(cls, kept, "columns", joins=tuple(Join(*one) for one in joins))
        for join in columns.joins:
            join.require_sound()
        return columns

    def require_of(self, ids: Iterable[str], stamps: Iterable[str]) -> None:
        """Raise ValueError for ids or times that joined columns cannot have made, as of an edited model file."""
        for join in self.joins:
            for text in ids if join.name == self.id else stamps if join.name == self.time else ():
                if len(join.cells(text)) != len(join.names):
                    raise ValueError(f"{shown(text)} is none of {shown(join.name)}")

    def joined(self, table: Table) -> Table:
        """Return the table with the columns that are made of several."""
        for join in self.joins:
            if join.name not in table.header:
                require_names(table, join.names)
                table = joined(table, join)
        return table

    def sources(self, name: str | None) -> list[str]:
        """Return the columns of a file that make the column `name`: itself, several, or none for None."""
        made = next((list(join.names) for join in self.joins if join.name == name), None)
        return made or ([] if name is None else [name])

    def read(self) -> set[str]:
        """Return all columns of a file that are read."""
        names = (self.id, self.time, *self.targets, *self.past, *self.known_covariates, *self.static)
        return {source for name in names for source in self.sources(name)}

    def cells(self, name: str | None, text: str) -> dict[str, Any]:
        """Return what a row says of the id or of the time `text`, under the names of the columns that make it."""
        join = next((join for join in self.joins if join.name == name), None)
        if join is not None:
            return dict(zip(join.names, map(as_number, join.cells(text)), strict=True))
        return {} if name is None else {name: text if name == self.id else as_number(text)}


def find_columns(table: Table, data: SeriesConfig) -> tuple[Columns, Table]:
    """Return the columns that `data` names, and the table with those that several make; find out what `data` leaves
    open, with a note where this may surprise.

    ConfigError if `data` contradicts itself, UsageError for a column that does not exist, DataError if a column does
    not fit its role.
    """
    joins, hierarchy = [], _named(table, data.hierarchy, "hierarchy")
    if hierarchy:
        data = _named_by_hierarchy(table, data, hierarchy)
    for key in ("id", "time"):
        if isinstance(getattr(data, key), list):
            names = _named(table, getattr(data, key), key)
            if len(names) > 1:
                joins.append(join_of_keys(names) if key == "id" else join_of_times(table, names))
                table = joined(table, joins[-1])
            data = data.model_copy(update={key: joins[-1].name if len(names) > 1 else names[0]})
    sources = [name for join in joins for name in join.names]
    if data.layout == "rows" or (data.layout is None and looks_like_rows(table, data, sources)):
        return _rows(table, data, joins), table
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
    targets = _named(table, data.target, "target")
    kinds = kinds_of(table, identity, {*beside, *targets, *sources})
    time = find_time(table, data.time, kinds, identity, data.time_format)
    if isinstance(time, Join):
        doubt(f"the columns {' and '.join(map(shown, time.names))} are read together as the time")
        joins, table, time = [*joins, time], joined(table, time), time.name
        sources += joins[-1].names
    if identity is None and time is not None and data.layout is None and data.duplicates == "refuse":
        identity = plain_key(table, time, {*beside, *sources, *targets}, data.decimal)
    taken = [name for name in (identity, time, *beside, *sources) if name is not None]
    if not targets:
        targets = find_targets(table, data, taken, identity, kinds)
    elif unread := [name for name in table.header if name not in (*taken, *targets)]:
        note(f"columns left out, as no key of the config names them: {', '.join(unread)}")
    layout: Literal["long", "wide"] = "long" if identity is not None else "wide"
    columns = Columns(
        layout=layout,
        id=identity,
        time=time,
        targets=targets,
        past=past,
        known_covariates=known,
        static=static,
        words=_words(table, beside, data),
        joins=tuple(joins),
        hierarchy=hierarchy,
    )
    _refuse_two_roles(columns)
    return columns, table


def _named_by_hierarchy(table: Table, data: SeriesConfig, hierarchy: Sequence[str]) -> SeriesConfig:
    """Return `data` with series one under another, which the columns `hierarchy` and those of data.id name together."""
    if data.layout in ("wide", "rows"):
        raise ConfigError(
            "data.hierarchy: names the columns of series one under another, and data.layout is "
            f"{data.layout}; remove one of them"
        )
    more = [name for name in _named(table, data.id, "id") if name not in hierarchy]
    return data.model_copy(update={"id": [*hierarchy, *more], "layout": "long"})


def _rows(table: Table, data: SeriesConfig, joins: Sequence[Join]) -> Columns:
    for key in ("time", "target", "past_covariates", "known_covariates", "static"):
        if getattr(data, key) not in (None, NO_TIME):
            raise ConfigError(
                f"data.{key}: with a series in each row (data.layout: rows) no column has a role; remove it"
            )
    at = _place_of_id(table, data)
    sources = [name for join in joins for name in join.names]
    steps = steps_of(table, at, data.decimal, sources)
    _refuse_missing_header([table.header[i] for i in steps], table, data)
    left_out = [name for i, name in enumerate(table.header) if i not in (at, *steps) and name not in sources]
    more = f"; columns left out: {', '.join(left_out)}" if left_out else ""
    note(f"a series in each row, named by the column {shown(table.header[at])}{more}")
    if all(formats_of(table.header[i]) and not table.header[i].isdecimal() for i in steps):
        doubt(f"the times from {shown(table.header[steps[0]])} in the header are not read: forecasts count the steps")
    return Columns("rows", table.header[at], None, ("value",), joins=tuple(joins))


def _place_of_id(table: Table, data: SeriesConfig) -> int:
    """Return the column (from 0) that names the series in rows: the first, unless the config names another."""
    return 0 if data.id is None else column_index(table, _single(data.id))


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
            f"{table.name}:{data.skip_rows + 1}: the first line holds values, and would be lost as a header; "
            "--set data.header=false, or write a header above it, such as id,1,2,3"
        )


def looks_like_rows(table: Table, data: SeriesConfig, sources: Collection[str]) -> bool:
    """True if each row may be a series: a name that no other row has, then columns that are only numbered."""
    if data.time is not None or data.target is not None or len(table.header) <= _FEWEST_STEPS:
        return False
    if sum(_is_numbered(name, data.decimal) for name in table.header) < _FEWEST_STEPS:
        return False
    at = _place_of_id(table, data)
    steps = steps_of(table, at, data.decimal, sources)
    if len(steps) < _FEWEST_STEPS or not all(_is_numbered(table.header[i], data.decimal) for i in steps):
        return False
    if data.id is None and is_numeric_column(table, at, data.decimal):
        return False
    return len({row[at].strip() for row in table.rows}) == len(table.rows) and kind_of_column(table, at) != "time"


def steps_of(table: Table, at: int, decimal: str, sources: Collection[str] = ()) -> list[int]:
    """Return the columns (from 0) that are the steps of series in rows, which column `at` names, itself made of
    `sources`: all others but those of words that are not numbered, such as more names of a series."""
    return [
        i
        for i, name in enumerate(table.header)
        if i != at and name not in sources and (_is_numbered(name, decimal) or is_numeric_column(table, i, decimal))
    ]


def _is_numbered(name: str, decimal: str) -> bool:
    """True if a column is called as a step is: by a number, with or without a word before it, or by a date."""
    return _NUMBERED.fullmatch(name) is not None or is_number(name, decimal) or bool(formats_of(name))


def _single(name: str | int | list[str | int] | list[str]) -> str | int:
    assert not isinstance(name, list)  # several are one by now
    return name


def _identity(table: Table, data: SeriesConfig) -> str | None:
    if data.layout == "wide":
        if data.id is not None:
            raise ConfigError("data.id: tells apart series one under another; data.layout is wide, so remove it")
        return None
    if data.id is not None:
        return table.header[column_index(table, _single(data.id))]
    found = usual_name(table.header, _ID_NAMES)
    if found is None and data.layout == "long":
        raise ConfigError("data.layout: is long, and nothing says which series a row is of; name the column in data.id")
    return found


def _named(table: Table, named: str | int | list[str | int] | list[str] | None, key: str) -> tuple[str, ...]:
    names = [] if named is None else named if isinstance(named, list) else [named]
    found = tuple(table.header[column_index(table, name)] for name in names)
    for i, name in enumerate(found):
        if name in found[:i]:
            raise ConfigError(f"data.{key}: names the column {shown(name)} twice; name it once")
    return found


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
            doubt(
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
    require_names(table, [name for name in wanted if name is not None] if columns.layout != "rows" else ())


def require_names(table: Table, names: Sequence[str]) -> None:
    """Raise UsageError if `table` lacks one of the columns `names`."""
    for name in names:
        if name not in table.header:
            raise UsageError(f"{no_column(table, name)}; the forecast needs it")


def rows_of_series(table: Table, columns: Columns) -> dict[str, np.ndarray]:
    """Return the rows of each series by its name, in the order of their first rows; DataError for a row without one."""
    if columns.id is None:
        return {"": np.arange(len(table.rows))}
    at = table.header.index(columns.id)
    groups: dict[str, list[int]] = {}
    for number, row in enumerate(table.rows):
        groups.setdefault(row[at].strip(), []).append(number)
    if "" in groups:
        where = f"{table.name}:{table.lines[groups[''][0]]}: column {at + 1} {shown(columns.id)}"
        raise DataError(f"{where}: nothing says which series the row is of; write it, or remove the row")
    return {name: np.array(numbers) for name, numbers in groups.items()}


def as_number(stamp: str) -> int | str:
    """Return years and counters as numbers, everything else, such as 05, as text."""
    return int(stamp) if _COUNT.fullmatch(stamp) else stamp
