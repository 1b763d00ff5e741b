"""Studies whose workers are killed, interrupted and terminated at any moment, and that end as if they had not been.

One worker at a time ends with the very bytes of a study that nobody disturbed; of two at a time, one of which is
killed, what they do in which order is open, but every trial is there once and none is lost.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import small_runs
from attacks import Tally, size
from cli_runs import run
from forks import ended, forked
from test_faults_kills import ENDS, SIGNALS, counting, killing

pytestmark = [pytest.mark.faults, pytest.mark.tune]

TRIALS = 4
KIND = "language-model"


def search(out: str) -> list[str]:
    over = ["--over", "training.learning_rate=1e-3..5e-2:log", "--over", "model.hidden_size=2..6"]
    return ["tune", f"{KIND}.yaml", "-o", out, "--trials", str(TRIALS), *over, "-q", "-f", "json"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tune")
    small_runs.write(path)
    return path


def result(folder: Path, out: str) -> Any:
    """What a study that is over says, without what the clock decides and where it is."""

    def plain(found: Any) -> Any:
        if isinstance(found, dict):
            kept = {key: plain(value) for key, value in found.items() if key not in ("seconds", "study", "run", "best")}
            return kept | ({"best": found["best"]["trial"]} if "best" in found else {})
        return [plain(one) for one in found] if isinstance(found, list) else found

    return plain(json.loads(run(*search(out), cwd=folder).ok().out))


@pytest.fixture(scope="module")
def whole(folder: Path) -> tuple[Any, bytes, int, float]:
    """The end of a study that nobody disturbed, the config of its winner, its calls and its seconds."""
    run(*search("first"), cwd=folder).ok()
    with open(folder / "calls", "w+b", buffering=0) as calls:
        began = time.monotonic()
        assert ended(forked(search("whole"), folder, partial(counting, calls.fileno()))) == 0
        seconds = time.monotonic() - began
        calls.seek(0)
        count = len(calls.read())
    best = (folder / "whole/best.yaml").read_bytes()
    assert best == (folder / "first/best.yaml").read_bytes()
    return result(folder, "whole"), best, count, seconds


def test_a_study_that_is_killed_at_any_moment_ends_as_if_it_had_not_been(
    folder: Path, whole: tuple[Any, bytes, int, float]
) -> None:
    tally, wanted = Tally("kills of a study"), size(6, 200)
    told, best, calls, seconds = whole
    for seed in range(wanted):
        draw, out, story = random.Random(seed), f"study {seed}", [f"seed {seed}"]
        try:
            if draw.random() < 0.5:
                n = draw.randrange(calls)
                story.append(f"killed at call {n}")
                code = ended(forked(search(out), folder, partial(killing, n)))
            else:
                after, number = draw.random() * seconds, draw.choice(SIGNALS)
                story.append(f"{number.name} after {after:.3f} s")
                pid = forked(search(out), folder)
                time.sleep(after)
                os.kill(pid, number)
                code = ended(pid)
            assert code in ENDS, f"exit code {code}"
            assert ended(forked(search(out), folder)) == 0, "does not go on"
            assert (folder / out / "best.yaml").read_bytes() == best, "another winner"
            assert result(folder, out) == told, "another study"
            tally.count(f"ended by {code}")
        except AssertionError as error:
            log = (folder / "log").read_text(encoding="utf-8", errors="replace")[-300:]
            tally.fail(f"{'; '.join(story)}: {str(error).splitlines()[0]} {log}")
    tally.end(at_least=wanted)


def test_of_two_workers_one_may_be_killed(folder: Path, whole: tuple[Any, bytes, int, float]) -> None:
    tally, wanted = Tally("kills of one of two workers"), size(3, 100)
    *_, seconds = whole
    for seed in range(wanted):
        draw, out = random.Random(seed), f"shared {seed}"
        after = draw.random() * seconds
        try:
            workers = [forked(search(out), folder) for _ in range(2)]
            time.sleep(after)
            os.kill(workers[0], signal.SIGKILL)
            assert ended(workers[0]) in ENDS
            assert ended(workers[1]) == 0, "the other did not end"
            found = result(folder, out)
            assert sorted(one["trial"] for one in found["trials"]) == list(range(TRIALS)), "trials are lost"
            assert {one["state"] for one in found["trials"]} == {"finished", "paused"}, "a trial was given up"
            assert sum(one["state"] == "finished" for one in found["trials"]) >= 2, "too few came to their end"
            tally.count("ended whole")
        except AssertionError as error:
            log = (folder / "log").read_text(encoding="utf-8", errors="replace")[-300:]
            tally.fail(f"seed {seed}, killed after {after:.3f} s: {str(error).splitlines()[0]} {log}")
    tally.end(at_least=wanted)
