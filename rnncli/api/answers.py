"""What `predict` returns to a program, from the answers of a task as its JSON has them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rnncli.tasks.answers import Answers, Stream, Table
from rnncli.ui.results import rounded

_ISO = re.compile(r"\d{4}-\d\d(?:-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?)?")


def objects(answers: Answers) -> list[dict[str, Any]]:
    """Return all answers as the objects that `predict -f json` writes."""
    assert not isinstance(answers, Stream)
    found = answers.nested if isinstance(answers, Table) else [one.nested for some in answers.lists for one in some]
    return [rounded(one) for one in found]


def as_returned(task: str, found: Answers) -> Any:
    """Return the answers in the form that is handiest for the task: see `Model.predict`."""
    if task == "forecast":
        assert isinstance(found, Table)
        return columns([rounded(row) for row in found.rows])
    made = objects(found)
    return FORMS[task](made) if task in FORMS else made


def columns(found: Sequence[dict[str, Any]]) -> dict[str, np.ndarray]:
    """Return rows as an array for each column: times as datetime64 where they are written as ISO 8601 has them."""
    return {name: _column([row.get(name) for row in found]) for name in (found[0] if found else ())}


def _column(cells: Sequence[Any]) -> np.ndarray:
    if all(isinstance(cell, str) and _ISO.fullmatch(cell) for cell in cells):
        return np.array(cells, "datetime64")
    if all(isinstance(cell, (float, int)) or cell is None for cell in cells):
        whole = all(isinstance(cell, int) for cell in cells)
        return np.array([np.nan if cell is None else cell for cell in cells], np.int64 if whole else np.float64)
    return np.array(cells)


def numbers(found: Sequence[dict[str, Any]]) -> np.ndarray:
    """Return the number of each sequence (N,), NaN without an answer."""
    values = [next(value for name, value in one.items() if name != "id") for one in found]
    return np.array([np.nan if value is None else value for value in values], np.float64)


def tags(found: Sequence[dict[str, Any]]) -> list[list[str]]:
    """Return the tags of each sequence, none of one without an answer."""
    return [[step["tag"] for step in one["steps"] or ()] for one in found]


FORMS: dict[str, Callable[[Sequence[dict[str, Any]]], Any]] = {"regress": numbers, "tag": tags}
"""By task, of what `objects` returns; answers of the others are the objects themselves."""
