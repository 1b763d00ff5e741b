"""A run that is stopped or killed half-way and resumed ends with the bytes of one that was not."""

from __future__ import annotations

import json
import math
import re
import shlex
import shutil
import signal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cli_runs import Result, ended, leftovers, metrics, model_sha256, run, start, together, wait_for_evaluation
from conftest import TEXT, Shelf, write_inputs

from rnncli.nn import model_file

# Long enough that a signal sent at its first saved state arrives long before its end.
LONG = """\
task: language-model
data: {path: long.txt}
model: {cell: lstm, hidden_size: 8, num_layers: 2, dropout: 0.2}
training: {epochs: 5, batch_size: 4, bptt: 16, schedule: cosine}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("resume")
    write_inputs(path)
    (path / "long.txt").write_text(TEXT * 22, encoding="utf-8")
    (path / "changed.txt").write_text(TEXT * 22 + "The end.\n", encoding="utf-8")
    (path / "long.yaml").write_text(LONG, encoding="utf-8")
    return path


def stopped_by(number: int, folder: Path, out: str) -> Result:
    with start("train", "long.yaml", "-o", out, cwd=folder) as process:
        wait_for_evaluation(process, folder / out)
        process.send_signal(number)
        return ended(process)


def killed_in_use(folder: Path) -> tuple[int, Result, Result]:
    """(its pid, what a second process was told while it lived, how it ended) of a run that kill -9 ends."""
    with start("train", "long.yaml", "-o", "killed", cwd=folder) as process:
        wait_for_evaluation(process, folder / "killed")
        process.send_signal(signal.SIGSTOP)  # it lives, and holds its lock
        try:
            second = run("train", "long.yaml", "-o", "killed", "--resume", cwd=folder)
        finally:
            process.kill()
        return process.pid, second, ended(process)


@pytest.fixture(scope="module")
def whole(folder: Path) -> tuple[Result, str]:
    """The run that nothing stops, and its model."""
    said = run("train", "long.yaml", "-o", "whole", cwd=folder).ok()
    return said, model_sha256(folder / "whole")


@pytest.fixture(scope="module")
def stops(folder: Path) -> dict[str, Result]:
    names = {"int": signal.SIGINT, "term": signal.SIGTERM}
    jobs = [partial(stopped_by, number, folder, name) for name, number in names.items()]
    return dict(zip(names, together(*jobs), strict=True))


@pytest.mark.parametrize(("name", "code"), [("int", 130), ("term", 143)])
def test_a_signal_saves_and_resuming_ends_as_if_it_had_not_come(
    name: str, code: int, folder: Path, stops: dict[str, Result], whole: tuple[Result, str]
) -> None:
    message = stops[name].failed(code)
    done, planned = (int(n.replace(",", "")) for n in re.findall(r"after update ([\d,]+) of ([\d,]+)", message)[0])
    assert 0 < done < planned
    last = metrics(folder / name)[-1]
    assert (last["step"], last["reason"]) == (done, "stopped")
    assert leftovers(folder / name) == set()
    assert stops[name].out == ""
    assert model_sha256(folder / name) != whole[1]

    advice = shlex.split(message.partition("go on with: ")[2])
    assert advice[0] == "rnncli"
    resumed = run(*advice[1:], cwd=folder).ok()
    assert f"resumed after {done:,}" in resumed.err
    assert model_sha256(folder / name) == whole[1]
    assert resumed.out == whole[0].out
    steps = [line["step"] for line in metrics(folder / name)]
    assert steps == sorted(set(steps))
    assert {line["step"] for line in metrics(folder / "whole")} <= set(steps)
    by_step = {line["step"]: line for line in metrics(folder / name)}
    for line in metrics(folder / "whole"):
        for key in ("valid_loss", "tokens", "grad_norm", "learning_rate", "improved"):
            assert by_step[line["step"]][key] == line[key], (line["step"], key)


@pytest.mark.long
def test_kill_leaves_a_state_to_go_on_from(folder: Path, whole: tuple[Result, str]) -> None:
    pid, second, killed = killed_in_use(folder)
    assert killed.code == -signal.SIGKILL
    message = second.refused(75)
    assert f"in use by process {pid}" in message
    resumed = run("train", "long.yaml", "-o", "killed", "--resume", cwd=folder).ok()
    assert "resumed after" in resumed.err
    assert model_sha256(folder / "killed") == whole[1]


def test_a_run_is_not_resumed_on_changed_data(folder: Path, whole: tuple[Result, str], tmp_path: Path) -> None:
    shutil.copytree(folder / "whole", tmp_path / "copy")
    message = run("train", "long.yaml", folder / "changed.txt", "-o", "copy", "--resume", cwd=tmp_path).refused(3)
    assert "changed since the run copy began" in message
    assert model_sha256(tmp_path / "copy") == whole[1]


def test_a_finished_run_stays_as_it_is(folder: Path, whole: tuple[Result, str], tmp_path: Path) -> None:
    shutil.copytree(folder / "whole", tmp_path / "copy")
    before = metrics(tmp_path / "copy")
    again = run("train", "long.yaml", "-o", "copy", "--resume", "-q", cwd=tmp_path).ok()
    assert again.out == whole[0].out
    assert model_sha256(tmp_path / "copy") == whole[1]
    assert metrics(tmp_path / "copy") == before


@pytest.mark.parametrize(("data", "kept"), [("validation=0", "last"), ("validation=0.1", "best")])
def test_a_finished_run_says_again_which_weights_are_kept(place: Path, data: str, kept: str) -> None:
    def report(*more: str) -> Any:
        shown = json.loads(run("train", "char.yaml", "-o", "run", "-f", "json", *more, cwd=place).ok().out)
        assert shown["kept"] == kept
        return {**json.loads((place / "run/report.json").read_text()), "ended": ""}

    assert report("--set", f"data.{data}") == report("--resume")


def test_a_run_out_of_patience_is_finished(place: Path) -> None:
    restless = ["training.learning_rate=0.5", "training.patience=2", "training.epochs=60"]
    settings = [part for setting in restless for part in ("--set", setting)]
    first = run("train", "char.yaml", "-o", "run", "-q", *settings, cwd=place).ok()
    before = metrics(place / "run")
    assert before[-1]["reason"] == "patience"
    again = run("train", "char.yaml", "-o", "run", "-q", "--resume", cwd=place).ok()
    assert metrics(place / "run") == before
    assert again.out == first.out


def test_a_run_that_was_killed_before_its_first_file_was_whole_starts_anew(place: Path) -> None:
    for name, more in (("new", []), ("again", ["--resume"])):
        (place / name).mkdir()
        (place / name / ".config.yaml.0123456789abcdef.tmp").write_text("task: lang")
        (place / name / ".lock").write_text("4711\n")
        said = run("train", "char.yaml", "-o", name, *more, cwd=place).ok()
        assert ("was killed before it had saved anything, and starts anew" in said.err) is bool(more)
        assert leftovers(place / name) == set()
    assert model_sha256(place / "new") == model_sha256(place / "again")
    (place / "left").mkdir()
    (place / "left" / ".config.yaml.4711").touch()
    assert "leave out --resume to start anew" in run("train", "-o", "left", "--resume", cwd=place).refused(2)


def test_nothing_to_resume(place: Path) -> None:
    (place / "empty").mkdir()
    fresh, empty, unnamed = together(
        partial(run, "train", "char.yaml", "-o", "nosuch", "--resume", cwd=place),
        partial(run, "train", "char.yaml", "-o", "empty", "--resume", cwd=place),
        partial(run, "train", "char.yaml", "--resume", cwd=place),
    )
    assert "nosuch" in fresh.refused(2)
    assert not (place / "nosuch").exists()
    assert "empty" in empty.refused(2)
    assert "-o RUN" in unnamed.refused(2)


def test_resuming_cannot_change_what_decides_the_result(folder: Path, whole: tuple[Result, str]) -> None:
    """A run of one seed, dropout or batch size must not silently go on as, or be labelled as, another."""
    changes = ["model.dropout=0.5", "training.seed=7", "training.batch_size=2"]
    for change in changes:
        shutil.copytree(folder / "whole", folder / change)

    def resumed(change: str) -> Result:
        return run("train", "long.yaml", "-o", change, "--resume", "-q", "--set", change, cwd=folder)

    for change, result in zip(changes, together(*(partial(resumed, change) for change in changes)), strict=True):
        assert result.code in (2, 4), f"--set {change}: {result}"
        assert model_sha256(folder / change) == whole[1], change


# A config that changes between two starts, and a run that goes on after its end.

FIXED = {"model.hidden_size": "16", "model.dropout": "0.5", "data.validation": "0.3", "training.seed": "8"}


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run of two epochs, `first`. Read only."""
    path = tmp_path_factory.mktemp("again")
    write_inputs(path)
    run("train", "char.yaml", "-o", "first", "-q", "--set", "training.threads=1", cwd=path).ok()
    return path


def copy_of(short: Path, tmp_path: Path) -> Path:
    shutil.copytree(short / "first", tmp_path / "run")
    return tmp_path / "run"


def report_of(copy: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((copy / "report.json").read_text())
    return report


def edited(config: Path, key: str, value: str) -> None:
    """Change a key in a run's config.yaml, as with an editor."""
    name, text = key.partition(".")[2], config.read_text()
    new = re.sub(rf"^  {name}: .*$", f"  {name}: {value}", text, flags=re.MULTILINE)
    assert new != text
    config.write_text(new)


def test_an_edit_of_what_cannot_change_is_refused_by_key(short: Path, tmp_path: Path) -> None:
    copy = copy_of(short, tmp_path)
    for key, value in FIXED.items():
        edited(copy / "config.yaml", key, value)
    before = model_sha256(copy)
    message = run("train", "-o", "run", "--resume", cwd=tmp_path).refused(2, mistakes=len(FIXED))
    for (key, value), line in zip(sorted(FIXED.items()), sorted(message.splitlines()), strict=True):
        assert line.startswith(f"run/config.yaml: {key} is {value}, and the run began with "), line
        assert "put that back" in line
    assert model_sha256(copy) == before


def test_the_message_on_a_set_key_names_it(short: Path, tmp_path: Path) -> None:
    copy_of(short, tmp_path)
    message = run("train", "-o", "run", "--resume", "--set", "model.hidden_size=9", cwd=tmp_path).refused(2)
    assert message == ("--set model.hidden_size=9: the run began with 8; leave it out, or start a new run with it")


@pytest.mark.parametrize("by", ["an edit", "--set"])
def test_a_run_goes_on_for_longer_at_the_rate_of_a_longer_schedule(by: str, short: Path, tmp_path: Path) -> None:
    copy = copy_of(short, tmp_path)
    before, first = metrics(copy), report_of(copy)
    if by == "an edit":
        edited(copy / "config.yaml", "training.epochs", "6")
    changes = [] if by == "an edit" else ["--set", "training.epochs=6"]
    said = run("train", "-o", "run", "--resume", *changes, cwd=tmp_path).ok().err
    assert "resumed with training.epochs 6, was 2" in said
    after, done, total = metrics(copy), before[-1]["step"], 3 * before[-1]["step"]
    assert after[: len(before)] == before
    assert (after[-1]["step"], after[-1]["reason"]) == (total, "finished")
    for line in after[len(before) :]:  # of the update before it
        rate = 1e-2 * (1 + math.cos(math.pi * (line["step"] - 1) / total)) / 2
        assert line["learning_rate"] == pytest.approx(rate, rel=1e-6)
    assert f"the learning rate goes on at {1e-2 * (1 + math.cos(math.pi * done / total)) / 2:.3g}" in said
    second = report_of(copy)
    assert (second["steps"], second["config"]["training"]["epochs"]) == (total, 6)
    assert second["best_loss"] <= first["best_loss"]
    assert "epochs: 6" in (copy / "config.yaml").read_text()
    assert "finished" in run("train", "-o", "run", "--resume", cwd=tmp_path).ok().err


def test_best_weights_remain_until_others_are_better(short: Path, tmp_path: Path) -> None:
    copy = copy_of(short, tmp_path)
    before = model_sha256(copy)
    harm = ["--set", "training.epochs=3", "--set", "training.learning_rate=9.0"]
    said = run("train", "-o", "run", "--resume", *harm, cwd=tmp_path).ok().err
    assert "resumed with training.learning_rate 9.0, was 0.01" in said
    assert metrics(copy)[-1]["epoch"] == 3
    assert model_sha256(copy) == before


def test_going_on_in_two_parts_ends_with_the_same_bytes_on_any_threads(short: Path, tmp_path: Path) -> None:
    def gone_on(name: str, *more: str) -> str:
        shutil.copytree(short / "first", tmp_path / name)
        run("train", "-o", name, "--resume", "-q", "--set", "training.epochs=4", *more, cwd=tmp_path).ok()
        return model_sha256(tmp_path / name)

    assert gone_on("one") == gone_on("two", "--set", "training.threads=2")


@pytest.mark.thorough
def test_max_time_goes_on_with_a_finished_run(short: Path, tmp_path: Path) -> None:
    copy = copy_of(short, tmp_path)
    done = metrics(copy)[-1]["step"]
    run("train", "-o", "run", "--resume", "--max-time", "1s", "-q", cwd=tmp_path).ok()
    once = metrics(copy)[-1]["step"]
    assert once > done
    assert "max_time: null" in (copy / "config.yaml").read_text()  # or it would limit what is made from it later
    assert json.loads((copy / "report.json").read_text())["config"]["training"]["max_time"] is None
    run("train", "-o", "run", "--resume", "--max-time", "1s", "-q", cwd=tmp_path).ok()  # for another second
    twice = metrics(copy)[-1]["step"]
    assert twice > once
    run("train", "-o", "run", "--resume", "-q", cwd=tmp_path).ok()  # it is finished, and no limit is a change
    assert metrics(copy)[-1]["step"] == twice
    edited = (copy / "config.yaml").read_text().replace("max_time: null", "max_time: 1s")
    (copy / "config.yaml").write_text(edited)
    assert "resumed with training.max_time 1s" in run("train", "-o", "run", "--resume", cwd=tmp_path).ok().err
    assert "max_time: 1s" in (copy / "config.yaml").read_text()  # which is for all that is made from it


def test_a_finished_run_says_how_to_go_on_and_refuses_fewer_epochs(short: Path, tmp_path: Path) -> None:
    copy = copy_of(short, tmp_path)
    said = run("train", "-o", "run", "--resume", cwd=tmp_path).ok().err
    advice = re.search(r"go on for longer with: rnncli (.*) \(or", said)
    assert advice is not None
    fewer = run("train", "-o", "run", "--resume", "--set", "training.epochs=1", cwd=tmp_path)
    assert "the run has had 2; name more" in fewer.failed(2)
    run(*shlex.split(advice[1]), cwd=tmp_path).ok()
    assert metrics(copy)[-1]["epoch"] == 4


def test_a_state_without_a_config_goes_on_and_its_config_changes_by_the_same_rule(short: Path, tmp_path: Path) -> None:
    copy = copy_of(short, tmp_path)
    arrays, header = model_file.read(copy / "state.safetensors")
    older = {key: value for key, value in header.items() if key not in ("config", "began_from")}
    model_file.write(copy / "state.safetensors", arrays, older)
    before = model_sha256(copy)
    assert "--set model.dropout=0.5" in run(
        "train", "-o", "run", "--resume", "--set", "model.dropout=0.5", cwd=tmp_path
    ).refused(2)
    run("train", "-o", "run", "--resume", "-q", cwd=tmp_path).ok()
    assert model_sha256(copy) == before
    model_file.write(copy / "state.safetensors", arrays, older)
    said = run("train", "-o", "run", "--resume", "--set", "training.epochs=3", cwd=tmp_path).ok().err
    assert "resumed with training.epochs 3, was 2" in said
    assert metrics(copy)[-1]["epoch"] == 3


def test_a_cross_validated_run_keeps_its_length(tmp_path: Path) -> None:
    (tmp_path / "notes.csv").write_text(
        "text,label\n" + "".join(f"{'ab'[i % 2]} {i},{'xy'[i % 2]}\n" for i in range(40))
    )
    (tmp_path / "c.yaml").write_text(
        "task: classify\ndata: {path: notes.csv, residual: none}\nmodel: {hidden_size: 4, num_layers: 1}\n"
        "training: {epochs: 2, seeds: 1}\n"
    )
    run("train", "c.yaml", "-o", "run", "-q", cwd=tmp_path).ok()
    for change in (["--set", "training.epochs=9"], ["--max-time", "1s"]):
        refused = run("train", "-o", "run", "--resume", *change, cwd=tmp_path).failed(2)
        assert "cannot change in a cross-validated run" in refused
    assert "is finished" in run("train", "-o", "run", "--resume", cwd=tmp_path).ok().err


@pytest.mark.long
def test_the_advice_after_a_stop_works_for_standard_input_and_spaces(tmp_path: Path) -> None:
    (tmp_path / "data.txt").write_text(TEXT * 22, encoding="utf-8")
    small = [
        "--set",
        "model.hidden_size=8",
        "--set",
        "training.epochs=5",
        "--set",
        "training.batch_size=4",
        "--set",
        "training.bptt=16",
    ]
    with (
        open(tmp_path / "data.txt", "rb") as data,
        start("train", "-", "-o", "my run", *small, cwd=tmp_path, stdin=data) as process,
    ):
        wait_for_evaluation(process, tmp_path / "my run")
        process.send_signal(signal.SIGINT)
        message = ended(process).failed(130)
    advice = shlex.split(message.partition("go on with: ")[2])
    resumed = run(*advice[1:], cwd=tmp_path, stdin=TEXT * 22).ok()
    assert "resumed after" in resumed.err
    assert metrics(tmp_path / "my run")[-1]["reason"] == "finished"


# Every file that a config names, relative ones beside the config.

ROWS, LATER = (
    "day,sales,open\n" + "".join(f"{start + day},{day % 7 + day / 10},{day % 2}\n" for day in range(40))
    for start in (1001, 1041)
)
SERIES = "time: day, target: sales, known_covariates: open, horizon: 3, context: 4, season: 7"
FILES = {"future": "day,open\n1041,1\n1042,0\n1043,1\n", "validation": LATER, "test": LATER}


@pytest.mark.parametrize("key", FILES)
def test_a_relative_file_is_found_beside_the_config_and_its_change_noticed(key: str, tmp_path: Path) -> None:
    there = tmp_path / "elsewhere"
    there.mkdir()
    (there / "rows.csv").write_text(ROWS)
    (there / f"{key}.csv").write_text(FILES[key])
    (there / "c.yaml").write_text(
        f"task: forecast\ndata: {{path: rows.csv, {key}: {key}.csv, {SERIES}}}\n"
        "model: {hidden_size: 4}\ntraining: {epochs: 1}\n"
    )
    arguments = ["train", "elsewhere/c.yaml", "-q", "-o", "run"]
    run(*arguments, cwd=tmp_path).ok()
    run(*arguments, "--resume", cwd=tmp_path).ok()
    (there / f"{key}.csv").write_text(FILES[key].removesuffix("1\n") + "0\n")
    assert "the data changed since the run" in run(*arguments, "--resume", cwd=tmp_path).failed(3)


def test_a_resume_without_o_names_the_whole_command(shelf: Shelf) -> None:
    refused = run("train", "--resume", "char", cwd=shelf.folder).refused(2)
    assert refused == "--resume goes on with the run of -o: rnncli train --resume -o char"
    assert run("train", "--resume", cwd=shelf.folder).refused(2).endswith("rnncli train --resume -o RUN")
