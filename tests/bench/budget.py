"""What a time is worth: language models of many sizes, each trained for given times; the losses on validation.

    python tests/bench/budget.py TEXT [--max-time 1m,5m,10m] [--sizes 2x256,2x384,2x512] [--cells lstm]
                                      [--dropout 0.1,0.3,0.5] [--seeds 1] [--set KEY=VALUE ...]

It is for choosing the rows of rnncli/tasks/language_model/budget.py. Every run is `rnncli train TEXT --max-time TIME`
with these keys set. A line is printed when it ends, and a table of the means over the seeds at the end, the best first,
beside what the rule chooses (`rule`). Runs whose lines are in the file `--known` are not trained again.
"""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from rnncli.config.values import parse_duration
from rnncli.tasks.language_model.budget import row_for

ROOT = Path(__file__).resolve().parents[2]
RULE = "rule"
HEAD = f"{'time':>6} {'network':<22} {'loss':>8} {'±':>7} {'epochs':>7} {'updates':>9} {'seconds':>8} {'at best':>8}"


def networks(sizes: Sequence[str], cells: Sequence[str], dropouts: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield the networks of the grid, each with its keys, and what the rule chooses."""
    yield RULE, []
    for cell, size, dropout in itertools.product(cells, sizes, dropouts):
        layers, hidden = size.split("x")
        keys = {"cell": cell, "num_layers": layers, "hidden_size": hidden, "dropout": dropout}
        yield f"{size} {cell} dropout {dropout}", [f"model.{key}={value}" for key, value in keys.items()]


def trained(text: str, time: str, keys: Sequence[str], seed: int) -> dict[str, Any]:
    """Train one network, and return what its metrics say: the best loss, and how long it took."""
    sets = [part for key in (*keys, f"training.seed={seed}") for part in ("--set", key)]
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        command = [sys.executable, "-m", "rnncli", "train", text, "-o", str(run), "-q", "--max-time", time, *sets]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
        if done.returncode:
            raise SystemExit(done.stderr.strip())
        lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    best, last = min(lines, key=lambda line: line["valid_loss"]), lines[-1]
    return {
        "loss": best["valid_loss"],
        "epochs": last["epoch"],
        "updates": last["step"],
        "seconds": last["seconds"],
        "at_best": best["step"] / last["step"],
    }


def table(found: dict[tuple[str, str], list[dict[str, Any]]]) -> Iterator[str]:
    """Yield the lines of the table: of each time the best first."""
    yield HEAD
    for (time, name), runs in sorted(found.items(), key=lambda one: (parse_duration(one[0][0]), loss(one[1]))):
        spread = stdev(one["loss"] for one in runs) if len(runs) > 1 else 0.0
        means = {key: mean(one[key] for one in runs) for key in ("epochs", "updates", "seconds", "at_best")}
        yield (
            f"{time:>6} {name:<22} {loss(runs):8.4f} {spread:7.4f} {means['epochs']:7.1f} {means['updates']:9,.0f} "
            f"{means['seconds']:8.1f} {means['at_best']:8.0%}"
        )


def loss(runs: Sequence[dict[str, Any]]) -> float:
    return mean(one["loss"] for one in runs)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("text")
    arguments.add_argument("--max-time", default="1m,5m,10m")
    arguments.add_argument("--sizes", default="2x256,2x384,2x512")
    arguments.add_argument("--cells", default="lstm")
    arguments.add_argument("--dropout", default="0.1,0.3,0.5")
    arguments.add_argument("--seeds", type=int, default=1)
    arguments.add_argument("--set", dest="sets", action="append", default=[], metavar="KEY=VALUE")
    arguments.add_argument("--known", type=Path, help="a file of lines that earlier runs printed")
    given = arguments.parse_args()
    text = str(Path(given.text).resolve())
    times = given.max_time.split(",")
    grid = list(networks(given.sizes.split(","), given.cells.split(","), given.dropout.split(",")))
    known = given.known.read_text().splitlines() if given.known and given.known.exists() else []
    kept = {tuple(line["run"]): line for line in map(json.loads, (line for line in known if line.startswith("{")))}
    for time in times:
        row = row_for(Path(text).stat().st_size, parse_duration(time))
        print(f"{time}: the rule is {row.num_layers}x{row.hidden_size} {row.cell} dropout {row.dropout}", flush=True)
    found: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for time, (name, keys), seed in itertools.product(times, grid, range(1, given.seeds + 1)):
        run = (time, name, seed, *given.sets)
        line = kept.get(run) or {"run": run, **trained(text, time, [*keys, *given.sets], seed)}
        print(json.dumps(line), flush=True)
        found[time, name].append(line)
    print("\n".join(table(found)))


if __name__ == "__main__":
    main()
