"""tag as a command: train, evaluate, tags for sentences in every form, the same bytes, and mistakes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from cli_runs import model_sha256, run, scores

NAMES = ("Ada", "Bo", "Cleo", "Dan")
SENTENCES = "\n".join(
    f"{name}\tB-who\n{other}\tI-who\nis\tO\nhere\tO\n" if i % 2 else f"ask\tO\n{name}\tB-who\n"
    for i, (name, other) in enumerate((a, b) for a in NAMES for b in NAMES)
)
CONFIG = """\
task: tag
data: {path: names.conll, validation: 0.25}
model: {cell: gru, hidden_size: 12, num_layers: 1, bidirectional: true, dropout: 0.1, character_size: 4}
training: {epochs: 30, batch_size: 4, learning_rate: 2e-2}
"""
STEPS = "trace,x,state\n" + "".join(
    f"{trace},{step % 3},{'high' if step % 3 == 2 else 'low'}\n" for trace in range(20) for step in range(trace % 4 + 2)
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tag")
    for name, content in {"names.conll": SENTENCES, "c.yaml": CONFIG, "steps.csv": STEPS}.items():
        (path / name).write_text(content)
    return path


@pytest.fixture(scope="module")
def trained(folder: Path) -> str:
    return run("train", "c.yaml", "-o", "run", cwd=folder).ok().out


def test_the_score_stands_beside_its_floors(folder: Path, trained: str) -> None:
    assert "validation score, token accuracy (" in trained
    assert "  span F1 1.000, baseline span F1 0." in trained
    found = scores(trained)
    assert found["network"] == 1
    assert found["most frequent tag"] < found["most frequent tag of the word"] < 1
    assert run("evaluate", "run", cwd=folder).ok().out.startswith(trained)


def test_a_resumed_run_of_words_has_the_bytes_of_one_that_was_not(folder: Path, trained: str, tmp_path: Path) -> None:
    """Its config leaves data.scaling null, which meant standard to version 0.1."""
    shutil.copytree(folder / "run", tmp_path / "run")
    assert run("train", "-o", "run", "--resume", "-q", cwd=tmp_path).ok().out == trained
    assert model_sha256(tmp_path / "run") == model_sha256(folder / "run")
    assert run("evaluate", "run", cwd=tmp_path).ok().out.startswith(trained)


def test_sentences_are_tagged_in_every_form(folder: Path, trained: str) -> None:
    asked = {"lines": "ask Ebo\nAda Bo is here\n", "words": "ask\nEbo\n\nAda\nBo\nis\nhere\n"}
    for stdin in asked.values():
        found = json.loads(run("predict", "run", "-", "-f", "json", cwd=folder, stdin=stdin).ok().out)
        assert [[step["tag"] for step in item["steps"]] for item in found] == [
            ["O", "B-who"],
            ["B-who", "I-who", "O", "O"],
        ]
    rows = run("predict", "run", "names.conll", cwd=folder).ok().rows()
    assert list(rows[0]) == ["id", "step", "word", "tag", "probability"]
    right = [line.split("\t")[1] for line in SENTENCES.split("\n") if line]
    assert [row["tag"] for row in rows] == right


def test_steps_of_numbers_are_tagged(folder: Path) -> None:
    keys = ["data.id=trace", "data.label=state", "data.validation=0.2", "model.bidirectional=false"]
    sets = [part for key in keys for part in ("--set", key)]
    out = run("train", "c.yaml", "steps.csv", *sets, "-q", "-o", "steps", cwd=folder).ok().out
    assert scores(out)["network"] == 1 > scores(out)["most frequent tag"]
    rows = run("predict", "steps", "-", cwd=folder, stdin="trace,x\na,0\na,1\na,2\n").ok().rows()
    assert [(row["id"], row["step"], row["tag"]) for row in rows] == [
        ("a", "1", "low"),
        ("a", "2", "low"),
        ("a", "3", "high"),
    ]


def test_threads_and_resuming_change_no_byte(folder: Path, trained: str) -> None:
    for threads in (1, 3):
        run("train", "c.yaml", "-q", "-o", f"t{threads}", "--set", f"training.threads={threads}", cwd=folder).ok()
        assert model_sha256(folder / f"t{threads}") == model_sha256(folder / "run")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["train", "c.yaml", "ragged.conll"], 3, "ragged.conll:2: 1 column, the first line has 2"),
        (["train", "c.yaml", "one.conll"], 3, 'every step is tagged "X"; to tag takes two tags'),
        (
            ["train", "c.yaml", "--set", "data.tokens=byte"],
            2,
            "data.tokens: is for language-model, classify, regress, seq2seq",
        ),
        (
            ["train", "c.yaml", "--set", "data.format=ts"],
            2,
            "a .ts file has one answer for each sequence",
        ),
        (["train", "c.yaml", "--set", "model.pooling=last"], 2, "model.pooling: a tag has an answer for every step"),
        (["predict", "run"], 2, "name a file of them, or - for standard input"),
        (["predict", "run", "-", "--horizon", "3"], 2, "--horizon: is for forecast, and this is a tag"),
        (["predict", "run", "-", "--n-best", "3"], 2, "--n-best: is for seq2seq, caption, transcribe, and this"),
    ],
)
def test_mistakes(folder: Path, trained: str, arguments: list[str], code: int, said: str) -> None:
    (folder / "ragged.conll").write_text("a\tX\nb\n")
    (folder / "one.conll").write_text("a\tX\n\nb\tX\n\nc\tX\n")
    assert said in run(*arguments, cwd=folder).failed(code)
