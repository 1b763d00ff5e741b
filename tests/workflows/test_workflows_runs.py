"""runs: only what was measured alike is compared, and whatever lies in the folder is listed."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import Any

import pytest

from rnncli.errors import UsageError
from rnncli.notes import noting
from rnncli.training.listed import Listed
from rnncli.workflows.runs import named_runs, refuse_study, runs

HEADER = b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
MODEL = len(HEADER).to_bytes(8, "little") + HEADER + bytes(4)


def made(path: Path, score: float | None = 1.0, sha256: str = "a", **config: Any) -> Path:
    """A run as `train` leaves it, as far as `runs` reads it."""
    path.mkdir(parents=True)
    fields = {"split": "test", "unit": "accuracy", "network": score, "floors": {"majority": 0.5}, "strongest": None}
    report = {
        "task": "classify",
        "score": None if score is None else {**fields, "detail": "", "higher_is_better": True},
        "steps": 7,
        "seconds": 2.5,
        "ended": "2026-01-02T03:04:05+00:00",
        "data": {"path": str(path), "bytes": 1, "sha256": sha256},
        "config": {"task": "classify", "data": {"path": str(path)}, "model": config},
    }
    (path / "report.json").write_text(json.dumps(report), encoding="utf-8")
    (path / "model.safetensors").write_bytes(MODEL)
    return path


def listed(folder: Path, sort: str = "name") -> dict[str, Listed]:
    return {Path(one.path).name: one for one in runs(str(folder), sort)}


def test_the_best_of_those_that_compare_is_marked_and_only_what_differs_is_shown(tmp_path: Path) -> None:
    made(tmp_path / "a", 0.7, hidden_size=8, cell="gru")
    made(tmp_path / "b", 0.9, hidden_size=16, cell="gru")
    made(tmp_path / "c", 0.99, sha256="other", hidden_size=32, cell="gru")
    found = listed(tmp_path)
    assert [one.best_of for one in found.values()] == [None, 2, None]
    assert [dict(one.differs) for one in found.values()] == [{"model.hidden_size": 8}, {"model.hidden_size": 16}, {}]


def test_runs_differ_in_the_updates_that_a_time_allowed_and_not_in_the_time(tmp_path: Path) -> None:
    for name, time, updates in (("a", None, 700), ("b", "15s", 900)):  # a filled its time, which null then says
        report = made(tmp_path / name) / "report.json"
        found = json.loads(report.read_text(encoding="utf-8"))
        found["config"]["training"] = {"max_time": time, "updates": updates}
        report.write_text(json.dumps(found), encoding="utf-8")
    differs = [dict(one.differs) for one in listed(tmp_path).values()]
    assert differs == [{"training.updates": 700}, {"training.updates": 900}]


@pytest.mark.parametrize(
    ("unit", "key", "other", "compare"),
    [
        ("accuracy", "test", 0.3, False),
        ("accuracy", "tokens", "word", True),
        ("nats per token", "tokens", "word", False),
        ("MAE of sales", "horizon", 12, False),
        ("MAE of sales", "validation", "../held.csv", False),
        ("MAE of sales", "context", 9, True),
        ("MAE of sales", "missing", "ffill", False),
        ("MAE of sales", "duplicates", "sum", False),
        ("MAE of sales", "resample", "1h", False),
        ("MAE of sales", "transform", "log", True),
    ],
)
def test_scores_of_something_else_are_not_compared(
    tmp_path: Path, unit: str, key: str, other: Any, *, compare: bool
) -> None:
    data = {"tokens": "char", "horizon": 1, "test": 0.1, "validation": 0.2, "context": 3, "missing": "mask"}
    for name, kept in (("a", data), ("b", data | {key: other})):
        path = made(tmp_path / name, 0.5) / "report.json"
        report = json.loads(path.read_text(encoding="utf-8"))
        report["config"]["data"] |= kept
        report["score"]["unit"] = unit
        path.write_text(json.dumps(report), encoding="utf-8")
    assert any(one.best_of for one in listed(tmp_path).values()) == compare


def test_what_fills_the_inputs_of_a_classifier_is_no_part_of_what_it_is_scored_on(tmp_path: Path) -> None:
    for name, missing in (("a", "mask"), ("b", "ffill")):
        path = made(tmp_path / name, 0.5) / "report.json"
        report = json.loads(path.read_text(encoding="utf-8"))
        report["config"]["data"]["missing"] = missing
        path.write_text(json.dumps(report), encoding="utf-8")
    assert any(one.best_of for one in listed(tmp_path).values())


def test_sorted_by_score_the_best_comes_first_and_runs_without_one_last(tmp_path: Path) -> None:
    made(tmp_path / "none", None)
    for name, score in (("a", 0.2), ("b", 0.9), ("c", 0.5)):
        made(tmp_path / name, score)
    assert list(listed(tmp_path, "score")) == ["b", "c", "a", "none"]


def test_a_study_stands_for_those_of_its_runs_that_came_to_their_end(tmp_path: Path) -> None:
    made(tmp_path / "alone")
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "journal.jsonl").touch()
    paused = tmp_path / "study" / "trial-001"
    paused.mkdir()
    (paused / "config.yaml").write_text("task: classify\n", encoding="utf-8")
    study = str(tmp_path / "study")
    with pytest.raises(UsageError, match="none of whose runs came to its end; go on with it by rnncli tune"):
        named_runs([study])
    ended = [str(made(tmp_path / "study" / name)) for name in ("trial-000", "trial-002")]
    assert named_runs([str(tmp_path / "alone"), study, study]) == [str(tmp_path / "alone"), *ended]


def test_the_state_of_a_run_that_has_no_report(tmp_path: Path) -> None:
    for name, reason in (
        ("stopped", "stopped"),
        ("old", "finished"),
        ("failed", "scheduled"),
        ("running", "scheduled"),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.yaml").write_text("task: tag\ndata:\n", encoding="utf-8")
        lines = [{"step": 3, "seconds": 1.0, "reason": "scheduled"}, {"step": 5, "seconds": 2.0, "reason": reason}]
        text = "".join(json.dumps(line) + "\n" for line in lines) + '{"step": 6, "sec'
        (tmp_path / name / "metrics.jsonl").write_text(text, encoding="utf-8")
        (tmp_path / name / "model.safetensors").write_bytes(MODEL)
    (tmp_path / "failed/failure.safetensors").touch()
    lock = os.open(tmp_path / "running/.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    found = listed(tmp_path)
    os.close(lock)
    assert {name: one.state for name, one in found.items()} == {
        "failed": "failed",
        "old": "finished",
        "running": "running",
        "stopped": "stopped",
    }
    assert {(one.task, one.steps, one.seconds) for one in found.values()} == {("tag", 5, 2.0)}


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"task": 1, "score": 3}', '{"score": {"network": "x"}}', "[" * 9999]
)
def test_what_is_damaged_or_foreign_is_listed_as_such(tmp_path: Path, content: str) -> None:
    (made(tmp_path / "damaged") / "report.json").write_text(content, encoding="utf-8")
    with (tmp_path / "damaged/metrics.jsonl").open("a", encoding="utf-8") as file:
        file.write(content + "\n")
    (tmp_path / "photos").mkdir()
    made(tmp_path / "sound")
    assert {name: one.state for name, one in listed(tmp_path).items()} == {
        "damaged": "damaged",
        "photos": "no run",
        "sound": "finished",
    }


def test_a_study_is_listed_as_one_and_names_its_best_run(tmp_path: Path) -> None:
    study = tmp_path / "study"
    study.mkdir()
    (study / "journal.jsonl").touch()
    (study / "best.yaml").write_text("task: classify\n", encoding="utf-8")
    for name, score in (("trial-000", 0.3), ("trial-001", 0.9), ("trial-001-seed-2", 0.8)):
        made(study / name, score)
    (study / "trial-002").symlink_to(study)  # planted, to be listed for ever
    notes: list[str] = []
    with noting(notes.append):
        (found,) = runs(str(tmp_path))
    assert (found.state, found.task, found.score) == ("study", "classify", None)
    assert notes == [
        f"{study}: is a study of 3 trials, of which trial-001 has the best score; list them: rnncli runs {study}"
    ]
    with pytest.raises(
        UsageError, match=r"is a study, as rnncli tune makes it; name one of its runs, such as .*trial-001$"
    ):
        refuse_study(str(study))


@pytest.mark.parametrize("line", ['{"step": "x", "seconds": "x"}', '{"seconds": NaN}', "[" * 2000])
def test_a_line_of_metrics_that_is_none_is_passed_over(tmp_path: Path, line: str) -> None:
    lines = f'{{"step": 3, "seconds": 1.0, "reason": "finished"}}\n{line}\n'
    (tmp_path / "metrics.jsonl").write_text(lines, encoding="utf-8")
    header = b'{"w":{"data_offsets":[0,' + b"9" * 5000 + b"]}}"
    (tmp_path / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    (found,) = runs(str(tmp_path))
    assert (found.state, found.steps, found.seconds) == ("damaged", 3, 1.0)


def test_a_run_may_be_named_itself(tmp_path: Path) -> None:
    assert [one.path for one in runs(str(made(tmp_path / "a")))] == [str(tmp_path / "a")]


@pytest.mark.parametrize(("name", "says"), [("none", "no such file"), ("empty", "holds no run"), ("file", "not a dir")])
def test_a_folder_without_runs_is_refused(tmp_path: Path, name: str, says: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=says):
        runs(str(tmp_path / name))
