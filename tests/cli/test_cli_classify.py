"""classify and regress as commands: train, predict in every format, the same bytes, and mistakes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from cli_runs import model_sha256, run, scores

from rnncli.ui.label_tables import require_matrix_file

REVIEWS = "label,said\n" + "".join(
    f"{'good' if i % 2 else 'bad'},{('a fine ' if i % 2 else 'a dull ') + ('film' if i % 3 else 'book')}\n"
    for i in range(60)
)
CONFIG = """\
task: classify
data: {path: reviews.csv, tokens: word, validation: 0.2, group: none}
model: {cell: gru, hidden_size: 8, num_layers: 2, bidirectional: true, pooling: attention, dropout: 0.2}
training: {epochs: 12, batch_size: 8, learning_rate: 2e-2}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("classify")
    (path / "reviews.csv").write_text(REVIEWS)
    (path / "reviews.yaml").write_text(CONFIG)
    return path


@pytest.fixture(scope="module")
def trained(folder: Path) -> str:
    return run("train", "reviews.yaml", "-o", "run", cwd=folder).ok().out


def test_the_score_stands_beside_its_floors(trained: str) -> None:
    assert "validation score, accuracy (12 sequences, macro-F1 1.0000)" in trained
    found = scores(trained)
    assert found["network"] == 1.0 > found["majority"]
    assert "naive Bayes" in found


def test_lines_from_a_pipe_are_answered_in_order(folder: Path, trained: str) -> None:
    lines = "a fine book\na dull film\n"
    answers = json.loads(run("predict", "run", "-", "-f", "json", cwd=folder, stdin=lines).ok().out)
    assert [answer["label"] for answer in answers] == ["good", "bad"]
    assert [set(answer) for answer in answers] == [{"id", "label", "probabilities"}] * 2
    assert sum(answers[0]["probabilities"].values()) == pytest.approx(1)
    rows = run("predict", "run/model.safetensors", "reviews.csv", cwd=folder).ok().rows()
    assert len(rows) == 60
    assert list(rows[0]) == ["id", "label", "p(bad)", "p(good)"]
    assert all(row["label"] == ("good" if i % 2 else "bad") for i, row in enumerate(rows))


def test_threads_and_resuming_change_no_byte(folder: Path, trained: str) -> None:
    for threads in (1, 3):
        run("train", "reviews.yaml", "-q", "-o", f"t{threads}", "--set", f"training.threads={threads}", cwd=folder).ok()
        assert model_sha256(folder / f"t{threads}") == model_sha256(folder / "run")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["train", "reviews.yaml", "--set", "data.label=verdict"], 2, 'no column "verdict"'),
        (["train", "reviews.yaml", "--set", "model.pooling=median"], 2, "pooling"),
        (["train", "reviews.csv", "--set", "data.target=said"], 2, "--set data.target=said --set task=seq2seq"),
        (["train", "lm.yaml"], 2, "model.bidirectional: read from its end, a sequence shows the answer"),
        (["predict", "run"], 2, "name a file of them, or - for standard input"),
        (["predict", "run", "reviews.csv", "--horizon", "3"], 2, "--horizon: is for forecast, and this is a classify"),
        (["generate", "run"], 2, ""),
    ],
)
def test_mistakes(folder: Path, trained: str, arguments: list[str], code: int, said: str) -> None:
    (folder / "lm.yaml").write_text(
        "task: language-model\ndata: {path: reviews.csv, format: text}\nmodel: {bidirectional: true}\n"
    )
    assert said in run(*arguments, cwd=folder).failed(code)


@pytest.mark.parametrize("task", ["classify", "seq2seq"])
def test_a_bare_file_with_a_task_takes_only_that_tasks_keys(task: str, tmp_path: Path) -> None:
    lines = "".join(f"{'yes' if i % 2 else 'no'}\tsome words {i % 2}{i % 3}\n" for i in range(40))
    (tmp_path / "labels.txt").write_text(lines)
    change = ["--set", f"task={task}", "--set", "training.epochs=1"]
    out = run("train", "labels.txt", "-q", "-o", "run", *change, cwd=tmp_path).ok().out
    assert "\ncross-validated score" in out
    assert "bptt" not in (tmp_path / "run/config.yaml").read_text()


def test_blank_lines_keep_their_place(folder: Path, trained: str) -> None:
    texts = "good day\n\nbad day\n  \n"
    for data in ("-", "blank.txt"):
        (folder / "blank.txt").write_text(texts)
        done = run("predict", "run", data, "-f", "csv", cwd=folder, stdin=texts).ok()
        rows = [line.split(",") for line in done.out.splitlines()[1:]]
        assert [row[0] for row in rows] == ["1", "2", "3", "4"]
        assert [bool(row[1]) for row in rows] == [True, False, True, False]
        assert ":2: is the first of 2 blank lines, whose answers are blank too" in done.err


MULTI = "".join(
    f"{'__label__good ' if i % 2 else '__label__bad '}{'__label__film ' if i % 3 else ''}"
    f"{'a fine' if i % 2 else 'a dull'} {'film' if i % 3 else 'book'} {i}\n"
    for i in range(90)
)


def test_several_labels_from_lines_to_answers(folder: Path) -> None:
    (folder / "multi.txt").write_text(MULTI)
    (folder / "multi.yaml").write_text(CONFIG.replace("reviews.csv", "multi.txt").replace("layers: 2", "layers: 1"))
    done = run("train", "multi.yaml", "-o", "multi", cwd=folder).ok()
    assert "60 of 90 lines have several labels, so each label is learnt by itself" in done.err
    assert "losses in nats per sequence, summed over its labels" in done.err
    assert "\nvalidation score, micro-F1 (18 sequences, threshold 0.5)" in done.out
    found = scores(done.out)
    assert found["network"] > 0.9 > found["best constant"]
    texts = "a fine film\na dull book\n\n"
    rows = run("predict", "multi", "-", "-f", "csv", cwd=folder, stdin=texts).ok().rows()
    assert [set(row["labels"].split()) for row in rows] == [{"__label__good", "__label__film"}, {"__label__bad"}, set()]
    assert list(rows[0]) == ["id", "labels", "p(__label__bad)", "p(__label__film)", "p(__label__good)"]
    answers = run("predict", "multi", "-", "-f", "jsonl", "--threshold", "0", cwd=folder, stdin=texts).ok().out
    first = json.loads(answers.splitlines()[0])
    assert [one["probability"] for one in first["labels"]] == sorted(first["probabilities"].values(), reverse=True)
    assert {one["label"]: one["probability"] for one in first["labels"]} == first["probabilities"]
    report = json.loads(run("evaluate", "multi", "--threshold", "0", "-f", "json", cwd=folder).ok().out)
    assert report["figures"]["recall@3"] == 1
    assert all(one["recall"] == 1 for one in report["labels"])
    assert report["confusion"] is None
    refused = run("evaluate", "multi", "--confusion", "x.csv", cwd=folder).failed(2)
    assert "--confusion: several labels have no such matrix" in refused


def test_the_matrix_of_confusions_goes_to_a_file(folder: Path, trained: str) -> None:
    run("evaluate", "run", "--confusion", "matrix.csv", cwd=folder).ok()
    lines = (folder / "matrix.csv").read_text().splitlines()
    report = json.loads(run("evaluate", "run", "-f", "json", cwd=folder).ok().out)
    assert lines[0] == "actual,bad,good"
    assert [list(map(int, line.split(",")[1:])) for line in lines[1:]] == report["confusion"]["counts"]
    assert "--confusion no/where.csv: cannot write" in run(
        "evaluate", "run", "--confusion", "no/where.csv", cwd=folder
    ).failed(5)
    for path in ("reviews.csv", "run/model.safetensors", "run/config.yaml", "matrix", "", "-", "run"):
        before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
        told = run("evaluate", "run", "--confusion", path, cwd=folder).refused(2)
        assert "ends in .csv" in told or "holds something else than a matrix" in told
        assert {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()} == before
    (folder / "matrix.csv").write_text("actual,old\n")
    run("evaluate", "run", "--confusion", "matrix.csv", cwd=folder).ok()
    assert (folder / "matrix.csv").read_text().splitlines() == lines
    os.mkfifo(folder / "pipe")
    require_matrix_file("--confusion", str(folder / "pipe"))  # nothing is lost
    assert "--threshold: is for several labels" in run(
        "predict", "run", "reviews.csv", "--threshold", "0.3", cwd=folder
    ).failed(2)


def test_a_run_reads_all_in_the_encoding_of_its_training_data(folder: Path) -> None:
    """Windows-1252, which nothing but a doubt says; UTF-8 that is given later is told."""
    western = REVIEWS.replace("said", "text").replace("fine", "génial").encode("cp1252")
    (folder / "western.csv").write_bytes(western)
    short = ["training.epochs=2", "training.max_time=1m", "data.validation=0.2", "model.hidden_size=4"]
    done = run("train", "western.csv", "-o", "western", *(part for one in short for part in ("--set", one)), cwd=folder)
    assert "western.csv:3: is not UTF-8, so the file is read as cp1252" in done.ok().err
    assert "encoding: cp1252" in (folder / "western/config.yaml").read_text()
    for command in ("predict", "evaluate"):
        assert "UTF-8" not in run(command, "western", "western.csv", cwd=folder).ok().err
    given = run("predict", "western", "-", cwd=folder, stdin="a génial book\n").ok().err
    assert "<stdin>: looks like UTF-8, and is read as cp1252; pass --encoding utf-8 if it is" in given
