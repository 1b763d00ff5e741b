"""Labelled sequences, as people keep them: one label for each text or each run of numbers.

    lines   `label text`, one example a line
    text    a CSV with a column of texts
    wide    a CSV with one sequence a row: the columns are its steps; empty cells at the end make it shorter
    long    a CSV with one step a row: rows with the same id are a sequence
    ts      the UCR/UEA archive's: dimension:dimension:label, the values of a dimension separated by commas

The label is optional where examples are only to be predicted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np

from rnncli.data.csv_table import Table, read_table
from rnncli.data.numeric import column_index, is_number, is_numeric_column, numeric_column
from rnncli.data.source import Source, decode
from rnncli.errors import DataError, UsageError, shown

Form = Literal["lines", "text", "wide", "long", "ts"]
LABEL_NAMES = ("label", "class", "target", "y")  # the first that there is
MISSING = ("", "na", "nan", "null", "?")


@dataclass(frozen=True)
class Columns:
    """Where examples are found: a model keeps it, so that new data are read like the old."""

    form: Form
    text: str | None = None
    inputs: tuple[str, ...] = ()
    id: str | None = None
    label: str | None = None

    def to_header(self) -> dict[str, Any]:
        return asdict(self) | {"inputs": list(self.inputs)}

    @classmethod
    def from_header(cls, header: Mapping[str, Any]) -> Columns:
        return cls(**{**header, "inputs": tuple(header["inputs"])})


@dataclass(frozen=True)
class Reading:
    """How a file is read, from a config's `data` section; columns by name or number, None finds out."""

    format: str | None = None
    text: str | int | None = None
    inputs: Sequence[str | int] | None = None
    id: str | int | None = None
    time: str | None = None
    label: str | int | None = None
    encoding: str = "utf-8"
    delimiter: str | None = None
    decimal: str = "."
    skip_rows: int = 0
    ragged: Literal["refuse", "skip"] = "refuse"


@dataclass(frozen=True)
class Examples:
    """texts, or values (n, C) float64 of n ≥ 1 steps each; labels None where the data have none.

    lines are where the examples begin, ids what the data call them (else their number, from 1).
    """

    name: str
    columns: Columns
    ids: list[str]
    lines: list[int]
    labels: list[str] | None
    texts: list[str] | None = None
    values: list[np.ndarray] | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def where(self, number: int) -> str:
        """FILE:LINE of an example, for messages."""
        return f"{self.name}:{self.lines[number]}"


def read_examples(
    source: Source, reading: Reading, notes: list[str], like: Columns | None = None, *, labelled: bool = True
) -> Examples:
    """The examples in `source`, in the columns of `like` where it is given.

    DataError names file and line of what is wrong; UsageError a column that is not there.
    """
    form = like.form if like else _form(source.name, reading.format)
    if form == "text" and not _is_table(source.name) and not labelled:
        form = "lines"  # bare texts, as from a pipe
    if form == "lines":
        found = _lines(source, reading, labelled)
    elif form == "ts":
        found = _archive(source, reading, labelled)
    else:
        table = read_table(
            source, encoding=reading.encoding, delimiter=reading.delimiter, decimal=reading.decimal,
            skip_rows=reading.skip_rows, ragged=reading.ragged, notes=notes,
        )  # fmt: skip
        found = _table(table, reading, notes, like, labelled)
    if like and found.values and like.inputs and len(like.inputs) != found.values[0].shape[1] and like.form != "wide":
        raise DataError(
            f"{source.name}: its sequences have {found.values[0].shape[1]} values a step, and the model was trained "
            f"on {len(like.inputs)}"
        )
    return found


def _is_table(name: str) -> bool:
    return name.lower().endswith((".csv", ".tsv"))


def _form(name: str, declared: str | None) -> str:
    if declared == "ts" or (declared is None and name.lower().endswith(".ts")):
        return "ts"
    return "table" if declared == "csv" or (declared is None and _is_table(name)) else "lines"


def _lines(source: Source, reading: Reading, labelled: bool) -> Examples:
    texts, labels, numbers = [], [], []
    text = decode(source, reading.encoding).replace("\r\n", "\n").replace("\r", "\n")
    for number, line in enumerate(text.removesuffix("\n").split("\n"), start=1):
        label, _, rest = line.partition(" ") if labelled else ("", "", line)
        if not rest.strip():
            what = "must be a label, a space and a text" if labelled else "is empty; an example needs a text"
            raise DataError(f"{source.name}:{number}: {shown(line)} {what}")
        texts.append(rest.strip())
        labels.append(label)
        numbers.append(number)
    return Examples(
        source.name, Columns("lines"), [str(i + 1) for i in range(len(texts))], numbers,
        labels if labelled else None, texts=texts,
    )  # fmt: skip


def _table(table: Table, reading: Reading, notes: list[str], like: Columns | None, labelled: bool) -> Examples:
    label = _label_index(table, reading, like, labelled)
    labels = None if label is None else _labels(table, label)
    columns = like or _columns(table, reading, label, notes)
    if columns.form == "text":
        assert columns.text is not None
        index = column_index(table, columns.text)
        for row, line in zip(table.rows, table.lines, strict=True):
            if not row[index].strip():
                raise DataError(f'{table.name}:{line}: column "{columns.text}" is empty; an example needs a text')
        texts = [row[index] for row in table.rows]
        return Examples(table.name, columns, _ids(table, columns), table.lines, labels, texts=texts)
    if columns.form == "long":
        return _long(table, columns, reading.decimal, labels)
    values = [_steps(table, row, columns, reading.decimal) for row in range(len(table.rows))]
    return Examples(table.name, columns, _ids(table, columns), table.lines, labels, values=values)


def _label_index(table: Table, reading: Reading, like: Columns | None, labelled: bool) -> int | None:
    named = like.label if like else reading.label
    if named is not None and (labelled or named in table.header):
        return column_index(table, named)
    if not labelled:
        return None
    header = [name.strip().lower() for name in table.header]
    for name in LABEL_NAMES:
        if name in header:
            return header.index(name)
    names = ", ".join(shown(name) for name in table.header)
    raise UsageError(f"{table.name}: name the column of labels with --set data.label=NAME; columns: {names}")


def _labels(table: Table, index: int) -> list[str]:
    for row, line in zip(table.rows, table.lines, strict=True):
        if row[index].strip().lower() in MISSING:
            raise DataError(
                f'{table.name}:{line}: column "{table.header[index]}" has no label; add one or remove the row'
            )
    return [row[index].strip() for row in table.rows]


def _columns(table: Table, reading: Reading, label: int | None, notes: list[str]) -> Columns:
    """What the config names, and what the table shows where it does not."""

    def name_of(column: str | int) -> str:
        return table.header[column_index(table, column)]

    label_name = None if label is None else table.header[label]
    identity = None if reading.id is None else name_of(reading.id)
    if reading.text is not None:
        return Columns("text", name_of(reading.text), id=identity, label=label_name)
    taken = {label_name, identity, None if reading.time is None else name_of(reading.time)}
    others = [i for i, name in enumerate(table.header) if name not in taken]
    numeric = [i for i in others if is_numeric_column(table, i, reading.decimal)]
    if reading.inputs is None and not numeric and len(others) == 1:
        notes.append(f'texts are read from column "{table.header[others[0]]}"')
        return Columns("text", table.header[others[0]], id=identity, label=label_name)
    inputs = tuple(name_of(c) for c in reading.inputs) if reading.inputs else tuple(table.header[i] for i in numeric)
    if not inputs:
        names = ", ".join(shown(name) for name in table.header)
        raise UsageError(f"{table.name}: name the texts with --set data.text=NAME, or the numbers with "
                         f"--set data.inputs=NAMES; columns: {names}")  # fmt: skip
    left_out = [table.header[i] for i in others if table.header[i] not in inputs]
    if left_out:
        notes.append(f"columns left out: {', '.join(left_out)}")
    return Columns("wide" if identity is None else "long", None, inputs, identity, label_name)


def _ids(table: Table, columns: Columns) -> list[str]:
    if columns.id is None or columns.id not in table.header:
        return [str(i + 1) for i in range(len(table.rows))]
    index = column_index(table, columns.id)
    return [row[index] for row in table.rows]


def _steps(table: Table, row: int, columns: Columns, decimal: str) -> np.ndarray:
    """One row's cells as steps (n, 1), without the empty ones at its end."""
    indices = [column_index(table, name) for name in columns.inputs]
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
    return _finite(np.array([float(c.replace(decimal, ".")) for c in cells])[:, None], table.name, table.lines[row])


def _finite(values: np.ndarray, name: str, line: int) -> np.ndarray:
    if not (np.abs(values) < 1e30).all():
        raise DataError(f"{name}:{line}: a value is beyond what float32 can square; rescale the data")
    return values


def _long(table: Table, columns: Columns, decimal: str, labels: list[str] | None) -> Examples:
    """Rows with the same id, in the file's order, are the steps of a sequence."""
    assert columns.id is not None
    identity = column_index(table, columns.id)
    steps = np.stack([numeric_column(table, column_index(table, c), decimal=decimal) for c in columns.inputs], axis=1)
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
        table.name, columns, list(rows), [table.lines[i] for i in firsts],
        None if labels is None else [labels[i] for i in firsts],
        values=[steps[numbers] for numbers in rows.values()],
    )  # fmt: skip


def _archive(source: Source, reading: Reading, labelled: bool) -> Examples:
    has_label, begun = True, False
    values: list[np.ndarray] = []
    labels: list[str] = []
    lines: list[int] = []
    for number, line in enumerate(decode(source, reading.encoding).splitlines(), start=1):
        line, where = line.strip(), f"{source.name}:{number}"
        if not line or line.startswith("#"):
            continue
        if line.startswith("@"):
            key, *rest = line[1:].lower().split()
            if key == "timestamps" and rest[:1] == ["true"]:
                raise DataError(f"{where}: time stamps inside sequences are not read; write the values alone")
            if key in ("classlabel", "targetlabel"):
                has_label = rest[:1] == ["true"]
            begun = begun or key == "data"
            continue
        if not begun:
            raise DataError(f"{where}: {shown(line)} stands before @data; is this a .ts file?")
        parts = line.split(":")
        label = parts.pop().strip() if has_label and (labelled or len(parts) > 1) else ""
        values.append(_dimensions(parts, where, source.name, number))
        if values[-1].shape[1] != values[0].shape[1]:
            raise DataError(f"{where}: {len(parts)} dimensions, and {values[0].shape[1]} on line {lines[0]}")
        labels.append(label)
        lines.append(number)
    if not values:
        raise DataError(f"{source.name}: no sequences; a .ts file has them after @data")
    if labelled and not has_label:
        raise DataError(f"{source.name}: its sequences have no labels (@classLabel false)")
    columns = Columns("ts", inputs=tuple(f"dimension {i + 1}" for i in range(values[0].shape[1])))
    names = [str(i + 1) for i in range(len(values))]
    return Examples(source.name, columns, names, lines, labels if has_label and labelled else None, values=values)


def _dimensions(parts: list[str], where: str, name: str, line: int) -> np.ndarray:
    """(n, C) from the C dimensions of one line."""
    dimensions = []
    for number, part in enumerate(parts, start=1):
        cells = part.split(",")
        odd = next((cell for cell in cells if not is_number(cell)), None)
        if odd is not None:
            what = "is missing" if odd.strip().lower() in MISSING else "is not a number"
            raise DataError(f"{where}: dimension {number}: {shown(odd)} {what}; mend it or remove the line")
        dimensions.append([float(cell) for cell in cells])
        if len(cells) != len(dimensions[0]):
            raise DataError(
                f"{where}: dimension {number} has {len(cells)} steps, the first {len(dimensions[0])}; mend the line"
            )
    if not dimensions:
        raise DataError(f"{where}: no dimensions before the label")
    return _finite(np.array(dimensions).T, name, line)


def only(examples: Examples, chosen: Sequence[int]) -> Examples:
    """These examples alone."""
    parts = ("ids", "lines", "labels", "texts", "values")
    picked: dict[str, Any] = {
        name: [part[i] for i in chosen] for name in parts if (part := getattr(examples, name)) is not None
    }
    return replace(examples, **picked)
