"""Runs of version 0.1 load and answer as they did: one for each task, with words too, as it lay on disk."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.cli.cli_runs import run

HERE = Path(__file__).parent / "models_of_0_1"
JUDGED = ("verdict", "network_better")
# wql was at eleven levels; GluonTS has nine. What intervals got on validation was on the errors that they were made of.
REDEFINED = ("wql", "got")
NUMBER = re.compile(r"-?\d+\.\d+")
ASKED = {
    "language-model": ["generate", "run", "--length", "40", "--seed", "1"],
    "language-model-words": ["generate", "run", "--length", "40", "--seed", "1"],
    "forecast": ["predict", "run", "-f", "csv"],
    "caption": ["predict", "run", "new.csv", "-f", "csv"],
} | {
    task: ["predict", "run", "new.txt", "-f", "csv"]
    for task in ("classify", "classify-words", "regress", "tag", "seq2seq", "seq2seq-words")
}


@pytest.fixture
def folder(task: str, tmp_path: Path) -> Path:
    """Such a run, beside the data that it was trained on."""
    (tmp_path / "run").mkdir()
    for path in (HERE / task).iterdir():
        shutil.copy(path, tmp_path / ("run" if path.name in ("config.yaml", "model.safetensors") else "."))
    return tmp_path


def assert_alike(said: str, then: str) -> None:
    """Equal, but that another CPU's vector units may round the last digit of a number another way, and that forecasts
    have fewer digits now."""
    assert NUMBER.sub("#", said) == NUMBER.sub("#", then)
    for number, wanted in zip(NUMBER.findall(said), NUMBER.findall(then), strict=True):
        fewer = len(number) < len(wanted)
        rounding = 0.5 * 10.0 ** -len(number.partition(".")[2]) if fewer else 0
        assert abs(float(number) - float(wanted)) <= rounding + 1e-6 * abs(float(wanted))


@pytest.mark.parametrize("task", ASKED)
def test_a_run_of_version_0_1_answers_as_it_did(task: str, folder: Path) -> None:
    assert_alike(run(*ASKED[task], cwd=folder).ok().out, (folder / "answer").read_text())


@pytest.mark.parametrize("task", ASKED)
def test_its_score_is_what_it_was(task: str, folder: Path) -> None:
    then = (folder / "score.json").read_text()
    said = json.loads(run("evaluate", "run", "-f", "json", cwd=folder).ok().out)
    as_then = limited(said, json.loads(then))
    assert_alike(json.dumps(as_then, ensure_ascii=False, indent=2) + "\n", then)


def limited(said: Any, then: Any) -> Any:
    """What was said then: more is said now, under other keys, and verdicts have other words and other groups."""
    if isinstance(then, dict):
        return {key: then[key] if key in (*JUDGED, *REDEFINED) else limited(said[key], then[key]) for key in then}
    if isinstance(then, list):
        return [limited(*both) for both in zip(said, then, strict=True)]
    return said


@pytest.mark.parametrize("task", ASKED)
def test_its_gradients_are_inspected(task: str, folder: Path) -> None:
    out = run("inspect-grads", "run", next(folder.glob("data.*")).name, "-f", "json", cwd=folder).ok().out
    assert json.loads(out)["lags"]
