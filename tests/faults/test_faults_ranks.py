"""Ranks of mpiexec that are killed at any moment, and resumed on other ranks; one model of each task from any ranks.

At full size every kind of training is trained by 1, 2, 4 and 8 ranks of one and two threads, and 20 ranks are killed.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
import shards
from attacks import FULL, Tally, size
from cli_runs import PATIENCE, environment, leftovers, run
from mpi_runs import launched, run_on, threads, written
from tied_ranks import model

from rnncli.nn import model_file

pytestmark = [pytest.mark.faults, pytest.mark.mpi]

KILLED, RANKS = "one-hot characters", (2, 4, 1)
LONGER = ["--set", "training.epochs=12"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ranks")


def test_each_task_has_one_model_from_any_ranks_and_threads(folder: Path) -> None:
    tally = Tally("models of ranks")
    pairs = [(ranks, count) for ranks in (1, 2, 4, 8) for count in (1, 2)] if FULL else [(2, 2)]
    for kind in shards.KINDS if FULL else ("folds", "additive attention"):
        arguments = written(kind, folder)
        run(*arguments, "-o", kind, *threads(1), cwd=folder).ok()
        for ranks, count in pairs:
            out = f"{kind} {ranks} {count}"
            result = run_on(ranks, *arguments, "-o", out, *threads(count), cwd=folder)
            if result.code or model(folder / out) != model(folder / kind):
                tally.fail(f"{kind} by {ranks} ranks of {count} threads: {result}")
            else:
                tally.count("same")
    tally.end(at_least=2)


def ranks_of(mpiexec: int) -> list[int]:
    """The processes that this mpiexec, or its helper, started: those without children of their own."""
    found, waiting = [], [mpiexec]
    while waiting:
        pid = waiting.pop()
        try:
            children = [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        except OSError:  # gone
            continue
        waiting += children
        if not children and pid != mpiexec:
            found.append(pid)
    return found


def updates(run: Path) -> int:
    """The update of the saved state, -1 if there is none; the files that are there must be whole."""
    for name in ("model.safetensors", "state.safetensors"):
        if (run / name).exists():
            _, header = model_file.read(run / name)
    return int(header["position"]["update"]) if (run / "state.safetensors").exists() else -1


def test_a_rank_that_is_killed_ends_the_job_and_others_go_on_to_the_same_bytes(folder: Path) -> None:
    tally, wanted = Tally("kills of ranks"), size(2, 20)
    arguments = [*written(KILLED, folder), *threads(1), *LONGER]
    run(*arguments, "-o", "undisturbed", cwd=folder).ok()
    began = time.monotonic()
    run_on(2, *arguments, "-o", "timed", cwd=folder).ok()
    seconds = time.monotonic() - began
    ends: list[float] = []  # seconds after a kill
    for seed in range(wanted):
        draw, out = random.Random(seed), folder / f"killed {seed}"
        process = subprocess.Popen(
            [*launched(draw.choice((2, 4))), *arguments, "-o", out.name],
            cwd=folder,
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(seconds * draw.uniform(0.2, 0.9))
        if found := ranks_of(process.pid):
            os.kill(draw.choice(found), signal.SIGKILL)
        killed = time.monotonic()
        code = process.wait(PATIENCE)
        tally.count("ended by the kill" if code else "had ended")
        ends.append(time.monotonic() - killed)
        if ends[-1] > 5 and code:
            tally.fail(f"seed {seed}: ended {ends[-1]:.1f} s after the kill")
        before = updates(out) if out.exists() else -1
        resume = ["train", "-o", out.name, "-q", "--resume"] if before >= 0 else [*arguments, "-o", out.name]
        result = run_on(draw.choice(RANKS), *resume, cwd=folder)
        if result.code or model(out) != model(folder / "undisturbed") or leftovers(out):
            tally.fail(f"seed {seed}, killed at update {before}: {result}, {leftovers(out)}")
    print(f"\ngone {min(ends):.2f} to {max(ends):.2f} s after the kill", end="")
    tally.end(at_least=wanted)
