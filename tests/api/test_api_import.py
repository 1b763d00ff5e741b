"""import rnncli: light, and complete; nothing that it does not need has to be installed."""

from __future__ import annotations

import ast
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import rnncli
from rnncli import errors
from tests.cli.cli_runs import environment

SOURCE = ast.parse(Path(rnncli.__file__).read_text(encoding="utf-8"))


def python(script: str, cwd: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=cwd, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_loads_no_module_but_itself(tmp_path: Path) -> None:
    before = "import sys, __future__; before = set(sys.modules)"
    script = f"{before}; import rnncli; print(*sorted(set(sys.modules) - before))"
    assert python(script, tmp_path).split() == ["rnncli"]


def test_a_name_that_is_light_loads_nothing_heavy(tmp_path: Path) -> None:
    script = "import sys, rnncli; rnncli.Error; print({'numpy', 'numba', 'click', 'rich'} & set(sys.modules))"
    assert python(script, tmp_path).strip() == "set()"


def test_every_name_is_there_and_none_is_a_module() -> None:
    assert all(getattr(rnncli, name) is not None for name in rnncli.__all__)
    assert not {module.name for module in pkgutil.iter_modules(rnncli.__path__)} & {*rnncli.__all__}
    assert {*rnncli.__all__} <= {*dir(rnncli)}


def test_type_checkers_see_the_same_names() -> None:
    checked = next(node for node in SOURCE.body if isinstance(node, ast.If))
    seen = {alias.asname or alias.name for node in checked.body for alias in node.names}  # type: ignore[attr-defined]
    assert seen - {"Any"} == {*rnncli.__all__}


def test_errors_are_those_of_the_commands() -> None:
    named = {name for name in rnncli.__all__ if name.endswith("Error") and name != "Error"}
    assert rnncli.Error is errors.RnncliError
    assert all(issubclass(getattr(rnncli, name), rnncli.Error) for name in named)
    told_in_private = {"RnncliError", "ReaderGoneError"}  # which no program sees
    assert named == {name for name in vars(errors) if name.endswith("Error")} - told_in_private


def test_another_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'fit'"):
        rnncli.fit  # noqa: B018


def test_neither_pandas_nor_a_notebook_is_needed(tmp_path: Path) -> None:
    script = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("pandas", "IPython", "ipywidgets", "matplotlib"):
            raise ImportError(name)
sys.meta_path.insert(0, Absent())
import numpy as np, rnncli
small = {"training.epochs": 1, "model.hidden_size": 4, "training.threads": 1}
days = np.datetime64("2024-01-01") + np.arange(60)
run = rnncli.train({"day": days, "sold": np.arange(60) % 7}, overrides=small, progress=True)
print(run.path, run.model.predict(horizon=2)["day"])
"""
    assert python(script, tmp_path) == "runs/forecast ['2024-03-01' '2024-03-02']\n"
