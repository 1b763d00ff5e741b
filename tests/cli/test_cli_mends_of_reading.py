"""What an error in the data of a trained model names as its mend is something that the command takes."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from cli_runs import run
from conftest import SALES, Shelf

from rnncli.cli import rnncli
from rnncli.notes import Doubt, doubt, note, noting
from rnncli.workflows.opening import reading_as_trained

HEAD, *ROWS = SALES.splitlines()
NEXT = [f"2011-{month:02d},{60 + month}" for month in range(1, 9)]
LATER = [(year, month) for year in (2012, 2013, 2014) for month in range(1, 13)]
TRAINING = re.compile(r"train (?:with )?--set data\.\w+")
OPTION = re.compile(r"--[a-z][a-z-]*")


def turned(rows: list[str]) -> list[str]:
    return rows[::-1]


def twice(rows: list[str]) -> list[str]:
    return [*rows[:3], *rows[2:]]


CASES = {
    "turned": turned,
    "twice": twice,
    "a row is missing": lambda rows: rows[:2] + rows[3:],
    "a value is missing": lambda rows: [*rows[:2], rows[2].split(",")[0] + ",", *rows[3:]],
    "ambiguous": lambda rows: [f"0{i % 9 + 1}/0{2 * i % 9 + 1}/2011,{i}" for i in range(len(rows))],
    "no time": lambda rows: [f"x{row}" for row in rows],
    "far away": lambda rows: [*rows[:-1], rows[-1].replace("2011", "9011")],
    "thousands": lambda rows: [row.split(",")[0] + ',"1,234,567"' for row in rows],
    "another zone": lambda rows: [f"2011-01-01T00:0{i}:00+0{i % 5}:00,{i}" for i in range(len(rows))],
    "too late": lambda rows: rows[2:],
    "codes": lambda rows: [*rows, *(f"{year}-{month:02d},{-999 if month < 3 else month}" for year, month in LATER)],
}


@pytest.mark.parametrize("command", [["predict"], ["evaluate"], ["predict", "--follow"]], ids=" ".join)
@pytest.mark.parametrize("case", CASES)
def test_the_mends_are_options_of_the_command(shelf: Shelf, tmp_path: Path, command: list[str], case: str) -> None:
    (tmp_path / "d.csv").write_text("\n".join([HEAD, *CASES[case](NEXT)]) + "\n")
    name, *options = command
    said = run(name, str(shelf / "forecast"), "d.csv", *options, cwd=tmp_path).err
    rest = TRAINING.sub("", said)
    assert "--set" not in rest
    parameters = rnncli.get_command(click.Context(rnncli), name).params
    assert set(OPTION.findall(rest)) <= {option for parameter in parameters for option in parameter.opts}


def test_notes_and_doubts_name_what_training_takes_too() -> None:
    said: list[str] = []
    with noting(said.append), reading_as_trained():
        note("the first line names the columns; if not, --set data.header=false")
        doubt("far; train with --set data.na_values=-999")
    assert said == [
        "the first line names the columns; if not, rnncli train --set data.header=false",
        "far; train with --set data.na_values=-999",
    ]
    assert [isinstance(text, Doubt) for text in said] == [False, True]


@pytest.mark.parametrize("command", ["predict", "evaluate"])
@pytest.mark.parametrize(("change", "mend"), [(turned, ["--sort"]), (twice, ["--duplicates", "mean"])])
def test_rows_are_sorted_and_merged_as_they_are_in_training(
    shelf: Shelf, tmp_path: Path, command, change, mend
) -> None:
    for name, rows in (("good.csv", NEXT), ("bad.csv", change(NEXT))):
        (tmp_path / name).write_text("\n".join([HEAD, *rows]) + "\n")
    model = str(shelf / "forecast")
    assert mend[0] in run(command, model, "bad.csv", cwd=tmp_path).refused(3)
    mended = run(command, model, "bad.csv", *mend, cwd=tmp_path).ok()
    assert mended.out == run(command, model, "good.csv", cwd=tmp_path).ok().out


def test_a_stream_is_neither_sorted_nor_merged(shelf: Shelf, tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("\n".join([HEAD, *NEXT]) + "\n")
    for mend in (["--sort"], ["--duplicates", "last"]):
        message = run("predict", str(shelf / "forecast"), "d.csv", "--follow", *mend, cwd=tmp_path).refused(2)
        assert message.startswith(f"{mend[0]}: does not go with --follow")


def test_training_takes_them_too(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("\n".join([HEAD, *turned(ROWS)]) + "\n")
    assert "--sort sorts the rows" in run("check", "d.csv", cwd=tmp_path).failed(3)
    by_option, by_key = (
        run("init", "d.csv", *sort, cwd=tmp_path).ok() for sort in (["--sort"], ["--set", "data.sort=true"])
    )
    assert by_option.out == by_key.out
    assert "  sort: true" in by_key.out
