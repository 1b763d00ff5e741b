"""The weights that `train` keeps are the best by the figure that it prints, and `predict` answers as it was scored."""

from __future__ import annotations

import datetime
import json
import math
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_runs import metrics, run

RANDOM = random.Random(3)
COLOURS, THINGS = ("red", "blue", "green", "grey"), ("sea", "sky", "sun", "sand", "stone")


def _labelled(n: int) -> str:
    rows = []
    for _ in range(n):
        colour, thing = RANDOM.choice(COLOURS), RANDOM.choice(THINGS)
        label = RANDOM.choice("abc") if RANDOM.random() < 0.3 else "abbc"[COLOURS.index(colour)]
        rows.append(f"{colour} {thing} {RANDOM.randrange(99)},{label}")
    return "text,label\n" + "\n".join(rows) + "\n"


def _measured(n: int) -> str:
    texts = ["".join(RANDOM.choice("ab") for _ in range(RANDOM.randrange(3, 9))) for _ in range(n)]
    return "text,label\n" + "".join(f"{text},{text.count('a') + RANDOM.gauss(0, 0.5):.3f}\n" for text in texts)


def _spans(n: int) -> str:
    sentences = []
    for _ in range(n):
        words = []
        for _ in range(RANDOM.randrange(1, 4)):
            words.append(f"{RANDOM.choice(THINGS)} O")
            if RANDOM.random() < 0.6:
                words += [f"{RANDOM.choice(('new', 'old'))} B-X", f"{RANDOM.choice(COLOURS)} I-X"]
        sentences.append("\n".join(words))
    return "\n\n".join(sentences) + "\n"


def _pairs(n: int) -> str:
    words = ["".join(RANDOM.choice("abc") for _ in range(RANDOM.randrange(1, 4))) for _ in range(n)]
    return "source,target\n" + "".join(f"{word},{word[::-1]}\n" for word in words)


def _column(path: Path, name: str) -> list[str]:
    head, *rows = (line.split(",") for line in path.read_text(encoding="utf-8").splitlines())
    return [row[head.index(name)] for row in rows]


def _accuracy(path: Path, answers: list[dict[str, Any]]) -> float:
    actual = _column(path, "label")
    return sum(one["label"] == label for one, label in zip(answers, actual, strict=True)) / len(actual)


def _rmse(path: Path, answers: list[dict[str, Any]]) -> float:
    errors = [one["label"] - float(y) for one, y in zip(answers, _column(path, "label"), strict=True)]
    return math.sqrt(sum(error * error for error in errors) / len(errors))


def _span_f1(path: Path, answers: list[dict[str, Any]]) -> float:
    """For tags of one kind: every B-X begins a span, and so does an I-X after O."""

    def found(tags: list[str]) -> set[tuple[int, int]]:
        spans, first = set(), None
        for i, tag in enumerate([*tags, "O"]):
            if first is not None and tag != "I-X":
                spans.add((first, i))
                first = None
            if tag == "B-X" or (tag == "I-X" and first is None):
                first = i
        return spans

    sentences = path.read_text(encoding="utf-8").strip().split("\n\n")
    actual = [found([line.split()[1] for line in one.splitlines()]) for one in sentences]
    predicted = [found([step["tag"] for step in one["steps"]]) for one in answers]
    hits = sum(len(a & b) for a, b in zip(actual, predicted, strict=True))
    return 2 * hits / sum(map(len, [*actual, *predicted]))


def _exact(path: Path, answers: list[dict[str, Any]]) -> float:
    actual = _column(path, "target")
    return sum(one["outputs"][0]["text"] == target for one, target in zip(answers, actual, strict=True)) / len(actual)


Made = tuple[Callable[[int], str], str, str, Callable[[Path, list[dict[str, Any]]], float]]
TASKS: dict[str, Made] = {
    "classify": (_labelled, "csv", "accuracy", _accuracy),
    "regress": (_measured, "csv", "RMSE of label", _rmse),
    "tag": (_spans, "conll", "span F1", _span_f1),
    "seq2seq": (_pairs, "csv", "exact match", _exact),
}


@pytest.mark.parametrize("task", TASKS)
def test_what_is_kept_is_the_best_by_the_figure_that_predict_answers_by(task: str, tmp_path: Path) -> None:
    make, suffix, name, recomputed = TASKS[task]
    train, valid = tmp_path / f"train.{suffix}", tmp_path / f"valid.{suffix}"
    train.write_text(make(60), encoding="utf-8")
    valid.write_text(make(40), encoding="utf-8")
    config = {
        "task": task,
        "data": {"path": train.name, "validation": valid.name},
        "model": {"cell": "gru", "hidden_size": 8, "num_layers": 1},
        "training": {"epochs": 12, "batch_size": 10, "learning_rate": 0.02, "threads": 1},
    }
    (tmp_path / "config.yaml").write_text(json.dumps(config), encoding="utf-8")
    said = run("train", "config.yaml", "-o", "run", "-f", "json", cwd=tmp_path).ok()
    finished, lines = json.loads(said.out), metrics(tmp_path / "run")
    assert {line["figure_name"] for line in lines} == {name}
    best = (min if name.startswith("RMSE") else max)(line["figure"] for line in lines)
    ties = [line for line in lines if line["figure"] == best]
    assert finished["best_step"] == min(ties, key=lambda line: line["valid_loss"])["step"]
    shown = [float(value) for value in re.findall(rf" {name} (\d[\d.]*)", said.err)]
    assert shown == pytest.approx([line["figure"] for line in lines], rel=1e-3)  # of the digits on the screen

    extra = ("--beam", "1") if task == "seq2seq" else ()  # as evaluations write, which is quick
    answers = json.loads(run("predict", "run", valid.name, "-f", "json", *extra, cwd=tmp_path).ok().out)
    assert recomputed(valid, answers) == pytest.approx(best, rel=1e-5)
    if task != "tag":  # its score tells the span F1 beside the token accuracy
        answers = json.loads(run("predict", "run", valid.name, "-f", "json", cwd=tmp_path).ok().out)
        assert (finished["score"]["unit"], finished["score"]["split"]) == (name, "validation")
        assert finished["score"]["network"] == pytest.approx(recomputed(valid, answers), rel=1e-5)
    else:
        assert finished["score"]["figures"]["span F1"] == pytest.approx(best)


def test_the_error_of_forecasts_is_that_of_what_predict_writes_from_each_origin(tmp_path: Path) -> None:
    days, horizon, origins = 80, 4, 3
    values = [round(10 + 3 * math.sin(2 * math.pi * day / 7) + RANDOM.gauss(0, 0.3), 4) for day in range(days)]
    start = datetime.date(2024, 1, 1)
    rows = [f"{start + datetime.timedelta(day)},{value}\n" for day, value in enumerate(values)]
    (tmp_path / "whole.csv").write_text("day,sold\n" + "".join(rows), encoding="utf-8")
    config = {
        "task": "forecast",
        "data": {"path": "whole.csv", "horizon": horizon, "context": 14, "season": 7, "test": horizon + origins - 1},
        "model": {"cell": "gru", "hidden_size": 6, "num_layers": 1},
        "training": {"epochs": 5, "batch_size": 10, "learning_rate": 0.02, "threads": 1},
    }
    (tmp_path / "config.yaml").write_text(json.dumps(config), encoding="utf-8")
    score = json.loads(run("train", "config.yaml", "-o", "run", "-f", "json", cwd=tmp_path).ok().out)["score"]
    assert (score["unit"], score["split"]) == ("MAE of sold", "test")
    errors = []
    for origin in range(days - horizon - origins + 1, days - horizon + 1):
        (tmp_path / "past.csv").write_text("day,sold\n" + "".join(rows[:origin]), encoding="utf-8")
        asked = ("predict", "run", "past.csv", "--network", "-f", "json")
        answers = json.loads(run(*asked, cwd=tmp_path).ok().out)
        assert len(answers) == horizon
        errors += [abs(one["sold"] - values[origin + ahead]) for ahead, one in enumerate(answers)]
    # Forecasts are written with three decimals here.
    assert score["network"] == pytest.approx(sum(errors) / len(errors), abs=5e-4)
