"""Rows of features made ready for a network: slopes beside them, several as one step, normalised.

What comes in blocks is joined as if it had come at once, and each step is given as soon as its rows are there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from rnncli.data.numeric import never_flat

REACH = 2  # rows on each side that a slope is taken from
_AT_ONCE = 1 << 14  # rows whose squares are summed at once


def with_slopes(blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Yield rows (n, F) with their slopes beside them, (n, 2F): those of a line through five rows by least squares,
    Σ_k k (x_{t+k} − x_{t−k}) / (2 Σ_k k²) for k = 1, 2. The first and the last row stand for those beyond them."""
    held: np.ndarray | None = None
    for block in blocks:
        if len(block):
            held = np.concatenate([np.repeat(block[:1], REACH, axis=0), block] if held is None else [held, block])
            if len(held) > 2 * REACH:
                yield _sloped(held)
                held = held[-2 * REACH :]
    if held is not None:
        yield _sloped(np.concatenate([held, np.repeat(held[-1:], REACH, axis=0)]))


def _sloped(rows: np.ndarray) -> np.ndarray:
    """Return all rows but REACH at each end, with their slopes."""
    count = len(rows) - 2 * REACH

    def moved(steps: int) -> np.ndarray:
        return rows[REACH + steps : REACH + steps + count].astype(np.float64)

    slopes = sum(k * (moved(k) - moved(-k)) for k in range(1, REACH + 1)) / (2 * sum(k * k for k in (1, REACH)))
    return np.concatenate([rows[REACH : REACH + count], slopes.astype(np.float32)], axis=1)


def stacked(blocks: Iterable[np.ndarray], together: int) -> Iterator[np.ndarray]:
    """Yield rows (n, F), `together` of them as one step, (n / together, together · F); the last row stands for those
    that the last step lacks."""
    held: np.ndarray | None = None
    for block in blocks:
        held = block if held is None else np.concatenate([held, block])
        if whole := len(held) // together:
            yield held[: whole * together].reshape(whole, -1)
            held = held[whole * together :]
    if held is not None and len(held):
        yield np.concatenate([held, np.repeat(held[-1:], together - len(held), axis=0)]).reshape(1, -1)


def moments(sequences: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the standard deviation (F,) float32 of the columns of all rows in sequences (T, F); of a
    column that does not vary the latter is 1."""
    count = sum(map(len, sequences))
    pieces = [one[start : start + _AT_ONCE] for one in sequences for start in range(0, len(one), _AT_ONCE)]
    mean = sum(piece.sum(axis=0, dtype=np.float64) for piece in pieces) / count
    squares = sum(((piece - mean) ** 2).sum(axis=0) for piece in pieces)
    largest = np.max([np.abs(piece).max(axis=0) for piece in pieces], axis=0)[None]
    return mean.astype(np.float32), never_flat(np.sqrt(squares / count), largest).astype(np.float32)


def normalise(values: np.ndarray, mean: np.ndarray, deviation: np.ndarray) -> None:
    """Subtract `mean` (F,) from the rows of `values` (T, F), and divide them by `deviation` (F,), in their place."""
    values -= mean
    values /= deviation
