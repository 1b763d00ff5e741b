"""Turning a series into one that is easier to forecast, and its forecasts back.

A transform is monotone, so that medians and quantiles come back as such. Its parameters are fitted on training rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from rnncli.errors import DataError

_POWERS = np.linspace(0.0, 1.0, 21)  # of a Box-Cox transform; beyond them the way back is no function
_HIGHEST = 690.0  # the logarithm of what any way back ends at; a little more and it is infinite


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
        return np.exp(np.minimum(z, _HIGHEST))
    return np.clip(z * power + 1, 0.0, np.exp(_HIGHEST * power)) ** (1 / power)


TRANSFORMS: dict[str, Transform] = {
    "none": Transform(lambda y, _: y, lambda z, _: z),
    "log": Transform(lambda y, _: _box_cox(y, 0.0), lambda z, _: _box_cox_back(z, 0.0), "positive", np.nextafter(0, 1)),
    "log1p": Transform(lambda y, _: np.log1p(y), lambda z, _: np.expm1(np.minimum(z, _HIGHEST)), "not negative", 0.0),
    "sqrt": Transform(lambda y, _: np.sqrt(y), lambda z, _: np.maximum(z, 0.0) ** 2, "not negative", 0.0),
    "box-cox": Transform(_box_cox, _box_cox_back, "positive", np.nextafter(0, 1)),
}


def require_transformable(values: np.ndarray, transform: str, name: str) -> None:
    """DataError where one of the values, which came from the file `name`, has no transform."""
    needs, low = TRANSFORMS[transform], values.min()
    if low < needs.least:
        raise DataError(
            f"{name}: data.transform {transform} needs values that are {needs.needs}, and the lowest is {low:g}; "
            "take another transform"
        )


def fitted_power(series: Iterable[np.ndarray], season: int) -> float:
    """The power of a Box-Cox transform for series of positive values (N,) each, by Guerrero's method (1993).

    It makes the spread within a season, relative to its level to the power 1 − λ, as equal as it can be: the
    coefficient of variation of this ratio is the least, on average over the series. 1, which changes nothing but the
    level, where no series has two seasons that vary.
    """
    found = [_unevenness(values, max(season, 2)) for values in series]
    uneven = [one for one in found if one is not None]
    return float(_POWERS[np.argmin(np.mean(uneven, axis=0))]) if uneven else 1.0


def _unevenness(values: np.ndarray, m: int) -> np.ndarray | None:
    """The coefficient of variation at each of the powers."""
    blocks = values[len(values) % m :].reshape(-1, m)
    if len(blocks) < 2:
        return None
    level, spread = blocks.mean(axis=1), blocks.std(axis=1, ddof=1)
    ratio = spread[:, None] / level[:, None] ** (1 - _POWERS)
    size = ratio.mean(axis=0)
    return ratio.std(axis=0) / size if (size > 0).all() else None
