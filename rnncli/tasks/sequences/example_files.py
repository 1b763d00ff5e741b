"""Readers of files of labelled sequences: one label, or several, for each text or each run of numbers.

    lines   `label text`, one example a line; see `written_labels`
    text    a CSV with a column of texts
    wide    a CSV with one sequence a row: the columns are its steps; empty cells at the end make it shorter
    long    a CSV with one step a row: rows with the same id are a sequence
    ts      the UCR/UEA archive's format; see `archive_file`

Missing values at the end of a sequence make it shorter; for others see `gaps`. The label is optional where examples
are only to be predicted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from rnncli.config.data_section import NO_GROUP
from rnncli.data.csv_table import Table, read_table
from rnncli.data.lines import Opened
from rnncli.data.numeric import column_index, finite, is_missing, is_number, is_numeric_column, no_column, value_of
from rnncli.data.source import Source, is_table
from rnncli.data.table_rows import TableRows
from rnncli.errors import DataError, UsageError, shown
from rnncli.notes import note
from rnncli.tasks.sequences import gaps
from rnncli.tasks.sequences.archive_file import archive_examples
from rnncli.tasks.sequences.config import ClassifyDataConfig, ExamplesConfig, LabelledConfig, RegressDataConfig
from rnncli.tasks.sequences.entries import Entries
from rnncli.tasks.sequences.example_lines import labelled_lines
from rnncli.tasks.sequences.examples import MISSING, Columns, Examples, Form
from rnncli.tasks.sequences.named_rows import leave_names_out, require_width, without_names
from rnncli.tasks.sequences.written_labels import in_sets


def place_in(table: Table, row: int, index: int) -> str:
    """Return the place of a cell, for messages; both numbers are from 0."""
    return f"{table.name}:{table.lines[row]}: column {index + 1} {shown(table.header[index])}"


def groups_of(table: Table, named: str | None) -> list[str] | None:
    """Return the cells (N) of the column `data.group`, None if none is named."""
    if named in (None, NO_GROUP):
        return None
    index = column_index(table, str(named))
    return [row[index].strip() for row in table.rows]


LABEL_NAMES = ("label", "labels", "class", "tag", "target", "y")  # the first that there is


def from_table(table: Table, data: ExamplesConfig, like: Columns | None, *, labelled: bool) -> Examples:
    label = None
    if labelled:
        label = _place(table, like.label) if like and like.label is not None else _label(table, data)
    labels = None if label is None else labels_of(table, label, none=_separator(data, like) is not None)
    columns = like or replace(_columns(table, data, label), width=None if table.headed else len(table.header))
    groups = groups_of(table, data.group) if labelled else None
    if columns.form == "text":
        assert columns.text is not None
        alone = not labelled and not columns.headed and len(table.header) == 1  # the texts without their labels
        index = 0 if alone else _place(table, columns.text)
        for row, line in zip(table.rows, table.lines, strict=True):
            if not row[index].strip():
                raise DataError(f'{table.name}:{line}: column "{columns.text}" is empty; an example needs a text')
        texts = [row[index].strip() for row in table.rows]
        return Examples(table.name, columns, _ids(table, columns), table.lines, labels, texts=texts, groups=groups)
    if columns.form == "long":
        return _long(table, columns, data, labels, groups)
    indices = [_place(table, name) for name in columns.inputs]
    values = [_steps(table, row, indices, data, learns=labelled) for row in range(len(table.rows))]
    return Examples(
        table.name,
        columns,
        _ids(table, columns),
        table.lines,
        labels,
        values=values,
        groups=groups,
        missing=data.missing,
    )


def _label(table: Table, data: ExamplesConfig) -> int:
    """Return the column (from 0) of answers: for regress the only one of numbers, where none has a usual name."""
    if not isinstance(data, RegressDataConfig) or data.label is not None or _usual_label(table) is not None:
        return label_index(table, data.label)
    taken = [_names_of_rows(table), *([] if data.listed_inputs is None else data.listed_inputs)]
    taken += [column for column in (data.id, data.time, data.group) if column not in (None, NO_GROUP)]
    others = {*range(len(table.header))} - {column_index(table, column) for column in taken if column is not None}
    numbers = [i for i in sorted(others) if is_numeric_column(table, i, data.decimal)]
    if len(numbers) != 1:
        raise _unnamed(table, "the column of the numbers to predict")
    note(f"the numbers to predict are read from column {shown(table.header[numbers[0]])}")
    return numbers[0]


def label_index(table: Table, named: str | int | None) -> int:
    """Return the column (from 0) of answers: the named one, or else the first of LABEL_NAMES that the table has."""
    if named is not None:
        return column_index(table, named)
    found = _usual_label(table)
    if found is None:
        raise _unnamed(table, "the column of labels")
    return found


def _usual_label(table: Table) -> int | None:
    header = [name.strip().lower() for name in table.header]
    return next((header.index(name) for name in LABEL_NAMES if name in header), None)


def _unnamed(table: Table, what: str) -> UsageError:
    names = ", ".join(shown(name) for name in table.header)
    return UsageError(f"{table.name}: name {what} with --set data.label=NAME; columns: {names}")


def labels_of(table: Table, index: int, *, none: bool = False) -> list[str]:
    """Return the answer in every row; raise DataError if one is empty, unless `none` is an answer too. NA, null and ?
    are labels like others.
    """
    for row, line in zip(table.rows, table.lines, strict=True):
        if not row[index].strip() and not none:
            raise DataError(
                f'{table.name}:{line}: column "{table.header[index]}" has no label; add one or remove the row'
            )
    return [row[index].strip() for row in table.rows]


def _columns(table: Table, data: ExamplesConfig, label: int | None) -> Columns:
    """Return the columns to read: those that the config names, or else those that the table itself suggests."""

    def name_of(column: str | int) -> str:
        return table.header[column_index(table, column)]

    label_name = None if label is None else table.header[label]
    if data.text is not None and data.listed_inputs is not None:
        raise UsageError("data.text and data.inputs: a model reads texts or numbers; remove one of them")
    reads = [data.text] if data.text is not None else (data.listed_inputs or [])
    if label_name in [name_of(column) for column in reads]:
        raise UsageError(f"data.label: {shown(str(label_name))} is also what the model reads; it would see the answer")
    identity = None if data.id is None else name_of(data.id)
    if data.text is not None:
        return Columns("text", name_of(data.text), id=identity, label=label_name, headed=table.headed)
    names = _names_of_rows(table) if identity is None and data.inputs is None else None
    taken = {label_name, identity, names, None if data.time is None else name_of(data.time)}
    if data.group not in (None, NO_GROUP):
        taken.add(name_of(data.group))
    others = [i for i, name in enumerate(table.header) if name not in taken]
    numeric = [i for i in others if is_numeric_column(table, i, data.decimal)]
    if data.listed_inputs is None and not numeric and len(others) == 1:
        note(f'texts are read from column "{table.header[others[0]]}"')
        return Columns("text", table.header[others[0]], id=identity, label=label_name, headed=table.headed)
    inputs = (
        tuple(name_of(c) for c in data.listed_inputs) if data.listed_inputs else tuple(table.header[i] for i in numeric)
    )
    if not inputs:
        names = ", ".join(shown(name) for name in table.header)
        raise UsageError(
            f"{table.name}: name the texts with --set data.text=NAME, or the numbers with "
            f"--set data.inputs=NAMES; columns: {names}"
        )
    left_out = [table.header[i] for i in others if table.header[i] not in inputs]
    if left_out:
        note(f"columns left out: {', '.join(left_out)}")
    if names is not None:
        note(f"column {shown(names)} names the sequences; it is no input (data.inputs would make it one)")
    form: Form = "wide" if identity is None else "long"
    return Columns(form, None, inputs, identity or names, label_name, table.headed)


def _names_of_rows(table: Table) -> str | None:
    """Return the name of a column called id in which no cell comes twice."""
    for index, name in enumerate(table.header):
        if name.strip().lower() == "id" and len({row[index] for row in table.rows}) == len(table.rows):
            return name
    return None


def _ids(table: Table, columns: Columns) -> list[str]:
    named = columns.naming(table.header)
    if named is None:
        return [str(i + 1) for i in range(len(table.rows))]
    index = table.header.index(named)
    return [row[index] for row in table.rows]


def _place(table: Table, name: str) -> int:
    """Return the index of the column of exactly this name; digits are not read as a column number."""
    if name not in table.header:
        raise UsageError(no_column(table, name))
    return table.header.index(name)


def _steps(table: Table, row: int, indices: list[int], data: ExamplesConfig, *, learns: bool) -> np.ndarray:
    """Return one row's cells in these columns as steps (n, 1), without the empty cells at its end."""
    cells = [table.rows[row][i] for i in indices]
    for cell, index in zip(cells, indices, strict=True):
        if not (is_number(cell, data.decimal) or is_missing(cell)):
            raise DataError(
                f"{place_in(table, row, index)}: {shown(cell)} is not a number; mend the cell or remove the row"
            )
    values = gaps.shortened(np.array([value_of(cell, data.decimal) for cell in cells])[:, None])
    if not len(values):
        raise DataError(f"{table.name}:{table.lines[row]}: the sequence has no values; remove the row")
    gaps.require_taken(values, data.missing, lambda t, c: place_in(table, row, indices[t]), learns=learns)
    return finite(values, f"{table.name}:{table.lines[row]}")


def _long(
    table: Table, columns: Columns, data: ExamplesConfig, labels: list[str] | None, groups: list[str] | None
) -> Examples:
    """Return the examples in a table whose rows with the same id are, in file order, the steps of a sequence."""
    assert columns.id is not None
    identity, indices = _place(table, columns.id), [_place(table, name) for name in columns.inputs]
    rows: dict[str, list[int]] = {}
    for number, row in enumerate(table.rows):
        if row[identity].strip().lower() in MISSING:
            raise DataError(f'{table.name}:{table.lines[number]}: column "{columns.id}" is empty; fill the cell')
        rows.setdefault(row[identity], []).append(number)
    for name, numbers in rows.items() if labels else ():
        assert labels is not None
        other = next((i for i in numbers if labels[i] != labels[numbers[0]]), None)
        if other is not None:
            raise DataError(
                f"{table.name}:{table.lines[other]}: {columns.id} {shown(name)} is labelled {shown(labels[other])} "
                f"here and {shown(labels[numbers[0]])} on line {table.lines[numbers[0]]}; a sequence has one label"
            )
    steps = gaps.steps_in(table, indices, data.decimal, learns=labels is not None)
    values = [_rows_of(table, steps, numbers, indices, data, learns=labels is not None) for numbers in rows.values()]
    short = sum(len(one) < len(numbers) for one, numbers in zip(values, rows.values(), strict=True))
    if short and labels:
        note(f"{table.name}: {short:,} of {len(rows):,} sequences end in missing values, which make them shorter")
    firsts = [numbers[0] for numbers in rows.values()]
    return Examples(
        table.name,
        columns,
        list(rows),
        [table.lines[i] for i in firsts],
        None if labels is None else [labels[i] for i in firsts],
        values=values,
        groups=None if groups is None else [groups[i] for i in firsts],
        missing=data.missing,
    )


def _rows_of(
    table: Table, steps: np.ndarray, numbers: list[int], indices: list[int], data: ExamplesConfig, *, learns: bool
) -> np.ndarray:
    """Return the rows `numbers` of `steps` (N, C), without those at the end that have no value."""
    values = gaps.shortened(steps[numbers])
    if not len(values):
        raise DataError(f"{table.name}:{table.lines[numbers[0]]}: the sequence has no values; remove its rows")
    gaps.require_taken(values, data.missing, lambda t, c: place_in(table, numbers[t], indices[c]), learns=learns)
    return values


def read_examples(
    source: Source, data: ExamplesConfig, like: Columns | None = None, *, is_label: Callable[[str], bool] | None = None
) -> Examples:
    """Return the examples in `source`, in the columns of `like` if it is given.

    is_label: given if the examples are only to be predicted and need no labels; `texts_in` reads lines of such.
    Raises DataError naming file and line of a mistake, and UsageError for a column that does not exist.
    """
    form = like.form if like else _form(source.name, data)
    if form in ("lines", "ts") and data.group not in (None, NO_GROUP):
        raise UsageError(f"data.group: names a column, and {source.name} has none; remove it, or give a CSV")
    separator = _separator(data, like)
    if form == "lines":
        found = labelled_lines(source, data, separated=separator is not None)
    elif form == "ts":
        found = archive_examples(source, data, like, labelled=is_label is None)
    else:
        table = read_table(source, **dialect(data, like))
        if like:
            require_width(table.name, len(table.header), like, answered=is_label is None)
        if like and is_label is None:
            labels = None if isinstance(data, ClassifyDataConfig) else partial(is_number, decimal=data.decimal)
            table = without_names(table, like, data.decimal, labels)
        found = from_table(table, data, like, labelled=is_label is None)
    if like and found.values and like.inputs and len(like.inputs) != found.values[0].shape[1] and like.form != "wide":
        raise DataError(
            f"{source.name}: its sequences have {found.values[0].shape[1]} values a step, and the model was trained "
            f"on {len(like.inputs)}"
        )
    gaps.tell(found)
    return in_sets(found, separator, may_find=like is None and isinstance(data, ClassifyDataConfig))


def _separator(data: ExamplesConfig, like: Columns | None) -> str | None:
    """Return what is known, before the examples are read, to stand between the labels of one."""
    if like is not None:
        return like.separator
    return data.label_separator if isinstance(data, ClassifyDataConfig) else None


def dialect(data: LabelledConfig, like: Any, *, keep_ragged: bool = False) -> dict[str, Any]:
    """Return how a table is read: with the names of the columns `like`, or without a header if they had none;
    keep_ragged: with all its rows."""
    read, own = data.dialect, dict[str, Any]()
    if like is not None:
        names = [name for name in (like.text, *like.inputs, like.id, like.label) if name is not None]
        own = {"named": [*read["named"], *names]} if like.headed else {"header": False}
    return read | own | ({"ragged": "keep"} if keep_ragged and data.ragged == "refuse" else {})


def entries_in(opened: Opened, data: ExamplesConfig, like: Columns, is_label: Callable[[str], bool]) -> Entries | None:
    """Return the examples to be predicted in a CSV one by one, None for a file of another form."""
    if like.form == "ts":
        return None
    rows = TableRows(opened, **dialect(data, like, keep_ragged=True))
    leave_names_out(rows, like, data.decimal, is_label)
    return Entries(
        opened,
        rows,
        like.naming(rows.header),
        like.form == "long",
        lambda some: from_table(some, data, like, labelled=False),
    )


def _form(name: str, data: ExamplesConfig) -> str:
    if data.format == "ts" or (data.format is None and name.lower().endswith(".ts")):
        return "ts"
    named = any(column is not None for column in (data.text, data.listed_inputs, data.id, data.label))
    return "table" if data.format == "csv" or (data.format is None and (named or is_table(name))) else "lines"
