"""The ranks of a job that MPI connects: what they tell each other, and their common end.

A rank that waits looks again and again whether there is something for it, and sleeps between two looks once it has
waited for long: so signals reach it, and ranks that compute on the same cores are not slowed by those that wait.
"""

from __future__ import annotations

import os
import pickle
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rnncli.job import Job

_BUSY = 1e-3  # seconds of waiting after which looks are rarer
_NAP = 1e-3  # seconds between two of these
_READING = 0.2  # seconds for a launcher to read what was said, which it may lose where it ends all by force
_AT_ONCE = 1 << 30  # bytes of one message, whose length MPI counts in 31 bits


class MpiJob(Job):
    """The job of all ranks that `MPI`, the module of mpi4py, connects.

    dismissed: called with the exit code of this rank at its end; returns False if others do not know of the end.
    """

    def __init__(self, MPI: Any):
        self._mpi, self._ranks = MPI, MPI.COMM_WORLD
        self.rank, self.size, self.host = self._ranks.rank, self._ranks.size, socket.gethostname()
        self.dismissed: Callable[[int], bool] = lambda code: False

    def exchange(self, given: np.ndarray, taken: np.ndarray, other: int) -> None:
        """Send `given` to rank `other`, and write what that one gives into `taken`; see `Channel`."""
        self._wait([self._ranks.Irecv(taken, other), self._ranks.Isend(given, other)])

    def share(self, thing: Any = None, of: int = 0) -> Any:
        """Return on each rank what the rank `of` gives."""
        packed = pickle.dumps(thing) if self.rank == of else b""
        length = np.array([len(packed)])
        self._wait([self._ranks.Ibcast(length, of)])
        whole = np.frombuffer(packed, np.uint8) if self.rank == of else np.empty(int(length[0]), np.uint8)
        for start in range(0, len(whole), _AT_ONCE):
            self._wait([self._ranks.Ibcast(whole[start : start + _AT_ONCE], of)])
        return thing if self.rank == of else pickle.loads(whole.tobytes())

    def gather(self, thing: Any) -> list[Any]:
        """Return on each rank what all ranks give, in their order."""
        return [self.share(thing, rank) for rank in range(self.size)]

    def end(self, code: int) -> None:
        """End with all others: together where they know of it, else by force, which the launcher sees to."""
        if self.dismissed(code):
            self._mpi.Finalize()
            return
        time.sleep(_READING)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # the library has words of its own for what was told already
        self._ranks.Abort(code)

    def _wait(self, requests: Sequence[Any]) -> None:
        began = time.perf_counter()
        while not self._mpi.Request.Testall(requests):
            if time.perf_counter() - began > _BUSY:
                time.sleep(_NAP)
