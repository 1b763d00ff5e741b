"""A panel from a CSV: series side by side, one under another, or a row for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from rnncli.config.chosen import is_open
from rnncli.data.cell_cleaning import cleaned, without_signs
from rnncli.data.csv_table import Table, read_table
from rnncli.data.numeric import doubt_fractions, is_missing, numeric_row
from rnncli.data.source import STDIN, Source
from rnncli.data.stamp_column import order_of_times
from rnncli.data.table_header import by_place, doubt_names
from rnncli.errors import ConfigError, DataError, UsageError, quoted, shown
from rnncli.notes import doubt, note, noting
from rnncli.tasks.forecast.config import SeriesConfig
from rnncli.tasks.forecast.hierarchy import Hierarchy, coming_of_all, require_hierarchy, with_sums
from rnncli.tasks.forecast.panel import Panel, ending_early, filled, first_known, gaps_as_zeros, stacked
from rnncli.tasks.forecast.panel_columns import Columns, find_columns, require_columns, rows_of_series, steps_of
from rnncli.tasks.forecast.panel_steps import StepTable
from rnncli.tasks.forecast.resampling import resampled

_NAMED = 8  # columns that a message names
_LONG = 2000  # rows
_REPEATED = 3  # times a value is no accident
_FEW = 5  # different values say nothing of each other


def panel_of_rows(table: Table, columns: Columns, data: SeriesConfig) -> Panel:
    """Return a panel with a series for each row, up to its last value, because shorter ones leave the last cells empty.

    DataError for a row without a name of its own, without a value, or with a gap that `data.missing` does not fill.
    """
    at = table.header.index(columns.id) if columns.id in table.header else 0
    steps = steps_of(table, at, data.decimal, columns.sources(columns.id))
    seen: dict[str, int] = {}
    panels = []
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
        panels.append(_series(name, values[: known[-1] + 1], steps, where, table, data))
    return stacked(panels)


def _series(name: str, values: np.ndarray, steps: list[int], where: str, table: Table, data: SeriesConfig) -> Panel:
    known = ~np.isnan(values)
    if not known.all() and data.missing == "refuse":
        gap = steps[int(np.argmin(known))]
        raise DataError(
            f"{where}: column {gap + 1} {shown(table.header[gap])}: a value of the series {shown(name)} is missing; "
            "--missing ffill|interpolate|mask|zero says what to do"
        )
    if not known[0] and data.missing == "ffill":
        raise DataError(
            f"{where}: the first value of the series {shown(name)} is missing, so ffill has nothing to repeat; begin "
            "with a value or use --missing interpolate or mask"
        )
    whole = values if known.all() else filled(values, data.missing)
    return Panel(
        ids=(name,),
        starts=np.array([0, len(values)]),
        values=whole[:, None],
        known=known[:, None],
        past={},
        known_covariates={},
        coming=({},),
        static={},
        timelines=(),
    )


def read_panel(
    source: Source, data: SeriesConfig, columns: Columns | None = None, before: Panel | None = None
) -> tuple[Panel, Columns, str]:
    """Return the panel in a CSV, the roles of its columns, and its delimiter.

    columns, before: the columns of a trained model, and the series that this panel may continue, if any.

    Rows at the end that have known covariates and no target give the covariates of the rows ahead.
    """
    table = _read(source, data, columns)
    if columns is None:
        if data.thousands is None and "decimal" not in data.model_fields_set:
            doubt_fractions(table, data.decimal)
        columns, table = find_columns(table, data)
    else:
        table = columns.joined(table)
        require_columns(table, columns)
    if columns.hierarchy:
        require_hierarchy(table, columns, data)
    if data.sort and columns.time is not None:
        at = table.header.index(columns.time)
        cut = data.resample is not None
        groups = list(rows_of_series(table, columns).values())
        order = order_of_times(table, at, data.time_format, data.timezone, cut=cut, groups=groups).tolist()
        table = replace(table, rows=[table.rows[i] for i in order], lines=[table.lines[i] for i in order])
    if data.resample is not None:
        table = resampled(table, columns, data)
    if columns.layout == "rows":
        panel = panel_of_rows(table, columns, data)
    else:
        panel = StepTable(table, columns, data, before).panel()
    _note_constants(panel, columns)
    _doubt_codes(panel, columns)
    unknown = int((~panel.known).sum())
    if unknown and data.missing != "zero":
        note(f"{unknown:,} missing values of {panel.known.size:,}: data.missing is {data.missing}")
    if columns.layout == "wide" and _are_apart(data, panel):
        panel = separate(panel, columns.targets, goes_on=before is not None)
    elif panel.timelines:
        _doubt_ends(panel, columns)
    if data.missing == "zero":
        panel = _with_zeros(panel, before)
    if columns.hierarchy:
        panel = with_sums(panel, columns, table)
    return panel, replace(columns, signs=table.signs), table.delimiter or ","


def _doubt_ends(panel: Panel, columns: Columns) -> None:
    """Write a doubt if some targets have no value in the last rows of every series, where others have: these rows are
    likely those to forecast, and are taken for known ones."""
    known = np.stack([panel.known[panel.rows(s)][-1] for s in range(len(panel.ids))])
    ended = [name for name, there in zip(columns.targets, known.T, strict=True) if not there.any()]
    others = [name for name, there in zip(columns.targets, known.T, strict=True) if there.all()]
    if not ended or not others or len(columns.targets) > _NAMED:
        return
    column = panel.known[:, columns.targets.index(ended[0])]
    count = sum(int(column[panel.rows(s)][::-1].argmax()) for s in range(len(panel.ids)))
    doubt(
        f"the last {count:,} rows have values of {_listed(others)}, and none of {_listed(ended)}: if they are to be "
        f"forecast, train with {_as_key('target', ended)}, and {_as_key('known_covariates', others)} if that is known "
        "ahead"
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(shown, names))


def _as_key(key: str, names: Sequence[str]) -> str:
    """Return the option that names columns in a key of data."""
    return f"--set data.{key}=" + (quoted(names[0]) if len(names) == 1 else quoted(f"[{', '.join(names)}]"))


def _are_apart(data: SeriesConfig, panel: Panel) -> bool:
    """Return True if columns side by side are series of their own: by data.channels, or in a long table, where one
    network that reads all of them learns what they have in common by chance."""
    many = panel.values.shape[1] > 1 and len(panel.values) >= _LONG
    return many if is_open(data.channels) else data.channels == "independent"


def _with_zeros(panel: Panel, before: Panel | None) -> Panel:
    """Return the panel in which missing values count as 0, with notes of how many, and of series that end early."""
    made = gaps_as_zeros(panel, before)
    if count := int(made.known.sum() - panel.known.sum()):
        note(
            f"{count:,} missing values of {made.known.size:,} count as 0 (data.missing is zero); the covariates of a "
            "missing row are those of the row before"
        )
    if early := ending_early(made):
        doubt(
            f"{len(early):,} of {len(made.ids):,} series end before others, {shown(made.ids[early[0]])} the first: "
            "nothing counts as 0 after their last rows; write a row with 0 at the end of those that are to go on"
        )
    return made


def separate(panel: Panel, targets: Sequence[str], *, goes_on: bool = False) -> Panel:
    """Return a panel of one series with C targets as C series of one target each, which share everything else.

    A series begins with its first known value, unless the panel `goes_on` from another.
    """
    panels = []
    for c, name in enumerate(targets):
        known = panel.known[:, c : c + 1]
        one = replace(panel, ids=(name,), values=panel.values[:, c : c + 1], known=known)
        panels.append(one if goes_on else one.lasting(len(known) - first_known(known)))
    return stacked(panels)


def with_future(panel: Panel, columns: Columns, source: Source, data: SeriesConfig) -> Panel:
    """Return the panel with the known covariates in `source` for the rows after the end of each series.

    Rows are found by their times; those up to the end are passed over. Without times, all are after it. Rows that the
    panel has beside them are kept. ConfigError without known covariates; DataError for a series whose next row nobody
    tells, unless it ended before others.
    """
    if not columns.known_covariates:
        raise ConfigError("data.future: tells known covariates, and data.known_covariates names none; remove one")
    only = replace(columns, targets=(), past=(), static=())
    table = columns.joined(_read(source, data, columns))
    require_columns(table, only)
    if data.resample is not None:
        table = resampled(table, only, data)
    if not columns.hierarchy:
        return replace(panel, coming=StepTable(table, only, data, panel).coming(panel))
    hierarchy = Hierarchy.of(columns, panel.ids)
    leaves = stacked([panel.one(s) for s in range(hierarchy.sums, len(panel.ids))])
    return replace(panel, coming=coming_of_all(hierarchy, StepTable(table, only, data, leaves).coming(leaves)))


def refuse_coming_alone(source: Source, data: SeriesConfig, columns: Columns) -> None:
    """Raise UsageError if `source` has none but the rows ahead: their known covariates, or times, and no target."""
    with noting(lambda text: None):  # which were told when it was read
        table = columns.joined(_read(source, data, columns))
    needed = [*columns.known_covariates, *([] if columns.time is None else [columns.time])]
    targets = [table.header.index(name) for name in columns.targets if name in table.header]
    names = (columns.time, columns.id, *columns.targets, *columns.past, *columns.known_covariates, *columns.static)
    others = {*table.header} - {*names, *(source for name in names for source in columns.sources(name))}
    if not needed or not {*needed} <= {*table.header} or columns.layout == "rows" or (others and not targets):
        return  # one of the others may be a target under another name
    if all(is_missing(row[i].strip()) for row in table.rows for i in targets):
        path = "-" if source.name == STDIN else quoted(source.name)
        way = f"give it as --future {path}" if columns.known_covariates else "leave it out"
        raise UsageError(
            f"{source.name}: has rows to forecast alone, without a value of {shown(columns.targets[0])}; {way}: "
            "without DATA, the forecast goes on where the training data end"
        )


def lines_of(source: Source, data: SeriesConfig, columns: Columns) -> Callable[[str, str], int]:
    """Return a function of the name of a column and a cell, which reads `source` again and returns the first line on
    which the column has that cell."""

    def line_of(name: str, cell: str) -> int:
        with noting(lambda text: None):  # which told once what it says of the file
            table = _read(source, data, columns)
        at = table.header.index(name)
        return next((line for line, row in zip(table.lines, table.rows, strict=True) if row[at].strip() == cell), 1)

    return line_of


def _read(source: Source, data: SeriesConfig, columns: Columns | None = None) -> Table:
    table = read_table(source, **data.dialect, skip_footer=data.skip_footer)
    if columns is not None and table.headed and (names := by_place(table.header, columns.read())):
        doubt_names(source.name, table.delimiter.join(table.header))
        table = replace(table, header=names, headed=False)
    table = without_signs(table, data.na_values)
    if data.thousands is None and not data.na_values:
        return table
    return replace(table, rows=[cleaned(row, data.thousands, data.na_values, data.decimal) for row in table.rows])


def _doubt_codes(panel: Panel, columns: Columns) -> None:
    """Tell of a value, such as -999, that stands several times at one end of a target, farther from all others than
    they are from each other: it may mean that there is none."""
    for c, target in enumerate(columns.targets):
        values, counts = np.unique(panel.values[panel.known[:, c], c], return_counts=True)
        if len(values) <= _FEW:
            continue
        for end, rest in ((0, values[1:]), (-1, values[:-1])):
            far = np.abs(values[end] - rest).min() > rest[-1] - rest[0]
            if far and counts[end] >= _REPEATED and values[end] != 0:
                doubt(
                    f"the column {shown(target)} is {values[end]:g} in {counts[end]:,} rows, and far from it in all "
                    "others; if that means a missing value, leave these cells empty, or train with "
                    f"--set data.na_values={values[end]:g}"
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
