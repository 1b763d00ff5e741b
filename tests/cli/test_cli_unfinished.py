"""What a run answers whose training has not ended: every command says that this is the best model so far."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest
from cli_runs import Stops, run
from conftest import SALES, TEXT

TINY = "model: {hidden_size: 4, num_layers: 1}\ntraining: {epochs: 30, batch_size: 8, threads: 1}\n"
ASKED = {
    "language-model": (TEXT * 4, ["generate {} -n 3", "score {} data", "evaluate {}", "predict {} data"]),
    "forecast": (SALES, ["predict {}", "evaluate {}", "predict {} data"]),
}


@pytest.mark.parametrize("task", ASKED)
def test_a_model_whose_training_was_stopped_says_so(task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content, commands = ASKED[task]
    (tmp_path / "data").write_text(content)
    keys = ", horizon: 3, context: 12" if task == "forecast" else ""
    (tmp_path / "c.yaml").write_text(f"task: {task}\ndata: {{path: data{keys}}}\n{TINY}")
    stops = Stops(monkeypatch)
    stops.set(60)
    run("train", "c.yaml", "-o", "my run", "-q", cwd=tmp_path).failed(130)
    stops.set(0)
    told = "my run: its training was stopped before its end; its best model so far answers; "
    for command in commands:
        words = [word.replace("{}", "my run") for word in command.split()]
        said = run(*words, cwd=tmp_path).ok().err
        assert f"{told}go on with: rnncli train -o 'my run' --resume" in said, command
        assert "the choice is by" not in said  # none was made
    with open(tmp_path / "my run/.lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "my run: its training has not ended yet" in run(*words, cwd=tmp_path).ok().err
    run("train", "-o", "my run", "--resume", "-q", cwd=tmp_path).ok()
    assert "its training" not in run(*words, cwd=tmp_path).ok().err
    (tmp_path / "my run/report.json").unlink()  # as version 0.1 left it
    assert "its training" not in run(*words, cwd=tmp_path).ok().err
