"""Augmentation of series: training sees each of them a little changed, every time in another way (Um et al., 2017; of
twelve ways, Iwana and Uchida, 2021).

    jitter      every number has normal noise added
    magnitude   every column of a series is multiplied by a factor of its own, which is 1 on average

Both are in units of the numbers that the network reads. Draws follow from the seed, the update and their place in the
batch, so that neither threads nor a resume change them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnncli.kernels import random
from rnncli.tasks.sequences.examples import Examples

_STREAM = 1 << 38  # of the seed's independent random streams, plus the draw
_SIZE = 0.1  # of both, for few labelled series: 92.1% of seven sets right, 90.1% with 0
_MOST = 1000  # series
_STEPS = 8  # of the shortest one


def sizes_for(train: Examples, scaling: str | None) -> dict[str, float]:
    """Return the values of `training.jitter` and `training.magnitude` for series with labels; none for texts."""
    if train.values is None:
        return {}
    suits = len(train) <= _MOST and min(map(len, train.values)) >= _STEPS and scaling != "none"
    return dict.fromkeys(("jitter", "magnitude"), _SIZE if suits else 0.0)


@dataclass(frozen=True)
class Augmentation:
    """The standard deviations of noise and of factors; columns: the number C of those that a series has.

    The numbers are the first ones of each step: C values, or C values and their differences; masks are left as they
    are.
    """

    jitter: float
    magnitude: float
    columns: int
    numbers: int

    def __call__(self, inputs: Sequence[np.ndarray], draw: tuple[int, int]) -> list[np.ndarray]:
        """Return changed copies of inputs (n, I) float32; draw: the seed, and a number for each batch."""
        seed, number = draw
        sizes = [self.columns + len(x) * self.numbers for x in inputs]
        noise = np.empty(sum(sizes))
        random.fill_normal(noise, seed, _STREAM + number)
        return [
            self._changed(x, drawn) for x, drawn in zip(inputs, np.split(noise, np.cumsum(sizes)[:-1]), strict=True)
        ]

    def _changed(self, x: np.ndarray, drawn: np.ndarray) -> np.ndarray:
        C, K = self.columns, self.numbers
        factors = np.tile(1 + self.magnitude * drawn[:C], K // C)
        changed = x.copy()
        changed[:, :K] = x[:, :K] * factors + self.jitter * drawn[C:].reshape(len(x), K)
        return changed
