"""A model in a program answers as the commands do: the same objects, texts, bits and scores, from any thread."""

from __future__ import annotations

import csv
import json
import logging
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from parameters import mostly_thorough

import rnncli
from tests.cli.cli_runs import run

KEPT = Path(__file__).parents[1] / "models_of_0_1"
LINES = ["classify", "classify-words", "regress", "tag", "seq2seq", "seq2seq-words"]
TASKS = sorted(path.name for path in KEPT.iterdir())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for task in TASKS:
        (tmp_path / task / "run").mkdir(parents=True)
        for path in (KEPT / task).iterdir():
            inner = "run" if path.name in ("config.yaml", "model.safetensors") else "."
            shutil.copy(path, tmp_path / task / inner)
    return tmp_path


def told(*arguments: str, cwd: Path, stdin: str = "") -> Any:
    return json.loads(run(*arguments, "-f", "json", cwd=cwd, stdin=stdin).ok().out)


def texts_of(task: str) -> list[str]:
    return (KEPT / task / "new.txt").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("task", mostly_thorough(LINES, ["language-model", "classify", "tag"]))
def test_lines_are_answered_as_a_pipe_of_them_is(task: str, folder: Path) -> None:
    texts = [text for text in texts_of(task) if text]
    wanted = told("predict", f"{task}/run", "-", cwd=folder, stdin="\n".join(texts) + "\n")
    model = rnncli.load(f"{task}/run")
    assert model.answers(texts) == wanted
    assert model.answers(Path(task) / "new.txt") == told("predict", f"{task}/run", f"{task}/new.txt", cwd=folder)


def test_rows_are_answered_as_those_of_a_file(folder: Path) -> None:
    model = rnncli.load("caption/run")
    with (KEPT / "caption/new.csv").open(encoding="utf-8", newline="") as file:
        records = list(csv.DictReader(file))
    assert model.answers(records) == told("predict", "caption/run", "caption/new.csv", cwd=folder)


def test_answers_have_the_form_that_is_handy_for_the_task(folder: Path) -> None:
    forecast, frame = rnncli.load("forecast/run"), told("predict", "forecast/run", "--horizon", "4", cwd=folder)
    columns, header = forecast.predict(horizon=4), run("predict", "forecast/run", cwd=folder).ok().out.splitlines()[0]
    assert list(columns) == header.split(",")
    assert "forecast_by" in forecast.answers(horizon=4)[0]  # as in JSON; a CSV of 0.1 has no such column
    frame = [{name: row[name] for name in columns} for row in frame]
    assert {name: list(column) for name, column in columns.items() if column.dtype.kind != "M"} == {
        name: [row[name] for row in frame] for name in frame[0] if columns[name].dtype.kind != "M"
    }
    numbers = rnncli.load("regress/run").predict(texts_of("regress"))
    assert numbers.dtype == np.float64
    tags = rnncli.load("tag/run").predict(texts_of("tag"))
    assert [len(one) for one in tags] == [len(text.split()) for text in texts_of("tag")]
    model = rnncli.load("classify/run")
    answered = model.predict(texts_of("classify"))
    assert {one["label"] for one in answered} <= set(model.labels or ())
    assert all(sum(one["probabilities"].values()) == pytest.approx(1, abs=1e-5) for one in answered)


def test_calls_do_not_know_of_each_other(folder: Path) -> None:
    model = rnncli.load("forecast/run")
    first = model.answers()
    with (KEPT / "forecast/data.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert model.answers(rows[:-5]) != first
    assert model.answers() == first


@pytest.mark.parametrize("task", ["language-model", "language-model-words"])
def test_texts_are_those_of_the_command(task: str, folder: Path) -> None:
    model = rnncli.load(f"{task}/run")
    written = run("generate", f"{task}/run", "-n", "30", "--seed", "3", "--temperature", "0.5", cwd=folder).ok().out
    assert model.generate(n=30, seed=3, temperature=0.5) == written
    assert "".join(model.stream(n=30, seed=3, temperature=0.5)) == written
    several = run("generate", f"{task}/run", "-n", "9", "--count", "3", "-f", "jsonl", cwd=folder).ok().out
    assert model.generate(n=9, count=3) == [json.loads(line)["text"] for line in several.splitlines()]
    stopped = run("generate", f"{task}/run", "-n", "30", "--stop", "e", cwd=folder).ok().out
    assert model.generate(n=30, stop="e") == stopped == model.generate(n=30, stop=["e"])


def test_two_streams_are_read_in_turn(folder: Path) -> None:
    model = rnncli.load("language-model/run")
    alone = [model.generate(n=20, seed=seed) for seed in (1, 2)]
    streams = [model.stream(n=20, seed=seed) for seed in (1, 2)]
    pairs = list(zip(*streams, strict=True))
    assert ["".join(pieces) for pieces in zip(*pairs, strict=True)] == alone


def test_a_text_is_scored_as_by_the_command(folder: Path) -> None:
    text = (KEPT / "language-model/data.txt").read_text(encoding="utf-8")[:300]
    found = rnncli.load("language-model/run").score(text)
    lines = told("score", "language-model/run", "-", cwd=folder, stdin=text)
    tokens = told("score", "language-model/run", "-", "--tokens", cwd=folder, stdin=text)
    assert found["lines"] == (lines["lines"] if isinstance(lines, dict) else lines)
    assert found["tokens"] == (tokens["tokens"] if isinstance(tokens, dict) else tokens)
    assert found["totals"]["tokens"] == len(found["tokens"]) - sum(one["bits"] is None for one in found["tokens"])


@pytest.mark.parametrize("task", TASKS)
def test_scores_are_those_of_the_command(task: str, folder: Path) -> None:
    wanted = told("evaluate", f"{task}/run", cwd=folder)
    data = next((folder / task).glob("data.*"))
    assert rnncli.load(f"{task}/run").evaluate() == wanted
    assert rnncli.load(f"{task}/run", trained_on=data).evaluate() == wanted


def test_a_run_on_data_in_memory_is_scored_on_them(folder: Path) -> None:
    small = {"training.epochs": 1, "training.threads": 1, "model.hidden_size": 4}
    texts = [f"{a} plus {b}" for a in range(9) for b in range(9)]
    labels = [str((int(text[0]) + int(text[-1])) % 2) for text in texts]
    made = rnncli.train({"task": "classify"}, (texts, labels), overrides=small, out="made")
    assert made.score is not None
    assert made.model.evaluate()["network"] == pytest.approx(made.score["network"])
    assert rnncli.load("made", trained_on=(texts, labels)).evaluate()["network"] == pytest.approx(made.score["network"])
    with pytest.raises(rnncli.UsageError, match="made: the baselines of a score learn from the training data"):
        rnncli.load("made").evaluate()
    with pytest.raises(rnncli.DataError, match="is not what made was trained on"):
        rnncli.load("made", trained_on=(texts[1:], labels[1:])).evaluate()
    assert made.model.evaluate((texts[:20], labels[:20]))["detail"].startswith("20 sequences")


def test_requested_checks_are_errors(folder: Path) -> None:
    with pytest.raises(rnncli.CheckFailedError, match="mase") as raised:
        rnncli.load("forecast/run").evaluate(fail_if="mase > 0")
    assert raised.value.exit_code == 7


def answers_in_turn(model: rnncli.Model, texts: list[str]) -> Callable[[int], list[dict[str, Any]]]:
    return lambda number: model.answers(texts[number:] + texts[:number])


def test_two_models_answer_from_several_threads(folder: Path) -> None:
    jobs = [answers_in_turn(rnncli.load(f"{task}/run"), texts_of(task)) for task in ("classify-words", "tag")]
    alone = [[job(number) for number in range(4)] for job in jobs]
    with ThreadPoolExecutor(4) as pool:
        together = [list(pool.map(job, [0, 1, 2, 3] * 4)) for job in jobs]
    assert together == [one * 4 for one in alone]


def test_texts_are_written_in_several_threads(folder: Path) -> None:
    model = rnncli.load("language-model/run")
    alone = [model.generate(n=50, seed=seed) for seed in range(1, 5)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda seed: model.generate(n=50, seed=seed), range(1, 5))) == alone


def test_what_cannot_be_answered_is_an_error_and_named_in_the_log(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = rnncli.load("language-model/run")
    with pytest.raises(rnncli.DataError, match="<data>: 1 of 2 lines has no answer"):
        model.predict(["", "\N{SNOWMAN}"])
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "<data>:2" in caplog.text
    with pytest.raises(rnncli.UsageError, match="is a model for the task regress"):
        rnncli.load("regress/run").generate("a")
    with pytest.raises(rnncli.UsageError, match="--top: is for language-model"):
        rnncli.load("regress/run").predict(["1+1"], top=3)
    with pytest.raises(rnncli.UsageError, match="no such run or model file: nowhere"):
        rnncli.load("nowhere")
    with pytest.raises(rnncli.ModelFileError):
        rnncli.load(KEPT / "forecast/data.csv")


def test_what_a_model_tells_of_itself(folder: Path) -> None:
    model = rnncli.load("language-model/run")
    assert (model.task, model.path, model.labels) == ("language-model", "language-model/run", None)
    assert model.vocabulary is not None
    assert model.vocabulary[0] == "<unk>"
    model.config["model"]["hidden_size"] = 0  # a copy
    assert model.config["model"]["hidden_size"] > 0
    assert rnncli.load("tag/run").labels
    assert repr(model) == "<rnncli.Model language-model language-model/run>"
