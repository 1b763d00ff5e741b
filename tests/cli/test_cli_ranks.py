"""`mpiexec -n R rnncli COMMAND`: what ranks share beside a training, and what is work for one process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_runs import Result, run
from conftest import CHAR, TEXT
from mpi_runs import is_open_mpi, run_on, threads, written

pytestmark = pytest.mark.mpi

KIND = "additive attention"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ranks")
    (folder / "text.txt").write_text(TEXT, encoding="utf-8")
    (folder / "char.yaml").write_text(CHAR, encoding="utf-8")
    run(*written(KIND, folder), "-o", "run", *threads(1), cwd=folder).ok()
    return folder


def told(result: Result) -> list[str]:
    """What was told, but of kernels that are compiled here, or by another process."""
    return [line for line in result.err.splitlines() if "the kernels" not in line]


def test_evaluate_shares_what_is_scored_and_rank_0_reads_and_tells(folder: Path) -> None:
    (folder / "held.tsv").write_text("source\ttarget\nred blue\tblue red\nteal\tteal\nochre grey\tgrey ochre\n")
    arguments = ["evaluate", "run", "-f", "json", "held.tsv"]
    alone = run(*arguments, cwd=folder).ok()
    shared = run_on(3, *arguments, cwd=folder).ok()
    assert (shared.out, told(shared)) == (alone.out, told(alone))
    arguments[-1] = "-"
    piped = run_on(2, *arguments, cwd=folder, stdin=(folder / "held.tsv").read_bytes())
    if is_open_mpi():
        assert piped.refused(2).startswith("-: standard input does not come whole")
    else:
        assert json.loads(piped.ok().out)["network"] == json.loads(alone.out)["network"]


def test_a_rule_and_a_mistake_are_told_once(folder: Path) -> None:
    arguments = ["evaluate", "run", "held.tsv", "-f", "json", "--must-beat", "most-frequent"]
    assert run_on(2, *arguments, cwd=folder).errors == run(*arguments, cwd=folder).errors != []
    (folder / "bad.tsv").write_text("source\ttarget\nred\t\n")
    assert run_on(2, "evaluate", "run", "bad.tsv", cwd=folder).refused(3)
    assert run_on(2, "evaluate", "run", "--bogus", cwd=folder).refused(2).startswith("No such option '--bogus'")


def test_each_rank_trains_and_inspects_some_of_what_is_compared(folder: Path) -> None:
    arguments = ["inspect-grads", "char.yaml", "-f", "json", "--batches", "1"]
    names = ["--compare", "gru,rnn"]
    alone = run(*arguments, *names, cwd=folder).ok()
    assert run_on(2, *arguments, *names, cwd=folder).ok().out == alone.out
    wrong = ["--compare", "gru,model.hidden_size=0"]
    assert "model.hidden_size is 0" in run_on(2, *arguments, *wrong, cwd=folder).failed(2)
    assert run_on(2, *arguments, cwd=folder).refused(2).startswith("inspect-grads on several ranks compares")


@pytest.mark.tune
def test_each_rank_is_a_worker_of_a_study(folder: Path) -> None:
    arguments = ["tune", "char.yaml", "-o", "study", "--trials", "4", "-f", "json"]
    arguments += ["--over", "training.learning_rate=1e-3..5e-2:log", *threads(1)]
    found = run_on(2, *arguments, cwd=folder).ok()
    study = json.loads(found.out)
    assert sorted(one["trial"] for one in study["trials"]) == [0, 1, 2, 3]
    assert {one["state"] for one in study["trials"]} <= {"finished", "paused"}
    assert 0 < found.err.count("trial ") < sum(len(one["outcomes"]) for one in study["trials"]) + 9


@pytest.mark.parametrize("words", ["generate run", "runs", "predict run held.tsv", "plot run", "doctor"])
def test_work_for_one_process_is_refused_in_one_line(folder: Path, words: str) -> None:
    refusal = run_on(2, *words.split(), cwd=folder).refused(2)
    assert refusal.startswith(f"{words.split()[0]}: is work for one process, and mpiexec of ")
    assert " as env -u " in refusal


def test_help_is_told_once(folder: Path) -> None:
    assert run_on(2, "--help", cwd=folder).ok().out == run("--help", cwd=folder).out
