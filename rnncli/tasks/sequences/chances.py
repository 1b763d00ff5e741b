"""The probabilities of labels, as answers show them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

COLUMNS = 20  # labels up to which a table has a column for each
BEST = 5  # labels that it shows of more


class Chances(Mapping[str, float]):
    """The probability of each label; 3,000 labels take 12 KB an answer, where a dict would take some 200."""

    def __init__(self, number: Mapping[str, int], values: np.ndarray):
        """number: the place of each label among values (L,)."""
        self.number, self.array = number, values

    def __getitem__(self, label: str) -> float:
        return float(self.array[self.number[label]])

    def __iter__(self) -> Iterator[str]:
        return iter(self.number)

    def __len__(self) -> int:
        return len(self.number)


def best(values: np.ndarray, k: int) -> list[int]:
    """Return the places of the k highest values (L,), the highest first, equal ones in their order."""
    k = min(k, len(values))
    found = np.flatnonzero(values >= np.partition(values, -k)[-k])  # to sort 3,000 takes ten times as long
    order: list[int] = found[np.argsort(-values[found], kind="stable")][:k].tolist()
    return order


def flat_chances(chances: Chances) -> dict[str, Any]:
    """Return the columns of a table: the probability of each label, or the best five of many, with their names."""
    if len(chances) <= COLUMNS:
        return {f"p({name})": p for name, p in chances.items()}
    names = list(chances)
    columns: dict[str, Any] = {}
    for rank, k in enumerate(best(chances.array, BEST), start=1):
        columns |= {f"label_{rank}": names[k], f"p_{rank}": float(chances.array[k])}
    return columns
