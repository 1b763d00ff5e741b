"""Training throughput of this source beside that of another commit, in turn.

    git worktree add ../before COMMIT; python tests/bench/against.py ../before [--cells lstm,gru,rnn] [--json]

One process for each source and row, both alive; they alternate, and medians are compared. The ratio is the time of an
update there over that here: below 1, this source is slower. The model and the data are those of `throughput.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
B, T, LAYERS = 32, 50, 2


def work(cell: str, hidden: int, threads: int, seconds: float) -> None:
    """In a process of its own: for each line read, the mean time of an update."""
    from contestants import Model, rnncli_update

    update = rnncli_update(Model(cell, hidden, LAYERS), B, T, threads)
    for _ in range(3):
        update()
    for _ in sys.stdin:
        count, began = 0, time.perf_counter()
        while count < 2 or time.perf_counter() - began < seconds:
            update()
            count += 1
        print((time.perf_counter() - began) / count, flush=True)


class Worker:
    """One source, at work on one row."""

    def __init__(self, source: Path, *row: Any):
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(source), str(source / "tests/bench")])}
        command = [sys.executable, __file__, "--work", *map(str, row)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment)

    def seconds(self) -> float:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(file=self.process.stdin, flush=True)
        return float(self.process.stdout.readline())

    def end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def compared(other: Path, rounds: int, *row: Any) -> dict[str, float]:
    workers = [Worker(source, *row) for source in (other, HERE.parents[1])]
    times = []
    for round in range(rounds + 1):
        order = (0, 1) if round % 2 else (1, 0)  # whoever comes second finds another machine
        taken = {i: workers[i].seconds() for i in order}
        times += [[taken[0], taken[1]]] if round else []
    for worker in workers:
        worker.end()
    there, here = (statistics.median(column) for column in zip(*times, strict=True))
    ratios = [before / after for before, after in times]
    return {"there": there, "here": here, "ratio": statistics.median(ratios)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path, help="a folder with the other source")
    parser.add_argument("--cells", type=lambda text: text.split(","), default=["lstm", "gru", "rnn"])
    parser.add_argument("--hidden", type=lambda text: [int(size) for size in text.split(",")], default=[128, 512])
    parser.add_argument("--threads", type=lambda text: [int(size) for size in text.split(",")], default=[1, 2])
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rows = [(c, h, n) for c in arguments.cells for h in arguments.hidden for n in arguments.threads]
    for cell, hidden, threads in rows:
        found = compared(arguments.other.resolve(), arguments.rounds, cell, hidden, threads, arguments.seconds)
        if arguments.json:
            print(json.dumps({"cell": cell, "hidden": hidden, "threads": threads} | found), flush=True)
        else:
            there, here = 1000 * found["there"], 1000 * found["here"]
            print(f"{cell:8} {hidden:4} {threads} {there:8.2f} {here:8.2f} ms  {found['ratio']:.3f}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        work(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5]))
    else:
        main()
