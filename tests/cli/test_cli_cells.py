"""Every cell in every task, from training to a look at its gradients, on the data of tests/models_of_0_1."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from rnncli.kernels.cells import CELLS
from rnncli.tasks.registry import TASKS
from tests.cli.cli_runs import run
from tests.shards import SPELT

pytestmark = pytest.mark.long
HERE = Path(__file__).parents[1] / "models_of_0_1"
NEW = {  # tasks that 0.1 did not have
    "transcribe": (
        '{"task": "transcribe", "data": {"validation": 0.2}, "model": {"hidden_size": 4}, "training": {"threads": 1}}',
        SPELT,
    ),
}


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("cell", CELLS)
def test_every_task_takes_every_cell(cell: str, task: str, tmp_path: Path) -> None:
    data = written(task, tmp_path)
    change = ["--set", f"model.cell={cell}", "--set", "training.epochs=1"]
    run("train", "c.yaml", data, "-q", "-o", "run", *change, cwd=tmp_path).ok()
    score = json.loads(run("evaluate", "run", "-f", "json", cwd=tmp_path).ok().out)
    assert score["network"] >= 0
    report = json.loads(run("inspect-grads", "run", data, "--check", "-f", "json", cwd=tmp_path).ok().out)
    assert report["check"]["passed"]
    assert {gate["gate"] for gate in report["gates"]} == set(CELLS[cell].gate_names)


def written(task: str, folder: Path) -> str:
    """Write a config and data of the task into the folder, and return the name of the data."""
    if task in NEW:
        config, content = NEW[task]
        (folder / "c.yaml").write_text(config, encoding="utf-8")
        (folder / "data.csv").write_text(content, encoding="utf-8")
        return "data.csv"
    shutil.copy(HERE / task / "config.yaml", folder / "c.yaml")
    (data,) = (HERE / task).glob("data.*")
    shutil.copy(data, folder)
    return data.name
