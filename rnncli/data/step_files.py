"""Recordings that are numbers: pen strokes, sensors. Each is a run of steps with the same columns.

A table has a row for each step: rows of the same id, in their order, are a recording, and a table without ids is one.
What a recording says stands in a column, on its rows or on the first of them, or in another table by id. A .ts file has
a recording on each line, and what it says in place of its label; a .npy file has one, (T, C) or (T,).
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnncli.config.recordings import RecordingsConfig
from rnncli.data.archive import dimensions_of, read_archive
from rnncli.data.csv_table import Table, read_table
from rnncli.data.encodings import UTF_8
from rnncli.data.manifest import TEXTS, named_in
from rnncli.data.numeric import column_index, finite, is_numeric_column, numeric_column
from rnncli.data.source import Source, read_source
from rnncli.errors import DataError, UsageError, shown
from rnncli.notes import note

_MAGIC = b"\x93NUMPY"
_LONGEST = 10_000  # characters of a header: Python could fall over a longer one


@dataclass(frozen=True, eq=False)
class Steps:
    """The values (T, C) float64 of a recording of that name, at FILE:LINE; text: None where nothing tells it."""

    name: str
    where: str
    values: np.ndarray
    text: str | None = None


def read_table_steps(
    source: Source, data: RecordingsConfig, inputs: tuple[str, ...], *, labelled: bool
) -> tuple[list[Steps], tuple[str, ...]]:
    """Return the recordings in a table of steps, and the columns that were read: `inputs`, if there are any.

    labelled: whether what they say is wanted. Raises DataError naming the line, UsageError for a missing column.
    """
    table = read_table(source, **_dialect(data))
    identity = _column(table, data.id, ("id",))
    told = _column(table, data.text, TEXTS) if data.transcripts is None else None
    time = None if data.time is None else column_index(table, data.time)
    columns = _inputs(table, data, inputs, {identity, told, time})
    values = np.stack([_numbers(table, index, data.decimal) for index in columns], axis=1)
    rows: dict[str, list[int]] = {}
    for number, row in enumerate(table.rows):
        name = "" if identity is None else row[identity].strip()
        if identity is not None and not name:
            what = f'{table.name}:{table.lines[number]}: column "{table.header[identity]}" is empty'
            raise DataError(f"{what}; name the recording that the step is of")
        rows.setdefault(name, []).append(number)
    texts: Mapping[str, str] = {}
    if labelled and data.transcripts is not None:
        texts = _transcripts(data)
    elif labelled and told is not None:
        texts = {name: _text(table, told, numbers) for name, numbers in rows.items()}
    found = []
    for name, numbers in rows.items():
        where = f"{table.name}:{table.lines[numbers[0]]}"
        if data.transcripts is not None and labelled and name not in texts:
            raise DataError(f"{where}: recording {shown(name)} has no line in {data.transcripts}; add it")
        found.append(Steps(name, where, values[numbers], texts.get(name)))
    return found, tuple(table.header[index] for index in columns)


def read_archive_steps(source: Source, data: RecordingsConfig) -> tuple[list[Steps], tuple[str, ...]]:
    """Return the recordings in a .ts file, whose labels are texts, and the names of its dimensions."""
    archive = read_archive(source, data.encoding or UTF_8)
    found = []
    for number, (values, label, line) in enumerate(zip(archive.values, archive.labels, archive.lines, strict=True)):
        where = f"{source.name}:{line}"
        if gaps := np.argwhere(np.isnan(values)).tolist():
            step, dimension = gaps[0]
            raise DataError(f"{where}: dimension {dimension + 1}, step {step + 1} has no value; fill it")
        found.append(Steps(str(number + 1), where, values, label if archive.labelled else None))
    return found, dimensions_of(archive.values[0].shape[1])


def read_array_steps(source: Source) -> Steps:
    """Return the recording in a .npy file of numbers; raise DataError for another kind of array, or a damaged one."""
    content, name = source.content, source.name
    if not content.startswith(_MAGIC):
        raise DataError(f"{name}: is no .npy file; save the array by numpy.save")
    shape, kind, by_columns, start = _array_header(name, content)
    if kind.kind not in "fiub" or len(shape) not in (1, 2) or min(shape) < 1:
        what = f"{shown(str(kind))} of shape {shown(str(shape))}"
        raise DataError(f"{name}: holds {what}, and steps are numbers of shape (T, C); save it as that")
    there = len(content) - start
    if there != math.prod(shape) * kind.itemsize:
        raise DataError(f"{name}: is truncated, or has more than one array: {there:,} bytes of numbers; save it again")
    flat = np.frombuffer(content, kind, offset=start)
    with np.errstate(invalid="ignore"):  # of signalling NaN, which are refused below like others
        values = flat.reshape(shape, order="F" if by_columns else "C").reshape(shape[0], -1).astype(np.float64)
    if not np.isfinite(values).all():
        step, column = np.argwhere(~np.isfinite(values))[0].tolist()
        raise DataError(f"{name}: step {step + 1}, column {column + 1} is not finite; fill it")
    return Steps(name, name, finite(values, name))


def _array_header(name: str, content: bytes) -> tuple[tuple[int, ...], np.dtype, bool, int]:
    """Return shape, type, whether columns stand together, and the byte that the numbers of a .npy file begin at.

    numpy's own reader takes a shape's memory before it sees that the numbers are missing.
    """
    wide = 2 if content[len(_MAGIC) : len(_MAGIC) + 1] == b"\x01" else 4  # bytes of the length, by the format's version
    start = len(_MAGIC) + 2 + wide
    size = int.from_bytes(content[start - wide : start], "little")
    try:
        told = ast.literal_eval(content[start : start + min(size, _LONGEST)].decode("latin-1").strip())
        shape, kind = told["shape"], np.dtype(told["descr"])
        if not isinstance(shape, tuple) or not all(type(one) is int for one in shape):
            raise ValueError("its shape is no tuple of whole numbers")
        return shape, kind, bool(told["fortran_order"]), start + size
    except (ValueError, SyntaxError, TypeError, KeyError, RecursionError, MemoryError, OverflowError) as error:
        why = shown(" ".join(str(error).split()))
        raise DataError(f"{name}: its header is damaged ({why}); save it again") from None


def _dialect(data: RecordingsConfig) -> dict[str, Any]:
    return data.dialect | {"encoding": data.encoding or UTF_8}


def _column(table: Table, named: str | int | None, usual: tuple[str, ...]) -> int | None:
    """Return the index of the named column, or else of the first with a usual name, None if there is none."""
    if named is not None:
        return column_index(table, named)
    found = named_in(table.header, usual)
    return None if found is None else table.header.index(found)


def _inputs(table: Table, data: RecordingsConfig, inputs: tuple[str, ...], taken: set[int | None]) -> list[int]:
    """Return the indices of the columns of numbers: those of a model, those that the config names, or all others."""
    if inputs:
        missing = next((name for name in inputs if name not in table.header), None)
        if missing is not None:
            raise UsageError(f"no column {shown(missing)} in {table.name}, which the model reads; add it")
        return [table.header.index(name) for name in inputs]
    if data.inputs is not None:
        return [column_index(table, one) for one in (data.inputs if isinstance(data.inputs, list) else [data.inputs])]
    others = [index for index in range(len(table.header)) if index not in taken]
    found = [index for index in others if is_numeric_column(table, index, data.decimal)]
    if not found:
        raise UsageError(f"{table.name}: has no column of numbers; name those to read with --set data.inputs=NAMES")
    if left := [shown(table.header[index]) for index in others if index not in found]:
        note(f"{table.name}: columns left out: {', '.join(left)}")
    return found


def _numbers(table: Table, index: int, decimal: str) -> np.ndarray:
    """Return a column as float64 (N,); raise DataError naming the line of a missing value."""
    values = numeric_column(table, index, decimal=decimal, missing="mask", has_thousands=False)
    if (gaps := np.flatnonzero(np.isnan(values))).size:
        where = f"{table.name}:{table.lines[gaps[0]]}: column {index + 1} {shown(table.header[index])}"
        raise DataError(f"{where} has no value, and {len(gaps):,} rows in all; fill them, or remove the rows")
    return values


def _text(table: Table, index: int, numbers: list[int]) -> str:
    """Return what a recording says, which its rows must agree on; cells after the first may be empty."""
    first = table.rows[numbers[0]][index].strip()
    for number in numbers:
        if (cell := table.rows[number][index].strip()) not in (first, ""):
            raise DataError(
                f"{table.name}:{table.lines[number]}: says {shown(cell)}, and line {table.lines[numbers[0]]} of the "
                f"same recording {shown(first)}; a recording has one text"
            )
    return first


def _transcripts(data: RecordingsConfig) -> dict[str, str]:
    """Return the texts by id in the table data.transcripts."""
    assert data.transcripts is not None
    table = read_table(read_source(data.transcripts), **_dialect(data) | {"named": ["id", *TEXTS]})
    identity, told = _column(table, None, ("id",)), _column(table, data.text, TEXTS)
    if identity is None or told is None:
        raise DataError(f"{table.name}: needs the columns id and text; rename those that it has")
    texts: dict[str, str] = {}
    for row, line in zip(table.rows, table.lines, strict=True):
        if row[identity].strip() in texts:
            raise DataError(f"{table.name}:{line}: has {shown(row[identity].strip())} a second time; remove one")
        texts[row[identity].strip()] = row[told].strip()
    return texts
