"""`mpiexec -n R rnncli train`: one model whatever R is, and one end of all ranks."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from cli_runs import COMMAND, PATIENCE, environment, metrics, run, run_command
from mpi_runs import FAILING, is_open_mpi, launched, run_on, threads, without_frames, written
from tied_ranks import model

pytestmark = pytest.mark.mpi


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ranks")


@pytest.fixture(scope="module")
def arguments(folder: Path) -> list[str]:
    return [*written("one-hot characters", folder), *threads(1)]


@pytest.fixture(scope="module")
def whole(folder: Path, arguments: list[str]) -> Path:
    """A run of one process."""
    run(*arguments, "-o", "whole", cwd=folder).ok()
    return folder / "whole"


def test_ranks_write_the_run_of_one_process_and_rank_0_alone_speaks(
    folder: Path, arguments: list[str], whole: Path
) -> None:
    result = run_on(2, *arguments[:2], "-o", "two", *threads(2), cwd=folder).ok()
    assert model(folder / "two") == model(whole)
    assert result.out == run("train", "-o", "whole", "--resume", cwd=folder).out
    assert result.err.count("ranks  2 on 1 host") == 1
    assert [line["step"] for line in metrics(folder / "two")] == [line["step"] for line in metrics(whole)]


def test_rank_0_reads_standard_input_and_sends_it(folder: Path, arguments: list[str], whole: Path) -> None:
    given = (folder / "text.txt").read_bytes()
    result = run_on(4, *arguments, "-", "-o", "piped", cwd=folder, stdin=given)
    if is_open_mpi():
        assert result.refused(2).startswith("-: standard input does not come whole")
        assert not (folder / "piped").exists()
    else:
        result.ok()
        assert model(folder / "piped") == model(whole)


def test_a_mistake_is_told_once_and_nothing_is_written(folder: Path, arguments: list[str]) -> None:
    refusal = run_on(2, *arguments, "-o", "none", "--set", "training.shards=null", cwd=folder).refused(2)
    assert refusal.startswith("--set training.shards=null: training.shards is 1, which 2 ranks do not divide")
    assert not (folder / "none").exists()


@pytest.mark.parametrize(("kind", "code"), [("bug", 1), ("machine", 5)])
def test_an_error_on_one_rank_ends_all_at_once(folder: Path, arguments: list[str], kind: str, code: int) -> None:
    failed = folder / "failed-at"
    error = run_on(2, "1", "2", kind, *arguments, "-o", kind, cwd=folder, command=FAILING).failed(code)
    assert time.time() - float(failed.read_text()) < 2
    assert error.startswith("rank 1 of 2 on ")
    assert "on purpose" in error


def test_weights_that_differ_end_training(folder: Path, arguments: list[str]) -> None:
    longer = ["--set", "training.epochs=100", "--set", "training.updates=120"]
    error = run_on(2, "1", "2", "differ", *arguments, "-o", "differ", *longer, cwd=folder, command=FAILING).failed(1)
    assert error.startswith("rank 0 of 2 on ")
    assert "the weights of 1 rank (1) differ from those of rank 0" in error


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_ends_with_its_code_and_other_ranks_go_on(
    folder: Path, arguments: list[str], number: signal.Signals
) -> None:
    """Open MPI hands SIGUSR1 on, and ends its ranks at others, which one of them may get alone."""
    out, longer = f"stopped by {number.name}", ["--set", "training.epochs=3000"]
    words = [*launched(2), *arguments, "-o", out, *longer]
    process = subprocess.Popen(words, cwd=folder, env=environment(), stderr=subprocess.PIPE, text=True)
    while not (folder / out / "metrics.jsonl").exists():
        time.sleep(0.05)
        assert process.poll() is None
    to = process.pid
    if is_open_mpi() and number == signal.SIGINT:
        number = signal.SIGUSR1
    elif is_open_mpi():
        to = int((folder / out / ".lock").read_text())
    os.kill(to, number)
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 128 + number, said
    assert without_frames(said).count("rnncli: error: stopped after update ") == 1
    stopped = metrics(folder / out)[-1]["step"]
    shorter = ["--set", f"training.updates={stopped + 3}"]
    run_on(4, "train", "-o", out, "--resume", "-q", *shorter, cwd=folder).ok()
    assert metrics(folder / out)[-1]["step"] == stopped + 3


def test_processes_that_do_not_know_of_each_other_are_refused(folder: Path, arguments: list[str]) -> None:
    """As `srun` starts them without --mpi."""
    variables = {"SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_STEP_NUM_TASKS": "2"}
    command = [*COMMAND, *arguments, "-o", "alone"]
    refusal = run_command(command, cwd=folder, env=environment(**variables)).refused(5)
    assert refusal.startswith("srun started 2 ranks, which mpi4py ")
    other = variables | {"SLURM_PROCID": "1", "SLURM_LOCALID": "1"}
    silent = run_command(command, cwd=folder, env=environment(**other))
    assert (silent.code, silent.out, silent.err) == (5, "", "")
    assert not (folder / "alone").exists()
