"""Sound at another rate, by a windowed sinc in phases.

From rate p to rate q, L/M being q/p in lowest terms, sample n of the result stands at position nM/L of the sound:

    y_n = Σ_k x_k h(nM/L − k),   h(t) = c sinc(c t) (½ + ½ cos(π c t / 16)) for |c t| < 16,   c = 0.95 min(1, q/p)

with zeros before the first sample and after the last; h takes L sets of values, of which each sums to 1. The length is
that of the sound in seconds, rounded up to a sample.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import numpy as np

CROSSINGS = 16  # zeros of the sinc on each side
WIDTH = 0.95  # of the band that is kept, as a share of half the lower rate
MOST_PHASES = 4096
_BLOCK = 1 << 14  # results at once


class Resampler:
    """Makes sound at rate `wanted` of sound at rate `given`, in samples a second. up, down: L and M."""

    def __init__(self, given: int, wanted: int):
        common = math.gcd(given, wanted)
        self.up, self.down = wanted // common, given // common

    @property
    def possible(self) -> bool:
        """False for rates that have no small ratio, which would take too many phases."""
        return max(self.up, self.down) <= MOST_PHASES

    def length(self, samples: int) -> int:
        """The number of samples that so many become."""
        return -(-samples * self.up // self.down)

    def blocks(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Yield the samples in `blocks`, each (n,) float64, at the wanted rate."""
        cut = WIDTH * min(1.0, self.up / self.down)
        reach = math.ceil(CROSSINGS / cut)
        weights = self._weights(cut, reach)
        held, first = np.zeros(reach), -reach  # the position of held[0]
        done, given = 0, 0
        for block in blocks:
            held, given = np.concatenate([held, block]), given + len(block)
            # Result n needs positions up to ⌊nM/L⌋ + reach.
            ready = max(done, ((given - reach) * self.up - 1) // self.down + 1)
            yield from self._between(held, first, done, ready, weights, reach)
            done = ready
            kept = done * self.down // self.up - reach + 1
            held, first = held[kept - first :], kept
        held = np.concatenate([held, np.zeros(2 * reach + 1)])
        yield from self._between(held, first, done, self.length(given), weights, reach)

    def _weights(self, cut: float, reach: int) -> np.ndarray:
        """Return h (L, 2 reach) by phase, at the samples from reach − 1 before a position to `reach` after it."""
        away = np.arange(self.up)[:, None] / self.up - np.arange(1 - reach, reach + 1)
        inside = np.minimum(np.abs(cut * away) / CROSSINGS, 1.0)
        weights = np.sinc(cut * away) * (0.5 + 0.5 * np.cos(np.pi * inside))
        return np.asarray(weights / weights.sum(axis=1, keepdims=True))

    def _between(
        self, held: np.ndarray, first: int, start: int, end: int, weights: np.ndarray, reach: int
    ) -> Iterator[np.ndarray]:
        """Yield results `start` to `end`, of samples the first of which is at position `first`."""
        views = np.lib.stride_tricks.sliding_window_view(held, 2 * reach) if end > start else held
        for some in range(start, end, _BLOCK):
            numbers = np.arange(some, min(some + _BLOCK, end), dtype=np.int64)
            positions, phases = np.divmod(numbers * self.down, self.up)
            values = np.empty(len(numbers))
            for phase in range(min(self.up, len(numbers))):  # each phase comes once in L results
                chosen = slice(phase, None, self.up)
                at = positions[chosen] + 1 - reach - first
                step = self.down if len(at) > 1 else 1
                values[chosen] = np.einsum("nk,k->n", views[at[0] : at[-1] + 1 : step], weights[phases[phase]])
            yield values
