"""What is said of compiled kernels: that they are compiled, that they cannot be kept, and for whom one waits."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
from pathlib import Path

import pytest
from cli_runs import environment, run, run_command
from conftest import Shelf

from rnncli.kernels import cache, kept
from rnncli.kernels.jit import enabled

pytestmark = pytest.mark.skipif(not enabled(), reason="nothing is compiled")

SMALL = ("--set", "model.hidden_size=4", "--set", "training.epochs=1", "--set", "training.threads=1")
UNKEPT = "rnncli: compiled kernels cannot be kept in {} ({}): every start compiles anew, about 10 s; "


def said_by(shelf: Shelf, tmp_path: Path) -> str:
    return run("train", shelf / "text.txt", "-o", "run", "-q", *SMALL, cwd=tmp_path).ok().err


def test_a_cache_that_is_not_used_is_told_to_those_who_want_quiet(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "_place", [cache.Place(tmp_path / "rnncli/kernels-0", "others may write to it")])
    told = (
        UNKEPT.format(tmp_path / "rnncli", "others may write to it")
        + "set RNNCLI_CACHE to a folder that you alone can write to\n"
    )
    assert told in said_by(shelf, tmp_path)


def test_that_it_compiles_is_not(shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_place", [cache.Place(tmp_path / "rnncli/kernels-0", "")])
    assert "kernels" not in said_by(shelf, tmp_path)


@pytest.mark.parametrize(
    "command", [["predict", "word"], ["compress", "none"], ["decompress", "none", "-o", "x"], ["report", "word"]]
)
def test_that_it_compiles_is_told(
    command: list[str], shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "none").touch()
    shutil.copytree(shelf / "word", tmp_path / "word")
    monkeypatch.setattr(cache, "_place", [cache.Place(tmp_path / "rnncli/kernels-0", "")])
    assert "rnncli: compiling kernels, once per machine" in run(*command, cwd=tmp_path).err


def test_a_start_loads_nothing_that_only_compiling_or_training_needs(shelf: Shelf) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "rnncli", "generate", "char", "-n", "1"]
    _, warm = (run_command(command, cwd=shelf.folder, env=environment()).ok() for _ in range(2))
    loaded = {line.rpartition("|")[2].strip() for line in warm.err.splitlines() if line.startswith("import time")}
    assert {"numba", "rnncli.kernels.generation"} <= loaded
    assert not loaded & {
        "numba.np.linalg",
        "coverage.control",
        "rnncli.workflows.train",
        "rnncli.kernels.arithmetic_coder",
    }


def test_a_disk_that_fills_up_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cache, "_place", [cache.Place(tmp_path / "rnncli/kernels-0", "")])
    cache.tell_unkept.cache_clear()
    run("runs", cwd=tmp_path)  # the command that listens
    for _ in range(2):
        cache.tell_unkept("no space left on device")
    said = capsys.readouterr().err
    assert said.startswith(UNKEPT.format(tmp_path / "rnncli", "no space left on device"))
    assert len(said.splitlines()) == 1
    cache.tell_unkept.cache_clear()


@pytest.mark.parametrize("there", [True, False])
def test_settings_of_numba_in_the_folder_are_ignored_with_a_line(there: bool, shelf: Shelf, tmp_path: Path) -> None:
    if there:
        (tmp_path / ".numba_config.yaml").write_text("cache_dir: [\n", encoding="utf-8")
    told = run("predict", shelf / "word", cwd=tmp_path).err.splitlines()
    assert told.count("rnncli: .numba_config.yaml in this folder is ignored") == there


def test_waiting_is_told_while_it_lasts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run("runs", cwd=tmp_path)
    for name, value in {"_waited": 0.0, "_told": False, "_stuck": set()}.items():
        monkeypatch.setattr(kept._Turn, name, value)
    monkeypatch.setattr(kept, "UNNOTICED", 0.0)
    monkeypatch.setattr(kept, "STUCK", 0.1)
    (tmp_path / "lock").write_text("4321", encoding="ascii")
    held = os.open(tmp_path / "lock", os.O_RDWR)
    fcntl.flock(held, fcntl.LOCK_EX)
    assert not kept._Turn(str(tmp_path / "lock")).take()
    os.close(held)
    assert capsys.readouterr().err == "rnncli: waiting for process 4321, which compiles the kernels\n"
