"""rnncli doctor: what is there, what is missing with the command that mends it, and exit code 5 for what is broken."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from cli_runs import run

from rnncli.errors import MachineError
from rnncli.kernels import cache
from rnncli.workflows import doctor

ROOT = Path(__file__).parents[2]


def findings(cwd: Path, code: int = 0) -> dict[str, dict[str, Any]]:
    done = run("doctor", "-f", "json", cwd=cwd)
    assert done.code == code, done
    return {one["name"]: one for one in json.loads(done.out)}


def test_everything_that_training_needs_is_looked_at_and_nothing_is_left_behind(tmp_path: Path) -> None:
    done = run("doctor", cwd=tmp_path).ok()
    assert done.err == ""
    for name in ("rnncli", "Python", *doctor.PACKAGES, *doctor.EXAMINATIONS, "extra metrics"):
        assert any(line.startswith(f"{name} ") for line in done.out.splitlines()), name
    assert max(map(len, done.out.splitlines())) <= 80
    assert list(tmp_path.iterdir()) == []


def test_figures_are_numbers_in_json(tmp_path: Path) -> None:
    found = findings(tmp_path)
    assert found["matrix product"]["value"] > 0.1
    assert found["matrix product"]["unit"].startswith("GFLOP/s")
    assert found["threads"]["value"] >= 1
    assert found["memory"]["value"] > 0
    assert found["vectors"]["value"] in (128, 256, 512, "none")
    assert not any(one["broken"] for one in found.values())


def test_a_container_that_allows_fewer_cores_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cpu.max").write_text("150000 100000\n", encoding="ascii")
    monkeypatch.setattr(doctor, "_CGROUPS", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(64)), raising=False)
    looked = doctor.EXAMINATIONS["threads"]("threads")
    assert looked.mend == "only 1 of 64 cores may be used: --set training.threads=1"
    (tmp_path / "cpu.max").write_text("max 100000\n", encoding="ascii")
    assert doctor.EXAMINATIONS["threads"]("threads").mend == ""
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3}, raising=False)
    looked = doctor.EXAMINATIONS["threads"]("threads")
    assert (looked.value, looked.mend) == (1, "")  # as many as training takes under taskset


def test_a_cache_that_cannot_be_written_is_told_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_place", [cache.Place(Path("/nowhere/kernels-0"), "no home folder")])
    looked = doctor.EXAMINATIONS["compiled kernels"]("compiled kernels")
    assert looked.value == "not kept in /nowhere: no home folder"
    assert "RNNCLI_CACHE" in looked.mend
    assert not looked.broken


def test_a_cache_that_others_may_replace_is_told_with_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "_place", [])
    monkeypatch.setenv("RNNCLI_CACHE", str(tmp_path / "open/rnncli"))
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    looked = doctor.EXAMINATIONS["compiled kernels"]("compiled kernels")
    assert looked.value == f"not kept in {tmp_path}/open/rnncli: others may write to {tmp_path}/open"
    assert "a folder that you alone can write to" in looked.mend


def test_damaged_kernels_are_counted_and_are_no_reason_to_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "kernels-0"
    folder.mkdir()
    monkeypatch.setattr(cache, "_place", [cache.Place(folder, "")])
    examine = doctor.EXAMINATIONS["compiled kernels"]
    assert examine("compiled kernels") == doctor.Finding("compiled kernels", f"kept in {tmp_path}")
    (folder / "gemm.multiply-1.py311.nbi").write_bytes(b"no index")
    looked = examine("compiled kernels")
    assert looked.value == f"kept in {tmp_path}"
    assert looked.mend.startswith("1 damaged files are compiled again")
    assert not looked.broken


def test_a_cache_that_nothing_can_be_written_in_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_place", [cache.Place(tmp_path / "gone", "")])
    looked = doctor.EXAMINATIONS["compiled kernels"]("compiled kernels")
    assert looked.value == f"not kept in {tmp_path}: no such file or directory"


def test_a_variable_that_ends_the_compiler_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(name: str) -> doctor.Finding:
        cache._require_features("avx2")
        raise AssertionError

    monkeypatch.setitem(doctor.EXAMINATIONS, "vectors", refused)
    looked = doctor._looked("vectors", doctor.EXAMINATIONS["vectors"])
    assert (str(looked.value).split("=")[0], looked.mend, looked.broken) == ("NUMBA_CPU_FEATURES", "unset it", True)


def test_what_is_broken_ends_in_code_5_and_the_rest_is_still_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(name: str) -> doctor.Finding:
        raise MachineError("disk full; free some space")

    monkeypatch.setattr(doctor, "PACKAGES", ("click", "no-such-package"))
    monkeypatch.setattr(doctor, "EXTRAS", {"none": "no-such-extra"})
    monkeypatch.setitem(doctor.EXAMINATIONS, "training", full)
    done = run("doctor", cwd=tmp_path)
    said = done.failed(5)
    assert "no-such-package: not installed; pip install no-such-package" in said
    assert "training: disk full; free some space" in said
    assert "GFLOP/s" in done.out
    assert "→ pip install 'rnncli[none]'" in done.out


def test_a_loss_that_does_not_fall_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_CONFIG", doctor._CONFIG.replace("2e-2", "1e-30"))
    looked = doctor.EXAMINATIONS["training"]("training")
    assert looked.broken
    assert "did not fall" in looked.mend


def test_every_extra_of_users_is_named() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    extras = text.partition("[project.optional-dependencies]\n")[2].partition("\n[")[0]
    named = {line.partition(" = ")[0] for line in extras.splitlines() if " = " in line}
    assert named - {"test", "parity"} <= set(doctor.EXTRAS)
