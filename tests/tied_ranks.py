"""Ranks that are threads of this process, tied as MPI ties processes: what `train` does on several of them."""

from __future__ import annotations

import contextlib
import pickle
import threading
from collections.abc import Callable
from pathlib import Path
from queue import Empty, Queue
from typing import Any, TypeVar

import numpy as np

from rnncli.training.reports import Report
from rnncli.workflows.following import Follower
from rnncli.workflows.leading import Greeting, Lead
from rnncli.workflows.train import train
from rnncli.workflows.train_request import Request

T = TypeVar("T")

PATIENCE = 60.0  # seconds; only a hang takes so long


class Tied:
    """One of `size` ranks that are threads; `meet` and `things` are those of all."""

    def __init__(self, rank: int, size: int, meet: threading.Barrier, things: list[Any], ways: dict[Any, Queue[Any]]):
        self.rank, self.size, self.host = rank, size, "here"
        self._meet, self._things, self._ways = meet, things, ways

    def exchange(self, given: np.ndarray, taken: np.ndarray, other: int) -> None:
        self._ways[self.rank, other].put(given.copy())
        for _ in range(int(PATIENCE / 0.1)):
            with contextlib.suppress(Empty):
                taken[...] = self._ways[other, self.rank].get(timeout=0.1)
                return
            if self._meet.broken:
                break
        raise threading.BrokenBarrierError

    def share(self, thing: Any = None) -> Any:
        return pickle.loads(self.gather(pickle.dumps(thing))[0])

    def gather(self, thing: Any) -> list[Any]:
        self._things[self.rank] = thing
        self._meet.wait(PATIENCE)
        found = list(self._things)
        self._meet.wait(PATIENCE)
        return found

    def abort(self) -> None:
        self._meet.abort()


def tied(size: int) -> list[Tied]:
    meet, things = threading.Barrier(size), [None] * size
    ways: dict[Any, Queue[Any]] = {(a, b): Queue() for a in range(size) for b in range(size)}
    return [Tied(rank, size, meet, things, ways) for rank in range(size)]


def train_on(size: int, request: Request, show: Callable[[Report], None] = lambda report: None) -> list[int]:
    """Train on so many ranks, this thread being rank 0; return the exit codes of the others."""
    return led(size, lambda lead: train(request, show, lead))[1]


def led(size: int, work: Callable[[Lead], T]) -> tuple[T, list[int]]:
    """Return what comes of the work of rank 0, which is this thread and leads the others, and their exit codes."""
    ranks = tied(size)
    codes: list[int] = []

    def follow(rank: Tied) -> None:
        try:
            Follower(rank, lambda: False).follow()
        except SystemExit as end:
            codes.append(int(str(end.code)))
        except BaseException:
            rank.abort()  # as MPI does
            raise

    others = [threading.Thread(target=follow, args=[rank], daemon=True) for rank in ranks[1:]]
    for other in others:
        other.start()
    lead = Lead(ranks[0], [Greeting("1", None, True, "here", frozenset({0}))] * size)
    code = 1
    try:
        found = work(lead)
        code = 0
    finally:
        if lead.dismiss(code):
            for other in others:
                other.join(PATIENCE)
    return found, codes


def model(run: Path) -> bytes:
    return (run / "model.safetensors").read_bytes()
