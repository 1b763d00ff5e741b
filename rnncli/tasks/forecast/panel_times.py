"""Which column of a table has the times of its rows, or which columns tell them together."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from rnncli.data import dotted_months
from rnncli.data.column_kinds import CALENDAR_NAMES, Kind, kind_of_column
from rnncli.data.csv_table import Table
from rnncli.data.joined_columns import Join, join_of_times, tells_clock, with_short_names
from rnncli.data.numeric import column_index
from rnncli.data.stamp_column import NO_TIME
from rnncli.data.stamps import formats_of, read
from rnncli.errors import DataError, quoted, shown

_SEEN = 1000  # rows tell whether a column changes
# The usual names, likelier ones first.
_LONG_TIMES = ("ds", "timestamp", "date", "datetime", "time", "t")


def find_time(
    table: Table, named: object, kinds: Mapping[str, Kind | None], identity: str | None, form: str | None = None
) -> str | Join | None:
    """Return the column of times: the one `named`, the first in the format `form`, the first of dates, or of whole
    numbers that count them, or the columns that tell the time together.

    DataError for columns that tell it by parts and do not make it.
    """
    if named == NO_TIME and NO_TIME not in table.header:
        return None
    if isinstance(named, (str, int)):
        return table.header[column_index(table, named)]
    if form is not None:
        for i, name in enumerate(table.header):
            if len(read([table.rows[0][i].strip()], form)):
                return name
        where = f"{table.name}:{table.lines[0]}"
        raise DataError(f"{where}: no column has a time in the format {form} of data.time_format; correct the format")
    usual = None if identity is None else usual_name(list(kinds), _LONG_TIMES)
    times = [name for name, kind in kinds.items() if kind == "time"]
    changing = [name for name in times if len({row[table.header.index(name)] for row in table.rows[:_SEEN]}) > 1]
    times = changing or times  # such as the beginning and the end of what was asked of a database
    # Dates that are read come before whole numbers, and before what only looks like a date, such as a version.
    times.sort(key=lambda name: (is_whole(table, name), not is_read(table, name), name.lower() not in CALENDAR_NAMES))
    found = usual or (times[0] if times else None)
    partial = [name for name, kind in kinds.items() if kind == "part"]
    if found is not None and not is_whole(table, found):
        if is_read(table, found):  # beside a date, year and month say nothing more
            partial = [name for name in partial if tells_clock(table, name)]
        elif len(partial) > 1:  # a decimal date beside year and month
            found = None
    if partial and found is None:
        partial = with_short_names(table, partial, [name for name, kind in kinds.items() if kind is None])
    if partial and (found is None or _repeats(table, found, identity)):
        return _together(table, [*([found] if found else []), *partial], identity) or found
    return found


def usual_name(names: Sequence[str], usual: Sequence[str]) -> str | None:
    """Return the one of `names` that comes first among the `usual` ones, in upper or lower case, or None."""
    found = {name.lower(): name for name in reversed(names)}
    return next((found[name] for name in usual if name in found), None)


def kinds_of(table: Table, identity: str | None, taken: Collection[str]) -> dict[str, Kind | None]:
    """Return what tells time in some way, and what only counts rows, among the columns that have no other role."""
    names = [name for name in table.header if name != identity and name not in taken]
    # Years that begin anew with each series are even in each of them.
    seen = table if identity is None else _first_series(table, table.header.index(identity))
    return {name: kind_of_column(seen, table.header.index(name)) for name in names}


def is_whole(table: Table, name: str) -> bool:
    """True if the first cell of the column is a whole number."""
    return table.rows[0][table.header.index(name)].strip().isdigit()


def is_read(table: Table, name: str) -> bool:
    """True if the first cell of the column is a time in a form that is read, or all are months with a point."""
    cells = [row[table.header.index(name)].strip() for row in table.rows]
    return bool(formats_of(cells[0])) or dotted_months.form_of(cells) is not None


def _together(table: Table, partial: Sequence[str], identity: str | None) -> Join | None:
    """Return the join of columns that tell the time together; DataError if they do not, or if one by itself counts the
    rows of each of several series."""
    if len(partial) == 1 and identity is None and is_whole(table, partial[0]):
        times = [row[table.header.index(partial[0])] for row in table.rows]
        for i, name in enumerate(table.header):
            cells = [row[i] for row in table.rows]
            tells_apart = len(set(zip(cells, times, strict=True))) == len(cells)
            if name not in partial and 1 < len(set(cells)) <= len(cells) // 2 and tells_apart:
                raise DataError(
                    f"{table.name}: the times in {shown(partial[0])} begin anew; if the column {shown(name)} says "
                    f"which series a row is of, --set data.id={quoted(name)}, else leave times out with "
                    f"--set data.time={NO_TIME}"
                )
    return join_of_times(table, partial) if len(partial) > 1 else None


def _repeats(table: Table, name: str, identity: str | None) -> bool:
    """True if a cell of the column occurs in a later row of its series too."""
    places = [table.header.index(one) for one in (name, identity) if one is not None]
    return len({tuple(row[i].strip() for i in places) for row in table.rows}) < len(table.rows)


def _first_series(table: Table, at: int) -> Table:
    kept = [i for i, row in enumerate(table.rows) if row[at].strip() == table.rows[0][at].strip()]
    return Table(
        table.name, table.header, [table.rows[i] for i in kept], [table.lines[i] for i in kept], table.delimiter
    )
