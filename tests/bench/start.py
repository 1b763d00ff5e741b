"""The start of light commands: the median of ten runs of each, in milliseconds, which should be at most 150.

python tests/bench/start.py
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COMMANDS = ("--help", "help training.bptt", "completion bash", "runs", "check no-data.yaml")
TIMES, LIMIT, RUNS = 10, 0.15, 100
CONFIG = "task: language-model\n"
REPORT = {
    "format": 1,
    "task": "language-model",
    "score": {
        "network": 1.5,
        "unit": "nats per token",
        "split": "validation",
        "floors": {"5-gram": 1.6},
        "verdicts": {},
    },
    "kept": "best",
    "best_step": 10,
    "best_loss": 1.5,
    "steps": 10,
    "seconds": 2.0,
    "seed": 1,
    "threads": 2,
    "cpu": "",
    "versions": {"rnncli": "0.1.0"},
    "data": {"path": "notes.txt", "bytes": 100, "sha256": "0"},
    "model_sha256": "0",
    "ended": "2026-01-01T00:00:00+00:00",
}


HEADER = b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
MODEL = len(HEADER).to_bytes(8, "little") + HEADER + bytes(4)


def make_runs(folder: Path) -> None:
    """Write what `runs` reads of RUNS runs that differ in their size and score."""
    for i in range(RUNS):
        run = folder / f"runs/run{i:03}"
        run.mkdir(parents=True)
        config = {"task": "language-model", "model": {"hidden_size": 8 + i}, "data": {}, "training": {}}
        score = REPORT["score"] | {"network": 1.5 + i / 100}
        (run / "config.yaml").write_text(json.dumps(config), encoding="utf-8")
        (run / "model.safetensors").write_bytes(MODEL)
        (run / "metrics.jsonl").touch()
        (run / "report.json").write_text(json.dumps(REPORT | {"config": config, "score": score}), encoding="utf-8")


def seconds(command: str, folder: Path) -> float:
    """Return how long a command takes from start to end."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "rnncli", *command.split()], cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - began


def main() -> int:
    slow = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_runs(folder)
        (folder / "no-data.yaml").write_text(CONFIG, encoding="utf-8")
        for command in COMMANDS:
            took = statistics.median(seconds(command, folder) for _ in range(TIMES))
            slow += took > LIMIT
            print(f"{command:<20} {1000 * took:4.0f} ms{'' if took <= LIMIT else '  too slow'}")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
