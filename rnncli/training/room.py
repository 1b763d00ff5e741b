"""The room that batches of sequences are computed in, so that one very long sequence does not widen all others.

A batch takes steps × sequences, padding counted. One with a sequence that is much longer than usual is computed in
pieces, and their gradients are added: the update is that of the whole batch, in the memory of the longest sequence.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, Generic, TypeVar

import numpy as np

W = TypeVar("W")

_USUAL, _MUCH = 0.95, 4  # a sequence is not yet much longer at 4 times the length that 95% of all do not exceed
_KEPT = 4  # batches of usual sequences: workspaces of the last and of validation are kept beside those of the others
_ANSWERS = 32_768  # steps × sequences: 335 MB of 2 LSTM layers of 128
_PIECE = 1 << 40  # numbers of random draws between the pieces of an update


class Room(Generic[W]):
    """The room for batches of up to B sequences, and the workspaces in it.

    Lengths are (N,), or (N, K) for sequences with K lengths each, such as those of source and target.
    usual (K,): the steps × sequences of a batch of B sequences that are not much longer than usual; most (K,): those
    that are computed at once, which may be more where one sequence alone has more; longest (K,): the longest lengths.
    """

    def __init__(self, longest: np.ndarray, usual: np.ndarray):
        self.longest, self.usual, self.most = longest, usual, np.maximum(longest, usual)
        self._kept: dict[Hashable, tuple[np.ndarray, int, W]] = {}

    @classmethod
    def of(cls, lengths: Sequence[int] | Sequence[tuple[int, ...]], B: int) -> Room[W]:
        """Return the room for batches of B of the sequences with these lengths, any number of which is all of them."""
        ordered = np.sort(by_key(lengths), axis=0)
        usual = np.minimum(ordered[-1], _MUCH * ordered[int(_USUAL * (len(ordered) - 1))])
        return cls(ordered[-1], min(B, len(ordered)) * usual)

    def pieces(self, batch: np.ndarray, lengths: Any) -> list[np.ndarray]:
        """Cut a batch (n,) into runs for which there is room; a sequence for which there is none is alone.

        batch: the numbers of some of the sequences whose `lengths` are given.
        """
        sizes, cuts = by_key(lengths)[batch], [0]
        while cuts[-1] < len(batch):
            widest = np.maximum.accumulate(sizes[cuts[-1] :])
            fits = (np.arange(1, len(widest) + 1)[:, None] * widest <= self.most).all(axis=1)
            cuts.append(cuts[-1] + max(1, int(fits.sum())))
        return [batch[start:stop] for start, stop in itertools.pairwise(cuts)]

    def together(self, longest: np.ndarray) -> int:
        """Return the number of sequences of the `longest` (K,) lengths that are computed at once."""
        return max(1, int((self.most // longest).min()))

    def workspace(self, n: int, kind: Hashable, lengths: Any, plan: Callable[..., W]) -> W:
        """Return a workspace of a `kind` for n sequences of up to these lengths: a kept one, or plan(*steps)."""
        own, key = by_key(lengths).max(axis=0), (n, kind)
        if key in self._kept and (self._kept[key][0] >= own).all():
            return self._kept[key][2]
        self._kept.pop(key, None)
        steps = np.maximum(own, np.minimum(self.longest, self.usual // n))
        taken = sum((held * count for held, count, _ in self._kept.values()), n * steps)
        if (taken > np.maximum(self.most, _KEPT * self.usual)).any():
            self._kept.clear()
        self._kept[key] = steps, n, plan(*map(int, steps))
        return self._kept[key][2]


def for_answers(lengths: Sequence[int], B: int, most: int = _ANSWERS) -> Room[Any]:
    """Return the room to answer for sequences of these lengths, B at once: where they are long, for fewer of them, so
    that steps × sequences are at most so many."""
    longest = np.array([max(lengths, default=1)])
    return Room(longest, np.minimum(B * longest, most))


def by_key(lengths: Any) -> np.ndarray:
    """Return lengths (N,) or (N, K) as an array (N, K)."""
    array = np.asarray(lengths, int)
    return array if array.ndim == 2 else array[:, None]


def drawn(update: int, count: int) -> Iterator[int]:
    """Yield a number for the random draws of each of `count` pieces of an update, its own number for the first."""
    return (update + _PIECE * piece for piece in range(count))
