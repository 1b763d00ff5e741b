"""Labelled sequences, as people keep them: one label for each text or each run of numbers.

    lines   `label text`, one example a line
    text    a CSV with a column of texts
    wide    a CSV with one sequence a row: the columns are its steps; empty cells at the end make it shorter
    long    a CSV with one step a row: rows with the same id are a sequence
    ts      the UCR/UEA archive's: dimension:dimension:label, the values of a dimension separated by commas

The label is optional where examples are only to be predicted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
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
    source: Source, reading: Reading, notes: list[str], like: Columns | None = None,
    *, is_label: Callable[[str], bool] | None = None,
) -> Examples:  # fmt: skip
    """The examples in `source`, in the columns of `like` where it is given.

    is_label: the examples are only to be predicted, need no labels, and where they have some, it knows them.
    DataError names file and line of what is wrong; UsageError a column that is not there.
    """
    form = like.form if like else _form(source.name, reading)
    if like and is_label and form == "text" and not _has_column(source, reading, like.text):
        form = "lines"  # bare texts, as from a pipe
        notes.append(f"{source.name}: read as one text a line, because it has no column {shown(str(like.text))}")
    if form == "lines":
        found = _lines(source, reading, notes, is_label)
    elif form == "ts":
        found = _archive(source, reading, like, labelled=is_label is None)
    else:
        table = read_table(
            source, encoding=reading.encoding, delimiter=reading.delimiter, decimal=reading.decimal,
            skip_rows=reading.skip_rows, ragged=reading.ragged, notes=notes,
        )  # fmt: skip
        found = _table(table, reading, notes, like, labelled=is_label is None)
    if like and found.values and like.inputs and len(like.inputs) != found.values[0].shape[1] and like.form != "wide":
        raise DataError(
            f"{source.name}: its sequences have {found.values[0].shape[1]} values a step, and the model was trained "
            f"on {len(like.inputs)}"
        )
    return found


def _is_table(name: str) -> bool:
    return name.lower().endswith((".csv", ".tsv"))


def _has_column(source: Source, reading: Reading, name: str | None) -> bool:
    """Whether this is a table with such a column, by its name or its first line."""
    first = decode(source, reading.encoding).lstrip("\ufeff").partition("\n")[0]
    fields = re.split(re.escape(reading.delimiter) if reading.delimiter else r"[,;\t|]", first.strip())
    return _is_table(source.name) or name in [field.strip().strip('"') for field in fields]


def _form(name: str, reading: Reading) -> str:
    if reading.format == "ts" or (reading.format is None and name.lower().endswith(".ts")):
        return "ts"
    named = any(column is not None for column in (reading.text, reading.inputs, reading.id, reading.label))
    return "table" if reading.format == "csv" or (reading.format is None and (named or _is_table(name))) else "lines"


def _lines(source: Source, reading: Reading, notes: list[str], is_label: Callable[[str], bool] | None) -> Examples:
    texts, labels, numbers = [], [], []
    text = decode(source, reading.encoding).replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        raise DataError(f"{source.name}: is empty; give it an example a line")
    if is_label and _is_table(source.name):
        raise DataError(f"{source.name}: the model reads lines of text; give it the texts alone, one a line")
    lines = text.removesuffix("\n").split("\n")
    # A text in a pipe may begin with any word; a file whose every line begins with a label is like the training's.
    named = source.name not in ("-", "<stdin>")
    labelled = is_label is None or (named and all(is_label(line.partition(" ")[0]) for line in lines))
    if labelled and is_label:
        notes.append(f"{source.name}: every line begins with a label, which is left out of its text")
    for number, line in enumerate(lines, start=1):
        label, _, rest = line.partition(" ") if labelled else ("-", "", line)
        if not rest.strip() or not label:
            what = "must be a label, a space and a text" if labelled else "is empty; an example needs a text"
            raise DataError(f"{source.name}:{number}: {shown(line)} {what}")
        texts.append(rest.strip())
        labels.append(label)
        numbers.append(number)
    return Examples(
        source.name, Columns("lines"), [str(i + 1) for i in range(len(texts))], numbers,
        None if is_label else labels, texts=texts,
    )  # fmt: skip


def _table(table: Table, reading: Reading, notes: list[str], like: Columns | None, *, labelled: bool) -> Examples:
    label = _label_index(table, reading, like, labelled)
    labels = None if label is None else _labels(table, label)
    columns = like or _columns(table, reading, label, notes)
    if columns.form == "text":
        assert columns.text is not None
        index = _place(table, columns.text)
        for row, line in zip(table.rows, table.lines, strict=True):
            if not row[index].strip():
                raise DataError(f'{table.name}:{line}: column "{columns.text}" is empty; an example needs a text')
        texts = [row[index].strip() for row in table.rows]
        return Examples(table.name, columns, _ids(table, columns), table.lines, labels, texts=texts)
    if columns.form == "long":
        return _long(table, columns, reading.decimal, labels)
    values = [_steps(table, row, columns, reading.decimal) for row in range(len(table.rows))]
    return Examples(table.name, columns, _ids(table, columns), table.lines, labels, values=values)


def _label_index(table: Table, reading: Reading, like: Columns | None, labelled: bool) -> int | None:
    if not labelled:
        return None
    if like and like.label is not None:
        return _place(table, like.label)
    if reading.label is not None:
        return column_index(table, reading.label)
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
    if reading.text is not None and reading.inputs is not None:
        raise UsageError("data.text and data.inputs: a model reads texts or numbers; remove one of them")
    reads = [reading.text] if reading.text is not None else (reading.inputs or [])
    if label_name in [name_of(column) for column in reads]:
        raise UsageError(f"data.label: {shown(str(label_name))} is also what the model reads; it would see the answer")
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
    index = _place(table, columns.id)
    return [row[index] for row in table.rows]


def _place(table: Table, name: str) -> int:
    """The column of exactly this name; digits are no number here."""
    if name not in table.header:
        names = ", ".join(shown(other) for other in table.header)
        raise UsageError(f"no column {shown(name)} in {table.name}; columns: {names}")
    return table.header.index(name)


def _steps(table: Table, row: int, columns: Columns, decimal: str) -> np.ndarray:
    """One row's cells as steps (n, 1), without the empty ones at its end."""
    indices = [_place(table, name) for name in columns.inputs]
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
        table.name, columns, list(rows), [table.lines[i] for i in firsts],
        None if labels is None else [labels[i] for i in firsts],
        values=[steps[numbers] for numbers in rows.values()],
    )  # fmt: skip


def _archive(source: Source, reading: Reading, like: Columns | None, *, labelled: bool) -> Examples:
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
        bare = like is not None and not labelled and len(parts) == len(like.inputs)
        label = parts.pop().strip() if has_label and not bare else ""
        if labelled and has_label and label.lower() in MISSING:
            raise DataError(f"{where}: the sequence has no label; add one or remove the line")
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
