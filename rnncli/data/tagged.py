"""Sequences with a tag for every step.

    columns   one word a line with its tag, a blank line between sentences (CoNLL); tabs or spaces between the columns
    table     a CSV with one step a row: rows with the same id are a sequence of words, or of numbers

Where sequences are only to be tagged, the tags may be missing, and so may the columns: then a line is a sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np

from rnncli.config.schema import DataConfig
from rnncli.data.csv_table import Table, read_table
from rnncli.data.example_tables import label_index, labels_of
from rnncli.data.examples import MISSING, finite
from rnncli.data.numeric import column_index, is_numeric_column, numeric_column
from rnncli.data.source import Source, decode
from rnncli.errors import DataError, UsageError, shown

_CONLL_U = 10  # columns; words are in the second, parts of speech in the fourth


@dataclass(frozen=True)
class TagColumns:
    """Where steps and tags are found: by name in a table, else by number from 1 of `width` columns."""

    form: Literal["columns", "table"]
    text: str | None
    inputs: tuple[str, ...]
    id: str | None
    label: str
    width: int
    delimiter: str | None

    def to_header(self) -> dict[str, Any]:
        return asdict(self) | {"inputs": list(self.inputs)}

    @classmethod
    def from_header(cls, header: Mapping[str, Any]) -> TagColumns:
        return cls(**{**header, "inputs": tuple(header["inputs"])})


@dataclass(frozen=True)
class Tagged:
    """words, or values (n, C) float64, of n ≥ 1 steps each; tags None where the data have none.

    lines are where each step is, ids what the data call the sequences (else their number, from 1).
    """

    name: str
    columns: TagColumns
    ids: list[str]
    lines: list[list[int]]
    words: list[list[str]] | None
    values: list[np.ndarray] | None
    tags: list[list[str]] | None

    def __len__(self) -> int:
        return len(self.ids)

    def where(self, number: int, step: int = 0) -> str:
        """FILE:LINE of a step, for messages."""
        return f"{self.name}:{self.lines[number][step]}"


def only(tagged: Tagged, chosen: Sequence[int]) -> Tagged:
    """These sequences alone."""
    parts = ("ids", "lines", "words", "values", "tags")
    picked: dict[str, Any] = {
        name: [part[i] for i in chosen] for name in parts if (part := getattr(tagged, name)) is not None
    }
    return replace(tagged, **picked)


def read_tagged(
    source: Source, data: DataConfig, notes: list[str], like: TagColumns | None = None, *, tagged: bool = True
) -> Tagged:
    """The sequences in `source`, in the columns of `like` where it is given; `tagged` says that they must have tags.

    DataError names file and line of what is wrong; UsageError a column that is not there.
    """
    table = like.form == "table" if like else data.format == "csv" or source.name.lower().endswith(".csv")
    if table:
        rows = read_table(
            source, encoding=data.encoding, delimiter=data.delimiter, decimal=data.decimal, skip_rows=data.skip_rows,
            ragged=data.ragged, notes=notes,
        )  # fmt: skip
        return _from_table(rows, data, like, tagged=tagged)
    return _from_columns(source, data, notes, like, tagged=tagged)


def _from_columns(
    source: Source, data: DataConfig, notes: list[str], like: TagColumns | None, *, tagged: bool
) -> Tagged:
    text = decode(source, data.encoding).replace("\r\n", "\n").replace("\r", "\n")
    tabs = "\t" in text
    lines = list(enumerate(text.split("\n"), start=1))[data.skip_rows :]
    comment = [line.startswith("#") and "\t" not in line for _, line in lines] if tabs else [False] * len(lines)
    cut: Callable[[str], list[str]] = _split_tabs if tabs else str.split
    rows = [(n, cut(line) if line.strip() else []) for (n, line), out in zip(lines, comment, strict=True) if not out]
    full = [(number, fields) for number, fields in rows if fields]
    if not full:
        raise DataError(f"{source.name}: is empty; give it a word and its tag a line, a blank line between sentences")
    if like and not tagged and not tabs and _are_sentences(full, like):
        notes.append(f"{source.name}: each line is read as a sentence")
        words = [fields for _, fields in full]
        return _made(source.name, like, [[number] * len(fields) for number, fields in full], words, None)
    width = len(full[0][1])
    columns = like or _columns_of(source.name, data, width, delimiter="\t" if tabs else None)
    rows = _rectangular(source.name, rows, width, data.ragged, notes)
    bare = like is not None and not tagged and width != like.width  # the words alone
    at = 0 if bare and width == 1 else _number(columns.text, width, source.name)
    sentences: list[list[tuple[int, list[str]]]] = [[]]
    for number, fields in rows:
        if not fields and sentences[-1]:
            sentences.append([])
        elif fields and not (width == _CONLL_U and not fields[0].isdecimal()):  # 1-2 and 1.1 are no words
            sentences[-1].append((number, fields))
    sentences = [sentence for sentence in sentences if sentence]
    words = [[fields[at].strip() for _, fields in sentence] for sentence in sentences]
    places = [[number for number, _ in sentence] for sentence in sentences]
    tags = None
    if tagged:
        label = _number(columns.label, width, source.name)
        tags = [[fields[label].strip() for _, fields in sentence] for sentence in sentences]
    found = _made(source.name, columns, places, words, tags)
    for what, cells in (("word", words), ("tag", tags or [])):
        for i, row in enumerate(cells):
            if "" in row:
                raise DataError(f"{found.where(i, row.index(''))}: the {what} is empty; fill it in or remove the line")
    return found


def _split_tabs(line: str) -> list[str]:
    return line.split("\t")


def _are_sentences(rows: list[tuple[int, list[str]]], like: TagColumns) -> bool:
    """Whether lines without tabs are whole sentences: not all of the training data's width, nor of one word."""
    widths = {len(fields) for _, fields in rows}
    return widths != {1} and not (like.delimiter is None and widths == {like.width})


def _made(name: str, columns: TagColumns, lines: list[list[int]], words: list[list[str]], tags: Any) -> Tagged:
    return Tagged(name, columns, [str(i + 1) for i in range(len(words))], lines, words, None, tags)


def _columns_of(name: str, data: DataConfig, width: int, *, delimiter: str | None) -> TagColumns:
    if width < 2:
        raise DataError(f"{name}: has one column, and a tag takes two: a word and its tag")
    text = data.text or (2 if width == _CONLL_U else 1)
    label = data.label or (4 if width == _CONLL_U else width)
    for key, column in (("text", text), ("label", label)):
        if not str(column).isdecimal() or not 1 <= int(column) <= width:
            raise UsageError(f"data.{key}: is {shown(str(column))}, and {name} has {width} columns; give its number")
    if int(text) == int(label):
        raise UsageError(f"data.label: {label} is also what the model reads; it would see the answer")
    return TagColumns("columns", str(text), (), None, str(label), width, delimiter)


def _number(column: str | None, width: int, name: str) -> int:
    assert column is not None
    if int(column) > width:
        raise DataError(
            f"{name}: has {width} columns, and the model reads number {column}; give it a file like its own"
        )
    return int(column) - 1


def _rectangular(
    name: str, rows: list[tuple[int, list[str]]], width: int, ragged: str, notes: list[str]
) -> list[tuple[int, list[str]]]:
    odd = [(number, fields) for number, fields in rows if fields and len(fields) != width]
    if odd and ragged == "refuse":
        number, fields = odd[0]
        raise DataError(
            f"{name}:{number}: {len(fields)} column{'' if len(fields) == 1 else 's'}, the first line has {width}; "
            "correct the line, or pass --ragged skip to leave such lines out"
        )
    if odd:
        notes.append(f"left out {len(odd):,} of {len(rows):,} lines without {width} columns, the first {odd[0][0]}")
    return [(number, fields) for number, fields in rows if not fields or len(fields) == width]


def _from_table(table: Table, data: DataConfig, like: TagColumns | None, *, tagged: bool) -> Tagged:
    columns = like or _columns_of_table(table, data)
    rows: dict[str, list[int]] = {}
    identity = column_index(table, str(columns.id))
    for number, row in enumerate(table.rows):
        rows.setdefault(row[identity], []).append(number)
    lines = [[table.lines[i] for i in numbers] for numbers in rows.values()]
    tags = None
    if tagged:
        cells = labels_of(table, column_index(table, columns.label))
        tags = [[cells[i] for i in numbers] for numbers in rows.values()]
    words, values = None, None
    used = [column_index(table, name) for name in ([columns.text] if columns.text is not None else columns.inputs)]
    for row, line in zip(table.rows, table.lines, strict=True):
        for index in (identity, *used):
            if row[index].strip().lower() in (("",) if columns.text is not None else MISSING):
                raise DataError(f'{table.name}:{line}: column "{table.header[index]}" is empty; fill the cell')
    if columns.text is not None:
        words = [[table.rows[i][used[0]].strip() for i in numbers] for numbers in rows.values()]
    else:
        steps = np.stack([numeric_column(table, index, decimal=data.decimal) for index in used], axis=1)
        values = [finite(steps[numbers], table.name, table.lines[numbers[0]]) for numbers in rows.values()]
    return Tagged(table.name, columns, list(rows), lines, words, values, tags)


def _columns_of_table(table: Table, data: DataConfig) -> TagColumns:
    if data.id is None:
        names = ", ".join(shown(name) for name in table.header)
        raise UsageError(
            f"{table.name}: name the column that tells the sequences apart with --set data.id=NAME; columns: {names}"
        )
    if data.text is not None and data.inputs is not None:
        raise UsageError("data.text and data.inputs: a model reads words or numbers; remove one of them")
    identity, label = column_index(table, data.id), label_index(table, data.label)
    listed: list[Any] = [] if data.inputs is None else data.inputs if isinstance(data.inputs, list) else [data.inputs]
    read = [column_index(table, column) for column in ([data.text] if data.text is not None else listed)]
    taken = {identity, label, *([column_index(table, data.time)] if data.time else [])}
    others = [i for i in range(len(table.header)) if i not in taken]
    text = data.text is not None
    if not read:
        read = [i for i in others if is_numeric_column(table, i, data.decimal)]
        text = not read and len(others) == 1
        read = others if text else read
    if not read:
        raise UsageError(f"{table.name}: name the words with --set data.text=NAME, or the numbers with "
                         f"--set data.inputs=NAMES; columns: {', '.join(shown(n) for n in table.header)}")  # fmt: skip
    if label in read:
        raise UsageError(
            f"data.label: {shown(table.header[label])} is also what the model reads; it would see the answer"
        )
    inputs = tuple(table.header[i] for i in read)
    return TagColumns(
        "table", inputs[0] if text else None, () if text else inputs, table.header[identity], table.header[label],
        len(table.header), None,
    )  # fmt: skip
