"""Scaling one context window by itself, so that a model sees shapes and not levels, and nothing after the window.

Each scaler takes windows w (T, B, C) and a season m and returns (centre, scale), both (B, C): the network sees
(w − centre) / scale. No scale is zero: where one would be, it is 1.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

FAR = 1e30  # scaled; sums of larger values leave float32
_FLAT = 1e-12  # a scale below this share of the window's size is rounding, not variation


def seasonal_error(w: np.ndarray, m: int) -> tuple[np.ndarray, np.ndarray]:
    """Centre: the last value; scale: mean |w_t − w_{t−m}|, what seasonal naive would have missed by."""
    m = min(m, len(w) - 1)
    return w[-1], np.abs(w[m:] - w[:-m]).mean(axis=0)


def mean(w: np.ndarray, m: int) -> tuple[np.ndarray, np.ndarray]:
    """Centre 0; scale: mean |w|, for positive quantities of very different size."""
    return np.zeros(w.shape[1:]), np.abs(w).mean(axis=0)


def standard(w: np.ndarray, m: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation."""
    return w.mean(axis=0), w.std(axis=0)


def robust(w: np.ndarray, m: int) -> tuple[np.ndarray, np.ndarray]:
    """Median and half the interquartile range."""
    low, middle, high = np.percentile(w, [25, 50, 75], axis=0)
    return middle, (high - low) / 2


SCALERS: dict[str, Callable[[np.ndarray, int], tuple[np.ndarray, np.ndarray]]] = {
    "seasonal-error": seasonal_error,
    "mean": mean,
    "standard": standard,
    "robust": robust,
}


def whole_series(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of the training rows (N, C): what `none` uses for every window alike.

    Right where the level itself says something, as zero does for sunspots.
    """
    spread = values.std(axis=0)
    return values.mean(axis=0), _never_flat(spread, values)


def scaler(name: str, w: np.ndarray, m: int) -> tuple[np.ndarray, np.ndarray]:
    """(centre, scale) of windows w (T, B, C), the scale never zero."""
    centre, scale = SCALERS[name](w, m)
    return centre, _never_flat(scale, w)


def _never_flat(scale: np.ndarray, w: np.ndarray) -> np.ndarray:
    return np.where(scale <= _FLAT * np.abs(w).max(axis=0), 1.0, scale)
