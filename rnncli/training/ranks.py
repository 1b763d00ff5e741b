"""Ranks: processes, on one machine or several, that share the work of one training; and the order in which they add.

The batch of an update is cut into `training.shards` groups of sequences, S, at the edges B·i//S. What is summed over a
batch is a binary tree over its groups, ((0 + 1) + (2 + 3)) + …, and the sum of a group is what one process computes of
it alone. R ranks divide S. Rank r has the groups from r·S/R on, adds these up, and `Ranks.add` goes on with the tree
among the ranks. So every bit depends on S alone: not on ranks, threads or machines.

All ranks run the same program on the same data. Each builds every batch whole, so that order, masks and draws are those
of one process, and computes the sequences of its own groups; words that are composed of characters each composes all.
Weights, losses and evaluations are the same on all, and each evaluates some sequences where all are `evaluating`. What
this asks of whoever starts them:

- `add`, `gather`, `agreed`, `clock`, `evaluating` and `require_same` are called by all ranks, at the same place of the
  program; so is `shared`, within `evaluating`. `TrainingLoop.run` and `TrainingLoop.arrays` (which gathers the
  states that are carried) call them, and therefore run on all ranks, also where only rank 0 keeps what they return.
- What differs between processes decides nothing: the clock is that of rank 0 wherever a plan depends on it, and a
  request to stop on any rank travels with the sums of a window, so that all stop after the same update.
- An error on one rank leaves the others waiting; only who started them can end them.

A `Channel` is all that this module needs to know of MPI.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, pairwise
from typing import Any, Protocol, TypeVar

import numpy as np

from rnncli.errors import ConfigError, RnncliError, amount
from rnncli.job import OF_ANY_RANK
from rnncli.notes import note, noting

I = TypeVar("I")
T = TypeVar("T")

COMPARED_EVERY = 100  # updates
_SMALL = 2048  # elements that are sent whole: for so few, it is the number of messages that takes the time


class Channel(Protocol):
    """The way from this rank to the others. size: the number of ranks, a power of two where they train together."""

    @property
    def rank(self) -> int: ...

    @property
    def size(self) -> int: ...

    def exchange(self, given: np.ndarray, taken: np.ndarray, other: int) -> None:
        """Send `given` to rank `other`, and write what that one gives into `taken`, as MPI's Sendrecv does.

        Both are contiguous, (n,) and of one type, possibly of different sizes or empty, and do not overlap.
        """

    def gather(self, thing: Any) -> list[Any]:
        """Return on each rank what all ranks give, in their order."""


class Ranks:
    """The ranks that share a training, as one of them sees them; without a channel, one process alone.

    shards: the number of groups that a batch is cut into. Raises ConfigError if the ranks do not divide it.
    asked: returns True once this rank was asked to stop.
    """

    def __init__(self, shards: int = 1, channel: Channel | None = None):
        self.shards, self._channel = shards, channel
        self.rank, self.size = (channel.rank, channel.size) if channel else (0, 1)
        self.asked: Callable[[], bool] = lambda: False
        self._stopping = self._evaluating = False
        self._taken = np.empty(0, np.uint8)
        if shards % self.size:
            raise ConfigError(
                f"training.shards is {shards}, which {self.size} ranks do not divide; start a power of two of ranks, "
                "and set it to as many or more"
            )

    @classmethod
    def judging(cls, channel: Channel | None) -> Ranks:
        """Return ranks that do not train together, of which there may be any number."""
        ranks = cls()
        if channel is not None:
            ranks._channel, ranks.rank, ranks.size = channel, channel.rank, channel.size
        return ranks

    def stopping(self) -> bool:
        """Return True on all ranks once one of them was asked to stop, as of the last `add`."""
        return self._stopping if self._channel else self.asked()

    def edges(self, B: int) -> list[int]:
        """Return where the groups of a batch of B sequences begin, and B; a small batch may have empty groups."""
        return [B * i // self.shards for i in range(self.shards + 1)]

    def groups(self, B: int) -> list[tuple[int, int]]:
        """Return the first sequence of each group of this rank, and the one after its last."""
        each = self.shards // self.size
        return list(pairwise(self.edges(B)))[self.rank * each : (self.rank + 1) * each]

    def own(self, B: int) -> tuple[int, int]:
        """Return the first sequence of this rank, and the one after its last."""
        groups = self.groups(B)
        return groups[0][0], groups[-1][1]

    def shared(self, items: Sequence[I], work: Callable[[Sequence[I]], list[T]]) -> list[T]:
        """Return work(items), a result for each; within `evaluating` each rank does some items apart from all others.

        Notes and errors are those of all ranks, in the order of the items, but for an error of a machine or a bug,
        which ends its rank.
        """
        if self._channel is None or not self._evaluating:
            return work(items)
        edges, notes = self._edges_evaluated(len(items)), list[str]()
        found: list[T] | RnncliError
        mine = items[edges[self.rank] : edges[self.rank + 1]]
        gather = self._channel.gather
        with self.apart(), noting(notes.append):
            try:
                found = work(mine) if len(mine) else []
            except RnncliError as error:
                if error.exit_code in OF_ANY_RANK:
                    raise
                found = error
        results = []
        for texts, one in gather((notes, found)):
            for text in texts:
                note(text)
            if isinstance(one, RnncliError):
                raise one
            results.append(one)
        return list(chain(*results))

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Share evaluations within the block, which all ranks enter."""
        self._evaluating = self._channel is not None
        try:
            yield
        finally:
            self._evaluating = False

    def evaluated(self, B: int) -> tuple[int, int]:
        """Return the first of B sequences that this rank evaluates, and the one after its last."""
        edges = self._edges_evaluated(B)
        return (edges[self.rank], edges[self.rank + 1]) if self._evaluating else (0, B)

    def complete(self, losses: np.ndarray) -> None:
        """Fill in the losses (T, B) of what others evaluated."""
        if self._evaluating:
            rows = np.ascontiguousarray(losses.T)
            self._gather(rows, self._edges_evaluated(len(rows)))
            losses[...] = rows.T

    def _edges_evaluated(self, B: int) -> list[int]:
        return [B * rank // self.size for rank in range(self.size + 1)]

    def require_batches(self, B: int) -> None:
        """Raise ConfigError unless batches of up to B sequences have one for each group."""
        if self.shards > B:
            raise ConfigError(
                f"training.shards is {self.shards}, and a batch has only {amount(B, 'sequence')}; lower it, or raise "
                "training.batch_size if there are more"
            )

    def add(self, loss: float, sums: Sequence[np.ndarray]) -> float:
        """Replace the sums of this rank's groups by those of all groups, and return that of the loss.

        sums: contiguous arrays, of float32 or float64.
        """
        if self._channel is None:
            return loss
        for one in sums:
            self._sum(one.reshape(-1))
        beside = np.array([loss, self.asked()], np.float64)
        self._sum(beside)
        self._stopping = self._stopping or bool(beside[1])
        return float(beside[0])

    @contextmanager
    def apart(self) -> Iterator[None]:
        """Let this rank be one process alone within the block, which the other ranks know nothing of."""
        before = self._channel, self.rank, self.size
        self._channel, self.rank, self.size = None, 0, 1
        try:
            yield
        finally:
            self._channel, self.rank, self.size = before

    def spread(
        self, work: Sequence[Callable[[], tuple[float, int]]], sums: np.ndarray, starts: Sequence[int]
    ) -> list[tuple[float, int]]:
        """Return what all works return, and have their sums, of which each rank does some apart from all others.

        starts: where the sums of each work begin in `sums` (n,), and n. There is a work at least for each rank.
        """
        edges = [len(work) * rank // self.size for rank in range(self.size + 1)]
        first, last = edges[self.rank], edges[self.rank + 1]
        found = np.zeros((len(work), 2))
        with self.apart():
            for k in range(first, last):
                found[k] = work[k]()
        self._gather(found, edges)
        self._gather(sums, [starts[k] for k in edges])
        self.add(0.0, [])  # by which a request to stop travels
        return [(float(loss), int(count)) for loss, count in found]

    def gather(self, rows: np.ndarray) -> None:
        """Fill in the rows (B, …) of the sequences of all other ranks; C-contiguous."""
        self._gather(rows, self.edges(len(rows))[:: self.shards // self.size])

    def agreed(self, number: float) -> float:
        """Return the number of rank 0, such as its clock."""
        numbers = np.full(self.size, number, np.float64)
        self._gather(numbers, range(self.size + 1))
        return float(numbers[0])

    def clock(self, clock: Callable[[], float]) -> Callable[[], float]:
        """Return a clock that reads the same on all ranks, that of rank 0; the same one for one process."""
        return clock if self._channel is None else lambda: self.agreed(clock())

    def require_same(self, weights: np.ndarray) -> None:
        """Raise RnncliError on all ranks unless all have the same bits in `weights` (P,)."""
        if self._channel is None:
            return
        found = np.full(self.size, zlib.crc32(weights.data), np.uint32)
        self._gather(found, range(self.size + 1))
        others = np.flatnonzero(found != found[0])
        if len(others):
            raise RnncliError(
                f"the weights of {amount(len(others), 'rank')} ({', '.join(map(str, others))}) differ from those of "
                "rank 0, which never happens on sound machines that run the same version; go on with --resume from "
                "the last evaluation"
            )

    def _sum(self, x: np.ndarray) -> None:
        """Replace x (n,) by the binary tree over that of all ranks.

        Halving and doubling (Rabenseifner, 2004): each step gives away one half of what is left and adds up the other,
        neighbours first; then the halves come back. a + b is b + a, so that both sides of a pair agree.
        """
        assert self._channel is not None
        taken, halves, low, high, distance = self._room(x), [], 0, x.size, 1
        while distance < self.size:
            middle = (low + high) // 2
            kept, given = (low, middle), (middle, high)
            if x.size <= _SMALL:
                kept = given = (low, high)
            elif self.rank & distance:
                kept, given = given, kept
            got = taken[: kept[1] - kept[0]]
            self._channel.exchange(x[slice(*given)], got, self.rank ^ distance)
            x[slice(*kept)] += got
            halves.append((given, kept))
            low, high = kept
            distance *= 2
        for given, kept in reversed(halves):
            distance //= 2
            if given != kept:
                self._channel.exchange(x[slice(*kept)], x[slice(*given)], self.rank ^ distance)

    def _room(self, x: np.ndarray) -> np.ndarray:
        """Return an array for what others give for x (n,), the same for all sums of an update."""
        if self._taken.nbytes < x.nbytes:
            self._taken = np.empty(x.nbytes, np.uint8)
        return self._taken[: x.nbytes].view(x.dtype)

    def _gather(self, rows: np.ndarray, edges: Sequence[int]) -> None:
        """Fill in all rows, of which those from edges[r] to edges[r + 1] are rank r's."""
        if self._channel is not None and self.size & (self.size - 1):  # no power of two
            for at, theirs in enumerate(self._channel.gather(rows[edges[self.rank] : edges[self.rank + 1]])):
                rows[edges[at] : edges[at + 1]] = theirs
            return
        distance = 1
        while self._channel is not None and distance < self.size:
            mine = self.rank & -distance
            theirs = mine ^ distance
            given, taken = (rows[edges[at] : edges[at + distance]].reshape(-1) for at in (mine, theirs))
            self._channel.exchange(given, taken, self.rank ^ distance)
            distance *= 2


ALONE = Ranks()
