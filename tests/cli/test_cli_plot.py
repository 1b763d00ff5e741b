"""plot: the curves of runs, and what is piped in, as a picture."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from cli_runs import in_shell, metrics, run
from conftest import Shelf

pytestmark = pytest.mark.plots


def test_the_curves_of_runs_are_drawn_and_where_is_said(shelf: Shelf, tmp_path: Path) -> None:
    shutil.copytree(shelf / "char", tmp_path / "char")
    result = run("plot", "char", cwd=tmp_path).ok()
    assert result.out == ""
    assert result.err == "rnncli: drawn into char/curves.png\n"
    assert (tmp_path / "char" / "curves.png").read_bytes().startswith(b"\x89PNG")
    run("plot", "char", shelf / "word", "-o", "both.svg", cwd=tmp_path).ok()
    drawn = (tmp_path / "both.svg").read_text(encoding="utf-8")
    assert "<!-- Training of 2 runs -->" in drawn
    assert "<!-- char -->" in drawn


def test_losses_that_are_not_comparable_are_told_once_of_an_unfinished_run_too(shelf: Shelf, tmp_path: Path) -> None:
    def told(*runs: str | Path) -> list[str]:
        return run("plot", *runs, "-o", "some.svg", cwd=tmp_path).ok().err.splitlines()[:-1]

    for name in ("char", "odd", "forecast"):
        shutil.copytree(shelf / name, tmp_path / name)
    (tmp_path / "odd" / "report.json").unlink()
    said = "rnncli: losses are not comparable: the runs differ in "
    assert told("char", "odd") == [f"{said}data"]
    assert told("char", shelf / "char") == []
    assert told("char", shelf / "byte") == [f"{said}data and tokens"]
    assert told("char", "char/../char", "forecast") == [f"{said}task"]
    (tmp_path / "odd" / "state.safetensors").write_bytes(b"damaged")
    assert told("char", "odd") == [], "nothing tells what it learnt from"


def test_a_pipe_at_the_usual_name_is_not_waited_for(shelf: Shelf, tmp_path: Path) -> None:
    shutil.copytree(shelf / "char", tmp_path / "char")
    os.mkfifo(tmp_path / "char" / "curves.png")
    run("plot", "char", cwd=tmp_path).ok()
    assert (tmp_path / "char" / "curves.png").is_file()


@pytest.mark.long
def test_what_is_piped_in_is_known_by_its_columns(shelf: Shelf, tmp_path: Path) -> None:
    script = f"""
    rnncli predict {shelf / "forecast"} -f csv --levels 80 | rnncli plot - -o csv.svg
    rnncli predict {shelf / "forecast"} -f json --levels 80 | rnncli plot - -o json.svg
    rnncli plot - -o metrics.svg < {shelf / "char"}/metrics.jsonl
    """
    assert in_shell(script, tmp_path).ok().out == ""
    drawn = {path.stem: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    assert drawn["csv"] == drawn["json"]
    assert "<!-- 80% interval -->" in drawn["csv"]
    kept = min(line["valid_loss"] for line in metrics(shelf / "char"))
    assert f"<!-- kept: {kept:.4g} -->" in drawn["metrics"]


def test_what_cannot_be_drawn_is_one_line_and_nothing_is_written(shelf: Shelf, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "metrics.jsonl").write_text("\0\0\nnot json\n")
    char = str(shelf / "char")
    cases = {
        ("nowhere",): (2, "is no run directory"),
        ("empty",): (2, "no metrics.jsonl in this directory"),
        ("broken",): (4, "metrics.jsonl: is damaged"),
        (char, "-o", "a.gif"): (2, "ends in .png, .svg or .pdf"),
        (char, "-o", "none/a.png"): (5, "cannot write"),
        (char, "-"): (2, "standard input is drawn alone"),
        ("-",): (3, "neither a forecast nor metrics"),
    }
    for piped in ('{"step": 1}\n', '{"step": 1, "train_loss": null}\n'):
        told = run("plot", "-", cwd=tmp_path, stdin=piped).refused(3)
        assert "neither a forecast nor metrics" in told
    deep, large = "[" * 100_000, f'[{{"step": 1, "y": 1{"0" * 400}}}]'
    for piped in (deep, '{"a":' * 50_000, large, '[{"t": 1, "y": 2}, {"t": 1}]', "t,y\n1," + "2" * 200_000):
        assert "standard input: " in run("plot", "-", cwd=tmp_path, stdin=piped).refused(3)
    (tmp_path / "broken" / "metrics.jsonl").write_text(deep)
    assert "metrics.jsonl: is damaged" in run("plot", "broken", cwd=tmp_path).refused(4)
    forecast = "step,sales,lo_80,hi_80\n1,2,1,3\n"
    told = run("plot", "-", cwd=tmp_path, stdin=2 * forecast).refused(3)
    assert "line 3 is the header again" in told
    assert "one at a time" in told
    for arguments, (code, said) in cases.items():
        assert said in run("plot", *arguments, cwd=tmp_path, stdin="name,place\nann,here\n").refused(code)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken", "empty"]


def test_damaged_lines_of_metrics_are_told(shelf: Shelf, tmp_path: Path) -> None:
    shutil.copytree(shelf / "char", tmp_path / "char")
    metrics = tmp_path / "char" / "metrics.jsonl"
    metrics.write_text('{"step": 3, "tra\n' + metrics.read_text())
    assert "1 of its lines is damaged" in run("plot", "char", "-o", "a.png", cwd=tmp_path).ok().err
