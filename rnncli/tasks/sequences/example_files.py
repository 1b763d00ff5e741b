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
from collections.abc import Callable

from rnncli.data.csv_table import read_table
from rnncli.data.source import STDIN, Source, decode
from rnncli.errors import DataError, shown
from rnncli.notes import note
from rnncli.tasks.sequences.archive import read_archive
from rnncli.tasks.sequences.config import ExamplesConfig
from rnncli.tasks.sequences.example_tables import from_table
from rnncli.tasks.sequences.examples import Columns, Examples


def read_examples(
    source: Source, data: ExamplesConfig, like: Columns | None = None, *, is_label: Callable[[str], bool] | None = None
) -> Examples:
    """The examples in `source`, in the columns of `like` where it is given.

    is_label: the examples are only to be predicted, need no labels, and where they have some, it knows them.
    DataError names file and line of what is wrong; UsageError a column that is not there.
    """
    form = like.form if like else _form(source.name, data)
    if like and is_label and form == "text" and not _has_column(source, data, like.text):
        form = "lines"  # bare texts, as from a pipe
        if source.name != STDIN:
            note(f"{source.name}: read as one text a line, because it has no column {shown(str(like.text))}")
    if form == "lines":
        found = _lines(source, data, is_label)
    elif form == "ts":
        found = read_archive(source, data, like, labelled=is_label is None)
    else:
        table = read_table(
            source,
            encoding=data.encoding,
            delimiter=data.delimiter,
            decimal=data.decimal,
            skip_rows=data.skip_rows,
            ragged=data.ragged,
        )
        found = from_table(table, data, like, labelled=is_label is None)
    if like and found.values and like.inputs and len(like.inputs) != found.values[0].shape[1] and like.form != "wide":
        raise DataError(
            f"{source.name}: its sequences have {found.values[0].shape[1]} values a step, and the model was trained "
            f"on {len(like.inputs)}"
        )
    return found


def _is_table(name: str) -> bool:
    return name.lower().endswith((".csv", ".tsv"))


def _has_column(source: Source, data: ExamplesConfig, name: str | None) -> bool:
    """Whether this is a table with such a column, by its name or its first line."""
    first = decode(source, data.encoding).lstrip("\ufeff").partition("\n")[0]
    fields = re.split(re.escape(data.delimiter) if data.delimiter else r"[,;\t|]", first.strip())
    return _is_table(source.name) or name in [field.strip().strip('"') for field in fields]


def _form(name: str, data: ExamplesConfig) -> str:
    if data.format == "ts" or (data.format is None and name.lower().endswith(".ts")):
        return "ts"
    named = any(column is not None for column in (data.text, data.listed_inputs, data.id, data.label))
    return "table" if data.format == "csv" or (data.format is None and (named or _is_table(name))) else "lines"


def _lines(source: Source, data: ExamplesConfig, is_label: Callable[[str], bool] | None) -> Examples:
    texts, labels, numbers = [], [], []
    text = decode(source, data.encoding).replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        raise DataError(f"{source.name}: is empty; give it an example a line")
    if is_label and _is_table(source.name):
        raise DataError(f"{source.name}: the model reads lines of text; give it the texts alone, one a line")
    lines = text.removesuffix("\n").split("\n")
    # A text in a pipe may begin with any word; a file whose every line begins with a label is like the training's.
    labelled = is_label is None or (source.name != STDIN and all(is_label(line.partition(" ")[0]) for line in lines))
    if labelled and is_label:
        note(f"{source.name}: every line begins with a label, which is left out of its text")
    for number, line in enumerate(lines, start=1):
        label, _, rest = line.partition(" ") if labelled else ("-", "", line)
        if not rest.strip() or not label:
            what = "must be a label, a space and a text" if labelled else "is empty; an example needs a text"
            raise DataError(f"{source.name}:{number}: {shown(line)} {what}")
        texts.append(rest.strip())
        labels.append(label)
        numbers.append(number)
    return Examples(
        source.name,
        Columns("lines"),
        [str(i + 1) for i in range(len(texts))],
        numbers,
        None if is_label else labels,
        texts=texts,
    )
