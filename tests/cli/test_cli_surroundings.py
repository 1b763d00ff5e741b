"""Odd surroundings: no HOME, no cache, the C locale, closed streams. Commands work, or end in one line."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from cli_runs import COMMAND, Result, run_command
from conftest import Shelf

from rnncli.cli import COMMANDS

LINES = {
    "init": "init sales.csv",
    "check": "check no-data.yaml",
    "train": "train nothing.yaml",
    "predict": "predict nothing",
    "generate": "generate nothing",
    "evaluate": "evaluate nothing",
    "inspect-grads": "inspect-grads nothing",
    "runs": "runs nothing",
    "help": "help training.bptt",
    "doctor": "doctor --help",
    "completion": "completion bash",
}
"""A cheap line for each command; `--help` is that of the commands that have none here."""
SURROUNDINGS = {
    "no HOME": ("env -u HOME -u XDG_CACHE_HOME", ""),
    "HOME cannot be written": ("env -u XDG_CACHE_HOME HOME=/proc/self/nothing", ""),
    "C locale": ("env LC_ALL=C", ""),
    "stdin closed": ("", "<&-"),
    "stderr closed": ("", "2>&-"),
    "stdout closed": ("", ">&-"),
    "all closed": ("", "<&- >&- 2>&-"),
    "stderr full": ("", "2>/dev/full"),
}
ONE_LINE = ("train", "predict", "generate", "evaluate", "inspect-grads", "runs")  # of what is not there


def in_surroundings(line: str, kind: str, cwd: Path) -> Result:
    before, after = SURROUNDINGS[kind]
    (cwd / "no-data.yaml").write_text("task: language-model\n", encoding="utf-8")
    return run_command(["bash", "-c", f"{before} {shlex.join(COMMAND)} {line} {after}"], cwd=cwd)


@pytest.mark.thorough
@pytest.mark.parametrize("kind", SURROUNDINGS)
@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_works_or_says_one_line(name: str, kind: str, place: Path) -> None:
    done = in_surroundings(LINES.get(name, f"{name} --help"), kind, place)
    assert "Traceback" not in done.err
    assert "a bug in rnncli" not in done.err
    if ">&-" in SURROUNDINGS[kind][1].split():
        assert done.code in ((2, 5) if name in ONE_LINE else (0, 5))  # what cannot be written is the system's error
    elif name in ONE_LINE:
        assert done.code == 2
    else:
        lost = kind == "stderr full" and name == "init"  # which alone of these says something beside its result
        assert done.code == (5 if lost else 0), done
        assert done.out
    if done.code and "2>" not in SURROUNDINGS[kind][1]:
        assert len(done.errors) == 1, done.err


@pytest.mark.long
@pytest.mark.parametrize("kind", [kind for kind in SURROUNDINGS if ">&-" not in SURROUNDINGS[kind][1].split()])
def test_predictions_are_the_same_bytes(kind: str, shelf: Shelf, tmp_path: Path) -> None:
    if kind in ("no HOME", "HOME cannot be written"):
        pytest.skip("compiles anew, which tests/cli/test_cli_generate.py does")
    usual = run_command(["bash", "-c", f"{shlex.join(COMMAND)} predict {shelf / 'forecast'}"], cwd=tmp_path).ok()
    assert in_surroundings(f"predict {shelf / 'forecast'}", kind, tmp_path).ok().out == usual.out


def test_a_log_whose_disk_is_full_costs_no_work_and_is_told_by_the_exit_code(place: Path) -> None:
    settings = "--set training.epochs=1"
    whole = in_surroundings(f"train char.yaml -o whole {settings}", "stdin closed", place).ok()
    full = in_surroundings(f"train char.yaml -o full {settings}", "stderr full", place)
    assert (full.code, full.err) == (5, "")
    assert full.out == whole.out
    assert {file.name for file in (place / "full").iterdir()} == {file.name for file in (place / "whole").iterdir()}
    assert in_surroundings("inspect-grads full -f json", "stderr full", place).ok().out  # which has nothing to tell
    assert in_surroundings("", "stderr full", place).code == 2


def test_without_stdin_a_pipe_is_missed_in_one_line(shelf: Shelf, tmp_path: Path) -> None:
    said = in_surroundings(f"predict {shelf / 'word'} -", "stdin closed", tmp_path).failed(2)
    assert "standard input" in said
