"""Dropout between the parts of a model: a mask is a function of seed, update and place, and never stored."""

from __future__ import annotations

import numpy as np

from rnncli.kernels import dropout, random

_STREAM = 500  # of the seed's independent random streams


def keys(p: float, count: int, first: int, seed: int, update: int) -> tuple[np.uint32, ...]:
    """`count` masks of an update, the first being number `first` of its places; none where nothing is dropped."""
    if p == 0:
        return ()
    streams = range(_STREAM + first, _STREAM + first + count)
    return tuple(np.uint32(int(random.bits(seed, stream, update)) & 0xFFFFFFFF) for stream in streams)


def drop(p: float, x: np.ndarray, y: np.ndarray, key: np.uint32, low: int, high: int) -> None:
    """y = x (T, B, N) with a share p of the values dropped and the rest scaled up; of a gradient, the way back."""
    dropout.apply(x, y, key, np.uint32(p * 2**32), x.dtype.type(1 / (1 - p)), low, high)
