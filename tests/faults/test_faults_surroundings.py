"""Disks that fill up, limits of files, descriptors and memory, full outputs, odd environments: one line, nothing lost.

Limits are raised step by step, from nothing to what the command needs, so that it fails at each place where it can.
Streams that are closed are in tests/cli/test_cli_surroundings.py.
"""

from __future__ import annotations

import os
import resource
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from attacks import FULL, Tally, size
from cli_runs import Result
from scenes import SCENES, Scenery

pytestmark = pytest.mark.faults
PAGE = 4096  # bytes
WRITING = ("train", "resume", "follow", "report", "compress", "init")  # scenes that write files
QUICK = ("resume", "compress", "generate")


@pytest.fixture(scope="module")
def scenery(tmp_path_factory: pytest.TempPathFactory) -> Scenery:
    return Scenery(tmp_path_factory.mktemp("surroundings"))


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A disk of its own, of 16 MB."""
    place = tmp_path_factory.mktemp("disk")
    command = ["mount", "-t", "tmpfs", "-o", "size=16m", "none", place / "work"]
    (place / "work").mkdir()
    if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a disk takes root")
    yield place
    subprocess.run(["umount", place / "work"], check=True)


def scenes(names: tuple[str, ...]) -> tuple[str, ...]:
    return names if FULL else tuple(name for name in names if name in QUICK)


def judge(tally: Tally, scenery: Scenery, line: str, told: str, done: Result, wanted: dict[str, str]) -> None:
    if fault := scenery.fault_of(line, done, wanted):
        tally.fail(f"{line}: {told}: {fault}")
    else:
        tally.count(f"exit {done.code}")


def until_it_fits(
    tally: Tally, scenery: Scenery, name: str, told: str, limit: Callable[[int], Callable[[], None]], most: int
) -> None:
    """Run a scene under limit(0), limit(1), … until it ends well."""
    line = SCENES[name]
    wanted = scenery.wanted(line)
    for step in range(most):
        scenery.anew()
        done = scenery.run(line, limit(step))
        judge(tally, scenery, line, f"{told} {step}", done, wanted)
        if done.code == 0:
            return
    tally.fail(f"{line}: never ended well up to {told} {most}")


@pytest.mark.parametrize("name", scenes(WRITING))
def test_a_disk_with_a_few_pages_left(name: str, disk: Path) -> None:
    tally, scenery = Tally(f"surroundings, {name} on a full disk"), Scenery(disk)
    line = SCENES[name]
    wanted = scenery.wanted(line)
    filler = scenery.folder / "out"  # which no command's results are compared with
    for pages in range(0, 400, size(8, 1)):
        scenery.anew()
        with open(filler, "wb") as file:
            free = os.statvfs(scenery.folder)
            os.posix_fallocate(file.fileno(), 0, max((free.f_bavail - pages) * PAGE, 1))
        done = scenery.run(line, into=disk / "out")
        if fault := scenery.fault_of(line, done, wanted, mend=filler.unlink):
            tally.fail(f"{line}: {pages} pages left: {fault}")
        else:
            tally.count(f"exit {done.code}")
        if done.code == 0:
            break
    tally.end(at_least=2)
    for entry in (disk / "kept", disk / "work"):
        subprocess.run(["find", entry, "-mindepth", "1", "-delete"], check=True)
    (disk / "kept").rmdir()


@pytest.mark.parametrize("name", scenes(WRITING))
def test_files_that_may_not_grow(name: str, scenery: Scenery) -> None:
    tally = Tally(f"surroundings, {name} with ulimit -f")

    def limited(step: int) -> Callable[[], None]:
        return partial(_limit, "FSIZE", 512 * (1 + step * size(5, 1)))

    until_it_fits(tally, scenery, name, "blocks of 512 bytes", limited, size(99, 999))
    tally.end()


@pytest.mark.parametrize("name", scenes(tuple(SCENES)))
def test_few_descriptors(name: str, scenery: Scenery) -> None:
    tally = Tally(f"surroundings, {name} with ulimit -n")
    until_it_fits(tally, scenery, name, "descriptors", lambda n: partial(_few_descriptors, n), 40)
    tally.end(at_least=2)


def _limit(kind: str, most: int) -> None:
    resource.setrlimit(getattr(resource, f"RLIMIT_{kind}"), (most, most))


def _few_descriptors(more: int) -> None:
    """Have no other than the streams, and `more` at most."""
    os.closerange(3, 1024)
    _limit("NOFILE", 3 + more)


@pytest.mark.parametrize("name", ["generate", "predict", "evaluate", "score", "runs"])
def test_full_outputs(name: str, scenery: Scenery) -> None:
    tally = Tally(f"surroundings, {name} > /dev/full")
    done = scenery.run(SCENES[name], lambda: os.dup2(os.open("/dev/full", os.O_WRONLY), 1) and None)
    if done.code == 5 and len(done.errors) == 1 and "Traceback" not in done.err:
        tally.count("exit 5")
    else:
        tally.fail(f"{SCENES[name]} > /dev/full: {done}")
    tally.end()


ODD = (
    {"TERM": "dumb"},
    {"TERM": "\x1b[31m"},
    {"COLUMNS": "0"},
    {"COLUMNS": "-1"},
    {"COLUMNS": "many"},
    {"COLUMNS": "1"},
    {"COLUMNS": "999999999"},
    {"NO_COLOR": "1"},
    {"FORCE_COLOR": "1"},
    {"TZ": "Nowhere/At_All"},
    {"TZ": "XYZ-99:99"},
    {"LC_ALL": "C", "LANG": "xx_YY.odd"},
    {"HOME": "/nowhere", "XDG_CACHE_HOME": "/nowhere"},
    {"HOME": "", "XDG_CACHE_HOME": ""},
    {"TMPDIR": "/nowhere"},
    {"RNNCLI_CACHE": "relative"},
    {"RNNCLI_CACHE": "/proc/self/nothing"},
    {"PATH": ""},
)


@pytest.mark.parametrize("name", scenes(("train", "resume", "generate", "predict", "evaluate", "report", "runs")))
def test_odd_environments_change_nothing(name: str, scenery: Scenery) -> None:
    tally, line = Tally(f"surroundings, {name} in odd environments"), SCENES[name]
    wanted = scenery.wanted(line)
    usual = scenery.run(line)
    for odd in ODD:
        scenery.anew()
        done = scenery.run(line, partial(_surrounded, odd))
        if done.code or (done.out != usual.out and name not in ("train", "resume")):
            tally.fail(f"{line}: {odd}: {done}")
        judge(tally, scenery, line, str(odd), done, wanted)
    for told, arm in (("a clock that jumps", _jumping_clock), ("no folder to be in", _nowhere)):
        scenery.anew()
        absolute = " ".join(_absolute(word, scenery.folder) for word in line.split()) if arm is _nowhere else line
        judge(tally, scenery, line, told, scenery.run(absolute, arm), wanted)
    tally.end(at_least=len(ODD))


def _surrounded(odd: dict[str, str]) -> None:
    os.environ.update(odd)
    time.tzset()


def _jumping_clock() -> None:
    """A clock that goes back by an hour whenever it is looked at."""
    real, looks = time.time, iter(range(1 << 60))
    time.time = lambda: real() - 3600 * next(looks)


def _absolute(word: str, folder: Path) -> str:
    return str(folder / word) if (folder / word).exists() or word in ("new", "page.html") else word


def _nowhere() -> None:
    os.mkdir("gone")
    os.chdir("gone")
    os.rmdir("../gone")
