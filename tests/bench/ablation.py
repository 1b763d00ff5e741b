"""What each part of a language model's training is worth: one change at a time, by the loss on validation.

    python tests/bench/ablation.py TEXT [--epochs 20] [--seeds 3] [--jobs 2] [--only NAME ...]

Each run is `rnncli train TEXT` with so many epochs, on one thread; all have the same updates. What is printed is the
mean over the seeds, its difference from what is chosen, and the standard deviation.

What the choice came from: the first 300 kB of tiny Shakespeare, 20 epochs, batches of 16 × 64, one seed, nats per
character. From two layers of 128, a learning rate of 0.004 and dropout 0.5 between the layers:

    without skip connections   1.4669        with them                   1.4285
    input gate capped          1.4156        learning rate 0.008         1.4079
    beta1 0.5                  1.4206        beta2 0.99                  1.4275
    weight decay 0.05          1.4288        dropout 0.3, head 0.3       1.4202
    dropout 0.5, head 0.5      1.4454

From dropout 0.3 between the layers and before the head:

    masks held                 1.4222        state dropout 0.2           1.4304
    weight drop 0.3            1.4455        beta1 0.5                   1.4113
    beta1 0                    1.4112        beta1 0, beta2 0.9999       1.4119
    beta1 0.5 and gru          1.4351        and embedding dropout 0.03  1.4133
    and one layer of 192       1.4655        and three layers of 104     1.4001

From three layers of 104 with a capped input gate, an average of 0.999 and a learning rate of 0.006:

    as it is                   1.3747        beta1 0.5                   1.3771
    no average                 1.3795        input gate not capped       1.3909
    learning rate 0.01         1.3652        beta1 0.5, 2 layers of 128  1.3888
    beta1 0.5, 4 layers of 88  1.3723

From four layers of 160 with skip connections, a capped input gate, an average of 0.999, a learning rate of 0.006, head
0.5 and batches of 16 × 64, 40 epochs in bfloat16, at their best (after so many epochs, where it was not at the end):

    dropout 0.5                1.3436 (18)   state dropout 0.25         1.3222
    state dropout 0.35         1.3331        0.3, dropout 0.4           1.3059
    rmslstm, dropout 0.5, 33   1.3437 (17)   0.35, 0.25, head 0.4, 21   1.3259, and 1.3299 the one before then

What was tried in copies of the program and is not in the code: the mean and the standard deviation of three seeds, but
one where no deviation stands. From two layers of 96 with skip connections, a capped input gate, an average of 0.999 and
batches of 16 × 64:

    the first 60 kB, the next 30 kB held out, 16 epochs (944 updates), dropout 0.3, learning rate 0.006
    as it is                   1.6183 ± 0.0031
    AR 2 and TAR 1             1.6168 ± 0.0035
    gates normalised, biases   1.6077 (the lstm of that seed 1.6173)
    the first 300 kB, 3 epochs (792 updates), dropout 0.1, learning rate 0.01
    as it is                   1.5263 ± 0.0011
    as it is, 966 updates      1.4914 ± 0.0022
    gates normalised           1.4745 ± 0.0076

AR and TAR are penalties on the squares of what the head reads of the topmost layer, and on those of the changes of its
outputs from step to step (Merity, McCann and Socher, 2017): no gain beyond the spread. A gate is normalised by the root
mean square of its units (Zhang and Sennrich, 2019), with a gain for each unit; with biases, each has one of its own
after that too. Without them a gradient took 1.22 times the CPU time, on a busy machine, which 966 updates make up for.
They gain 0.017 in that time, early in training, and nothing where a small text is read until the network over-fits
(the row of 33 epochs, which took as long as 40 of the lstm); large texts are to be measured.
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
    "rmslstm": ["model.cell=rmslstm"],
    "learning rate halved": ["training.learning_rate=0.005"],
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
