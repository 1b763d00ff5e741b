"""Quality figures, one name each: trains and scores through the public commands and prints one JSON line.

    python tests/bench/quality.py NAME [--data DIR] [--set KEY=VALUE ...]
    python tests/bench/quality.py --list

--set is for every training of that figure, as in --set training.precision=bfloat16 --set training.seed=2. Files of DIR
(default: $RNNCLI_DATA) are public data sets that the project does not ship.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from command import ROOT, SETS, rnncli
from forecast_quality import FORECASTS
from language_quality import LANGUAGE
from speech_quality import SPEECH
from text_quality import TEXTS


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
        "score": score["network"],
        "better": "lower",
        "floor": min(score["floors"].values()),
        "target": target,
        "passed": score["network"] < target and share >= 0.85,
        "words_known": round(share, 4),
        "protocol": "rnncli train tinyshakespeare.txt, no config (ends by itself within 5 minutes); nats per character "
        "on the contiguous last 10%; words_known: share of 20,000 generated characters' words (temperature 0.7) that "
        "occur in the training part, at least 0.85",
    }


def words(text: str) -> list[str]:
    return re.findall(r"[A-Za-z']+", text)


def sample_forecast(name: str) -> Callable[[Path, Path], dict[str, Any]]:
    def score(data: Path, run: Path) -> dict[str, Any]:
        result = train(run, ROOT / "sample_configs" / f"{name}.yaml")
        floor = min(result["floors"].values())
        return {
            "score": result["network"],
            "better": "lower",
            "floor": floor,
            "target": floor,
            "passed": result["network"] < floor,
            "floors": result["floors"],
            "protocol": f"sample_configs/{name}.yaml; {result['unit']} on the last 20%, {result['detail']}; "
            "the floor is the better of last value and seasonal naive",
        }

    return score


def archive(problem: str, target: float, model: dict[str, Any], training: dict[str, Any]) -> Callable[..., Any]:
    """Accuracy on the default split of a UCR/UEA problem: the mean of five seeds, trained on the whole of TRAIN."""

    def score(data: Path, run: Path) -> dict[str, Any]:
        config = run.with_suffix(".yaml")
        files = {"path": str(data / f"{problem}_TRAIN.ts"), "test": str(data / f"{problem}_TEST.ts"), "validation": 0}
        network = {"data": files | {"residual": "none", "scaling": "standard"}, "model": model}
        its = training | {"jitter": 0, "magnitude": 0}
        config.write_text(json.dumps({"task": "classify", **network, "training": its}))
        protocol = f"{problem}, default split, mean of five seeds of the network alone; model {model}, training {its}"
        return mean_of_seeds(config, run, 5, target, f"{protocol}, chosen by repeated splits of the training part")

    return score


def movie_reviews(data: Path, run: Path) -> dict[str, Any]:
    lines = (data / "movie_reviews_polarity.txt").read_text(encoding="latin-1").removesuffix("\n").split("\n")
    config, model, training = run.with_suffix(".yaml"), MOVIES["model"], MOVIES["training"]
    parts = {"train": [line for i, line in enumerate(lines, 1) if i % 10], "test": lines[9::10]}
    files = {part: str(run.with_name(f"{part}.txt")) for part in parts}
    for part, chosen in parts.items():
        Path(files[part]).write_text("\n".join(chosen) + "\n", encoding="latin-1")
    read = {"path": files["train"], "test": files["test"], "encoding": "latin-1", "tokens": "word", "format": "text"}
    config.write_text(
        json.dumps({"task": "classify", "data": read | MOVIES["data"], "model": model, "training": training})
    )
    return mean_of_seeds(config, run, 3, 0.788, f"lines with number mod 10 = 0 held out; {MOVIES}; chosen on the rest")


def mean_of_seeds(config: Path, run: Path, seeds: int, target: float, protocol: str) -> dict[str, Any]:
    """A score that is better when higher, as the mean over seeds, beside the best floor."""
    scores = [train(run.with_name(f"run{s}"), config, "--set", f"training.seed={s}") for s in range(1, seeds + 1)]
    each = [round(score["network"], 4) for score in scores]
    mean = sum(each) / len(each)
    return {
        "score": round(mean, 4),
        "better": "higher",
        "floor": max(scores[0]["floors"].values()),
        "target": target,
        "passed": mean >= target,
        "seeds": each,
        "protocol": f"{protocol}; {scores[0]['unit']}, {scores[0]['detail']}",
    }


def configured(target: float, protocol: str, make: Callable[[Path, Path], dict[str, Any]]) -> Callable[..., Any]:
    """One run of the config that `make` gives for the data folder and a folder to write into."""

    def score(data: Path, run: Path) -> dict[str, Any]:
        config = run.with_suffix(".yaml")
        made = make(data, run.parent)
        config.write_text(json.dumps(made))
        return mean_of_seeds(config, run, 1, target, f"{protocol}; model {made['model']}, training {made['training']}")

    return score


def danish_pos(data: Path, folder: Path) -> dict[str, Any]:
    parts = zip(("path", "validation", "test"), ("train", "dev", "test"), strict=True)
    return {
        "task": "tag",
        "data": {key: str(data / f"pos_danish_{part}.conllu") for key, part in parts},
        "model": {
            "cell": "lstm",
            "hidden_size": 128,
            "num_layers": 1,
            "bidirectional": True,
            "dropout": 0.5,
            "embedding_size": 64,
            "character_size": 64,
        },
        "training": {"epochs": 15, "batch_size": 16},
    }


def inflection(data: Path, folder: Path) -> dict[str, Any]:
    return {
        "task": "seq2seq",
        "data": {
            "path": str(data / "inflection_english_train.tsv"),
            "source": [1, 3],
            "target": 2,
            "validation": 0,
            "test": str(data / "inflection_english_dev.tsv"),
        },
        "model": {"cell": "lstm", "hidden_size": 128, "num_layers": 1, "dropout": 0.5},
        "training": {"epochs": 50},
    }


def inflection_copy(data: Path, folder: Path) -> dict[str, Any]:
    made = inflection(data, folder)
    return {**made, "model": {**made["model"], "copy": "attention"}}


def dates(data: Path, folder: Path) -> dict[str, Any]:
    sys.path.insert(0, str(ROOT / "tests"))
    import sample_pairs

    files = {"path": folder / "dates.tsv", "test": folder / "fresh.tsv"}
    for path, count, seed in ((files["path"], 8000, 101), (files["test"], 2000, 102)):
        path.write_text(sample_pairs.dates(count, seed), encoding="ascii")
    return {
        "task": "seq2seq",
        "data": {key: str(path) for key, path in files.items()},
        "model": {"cell": "gru", "hidden_size": 96, "num_layers": 1},
        "training": {"epochs": 20, "learning_rate": 4e-3},
    }


def adding_600(data: Path, run: Path) -> dict[str, Any]:
    from adding import adding

    config, floor = ROOT / "sample_configs" / "adding.yaml", 1 / 6
    files = {"train": run.with_name("train.ts"), "fresh": run.with_name("fresh.ts")}
    for path, count, seed in ((files["train"], 5000, 1), (files["fresh"], 1000, 2)):
        path.write_text(adding(count, 600, seed), encoding="ascii")
    errors = {}
    for cell in ("gru", "lstm"):
        sets = ("--set", f"model.cell={cell}", "--set", f"data.test={files['fresh']}")
        errors[cell] = round(train(run.with_name(cell), config, files["train"], *sets)["network"] ** 2, 6)
    worst = max(errors.values())
    return {
        "score": worst,
        "better": "lower",
        "floor": round(floor, 4),
        "target": 0.01,
        "passed": worst < 0.01,
        "cells": errors,
        "protocol": "sample_configs/adding.yaml with cell gru and lstm: adding problem, T = 600, 5,000 sequences to "
        "train on, MSE on 1,000 fresh ones, the worse of the two; the floor always answers 1",
    }


MOVIES: dict[str, dict[str, Any]] = {
    "data": {"residual": "naive-bayes", "validation": 0},
    "model": {
        "cell": "lstm",
        "hidden_size": 64,
        "num_layers": 1,
        "bidirectional": True,
        "pooling": "max",
        "embedding_size": 64,
        "character_size": 16,
        "dropout": 0.7,
        "word_dropout": 0.5,
    },
    "training": {"epochs": 6, "batch_size": 32, "learning_rate": 5e-4},
}


FIGURES: dict[str, Callable[[Path, Path], dict[str, Any]]] = {
    "tinyshakespeare-5min": tinyshakespeare_5min,
    "movie-reviews": movie_reviews,
    "danish-pos": configured(0.945, "UD Danish: train, best on dev, scored on test", danish_pos),
    "inflection": configured(
        0.94, "SIGMORPHON 2017 English: lemma and features to the form, 10,000 to train on, scored on dev", inflection
    ),
    "inflection-copy": configured(
        0.94, "the same with unknown characters copied, of which dev has none", inflection_copy
    ),
    "dates": configured(0.995, "8,000 generated pairs to train on, 2,000 fresh ones to score on", dates),
    "adding-600": adding_600,
    "sunspots": sample_forecast("sunspots"),
    "co2": sample_forecast("co2"),
    "italy-power": archive(
        "ItalyPowerDemand",
        0.967,
        {
            "cell": "rnn",
            "activation": "identity",
            "hidden_size": 64,
            "num_layers": 1,
            "bidirectional": True,
            "pooling": "max",
            "dropout": 0.3,
            "recurrent_scale": 0.9,
        },
        {"epochs": 60, "batch_size": 8, "learning_rate": 1e-3},
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
    **FORECASTS,
    **LANGUAGE,
    **SPEECH,
    **TEXTS,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?", choices=FIGURES)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("RNNCLI_DATA", ".")))
    parser.add_argument("--set", dest="sets", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--list", action="store_true", help="print the names")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(FIGURES))
        return
    if arguments.name is None:
        parser.error("name a figure, or --list")
    SETS.extend(arguments.sets)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        figure = FIGURES[arguments.name](arguments.data.resolve(), Path(folder) / "run")
    seconds = round(time.perf_counter() - began, 1)
    alone = not arguments.name.endswith("-default")
    sets = {"set": SETS} if SETS else {}
    print(json.dumps({"name": arguments.name, **sets, "network_alone": alone, "seconds": seconds} | figure))


if __name__ == "__main__":
    main()
