"""The edit distance of two sequences of tokens, and how it aligns them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


def edit_distance(first: Sequence[str], second: Sequence[str]) -> int:
    """Return the least number of insertions, deletions and replacements between two sequences (Levenshtein, 1966)."""
    row = list(range(len(second) + 1))
    for i, a in enumerate(first, start=1):
        before, row[0] = row[0], i
        for j, b in enumerate(second, start=1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]


class Aligned(NamedTuple):
    """An actual token beside the predicted one; the actual one is None of an insertion, the predicted of a deletion."""

    actual: str | None
    predicted: str | None


def alignment(predicted: Sequence[str], actual: Sequence[str]) -> list[Aligned]:
    """Return all tokens of both, aligned by the fewest edits: of equally few substitutions come before deletions, and
    these before insertions, from the end on.
    """
    table = [list(range(len(actual) + 1))]
    for i, a in enumerate(predicted, start=1):
        above, row = table[-1], [i]
        for j, b in enumerate(actual, start=1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (a != b)))
        table.append(row)
    found, i, j = [], len(predicted), len(actual)
    while i or j:
        here = table[i][j]
        if i and j and here == table[i - 1][j - 1] + (predicted[i - 1] != actual[j - 1]):
            i, j = i - 1, j - 1
            found.append(Aligned(actual[j], predicted[i]))
        elif j and here == table[i][j - 1] + 1:
            j -= 1
            found.append(Aligned(actual[j], None))
        else:
            i -= 1
            found.append(Aligned(None, predicted[i]))
    return found[::-1]
