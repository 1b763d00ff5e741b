"""Defaults beside baselines and beside configs made by hand, on many sets: train what a file alone would get.

    python tests/bench/defaults.py [--only NAME ...] [--json] [--data DIR] [--alone | --known FILE]
    python tests/bench/defaults.py --list

A config made by hand is chosen by its figure on the validation split of the training file, and then scored on the test
split, which neither it nor the default ever saw. Scores are those of what `predict` answers with. Files of DIR
(default: $RNNCLI_DATA) are public data sets that the project does not ship. Errors are 1 less a share that is better
when higher.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from default_sets import SETS, AbsentError, Made, Set

ROOT = Path(__file__).resolve().parents[2]
NEAR = 1.03
LONGEST = 300.0


def trained(task: str, made: Made, overrides: Sequence[str], folder: Path, *, tested: bool) -> dict[str, Any]:
    """The score of one run: on the test split, or on validation, of a training that cannot see the test split."""
    data = {"path": str(made.train), **made.data}
    if tested:
        data |= {
            "path": str(made.whole or made.train),
            "test": made.test if isinstance(made.test, int) else str(made.test),
        }
    config, run = folder / "config.yaml", folder / "run"
    config.write_text(json.dumps({"task": task, "data": data}))
    sets = [part for override in overrides for part in ("--set", override)]
    with tempfile.TemporaryDirectory(dir=folder) as fresh:
        run = Path(fresh) / "run"
        command = [sys.executable, "-m", "rnncli", "train", str(config), "-o", str(run), "-q", "-f", "json", *sets]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
        if done.returncode:
            raise RuntimeError(done.stderr.strip().splitlines()[-1])
    score: dict[str, Any] = json.loads(done.stdout)["score"]
    return score


def error(score: dict[str, Any], figure: float) -> float:
    """A figure as an error, which is better when lower."""
    return 1 - figure if score.get("higher_is_better") else figure


def answered(score: dict[str, Any]) -> float:
    """The error of what `predict` answers with: the network, or the baseline that was no worse on validation."""
    used = score.get("used", "network")
    return error(score, score["network"] if used == "network" else score["floors"][used])


def measured(one: Set, public: Path, by_hand: dict[str, Any] | None) -> dict[str, Any]:
    """What the default, the best baseline and the best config by hand reach; AbsentError where files are missing.

    by_hand: what is known of configs by hand; None to train them.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = one.make(folder, public)
        began = time.perf_counter()
        score = trained(one.task, made, (), folder, tested=True)
        found = {
            "unit": score["unit"],
            "default": answered(score),
            "baseline": min(error(score, figure) for figure in score["floors"].values()),
            "seconds": round(time.perf_counter() - began, 1),
        }
        return found | (best_by_hand(one, made, folder) if by_hand is None else by_hand)


def best_by_hand(one: Set, made: Made, folder: Path) -> dict[str, Any]:
    """The test figure of the config that validation chooses."""
    tried = {}
    for overrides in one.by_hand:
        judged = trained(one.task, made, overrides, folder, tested=False)
        tried[overrides] = error(judged, judged["network"])
    best = min(tried, key=lambda overrides: tried[overrides])
    score = trained(one.task, made, best, folder, tested=True)
    return {"by hand": answered(score), "config": list(best)}


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The shares that the project promises, of the sets that were measured."""
    compared = [row for row in rows if "by hand" in row]
    return {
        "sets": len(rows),
        "near the best by hand": share([row["default"] <= NEAR * row["by hand"] for row in compared]),
        "better than the best baseline": share(
            [row["default"] < row["baseline"] or row["default"] == 0 for row in rows]
        ),
        "longest seconds": max((row["seconds"] for row in rows), default=0.0),
    }


def known_by_hand(printed: Path) -> dict[str, dict[str, Any]]:
    """By set, the keys of best_by_hand in the lines of an earlier run, which lasts hours for them alone."""
    rows = map(json.loads, printed.read_text(encoding="utf-8").splitlines())
    return {row["set"]: {key: row[key] for key in ("by hand", "config")} for row in rows if "by hand" in row}


def share(hits: Sequence[bool]) -> float | None:
    return round(sum(hits) / len(hits), 3) if hits else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=SETS, metavar="NAME", help="a set; may be repeated")
    parser.add_argument("--alone", action="store_true", help="the defaults and baselines, without configs by hand")
    parser.add_argument("--known", type=Path, metavar="FILE", help="what --json printed: its configs by hand stand")
    parser.add_argument("--json", action="store_true", help="one JSON object for each set and for the summary")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("RNNCLI_DATA", ".")))
    parser.add_argument("--list", action="store_true", help="print the names")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(SETS))
        return
    known = known_by_hand(arguments.known) if arguments.known else {}
    rows = []
    if not arguments.json:
        print(f"{'set':20} {'unit':28} {'default':>9} {'by hand':>9} {'baseline':>9} {'seconds':>8}")
    for name in arguments.only or SETS:
        try:
            row = {
                "set": name,
                **measured(SETS[name], arguments.data.resolve(), {} if arguments.alone else known.get(name)),
            }
        except AbsentError as why:
            print(json.dumps({"set": name, "left out": str(why)}) if arguments.json else f"{name:20} left out: {why}")
            continue
        rows.append(row)
        hand = f"{row['by hand']:9.4f}" if "by hand" in row else f"{'':9}"
        line = (
            f"{name:20} {row['unit'][:28]:28} {row['default']:9.4f} {hand} {row['baseline']:9.4f} {row['seconds']:8.1f}"
        )
        print(json.dumps(row) if arguments.json else line, flush=True)
    total = summary(rows)
    print(json.dumps(total) if arguments.json else ", ".join(f"{name} {value}" for name, value in total.items()))


if __name__ == "__main__":
    main()
