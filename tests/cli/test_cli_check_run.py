"""check RUN: a run that is what its report says, and every way in which it may not be."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from cli_runs import Result, run
from conftest import Shelf

from rnncli.nn import model_file


@pytest.fixture
def forecast(shelf: Shelf, tmp_path: Path) -> Path:
    """A copy of the run `forecast`, to be spoilt."""
    return Path(shutil.copytree(shelf / "forecast", tmp_path / "forecast"))


def checked(path: Path, *options: str) -> Result:
    return run("check", path.name, *options, cwd=path.parent)


def states(result: Result) -> dict[str, str]:
    """The word for each check, by its name."""
    lines = result.out.splitlines()
    return {line.split()[0]: "not" if "not checked" in line else line.split()[1] for line in lines}


def write_weights(path: Path, change: float) -> None:
    """Change one weight of the model of a run, and write a sound file."""
    arrays, header = model_file.read(path / "model.safetensors")
    arrays = {name: np.array(array) for name, array in arrays.items()}
    arrays["head.bias"][0] += change
    header = {key: value for key, value in header.items() if key not in ("format", "sha256")}
    model_file.write(path / "model.safetensors", arrays, header)


@pytest.mark.parametrize("name", ["char", "word", "byte", "forecast"])
def test_a_run_reproduces_its_score(shelf: Shelf, name: str) -> None:
    before = sorted((shelf / name).iterdir())
    said = run("check", name, cwd=shelf.folder).ok()
    assert states(said) == dict.fromkeys(["model", "weights", "config", "data", "score"], "ok")
    stored = json.loads((shelf / name / "report.json").read_text(encoding="utf-8"))["score"]
    assert f"{stored['network']:.6g} {stored['unit']} on the {stored['split']} split" in said.out
    assert sorted((shelf / name).iterdir()) == before


def test_as_json(shelf: Shelf, forecast: Path) -> None:
    found = json.loads(run("check", "forecast", "-f", "json", cwd=shelf.folder).ok().out)
    assert (found["run"], found["ok"]) == ("forecast", True)
    assert [one["passed"] for one in found["checks"]] == [True] * 5
    write_weights(forecast, 0.5)
    said = checked(forecast, "-f", "json")
    assert (said.code, json.loads(said.out)["ok"]) == (7, False)


@pytest.mark.parametrize(("unit", "code"), [("MAE of what it was called", 0), ("mean MASE of 8 series", 7)])
def test_a_score_is_compared_by_its_measure(forecast: Path, unit: str, code: int) -> None:
    report = json.loads((forecast / "report.json").read_text(encoding="utf-8"))
    report["score"]["unit"] = unit
    (forecast / "report.json").write_text(json.dumps(report), encoding="utf-8")
    assert checked(forecast).code == code


def test_another_model(forecast: Path) -> None:
    write_weights(forecast, 0.5)
    said = checked(forecast)
    assert said.failed(7) == "forecast: is not what it was: model, score; restore it, or train again"
    assert states(said) == {"model": "failed", "weights": "ok", "config": "ok", "data": "ok", "score": "failed"}


def test_what_a_killed_process_left(forecast: Path) -> None:
    left = (".trial.safetensors", ".state.safetensors.0123456789abcdef.tmp", ".metrics.jsonl.4711")
    for name in (*left, "notes.txt", ".lock"):
        (forecast / name).touch()
    said = checked(forecast)
    assert said.failed(7) == "forecast: holds what training did not leave there; remove it"
    found = [line for line in said.out.splitlines() if line.startswith("files")]
    assert found == [f"files   failed      {name} was left by a process that was killed" for name in sorted(left)]
    run("train", "-o", "forecast", "--resume", "-q", cwd=forecast.parent).ok()
    checked(forecast).ok()


@pytest.mark.parametrize(("name", "code"), [("metrics.jsonl", 7), ("model.safetensors", 4), ("report.json", 5)])
def test_a_link_in_the_place_of_a_file(forecast: Path, name: str, code: int) -> None:
    (forecast / name).rename(forecast.parent / name)
    (forecast / name).symlink_to(forecast.parent / name)
    said = checked(forecast)
    assert f"files   failed      {name} is a link\n" in said.out
    said.failed(code)


def test_weights_that_are_not_finite(forecast: Path) -> None:
    write_weights(forecast, float("nan"))
    said = checked(forecast)
    assert states(said) == {"model": "failed", "weights": "failed"}
    assert "not finite" in said.failed(4)


def test_a_damaged_model(forecast: Path) -> None:
    path = forecast / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-3])
    said = checked(forecast, "-f", "json")
    assert [(one["name"], one["passed"]) for one in json.loads(said.out)["checks"]] == [
        ("model", False),
        ("weights", False),
    ]
    said.failed(4)


def test_data_that_changed_or_moved(shelf: Shelf, forecast: Path) -> None:
    (forecast.parent / "moved.csv").write_bytes((shelf / "sales.csv").read_bytes())
    checked(forecast, "--set", f"data.path={forecast.parent / 'moved.csv'}").ok()
    (forecast.parent / "moved.csv").write_bytes((shelf / "sales.csv").read_bytes() + b"2011-01,60\n")
    checked(forecast, "--set", f"data.path={forecast.parent / 'moved.csv'}").ok()  # it has grown
    (forecast.parent / "moved.csv").write_bytes((shelf / "sales.csv").read_bytes()[:-1] + b"1\n")
    for name in ("moved.csv", "gone.csv"):
        said = checked(forecast, "--set", f"data.path={forecast.parent / name}")
        assert (states(said)["data"], states(said)["score"]) == ("failed", "not")
        assert name in said.out
        assert "data" in said.failed(7)


def test_an_edited_config(forecast: Path) -> None:
    text = (forecast / "config.yaml").read_text(encoding="utf-8")
    (forecast / "config.yaml").write_text(text.replace("hidden_size: 8", "hidden_size: 9"), encoding="utf-8")
    said = checked(forecast)
    assert "edited: model.hidden_size" in said.out
    assert (states(said)["score"], said.code) == ("not", 7)


def test_a_file_beside_the_data_is_the_same_from_another_folder(tmp_path: Path) -> None:
    text = "".join(f"the {letter}ox jumps over {letter}\n" for letter in "abcdefghijklmnopqrstuvwxyz")
    (tmp_path / "notes.txt").write_text(text, encoding="utf-8")
    (tmp_path / "held.txt").write_text("the lazy dog naps\n" * 20, encoding="utf-8")
    small = ("task=language-model", "data.validation=held.txt", "model.hidden_size=4", "training.updates=2")
    sets = [part for key in (*small, "training.seeds=1", "training.threads=1") for part in ("--set", key)]
    run("train", "notes.txt", "-o", "r", "-q", *sets, cwd=tmp_path).ok()
    (tmp_path / "else").mkdir()
    for named in ("../r", tmp_path / "r"):
        said = run("check", named, cwd=tmp_path / "else").ok()
        assert states(said) == dict.fromkeys(["model", "weights", "config", "data", "score"], "ok")
    (tmp_path / "held.txt").write_text("the lazy dog wakes\n" * 20, encoding="utf-8")
    said = run("check", "../r", cwd=tmp_path / "else")
    assert (states(said)["config"], states(said)["data"], said.code) == ("ok", "failed", 7)


def test_another_score_in_the_report(forecast: Path) -> None:
    report = json.loads((forecast / "report.json").read_text(encoding="utf-8"))
    report["score"]["network"] += 1e-3
    (forecast / "report.json").write_text(json.dumps(report), encoding="utf-8")
    said = checked(forecast)
    assert f"in the report {report['score']['network']:.6g}" in said.out
    assert said.failed(7) == "forecast: is not what it was: score; restore it, or train again"


def test_a_run_that_did_not_end(forecast: Path) -> None:
    (forecast / "report.json").unlink()
    said = checked(forecast)
    assert states(said) == {"weights": "ok", "report": "failed"}
    said.failed(7)


@pytest.mark.parametrize("text", ["{", "[]", '{"format": 9}', "null", "[" * 9999])
def test_a_damaged_report(forecast: Path, text: str) -> None:
    (forecast / "report.json").write_text(text, encoding="utf-8")
    assert "report.json: is damaged or of another version" in checked(forecast).refused(4)


@pytest.mark.parametrize("part", ["config", "data", "score", "model_sha256"])
def test_a_report_with_a_part_that_is_none(forecast: Path, part: str) -> None:
    report = json.loads((forecast / "report.json").read_text(encoding="utf-8"))
    (forecast / "report.json").write_text(json.dumps({**report, part: ["?"]}), encoding="utf-8")
    assert "report.json: is damaged or of another version" in checked(forecast).refused(4)


def test_what_is_no_run(shelf: Shelf, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "train first" in run("check", "empty", cwd=tmp_path).refused(2)
    assert "a model file alone" in run("check", "forecast/model.safetensors", cwd=shelf.folder).refused(2)
    assert "leave out" in run("check", "forecast", "sales.csv", cwd=shelf.folder).refused(2)
    assert "as it was trained" in run("check", "forecast", "--set", "model.cell=gru", cwd=shelf.folder).refused(2)


@pytest.mark.parametrize(
    ("validation", "found"),
    [
        ("0.2", "ok          "),
        ("null", "not checked: it is of cross-validation"),
        ("0", "not checked: nothing was held out"),
    ],
)
def test_what_may_be_held_out(tmp_path: Path, validation: str, found: str) -> None:
    rows = "".join(f"{i % 7},{i % 5},{'ab'[i % 7 > 3]}\n" for i in range(60))
    (tmp_path / "d.csv").write_text(f"x,y,label\n{rows}", encoding="utf-8")
    (tmp_path / "c.yaml").write_text(
        f"task: classify\ndata: {{path: d.csv, inputs: [x, y], label: label, validation: {validation}}}\n"
        "model: {cell: rnn, hidden_size: 4, num_layers: 1}\ntraining: {epochs: 2, seeds: 1}\n",
        encoding="utf-8",
    )
    run("train", "c.yaml", "-o", "r", cwd=tmp_path).ok()
    said = run("check", "r", cwd=tmp_path).ok()
    assert said.out.splitlines()[-1].startswith(f"score   {found}")
