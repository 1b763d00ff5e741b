"""Numbers whose mark may stand between thousands or before decimals, where nothing in the file tells which."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest
from cli_runs import run


@pytest.mark.parametrize(
    ("options", "delimiter", "told", "size"),
    [
        ([], ",", True, 1),
        (["--decimal", "."], ",", False, 1),
        (["--set", "data.thousands=.", "--set", "data.decimal=,"], ";", False, 1000),
    ],
)
def test_a_table_of_thousandths_is_told_and_read_as_was_said(
    options: list[str], delimiter: str, told: bool, size: int, tmp_path: Path
) -> None:
    rows = "".join(f"{day}{delimiter}{2 + day % 7}.{day % 9}75\n" for day in range(3, 60))
    (tmp_path / "k.csv").write_text(f"day{delimiter}y\n{rows}", encoding="utf-8")
    small = ["--set", "training.updates=1", "--set", "training.threads=1", "--set", "task=forecast"]
    said = run("train", "k.csv", "-o", "run", *small, *options, cwd=tmp_path).ok().err
    assert said.count("are read as fractions, not thousands") == told
    out = run("predict", "run", cwd=tmp_path).ok().out
    values = [float(row["y"].replace(",", ".")) for row in csv.DictReader(out.splitlines(), delimiter=delimiter)]
    assert all(size < value < 10 * size for value in values), values


def test_with_a_comma_the_file_is_refused_with_both_ways_and_both_work(tmp_path: Path) -> None:
    rows = "".join(f"{day};{2 + day % 7},{day % 9}75\n" for day in range(3, 60))
    (tmp_path / "k.csv").write_text(f"day;y\n{rows}", encoding="utf-8")
    message = run("init", "k.csv", "--set", "task=forecast", cwd=tmp_path).failed(3)
    assert '--thousands ","' in message
    assert message.endswith("--decimal ,")
    for way in (["--decimal", ","], ["--set", "data.thousands=,"], ["--thousands", ","]):
        told = run("init", "k.csv", "--set", "task=forecast", *way, cwd=tmp_path).ok().err
        assert "not thousands" not in told


@pytest.mark.parametrize(("delimiter", "mark"), [(";", ","), (";", "."), ("\t", ",")])
def test_a_table_and_a_plot_have_the_mark_of_the_data(delimiter: str, mark: str, tmp_path: Path) -> None:
    rows = "".join(f"{date.fromordinal(737425 + i)}{delimiter}{1000 + i % 7}{mark}25\n" for i in range(84))
    (tmp_path / "k.csv").write_text(f"day{delimiter}y\n{rows}", encoding="utf-8")
    small = ["--set", "training.updates=1", "--set", "training.threads=1"]
    said = run("train", "k.csv", "-o", "run", *small, cwd=tmp_path).ok().err
    assert said.count('numbers are read with "," for decimals') == (mark == ",")
    other = "." if mark == "," else ","
    table = run("predict", "run", "-f", "table", cwd=tmp_path).ok().out
    assert f"{mark}25" in table
    assert other not in table
    assert f"1{other}006" in run("predict", "run", "-f", "plot", cwd=tmp_path).ok().out


def test_each_mend_of_a_file_with_other_marks_is_taken(tmp_path: Path) -> None:
    """Each mend that is named for a model, and for a config, that read 1.000,25 is followed."""

    def written(name: str, number: str, first: int = 0) -> None:
        days = [f"{date.fromordinal(737425 + i)};{number.format(i % 7)}\n" for i in range(first, first + 84)]
        (tmp_path / name).write_text(f"day;y\n{''.join(days)}", encoding="utf-8")

    written("k.csv", "1.00{},25")
    written("other.csv", "100{}.25", 84)
    run("init", "k.csv", "-o", "k.yaml", cwd=tmp_path).ok()
    small = ["--set", "training.updates=1", "--set", "training.threads=1"]
    run("train", "k.yaml", "-o", "run", *small, cwd=tmp_path).ok()
    for words in (
        ["predict", "run", "other.csv"],
        ["predict", "run", "other.csv", "--follow"],
        ["evaluate", "run", "other.csv"],
    ):
        assert 'if "." is the decimal sign, pass --decimal .' in run(*words, cwd=tmp_path).err
        assert run(*words, "--decimal", ".", cwd=tmp_path).ok().out
    assert "pass --decimal ." in run("check", "k.yaml", "other.csv", cwd=tmp_path).err
    told = run("check", "k.yaml", "other.csv", "--decimal", ".", cwd=tmp_path).err
    assert "if nothing stands there, set data.thousands to null" in told
    run("check", "k.yaml", "other.csv", "--decimal", ".", "--set", "data.thousands=null", cwd=tmp_path).ok()


def test_training_names_the_covariates_and_the_rows_to_forecast(tmp_path: Path) -> None:
    rows = "".join(
        f"{date.fromordinal(737425 + i)},{i % 7 if i < 80 else ''},{i % 3},{i % 5 if i < 80 else ''}\n"
        for i in range(84)
    )
    (tmp_path / "k.csv").write_text(f"day,y,off,rain\n{rows}", encoding="utf-8")
    roles = ["--set", "data.target=y", "--set", "data.known_covariates=off", "--set", "data.past_covariates=rain"]
    out = run("check", "k.csv", *roles, cwd=tmp_path).ok().out
    assert "covariates rain up to the last row; off known ahead, for 4 rows to forecast windows" in " ".join(
        out.split()
    )
