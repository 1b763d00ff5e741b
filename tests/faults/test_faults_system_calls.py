"""Every system call of a command that touches the user's files fails, one after another, in each of six ways.

As SQLite is tested: the N-th call fails, N = 1, 2, … until none is left. A run without a fault tells which calls there
are; strace makes each of them fail. Where a command ends well all the same, its results are those without a fault.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest
from attacks import FULL, Tally
from cli_runs import PATIENCE, Result
from scenes import SCENES, Scenery

pytestmark = pytest.mark.faults
ERRORS = ("EIO", "ENOSPC", "EACCES", "EDQUOT", "EROFS", "EINTR")
QUICK = 4  # calls of each command, spread over all of them, each with the next of ERRORS


class Call(NamedTuple):
    """The `number`-th call of `name` in a process; told: what strace says of it."""

    name: str
    number: int
    told: str


class Traced(Scenery):
    """One whose commands run under strace with the options `trace`."""

    def __init__(self, place: Path):
        super().__init__(place)
        self.log = place / "strace"
        self.trace: list[str] = []

    def traced(self, line: str, *trace: str) -> Result:
        self.trace = [option for expression in trace for option in ("-e", expression)]
        self.ready, ready = os.pipe()  # so that the tracer sees nothing of what comes before the command
        done = self.run(line, partial(self._wait, ready))
        os.close(ready)
        os.close(self.ready)
        return done

    def _wait(self, ready: int) -> None:
        os.write(ready, b".")
        signal.sigwait({signal.SIGUSR1})

    def end(self, process: int) -> int:
        os.read(self.ready, 1)
        command = ["strace", "-f", "-qq", "-y", "-o", self.log, *self.trace, "-p", str(process)]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL):
            began = time.monotonic()
            while "TracerPid:\t0\n" in Path(f"/proc/{process}/status").read_text():
                assert time.monotonic() - began < PATIENCE
                time.sleep(0.002)
            os.kill(process, signal.SIGUSR1)
            return super().end(process)

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
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    yield Traced(tmp_path_factory.mktemp("calls"))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1})


@pytest.mark.parametrize("name", SCENES)
def test_a_system_call_that_fails_loses_nothing(name: str, traced: Traced) -> None:
    line, tally = SCENES[name], Tally(f"system calls of {name}")
    wanted = traced.wanted(line)
    traced.traced(line, "trace=%file,%desc").ok()
    calls = traced.calls()
    tries = [(call, error) for call in calls for error in ERRORS]
    if not FULL:
        spread = calls[:: max(1, len(calls) // QUICK)][:QUICK]
        tries = [(call, ERRORS[i % len(ERRORS)]) for i, call in enumerate(spread, len(name))]
    for call, error in tries:
        traced.anew()
        done = traced.traced(line, f"trace={call.name}", f"inject={call.name}:error={error}:when={call.number}")
        hit = next((hit for hit in traced.calls() if "(INJECTED)" in hit.told), None)
        if hit is None:
            tally.count("not hit")
        elif fault := traced.fault_of(line, done, wanted):
            tally.fail(f"{line}: {error} of {hit.told}: {fault}")
        else:
            tally.count(f"exit {done.code}")
    tally.end(at_least=QUICK)
