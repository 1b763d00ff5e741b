"""What is shipped: the top level, the wheel, the dependencies, the licence."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    tomllib = pytest.importorskip("tomli", reason="Python 3.10 has no tomllib")

ROOT = Path(__file__).parents[1]
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = CONFIG["project"]


def python(*arguments, cwd, **environment):
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "XDG_CACHE_HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, *map(str, arguments)], cwd=cwd, env=kept | environment, capture_output=True, text=True
    )


def test_top_level_holds_what_it_should_and_nothing_else():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    top = {line.split("/")[0] for line in tracked.splitlines()}
    visible = {name for name in top if not name.startswith(".")}
    assert visible == {"rnncli", "tests", "sample_configs", "sample_data", "pyproject.toml", "README.md"}


def test_depends_only_on_what_the_design_names():
    names = {requirement.split(">")[0] for requirement in PROJECT["dependencies"]}
    assert names == {"click", "numpy", "numba", "rich", "pyyaml", "pydantic", "safetensors", "regex"}
    assert PROJECT["license"] == "MIT"
    assert "MIT" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    built = python("-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    assert built.returncode == 0, built.stdout + built.stderr
    return next(folder.glob("*.whl"))


@pytest.mark.long
def test_wheel_installs_and_runs_outside_the_checkout(wheel, tmp_path):
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    lines = "".join(f"round {i} and round the ragged rock\n" for i in range(40))
    (tmp_path / "text.txt").write_text(lines, encoding="utf-8")
    where = python("-c", "import rnncli; print(rnncli.__file__)", cwd=tmp_path, PYTHONPATH=str(site))
    assert Path(where.stdout.strip()) == site / "rnncli" / "__init__.py"
    small = ["--set", "model.hidden_size=8", "--set", "training.epochs=1"]
    run = python("-m", "rnncli", "train", "text.txt", "-o", "run", *small, cwd=tmp_path, PYTHONPATH=str(site))
    assert run.returncode == 0, run.stderr
    manual = python("-m", "rnncli", "help", "forecast", cwd=tmp_path, PYTHONPATH=str(site))
    assert "Prediction intervals" in manual.stdout
    text = python("-m", "rnncli", "generate", "run", "-n", "20", cwd=tmp_path, PYTHONPATH=str(site))
    assert text.returncode == 0
    assert len(text.stdout) == 20


@pytest.mark.long
def test_wheel_holds_the_package_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert "rnncli/py.typed" in names
    assert "rnncli/docs/config.md" in names
    assert any("licenses/" in name and name.endswith("LICENSE") for name in names)
    assert all(name.startswith(("rnncli/", "rnncli-")) for name in names)


@pytest.mark.long
def test_the_whole_path_works_without_scipy(tmp_path):
    """A stand-in that cannot be imported stands before any installed SciPy, in every process of the path."""
    (tmp_path / "scipy.py").write_text("raise ImportError('no SciPy in the path')\n", encoding="utf-8")
    (tmp_path / "text.txt").write_text("".join(f"the cat sat on mat {i}\n" for i in range(40)), encoding="utf-8")
    (tmp_path / "series.csv").write_text("v\n" + "".join(f"{i % 7}\n" for i in range(90)), encoding="utf-8")
    environment = {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    small = ["--set", "model.hidden_size=8", "--set", "training.epochs=1"]
    for data, run in (("text.txt", "a"), ("series.csv", "b")):
        for command in (["train", data, "-o", run, *small], ["inspect-grads", run]):
            done = python("-m", "rnncli", *command, cwd=tmp_path, **environment)
            assert done.returncode == 0, done.stderr
    for command in (["generate", "a", "-n", "5"], ["predict", "b"]):
        done = python("-m", "rnncli", *command, cwd=tmp_path, **environment)
        assert done.returncode == 0, done.stderr


def test_the_contract_that_tasks_do_not_import_each_other_names_every_task():
    (contract,) = (one for one in CONFIG["tool"]["importlinter"]["contracts"] if one["type"] == "independence")
    folders = {path.parent.name for path in (ROOT / "rnncli/tasks").glob("*/__init__.py")}
    assert set(contract["modules"]) == {f"rnncli.tasks.{folder}" for folder in folders}
