"""Dropout between the parts of a model: a mask is a function of seed, update and place, and is never stored."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rnncli.kernels import dropout, random

_STREAM = 500  # of the seed's independent random streams


class Mask(NamedTuple):
    """A mask as the kernels take it."""

    key: np.uint32
    threshold: np.uint32
    scale: np.floating


def keys(p: float, count: int, first: int, seed: int, update: int) -> tuple[np.uint32, ...]:
    """Return the keys of `count` masks of an update, for places from number `first` on; none if p is 0."""
    if p == 0:
        return ()
    return tuple(key(seed, _STREAM + place, update) for place in range(first, first + count))


def key(seed: int, stream: int, update: int) -> np.uint32:
    """Return the key of an update's mask, from number `stream` of the seed's independent streams."""
    return np.uint32(int(random.bits(seed, stream, update)) & 0xFFFFFFFF)


def threshold_and_scale(p: float, dtype: np.dtype) -> tuple[np.uint32, np.floating]:
    """Return the arguments of the kernels for dropping a fraction p."""
    return np.uint32(p * 2**32), dtype.type(1 / (1 - p))


def mask(p: float, key: np.uint32, dtype: np.dtype) -> Mask:
    """Return a mask that drops a fraction p and scales up the rest."""
    return Mask(key, *threshold_and_scale(p, dtype))


def drop(p: float, x: np.ndarray, y: np.ndarray, key: np.uint32, low: int, high: int, *, held: bool = False) -> None:
    """Write x (T, B, N) to y with a fraction p dropped and the rest scaled up; on a gradient, the backward pass.

    held: True if the mask of a sequence is the same at all steps.
    """
    dropout.apply(x, y, *mask(p, key, x.dtype), held, low, high)
