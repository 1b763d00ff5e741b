"""Missing values of a series: filled from what is known, or left for the model to see as unknown."""

from __future__ import annotations

from typing import Literal

import numpy as np

Filling = Literal["refuse", "ffill", "interpolate", "mask"]


def filled(values: np.ndarray, how: Filling) -> np.ndarray:
    """values (N,) float64 with NaN where missing, at least one being known, without gaps.

    `interpolate` draws a line between the neighbours, with the nearest value at the ends. Every other way repeats the
    value before, and at the beginning the first one.
    """
    known = np.flatnonzero(~np.isnan(values))
    places = np.arange(len(values))
    if how == "interpolate":
        return np.interp(places, known, values[known])
    return values[known[np.maximum(np.searchsorted(known, places, side="right") - 1, 0)]]


def first_known(known: np.ndarray) -> int:
    """The first row of known (N, C) in which any column is known, or N."""
    rows = np.flatnonzero(known.any(axis=1))
    return int(rows[0]) if rows.size else len(known)
