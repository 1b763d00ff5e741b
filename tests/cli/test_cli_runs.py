"""runs: the list of runs as a table, as CSV and as JSON."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import pytest
from cli_runs import run, scores
from conftest import Shelf


def test_runs_in_every_form_say_the_score_that_training_printed(shelf: Shelf) -> None:
    told = scores(shelf.trained["char"].out)
    rows = {row["run"]: row for row in csv.DictReader(io.StringIO(run("runs", "char", cwd=shelf.folder).ok().out))}
    found = json.loads(run("runs", ".", "-f", "json", cwd=shelf.folder).ok().out)
    objects = {one["run"]: one for one in found}
    assert rows.keys() <= objects.keys()
    for one in (rows["char"], objects["char"]):
        assert float(one["score"]) == pytest.approx(told["network"], abs=5.1e-4)  # of the digits on the screen
        assert float(one["baseline_score"]) == pytest.approx(told[one["baseline"]], abs=5.1e-4)
        assert (one["task"], one["state"], one["split"]) == ("language-model", "finished", "validation")
    inside = run("runs", ".", "-f", "table", cwd=shelf / "char").ok().out
    assert "\nchar  " in inside
    table = run("runs", ".", "-f", "table", cwd=shelf.folder).ok().out
    assert "nats per token, validation split of text.txt" in table
    assert f"{told['network']:.3f}" in table


def test_a_missing_folder_is_one_line(shelf: Shelf) -> None:
    message = run("runs", "nowhere", cwd=shelf.folder).refused(2)
    assert message == "nowhere: no such file or directory; train first, or name a folder of runs"


@pytest.mark.parametrize("damage", ["missing", "truncated", "empty"])
def test_a_run_whose_model_is_lost_is_damaged_and_never_the_best(damage: str, shelf: Shelf, tmp_path: Path) -> None:
    shutil.copytree(shelf / "char", tmp_path / "char")
    model = tmp_path / "char" / "model.safetensors"
    content = model.read_bytes()
    model.unlink()
    if damage != "missing":
        model.write_bytes(content[:-5] if damage == "truncated" else b"")
    (one,) = json.loads(run("runs", "char", "-f", "json", cwd=tmp_path).ok().out)
    assert (one["state"], one["score"]) == ("damaged", None)
