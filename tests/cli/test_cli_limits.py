"""What the system refuses: memory, a folder, a disk. Exit code 5 and one line, whatever numpy and numba would say."""

from __future__ import annotations

import builtins
import errno
import io
import os
import tempfile
import warnings
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import pytest
from cli_runs import in_shell, run
from conftest import Shelf

from rnncli.cli import COMMANDS
from rnncli.cli.mistakes import refusal_of_the_system

pytestmark = pytest.mark.thorough


@pytest.mark.parametrize("kilobytes", [60_000, 100_000, 150_000, 200_000, 320_000, 390_000])
def test_too_little_memory_to_be_loaded_is_one_line(kilobytes: int, shelf: Shelf) -> None:
    said = in_shell(f"ulimit -v {kilobytes}; rnncli generate char -n 5", shelf.folder).refused(5)
    assert said == (
        f"out of memory: a process may have {kilobytes:,} kB here, and to be loaded takes 400,000; raise the limit "
        "(ulimit -v)"
    )


def test_help_takes_little_memory(place: Path) -> None:
    script = "ulimit -v 100000; rnncli help data.decimal && rnncli train --help && rnncli --version"
    assert in_shell(script, place).ok().err == ""


@pytest.mark.parametrize(
    "call",
    [["evaluate", "char.yaml"], ["inspect-grads", "char.yaml", "--compare", "gru"]],
    ids=["evaluate", "inspect-grads"],
)
def test_without_a_temporary_folder(call: list[str], place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(place / "nowhere"))
    said = run(*call, cwd=place).failed(5)
    assert said == "no temporary folder: no such file or directory; set TMPDIR to a folder that can be written"
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", list)
    monkeypatch.setattr(tempfile, "tempdir", None)
    assert "no usable temporary directory found" in run(*call, cwd=place).failed(5)


def test_a_nul_is_refused_wherever_it_stands(place: Path) -> None:
    for call in (["train", "a\0b"], ["generate", "\0"], ["train", "text.txt", "-o", "r\0"], ["help", "\0"]):
        assert "NUL character" in run(*call, cwd=place).refused(2)
    (place / "nul.yaml").write_text('task: language-model\ndata: {path: "a\\0b", validation: "\\0"}\n')
    assert "must be the path of a file" in run("train", "nul.yaml", cwd=place).refused(2, mistakes=2)


@pytest.mark.parametrize("name", COMMANDS)
def test_no_option_takes_a_number_that_is_none(name: str) -> None:
    command = import_module(f"rnncli.cli.{name.replace('-', '_')}").command
    context = click.Context(command)
    for option in command.params:
        if isinstance(option.type, (click.types.FloatParamType, click.FloatRange)):
            for text in ("nan", "-NaN", "inf", "-inf", "1e999"):
                with pytest.raises(click.BadParameter, match="is not a"):
                    option.process_value(context, text)


FAILURES = {
    errno.EIO: "{}: input/output error; check the disk, or the network that it is on, and try again",
    errno.ESTALE: "{}: stale file handle; check the disk, or the network that it is on, and try again",
    errno.ENOSPC: "{}: cannot write: no space left on device; free some space",
    errno.EACCES: "{}: permission denied; check the path and its permissions",
    errno.EMFILE: "{}: too many open files; raise the limit (ulimit -n)",
    errno.EBADF: "cannot write: standard output is closed; leave out >&-",
}


@pytest.mark.parametrize("number", FAILURES, ids=errno.errorcode.__getitem__)
def test_an_error_of_the_system_is_told_with_its_mend(number: int) -> None:
    said = FAILURES[number]
    assert refusal_of_the_system(OSError(number, os.strerror(number), "m.jsonl")) == said.format("m.jsonl")
    assert refusal_of_the_system(OSError(number, os.strerror(number), b"\xff")) == said.format("\udcff")
    assert refusal_of_the_system(OSError(number, os.strerror(number))) == said.format("").removeprefix(": ")


READERS = {
    "config.yaml": ["train -o char --resume", "report char -o x.html", "evaluate char", "check char"],
    "metrics.jsonl": ["train -o char --resume", "plot char -o x.svg", "runs .", "report char -o x.html", "check char"],
    "report.json": ["runs .", "report char -o x.html", "check char"],
    "text.txt": ["train char.yaml -o new", "evaluate char", "score char text.txt", "predict char text.txt"],
    "model.safetensors": ["generate char", "predict forecast", "inspect-grads char", "runs ."],
}


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE], ids=errno.errorcode.__getitem__)
@pytest.mark.parametrize("name", READERS)
def test_a_disk_that_fails_while_it_is_read_is_no_bug(
    name: str, number: int, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = io.open
    failure = OSError(number, os.strerror(number))

    def failing(path: Any, mode: str = "r", *rest: Any, **named: Any) -> Any:
        if isinstance(path, (str, Path)) and Path(path).name == name and "r" in mode:
            raise failure
        return real(path, mode, *rest, **named)

    for module in (builtins, io):
        monkeypatch.setattr(module, "open", failing)
    for call in READERS[name]:
        done = run(*call.split(), cwd=shelf.folder)
        assert done.code in (0, 4, 5), done  # 0 where it can do without
        assert len(done.errors) == bool(done.code), done


def test_warnings_of_python_are_for_who_asks_for_them(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def warning(*_: Any) -> None:
        warnings.warn("overflow", RuntimeWarning, stacklevel=1)

    monkeypatch.setattr("rnncli.cli.require_room", warning)
    call = partial(run, "doctor", "--nothing", cwd=place)
    assert "RuntimeWarning: overflow" in call().failed(1)  # as tests run it
    monkeypatch.setattr("cli_runs.WARNINGS", [])
    call().refused(2)
    assert "RuntimeWarning: overflow" in run("--debug", "doctor", "--nothing", cwd=place).err
