"""Labelled sequences: one label for each text or each run of numbers. `example_files` reads them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np

from rnncli.data.text import Kind, tokenize
from rnncli.data.typed import typed

Form = Literal["lines", "text", "wide", "long", "ts"]
MISSING = ("", "na", "nan", "null", "?")


@dataclass(frozen=True)
class Columns:
    """The columns of the examples; a model file keeps them, so that new data are read like the training data.

    headed: whether they have names in the file; width: how many there are in one without names. separator: what stands
    between the labels of one example; None where each has one label.
    """

    form: Form
    text: str | None = None
    inputs: tuple[str, ...] = ()
    id: str | None = None
    label: str | None = None
    headed: bool = True
    separator: str | None = None
    width: int | None = None

    def naming(self, header: Sequence[str]) -> str | None:
        """Return the column that names the examples of a table with this header: that of training or, where it had
        none, the one called id, unless it is read for something else; None if there is neither."""
        if self.id is not None:
            return self.id if self.id in header else None
        taken = {self.text, self.label, *self.inputs}
        return next((name for name in header if name.strip().lower() == "id" and name not in taken), None)

    def to_header(self) -> dict[str, Any]:
        header = asdict(self) | {"inputs": list(self.inputs)}
        for name, before in (("headed", True), ("separator", None), ("width", None)):
            if header[name] == before:
                del header[name]  # which 0.1 had not
        return header

    @classmethod
    def from_header(cls, header: Mapping[str, Any]) -> Columns:
        found = typed(cls, header, "columns")
        if found.form == "text" and found.text is None:
            raise ValueError("its texts have no column")
        return found


@dataclass(frozen=True)
class Examples:
    """Examples with texts, or with values (n, C) float64 of n ≥ 1 steps each; labels is None if the data have none, or
    several an example, which then are in `sets`.

    Missing values are NaN, and to be filled as `missing` says; see `gaps`.
    lines are those on which the examples begin; ids are their names in the data, or else their numbers from 1; groups
    those of which all examples stay in one split.
    """

    name: str
    columns: Columns
    ids: list[str]
    lines: list[int]
    labels: list[str] | None
    texts: list[str] | None = None
    values: list[np.ndarray] | None = None
    groups: list[str] | None = None
    sets: list[tuple[str, ...]] | None = None
    missing: str = "refuse"

    def __len__(self) -> int:
        return len(self.ids)

    def where(self, number: int) -> str:
        """The place FILE:LINE of an example, for messages."""
        return f"{self.name}:{self.lines[number]}"

    def given(self, number: int) -> str:
        """What an example is predicted from, as text: of numbers their count."""
        if self.texts is not None:
            return self.texts[number]
        assert self.values is not None
        return f"{self.ids[number]}, {len(self.values[number]):,} steps"

    def inputs(self) -> list[Hashable]:
        """What each example is predicted from, or the group that it is of, to be compared."""
        if self.groups is not None:
            return list(self.groups)
        if self.texts is not None:
            return list(self.texts)
        assert self.values is not None
        return [(one.shape, one.tobytes()) for one in self.values]

    def answers(self) -> list[tuple[str, ...]]:
        """The labels of each example."""
        return self.sets or [(label,) for label in self.labels or ()]

    def sentences(self, kind: Kind) -> list[list[str]]:
        """Return the tokens of each text."""
        return [tokenize(text, kind) for text in self.texts or ()]


def only(examples: Examples, chosen: Sequence[int]) -> Examples:
    """Return the chosen examples alone."""
    names = ("ids", "lines", "labels", "texts", "values", "groups", "sets")
    picked: dict[str, Any] = {
        name: [column[i] for i in chosen] for name in names if (column := getattr(examples, name)) is not None
    }
    return replace(examples, **picked)
