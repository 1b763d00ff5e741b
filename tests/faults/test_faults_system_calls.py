"""Every system call of a command that touches the user's files fails, one after another, in each of six ways.

As SQLite is tested: the N-th call fails, N = 1, 2, … until none is left. A run without a fault tells which calls there
are. Where a command ends well all the same, its results are those of that run; else it says one line, and what was
there before is intact: the same command, or `--resume`, then gets to the same results.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest
import small_runs
from attacks import FULL, Tally
from cli_runs import PATIENCE, Result, run
from forks import ended, forked

pytestmark = pytest.mark.faults
ERRORS = ("EIO", "ENOSPC", "EACCES", "EDQUOT", "EROFS", "EINTR")
QUICK = 3  # calls of each command, spread over all of them, each with the next of ERRORS
UNEQUAL = ("metrics.jsonl", "report.json", "state.safetensors", "page.html")  # hold times, or what was out of reach
STREAMS = ("out", "log")
PLAIN = ("--set", "training.with_ngram=false", "-q")


@dataclass(frozen=True)
class Scene:
    """A command, and what reaches its results after it failed."""

    line: str
    again: str = ""  # by default the same command

    def arguments(self) -> list[str]:
        return self.line.split() + [*PLAIN] * self.line.startswith("train")


SCENES = {
    "train": Scene("train language-model.yaml -o new"),
    "resume": Scene("train -o stopped --resume"),
    "generate": Scene("generate char -n 30"),
    "predict": Scene("predict forecast"),
    "follow": Scene("predict forecast later.csv --follow --state kept.state"),
    "evaluate": Scene("evaluate char"),
    "report": Scene("report char -o page.html"),
    "score": Scene("score char text.txt"),
    "compress": Scene("compress text.txt --run byte -o text.rnnz"),
    "runs": Scene("runs ."),
    "init": Scene("init series.csv -o made.yaml"),
}


class Call(NamedTuple):
    """The `number`-th call of `name` in a process; told: what strace says of it."""

    name: str
    number: int
    told: str


class Traced:
    """Commands in a folder, each a fork of this process under strace."""

    def __init__(self, folder: Path):
        self.folder, self.log = folder / "work", folder / "strace"
        self.out, self.err = self.folder / "out", folder / "err"

    def run(self, arguments: list[str], *trace: str) -> Result:
        """What becomes of `rnncli ARGUMENTS` under `strace TRACE`."""
        number = forked(arguments, self.folder, self._wait)
        command = ["strace", "-f", "-qq", "-y", "-o", self.log, *trace, "-p", str(number)]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL):
            self._wait_for_tracer(number)
            os.kill(number, signal.SIGUSR1)
            code = ended(number)
        out, err = (path.read_text(errors="replace") for path in (self.out, self.err))
        return Result(code, out, err)

    def _wait(self) -> None:
        """In the fork: give it its own streams, and let it wait until it is traced."""
        for stream, path in ((1, self.out), (2, self.err)):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
        signal.sigwait({signal.SIGUSR1})

    def _wait_for_tracer(self, number: int) -> None:
        began = time.monotonic()
        while "TracerPid:\t0\n" in Path(f"/proc/{number}/status").read_text():
            assert time.monotonic() - began < PATIENCE
            time.sleep(0.002)

    def calls(self) -> list[Call]:
        """The calls in the log that touch something in the folder, each with its number among those of its name."""
        counted: Counter[str] = Counter()
        found = []
        lines = self.log.read_text(errors="replace").splitlines()
        first = lines[0].split()[0]  # further threads have counts of their own
        for line in lines:
            match = re.match(r"(\d+) +(\w+)\((.*)", line)
            if match is None or match[1] != first:
                continue
            counted[match[2]] += 1
            if self._is_ours(match[3]):
                found.append(Call(match[2], counted[match[2]], line))
        return found

    def _is_ours(self, rest: str) -> bool:
        cwd = f"AT_FDCWD<{self.folder}>"
        return str(self.folder) in rest.replace(cwd, "") or re.match(rf'{cwd}, "[^/]', rest) is not None


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traced]:
    """A folder that holds trained runs, one of them stopped half-way; this process has compiled what they need."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    traced = Traced(tmp_path_factory.mktemp("calls"))
    traced.folder.mkdir()
    small_runs.write(traced.folder)
    (traced.folder / "later.csv").write_text(
        "month,sales\n2007-01,60.1\n2007-02,70.5\n2007-03,77.0\n", encoding="utf-8"
    )
    for line in (
        "train language-model.yaml -o char",
        "train forecast.yaml -o forecast",
        "train language-model.yaml -o byte --set data.tokens=byte",
        "train language-model.yaml -o stopped --set training.epochs=1",
    ):
        run(*Scene(line).arguments(), cwd=traced.folder).ok()
    config = traced.folder / "stopped/config.yaml"
    config.write_text(config.read_text().replace("epochs: 1", "epochs: 3"), encoding="utf-8")
    (traced.folder / "stopped/report.json").unlink()
    shutil.copytree(traced.folder, traced.folder.with_name("before"))
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    yield traced
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1})


def start_anew(traced: Traced) -> None:
    shutil.rmtree(traced.folder)
    shutil.copytree(traced.folder.with_name("before"), traced.folder)


def results(folder: Path) -> dict[str, str]:
    """What is in the folder: the digest of each file, or only its name where the bytes may differ."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in STREAMS)
    return {
        str(path.relative_to(folder)): "" if path.name in UNEQUAL else hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


@pytest.mark.parametrize("name", SCENES)
def test_a_system_call_that_fails_loses_nothing(name: str, traced: Traced) -> None:
    scene, tally = SCENES[name], Tally(f"system calls of {name}")
    start_anew(traced)
    before = results(traced.folder)
    run(*scene.arguments(), cwd=traced.folder).ok()  # compiles
    start_anew(traced)
    traced.run(scene.arguments(), "-e", "trace=%file,%desc").ok()
    calls, wanted = traced.calls(), results(traced.folder)
    tries = [(call, error) for call in calls for error in ERRORS]
    if not FULL:
        stride = max(1, len(calls) // QUICK)
        tries = [(call, ERRORS[i % len(ERRORS)]) for i, call in enumerate(calls[stride // 2 :: stride])]
    for call, error in tries:
        start_anew(traced)
        inject = f"inject={call.name}:error={error}:when={call.number}"
        done = traced.run(scene.arguments(), "-e", f"trace={call.name}", "-e", inject)
        hit = next((hit for hit in traced.calls() if "(INJECTED)" in hit.told), None)
        if hit is None:
            tally.count("not hit")
        elif fault := fault_of(done, scene, traced, before, wanted):
            tally.fail(f"{' '.join(scene.arguments())}: {error} of {hit.told}: {fault}")
        else:
            tally.count(f"exit {done.code}")
    tally.end(at_least=QUICK)


def fault_of(done: Result, scene: Scene, traced: Traced, before: dict[str, str], wanted: dict[str, str]) -> str:
    """What is wrong with how a command ended and with what it left behind; empty if nothing is."""
    left = results(traced.folder)
    if done.code == 0:
        return "" if left == wanted else f"exit 0 with other results: {differing(left, wanted)}"
    if done.code not in (2, 3, 4, 5) or len(done.errors) != 1 or "Traceback" in done.err:
        return f"exit {done.code}: {done.err[-400:]}"
    lost = [file for file in before if left.get(file) != before[file] and wanted.get(file) == before[file]]
    if lost:
        return f"exit {done.code}, and lost {lost}"
    arguments = scene.arguments()
    if (traced.folder / "new/config.yaml").exists():
        arguments = ["train", "-o", "new", "--resume", "-q"]
    if left == wanted:  # it failed when all was written
        return ""
    after = run(*arguments, cwd=traced.folder)
    if after.code:
        return f"exit {done.code} ({done.errors[0]}), and then {after.errors}, with {sorted(set(left) - set(before))}"
    reached = results(traced.folder)
    return "" if reached == wanted else f"exit {done.code}, and then other results: {differing(reached, wanted)}"


def differing(left: dict[str, str], wanted: dict[str, str]) -> list[str]:
    return sorted(file for file in {*left, *wanted} if left.get(file) != wanted.get(file))
