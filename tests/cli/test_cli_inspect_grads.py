"""inspect-grads: the same numbers as JSON, CSV and table, for a config, a run and a model file."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_runs import Result, in_shell, run, together
from conftest import TEXT, Shelf
from safetensors.numpy import load_file

CALLS: dict[str, Sequence[str]] = {
    "config": ["char.yaml", "-f", "json"],
    "run": ["char", "-f", "json"],
    "model file": ["copy/model.safetensors", "text.txt", "-f", "json", "--set", "training.bptt=16", "--set",
                   "training.batch_size=4"],
    "model file, stdin": ["copy/model.safetensors", "-", "-f", "json"],
    "model file by another name": ["copy/best.model", "text.txt", "-f", "json", "--set", "training.bptt=16", "--set",
                                   "training.batch_size=4"],
    "forecast": ["forecast", "-f", "json"],
    "csv": ["char"],
    "table": ["char", "-f", "table"],
    "no data": ["copy/model.safetensors"],
    "another cell": ["char", "--set", "model.cell=gru"],
}  # fmt: skip
BPTT = 16


@pytest.fixture(scope="module")
def said(shelf: Shelf) -> dict[str, Result]:
    (shelf / "copy").mkdir()
    shutil.copy(shelf / "char/model.safetensors", shelf / "copy/model.safetensors")
    shutil.copy(shelf / "char/model.safetensors", shelf / "copy/best.model")
    text = (shelf / "text.txt").read_text(encoding="utf-8")
    jobs = [partial(run, "inspect-grads", *call, cwd=shelf.folder, stdin=text) for call in CALLS.values()]
    return dict(zip(CALLS, together(*jobs), strict=True))


def report(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.ok().out)
    return found


def test_the_json_has_every_lag_and_every_parameter(shelf: Shelf, said: dict[str, Result]) -> None:
    found = report(said["run"])
    assert found["lags"] == list(range(BPTT))
    assert [layer["layer"] for layer in found["layers"]] == [0, 1]
    for layer in found["layers"]:
        assert len(layer["gradient_norm_by_lag"]) == BPTT
        assert all(norm > 0 for norm in layer["gradient_norm_by_lag"])
    top = found["layers"][1]["gradient_norm_by_lag"]
    assert top[0] == max(top)  # the loss is taken at lag 0

    stored = load_file(shelf / "char/model.safetensors")
    assert {p["name"]: tuple(p["shape"]) for p in found["parameters"]} == {n: a.shape for n, a in stored.items()}
    for p in found["parameters"]:
        assert p.keys() == {"name", "shape", "weight_norm", "grad_norm", "ratio"}
        assert p["weight_norm"] == pytest.approx(np.linalg.norm(stored[p["name"]].astype(np.float64)), rel=1e-6)
        assert p["ratio"] == pytest.approx(p["grad_norm"] / p["weight_norm"], rel=1e-6)


def test_a_config_shows_the_first_weights(said: dict[str, Result]) -> None:
    fresh, trained = report(said["config"]), report(said["run"])
    assert fresh["loss"] > trained["loss"]
    assert fresh["lags"] == list(range(BPTT))
    assert [p["name"] for p in fresh["parameters"]] == [p["name"] for p in trained["parameters"]]


@pytest.mark.parametrize("name", ["model file", "model file by another name"])
def test_a_model_file_says_the_same_as_its_run(name: str, said: dict[str, Result]) -> None:
    assert report(said[name]) == report(said["run"])


def test_data_may_come_from_standard_input(said: dict[str, Result]) -> None:
    from_stdin = report(said["model file, stdin"])
    # A model file does not know how it was trained: the default 32 streams are shorter than the default bptt.
    tokens = len(TEXT) - int(0.1 * len(TEXT))
    assert len(from_stdin["lags"]) == -(-(tokens - 1) // 32) < 64
    norms = {p["name"]: p["weight_norm"] for p in report(said["run"])["parameters"]}
    assert {p["name"]: p["weight_norm"] for p in from_stdin["parameters"]} == norms


def test_a_forecast_has_a_lag_for_every_row_of_its_context(said: dict[str, Result]) -> None:
    found = report(said["forecast"])
    assert found["lags"] == list(range(12))
    assert all(norm > 0 for norm in found["layers"][0]["gradient_norm_by_lag"])


def test_csv_and_json_agree(said: dict[str, Result]) -> None:
    rows = list(csv.reader(io.StringIO(said["csv"].ok().out)))
    assert rows[0] == ["lag", "layer 0", "layer 1"]
    found = report(said["run"])
    columns = [layer["gradient_norm_by_lag"] for layer in found["layers"]]
    assert [[float(cell) for cell in row] for row in rows[1:]] == [
        [lag, columns[0][lag], columns[1][lag]] for lag in found["lags"]
    ]


def test_the_table_fits_80_columns(said: dict[str, Result]) -> None:
    lines = said["table"].ok().out.splitlines()
    assert max(len(line) for line in lines) <= 80
    shown = {line.split()[0] for line in lines if line.strip()}
    names = {p["name"] for p in report(said["run"])["parameters"]}
    assert names <= shown  # whole: no name is cut or folded
    assert {str(lag) for lag in range(BPTT)} <= shown


def test_a_config_that_is_not_the_models_own_is_not_taken_for_it(shelf: Shelf, tmp_path: Path) -> None:
    shutil.copy(shelf / "char/model.safetensors", tmp_path / "model.safetensors")
    shutil.copy(shelf / "forecast.yaml", tmp_path / "config.yaml")
    shutil.copy(shelf / "text.txt", tmp_path / "text.txt")
    found = report(run("inspect-grads", "model.safetensors", "text.txt", "-f", "json", cwd=tmp_path))
    assert found["unit"] == "nats per token"


def test_what_cannot_be_inspected(said: dict[str, Result]) -> None:
    assert "name the data after it" in said["no data"].refused(2)
    assert "rnn.weight_ih_l0" in said["another cell"].refused(4)


def test_a_reader_that_leaves_ends_it_in_silence(shelf: Shelf) -> None:
    gone = in_shell("rnncli inspect-grads char -f table | sleep 0; exit ${PIPESTATUS[0]}", Path(shelf.folder))
    assert gone.refused(141, mistakes=0) == ""
