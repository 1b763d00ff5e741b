"""Four starts in one run directory at the same moment: one trains, and the others end with exit code 75."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import small_runs
from attacks import Tally, size
from cli_runs import leftovers, metrics, model_sha256, run
from forks import ended, forked

pytestmark = pytest.mark.faults
STARTS = 4
KIND = "language-model"
LONG = ("--set", "training.epochs=60", "--set", "training.with_ngram=false")
"""What is still training when the last of four has begun."""


@pytest.fixture
def held_back() -> Iterator[None]:
    """Signals of this process and its forks wait until they are asked for."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    yield
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1})


@pytest.mark.parametrize("way", ["new", "resumed"])
def test_one_of_four_trains(way: str, tmp_path: Path, held_back: None) -> None:
    tally = Tally(f"four starts in one run directory, {way}")
    small_runs.write(tmp_path)
    arguments, wanted = [*small_runs.command(KIND, "run"), *LONG], "alone"
    run(*small_runs.command(KIND, "alone"), *LONG, cwd=tmp_path).ok()
    if way == "resumed":
        run(*small_runs.command(KIND, "begun"), *LONG[2:], cwd=tmp_path).ok()
        arguments, wanted = ["train", "-o", "run", "--resume", "-q", *LONG[:2]], "again"
        shutil.copytree(tmp_path / "begun", tmp_path / "again")
        run("train", "-o", "again", *arguments[3:], cwd=tmp_path).ok()
    for attempt in range(size(3, 50)):
        shutil.rmtree(tmp_path / "run", ignore_errors=True)
        if way == "resumed":
            shutil.copytree(tmp_path / "begun", tmp_path / "run")
        starts = [forked(arguments, tmp_path, partial(signal.sigwait, {signal.SIGUSR1})) for _ in range(STARTS)]
        for process in starts:
            os.kill(process, signal.SIGUSR1)
        codes = sorted(ended(process) for process in starts)
        if codes != [0, *[75] * (STARTS - 1)]:
            tally.fail(f"{arguments}, try {attempt}: exit codes {codes}: {(tmp_path / 'log').read_text()[-600:]}")
        elif leftovers(tmp_path / "run") or len(metrics(tmp_path / "run")) != len(metrics(tmp_path / wanted)):
            tally.fail(f"{arguments}, try {attempt}: left {leftovers(tmp_path / 'run')}, {metrics(tmp_path / 'run')}")
        elif model_sha256(tmp_path / "run") != model_sha256(tmp_path / wanted):
            tally.fail(f"{arguments}, try {attempt}: another model")
        else:
            tally.count("one trained, three ended with 75")
    tally.end(at_least=size(3, 50))
