"""Labelled sequences in a CSV: a column of texts, a sequence in each row, or a step in each row."""

from __future__ import annotations

import numpy as np

from rnncli.data.csv_table import Table
from rnncli.data.numeric import column_index, is_number, is_numeric_column, numeric_column
from rnncli.errors import DataError, UsageError, shown
from rnncli.notes import note
from rnncli.tasks.sequences.config import ExamplesConfig
from rnncli.tasks.sequences.examples import MISSING, Columns, Examples, finite

LABEL_NAMES = ("label", "class", "tag", "target", "y")  # the first that there is


def from_table(table: Table, data: ExamplesConfig, like: Columns | None, *, labelled: bool) -> Examples:
    label = None
    if labelled:
        label = _place(table, like.label) if like and like.label is not None else label_index(table, data.label)
    labels = None if label is None else labels_of(table, label)
    columns = like or _columns(table, data, label)
    if columns.form == "text":
        assert columns.text is not None
        index = _place(table, columns.text)
        for row, line in zip(table.rows, table.lines, strict=True):
            if not row[index].strip():
                raise DataError(f'{table.name}:{line}: column "{columns.text}" is empty; an example needs a text')
        texts = [row[index].strip() for row in table.rows]
        return Examples(table.name, columns, _ids(table, columns), table.lines, labels, texts=texts)
    if columns.form == "long":
        return _long(table, columns, data.decimal, labels)
    indices = [_place(table, name) for name in columns.inputs]
    values = [_steps(table, row, indices, data.decimal) for row in range(len(table.rows))]
    return Examples(table.name, columns, _ids(table, columns), table.lines, labels, values=values)


def label_index(table: Table, named: str | int | None) -> int:
    """The column of answers: the one that is named, or the first with a usual name."""
    if named is not None:
        return column_index(table, named)
    header = [name.strip().lower() for name in table.header]
    for name in LABEL_NAMES:
        if name in header:
            return header.index(name)
    names = ", ".join(shown(name) for name in table.header)
    raise UsageError(f"{table.name}: name the column of labels with --set data.label=NAME; columns: {names}")


def labels_of(table: Table, index: int) -> list[str]:
    """The answer in every row; DataError where one is missing."""
    for row, line in zip(table.rows, table.lines, strict=True):
        if row[index].strip().lower() in MISSING:
            raise DataError(
                f'{table.name}:{line}: column "{table.header[index]}" has no label; add one or remove the row'
            )
    return [row[index].strip() for row in table.rows]


def _columns(table: Table, data: ExamplesConfig, label: int | None) -> Columns:
    """What the config names, and what the table shows where it does not."""

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
        return Columns("text", name_of(data.text), id=identity, label=label_name)
    taken = {label_name, identity, None if data.time is None else name_of(data.time)}
    others = [i for i, name in enumerate(table.header) if name not in taken]
    numeric = [i for i in others if is_numeric_column(table, i, data.decimal)]
    if data.listed_inputs is None and not numeric and len(others) == 1:
        note(f'texts are read from column "{table.header[others[0]]}"')
        return Columns("text", table.header[others[0]], id=identity, label=label_name)
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
    return Columns("wide" if identity is None else "long", None, inputs, identity, label_name)


def _ids(table: Table, columns: Columns) -> list[str]:
    if columns.id is None or columns.id not in table.header:
        return [str(i + 1) for i in range(len(table.rows))]
    index = _place(table, columns.id)
    return [row[index] for row in table.rows]


def _place(table: Table, name: str) -> int:
    """The column of exactly this name; digits are no number here."""
    if name not in table.header:
        names = ", ".join(shown(other) for other in table.header)
        raise UsageError(f"no column {shown(name)} in {table.name}; columns: {names}")
    return table.header.index(name)


def _steps(table: Table, row: int, indices: list[int], decimal: str) -> np.ndarray:
    """One row's cells in these columns as steps (n, 1), without the empty ones at its end."""
    cells = [table.rows[row][i].strip() for i in indices]
    while cells and cells[-1].lower() in MISSING:
        cells.pop()
    if not cells:
        raise DataError(f"{table.name}:{table.lines[row]}: the sequence has no values; remove the row")
    for cell, index in zip(cells, indices, strict=False):
        if not is_number(cell, decimal):
            raise DataError(
                f'{table.name}:{table.lines[row]}: column {index + 1} "{table.header[index]}": {shown(cell)} is not a '
                "number; mend the cell or remove the row"
            )
    return finite(np.array([float(c.replace(decimal, ".")) for c in cells])[:, None], table.name, table.lines[row])


def _long(table: Table, columns: Columns, decimal: str, labels: list[str] | None) -> Examples:
    """Rows with the same id, in the file's order, are the steps of a sequence."""
    assert columns.id is not None
    identity, indices = _place(table, columns.id), [_place(table, name) for name in columns.inputs]
    for row, line in zip(table.rows, table.lines, strict=True):
        for index in (identity, *indices):
            if row[index].strip().lower() in MISSING:
                raise DataError(f'{table.name}:{line}: column "{table.header[index]}" is empty; fill the cell')
    steps = np.stack([numeric_column(table, index, decimal=decimal) for index in indices], axis=1)
    rows: dict[str, list[int]] = {}
    for number, row in enumerate(table.rows):
        rows.setdefault(row[identity], []).append(number)
    for name, numbers in rows.items() if labels else ():
        assert labels is not None
        other = next((i for i in numbers if labels[i] != labels[numbers[0]]), None)
        if other is not None:
            raise DataError(
                f"{table.name}:{table.lines[other]}: {columns.id} {shown(name)} is labelled {shown(labels[other])} "
                f"here and {shown(labels[numbers[0]])} on line {table.lines[numbers[0]]}; a sequence has one label"
            )
    firsts = [numbers[0] for numbers in rows.values()]
    return Examples(
        table.name,
        columns,
        list(rows),
        [table.lines[i] for i in firsts],
        None if labels is None else [labels[i] for i in firsts],
        values=[steps[numbers] for numbers in rows.values()],
    )
