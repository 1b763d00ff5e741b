"""Columns beside the targets as features: numbers standardised, words one-hot, both as the training rows say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

_MOST_WORDS = 64  # of one column, the commonest
_FLAT = 1e-12  # a spread below this share of the largest number is rounding, not variation


@dataclass(frozen=True)
class Encoding:
    """One column: `words` that it takes in training, or the centre and scale of its numbers."""

    name: str
    words: tuple[str, ...] = ()
    centre: float = 0.0
    scale: float = 1.0

    @classmethod
    def fit(cls, name: str, column: np.ndarray) -> Encoding:
        """From the training rows (N,) of a column."""
        if column.dtype.kind == "U":
            words, counts = np.unique(column, return_counts=True)
            kept = words[np.argsort(-counts, kind="stable")[:_MOST_WORDS]]
            return cls(name, tuple(sorted(kept.tolist())))
        spread = float(column.std())
        flat = spread <= _FLAT * float(np.abs(column).max())
        return cls(name, (), float(column.mean()), 1.0 if flat else spread)

    @property
    def size(self) -> int:
        return len(self.words) or 1

    def encode(self, column: np.ndarray) -> np.ndarray:
        """(N, size) features of a column (N,); a word that training did not see is all zeros."""
        if self.words:
            return (column[:, None] == np.array(self.words)[None]).astype(np.float64)
        return ((column - self.centre) / self.scale)[:, None]


def fit(columns: Mapping[str, np.ndarray], rows: np.ndarray) -> tuple[Encoding, ...]:
    """The encodings of `columns`, from these rows of them."""
    return tuple(Encoding.fit(name, column[rows]) for name, column in columns.items())


def encode(encodings: Sequence[Encoding], columns: Mapping[str, np.ndarray], count: int) -> np.ndarray:
    """(count, size) features."""
    parts = [encoding.encode(columns[encoding.name]) for encoding in encodings]
    return np.concatenate([np.zeros((count, 0)), *parts], axis=1)


def size(encodings: Sequence[Encoding]) -> int:
    return sum(encoding.size for encoding in encodings)


def to_header(encodings: Sequence[Encoding]) -> list[dict[str, Any]]:
    """JSON for a model file."""
    return [asdict(encoding) for encoding in encodings]


def from_header(header: Sequence[Mapping[str, Any]]) -> tuple[Encoding, ...]:
    """The inverse of `to_header`."""
    return tuple(
        Encoding(str(one["name"]), tuple(map(str, one["words"])), float(one["centre"]), float(one["scale"]))
        for one in header
    )
