"""tune: what it refuses before it writes anything, and its section of a config, without the extra."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from cli_runs import run
from conftest import CHAR, TEXT

SECTION = "tune:\n  over:\n    {}\n  trials: 3\n"


@pytest.fixture
def without_optuna(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rnncli.workflows.tune_study.find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "optuna", None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "text.txt").write_text(TEXT, encoding="utf-8")
    (tmp_path / "char.yaml").write_text(CHAR, encoding="utf-8")
    return tmp_path


def test_without_optuna_the_command_that_installs_it_is_named(without_optuna: None, folder: Path) -> None:
    message = run("tune", "char.yaml", cwd=folder).refused(2)
    assert message == "tune: searches by Optuna, which is not installed; pip install 'rnncli[tune]'"
    assert not (folder / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--over", "training.lerning_rate=1e-3..1e-2"], 'unknown key "lerning_rate"; did you mean "learning_rate"?'),
        (
            ["--over", "model.hidden_size=0..8"],
            "--over model.hidden_size=0..8: model.hidden_size is 0; must be at least",
        ),
        (["--over", "data.path=a.txt,b.txt"], "data.path decides what is learnt from"),
        (["--max-time", "soon"], '--max-time is "soon"; must be a duration such as 8s, 10m or 1h30m'),
        (["--trials", "0"], "0 is not in the range"),
        (["--set", "data.validation=0"], "tune judges trials by a validation split, and data.validation is 0"),
        (["-"], "standard input is none; name a file"),
        (["-o", " "], "-o needs the name of a folder"),
        (["--set", "tune.over=3"], "tune.over is 3; must be a section of keys with what to search"),
    ],
)
def test_a_mistake_is_refused_before_anything_is_written(arguments: list[str], words: str, folder: Path) -> None:
    assert words in run("tune", "char.yaml", *arguments, cwd=folder).refused(2)
    assert {entry.name for entry in folder.iterdir()} == {"text.txt", "char.yaml"}


def test_a_mistake_in_the_section_has_its_line_and_column(folder: Path) -> None:
    wrong = SECTION.format("model.hiden_size: 8..16")
    (folder / "char.yaml").write_text(CHAR + wrong, encoding="utf-8")
    message = run("tune", "char.yaml", cwd=folder).refused(2)
    line = len(CHAR.splitlines()) + 3
    assert message == f'char.yaml:{line}:5: unknown key "hiden_size"; did you mean "hidden_size"?'


def test_the_section_is_no_part_of_what_train_writes(folder: Path) -> None:
    quick = ["--set", "training.epochs=1", "-q"]
    run("train", "char.yaml", "-o", "without", *quick, cwd=folder).ok()
    (folder / "char.yaml").write_text(CHAR + SECTION.format("model.hidden_size: 8..16"), encoding="utf-8")
    run("train", "char.yaml", "-o", "with", *quick, cwd=folder).ok()
    for name in ("config.yaml", "model.safetensors"):
        assert (folder / "with" / name).read_bytes() == (folder / "without" / name).read_bytes()
