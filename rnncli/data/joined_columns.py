"""Columns that tell one thing together: a date beside a clock, a year beside a month, or the keys of a series.

They are joined to one more column of the table, and what is forecast is written in columns like them again.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rnncli.data import stamp_templates
from rnncli.data.column_kinds import CLOCK_TIME, UNITS
from rnncli.data.csv_table import Table
from rnncli.data.stamps import INTEGER, formats_of, read, write
from rnncli.errors import DataError, shown

KEY, DATE, CLOCK = "key", "date", "clock"  # fields that are no template
_LAST_CLOCK = re.compile(rf"(.+) ({CLOCK_TIME.pattern}\S*)")

# The templates that the cells of a column may have which tells a unit.
_TEMPLATES = {
    "year": ("YYYY", "YY"),
    "quarter": ("q", "Qq"),
    "month": ("MM", "M", "Mon", "Month", "MON", "MONTH", "mon", "month"),
    "week": ("ww", "w", "Www"),
    "day": ("DD", "D"),
    "hour": ("hh", "h", "HH", "H"),
    "minute": ("mm", "m"),
    "second": ("ss", "s"),
}
_SHORT = {  # names that are of something else too, and tell a unit beside a year, or where the config says that they do
    "year": ("yyyy", "yy"),
    "quarter": ("q",),
    "month": ("mon", "mm", "mo"),
    "week": ("wk", "kw", "woy", "iso_week", "iso week", "weekofyear", "week_of_year", "weeknum", "week_number", "sem"),
    "day": ("dd", "mday"),
    "hour": ("hr", "hh", "he", "hour ending", "hour_ending"),
    "minute": ("min", "mi"),
    "second": ("sec", "ss"),
}
# By the smallest unit: the units that make a time together, and the format in which they are joined.
_TIMES = {
    "quarter": (("year", "quarter"), "YYYY-Qq"),
    "month": (("year", "month"), "YYYY-MM"),
    "week": (("year", "week"), "YYYY-Www"),
    "day": (("year", "month", "day"), "YYYY-MM-DD"),
    "hour": (("year", "month", "day", "hour"), "YYYY-MM-DD hh:mm"),
    "minute": (("year", "month", "day", "hour", "minute"), "YYYY-MM-DD hh:mm"),
    "second": (("year", "month", "day", "hour", "minute", "second"), "YYYY-MM-DD hh:mm:ss"),
}

_OF_CLOCKS = (("hour",), ("hour", "minute"), ("hour", "minute", "second"))


@dataclass(frozen=True)
class Join:
    """Columns `names` (n) that make one, and what each tells (n): `fields` are keys, a date and a clock, a date and
    numbers of a clock, or the numbers of a date, with the templates that their cells have."""

    names: tuple[str, ...]
    fields: tuple[str, ...]

    def require_sound(self) -> None:
        """Raise ValueError for fields that no columns have together, such as those of an edited model file."""
        first, units = self.fields[:1], tuple(map(_unit, self.fields))
        dated = first == (DATE,) and (self.fields[1:] == (CLOCK,) or units[1:] in _OF_CLOCKS)
        alike = len(self.names) == len(self.fields) and len(self.names) == len(set(self.names))
        if not alike or not (
            set(self.fields) == {KEY} or dated or (units and units == _TIMES.get(units[-1], ((),))[0])
        ):
            raise ValueError("its columns make no column together")

    @property
    def name(self) -> str:
        """The name of the column that they make."""
        return " + ".join(self.names)

    @property
    def is_key(self) -> bool:
        """True if the columns name series; they tell the time otherwise."""
        return self.fields[0] == KEY

    def texts(self, columns: Sequence[Sequence[str]]) -> list[str]:
        """Return the joined cells of n columns of R cells each, up to the first that tell no time together."""
        rows = zip(*columns, strict=True)
        if self.is_key:
            return [_line(row) for row in rows]
        if self.fields[:2] == (DATE, CLOCK):
            return [" ".join(row) for row in rows]
        if self.fields[0] == DATE:
            return [f"{date} {':'.join([*(f'{int(cell):02}' for cell in clock), '00'][:3])}" for date, *clock in rows]
        texts = [" ".join(row) for row in rows]
        return write(read(texts, self._template), self._written)

    def cells(self, text: str) -> list[str]:
        """Return the cells that make the joined cell `text`: the inverse of `texts`. Of a text that no columns make
        they are others, or of another number."""
        if self.is_key:
            return next(csv.reader([text]), [])
        if self.fields[:2] == (DATE, CLOCK):
            found = _LAST_CLOCK.fullmatch(text)
            if found is None:
                return [text]
            return [found[1], found[2]]
        if self.fields[0] == DATE:
            date, _, clock = text.rpartition(" ")
            padded = zip(self.fields[1:], clock.split(":"), strict=False)
            return [date, *(cell if len(field) == 2 else str(int(cell)) for field, cell in padded)]
        return " ".join(write(read([text], self._written), self._template)).split(" ")

    @property
    def _template(self) -> str:
        return " ".join(self.fields)

    @property
    def _written(self) -> str:
        return _TIMES[_unit(self.fields[-1])][1]


def _line(cells: Sequence[str]) -> str:
    """Return cells as one line of CSV, from which they are told apart again whatever they hold."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()


def _unit(template: str) -> str:
    """Return the unit that a template tells, "" for what is none."""
    return next((unit for unit, templates in _TEMPLATES.items() if template in templates), "")


def joined(table: Table, join: Join) -> Table:
    """Return the table with the joined column after its last one. DataError for cells that tell no time together."""
    indices = [table.header.index(name) for name in join.names]
    columns = [[row[i].strip() for row in table.rows] for i in indices]
    if join.fields[0] == DATE and join.fields[1] != CLOCK:
        for name, index, cells in zip(join.names[1:], indices[1:], columns[1:], strict=True):
            odd = next((i for i, cell in enumerate(cells) if not (cell.isdecimal() and len(cell) <= 2)), None)
            if odd is not None:
                _refuse(table, odd, f"column {index + 1} {shown(name)}: {shown(cells[odd])} is no number of a clock")
    texts = join.texts(columns)
    if len(texts) < len(table.rows):
        row = len(texts)
        seen = ", ".join(f"{name} {shown(cells[row])}" for name, cells in zip(join.names, columns, strict=True))
        _refuse(table, row, f"{seen}: no time; correct the cells, or remove the line")
    rows = [[*row, text] for row, text in zip(table.rows, texts, strict=True)]
    return replace(table, header=[*table.header, join.name], rows=rows)


def _refuse(table: Table, row: int, why: str) -> None:
    raise DataError(f"{table.name}:{table.lines[row]}: {why}")


def join_of_keys(names: Sequence[str]) -> Join:
    """Return the join of columns that tell together which series a row is of."""
    return Join(tuple(names), (KEY,) * len(names))


def join_of_times(table: Table, names: Sequence[str]) -> Join:
    """Return the join of columns that tell the time together, in the order of their units.

    DataError if they do not: a date with a clock or with hours does, a year with a quarter, with a week, or with a
    month and, if there are some, with days, hours, minutes and seconds.
    """
    units = {_unit_of(table, name): name for name in names}
    order = [unit for unit in (DATE, CLOCK, *UNITS) if unit in units]
    dated = [unit for unit in order if unit != DATE]
    whole = len(units) == len(names) and (
        tuple(order) in {wanted for wanted, _ in _TIMES.values()}
        or (DATE in units and (dated == [CLOCK] or dated in (["hour"], ["hour", "minute"])))
    )
    if not whole:
        raise DataError(
            f"{table.name}: the columns {' and '.join(map(shown, names))} do not make a time: a date with a clock "
            "does, and year with month, with month and day, with quarter or with week; name such columns in data.time, "
            "write the time in one, such as 2023-05-01 13:00, or leave it out with --set data.time=none"
        )
    fields = tuple(unit if unit in (DATE, CLOCK) else _template_of(table, units[unit], unit) for unit in order)
    return Join(tuple(units[unit] for unit in order), fields)


def with_short_names(table: Table, partial: Sequence[str], others: Sequence[str]) -> list[str]:
    """Return the columns `partial`, such as a year, with those of the `others` that go on from them to smaller units,
    to days at most, by names that are of something else too: KW beside a year is the week if all its cells are."""
    units = {_unit_of(table, name): name for name in partial}
    added = []
    for unit in ("quarter", "month", "week", "day"):
        name = next((name for name in others if name.strip().lower() in _SHORT.get(unit, ())), None)
        if name is not None and {*units} == {*_TIMES[unit][0][:-1]}:
            cells = list({row[table.header.index(name)].strip() for row in table.rows})
            if any(stamp_templates.count(cells, template) == len(cells) for template in _TEMPLATES[unit]):
                units[unit] = name
                added.append(name)
    return [*partial, *added]


def _unit_of(table: Table, name: str) -> str:
    """Return what a column tells: date, clock, or a unit by its name."""
    cell = table.rows[0][table.header.index(name)].strip()
    if CLOCK_TIME.fullmatch(cell):
        return CLOCK
    title = name.strip().lower()
    unit = next((unit for unit, names in UNITS.items() if title in (*names, *_SHORT.get(unit, ()))), DATE)
    dated = any(form != INTEGER for form in formats_of(cell)) and not (cell.isdecimal() and len(cell) < 8)
    return DATE if dated else unit


def tells_clock(table: Table, name: str) -> bool:
    """True if a column tells the time of day, or by its name hours, minutes or seconds."""
    return _unit_of(table, name) in (CLOCK, "hour", "minute", "second")


def _template_of(table: Table, name: str, unit: str) -> str:
    """Return the template that all cells of the column have; DataError for the first cell that has none."""
    index = table.header.index(name)
    cells = list(dict.fromkeys(row[index].strip() for row in table.rows))
    counts = {template: stamp_templates.count(cells, template) for template in _TEMPLATES[unit]}
    best = max(counts, key=lambda template: counts[template])
    if counts[best] < len(cells):
        odd = cells[counts[best]]
        row = next(i for i, one in enumerate(table.rows) if one[index].strip() == odd)
        _refuse(table, row, f"column {index + 1} {shown(name)}: {shown(odd)} is no {unit}; correct it")
    return best
