"""Augmentation of recordings: training sees each of them a little changed, every time in another way.

    speed           it lasts longer or shorter (Ko et al., 2015), its features interpolated between its steps
    mask_steps      two runs of steps are replaced by 0, the mean of scaled features (SpecAugment; Park et al., 2019)
    mask_features   two runs of features are

Draws follow from the seed, the update and their place in the batch, so that neither threads nor a resume change them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnncli.kernels import random

_STREAM = 1 << 39  # of the seed's independent random streams, plus the draw
_MASKS = 2  # of each kind
_DRAWN = 1 + 4 * _MASKS  # numbers for each recording


@dataclass(frozen=True)
class Augmentation:
    """The largest shares of the speed, of the steps and of the features that are changed; see above.

    stacked: the number of rows that make a step, in each of which the same features are masked.
    """

    speed: float
    mask_steps: float
    mask_features: float
    stacked: int = 1

    def __call__(self, inputs: Sequence[np.ndarray], least: Sequence[int], draw: tuple[int, int]) -> list[np.ndarray]:
        """Return changed copies of inputs (n, F) float32, none of fewer than its `least` steps; draw: the seed, and a
        number for each batch."""
        seed, number = draw
        noise = np.empty(_DRAWN * len(inputs))
        random.fill_uniform(noise, seed, _STREAM + number, 1.0)
        rows = noise.reshape(len(inputs), _DRAWN)
        return [self._changed(x, few, row) for x, few, row in zip(inputs, least, rows, strict=True)]

    def _changed(self, x: np.ndarray, least: int, drawn: np.ndarray) -> np.ndarray:
        steps = max(round(len(x) * (1 + self.speed * drawn[0])), least, 1)
        changed = resampled(x, steps) if steps != len(x) else x.copy()
        shares = (1 + drawn[1:]) / 2
        for start, length in _runs(steps, self.mask_steps, shares[: 2 * _MASKS]):
            changed[start : start + length] = 0
        rows = changed.reshape(steps, self.stacked, -1)
        for start, length in _runs(rows.shape[2], self.mask_features, shares[2 * _MASKS :]):
            rows[:, :, start : start + length] = 0
        return changed


def _runs(size: int, most: float, shares: np.ndarray) -> list[tuple[int, int]]:
    """Return the starts and lengths of runs among `size` places, each up to the share `most` of them, by two numbers
    from 0 to 1 for each run."""
    lengths = [int(most * size * share + 0.5) for share in shares[::2]]
    return [(int((size - n) * share + 0.5), n) for n, share in zip(lengths, shares[1::2], strict=True)]


def resampled(x: np.ndarray, steps: int) -> np.ndarray:
    """Return x (n, F) at so many evenly spaced places, interpolated linearly between its steps."""
    places = np.arange(steps) * (len(x) - 1) / max(steps - 1, 1)
    before = places.astype(int)
    share = (places - before).astype(np.float32)[:, None]
    return x[before] * (1 - share) + x[np.minimum(before + 1, len(x) - 1)] * share
