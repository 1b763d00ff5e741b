"""Features that a run keeps: taken by what starts from it again, made anew where they are damaged or of other sound."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from cli_runs import Stops, model_sha256, run

from rnncli.data import kept_rows
from rnncli.data.kept_rows import KeptRows
from rnncli.errors import MachineError
from rnncli.nn import model_file
from rnncli.workflows.run_directory import RunDirectory
from tests.sounds import tone, wav

CONFIG = """\
task: transcribe
data: {path: clips, validation: 0.3, features: {bands: 6, stack: 3}}
model: {cell: gru, hidden_size: 4, num_layers: 1}
training: {updates: 12, batch_size: 4, threads: 1}
"""
FEATURES = "features.safetensors"


@pytest.fixture(autouse=True)
def little_is_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_rows, "_LEAST", 1)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A number for each recording whose features were made."""
    made: list[int] = []
    rows = kept_rows.LogMel.rows
    monkeypatch.setattr(kept_rows.LogMel, "rows", lambda self, blocks: made.append(1) or rows(self, blocks))
    return made


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with clips, and a run that keeps their features."""
    folder = tmp_path_factory.mktemp("kept")
    (folder / "clips").mkdir()
    for k in range(10):
        noise = np.random.default_rng(k).normal(0, 0.01, 4000)
        (folder / f"clips/{k}.wav").write_bytes(wav(noise + tone(300 + 100 * (k % 2))))
        (folder / f"clips/{k}.txt").write_text("ab"[k % 2])
    (folder / "c.yaml").write_text(CONFIG)
    least, kept_rows._LEAST = kept_rows._LEAST, 1
    told = run("train", "c.yaml", "-o", "run", cwd=folder).ok()
    kept_rows._LEAST = least
    assert f"kept in {FEATURES}, 0 MB, for later starts" in told.err
    return folder


@pytest.fixture
def folder(first: Path, tmp_path: Path) -> Path:
    """A copy, whose run is to be spoilt; its config names the clips of `first`."""
    return Path(shutil.copytree(first, tmp_path / "copy"))


def states(folder: Path) -> str:
    return next(line for line in run("check", "run", cwd=folder).out.splitlines() if line.startswith("features"))


def test_what_starts_from_a_run_again_takes_them(folder: Path, made: list[int]) -> None:
    kept = (folder / "run" / FEATURES).stat()
    assert kept.st_mode & 0o077 == 0
    told = run("evaluate", "run", cwd=folder).ok().out
    run("inspect-grads", "run", cwd=folder).ok()
    run("train", "-o", "run", "--resume", "-q", "--set", "training.updates=14", cwd=folder).ok()
    assert not made
    assert (folder / "run" / FEATURES).stat().st_mtime_ns == kept.st_mtime_ns
    (folder / "run" / FEATURES).unlink()
    run("train", "c.yaml", "-o", "other", "-q", cwd=folder).ok()
    assert len(made) == 10
    assert run("evaluate", "other", cwd=folder).ok().out == told


def test_a_resumed_run_that_took_them_has_the_bytes_of_one_that_did_not(
    folder: Path, made: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    stops = Stops(monkeypatch)
    stops.set(5)
    assert run("train", "c.yaml", "-q", "-o", "stopped", cwd=folder).code == 130
    stops.set(0)
    made.clear()
    run("train", "-o", "stopped", "--resume", "-q", cwd=folder).ok()
    assert not made
    assert model_sha256(folder / "stopped") == model_sha256(folder / "run")


def spoilt(path: Path, way: str) -> None:
    content = bytearray(path.read_bytes())
    if way == "a byte":
        content[-7] ^= 4
    if way in ("a link", "a folder"):
        path.unlink()
        path.symlink_to("model.safetensors") if way == "a link" else path.mkdir()
        return
    if way == "cut":
        content = content[:-9]
    if way == "another file":
        content = bytearray((path.parent / "model.safetensors").read_bytes())
    if way == "empty":
        content = bytearray()
    path.write_bytes(content)


@pytest.mark.parametrize("way", ["a byte", "cut", "empty", "another file", "a link", "a folder"])
def test_damaged_ones_are_made_anew(folder: Path, made: list[int], way: str) -> None:
    before = run("evaluate", "run", cwd=folder).ok().out
    path = folder / "run" / FEATURES
    spoilt(path, way)
    made.clear()
    found = run("evaluate", "run", cwd=folder).ok()
    assert (found.out, len(made)) == (before, 10)
    assert f"{FEATURES}: " in found.err
    assert "features are made anew" in found.err
    assert f"{FEATURES} is damaged; remove the file, and they are made anew" in states(folder)
    resumed = run("train", "-o", "run", "--resume", "--set", "training.updates=14", cwd=folder).ok()
    if way == "a folder":
        assert "cannot write" in resumed.err
    else:
        assert states(folder) == "features ok          10 recordings, 0 MB, as they are made anew"


def test_others_in_a_sound_file_are_found_by_check(folder: Path) -> None:
    path = folder / "run" / FEATURES
    assert states(folder) == "features ok          10 recordings, 0 MB, as they are made anew"
    arrays, header = model_file.read(path)
    arrays["rows"][3, 2] += 1
    model_file.write(path, arrays, {key: header[key] for key in header if key not in ("format", "sha256")})
    assert "those of 1 of 10 recordings are others; remove the file" in states(folder)
    assert run("check", "run", cwd=folder).failed(7).startswith("run: is not what it was: features; ")


def test_a_disk_without_room_does_no_harm(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = model_file.write

    def full(path: Path, *given: object) -> None:
        if path.name == FEATURES:
            raise MachineError(f"{path}: cannot write: No space left on device; free some space")
        write(path, *given)

    monkeypatch.setattr(model_file, "write", full)
    told = run("train", "c.yaml", "-o", "poor", cwd=folder).ok().err
    assert "No space left" in told
    assert "features will be made anew at the next start" in " ".join(told.split())
    assert not (folder / "poor" / FEATURES).exists()


def test_a_run_killed_before_it_learnt_anything_begins_anew(folder: Path) -> None:
    def stopped(self: RunDirectory, kept: KeptRows) -> int:
        write(self, kept)
        raise KeyboardInterrupt

    write = RunDirectory.write_rows
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunDirectory, "write_rows", stopped)
        assert run("train", "c.yaml", "-o", "fresh", "-q", cwd=folder).code == 130
    for name in {*os.listdir(folder / "fresh")} - {FEATURES, "state.safetensors"}:
        (folder / "fresh" / name).unlink()
    (folder / f"fresh/.{FEATURES}.0123456789abcdef.tmp").touch()
    shutil.copytree(folder / "fresh", folder / "again")
    run("train", "c.yaml", "-o", "fresh", "-q", cwd=folder).ok()
    run("train", "c.yaml", "-o", "again", "--resume", "-q", cwd=folder).ok()
    assert model_sha256(folder / "fresh") == model_sha256(folder / "again") == model_sha256(folder / "run")


def test_a_file_of_that_name_which_a_user_has_is_not_taken_for_a_run(folder: Path) -> None:
    (folder / "mine").mkdir()
    (folder / "mine" / FEATURES).write_bytes(b"mine")
    assert "exists and is not empty" in run("train", "c.yaml", "-o", "mine", cwd=folder).failed(2)
    assert (folder / "mine" / FEATURES).read_bytes() == b"mine"
