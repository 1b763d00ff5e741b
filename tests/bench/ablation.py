"""What each part of a language model's training is worth: one change at a time, by the loss on validation.

    python tests/bench/ablation.py TEXT [--epochs 20] [--seeds 3] [--jobs 2] [--only NAME ...]

Each run is `rnncli train TEXT` with so many epochs, on one thread; all have the same updates. What is printed is the
mean over the seeds, its difference from what is chosen, and the standard deviation.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import mean, stdev

ROOT = Path(__file__).resolve().parents[2]
CHOSEN = "as chosen"
CHANGES: dict[str, list[str]] = {
    CHOSEN: [],
    "no skip connections": ["model.skip_connections=false"],
    "input gate not capped": ["model.cap_input_gate=false"],
    "no averaging of weights": ["training.weight_averaging=0"],
    "no dropout before the head": ["model.output_dropout=0"],
    "two layers of 128": ["model.num_layers=2", "model.hidden_size=128"],
    "gru": ["model.cell=gru"],
    "learning rate halved": ["training.learning_rate=0.004"],
    "beta1 0.5": ["training.beta1=0.5"],
    "beta2 0.9999": ["training.beta2=0.9999"],
    "weight decay 0.05": ["training.weight_decay=0.05"],
    "masks held over a window": ["model.variational_dropout=true"],
    "state dropout 0.1": ["model.state_dropout=0.1"],
    "weight drop 0.1": ["model.weight_drop=0.1"],
    "embedding dropout 0.03": ["model.embedding_dropout=0.03"],
}


def loss(text: str, epochs: int, seed: int, change: Sequence[str]) -> float:
    keys = [f"training.epochs={epochs}", f"training.seed={seed}", "training.threads=1", *change]
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        command = [sys.executable, "-m", "rnncli", "train", text, "-o", str(run), "-q"]
        command += [part for key in keys for part in ("--set", key)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
        if done.returncode:
            raise SystemExit(done.stderr.strip())
        lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return min(float(json.loads(line)["valid_loss"]) for line in lines)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("text")
    arguments.add_argument("--epochs", type=int, default=20)
    arguments.add_argument("--seeds", type=int, default=3)
    arguments.add_argument("--jobs", type=int, default=2)
    arguments.add_argument("--only", nargs="*", choices=CHANGES, default=list(CHANGES))
    given = arguments.parse_args()
    text, base = str(Path(given.text).resolve()), None
    with ThreadPoolExecutor(given.jobs) as pool:
        jobs = {
            name: [pool.submit(loss, text, given.epochs, seed, CHANGES[name]) for seed in range(1, given.seeds + 1)]
            for name in dict.fromkeys([CHOSEN, *given.only])
        }
        for name, found in jobs.items():
            losses = [one.result() for one in found]
            base = mean(losses) if base is None else base
            spread = stdev(losses) if len(losses) > 1 else 0.0
            print(f"{name:<28} {mean(losses):.4f} {mean(losses) - base:+.4f} ± {spread:.4f}", flush=True)


if __name__ == "__main__":
    main()
