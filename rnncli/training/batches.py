"""The steps that an update trains on: windows of long streams, or batches of whole sequences of nearly equal length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rnncli.kernels import random
from rnncli.training.backpropagation import Sample
from rnncli.training.room import Room, by_key

if TYPE_CHECKING:
    from rnncli.training.reports import Figure


@dataclass(frozen=True)
class Window:
    """The steps start ≤ t < stop of every stream; the loss covers those from start + head_from on.

    keep: the step of this window, from 0, at which the next one starts; the state there is stored for it.
    """

    start: int
    stop: int
    head_from: int
    keep: int

    @property
    def T(self) -> int:
        return self.stop - self.start


def windows(length: int, stride: int, depth: int) -> list[Window]:
    """Return the windows of one pass over streams of `length` steps, by TBPTT(k1, k2) with stride = k1 ≤ depth = k2.

    Update u takes the loss of the k1 newest steps, so that every step is counted once. Its gradient flows back at
    most k2 steps: the window of the last k2 steps is recomputed with the current weights, from the state that the
    previous window computed and stored at its start. A depth that covers the stream is full BPTT (Williams and Peng,
    1990; Sutskever, 2013).
    """
    stops = [min(newest + stride, length) for newest in range(0, length, stride)]
    starts = [max(0, stop - depth) for stop in stops]
    following = [*starts[1:], starts[-1]]
    return [
        Window(start, stop, stride * u - start, after - start)
        for u, (start, stop, after) in enumerate(zip(starts, stops, following, strict=True))
    ]


BUCKET = 16  # batches that are drawn together, so that sequences of similar length can share one
_SHUFFLE, _BATCHES = 1 << 32, 1 << 33  # numbers of the seed's random streams; the epoch is added to them


class Batches:
    """Random batches of B sequences of similar length, each an array of sequence numbers, longest first.

    lengths: the length of each sequence, or the keys to sort it by, the first key before the others.
    """

    def __init__(self, lengths: Sequence[int] | Sequence[tuple[int, ...]], batch_size: int, seed: int):
        self.lengths, self.seed = np.array(lengths, int), seed
        self.B = min(batch_size, len(lengths))
        self.per_epoch = -(-len(lengths) // self.B)
        self._drawn: tuple[int, list[np.ndarray]] = (-1, [])

    def of_update(self, update: int) -> np.ndarray:
        """Return the batch of one update, as sequence numbers."""
        epoch, number = divmod(update, self.per_epoch)
        return self._epoch(epoch)[number]

    def _epoch(self, epoch: int) -> list[np.ndarray]:
        """Return the batches of an epoch in random order."""
        if self._drawn[0] != epoch:
            order = random.shuffled(len(self.lengths), self.seed, _SHUFFLE + epoch)
            batches = []
            for start in range(0, len(order), self.B * BUCKET):
                drawn = order[start : start + self.B * BUCKET]
                batches += _cut(drawn[longest_first(self.lengths[drawn])], self.B)
            self._drawn = epoch, [batches[i] for i in random.shuffled(len(batches), self.seed, _BATCHES + epoch)]
        return self._drawn[1]


def longest_first(lengths: np.ndarray) -> np.ndarray:
    """Return the indices that sort lengths (N,) or (N, keys) from large to small, by the first key first; stable."""
    keys = lengths if lengths.ndim == 2 else lengths[:, None]
    return np.lexsort(-keys.T[::-1])


def by_length(
    lengths: Sequence[int] | Sequence[tuple[int, ...]], B: int, room: Room[Any] | None = None
) -> list[np.ndarray]:
    """Cut all sequences into batches of B, or of fewer for which there is `room`, and return their numbers.

    The longest come first, by the first of their lengths.
    """
    sizes = by_key(lengths)
    batches = _cut(longest_first(sizes[:, 0]), B)
    return batches if room is None else [piece for batch in batches for piece in room.pieces(batch, sizes)]


def _cut(order: np.ndarray, B: int) -> list[np.ndarray]:
    return [order[i : i + B] for i in range(0, len(order), B)]


def place_sequences(sequences: Sequence[np.ndarray], place: np.ndarray) -> None:
    """Write the sequences side by side into `place`, (T, B) or (T, B, I), with zeros after the end of each."""
    for b, x in enumerate(sequences):
        place[: len(x), b] = x
        place[len(x) :, b] = 0


class Stateless:
    """A base of learners that keep nothing between updates: a batch follows from the seed and the update's number.

    What they print is their loss, unless they say otherwise. A batch of theirs has whole sequences.
    """

    updates_per_epoch: int
    endless = False

    def sample(self, update: int, *, carried: bool = False) -> Sample:
        raise NotImplementedError

    def stretch(self, number: int, count: int, steps: int) -> Sample:
        return self.sample(self.updates_per_epoch * number // count)

    def figure(self) -> Figure | None:
        return None

    def restart(self) -> None:
        pass

    def arrays(self, *, before: bool = False) -> dict[str, np.ndarray]:
        return {}

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        pass
