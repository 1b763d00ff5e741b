"""Dropout between the parts of a model: a mask is a function of seed, update and place, and is never stored."""

from __future__ import annotations

import numpy as np

from rnncli.kernels import dropout, random

_STREAM = 500  # of the seed's independent random streams


def keys(p: float, count: int, first: int, seed: int, update: int) -> tuple[np.uint32, ...]:
    """Return the keys of `count` masks of an update, for places from number `first` on; none if p is 0."""
    if p == 0:
        return ()
    return tuple(key(seed, _STREAM + place, update) for place in range(first, first + count))


def key(seed: int, stream: int, update: int) -> np.uint32:
    """Return the key of an update's mask, from number `stream` of the seed's independent streams."""
    return np.uint32(int(random.bits(seed, stream, update)) & 0xFFFFFFFF)


def drop(p: float, x: np.ndarray, y: np.ndarray, key: np.uint32, low: int, high: int) -> None:
    """Write x (T, B, N) to y with a fraction p dropped and the rest scaled up; on a gradient, the backward pass."""
    dropout.apply(x, y, key, *threshold_and_scale(p, x.dtype), low, high)


def threshold_and_scale(p: float, dtype: np.dtype) -> tuple[np.uint32, np.floating]:
    """Return the arguments of the kernels for dropping a fraction p."""
    return np.uint32(p * 2**32), dtype.type(1 / (1 - p))
