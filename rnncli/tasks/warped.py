"""The nearest of some sequences of numbers by dynamic time warping, for baselines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rnncli.kernels import warping


class Series(NamedTuple):
    """Sequences one after another, values (R, C); sequence i is the rows starts[i]:starts[i + 1]."""

    values: np.ndarray
    starts: np.ndarray

    @classmethod
    def of(cls, sequences: Sequence[np.ndarray]) -> Series:
        return cls(np.concatenate(sequences), np.cumsum([0, *map(len, sequences)]))


def found_by_warping(
    seen: Series, chosen: np.ndarray, asked: Series, queries: np.ndarray, share: float, *, apart: bool
) -> np.ndarray:
    """Return the numbers (M,) of the sequences nearest to the queries (M,), of those chosen (n,); apart: queries are of
    `seen`, and none is its own neighbour."""
    rows, found = np.empty((2, int(np.diff(seen.starts).max()) + 1)), np.empty(len(queries), np.int64)
    warping.nearest(*seen, chosen, *asked, queries, share, apart, rows, found)
    return found
