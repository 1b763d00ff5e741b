"""Runs that are killed, interrupted and terminated at any moment, resumed, and compared with runs that were not.

Half of the kills come at the n-th call to the system that opens, writes out, renames or removes a file, so that each
state that the files of a run can be in is met; the others at a moment drawn from the run's life.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import small_runs
from attacks import Tally, size
from cli_runs import leftovers, metrics, run
from forks import ended, forked

from rnncli.errors import RnncliError
from rnncli.nn import model_file

pytestmark = pytest.mark.faults

CALLS = ("open", "fsync", "replace", "unlink", "mkdir", "ftruncate", "pwrite")  # of os, which a run makes
SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGKILL, signal.SIGINT, signal.SIGTERM)
ENDS = {0, 130, 143, -signal.SIGKILL, -signal.SIGINT, -signal.SIGTERM}
KEPT = ("valid_loss", "train_loss", "tokens", "grad_norm", "learning_rate", "improved")


@dataclass(frozen=True)
class Whole:
    """A run that nobody disturbed: its model, its lines by their step, its score, its calls and its seconds."""

    model: bytes
    lines: dict[int, dict[str, Any]]
    score: Any
    calls: int
    seconds: float


def counted(count: Callable[[int], None]) -> None:
    """Call `count` with the number of the call before each of CALLS."""
    made = 0

    def instead(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        nonlocal made
        count(made)
        made += 1
        return function(*arguments, **options)

    for name in CALLS:
        setattr(os, name, partial(instead, getattr(os, name)))


def killing(n: int) -> None:
    """Arm a process so that it is killed before the n-th of its calls."""
    counted(lambda made: os.kill(os.getpid(), signal.SIGKILL) if made == n else None)


def counting(note: int) -> None:
    """Arm a process so that it writes a byte for each of its calls."""
    write = os.write
    counted(lambda made: write(note, b".") and None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("kills")
    small_runs.write(path)
    return path


@pytest.fixture(scope="module")
def wholes(folder: Path) -> dict[str, Whole]:
    return {kind: undisturbed(kind, folder) for kind in small_runs.KINDS}


def undisturbed(kind: str, folder: Path) -> Whole:
    """Train once in this process, which compiles all, and once in a fork of it, whose calls and time are counted."""
    run(*small_runs.command(kind, f"first {kind}"), cwd=folder).ok()
    with open(folder / "calls", "w+b", buffering=0) as calls:
        began = time.monotonic()
        assert ended(forked(small_runs.command(kind, kind), folder, partial(counting, calls.fileno()))) == 0
        seconds = time.monotonic() - began
        calls.seek(0)
        count = len(calls.read())
    place = folder / kind
    model = (place / "model.safetensors").read_bytes()
    assert model == (folder / f"first {kind}" / "model.safetensors").read_bytes()
    return Whole(model, by_step(place), score(place), count, seconds)


def by_step(run: Path) -> dict[int, dict[str, Any]]:
    return {line["step"]: {key: line[key] for key in KEPT} for line in metrics(run)}


def score(run: Path) -> Any:
    return json.loads((run / "report.json").read_bytes())["score"]


def saved(run: Path) -> int:
    """The update of the saved state, -1 if there is none; every file that is there must be whole."""
    for name in ("model.safetensors", "state.safetensors"):
        if (run / name).exists():
            _, header = model_file.read(run / name)
    return int(header["position"]["update"]) if (run / "state.safetensors").exists() else -1


def disturbed(kind: str, run: Path, whole: Whole, draw: random.Random) -> Iterator[str]:
    """Begin or go on with a run once, and disturb it; yield what was done to it, and how it ended."""
    began = (run / "config.yaml").exists()
    again = began or (run.exists() and any(run.iterdir()) and kind != small_runs.FROM and draw.random() < 0.5)
    call = small_runs.command(kind, run.name, *(["--resume"] if again else []))
    if draw.random() < 0.5:
        n = draw.randrange(whole.calls)
        yield f"killed at call {n}"
        yield str(ended(forked(call, run.parent, partial(killing, n))))
        return
    after, number = draw.random() * whole.seconds, draw.choice(SIGNALS)
    yield f"{number.name} after {after:.4f} s"
    pid = forked(call, run.parent)
    time.sleep(after)
    os.kill(pid, number)
    yield str(ended(pid))


def tried(kind: str, run: Path, whole: Whole, seed: int, tally: Tally) -> int:
    """Disturb one run up to four times, let it end, and compare; return how often that ended it."""
    draw, update, story = random.Random(seed), -1, [f"{kind}, seed {seed}"]
    (run.parent / "log").unlink(missing_ok=True)
    try:
        for _ in range(draw.randint(1, 4)):
            story += disturbed(kind, run, whole, draw)
            assert int(story[-1]) in ENDS, "an exit code that no signal has"
            before, update = update, saved(run)
            assert update >= before, f"lost: the state is of update {update}, and was of {before}"
        resume = ["--resume"] if (run / "config.yaml").exists() else []
        assert ended(forked(small_runs.command(kind, run.name, *resume), run.parent)) == 0, "does not go on"
        assert leftovers(run) == set(), "left over"
        assert (run / "model.safetensors").read_bytes() == whole.model, "another model"
        assert score(run) == whole.score, "another score"
        lines = by_step(run)
        assert {step: lines.get(step) for step in whole.lines} == whole.lines, "other evaluations"
    except (AssertionError, RnncliError) as error:
        log = (run.parent / "log").read_text(encoding="utf-8", errors="replace").strip() if run.exists() else ""
        tally.fail(f"{'; '.join(story)}: {str(error).splitlines()[0]} [{sorted(map(str, run.glob('*')))}] {log[-300:]}")
    ends = [end for end in story[2::2] if end != "0"]  # the others had ended before
    for end in ends:
        tally.count(f"ended by {end}")
    return len(ends)


def test_a_run_that_is_killed_at_any_moment_ends_as_if_it_had_not_been(folder: Path, wholes: dict[str, Whole]) -> None:
    tally, wanted = Tally("kills"), size(27, 500)
    seed = done = 0
    while done < wanted:
        kind = list(wholes)[seed % len(wholes)]
        done += tried(kind, folder / f"run {seed}", wholes[kind], seed, tally)
        seed += 1
    tally.end(at_least=wanted)
