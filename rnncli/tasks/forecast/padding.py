"""Contexts that begin before their series: what is missing before it is padding, which no figure may depend on.

Padding is the rows of a context before a column's first known value there. Networks that are trained with it read
zeros, and which values are known. Baselines begin after it, scales are of known values only.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rnncli.data.numeric import SCALERS, never_flat

LEAST = 1  # rows of a series before it can be forecast
FEW = 8  # known values below which a scale leans on the one that is usual in training


def lengths_of(known: np.ndarray) -> np.ndarray:
    """Return how many rows of contexts known (T, B, C) begin with the first known value of a column, at least 1."""
    return np.where(known.any(axis=0), len(known) - known.argmax(axis=0), 1)


def of_each_length(
    made: Callable[[np.ndarray], np.ndarray], w: np.ndarray, lengths: np.ndarray, horizon: int
) -> np.ndarray:
    """Return made(w[-n:]) (horizon, B, C) for each column of w (T, B, C) with its own n, of lengths (B, C)."""
    T = len(w)
    if (lengths == T).all():
        return made(w)
    columns, each = w.reshape(T, -1, 1), lengths.ravel()
    found = np.empty((horizon, len(each), 1))
    for n in np.unique(each):
        mine = each == n
        found[:, mine] = made(columns[T - n :, mine])
    return found.reshape(horizon, *lengths.shape)


def scaled(name: str, z: np.ndarray, known: np.ndarray, m: int, share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (centre, scale), (B, C) each, of the known values of contexts z (T, B, C) by the scaler `name`.

    m: the season. share (C,): the usual scale of a series, as a share of its size; see `steadied`.
    """
    T, count = len(z), known.sum(axis=0)
    seen = np.where(known, z, np.nan)
    seen[-1] = np.where(count == 0, z[-1], seen[-1])  # what stands for a last value is the one before
    columns, lengths = seen.reshape(T, -1), lengths_of(known).ravel()
    centre, scale = np.empty((2, len(lengths)))
    for n in np.unique(lengths):
        mine = lengths == n
        # Of less than two seasons, a seasonal difference would be one of very few.
        centre[mine], scale[mine] = SCALERS[name](columns[T - n :, mine], m if n >= 2 * m else 1)
    centre = np.where(np.isnan(centre), z[-1].ravel(), centre)
    size = np.sqrt(np.nansum(seen**2, axis=0) / np.maximum(count, 1))
    scale = scale.reshape(count.shape)
    scale = np.where(np.isnan(scale), share * size, scale)  # where no two values are known that are so far apart
    return centre.reshape(count.shape), never_flat(steadied(scale, count, size, share), z)


def steadied(scale: np.ndarray, count: np.ndarray, size: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Return `scale`, measured on `count` values whose root mean square is `size`, as if on 8 at least.

    Those that lack have the scale that is usual in training: this share of the size. One value alone has no scale.
    """
    lacking = np.clip((FEW - count) / (FEW - 1), 0, 1)
    return (1 - lacking) * scale + lacking * share * size
