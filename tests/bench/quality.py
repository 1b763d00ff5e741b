"""Quality figures, one name each: trains and scores through the public commands and prints one JSON line.

    python tests/bench/quality.py NAME [--data DIR]
    python tests/bench/quality.py --list

Files of DIR (default: $RNNCLI_DATA) are public data sets that the project does not ship.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def rnncli(*arguments: str | Path) -> str:
    """Standard output of one command, run as a user would."""
    command = [sys.executable, "-m", "rnncli", *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout


def train(run: Path, *arguments: str | Path) -> dict[str, Any]:
    """The score object that `train -f json` ends with."""
    score: dict[str, Any] = json.loads(rnncli("train", *arguments, "-o", run, "-q", "-f", "json"))["score"]
    return score


def tinyshakespeare_5min(data: Path, run: Path) -> dict[str, Any]:
    text_file = data / "tinyshakespeare.txt"
    score = train(run, text_file)
    text = text_file.read_text(encoding="utf-8")
    known = set(words(text[: int(len(text) * 0.9)]))
    made = words(rnncli("generate", run, "-n", "20000", "--temperature", "0.7"))
    share = sum(word in known for word in made) / len(made)
    target = 1.60
    return {
        "score": score["network"], "better": "lower", "floor": score["floors"]["interpolated 5-gram"],
        "target": target, "passed": score["network"] < target and share >= 0.85, "words_known": round(share, 4),
        "protocol": "rnncli train tinyshakespeare.txt, no config (ends by itself within 5 minutes); nats per character "
        "on the contiguous last 10%; words_known: share of 20,000 generated characters' words (temperature 0.7) that "
        "occur in the training part, at least 0.85",
    }  # fmt: skip


def words(text: str) -> list[str]:
    return re.findall(r"[A-Za-z']+", text)


def sample_forecast(name: str) -> Callable[[Path, Path], dict[str, Any]]:
    def score(data: Path, run: Path) -> dict[str, Any]:
        result = train(run, ROOT / "sample_configs" / f"{name}.yaml")
        floor = min(result["floors"].values())
        return {
            "score": result["network"], "better": "lower", "floor": floor, "target": floor,
            "passed": result["network"] < floor, "floors": result["floors"],
            "protocol": f"sample_configs/{name}.yaml; {result['unit']} on the last 20%, {result['detail']}; "
            "the floor is the better of last value and seasonal naive",
        }  # fmt: skip

    return score


def archive(problem: str, target: float, model: dict[str, Any], training: dict[str, Any]) -> Callable[..., Any]:
    """Accuracy on the default split of a UCR/UEA problem: the mean of five seeds, trained on the whole of TRAIN."""

    def score(data: Path, run: Path) -> dict[str, Any]:
        config = run.with_suffix(".yaml")
        files = {"path": str(data / f"{problem}_TRAIN.ts"), "test": str(data / f"{problem}_TEST.ts"), "validation": 0}
        config.write_text(json.dumps({"task": "classify", "data": files, "model": model, "training": training}))
        scores = [train(run.with_name(f"{run.name}{s}"), config, "--set", f"training.seed={s}") for s in range(1, 6)]
        accuracies = [result["network"] for result in scores]
        mean = sum(accuracies) / len(accuracies)
        return {
            "score": round(mean, 4), "better": "higher", "floor": max(scores[0]["floors"].values()), "target": target,
            "passed": mean >= target, "seeds": [round(accuracy, 4) for accuracy in accuracies],
            "protocol": f"{problem}, default split, accuracy, mean of five seeds; model {model}, training {training}, "
            "chosen by repeated splits of the training part; the floor is the better of majority and nearest neighbour",
        }  # fmt: skip

    return score


FIGURES: dict[str, Callable[[Path, Path], dict[str, Any]]] = {
    "tinyshakespeare-5min": tinyshakespeare_5min,
    "sunspots": sample_forecast("sunspots"),
    "co2": sample_forecast("co2"),
    "italy-power": archive(
        "ItalyPowerDemand",
        0.967,
        {"cell": "rnn", "hidden_size": 128, "num_layers": 2, "bidirectional": True, "dropout": 0.5},
        {"epochs": 100, "batch_size": 8, "learning_rate": 1e-3},
    ),
    "japanese-vowels": archive(
        "JapaneseVowels",
        0.975,
        {
            "cell": "gru",
            "hidden_size": 64,
            "num_layers": 2,
            "bidirectional": True,
            "pooling": "mean",
            "dropout": 0.5,
        },
        {"epochs": 60, "batch_size": 16, "learning_rate": 3e-3},
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?", choices=FIGURES)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("RNNCLI_DATA", ".")))
    parser.add_argument("--list", action="store_true", help="print the names")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(FIGURES))
        return
    if arguments.name is None:
        parser.error("name a figure, or --list")
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        figure = FIGURES[arguments.name](arguments.data.resolve(), Path(folder) / "run")
    seconds = round(time.perf_counter() - began, 1)
    print(json.dumps({"name": arguments.name, "network_alone": True, "seconds": seconds} | figure))


if __name__ == "__main__":
    main()
