"""training.precision and --precision: a run says in which precision its products are, and is used in either."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from cli_runs import run
from conftest import Shelf

from rnncli.kernels import jit
from rnncli.nn import model_file

SMALL = Path(__file__).parents[1] / "models_of_0_1"  # a config and data of every task


@pytest.fixture(scope="module")
def half(shelf: Shelf) -> Path:
    """The run char of the shelf, trained in bfloat16."""
    run("train", "char.yaml", "-q", "-o", "half", "--set", "training.precision=bfloat16", cwd=shelf.folder).ok()
    return shelf / "half"


def score_of(path: Path, *options: str) -> float:
    told = run("evaluate", path, "-f", "json", *options, cwd=path.parent).ok()
    return float(json.loads(told.out)["network"])


def test_a_model_says_that_it_was_trained_in_bfloat16(half: Path, shelf: Shelf) -> None:
    _, header = model_file.read(half / "model.safetensors")
    assert header["training"] == {"precision": "bfloat16"}
    _, header = model_file.read(shelf / "char/model.safetensors")
    assert "training" not in header  # as before there was another precision


def test_a_cpu_that_does_not_fuse_says_that_its_bytes_may_be_others(place: Path, monkeypatch: Any) -> None:
    asked = ["train", "char.yaml", "--set", "training.epochs=1"]
    told = "rnncli: this CPU has neither AVX2 with FMA nor NEON: training is slow, and may give other bytes"
    assert told not in run(*asked, "-o", "fused", cwd=place).ok().err
    monkeypatch.setattr(jit, "vector_lanes", lambda: 0)
    assert told in run(*asked, "-o", "plain", cwd=place).ok().err


def test_a_score_is_made_in_the_precision_of_training_and_in_the_other(half: Path) -> None:
    kept = json.loads((half / "report.json").read_text())["score"]["network"]
    assert score_of(half) == pytest.approx(kept, rel=1e-6)
    other = score_of(half, "--precision", "float32")
    assert other != pytest.approx(kept, rel=1e-6)
    assert other == pytest.approx(kept, rel=1e-2)


@pytest.mark.parametrize(("name", "own", "other"), [("half", "bfloat16", "float32"), ("char", "float32", "bfloat16")])
def test_generate_says_when_it_writes_in_another_precision(
    name: str, own: str, other: str, half: Path, shelf: Shelf
) -> None:
    told = f"products are in {other}; the model was trained in {own}"
    assert told in run("generate", name, "-n", "5", "--precision", other, cwd=shelf.folder).ok().err
    for same in ([], ["--precision", own]):
        assert "products" not in run("generate", name, "-n", "5", *same, cwd=shelf.folder).ok().err


def test_score_reads_in_either(half: Path, shelf: Shelf) -> None:
    bits = {}
    for precision in ("bfloat16", "float32"):
        read = run("score", "half", "text.txt", "-f", "csv", "--precision", precision, cwd=shelf.folder).ok()
        bits[precision] = sum(float(row["bits"]) for row in read.rows())
    assert bits["bfloat16"] != bits["float32"]
    assert bits["bfloat16"] == pytest.approx(bits["float32"], rel=1e-2)


def test_a_resumed_run_keeps_its_precision(half: Path) -> None:
    changed = ["--set", "training.precision=float32"]
    refused = run("train", "-o", half, "--resume", *changed, cwd=half.parent).refused(2)
    assert "training.precision=float32: the run began with bfloat16" in refused


def test_the_short_name_is_not_known(shelf: Shelf) -> None:
    refused = run("train", "char.yaml", "--set", "training.precision=bf16", cwd=shelf.folder).refused(2)
    assert refused.endswith('did you mean "bfloat16"?')


@pytest.mark.thorough
@pytest.mark.parametrize("name", sorted(path.name for path in SMALL.iterdir()))
def test_every_task_trains_in_bfloat16_and_reproduces_its_score(name: str, tmp_path: Path) -> None:
    shutil.copytree(SMALL / name, tmp_path / "small")
    (data,) = (tmp_path / "small").glob("data.*")
    options = ["-q", "-o", "run", "--set", "training.precision=bfloat16"]
    run("train", tmp_path / "small/config.yaml", data, *options, cwd=tmp_path).ok()
    run("check", "run", cwd=tmp_path).ok()
