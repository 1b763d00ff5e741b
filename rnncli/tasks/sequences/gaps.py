"""Missing values of sequences of numbers, (n, C) with NaN, and what `data.missing` makes of them.

    refuse        nothing: the first is named by its place
    ffill         the value before; at the beginning, the first value
    interpolate   a value on the line between its neighbours; at either end, the nearest value
    mask          the mean of the training split, and a further input per column: 1 where there is a value, else 0

The mean also stands for a column without any value in a sequence. Steps at the end that have no value at all are no
steps: they make a sequence shorter, so that a rectangular file can hold sequences of unequal length.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from rnncli.data.csv_table import Table
from rnncli.data.numeric import is_missing, numeric_column
from rnncli.errors import DataError
from rnncli.notes import note

_HOW = {
    "ffill": "filled with the value before",
    "interpolate": "filled from their neighbours",
    "mask": "masked",
}


def shortened(values: np.ndarray) -> np.ndarray:
    """Return the steps up to the last one with a value; none if there is no value."""
    there = np.flatnonzero(~np.isnan(values).all(axis=1))
    return values[: there[-1] + 1 if there.size else 0]


def filled(values: np.ndarray, how: str) -> np.ndarray:
    """Return values (n, C) with their gaps filled from the same column; one without any value stays as it is."""
    known = ~np.isnan(values)
    if known.all() or how not in ("ffill", "interpolate"):
        return values
    made, steps = values.copy(), np.arange(len(values))
    for column in np.flatnonzero(known.any(axis=0)):
        there = steps[known[:, column]]
        if how == "interpolate":
            made[:, column] = np.interp(steps, there, values[there, column])
        else:
            latest = np.searchsorted(there, steps, side="right") - 1
            made[:, column] = values[there[np.maximum(latest, 0)], column]
    return made


def completed(values: np.ndarray, how: str, means: np.ndarray) -> np.ndarray:
    """Return values (n, C) without gaps: filled as `how` says, and `means` (C,) where that leaves some."""
    made = filled(values, how)
    return np.where(np.isnan(made), means, made)


def means_of(sequences: Sequence[np.ndarray]) -> np.ndarray:
    """Return the mean (C,) of the values that each column has; NaN for one that has none."""
    steps = np.concatenate(sequences)
    known = ~np.isnan(steps)
    counts = np.maximum(known.sum(axis=0), 1)
    return np.where(known.any(axis=0), np.where(known, steps, 0.0).sum(axis=0) / counts, np.nan)


def require_taken(values: np.ndarray, missing: str, place: Callable[[int, int], str], *, learns: bool) -> None:
    """Raise DataError if a value of a sequence (n, C) is missing and that is refused.

    place: of a step and a column, both from 0, for the message. learns: True if the sequence is to be trained or
    scored on, so that its gaps may also be masked.
    """
    absent = np.argwhere(np.isnan(values))
    if missing == "refuse" and len(absent):
        step, column = absent[0].tolist()
        ways = "ffill|interpolate|mask" if learns else "ffill|interpolate"
        raise DataError(f"{place(step, column)} has no value; --missing {ways} (data.missing) says what to do")


def steps_in(table: Table, indices: Sequence[int], decimal: str, *, learns: bool) -> np.ndarray:
    """Return the columns `indices` (C) of a table as steps (N, C), NaN where missing."""
    columns = []
    for index in indices:
        if not learns and all(is_missing(row[index]) for row in table.rows):
            columns.append(np.full(len(table.rows), np.nan))  # the model knows the column
        else:
            columns.append(numeric_column(table, index, decimal=decimal, missing="mask", has_thousands=False))
    return np.stack(columns, axis=1)


class Gappy(Protocol):
    """Sequences of numbers, or of something else without values."""

    @property
    def name(self) -> str: ...

    @property
    def values(self) -> list[np.ndarray] | None: ...

    @property
    def missing(self) -> str: ...


class Gaps:
    """Counts the missing values of sequences, and those sequences that lack a whole column, for one note on all."""

    def __init__(self) -> None:
        self._gaps = self._count = self._bare = self._sequences = 0
        self._missing = ""

    def add(self, found: Gappy) -> None:
        sequences, self._missing = found.values or [], found.missing
        self._gaps += sum(int(np.isnan(values).sum()) for values in sequences)
        self._count += sum(values.size for values in sequences)
        self._bare += sum(bool(np.isnan(values).all(axis=0).any()) for values in sequences)
        self._sequences += len(sequences)

    def tell(self, name: str) -> None:
        """Tell of the gaps in the data `name`, if there are any."""
        if not self._gaps:
            return
        note(f"{name}: {self._gaps:,} of {self._count:,} values are missing and {_HOW[self._missing]}")
        if self._bare and self._missing != "mask":
            note(
                f"{name}: {self._bare:,} of {self._sequences:,} sequences have no value in a column; the mean of the "
                "training split stands for it"
            )


def tell(found: Gappy) -> None:
    """Tell how many values are missing, and how many sequences lack a whole column."""
    gaps = Gaps()
    gaps.add(found)
    gaps.tell(found.name)
