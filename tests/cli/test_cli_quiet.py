"""-q: every command that says something beside its result has it, and then says nothing."""

from __future__ import annotations

import shlex
from importlib import import_module
from pathlib import Path

import pytest
from cli_runs import run
from conftest import Shelf

from rnncli.cli import COMMANDS

ONLY_RESULTS = {"help", "doctor", "completion"}  # commands that write nothing else
CALLS = {
    "check": "check SHELF/sales.csv",
    "check of a run": "check SHELF/char",
    "compress": "compress SHELF/text.txt -o text.rnnz --run SHELF/char",
    "evaluate": "evaluate SHELF/char",
    "export": "export SHELF/forecast --to onnx -o exported.onnx --no-average",
    "generate": "generate SHELF/char -n 9",
    "init": "init SHELF/sales.csv -o sales.yaml",
    "inspect-grads": "inspect-grads SHELF/char",
    "plot": "plot SHELF/char -o a.png",
    "predict": "predict SHELF/forecast --levels 80",
    "report": "report SHELF/char -o page.html",
    "runs": "runs SHELF",
    "score": "score SHELF/char SHELF/text.txt -f csv",
    "train": "train SHELF/sales.csv --set training.updates=2 -o made",
    "train --dry-run": "train SHELF/sales.csv --dry-run",
}
SAYS_ITS_RESULT = {"score"}  # the totals, which stand in no line of the table


def _options(command: str) -> set[str]:
    found = import_module(f"rnncli.cli.{command.replace('-', '_')}").command
    return {name for option in found.params for name in option.opts}


def test_every_command_that_says_more_than_its_result_can_be_quiet() -> None:
    assert {name for name in COMMANDS if "--quiet" in _options(name)} == COMMANDS.keys() - ONLY_RESULTS
    assert all(("-q" in _options(name)) == ("--quiet" in _options(name)) for name in COMMANDS)


@pytest.mark.parametrize(
    "call", [pytest.param(call, marks=pytest.mark.plots if call == "plot" else ()) for call in CALLS]
)
def test_a_quiet_command_leaves_standard_error_empty(call: str, shelf: Shelf, tmp_path: Path) -> None:
    words = [word.replace("SHELF", str(shelf.folder)) for word in shlex.split(CALLS[call])]
    told = run(*words, "-q", cwd=tmp_path).ok().err
    assert bool(told) == (call in SAYS_ITS_RESULT), told


READ_IN_ONE_OF_TWO_WAYS = {
    "fractions.csv": (
        "day,y\n" + "".join(f"{day},{2 + day % 7}.{day % 9}75\n" for day in range(3, 60)),
        "not thousands",
    ),
    "bare.csv": ("".join(f"2001-02-{day:02d},{day % 5}\n" for day in range(1, 28)), "the first line holds values"),
    "list.txt": ("".join(f"how to mend a {noun}{i}?s\n" for i in range(40) for noun in "xy"), "looks like a list"),
}


@pytest.mark.parametrize("name", READ_IN_ONE_OF_TWO_WAYS)
def test_a_quiet_command_tells_what_it_may_read_wrongly(name: str, tmp_path: Path) -> None:
    content, told = READ_IN_ONE_OF_TWO_WAYS[name]
    (tmp_path / name).write_text(content)
    assert told in run("check", name, "-q", cwd=tmp_path).ok().err


def test_a_code_is_decoded_without_a_word(shelf: Shelf, tmp_path: Path) -> None:
    run("compress", shelf / "text.txt", "-o", "text.rnnz", "--run", shelf / "char", "-q", cwd=tmp_path).ok()
    result = run("decompress", "text.rnnz", "--run", shelf / "char", "-o", "text.txt", "-q", cwd=tmp_path).ok()
    assert (result.err, (tmp_path / "text.txt").read_bytes()) == ("", (shelf / "text.txt").read_bytes())


def test_a_report_that_is_asked_for_is_written_quietly_or_not(shelf: Shelf, tmp_path: Path) -> None:
    told = [run("generate", shelf / "char", "-n", "40", "--report", *q, cwd=tmp_path).ok().err for q in ([], ["-q"])]
    assert told[0].endswith(told[1])
    assert "copied" in told[1]
