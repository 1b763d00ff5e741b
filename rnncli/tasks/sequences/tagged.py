"""Sequences with a tag for every step, and the columns that these are in."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np

from rnncli.data.typed import typed

_BESIDE = 4  # words that are shown on each side of one


@dataclass(frozen=True)
class TagColumns:
    """The columns of steps and tags: by name in a table, else by number from 1 of `width` columns.

    headed: whether the columns of a table have names in the file.
    """

    form: Literal["columns", "table"]
    text: str | None
    inputs: tuple[str, ...]
    id: str | None
    label: str
    width: int
    delimiter: str | None
    headed: bool = True

    def to_header(self) -> dict[str, Any]:
        header = asdict(self) | {"inputs": list(self.inputs)}
        if self.headed:
            del header["headed"]  # which 0.1 had not
        return header

    @classmethod
    def from_header(cls, header: Mapping[str, Any]) -> TagColumns:
        found = typed(cls, header, "columns")
        if found.form == "columns" and not all(
            name and name.isdecimal() and len(name) < 10 and 1 <= int(name) <= found.width
            for name in (found.text, found.label)
        ):
            raise ValueError("its columns are none of those that its files have")
        return found


@dataclass(frozen=True)
class Tagged:
    """Sequences of words, or of values (n, C) float64, of n ≥ 1 steps each; tags is None if the data have none.

    Missing values are NaN, and to be filled as `missing` says; see `gaps`.
    lines are those of the steps; ids are the names of the sequences in the data, or else their numbers from 1.
    """

    name: str
    columns: TagColumns
    ids: list[str]
    lines: list[list[int]]
    words: list[list[str]] | None
    values: list[np.ndarray] | None
    tags: list[list[str]] | None
    groups: list[str] | None = None
    missing: str = "refuse"

    def __len__(self) -> int:
        return len(self.ids)

    def inputs(self) -> list[Hashable]:
        """What each sequence is tagged from, or the group that it is of, to be compared."""
        if self.groups is not None:
            return list(self.groups)
        if self.words is not None:
            return list(map(tuple, self.words))
        assert self.values is not None
        return [(one.shape, one.tobytes()) for one in self.values]

    def answers(self) -> list[tuple[str, ...]]:
        """The tags of each sequence, once each."""
        return [tuple(dict.fromkeys(tags)) for tags in self.tags or ()]

    @property
    def sentences(self) -> list[list[str]] | None:
        """The words of each sequence; None for numbers."""
        return self.words

    def given(self, number: int, step: int) -> str:
        """The word of a step in brackets, between those beside it; of numbers which step it is."""
        if self.words is None:
            return f"{self.ids[number]}, step {step + 1:,}"
        words = self.words[number]
        return " ".join([*words[max(0, step - _BESIDE) : step], f"[{words[step]}]", *words[step + 1 :][:_BESIDE]])

    def where(self, number: int, step: int = 0) -> str:
        """The place FILE:LINE of a step, for messages."""
        return f"{self.name}:{self.lines[number][step]}"


def only(tagged: Tagged, chosen: Sequence[int]) -> Tagged:
    """Return the chosen sequences alone."""
    names = ("ids", "lines", "words", "values", "tags", "groups")
    picked: dict[str, Any] = {
        name: [column[i] for i in chosen] for name in names if (column := getattr(tagged, name)) is not None
    }
    return replace(tagged, **picked)
