"""train --max-time: where a config leaves the length open, as many updates are planned as fill the time."""

from __future__ import annotations

import json
import re
from pathlib import Path
from unittest import mock

import pytest
import yaml
from cli_runs import metrics, model_sha256, run
from conftest import write_inputs

from rnncli.training import budget, length

OPEN = """\
task: language-model
data: {path: text.txt, validation: 0.1}
model: {cell: gru, hidden_size: 96, num_layers: 2}
training: {batch_size: 2, bptt: 16, threads: 1}
"""
LABELLED = "text,label\n" + "".join(f"{'red' if n % 2 else 'blue'} {n},{'ab'[n % 2]}\n" for n in range(60))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("timed")
    write_inputs(folder)
    (folder / "open.yaml").write_text(OPEN)
    (folder / "labelled.csv").write_text(LABELLED)
    with (
        mock.patch.object(budget, "MOMENTS", {}),
        mock.patch.object(budget, "OVERDUE", 1e9),
    ):  # whatever the machine does
        said = run("train", "open.yaml", "-o", "planned", "--max-time", "2s", cwd=folder).ok()
    (folder / "planned.log").write_text(said.err)
    return folder


def length_of(run_: Path) -> dict[str, object]:
    training = yaml.safe_load((run_ / "config.yaml").read_text())["training"]
    return {key: training[key] for key in ("epochs", "updates", "max_time", "patience")}


def test_the_plan_is_told_and_kept_in_the_config(folder: Path) -> None:
    said = (folder / "planned.log").read_text()
    last = metrics(folder / "planned")[-1]
    found = re.search(
        r"budget ([\d,]+) updates, ([\d.]+) epochs (fill 2s at|take less than 2s)", " ".join(said.split())
    )
    assert found is not None
    updates = int(found[1].replace(",", ""))
    assert (last["step"], last["reason"]) == (updates, "finished")
    assert last["learning_rate"] < 1e-3 * metrics(folder / "planned")[0]["learning_rate"]
    assert length_of(folder / "planned") == {
        "epochs": last["epoch"],
        "updates": updates,
        "max_time": None,
        "patience": None,
    }


@pytest.mark.thorough
def test_the_config_of_such_a_run_repeats_it_byte_for_byte(folder: Path) -> None:
    said = run("train", "planned/config.yaml", "-o", "again", cwd=folder).ok()
    assert "training.max_time" not in said.err
    assert model_sha256(folder / "again") == model_sha256(folder / "planned")


@pytest.mark.thorough
def test_a_plan_that_was_counted_anew_is_in_the_config(folder: Path) -> None:
    with (
        mock.patch.object(budget, "MOMENTS", {0.1: 1e-9, 0.5: 1e-9, 0.9: 1e-9}),
        mock.patch.object(budget, "OVERDUE", 1e9),  # also where the machine slows down just before the end
    ):
        said = run("train", "open.yaml", "-o", "anew", "--max-time", "2s", cwd=folder).ok()
    assert "so that the schedule ends with the time" in " ".join(said.err.split())
    last = metrics(folder / "anew")[-1]
    assert length_of(folder / "anew")["updates"] == last["step"]
    assert last["learning_rate"] < 1e-3 * metrics(folder / "anew")[0]["learning_rate"]
    ended = metrics(folder / "anew")
    run("train", "-o", "anew", "--resume", "-q", cwd=folder).ok()
    assert metrics(folder / "anew") == ended


def test_updates_may_be_given_and_end_in_the_middle_of_an_epoch(folder: Path) -> None:
    run("train", "open.yaml", "-o", "counted", "-q", "--set", "training.updates=40", cwd=folder).ok()
    assert metrics(folder / "counted")[-1]["step"] == 40
    assert length_of(folder / "counted") == {"epochs": 2, "updates": 40, "max_time": None, "patience": None}
    said = run("train", "char.yaml", "-o", "both", "--set", "training.updates=5", cwd=folder).ok()
    assert "training.updates 5 ends training before its 2 epochs" in said.err
    assert metrics(folder / "both")[-1]["step"] == 5


@pytest.mark.thorough
def test_a_run_with_updates_goes_on_by_updates_or_by_epochs(folder: Path) -> None:
    run("train", "open.yaml", "-o", "first", "-q", "--set", "training.updates=40", cwd=folder).ok()
    refused = run("train", "-o", "first", "--resume", "--set", "training.updates=10", cwd=folder).failed(2)
    assert "training.updates is 10, and the run has had 40; name more" in refused
    run("train", "-o", "first", "--resume", "-q", "--set", "training.updates=45", cwd=folder).ok()
    assert metrics(folder / "first")[-1]["step"] == 45
    run("train", "-o", "first", "--resume", "-q", "--set", "training.epochs=4", cwd=folder).ok()
    assert metrics(folder / "first")[-1]["step"] == 108
    assert length_of(folder / "first")["updates"] is None
    run("train", "-o", "first", "--resume", "-q", "--max-time", "1s", cwd=folder).ok()
    assert metrics(folder / "first")[-1]["step"] > 108


def test_given_epochs_are_cut_off_as_ever(folder: Path) -> None:
    said = run("train", "char.yaml", "-o", "cut", "--max-time", "1h", "--set", "training.epochs=1", cwd=folder).ok()
    assert "budget" not in said.err
    assert length_of(folder / "cut") == {"epochs": 1, "updates": None, "max_time": "1h", "patience": None}


@pytest.mark.parametrize("given", ["training.epochs=100000", "training.updates=1000000"])
def test_the_time_ends_what_was_given_also_on_a_machine_that_slows_down(given: str, folder: Path) -> None:
    out = f"slow {given}"
    with mock.patch.object(length, "measured_pace", return_value=length.Pace(1e-9, 1e-9, 0.1)):  # all would fit
        said = run("train", "open.yaml", "-o", out, "--set", given, "--max-time", "1s", cwd=folder).ok()
    assert "training is slower than it was measured" in said.err
    seconds = json.loads((folder / out / "report.json").read_text())["seconds"]
    assert 0.5 < seconds < 2  # an update and an evaluation may begin before the time is up
    assert length_of(folder / out)["max_time"] == "1s"
    again = run("train", "-o", out, "--resume", cwd=folder).ok()
    assert "is finished" in again.err


@pytest.mark.thorough
@pytest.mark.parametrize("data", ["labelled.csv", "sales.csv"])
def test_other_tasks_plan_their_updates_too(data: str, folder: Path) -> None:
    small = ["--set", "model.hidden_size=4", "--set", "training.seeds=1"]
    run("train", data, "-o", f"{data} timed", "-q", "--max-time", "2s", *small, cwd=folder).ok()
    found = length_of(folder / f"{data} timed")
    assert found["max_time"] is None
    assert found["updates"] == metrics(folder / f"{data} timed")[-1]["step"]


def test_check_tells_such_a_plan(folder: Path) -> None:
    said = run("train", "open.yaml", "--dry-run", "--max-time", "1s", cwd=folder).ok()
    assert "updates" in said.out
