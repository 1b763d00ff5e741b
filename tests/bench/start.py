"""The start of light commands: the median of ten runs of each, in milliseconds, which should be at most 150.

    python tests/bench/start.py

Then the first token of a text, with what `import torch` takes where that is installed, in turn: at most half a second,
or 0.35 of that.
"""

import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COMMANDS = ("--help", "help training.bptt", "completion bash", "runs", "check no-data.yaml")
FIRST_TOKEN = "generate text -n 1"
TIMES, LIMIT, RUNS = 10, 0.15, 100
HALF_A_SECOND, OF_TORCH = 0.5, 0.35
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
    return seconds_of(["-m", "rnncli", *command.split()], folder)


def seconds_of(arguments: list[str], folder: Path) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - began


def first_token(folder: Path) -> bool:
    """Print how long the first token of a 2 × 256 lstm takes; return True if that is too long."""
    (folder / "text.txt").write_text("a hen saw a fox. " * 40, encoding="utf-8")
    size = ("--set", "model.hidden_size=256", "--set", "model.num_layers=2", "--set", "training.epochs=1")
    seconds_of(["-m", "rnncli", "train", "text.txt", "-o", "text", "-q", *size], folder)
    jobs = {FIRST_TOKEN: ["-m", "rnncli", *FIRST_TOKEN.split()]}
    if importlib.util.find_spec("torch"):
        jobs["import torch"] = ["-c", "import torch"]
    for job in jobs.values():
        seconds_of(job, folder)  # compiles, and reads the disk
    rounds = [{name: seconds_of(job, folder) for name, job in jobs.items()} for _ in range(TIMES)]
    took = {name: statistics.median(one[name] for one in rounds) for name in jobs}
    for name, one in took.items():
        print(f"{name:<20} {1000 * one:4.0f} ms")
    return took[FIRST_TOKEN] > max(HALF_A_SECOND, OF_TORCH * took.get("import torch", 0))


def main() -> int:
    slow = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_runs(folder)
        slow += first_token(folder)
        (folder / "no-data.yaml").write_text(CONFIG, encoding="utf-8")
        for command in COMMANDS:
            took = statistics.median(seconds(command, folder) for _ in range(TIMES))
            slow += took > LIMIT
            print(f"{command:<20} {1000 * took:4.0f} ms{'' if took <= LIMIT else '  too slow'}")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
