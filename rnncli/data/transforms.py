"""Turning a series into one that is easier to forecast, and its forecasts back.

A transform is monotone, so that medians and quantiles come back as such. Its parameters are fitted on training rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

_POWERS = np.linspace(0.0, 1.0, 21)  # of a Box-Cox transform; beyond them the way back is no function


@dataclass(frozen=True)
class Transform:
    """`forward` and `back` take values of any shape, and the power. `least`: what every value must exceed or reach."""

    forward: Callable[[np.ndarray, float], np.ndarray]
    back: Callable[[np.ndarray, float], np.ndarray]
    needs: str = ""
    least: float = -np.inf


def _box_cox(y: np.ndarray, power: float) -> np.ndarray:
    return np.log(y) if power == 0 else (y**power - 1) / power


def _box_cox_back(z: np.ndarray, power: float) -> np.ndarray:
    if power == 0:
        return np.exp(np.minimum(z, 690.0))
    return np.maximum(z * power + 1, 0.0) ** (1 / power)


TRANSFORMS: dict[str, Transform] = {
    "none": Transform(lambda y, _: y, lambda z, _: z),
    "log": Transform(lambda y, _: _box_cox(y, 0.0), lambda z, _: _box_cox_back(z, 0.0), "positive", np.nextafter(0, 1)),
    "log1p": Transform(lambda y, _: np.log1p(y), lambda z, _: np.expm1(np.minimum(z, 690.0)), "not negative", 0.0),
    "sqrt": Transform(lambda y, _: np.sqrt(y), lambda z, _: np.maximum(z, 0.0) ** 2, "not negative", 0.0),
    "box-cox": Transform(_box_cox, _box_cox_back, "positive", np.nextafter(0, 1)),
}


def fitted_power(values: np.ndarray, season: int) -> float:
    """The power of a Box-Cox transform for positive values (N,), by Guerrero's method (1993).

    It makes the spread within a season, relative to its level to the power 1 − λ, as equal as it can be.
    """
    m = max(season, 2)
    blocks = values[len(values) % m :].reshape(-1, m)
    if len(blocks) < 2:
        return 1.0
    level, spread = blocks.mean(axis=1), blocks.std(axis=1, ddof=1)

    def unevenness(power: float) -> float:
        ratio = spread / level ** (1 - power)
        return float(ratio.std() / ratio.mean()) if ratio.mean() > 0 else 0.0

    return float(min(_POWERS, key=unevenness))
