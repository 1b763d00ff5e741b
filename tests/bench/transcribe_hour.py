"""An hour of sound transcribed greedily on one core, features included: seconds of computing, and memory at most.

python tests/bench/transcribe_hour.py [--minutes 60] [--json]

Each is `rnncli predict` in a process of its own that is held to one core, of noise and pauses that are made here (16
bits, 8 kHz), with a network that was trained for two updates, which takes as long as a good one. seconds: of computing
for an hour of sound, start and reading included, whatever else the machine does. MB: of the process at most. as: in
files of ten seconds, in one file, or on a pipe (--follow); `start` is one second of sound.

spoken   the network of sample_configs/spoken.yaml: a GRU of 64, both ways, 20 bands, 20 ms a step
deep     2 LSTM of 128, both ways, 40 bands, 30 ms a step, as for connected digits
live     as spoken, one way, which may follow a pipe
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import wave
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

RATE = 8000
RNNCLI = [sys.executable, "-m", "rnncli"]
ONE_CORE = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
CONFIG = """\
task: transcribe
data: {{path: train.csv, validation: 0, features: {features}}}
model: {model}
training: {{updates: 2, batch_size: 4}}
"""
NETWORKS = {
    "spoken": ("{bands: 20, stack: 2}", "{cell: gru, hidden_size: 64, num_layers: 1}"),
    "deep": ("{bands: 40, stack: 3}", "{cell: lstm, hidden_size: 128, num_layers: 2}"),
    "live": (
        "{bands: 20, stack: 2, normalise: training}",
        "{cell: gru, hidden_size: 64, num_layers: 1, bidirectional: false}",
    ),
}


def write(path: Path, seconds: int, seed: int) -> None:
    """Write noise that pauses now and then."""
    random = np.random.default_rng(seed)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        for _ in range(seconds):
            loud = np.repeat(random.integers(0, 2, 10), RATE // 10) * 3000 + 30
            file.writeframes((loud * random.normal(size=RATE)).astype("<i2").tobytes())


def measured(command: list[str], folder: Path, stdin: Path | None = None) -> tuple[float, float]:
    """Return seconds of the CPU and peak megabytes of a process on one core."""
    core = min(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    with open(stdin or os.devnull, "rb") as given:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=os.environ | ONE_CORE,
            stdin=given,
            stdout=subprocess.DEVNULL,
            preexec_fn=None if core is None else lambda: os.sched_setaffinity(0, {core}),
        )
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{command} ended with {status}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e6 / 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=60, help="of sound; seconds are told for an hour of it")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "cut").mkdir()
        write(folder / "second.wav", 1, 0)
        write(folder / "whole.wav", 60 * asked.minutes, 1)
        for k in range(6 * asked.minutes):
            write(folder / f"cut/{k:05}.wav", 10, k)
        (folder / "train.csv").write_text("path,text\n" + "cut/00000.wav,ab\ncut/00001.wav,ba\n" * 4)
        for network, (features, model) in NETWORKS.items():
            (folder / "c.yaml").write_text(CONFIG.format(features=features, model=model))
            subprocess.run([*RNNCLI, "train", "c.yaml", "-q", "-o", network], cwd=folder, check=True)
            predict = [*RNNCLI, "predict", network]
            measured([*predict, "second.wav"], folder)  # compiles
            ways = {"start": measured([*predict, "second.wav"], folder)}
            ways["files"] = measured([*predict, "cut"], folder)
            ways["one file"] = measured([*predict, "whole.wav"], folder)
            if network == "live":
                ways["a pipe"] = measured([*predict, "-", "--follow"], folder, folder / "whole.wav")
            start = ways["start"][0]
            for way, (seconds, peak) in ways.items():
                hour = seconds if way == "start" else start + (seconds - start) * 60 / asked.minutes
                rows.append({"network": network, "as": way, "seconds": round(hour, 1), "MB": round(peak)})
    if asked.json:
        print(json.dumps(rows))
        return
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*map(str, row.values()))
    Console().print(table)


if __name__ == "__main__":
    main()
