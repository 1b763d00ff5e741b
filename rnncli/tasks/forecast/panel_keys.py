"""Which columns say which series a row is of, where the config names none: those that tell rows of one time apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from itertools import chain, combinations
from statistics import median

from rnncli.data.csv_table import Table
from rnncli.data.numeric import is_number
from rnncli.errors import shown
from rnncli.notes import doubt

_FEW = 0.05  # of the rows of one time, which may be there twice where the others are told apart
_MOST_KEYS = 12  # columns that are tried in pairs


def keys_of(
    table: Table, time: str, given: Sequence[str], other: Collection[str], decimal: str
) -> Iterator[tuple[str, ...]]:
    """Yield the columns of repeated cells, one or two beside those that are `given` and none of `other`, that tell rows
    of one time apart, but for a few, the fewest columns first; none if those that are given do."""
    columns = {name: _cells(table, name) for name in table.header}
    times = columns[time]
    most = 1.5 * max(Counter(times).values())  # series that have a row at one time
    repeated = [
        n for n, cells in columns.items() if n not in other and n != time and _may_be_a_key(cells, most, decimal)
    ]
    at_once = _rows_at_once(times, [columns[name] for name in given])
    for names in chain(combinations(repeated, 1), combinations(repeated[:_MOST_KEYS], 2)) if at_once else ():
        keys = (*given, *names)
        cells = [columns[name] for name in keys]
        if _rows_at_once(times, cells) <= _FEW * at_once and len(set(zip(*cells, strict=True))) <= most:
            yield keys


def plain_key(table: Table, time: str, other: Collection[str], decimal: str) -> str | None:
    """Return the one column that plainly says which series a row is of, with a doubt, or None: most times have several
    rows, and this column alone tells all of them apart. One of words comes before one of numbers; of columns that group
    the rows alike, such as a shop's number and its name, the first is taken."""
    if median(Counter(_cells(table, time)).values()) < 2:
        return None
    found = {names[0]: _cells(table, names[0]) for names in keys_of(table, time, (), other, decimal) if len(names) == 1}
    found = {name: cells for name, cells in found.items() if all(cells)}
    words = {name: cells for name, cells in found.items() if not all(map(str.isdigit, cells))}
    plain = words or found
    if not plain or len({len(set(cells)) for cells in (*plain.values(), zip(*plain.values(), strict=True))}) > 1:
        return None
    key = next(iter(plain))
    doubt(
        f"the column {shown(key)} tells rows of one time apart, so it is taken for what says which series a row is of "
        "(data.id); if such rows are of one series, merge them with --duplicates mean, or sum"
    )
    return key


def _cells(table: Table, name: str) -> list[str]:
    at = table.header.index(name)
    return [row[at].strip() for row in table.rows]


def _rows_at_once(times: Sequence[str], columns: Sequence[Sequence[str]]) -> int:
    """Return how many rows have the time, and the cells of these columns, of one before."""
    return len(times) - len(set(zip(times, *columns, strict=True)))


def _may_be_a_key(cells: Sequence[str], most: float, decimal: str) -> bool:
    """True for cells of which at most so many are different, and that are no measured numbers."""
    repeat = 1 < len(set(cells)) <= min(len(cells) // 2, most)
    return repeat and not any(is_number(cell, decimal) and not cell.isdigit() for cell in set(cells))
