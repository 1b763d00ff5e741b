"""Threads without barriers inside kernels: each takes a shard of the batch through a whole window.

Kernels release the GIL. The calling thread works too, so one thread needs no pool at all. Waking another takes some
40 µs in a virtual machine, so a phase says about how long it would take alone, and a short one stays where it is; it is
cut into the same jobs all the same. While they run, denormals are zero on every thread.
"""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from rnncli.errors import MachineError
from rnncli.kernels import denormals
from rnncli.nn.share import Share

WORTH_WAKING = 150_000.0  # nanoseconds of work
MULTIPLY_ADDS = 50.0  # of one thread in a nanosecond, roughly


class ThreadPool:
    """`count` threads, and each one's `Share` of the weight gradients."""

    def __init__(self, count: int | None, dtype: np.dtype):
        self.count = count or os.cpu_count() or 1
        self.shares = [Share(i, self.count, dtype) for i in range(self.count)]
        self._executor = (
            ThreadPoolExecutor(self.count - 1, "rnncli", initializer=denormals.flush) if self.count > 1 else None
        )

    def run(self, jobs: Sequence[Callable[[], None]], nanoseconds: float = math.inf) -> None:
        """Run all jobs, which take about so long on one thread, and wait; the first error of any is raised."""
        word = denormals.flush()
        try:
            if self._executor is None or len(jobs) == 1 or nanoseconds < WORTH_WAKING:
                for job in jobs:
                    job()
            else:
                self._spread(jobs, self._executor)
        finally:
            denormals.restore(word)

    def _spread(self, jobs: Sequence[Callable[[], None]], executor: ThreadPoolExecutor) -> None:
        try:
            pending = [executor.submit(job) for job in jobs[1:]]
        except RuntimeError as refusal:
            raise MachineError(f"cannot start {self.count} threads ({refusal}); lower training.threads") from None
        try:
            jobs[0]()
        finally:
            errors = [future.exception() for future in pending]
        for error in errors:
            if error is not None:
                raise error

    def over_batch(self, B: int, work: Callable[[int, int], None], nanoseconds: float = math.inf) -> None:
        """work(low, high) for shards of B sequences."""
        count = min(self.count, B)
        edges = [B * i // count for i in range(count + 1)]
        self.run([partial(work, low, high) for low, high in itertools.pairwise(edges)], nanoseconds)

    def over_blocks(self, blocks: int, work: Callable[[int, int], None], nanoseconds: float = math.inf) -> None:
        """work(first, last) for shares of `blocks` equal units."""
        self.over_batch(blocks, work, nanoseconds)

    def over_shares(self, work: Callable[[Share], None], nanoseconds: float = math.inf) -> None:
        self.run([partial(work, share) for share in self.shares], nanoseconds)

    def close(self) -> None:
        if self._executor is not None:
            self._executor.shutdown()
