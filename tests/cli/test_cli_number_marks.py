"""Numbers whose mark may stand between thousands or before decimals, where nothing in the file tells which."""

from __future__ import annotations

import csv
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
