"""training.weight_averaging: the weights that are kept and written are those that were judged, in every kind of run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from cli_runs import metrics, run
from conftest import write_inputs

from rnncli.nn import model_file

FAST_AND_LARGE = ("training.weight_averaging=0.9", "training.schedule=constant", "training.threads=1")
LABELLED = "text,label\n" + "".join(f"{'red' if n % 2 else 'blue'} {n},{'ab'[n % 2]}\n" for n in range(60))
RUNS: dict[str, tuple[str, ...]] = {
    "char": ("char.yaml", "training.learning_rate=0.2", "training.epochs=12"),  # so fast that the average is the better
    "forecast": ("forecast.yaml", "training.learning_rate=0.03", "training.seeds=2"),
    "folds": ("labelled.csv", "data.validation=null", "model.hidden_size=4", "training.epochs=3", "training.seeds=1"),
}


def settings(*keys: str) -> list[str]:
    return [part for key in keys for part in ("--set", key)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("averaged")
    write_inputs(folder)
    (folder / "labelled.csv").write_text(LABELLED)
    for name, (first, *keys) in RUNS.items():
        run("train", first, "-o", name, *settings(*FAST_AND_LARGE, *keys), "-q", cwd=folder).ok()
    return folder


def state_of(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    return model_file.read(path / "state.safetensors")


@pytest.mark.parametrize("name", ["char", "forecast"])
def test_the_model_that_is_written_scores_as_it_was_judged(name: str, folder: Path) -> None:
    lines = metrics(folder / name)
    best = [line for line in lines if line["improved"]][-1]
    assert best["averaged"]
    assert best["valid_loss"] == best["averaged_loss"] < best["raw_loss"]
    found = json.loads(run("evaluate", name, "-f", "json", cwd=folder).ok().out)
    if name == "char":
        assert found["network"] == pytest.approx(best["averaged_loss"], abs=1e-6)
    header = model_file.read(folder / name / "model.safetensors")[1]
    assert "weight_averaging" not in json.dumps(header)  # it is how the weights came to be, not what they are


def test_the_model_of_a_run_that_did_not_end_is_the_average_too(folder: Path) -> None:
    with mock.patch("rnncli.workflows.training_run._keep_best", side_effect=MemoryError):
        run("train", "char.yaml", "-o", "cut", *settings(*FAST_AND_LARGE, *RUNS["char"][1:]), "-q", cwd=folder).failed(
            5
        )
    best = [line for line in metrics(folder / "cut") if line["improved"]][-1]
    assert best["averaged"]
    found = json.loads(run("evaluate", "cut", "-f", "json", cwd=folder).ok().out)
    assert found["network"] == pytest.approx(best["averaged_loss"], abs=1e-6)


@pytest.mark.parametrize("name", RUNS)
def test_the_state_has_the_average_and_the_report_says_what_is_kept(name: str, folder: Path) -> None:
    arrays, header = state_of(folder / name)
    assert arrays["average"].shape == arrays["weights"].shape
    assert not np.array_equal(arrays["average"], arrays["weights"])
    assert 0 <= header["position"]["average_power"] < 1
    assert isinstance(header["position"]["best_averaged"], bool)


def test_the_view_says_which_is_shown_and_a_finished_run_which_is_kept(folder: Path) -> None:
    said = run("train", "char.yaml", "-o", "seen", *settings(*FAST_AND_LARGE, *RUNS["char"][1:]), cwd=folder).ok()
    assert " valid avg " in said.err
    assert ", their average; saved in seen" in said.err


def test_a_resumed_run_cannot_change_it(folder: Path) -> None:
    refused = run("train", "-o", "char", "--resume", "--set", "training.weight_averaging=0.5", cwd=folder).failed(2)
    assert "the run began with 0.9" in refused


def test_without_it_metrics_and_state_know_nothing_of_it(folder: Path) -> None:
    run(
        "train",
        "char.yaml",
        "-o",
        "plain",
        "-q",
        *settings("training.epochs=1", "training.weight_averaging=0"),
        cwd=folder,
    ).ok()
    assert not {"averaged", "raw_loss", "averaged_loss", "losses"} & set(metrics(folder / "plain")[-1])
    assert "average" not in state_of(folder / "plain")[0]
