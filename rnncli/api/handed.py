"""Data that a program hands over, as the readers of files take them: a name is a file, all else becomes a `Source`.

A text is its lines, a table a CSV of it: so splits, notes and errors are those of a file, and a place `<data>.csv:7`
is row 5 of the table, counted from 0. Floats are written with the digits that give them back.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rnncli.data.csv_writer import csv_writer
from rnncli.data.source import GIVEN, Source
from rnncli.errors import DataError, UsageError, amount, shown

TABLE = f"{GIVEN}.csv"
_UNITS = ("D", "s", "ms", "us", "ns")


@dataclass(frozen=True)
class Names:
    """What the columns of sequences without names are called: of texts, of numbers step by step, of the sequence that a
    step is of, of answers. long: whether each step has a row of its own. lines: whether words stand one a line.
    of_bytes: whether surrogates in texts stand for bytes that are no UTF-8, as in what a model of bytes answers.
    """

    text: str = "text"
    inputs: tuple[str, ...] = ()
    id: str = "id"
    label: str = "label"
    long: bool = False
    lines: bool = False
    of_bytes: bool = False

    @classmethod
    def of(cls, columns: Mapping[str, Any]) -> Names:
        """Return the names in the header of a model file, which new data are to have."""
        kept = {name: columns[name] for name in ("text", "id", "label") if isinstance(columns.get(name), str)}
        form = columns.get("form")
        inputs = tuple(columns.get("inputs") or ())
        return cls(inputs=inputs, long=form in ("long", "table"), lines=form == "columns", **kept)

    def of_steps(self, count: int) -> list[str]:
        """Return the names of so many columns of numbers."""
        return list(self.inputs) if len(self.inputs) == count else [f"x{i}" for i in range(1, count + 1)]


@dataclass(frozen=True)
class Handed:
    """Data by name or as a source. keys: of the config, that say how they are to be read unless it does."""

    data: str | Source
    files: tuple[str, ...] = ()
    keys: Mapping[str, str] = field(default_factory=dict)

    @property
    def all(self) -> tuple[str | Source, ...]:
        return self.files or (self.data,)


def handed(data: Any, names: Names | None = None) -> Handed:
    """Return data of any form that a program has; UsageError for other ones.

    A text or a path names a file; bytes are what is in one; texts in a list are lines; records, columns by name and
    data frames are tables; so are arrays of numbers; a pair of sequences and their answers is one of examples.
    """
    names = names or Names()
    if isinstance(data, (str, os.PathLike, Source)):
        return Handed(data if isinstance(data, Source) else path_of(data))
    if isinstance(data, (bytes, bytearray, memoryview)):
        return Handed(Source(GIVEN, bytes(data)))
    if isinstance(data, Mapping):
        return _table({str(name): _column(_several(values)) for name, values in data.items()})
    if hasattr(data, "columns") or hasattr(data, "to_numpy"):
        return _table(_frame(data))
    if isinstance(data, tuple) and len(data) == 2 and not any(isinstance(one, str) for one in data):
        inputs, answers = data
        if hasattr(inputs, "columns"):
            return _table(_frame(inputs) | {names.label: _column(_several(answers))})
        return _examples(_several(inputs), _several(answers), names)
    data = _several(data)
    if not len(data):
        raise DataError(f"{GIVEN}: is empty; give it a text, a table, or an example")
    if all(isinstance(one, os.PathLike) for one in data):
        files = tuple(map(path_of, data))
        return Handed(files[0], files)
    if all(isinstance(one, str) for one in data):
        return Handed(Source(GIVEN, _lines(data, of_bytes=names.of_bytes)))
    if all(isinstance(one, Mapping) for one in data):
        keys = dict.fromkeys(str(name) for record in data for name in record)
        return _table({key: _column([record.get(key) for record in data]) for key in keys})
    return _examples(data, None, names)


def path_of(path: str | os.PathLike[str]) -> str:
    """Return a path as text; UsageError for what no file is called."""
    text = os.fspath(path)
    try:
        os.fsencode(text)
    except UnicodeEncodeError as error:
        raise UsageError(f"{shown(text)} is no file name: {shown(text[error.start])} is no character") from None
    if "\0" in text:
        raise UsageError(f"{shown(text)} is no file name: it has a NUL character")
    return text


def _lines(texts: Iterable[str], *, of_bytes: bool) -> bytes:
    """Return the texts as lines; DataError for one that would be several."""
    made = []
    for number, text in enumerate(texts):
        if "\n" in text or "\r" in text:
            raise DataError(f"{GIVEN}: text {number} has a line end ({shown(text)}); give it as bytes, or as lines")
        made.append(str(text) + "\n")
    return encoded("".join(made), of_bytes=of_bytes)


def encoded(text: str, name: str = GIVEN, *, of_bytes: bool = False) -> bytes:
    """Return a text as UTF-8; DataError for surrogates, but for those that stand for bytes `of_bytes`."""
    try:
        return text.encode("utf-8", "surrogateescape" if of_bytes else "strict")
    except UnicodeEncodeError as error:
        raise DataError(f"{name}: has {shown(text[error.start])}, which is no character; leave it out") from None


def _several(data: Any) -> Sequence[Any] | np.ndarray:
    """Return what holds several values, as a list or an array has them; UsageError for anything else."""
    if hasattr(data, "to_numpy"):
        data = data.to_numpy()
    one = isinstance(data, (str, bytes)) or not (isinstance(data, Sequence) or getattr(data, "ndim", 0) > 0)
    if one:
        raise UsageError(
            f"data of the type {type(data).__name__} are none; give a path, bytes, a list, an array, columns by name "
            "or a data frame"
        )
    several: Sequence[Any] | np.ndarray = data
    return several


def _frame(data: Any) -> dict[str, list[str]]:
    """Return the columns of a data frame, or the only one of a series, those of the index first where it has a name or
    times."""
    made: dict[str, list[str]] = {}
    index: Any = getattr(data, "index", None)
    if hasattr(index, "to_numpy"):
        several = getattr(index, "nlevels", 1) > 1
        for level in [index.get_level_values(i) for i in range(index.nlevels)] if several else [index]:
            values, name = level.to_numpy(), getattr(level, "name", None)
            if name is not None or _are_times(values):
                made["time" if name is None else str(name)] = _column(values)
    series = not hasattr(data, "columns")
    for name in [getattr(data, "name", None)] if series else data.columns:
        column, name = (data, "value" if name is None else name) if series else (data[name], name)
        if getattr(column, "ndim", 1) != 1 or str(name) in made:
            raise UsageError(f"{TABLE}: two columns are called {shown(str(name))}; rename one")
        made[str(name)] = _column(column.to_numpy())
    return made


def _are_times(values: Any) -> bool:
    first = values[0] if len(values) else None
    dates = getattr(getattr(values, "dtype", None), "kind", "") == "M" or hasattr(first, "isoformat")
    return dates or type(first).__name__ == "Period"  # pandas' months, quarters, …, which are written as such


def _examples(inputs: Any, answers: Any, names: Names) -> Handed:
    """Return sequences, with their answers where there are some, in the narrowest form of table that holds them."""
    if answers is not None and len(inputs) != len(answers):
        raise UsageError(f"{TABLE}: has {len(inputs):,} sequences and {len(answers):,} answers; give one for each")
    labels = {} if answers is None else {names.label: answers}
    if all(isinstance(one, str) for one in inputs):
        return _table({name: _column(values) for name, values in ({names.text: inputs} | labels).items()})
    nested = list(map(_are_several, inputs))
    if not any(nested):  # of one step each, or the steps of one
        name = names.of_steps(1)[0] if names.inputs or labels else "value"
        return _table({name: _column(values) for name, values in ({name: _numbers(inputs)} | labels).items()})
    if not all(nested):
        raise UsageError(f"{TABLE}: some of its sequences are single values; give a list or an array for each")
    if (empty := next((number for number, one in enumerate(inputs) if not len(one)), None)) is not None:
        raise DataError(f"{TABLE}: sequence {empty} is empty; leave it out")
    if all(isinstance(word, str) for one in inputs for word in one):
        return _words(inputs, answers, names)
    steps = [_numbers(one) for one in inputs]
    if all(one.ndim == 1 for one in steps) and not names.long and not _are_of_steps(answers):
        return _wide(steps, labels, names)
    widths = {one.shape[1] if one.ndim == 2 else 1 for one in steps}
    if len(widths) > 1 or any(one.ndim not in (1, 2) for one in steps):
        raise UsageError(f"{TABLE}: each sequence must be numbers, or rows of as many numbers as in the others")
    table = np.concatenate([one.reshape(len(one), -1) for one in steps])
    columns = {name: table[:, i] for i, name in enumerate(names.of_steps(widths.pop()))}
    return _steps(columns, [len(one) for one in steps], answers, names)


def _wide(sequences: Sequence[np.ndarray], labels: Mapping[str, Any], names: Names) -> Handed:
    """Return a table with a sequence in each row; empty cells at its end make it shorter."""
    longest = max(map(len, sequences))
    called = names.inputs if longest <= len(names.inputs) else names.of_steps(longest)
    cells = [[*_column(one), *[""] * (len(called) - len(one))] for one in sequences]
    columns = {name: list(column) for name, column in zip(called, zip(*cells, strict=True), strict=True)}
    return _table(columns | {name: _column(values) for name, values in labels.items()})


def _words(sentences: Sequence[Sequence[str]], tags: Any, names: Names) -> Handed:
    """Return sentences of words: as steps of a table, or a word a line where the model was trained on such a file."""
    if not names.lines:
        words = [word for sentence in sentences for word in sentence]
        return _steps({names.text: words}, list(map(len, sentences)), tags, names)
    if odd := next((word for one in sentences for word in one if len(word.split()) != 1), None):
        raise DataError(f"{GIVEN}: the word {shown(odd)} is not one; leave out white space in it")
    lines = sentences if tags is None else [map("\t".join, zip(*both, strict=True)) for both in _fit(sentences, tags)]
    return Handed(Source(GIVEN, encoded("\n".join("".join(f"{line}\n" for line in one) for one in lines))))


def _steps(columns: Mapping[str, Any], lengths: Sequence[int], answers: Any, names: Names) -> Handed:
    """Return a table of steps; answers: one for each sequence, or a list of one for each step."""
    made = {names.id: np.repeat(np.arange(1, len(lengths) + 1), lengths), **columns}
    if answers is not None:
        each = answers if _are_of_steps(answers) else [[one] * n for one, n in zip(answers, lengths, strict=True)]
        made[names.label] = [cell for _, cells in _fit(list(map(range, lengths)), each) for cell in cells]
    table = _table({name: _column(values) for name, values in made.items()})
    return Handed(table.data, keys={"data.id": names.id})


def _are_of_steps(answers: Any) -> bool:
    """True if there is an answer for each step of a sequence, and not one for all of them."""
    return answers is not None and len(answers) > 0 and _are_several(answers[0])


def _are_several(one: Any) -> bool:
    return isinstance(one, (list, tuple, range)) or getattr(one, "ndim", 0) > 0


def _fit(sequences: Sequence[Any], answers: Sequence[Any]) -> list[tuple[Any, Any]]:
    """Return sequences with the answers to their steps; UsageError where these are not as many."""
    pairs = list(zip(sequences, answers, strict=True))
    for number, (steps, own) in enumerate(pairs):
        count = len(own) if _are_several(own) else 1
        if len(steps) != count or not _are_several(own):
            raise UsageError(f"{TABLE}: sequence {number} has {len(steps):,} steps and {amount(count, 'answer')}")
    return pairs


def _numbers(values: Any) -> np.ndarray:
    """Return numbers as an array; UsageError for what is none."""
    try:
        array = np.asarray(values)
        if array.dtype.kind in "fiub":
            return array
        if array.dtype.kind == "O" and not any(map(np.iscomplexobj, array.flat)):
            return array.astype(np.float64)
    except (TypeError, ValueError, OverflowError):  # told below
        pass
    raise UsageError(f"{TABLE}: {shown(repr(values))} are no numbers; give numbers, or texts alone")


def _table(columns: Mapping[str, list[str]]) -> Handed:
    """Return a CSV of columns; UsageError where they are not equally long."""
    lengths = {name: len(cells) for name, cells in columns.items()}
    if len(set(lengths.values())) != 1:
        told = ", ".join(f"{shown(name)} {length:,}" for name, length in lengths.items())
        raise UsageError(f"{TABLE}: its columns have unequal lengths ({told}); give as many cells in each")
    text = io.StringIO()
    writer = csv_writer(text)
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return Handed(Source(TABLE, encoded(text.getvalue(), TABLE)))


def _column(values: Any) -> list[str]:
    """Return the cells of a column as text, empty where a value is missing."""
    array = values if isinstance(values, np.ndarray) else None
    if array is None and hasattr(values, "to_numpy"):
        array = values.to_numpy()
    if array is None or array.dtype.kind in "OUSV" or array.ndim != 1:
        return [_cell(value) for value in (values if array is None else array.tolist())]
    if array.dtype.kind == "M":
        return _times(array)
    if array.dtype == np.float64 or array.dtype.kind in "iub":
        return [_cell(value) for value in array.tolist()]
    return [_cell(value) for value in array]  # a shorter float has fewer digits than as a float64


def _times(array: np.ndarray) -> list[str]:
    """Return times in the largest unit that holds all of them."""
    there = ~np.isnat(array)
    unit = next(unit for unit in _UNITS if (array[there].astype(f"M8[{unit}]") == array[there]).all())
    texts = np.datetime_as_string(array.astype(f"M8[{unit}]")).tolist()
    return [text if known else "" for text, known in zip(texts, there, strict=True)]


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return ""
    if isinstance(value, (float, np.floating)):
        return "" if value != value else str(value) if isinstance(value, np.floating) else repr(value)
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    if isinstance(value, (bytes, list, tuple, dict, set, np.ndarray)):
        raise UsageError(f"{TABLE}: {shown(repr(value))} is no cell of a table; give numbers, texts or times")
    return str(value)
