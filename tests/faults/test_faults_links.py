"""Run directories in which a stranger planted links, pipes and sockets: no byte outside of them changes, nothing hangs.

Each attack is made on a copy of a trained run, and commands are run on it; some are made while a run is being trained,
which is stopped for that moment.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import small_runs
from attacks import FULL, Tally
from cli_runs import run
from forks import ended, forked

pytestmark = pytest.mark.faults

FILES = ("config.yaml", "model.safetensors", "state.safetensors", "metrics.jsonl", "report.json")
KIND = "language-model"
ON = ("train", "-o", "run", "--resume", "-q", "--set", "training.epochs=5")
COMMANDS: tuple[tuple[str, ...], ...] = (
    ("train", f"{KIND}.yaml", "-o", "run", "-q"),
    ("check", "run"),
    ("evaluate", "run"),
    ("generate", "run", "--length", "5"),
    ("inspect-grads", "run", "--at", "last"),
    ("plot", "run"),
    ("report", "run", "-o", "page.html"),
    ("runs", "."),
    ("score", "run", "text.txt"),
    ("train", "--from", "run", "-o", "next", "-q"),
)
CODES = {0, 2, 4, 5, 7}
PRECIOUS = "alias ls='ls -l'\n"

Plant = Callable[[Path, Path], None]  # into a run directory, of something in the folder outside


def instead(name: str, plant: Plant) -> Plant:
    """Plant in the place of a file of the run."""

    def planted(place: Path, outside: Path) -> None:
        (place / name).unlink(missing_ok=True)
        plant(place / name, outside)

    return planted


def link(path: Path, outside: Path) -> None:
    path.symlink_to(outside / "profile")


def dangling(path: Path, outside: Path) -> None:
    path.symlink_to(outside / "not there")


def link_to_a_like_one(path: Path, outside: Path) -> None:
    path.symlink_to(outside / "run" / path.name)


def second_name(path: Path, outside: Path) -> None:
    path.hardlink_to(outside / "profile")


def second_name_of_a_like_one(path: Path, outside: Path) -> None:
    path.hardlink_to(outside / "run" / path.name)


def pipe(path: Path, outside: Path) -> None:
    os.mkfifo(path)


def bound(path: Path, outside: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(os.path.relpath(path))


def folder_of_that_name(path: Path, outside: Path) -> None:
    path.mkdir()


def temporary_names_of_0_1(place: Path, outside: Path) -> None:
    """Its names ended in the number of the process, of which there are 32,768."""
    for number in (*range(1, 400), *range(os.getpid(), os.getpid() + 400)):
        for name in FILES:
            (place / f".{name}.{number}").symlink_to(outside / "profile")


def temporary_names_of_ours(place: Path, outside: Path) -> None:
    for k in range(200):
        (place / f".metrics.jsonl.{k:016x}.tmp").symlink_to(outside / "profile")


def all_at_once(place: Path, outside: Path) -> None:
    for name in (".lock", ".trial.safetensors", "failure.safetensors", "metrics.jsonl"):
        instead(name, link)(place, outside)


WRITTEN: dict[str, Plant] = {
    "the lock is a link": instead(".lock", link),
    "the lock is a link to nothing": instead(".lock", dangling),
    "the lock is a second name": instead(".lock", second_name),
    "the lock is a pipe": instead(".lock", pipe),
    "the lock is a socket": instead(".lock", bound),
    "the lock is a folder": instead(".lock", folder_of_that_name),
    "temporary names of 0.1 are links": temporary_names_of_0_1,
    "temporary names of ours are links": temporary_names_of_ours,
    "the trial of a save is a link": instead(".trial.safetensors", link),
    "the state of a failure is a link": instead("failure.safetensors", link),
    "all that is made anew is a link": all_at_once,
}
PLANTED: dict[str, Plant] = {
    **WRITTEN,
    **{f"{name} is a link": instead(name, link) for name in FILES},
    **{f"{name} is a link to nothing": instead(name, dangling) for name in FILES},
    **{f"{name} is a link to a like one": instead(name, link_to_a_like_one) for name in FILES},
    **{f"{name} is a second name": instead(name, second_name_of_a_like_one) for name in FILES},
    **{f"{name} is a pipe": instead(name, pipe) for name in FILES},
    **{f"{name} is a socket": instead(name, bound) for name in FILES},
    **{f"{name} is a folder": instead(name, folder_of_that_name) for name in FILES},
}


def swapped(place: Path, outside: Path) -> None:
    """The run directory itself becomes a link to another one."""
    place.rename(place.with_name("moved"))
    place.symlink_to(outside / "run")


def swapped_for_a_new_one(place: Path, outside: Path) -> None:
    """It becomes a directory in which all names lead outside."""
    place.rename(place.with_name("moved"))
    place.mkdir()
    for name in (".lock", "failure.safetensors", *FILES):
        (place / name).symlink_to(outside / "run" / name)


WHILE_TRAINING: dict[str, Plant] = {
    "the directory becomes a link": swapped,
    "the directory becomes one of links": swapped_for_a_new_one,
    "the lock becomes a link": instead(".lock", link),
    "temporary names become links": temporary_names_of_0_1,
    **{f"{name} becomes a link": instead(name, link) for name in FILES},
    **{f"{name} becomes a second name": instead(name, second_name) for name in FILES},
    **{f"{name} becomes a pipe": instead(name, pipe) for name in FILES},
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the data, a run, and what the commands that come leave in memory."""
    path = tmp_path_factory.mktemp("links")
    small_runs.write(path)
    run(*small_runs.command(KIND, "run"), cwd=path).ok()
    return path


def laid_out(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """(a run directory, a folder outside of it with a run and a precious file)."""
    here, outside = tmp_path / "here", tmp_path / "outside"
    shutil.copytree(trained, here)
    outside.mkdir()
    shutil.copytree(trained / "run", outside / "run")
    (outside / "profile").write_text(PRECIOUS)
    monkeypatch.chdir(here)  # the path of a socket is short
    return here / "run", outside


def everything(folder: Path) -> dict[str, Any]:
    """What is in a folder: the bytes of files, their modes, and when they changed."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        found[str(path)] = (status.st_mode, status.st_mtime_ns, path.read_bytes() if path.is_file() else None)
    return found


def outcome(code: int, log: Path) -> Iterator[str]:
    """Yield what is wrong with how a command ended."""
    said = log.read_text(encoding="utf-8", errors="replace")
    log.unlink()
    if code not in CODES:
        yield f"exit code {code}: {said[-300:]}"
    if "Traceback" in said or said.count("rnncli: error:") != (code not in (0,)):
        yield f"said {said[-300:]!r}"


def judge(tally: Tally, code: int, place: Path, outside: Path, before: dict[str, Any], which: str = "") -> None:
    """Count how a command ended, and what is wrong with that or was changed outside."""
    tally.count(f"ended {code}")
    for wrong in outcome(code, place.parent / "log"):
        tally.fail(f"{which}{wrong}")
    if everything(outside) != before:
        tally.fail(f"{which}changed what is outside")


@pytest.mark.parametrize("attack", PLANTED)
def test_nothing_outside_changes(attack: str, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tally, commands = Tally(attack), (ON, *COMMANDS)
    turn = 0 if attack in WRITTEN else [*PLANTED].index(attack) % len(commands)
    for command in commands if FULL else commands[turn : turn + 1]:
        place, outside = laid_out(trained, tmp_path / str(tally.outcomes.total()), monkeypatch)
        PLANTED[attack](place, outside)
        before = everything(outside)
        judge(tally, ended(forked([*command], place.parent)), place, outside, before, f"{' '.join(command)}: ")
    tally.end()


@pytest.mark.parametrize("attack", WHILE_TRAINING)
def test_nothing_outside_changes_while_a_run_is_trained(
    attack: str, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tally = Tally(attack)
    place, outside = laid_out(trained, tmp_path, monkeypatch)
    shutil.rmtree(place)
    pid = forked([*small_runs.command(KIND, "run"), "--set", "training.epochs=9"], place.parent)
    while not (place / "state.safetensors").exists():
        time.sleep(0.001)
    os.kill(pid, signal.SIGSTOP)
    WHILE_TRAINING[attack](place, outside)
    before = everything(outside)
    os.kill(pid, signal.SIGCONT)
    judge(tally, ended(pid), place, outside, before)
    tally.end()


NAMED: dict[str, tuple[tuple[str, ...], str]] = {
    "a page": (("report", "run", "-o"), "page.html"),
    "a picture": (("plot", "run", "-o"), "curves.svg"),
    "a picture of gradients": (("inspect-grads", "run", "--plot"), "lags.svg"),
    "a text in colours": (("score", "run", "text.txt", "--heat"), "heat.html"),
    "a config": (("init", "text.txt", "-o"), "new.yaml"),
    "a compressed text": (("compress", "run", "text.txt", "-o"), "text.rnnc"),
    "a run": (("train", f"{KIND}.yaml", "-q", "-o"), "inner"),
}


@pytest.mark.parametrize("plant", [link, dangling, second_name] if FULL else [link], ids=lambda plant: plant.__name__)
@pytest.mark.parametrize("what", NAMED)
def test_a_file_that_a_command_is_to_write_into_a_run_directory_replaces_a_link(
    what: str, plant: Plant, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command, name = NAMED[what]
    if name.endswith(".svg"):
        pytest.importorskip("matplotlib")
    tally = Tally(f"{what} where there is a {plant.__name__}")
    place, outside = laid_out(trained, tmp_path, monkeypatch)
    plant(place / name, outside)
    before = everything(outside)
    judge(tally, ended(forked([*command, f"run/{name}"], place.parent)), place, outside, before)
    tally.end()


def test_a_link_of_the_users_own_is_followed(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside of a run directory, as a shell does."""
    place, outside = laid_out(trained, tmp_path, monkeypatch)
    link(place.parent / "page.html", outside)
    assert ended(forked(["report", "run", "-o", "page.html"], place.parent)) == 0
    assert (place.parent / "page.html").is_symlink()
    assert (outside / "profile").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    (place.parent / "latest").symlink_to(place)
    assert ended(forked(["train", "-o", "latest", *ON[3:]], place.parent)) == 0
    (place.parent / "own.safetensors").symlink_to(place / "model.safetensors")
    assert ended(forked(["generate", "own.safetensors", "--length", "5"], place.parent)) == 0
