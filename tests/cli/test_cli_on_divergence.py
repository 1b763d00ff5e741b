"""training.on_divergence: halve, for every task: a rate that is too high is halved, and a resumed run stays exact."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
from cli_runs import Result, Stops, metrics, model_sha256, run
from test_cli_train_from import files

from rnncli.nn import model_file
from rnncli.workflows.run_directory import RunDirectory

# Of an identity nothing limits the output, so that a step too far is a step out of all bounds.
WILD = """\
model: {{cell: rnn, activation: identity, hidden_size: 4, num_layers: 1}}
training: {{epochs: 8, batch_size: 8, threads: 1, optimizer: sgd, clip_norm: null, on_divergence: halve, {more}}}
"""
# By what is trained: its task, keys of data and training.
KINDS = {
    "language-model": ("language-model", "", "learning_rate: 1.2, updates: 20"),
    "forecast": ("forecast", "", "learning_rate: 2, seeds: 2"),
    "classify": ("classify", "", "learning_rate: 30"),
    "folds": ("classify", ", folds: 3, residual: none", "learning_rate: 9, schedule: step"),
    "regress": ("regress", "", "learning_rate: 1, schedule: plateau"),
    "tag": ("tag", "", "learning_rate: 1"),
    "seq2seq": ("seq2seq", "", "learning_rate: 3e5, seeds: 2, weight_averaging: 0.9"),
    "caption": ("caption", "", "learning_rate: 4, patience: 9"),
}
QUICK = ("language-model", "forecast")


def wild(kind: str, folder: Path) -> None:
    """A config c.yaml, whose learning rate is too high."""
    task, data, training = KINDS[kind]
    files(task, folder)
    tame = (folder / "c.yaml").read_text().partition("model:")[0]
    if "folds" in data:
        tame = tame.replace(", validation: 0.2", "")
    (folder / "c.yaml").write_text(tame.replace("}", f"{data}}}") + WILD.format(more=training))


def copied_at_states(monkeypatch: pytest.MonkeyPatch, folder: Path) -> list[Path]:
    """Where the run directory is copied to, whenever its state was written: what a kill would leave then."""
    copies: list[Path] = []
    write = RunDirectory.write_state

    def writing(self: RunDirectory, *arguments: Any, **more: Any) -> None:
        write(self, *arguments, **more)
        copies.append(folder / f"killed-{len(copies)}")
        shutil.copytree(self.path, copies[-1], ignore=shutil.ignore_patterns(".lock"))

    monkeypatch.setattr(RunDirectory, "write_state", writing)
    return copies


def notes_of(path: Path) -> list[str]:
    return [text for line in metrics(path) for text in line.get("notes", [])]


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[] if kind in QUICK else pytest.mark.thorough) for kind in KINDS]
)
def test_a_run_that_is_stopped_or_killed_around_a_halving_ends_as_one_that_was_not(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wild(kind, tmp_path)
    with monkeypatch.context() as patch:
        killed = copied_at_states(patch, tmp_path)
        whole = run("train", "c.yaml", "-o", "whole", cwd=tmp_path).ok()
    wanted, told = model_sha256(tmp_path / "whole"), notes_of(tmp_path / "whole")
    told_on_stderr = [line for line in whole.err.splitlines() if "training diverged" in line]
    assert told
    assert all(f"rnncli: {text}" in told_on_stderr for text in told)
    assert all("with half the learning rate" in text for text in told)

    def ends_alike(name: str, resumed: Result) -> None:
        assert model_sha256(tmp_path / name) == wanted, name
        assert resumed.ok().out == whole.out, name
        assert notes_of(tmp_path / name) == told, name
        steps = [line["step"] for line in metrics(tmp_path / name)]
        assert steps == sorted(steps), name

    for path in killed[1 : len(killed) : max(1, len(killed) // 4)]:
        ends_alike(path.name, run("train", "-o", path.name, "--resume", cwd=tmp_path))
    stops = Stops(monkeypatch)
    updates = metrics(tmp_path / "whole")[-1]["step"]
    for after in (2, 3, updates // 2 + 1):
        stops.set(after)
        name = f"stopped-{after}"
        run("train", "c.yaml", "-o", name, cwd=tmp_path).failed(130)
        stops.set(1)
        run("train", "-o", name, "--resume", cwd=tmp_path).failed(130)
        stops.set(0)
        ends_alike(name, run("train", "-o", name, "--resume", cwd=tmp_path))


def test_the_result_does_not_depend_on_threads(tmp_path: Path) -> None:
    wild("forecast", tmp_path)
    found = set()
    for threads in range(1, 5):
        run("train", "c.yaml", "-o", f"{threads}", "-q", "--set", f"training.threads={threads}", cwd=tmp_path).ok()
        found.add((model_sha256(tmp_path / f"{threads}"), *notes_of(tmp_path / f"{threads}")))
    assert len(found) == 1


@pytest.mark.plots
def test_a_run_that_diverged_goes_on_by_the_mend_that_it_names(tmp_path: Path) -> None:
    wild("language-model", tmp_path)
    message = run("train", "c.yaml", "-o", "run", "--set", "training.on_divergence=stop", cwd=tmp_path).failed(6)
    assert "lower training.learning_rate, set training.clip_norm or halve" in message
    mend = shlex.split(message.partition("happens with ")[2].partition(";")[0])
    command = shlex.join(["rnncli", "train", "-o", "run", "--resume", *mend])
    for line in ("report run", "predict run", "evaluate run", "plot run -o p.svg", "check run"):
        said = run(*line.split(), cwd=tmp_path).refused(2)
        assert said == f"run: training diverged; go on with half the learning rate: {command}"
    run(*shlex.split(command)[1:], cwd=tmp_path).ok()
    first, *others = notes_of(tmp_path / "run")
    assert first == "resumed with training.on_divergence halve, was stop"
    assert others
    assert all("training diverged" in text for text in others)
    assert (tmp_path / "run" / "report.json").exists()


def test_what_no_rate_helps_ends_with_exit_code_6(tmp_path: Path) -> None:
    wild("language-model", tmp_path)
    message = run("train", "c.yaml", "-o", "run", "--set", "training.learning_rate=1e30", cwd=tmp_path).failed(6)
    assert "the learning rate was halved 10 times before; lower training.learning_rate" in message
    assert "on_divergence" not in message


def test_where_nothing_diverges_the_bytes_are_the_same(tmp_path: Path) -> None:
    files("language-model", tmp_path)
    for name in ("stop", "halve"):
        run("train", "c.yaml", "-o", name, "-q", "--set", f"training.on_divergence={name}", cwd=tmp_path).ok()
    assert model_sha256(tmp_path / "stop") == model_sha256(tmp_path / "halve")
    (_, header), (_, halving) = (model_file.read(tmp_path / name / "state.safetensors") for name in ("stop", "halve"))
    assert header["position"]["good"] == halving["position"]["good"] == {}
