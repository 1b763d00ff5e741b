"""A made table of many short series, forecast by the default config: MASE beside the baselines.

    python tests/bench/short_series.py [SEED ...]

Each series has 8 to 40 monthly rows: a trend, a level, a season of 4 or 12, or counts. The last 4 rows of each
are held out, and forecast once.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

HORIZON = 4
KINDS = ("trend", "level", "season of 4", "season of 12", "counts")


def series(kind: str, count: int, random: np.random.Generator) -> np.ndarray:
    """One series (count,) of a kind, in a unit of its own."""
    t, noise = np.arange(count), random.normal(0, 1, count)
    if kind == "counts":
        return random.poisson(random.uniform(1, 20), count).astype(float)
    unit = 10 ** random.uniform(0, 4)
    if kind == "trend":
        shape = random.normal(0, 1) * t + random.uniform(0.5, 2) * noise
    elif kind == "level":
        shape = np.zeros(count)
        for i in range(1, count):
            shape[i] = random.uniform(0.3, 0.9) * shape[i - 1] + noise[i]
    else:
        season = int(kind.rpartition(" ")[2])
        shape = random.normal(0, 3, season)[t % season] + noise
    return unit * (random.uniform(10, 40) + shape)


def table(seed: int, count: int = 200) -> str:
    """A CSV of this many series, the kinds in turn."""
    random, rows = np.random.default_rng(seed), ["id,month,y"]
    for number in range(count):
        length, first = int(random.integers(8, 41)), int(random.integers(0, 60))
        for i, value in enumerate(series(KINDS[number % len(KINDS)], length, random)):
            year, month = divmod(first + i, 12)
            rows.append(f"s{number:03},{2015 + year}-{month + 1:02},{value:.6g}")
    return "\n".join([*rows, ""])


def scores(seed: int, *overrides: str) -> dict[str, float]:
    """MASE by forecaster after training the default config on such a table."""
    with tempfile.TemporaryDirectory() as folder:
        data, run = Path(folder, "short.csv"), Path(folder, "run")
        data.write_text(table(seed), encoding="ascii")
        settings = ["data.id=id", "data.target=y", f"data.horizon={HORIZON}", f"data.test={HORIZON}", *overrides]
        command = [sys.executable, "-m", "rnncli"]
        sets = [part for one in settings for part in ("--set", one)]
        subprocess.run([*command, "train", str(data), "-o", str(run), "-q", *sets], check=True)
        made = subprocess.run(
            [*command, "evaluate", str(run), "-f", "json"], check=True, capture_output=True, text=True
        )
        report = json.loads(made.stdout)["backtest"]
    return {"series": report["series"], **{one["name"]: one["mase"] for one in report["forecasters"]}}


def main() -> None:
    for seed in map(int, sys.argv[1:] or ["1", "2", "3"]):
        print(f"seed {seed}: " + ", ".join(f"{name} {value:.4g}" for name, value in scores(seed).items()), flush=True)


if __name__ == "__main__":
    main()
