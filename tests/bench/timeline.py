"""Where the time of an update goes: its phases on one thread and on several, and what the others lose.

    python tests/bench/timeline.py [--cell lstm] [--hidden 256] [--threads 2] [--precision float32] [--json]

A phase is what all threads do between two waits for each other. Its time on N threads is that on one, divided by N,
and what is lost: in `work`, that the same jobs take longer beside each other (the share of a memory, a slower clock);
in `uneven`, that the longest job is longer than the mean; in `dispatch`, that jobs begin late and their end is seen
late. `between` is what one thread does while the others wait. Medians of updates that alternate between both.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from contestants import Model, rnncli_update
from rich.console import Console
from rich.table import Table

from rnncli.training.backpropagation import ThreadPool

ROUNDS, UPDATES = 7, 5
BETWEEN = "between"


class Phase(NamedTuple):
    """One call of `ThreadPool.run`, in seconds; work: those of each job."""

    name: str
    seconds: float
    work: list[float]


class TimedPool(ThreadPool):
    """A pool that writes down its phases, named by the function that asks for them."""

    def __init__(self, count: int | None):
        super().__init__(count)
        self.phases: list[Phase] = []

    def run(self, jobs: Sequence[Callable[[], None]], nanoseconds: float = math.inf) -> None:
        work = [0.0] * len(jobs)

        def timed(number: int, job: Callable[[], None]) -> None:
            began = time.perf_counter()
            job()
            work[number] = time.perf_counter() - began

        began = time.perf_counter()
        super().run([partial(timed, number, job) for number, job in enumerate(jobs)], nanoseconds)
        self.phases.append(Phase(_asker(), time.perf_counter() - began, work))


def _asker() -> str:
    """The name of the function that asked the pool, and not through another method of it."""
    frame = sys._getframe(2)
    while isinstance(frame.f_locals.get("self"), ThreadPool) and frame.f_back:
        frame = frame.f_back
    return frame.f_code.co_name.lstrip("_")


class Timeline:
    """The updates of one model on so many threads."""

    def __init__(self, model: Model, B: int, T: int, threads: int):
        self.pool = TimedPool(threads)
        self._update = rnncli_update(model, B, T, threads, self.pool)
        self.updates: list[tuple[float, dict[str, list[Phase]]]] = []

    def update(self) -> None:
        self.pool.phases.clear()
        began = time.perf_counter()
        self._update()
        seconds = time.perf_counter() - began
        named: dict[str, list[Phase]] = {}
        for phase in self.pool.phases:
            named.setdefault(phase.name, []).append(phase)
        self.updates.append((seconds, named))

    def median(self, figure: Callable[[float, dict[str, list[Phase]]], float]) -> float:
        return statistics.median(figure(*update) for update in self.updates)

    def seconds(self, name: str) -> float:
        return self.median(lambda _, phases: sum(phase.seconds for phase in phases[name]))

    def work(self, name: str) -> float:
        return self.median(lambda _, phases: sum(sum(phase.work) for phase in phases[name]))

    def longest(self, name: str) -> float:
        return self.median(lambda _, phases: sum(max(phase.work) for phase in phases[name]))

    @property
    def whole(self) -> float:
        return self.median(lambda seconds, _: seconds)

    @property
    def between(self) -> float:
        return self.median(
            lambda seconds, phases: seconds - sum(phase.seconds for each in phases.values() for phase in each)
        )


def rows(alone: Timeline, together: Timeline) -> list[dict[str, Any]]:
    """Milliseconds of every phase: on one thread and on N, and what was lost of the N-th part and to what."""
    N, made = together.pool.count, []
    for name in together.updates[0][1]:
        one, many, mean = alone.seconds(name), together.seconds(name), together.work(name) / N
        longest = together.longest(name)
        lost = {"work": mean - one / N, "uneven": longest - mean, "dispatch": many - longest}
        made.append({"phase": name, "one": one, "many": many, **lost})
    made.append({"phase": BETWEEN, "one": alone.between, "many": together.between})
    made.append({"phase": "whole update", "one": alone.whole, "many": together.whole})
    return [{key: value if key == "phase" else value * 1e3 for key, value in row.items()} for row in made]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cell", default="lstm")
    for name, default in (("hidden", 256), ("layers", 2), ("batch", 50), ("bptt", 50), ("threads", 2)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--json", action="store_true", help="a list of objects instead of a table")
    arguments = parser.parse_args()
    model = Model(arguments.cell, arguments.hidden, arguments.layers, precision=arguments.precision)
    both = [Timeline(model, arguments.batch, arguments.bptt, threads) for threads in (1, arguments.threads)]
    for timeline in both:
        timeline.update()  # compiles
        timeline.updates.clear()
    for _ in range(arguments.rounds):
        for timeline in both:
            for _ in range(UPDATES):
                timeline.update()
    made = rows(*both)
    if arguments.json:
        print(json.dumps(made, indent=1))
        return
    columns = ("one", "many", "work", "uneven", "dispatch")
    heads = ("1 thread", f"{arguments.threads} threads", "lost in work", "uneven", "dispatch")
    table = Table("phase", *heads, "speed-up", box=None, title="milliseconds")
    for row in made:
        figures = (f"{row[column]:.3f}" if column in row else "" for column in columns)
        table.add_row(row["phase"], *figures, f"{row['one'] / row['many']:.2f}")
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
