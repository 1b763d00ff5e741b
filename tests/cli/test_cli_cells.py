"""Every cell in every task, from training to a look at its gradients, on the data of tests/models_of_0_1."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from rnncli.kernels.cells import CELLS
from rnncli.tasks.registry import TASKS
from tests.cli.cli_runs import run

pytestmark = pytest.mark.long
HERE = Path(__file__).parents[1] / "models_of_0_1"


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("cell", CELLS)
def test_every_task_takes_every_cell(cell: str, task: str, tmp_path: Path) -> None:
    shutil.copy(HERE / task / "config.yaml", tmp_path / "c.yaml")
    (data,) = (HERE / task).glob("data.*")
    shutil.copy(data, tmp_path)
    change = ["--set", f"model.cell={cell}", "--set", "training.epochs=1"]
    run("train", "c.yaml", data.name, "-q", "-o", "run", *change, cwd=tmp_path).ok()
    score = json.loads(run("evaluate", "run", "-f", "json", cwd=tmp_path).ok().out)
    assert score["network"] >= 0
    report = json.loads(run("inspect-grads", "run", data.name, "--check", "-f", "json", cwd=tmp_path).ok().out)
    assert report["check"]["passed"]
    assert {gate["gate"] for gate in report["gates"]} == set(CELLS[cell].gate_names)
