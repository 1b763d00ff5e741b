"""Which steps an update sees: windows of long streams, or whole sequences in batches of nearly equal length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnncli.kernels import random


@dataclass(frozen=True)
class Window:
    """Steps start ≤ t < stop of every stream; the loss sees those from start + head_from on.

    keep: how many steps into this window the next one starts; its state is stored there.
    """

    start: int
    stop: int
    head_from: int
    keep: int

    @property
    def T(self) -> int:
        return self.stop - self.start


def windows(length: int, stride: int, depth: int) -> list[Window]:
    """The windows of one pass over streams of `length` steps, by TBPTT(k1, k2) with stride = k1 ≤ depth = k2.

    Update u takes the loss of the k1 newest steps, so every step is counted once. Its gradient flows back at most k2
    steps: the window of the last k2 steps is recomputed with the current weights from the state stored at its start,
    which is the one that the previous window computed there. A depth that covers the stream is full BPTT (Williams and
    Peng, 1990; Sutskever, 2013).
    """
    stops = [min(newest + stride, length) for newest in range(0, length, stride)]
    starts = [max(0, stop - depth) for stop in stops]
    following = [*starts[1:], starts[-1]]
    return [
        Window(start, stop, stride * u - start, after - start)
        for u, (start, stop, after) in enumerate(zip(starts, stops, following, strict=True))
    ]


BUCKET = 16  # batches that are drawn together, so that sequences of like length can share one
_SHUFFLE, _BATCHES = 1 << 32, 1 << 33  # of the seed's independent random streams, plus the epoch


class Batches:
    """Batches of B of the sequences of these lengths, each a list of their numbers, longest first.

    lengths: of each sequence, or the keys that it is sorted by, the first deciding.
    """

    def __init__(self, lengths: Sequence[int] | Sequence[tuple[int, ...]], batch_size: int, seed: int):
        self.lengths, self.seed = np.array(lengths, int), seed
        self.B = min(batch_size, len(lengths))
        self.per_epoch = -(-len(lengths) // self.B)
        self._drawn: tuple[int, list[np.ndarray]] = (-1, [])

    def of_update(self, update: int) -> np.ndarray:
        """The batch of one update."""
        epoch, number = divmod(update, self.per_epoch)
        return self._epoch(epoch)[number]

    def _epoch(self, epoch: int) -> list[np.ndarray]:
        """The epoch's batches in random order."""
        if self._drawn[0] != epoch:
            order = random.shuffled(len(self.lengths), self.seed, _SHUFFLE + epoch)
            batches = []
            for start in range(0, len(order), self.B * BUCKET):
                drawn = order[start : start + self.B * BUCKET]
                batches += _cut(drawn[longest_first(self.lengths[drawn])], self.B)
            self._drawn = epoch, [batches[i] for i in random.shuffled(len(batches), self.seed, _BATCHES + epoch)]
        return self._drawn[1]


def longest_first(lengths: np.ndarray) -> np.ndarray:
    """The order of lengths (N,) or (N, keys), the first key deciding; equals stay in order."""
    keys = lengths if lengths.ndim == 2 else lengths[:, None]
    return np.lexsort(-keys.T[::-1])


def by_length(lengths: Sequence[int], B: int) -> list[np.ndarray]:
    """All sequences once, longest first, B at a time."""
    return _cut(longest_first(np.array(lengths, int)), B)


def _cut(order: np.ndarray, B: int) -> list[np.ndarray]:
    return [order[i : i + B] for i in range(0, len(order), B)]


def place_sequences(sequences: Sequence[np.ndarray], place: np.ndarray) -> None:
    """Side by side into (T, B) or (T, B, I), zero beyond each end."""
    for b, x in enumerate(sequences):
        place[: len(x), b] = x
        place[len(x) :, b] = 0


class Stateless:
    """What a learner keeps for a resume where a batch is a function of the seed and the update: nothing."""

    def restart(self) -> None:
        pass

    def arrays(self, *, before: bool = False) -> dict[str, np.ndarray]:
        return {}

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        pass
