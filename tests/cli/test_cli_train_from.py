"""train --from RUN: a new run that starts from the weights of another, with all that it knows, for every task."""

from __future__ import annotations

import json
import math
import shutil
import signal
from pathlib import Path

import pytest
from cli_runs import Stops, ended, metrics, model_sha256, run, start, wait_for_evaluation
from conftest import SALES, TEXT

from rnncli.nn import model_file

TINY = "model: {hidden_size: 4, num_layers: 1}\ntraining: {epochs: 2, batch_size: 8, threads: 1}\n"
WORDS, MORE = ("red", "green", "blue"), ("red", "blue", "grey")


def lines(words: tuple[str, ...], line: str, count: int = 60) -> str:
    return "".join(line.format(words[i % 3], words[(i // 3) % 3], "xyz"[i % 3]) + "\n" for i in range(count))


# By task: its data, other data with tokens or labels that the first lack, keys of `data`, what is told of them.
TASKS = {
    "language-model": (TEXT, "Quiz!\n" + TEXT, "", "5 tokens are new to the model, and start with new weights"),
    "forecast": (SALES, SALES.replace("\n20", "\n21"), ", horizon: 3, context: 12", ""),
    "classify": (
        "text,label\n" + lines(WORDS, "{} and {},{}"),
        "text,label\n" + lines(MORE, "{} and {},{}") + "grey,unheard\n",
        ", validation: 0.2",
        'an answer that the model does not know, "unheard" the first',
    ),
    "regress": (
        "text,label\n" + "".join(f"{WORDS[i % 3]} one,{i % 3}.5\n" for i in range(60)),
        "text,label\n" + "".join(f"{MORE[i % 3]} one,{i % 3}.25\n" for i in range(60)),
        ", validation: 0.2",
        "not in the vocabulary",
    ),
    "tag": (
        lines(WORDS, "{0} N\n{1} {2}\n"),
        lines(MORE, "{0} N\n{1} {2}\n"),
        ", validation: 0.2",
        "not in the vocabulary",
    ),
    "seq2seq": (
        "source\ttarget\n" + lines(WORDS, "{} {}\t{}"),
        "source\ttarget\n" + lines(MORE, "{} {}\t{}"),
        ", validation: 0.2, tokens: word",
        "tokens of the sources to train on",
    ),
    "caption": (
        "a,b,text\n" + "".join(f"{i % 5},{i % 3},{WORDS[i % 3]}\n" for i in range(60)),
        "a,b,text\n" + "".join(f"{i % 5},{i % 3},{MORE[i % 3]}\n" for i in range(60)),
        ", validation: 0.2, tokens: word",
        "tokens of the targets to train on",
    ),
}
ENDINGS = {"language-model": "txt", "seq2seq": "tsv", "tag": "conll"}


def files(task: str, folder: Path) -> tuple[str, str]:
    """The names of the data and of the other data, beside a config c.yaml."""
    ending = ENDINGS.get(task, "csv")
    first, other, keys, _ = TASKS[task]
    (folder / f"data.{ending}").write_text(first)
    (folder / f"other.{ending}").write_text(other)
    (folder / "c.yaml").write_text(f"task: {task}\ndata: {{path: data.{ending}{keys}}}\n{TINY}")
    return f"data.{ending}", f"other.{ending}"


@pytest.mark.parametrize("task", TASKS)
def test_a_run_starts_from_the_weights_and_the_knowledge_of_another(task: str, tmp_path: Path) -> None:
    _, other = files(task, tmp_path)
    run("train", "c.yaml", "-o", "first", "-q", cwd=tmp_path).ok()
    still = ["--set", "training.learning_rate=1e-30", "--set", "training.epochs=1"]
    said = run("train", "--from", "first", other, "-o", "second", *still, cwd=tmp_path).ok().err
    assert TASKS[task][3] in said
    assert "the weights of first" in said
    (first, known), (second, knows) = (
        model_file.read(tmp_path / name / "model.safetensors") for name in ("first", "second")
    )
    for name, array in first.items():
        if not name.startswith(("panel", "windows", "errors")):  # the end of the series, and of its validation
            assert name not in second or array.shape != second[name].shape or (array == second[name]).all(), name
    if task == "language-model":  # which takes new tokens, behind those that it knows
        tokens = knows["vocabulary"]["tokens"]
        knows["vocabulary"]["tokens"] = tokens[: len(known["vocabulary"]["tokens"])]
        assert len(tokens) == len(known["vocabulary"]["tokens"]) + 5
    for key in ("vocabulary", "encoder", "source", "target", "encoders"):
        assert known.get(key) == knows.get(key), key
    run("evaluate", "second", cwd=tmp_path).ok()


@pytest.mark.parametrize("task", ["language-model", "classify", "tag", "seq2seq"])
def test_the_encoding_of_other_data_is_found_as_without_a_run(task: str, tmp_path: Path) -> None:
    name, other = files(task, tmp_path)
    mostly = TASKS[task][1].replace("red", "rosé").replace("Quiz", "Qüiz")
    (tmp_path / other).write_bytes(mostly.encode("cp1252"))
    still = ["--set", "training.epochs=1"]
    run("train", "c.yaml", "-o", "first", "-q", cwd=tmp_path).ok()
    assert "is read as cp1252" in run("train", "--from", "first", other, "-o", "west", *still, cwd=tmp_path).ok().err
    config = tmp_path / "west/config.yaml"
    assert "encoding: cp1252" in config.read_text()
    run("train", "--from", "west", "-o", "same", *still, cwd=tmp_path).ok()
    run("train", "--from", "west", name, "-o", "back", *still, cwd=tmp_path).ok()
    assert "encoding: utf-8" in (tmp_path / "back/config.yaml").read_text()
    named = ["--from", "west", name, "-o", "named", "--encoding", "latin-1"]
    run("train", *named, *still, cwd=tmp_path).ok()
    assert "encoding: latin-1" in (tmp_path / "named/config.yaml").read_text()


@pytest.mark.long
def test_the_same_seed_gives_the_same_bytes_and_so_does_a_resumed_run(tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_text(TEXT * 22)
    files("language-model", tmp_path)
    run("train", "c.yaml", "-o", "first", "-q", cwd=tmp_path).ok()
    again = ["train", "--from", "first", "long.txt", "--set", "training.epochs=6"]
    run(*again, "-o", "whole", "-q", cwd=tmp_path).ok()
    run(*again, "-o", "threads", "-q", "--set", "training.threads=2", cwd=tmp_path).ok()
    assert model_sha256(tmp_path / "whole") == model_sha256(tmp_path / "threads")
    with start(*again, "-o", "stopped", cwd=tmp_path) as process:
        wait_for_evaluation(process, tmp_path / "stopped")
        process.send_signal(signal.SIGINT)
        ended(process).failed(130)
    shutil.rmtree(tmp_path / "first")  # the new run knows all that it needs
    run("train", "-o", "stopped", "--resume", "-q", cwd=tmp_path).ok()
    assert model_sha256(tmp_path / "stopped") == model_sha256(tmp_path / "whole")


def test_it_begins_where_the_other_ended(tmp_path: Path) -> None:
    name, _ = files("language-model", tmp_path)
    run("train", "c.yaml", "-o", "first", "-q", "--set", "training.epochs=20", cwd=tmp_path).ok()
    run("train", "--from", "first", "-o", "second", "-q", "--set", "training.epochs=1", cwd=tmp_path).ok()
    run("train", "c.yaml", name, "-o", "new", "-q", "--set", "training.epochs=1", cwd=tmp_path).ok()
    beginning = metrics(tmp_path / "second")[0]
    assert (beginning["step"], beginning["train_loss"], beginning["grad_norm"]) == (0, None, None)
    assert beginning["valid_loss"] == min(line["valid_loss"] for line in metrics(tmp_path / "first"))
    trained = {name: metrics(tmp_path / name) for name in ("first", "second", "new")}
    ends = {name: next(line["train_loss"] for line in lines if line["step"]) for name, lines in trained.items()}
    assert ends["second"] < ends["new"]
    assert ends["second"] < ends["first"]


@pytest.mark.parametrize("task", ["language-model", "forecast"])
def test_a_run_that_only_makes_them_worse_keeps_the_weights_that_it_began_with(
    task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files(task, tmp_path)
    run("train", "c.yaml", "-o", "first", "-q", "--set", "training.epochs=9", cwd=tmp_path).ok()
    harm = ["--from", "first", "--set", "training.learning_rate=9.0", "--set", "training.schedule=constant"]
    said = run("train", *harm, "-o", "second", cwd=tmp_path).ok()
    assert "best are the weights that it began with" in said.err
    assert json.loads((tmp_path / "second" / "report.json").read_text())["best_step"] == 0
    (known, _), (kept, _) = (model_file.read(tmp_path / name / "model.safetensors") for name in ("first", "second"))
    assert known.keys() == kept.keys()
    assert all((known[name] == kept[name]).all() for name in known)
    lines = metrics(tmp_path / "second")
    assert [line["step"] for line in lines if line["improved"]] == [0]
    Stops(monkeypatch).set(1)
    run("train", *harm, "-o", "stopped", cwd=tmp_path).failed(130)
    monkeypatch.undo()
    run("train", "-o", "stopped", "--resume", cwd=tmp_path).ok()
    assert model_sha256(tmp_path / "stopped") == model_sha256(tmp_path / "second")
    assert metrics(tmp_path / "stopped")[0] | {"seconds": 0} == lines[0] | {"seconds": 0}


@pytest.mark.parametrize("damaged", ["model.safetensors", "state.safetensors"])
def test_a_damaged_run_is_no_start(damaged: str, tmp_path: Path) -> None:
    files("language-model", tmp_path)
    run("train", "c.yaml", "-o", "first", "-q", cwd=tmp_path).ok()
    path = tmp_path / "first" / damaged
    whole = path.read_bytes()
    for content in (whole[:-9], whole[:-40] + bytes([whole[-40] ^ 1]) + whole[-39:], b"", b"text"):
        path.write_bytes(content)
        message = run("train", "--from", "first", "-o", "second", cwd=tmp_path).failed(4)
        assert message.startswith(f"first/{damaged}: ")
        assert not (tmp_path / "second").exists()


def test_what_makes_no_sense_is_refused(tmp_path: Path) -> None:
    _, other = files("classify", tmp_path)
    run("train", "c.yaml", "-o", "first", "-q", cwd=tmp_path).ok()
    (tmp_path / "none.csv").write_text("text,label\n" + "".join(f"red {i},new\n" for i in range(30)))

    def refused(*arguments: str) -> str:
        result = run("train", "--from", "first", *arguments, cwd=tmp_path)
        assert result.code in (2, 3), result
        return "\n".join(result.errors)

    assert "the weights of first have their network" in refused(other, "--set", "model.hidden_size=5")
    assert "leave it out to go on with --resume" in refused("-o", "first", "--resume")
    assert "DATA alone" in refused("c.yaml")
    assert "data.folds" in refused(other, "--set", "data.folds=3")
    assert "no sequences with answers that the model knows" in refused("none.csv", "-o", "none")
    assert "no run directory" in run("train", "--from", "c.yaml", other, cwd=tmp_path).refused(2)
    for lost in ("model.safetensors", "state.safetensors"):
        (tmp_path / "first" / lost).unlink()
        assert f"--from first: has no {lost}" in refused(other, "-o", f"without-{lost}")


def test_folds_are_left_out_and_the_baseline_that_is_corrected_is_kept(tmp_path: Path) -> None:
    files("classify", tmp_path)
    (tmp_path / "c.yaml").write_text(
        f"task: classify\ndata: {{path: data.csv, residual: naive-bayes, tokens: word}}\n{TINY}"
    )
    run("train", "c.yaml", "-o", "first", "-q", cwd=tmp_path).ok()
    said = run("train", "--from", "first", "other.csv", "-o", "second", cwd=tmp_path).ok().err
    assert "a tenth is held out in place of cross-validation" in said
    known, knows = (model_file.read(tmp_path / name / "model.safetensors")[1] for name in ("first", "second"))
    assert known["answers"] == knows["answers"]
    assert math.isfinite(metrics(tmp_path / "second")[-1]["train_loss"])


def test_nothing_is_held_out_of_data_that_a_cross_validated_run_was_trained_on(tmp_path: Path) -> None:
    _, other = files("regress", tmp_path)
    config = (tmp_path / "c.yaml").read_text().replace(", validation: 0.2", "")
    (tmp_path / "c.yaml").write_text(config)
    run("train", "c.yaml", "-o", "first", "-q", cwd=tmp_path).ok()
    said = run("train", "--from", "first", "-o", "second", cwd=tmp_path).ok().err
    assert "nothing is held out: after its cross-validation first was trained on all of these data" in said
    assert json.loads((tmp_path / "second/report.json").read_text())["score"] is None
    run("evaluate", "second", cwd=tmp_path).refused(2)
    kept = ["--set", "data.validation=0.2", "-o", "third"]
    assert "100% of what would be held out" in run("train", "--from", "first", *kept, cwd=tmp_path).failed(2)
    run("train", "--from", "first", other, *kept, "-q", cwd=tmp_path).ok()


LEFT_OUT = ", or hold out nothing: --set data.validation=0 --set data.test=0"


QUICK = ("language-model", "forecast", "classify")


@pytest.mark.parametrize(
    "task", [task if task in QUICK else pytest.param(task, marks=pytest.mark.long) for task in TASKS]
)
def test_what_a_run_was_trained_on_is_not_held_out(task: str, tmp_path: Path) -> None:
    name, _ = files(task, tmp_path)
    apart = [] if task in ("language-model", "forecast") else ["--set", "data.group=none"]
    run("train", "c.yaml", "-o", "first", "-q", "--set", "data.validation=0.2", *apart, cwd=tmp_path).ok()
    moved = ["--set", "data.validation=0.2", "--set", "data.test=0.2"]
    refused = run("train", "--from", "first", "-o", "second", *moved, cwd=tmp_path).failed(2)
    assert f"; leave out {' '.join(moved)}{LEFT_OUT}" in refused
    assert not (tmp_path / "second").exists()
    for fewer in (["--set", "data.validation=0"], moved[:2]):  # nothing, or what it held out
        run("train", "--from", "first", "-o", f"with{fewer[1]}", "-q", *fewer, cwd=tmp_path).ok()
    whole = (tmp_path / name).read_text()
    rows = whole.splitlines(keepends=True)
    more = {"language-model": whole, "forecast": "2011-01,400\n"}.get(task, "".join(rows[1:]))
    (tmp_path / f"grown-{name}").write_text(whole + more)
    grown = run("train", "--from", "first", f"grown-{name}", "-o", "third", cwd=tmp_path)
    if task in ("language-model", "forecast"):  # of which the newest is held out
        grown.ok()
    else:
        assert f"; name a file of what is new alone{LEFT_OUT}" in grown.failed(2)


MAY_FLATTER = "what is held out may be what first was trained on"


def test_held_out_rows_of_changed_data_are_doubted_where_they_may_have_been_trained_on(tmp_path: Path) -> None:
    name, _ = files("forecast", tmp_path)
    rows = SALES.splitlines(keepends=True)
    run("train", "c.yaml", "-o", "first", "-q", "--set", "data.validation=0.2", cwd=tmp_path).ok()
    for number, (changed, place, doubted) in enumerate(
        (
            (rows[:1] + rows[9:], "moved.csv", True),  # the oldest rows are gone
            (rows[:90], name, True),
            ([*rows[:5], rows[5].strip() + "9\n", *rows[6:]], "corrected.csv", True),
            ([row.replace("20", "21", 1) for row in rows], "later.csv", False),
        )
    ):
        (tmp_path / place).write_text("".join(changed))
        done = run("train", "--from", "first", place, "-o", f"next-{number}", "-q", cwd=tmp_path).ok()
        assert (MAY_FLATTER in done.err) == doubted, place


def test_other_data_at_the_place_of_those_of_the_run_are_doubted(tmp_path: Path) -> None:
    name, other = files("classify", tmp_path)
    run("train", "c.yaml", "-o", "first", "-q", cwd=tmp_path).ok()
    assert MAY_FLATTER not in run("train", "--from", "first", other, "-o", "second", cwd=tmp_path).ok().err
    (tmp_path / name).write_bytes((tmp_path / other).read_bytes())
    assert f"{name}: {MAY_FLATTER}" in run("train", "--from", "first", "-o", "third", "-q", cwd=tmp_path).ok().err
    fewer = ["--set", "data.validation=0"]
    assert MAY_FLATTER not in run("train", "--from", "first", "-o", "fourth", *fewer, cwd=tmp_path).ok().err
