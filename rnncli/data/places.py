"""Which places of some data are trained on, and which are held out of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Places:
    """Spans of places, (n, 2) each: the first place and the one after the last. A place is the number of an item, of a
    row or of a token; data that have grown at their end keep those that they had.
    """

    trained: np.ndarray
    held_out: np.ndarray

    @classmethod
    def of_items(cls, trained: Iterable[int], held_out: Iterable[int]) -> Places:
        """Return the places of single items."""
        first, second = (np.fromiter(items, np.int64) for items in (trained, held_out))
        return cls(np.stack([first, first + 1], axis=1), np.stack([second, second + 1], axis=1))

    @property
    def count_held_out(self) -> int:
        return int((self.held_out[:, 1] - self.held_out[:, 0]).sum())

    def seen_by(self, before: Places) -> int:
        """Return how many of the places that are held out `before` trained on."""
        spans = before.trained[np.argsort(before.trained[:, 0])]
        behind = np.append(0, np.cumsum(spans[:, 1] - spans[:, 0]))  # places of all spans before each

        def trained_below(place: np.ndarray) -> np.ndarray:
            begun = np.searchsorted(spans[:, 0], place)
            beyond = np.maximum(np.append(0, spans[:, 1])[begun] - place, 0)  # of the last span that has begun
            return np.asarray(behind[begun] - beyond)

        low, high = (trained_below(self.held_out[:, end]) for end in (0, 1))
        return int((high - low).sum())
