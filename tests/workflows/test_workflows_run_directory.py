"""A run directory: locked, resumable, and never half written."""

from __future__ import annotations

import errno
import fcntl
import json
import math
import os
import threading
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnncli import safe_files
from rnncli.errors import MachineError, ModelFileError, RnncliError, RunInUseError, UsageError
from rnncli.nn import model_file
from rnncli.notes import noting
from rnncli.tasks.registry import load_run_config
from rnncli.training.plan import Plan, Position
from rnncli.training.reports import Evaluated, Figure
from rnncli.workflows import runs
from rnncli.workflows.opening import open_model
from rnncli.workflows.run_directory import RunDirectory
from rnncli.workflows.run_state import Began, Inputs
from rnncli.workflows.runs import is_locked

DAMAGED = (
    '{"step": 2, "tok',
    '{"step": 2}',
    '{"step": NaN, "tokens": 1}',
    '{"step": 1e999, "tokens": 1}',
    '{"step": 1' + "0" * 400 + ', "tokens": 1}',
    '{"step": "2", "tokens": 1}',
    '{"step": true, "tokens": 1}',
    '{"step": 2, "tokens": null}',
    "[" * 9999,
    "[2]",
    "\xff\0",
)
NEWER = ("best_gain", "top_gain", "top_margin")  # of a position than version 0.1


def line(step: int) -> Evaluated:
    return Evaluated(
        step=step,
        epoch=1,
        tokens=10 * step,
        seconds=0.5,
        train_loss=2.0,
        valid_loss=1.5,
        learning_rate=1e-3,
        grad_norm=0.1,
        tokens_per_second=20.0,
        improved=True,
        reason="scheduled",
    )


def steps(run: RunDirectory) -> list[int]:
    return [json.loads(text)["step"] for text in run.metrics.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize(("kind", "ends"), [(fcntl.LOCK_SH, False), (fcntl.LOCK_EX, True)])
def test_a_look_at_the_lock_does_not_end_a_training_that_starts_in_that_instant(
    tmp_path: Path, kind: int, ends: bool
) -> None:
    (tmp_path / "run").mkdir()
    with (tmp_path / "run/.lock").open("w") as looked_at:
        fcntl.flock(looked_at, kind)
        end = threading.Timer(0.1, lambda: fcntl.flock(looked_at, fcntl.LOCK_UN))
        end.start()
        with pytest.raises(RunInUseError) if ends else nullcontext(), RunDirectory.create(tmp_path / "run") as run:
            assert is_locked(run.path / ".lock")
        end.join()


def test_a_look_that_lasts_is_a_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "_LOOKS", 3)
    (tmp_path / "run").mkdir()
    with (tmp_path / "run/.lock").open("w") as looked_at:
        fcntl.flock(looked_at, fcntl.LOCK_SH)
        with pytest.raises(RunInUseError):
            RunDirectory.create(tmp_path / "run")


def test_one_process_at_a_time(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "run")
    with pytest.raises(RunInUseError, match=f"in use by process {os.getpid()}"):
        RunDirectory.create(tmp_path / "run")
    run.close()
    RunDirectory.create(tmp_path / "run").close()  # free again


def test_a_run_in_use_is_in_use_whatever_else_is_in_its_folder(tmp_path: Path) -> None:
    with RunDirectory.create(tmp_path / "run") as run:
        (run.path / "notes.txt").write_text("mine")
        with pytest.raises(RunInUseError, match=f"in use by process {os.getpid()}"):
            RunDirectory.create(run.path)


@pytest.mark.parametrize(("held", "way"), [("config.yaml", "; add --resume to go on, or "), ("notes.txt", "; ")])
def test_only_a_run_is_said_to_be_resumed(held: str, way: str, tmp_path: Path) -> None:
    (tmp_path / held).touch()
    with pytest.raises(UsageError, match=f"not empty{way}choose another"):
        RunDirectory.create(tmp_path)


def test_a_directory_with_something_in_it_is_left_alone_and_unlocked(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    for _ in range(2):  # the refusal holds no lock
        with pytest.raises(UsageError, match="not empty"):
            RunDirectory.create(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["notes.txt"]


def test_a_state_comes_back_as_it_was_even_before_any_best_loss(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "run")
    arrays = {"weights": np.arange(6, dtype=np.float32).reshape(2, 3)}
    position = Position(update=7, loss_sum=0.1 + 0.2, best_loss=math.inf, optimizer_powers=[0.9**7, 0.999**7])
    plan = Plan(updates=20, evaluations=10, learning_rate=2e-3, schedule="cosine", patience=None, kept_by="figure")
    run.write_state(arrays, position, plan, Inputs("abc", {"training.epochs": 3}, Began("first", False)))
    kept, again, same_plan, inputs = run.read_state()
    run.close()
    assert np.array_equal(kept["weights"], arrays["weights"])
    assert (again, same_plan) == (position, plan)
    assert inputs == Inputs("abc", {"training.epochs": 3}, Began("first", False))


def test_a_state_of_0_1_knows_no_figure_and_goes_on_by_the_loss(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "run")
    header = {
        "position": {k: v for k, v in asdict(Position(update=7, best_loss=0.5)).items() if k not in NEWER},
        "plan": {"updates": 20, "evaluations": 10, "learning_rate": 1.0, "schedule": "cosine", "patience": None},
        "data_sha256": "abc",
    }
    model_file.write(run.state, {"weights": np.zeros(2, np.float32)}, header)
    _, position, plan, inputs = run.read_state()
    run.close()
    assert (position.best_loss, position.best_gain, plan.kept_by) == (0.5, -math.inf, "loss")
    assert inputs == Inputs("abc")


def test_a_line_of_metrics_has_the_figure_and_its_name(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "run")
    run.append_metrics(line(1))
    run.append_metrics(replace(line(2), figure=Figure("accuracy", 0.75), valid_loss=None))
    run.close()
    first, second = (json.loads(text) for text in run.metrics.read_text(encoding="utf-8").splitlines())
    assert "figure" not in first
    assert "figure_name" not in first
    assert (second["figure"], second["figure_name"], second["valid_loss"]) == (0.75, "accuracy", None)


def test_a_damaged_state_is_refused(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "run")
    run.write_model({"weights": np.ones(3, np.float32)}, {"task": "language-model"})
    os.replace(run.model, run.state)  # a whole file, but of another kind
    with pytest.raises(ModelFileError, match="not a state"):
        run.read_state()
    run.close()


@pytest.mark.parametrize(
    "changes",
    [
        {"plan": {"evaluations": 0}},
        {"plan": {"updates": 0}},
        {"plan": {"updates": 2.0}},
        {"plan": {"learning_rate": -1.0}},
        {"plan": {"schedule": "nope"}},
        {"plan": {"since": 20}},
        {"plan": {"patience": True}},
        {"plan": 3},
        {"position": {"update": -1}},
        {"position": {"update": "7"}},
        {"position": {"tokens": 10**60}},
        {"position": {"optimizer_powers": [1.0]}},
        {"position": {"optimizer_powers": [1.5, 1.0]}},
        {"plan": {"warmup": 20, "ends": 21}},
        {"position": {"optimizer_powers": {"a": 1}}},
        {"position": {"plateau_factor": -0.5}},
        {"position": []},
        {"data_sha256": None},
        {"config": [1]},
        {"began_from": {"run": "x"}},
        {"began_from": "x"},
    ],
)
def test_a_state_of_numbers_that_no_run_has_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    run = RunDirectory(tmp_path)
    whole = {"position": asdict(Position(update=7, best_loss=0.5, best_gain=0.1, top_gain=0.1)), "data_sha256": "abc"}
    whole["plan"] = asdict(Plan(20, 10, 1.0, "cosine", None))
    model_file.write(run.state, {"weights": np.zeros(2, np.float32)}, whole)
    assert run.read_state().position.update == 7
    for key, change in changes.items():
        whole[key] = {**whole[key], **change} if key in ("position", "plan") and isinstance(change, dict) else change
    model_file.write(run.state, {"weights": np.zeros(2, np.float32)}, whole)
    with pytest.raises(ModelFileError, match="not a state"):
        run.read_state()


def test_lines_that_the_state_does_not_know_are_dropped(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "run")
    run.drop_metrics_after(3)  # before there is any line
    for step in (1, 2, 3, 4):
        run.append_metrics(line(step))
    with open(run.metrics, "a", encoding="utf-8") as file:
        file.write('{"step": 5, "epo')  # what a full disk leaves
    run.drop_metrics_after(3)
    run.append_metrics(line(4))
    run.close()
    assert steps(run) == [1, 2, 3, 4]


@pytest.mark.parametrize("content", ["{", "[]", '{"format": 1}', "null", '{"task": "tag", "shape": 3}'])
def test_a_damaged_report_is_refused_with_the_command_that_mends_it(tmp_path: Path, content: str) -> None:
    run = RunDirectory(tmp_path)
    assert run.read_report() is None
    run.report.write_text(content, encoding="utf-8")
    with pytest.raises(ModelFileError, match=r"report.json: .*rnncli train -o .* --resume"):
        run.read_report()


def test_a_run_that_lost_its_state_is_not_begun_anew_over_its_model(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    run.write_config("task: tag\n")
    RunDirectory.resume(tmp_path).close()  # nothing was trained yet
    run.append_metrics(line(1))
    with pytest.raises(ModelFileError, match=r"state.safetensors: is missing"):
        RunDirectory.resume(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.yaml", "metrics.jsonl"]


@pytest.mark.parametrize("content", [b"alias ls=rm\n", b"12345 and my notes\n"])
@pytest.mark.parametrize("kind", ["symlink_to", "hardlink_to"])
def test_a_lock_that_is_a_link_is_refused_and_nothing_is_truncated(tmp_path: Path, kind: str, content: bytes) -> None:
    (tmp_path / "mine").write_bytes(content)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.yaml").write_text("task: tag\n")
    getattr(tmp_path / "run" / ".lock", kind)(tmp_path / "mine")
    for take in (RunDirectory.create, RunDirectory.resume):
        with pytest.raises(MachineError, match=r"cannot use as a run directory: \.lock: (is a link|has a second name)"):
            take(tmp_path / "run")
    assert (tmp_path / "mine").read_bytes() == content


def test_a_file_called_lock_that_is_none_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / ".lock").write_bytes(b"the combination is 12\n")
    with pytest.raises(MachineError, match=r"\.lock: holds something else"):
        RunDirectory.create(tmp_path)
    assert (tmp_path / ".lock").read_bytes() == b"the combination is 12\n"


@pytest.mark.parametrize(
    ("number", "of_new", "of_old"),
    [
        (errno.ENOSPC, "free some space", "free some space"),
        (errno.EDQUOT, "free some space", "free some space"),
        (errno.EACCES, "choose another -o", "make it writable"),
        (errno.EROFS, "choose another -o", "make it writable"),
        (errno.EEXIST, "choose another -o", "check what it is"),
    ],
)
def test_a_folder_that_cannot_be_locked_is_told_with_what_helps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, of_new: str, of_old: str
) -> None:
    def refused(*of: object) -> int:
        raise OSError(number, os.strerror(number))

    (tmp_path / "config.yaml").write_text("task: tag\n")
    monkeypatch.setattr(safe_files, "open_own", refused)
    with pytest.raises(MachineError, match=f"{os.strerror(number).lower()}; {of_new}$"):
        RunDirectory.create(tmp_path)
    with pytest.raises(MachineError, match=f"{os.strerror(number).lower()}; {of_old}$"):
        RunDirectory.resume(tmp_path)


LEFT = (".config.yaml.4711", ".state.safetensors.0123456789abcdef.tmp", ".trial.safetensors", ".tmpq2W3e4", ".lock")


def test_what_a_killed_process_left_is_removed_by_the_next_one(tmp_path: Path) -> None:
    assert not RunDirectory(tmp_path).is_abandoned()  # an empty folder is nobody's
    for name in LEFT:
        (tmp_path / name).write_text("")
    assert RunDirectory(tmp_path).is_abandoned()
    run = RunDirectory.create(tmp_path)  # a kill before its config was written: it starts anew
    assert [entry.name for entry in tmp_path.iterdir()] == [".lock"]
    run.write_config("task: tag\n")
    run.close()
    for name in LEFT:
        (tmp_path / name).write_text("")
    (tmp_path / "notes.txt").write_text("mine")
    RunDirectory.resume(tmp_path).close()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["config.yaml", "notes.txt"]


def test_leftovers_beside_something_of_the_users_stay_locked_out_of_a_new_run(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / LEFT[0]).write_text("")
    with pytest.raises(UsageError, match="not empty"):
        RunDirectory.create(tmp_path)
    assert not RunDirectory(tmp_path).is_abandoned()
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("theirs", ["thesis.tex", "config.yaml"])
def test_nothing_is_removed_from_a_folder_that_is_refused(theirs: str, tmp_path: Path) -> None:
    names = {theirs, ".tmpAbC123", ".report.json.2024", *([".lock"] if theirs == "thesis.tex" else [])}
    for name in names:
        (tmp_path / name).write_text("")
    with pytest.raises(UsageError, match="not empty"):
        RunDirectory.create(tmp_path)
    assert {entry.name for entry in tmp_path.iterdir()} == names


def test_a_lock_that_cannot_be_removed_is_told_unless_there_is_a_worse_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*arguments: object, **places: object) -> None:
        raise PermissionError(13, "Permission denied")

    def ended(name: str, error: Exception | None) -> None:
        with monkeypatch.context() as patched, RunDirectory.create(tmp_path / name):
            patched.setattr(os, "unlink", refused)
            if error is not None:
                raise error

    with pytest.raises(MachineError, match=r"cannot remove its \.lock: permission denied"):
        ended("a", None)
    with pytest.raises(UsageError, match="worse"):
        ended("b", UsageError("worse"))
    RunDirectory.create(tmp_path / "b").close()  # it is not in use


@pytest.mark.parametrize("damaged", DAMAGED)
def test_a_line_that_cannot_be_read_is_told_and_left_out_at_a_resume(damaged: str, tmp_path: Path) -> None:
    run, told = RunDirectory.create(tmp_path / "run"), list[str]()
    run.append_metrics(line(1))
    with run.metrics.open("a") as file:
        file.write(f"{damaged}\n\n")
    run.append_metrics(line(3))
    assert [found["step"] for found in run.read_metrics()] == [1, 3]
    for _ in range(2):
        with noting(told.append):
            run.drop_metrics_after(2)
        assert steps(run) == [1]
    assert told == [f"{run.metrics}: 1 line of it cannot be read, and will be missing"]


@pytest.mark.parametrize("number", [errno.ESTALE, errno.EACCES, errno.EIO])
def test_metrics_that_cannot_be_read_are_an_error_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    run = RunDirectory(tmp_path)
    run.append_metrics(line(1))

    def stale(*arguments: object, **places: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "open", stale)
    for use in (run.read_metrics, lambda: run.drop_metrics_after(1), lambda: run.append_metrics(line(2))):
        with pytest.raises(MachineError, match=rf"metrics\.jsonl: cannot .*{os.strerror(number).lower()}"):
            use()


@pytest.mark.parametrize(
    "name", ["config.yaml", "model.safetensors", "state.safetensors", "metrics.jsonl", "report.json"]
)
@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_no_file_of_a_run_is_read_through_a_link_or_waited_for(tmp_path: Path, name: str, kind: str) -> None:
    (tmp_path / "mine").write_text("task: tag\n")
    if kind == "link":
        (tmp_path / name).symlink_to(tmp_path / "mine")
    else:
        os.mkfifo(tmp_path / name)
    run = RunDirectory(tmp_path)
    reads = {
        "config.yaml": lambda: load_run_config(run.config),
        "model.safetensors": lambda: open_model(str(tmp_path)),
        "state.safetensors": run.read_state,
        "metrics.jsonl": run.read_metrics,
        "report.json": run.read_report,
    }
    with pytest.raises(RnncliError, match="is a link" if kind == "link" else "is no regular file") as caught:
        reads[name]()
    assert caught.value.exit_code in (2, 4, 5)


def test_a_state_without_a_config_is_given_up_only_if_nothing_was_trained(tmp_path: Path) -> None:
    """A run that starts from another writes it first."""
    for update in (0, 1):
        run = RunDirectory(tmp_path / str(update))
        run.path.mkdir()
        plan = Plan(updates=20, evaluations=10, learning_rate=2e-3, schedule="cosine", patience=None)
        run.write_state({"weights": np.zeros(2, np.float32)}, Position(update=update), plan, Inputs("abc"))
        assert run.is_abandoned() is (update == 0)
    RunDirectory.create(tmp_path / "0").close()
    assert not list((tmp_path / "0").iterdir())
    with pytest.raises(UsageError, match="not empty"):
        RunDirectory.create(tmp_path / "1")
    assert [entry.name for entry in (tmp_path / "1").iterdir()] == ["state.safetensors"]
