"""Ranks as threads of one process, which talk by queues."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from queue import Queue
from typing import Any, TypeVar

import numpy as np

from rnncli.training.ranks import Ranks

T = TypeVar("T")

_PATIENCE = 60  # seconds, after which a rank that waits for another gives up


class Queues:
    """The channel of rank `rank`; queues (size, size): from each rank to each other."""

    def __init__(self, rank: int, queues: list[list[Queue]]):
        self.rank, self.size, self._queues = rank, len(queues), queues

    def exchange(self, given: np.ndarray, taken: np.ndarray, other: int) -> None:
        self._queues[self.rank][other].put(given.copy())
        taken[...] = self._queues[other][self.rank].get(timeout=_PATIENCE)

    def gather(self, thing: Any) -> list[Any]:
        for queue in self._queues[self.rank]:
            queue.put(thing)
        return [queues[self.rank].get(timeout=_PATIENCE) for queues in self._queues]


def on_ranks(size: int, shards: int | None, work: Callable[[Ranks], T]) -> list[T]:
    """Return what `work` returns on each of `size` ranks, which do not train if `shards` is None."""
    queues: list[list[Queue]] = [[Queue() for _ in range(size)] for _ in range(size)]
    channels = [Queues(rank, queues) for rank in range(size)]
    ranks = [Ranks(shards, one) if shards else Ranks.judging(one) for one in channels]
    with ThreadPoolExecutor(size) as executor:
        running = [executor.submit(work, one) for one in ranks]
        return [one.result() for one in running]
