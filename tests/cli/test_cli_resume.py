"""A run that is stopped or killed half-way and resumed ends with the bytes of one that was not."""

from __future__ import annotations

import re
import shlex
import shutil
import signal
from functools import partial
from pathlib import Path

import pytest
from cli_runs import Result, ended, leftovers, metrics, model_sha256, run, start, together, wait_for_evaluation
from conftest import TEXT, write_inputs

# Long enough that a signal sent at its first saved state arrives long before its end.
LONG = """\
task: language-model
data: {path: long.txt}
model: {cell: lstm, hidden_size: 8, num_layers: 2, dropout: 0.2}
training: {epochs: 5, batch_size: 4, bptt: 16, schedule: cosine}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("resume")
    write_inputs(path)
    (path / "long.txt").write_text(TEXT * 22, encoding="utf-8")
    (path / "changed.txt").write_text(TEXT * 22 + "The end.\n", encoding="utf-8")
    (path / "long.yaml").write_text(LONG, encoding="utf-8")
    return path


def stopped_by(number: int, folder: Path, out: str) -> Result:
    with start("train", "long.yaml", "-o", out, cwd=folder) as process:
        wait_for_evaluation(process, folder / out)
        process.send_signal(number)
        return ended(process)


def killed_in_use(folder: Path) -> tuple[int, Result, Result]:
    """(its pid, what a second process was told while it lived, how it ended) of a run that kill -9 ends."""
    with start("train", "long.yaml", "-o", "killed", cwd=folder) as process:
        wait_for_evaluation(process, folder / "killed")
        process.send_signal(signal.SIGSTOP)  # it lives, and holds its lock
        try:
            second = run("train", "long.yaml", "-o", "killed", "--resume", cwd=folder)
        finally:
            process.kill()
        return process.pid, second, ended(process)


@pytest.fixture(scope="module")
def whole(folder: Path) -> tuple[Result, str]:
    """The run that nothing stops, and its model."""
    said = run("train", "long.yaml", "-o", "whole", cwd=folder).ok()
    return said, model_sha256(folder / "whole")


@pytest.fixture(scope="module")
def stops(folder: Path) -> dict[str, Result]:
    names = {"int": signal.SIGINT, "term": signal.SIGTERM}
    jobs = [partial(stopped_by, number, folder, name) for name, number in names.items()]
    return dict(zip(names, together(*jobs), strict=True))


@pytest.mark.parametrize(("name", "code"), [("int", 130), ("term", 143)])
def test_a_signal_saves_and_resuming_ends_as_if_it_had_not_come(
    name: str, code: int, folder: Path, stops: dict[str, Result], whole: tuple[Result, str]
) -> None:
    message = stops[name].failed(code)
    done, planned = (int(n.replace(",", "")) for n in re.findall(r"after update ([\d,]+) of ([\d,]+)", message)[0])
    assert 0 < done < planned
    last = metrics(folder / name)[-1]
    assert (last["step"], last["reason"]) == (done, "stopped")
    assert leftovers(folder / name) == set()
    assert stops[name].out == ""
    assert model_sha256(folder / name) != whole[1]

    advice = shlex.split(message.partition("go on with: ")[2])
    assert advice[0] == "rnncli"
    resumed = run(*advice[1:], cwd=folder).ok()
    assert f"resumed after {done:,}" in resumed.err
    assert model_sha256(folder / name) == whole[1]
    assert resumed.out == whole[0].out
    steps = [line["step"] for line in metrics(folder / name)]
    assert steps == sorted(set(steps))
    assert {line["step"] for line in metrics(folder / "whole")} <= set(steps)
    by_step = {line["step"]: line for line in metrics(folder / name)}
    for line in metrics(folder / "whole"):
        for key in ("valid_loss", "tokens", "grad_norm", "learning_rate", "improved"):
            assert by_step[line["step"]][key] == line[key], (line["step"], key)


@pytest.mark.long
def test_kill_leaves_a_state_to_go_on_from(folder: Path, whole: tuple[Result, str]) -> None:
    pid, second, killed = killed_in_use(folder)
    assert killed.code == -signal.SIGKILL
    message = second.refused(75)
    assert f"in use by process {pid}" in message
    resumed = run("train", "long.yaml", "-o", "killed", "--resume", cwd=folder).ok()
    assert "resumed after" in resumed.err
    assert model_sha256(folder / "killed") == whole[1]


def test_a_run_is_not_resumed_on_changed_data(folder: Path, whole: tuple[Result, str], tmp_path: Path) -> None:
    shutil.copytree(folder / "whole", tmp_path / "copy")
    message = run("train", "long.yaml", folder / "changed.txt", "-o", "copy", "--resume", cwd=tmp_path).refused(3)
    assert "changed since the run copy began" in message
    assert model_sha256(tmp_path / "copy") == whole[1]


def test_a_finished_run_stays_as_it_is(folder: Path, whole: tuple[Result, str], tmp_path: Path) -> None:
    shutil.copytree(folder / "whole", tmp_path / "copy")
    before = metrics(tmp_path / "copy")
    again = run("train", "long.yaml", "-o", "copy", "--resume", "-q", cwd=tmp_path).ok()
    assert again.out == whole[0].out
    assert model_sha256(tmp_path / "copy") == whole[1]
    assert metrics(tmp_path / "copy") == before


def test_a_run_out_of_patience_is_finished(place: Path) -> None:
    restless = ["training.learning_rate=0.5", "training.patience=2", "training.epochs=60"]
    settings = [part for setting in restless for part in ("--set", setting)]
    first = run("train", "char.yaml", "-o", "run", "-q", *settings, cwd=place).ok()
    before = metrics(place / "run")
    assert before[-1]["reason"] == "patience"
    again = run("train", "char.yaml", "-o", "run", "-q", "--resume", cwd=place).ok()
    assert metrics(place / "run") == before
    assert again.out == first.out


def test_nothing_to_resume(place: Path) -> None:
    (place / "empty").mkdir()
    fresh, empty, unnamed = together(
        partial(run, "train", "char.yaml", "-o", "nosuch", "--resume", cwd=place),
        partial(run, "train", "char.yaml", "-o", "empty", "--resume", cwd=place),
        partial(run, "train", "char.yaml", "--resume", cwd=place),
    )
    assert "nosuch" in fresh.refused(2)
    assert not (place / "nosuch").exists()
    assert "empty" in empty.refused(2)
    assert "-o RUN" in unnamed.refused(2)


def test_resuming_cannot_change_what_decides_the_result(folder: Path, whole: tuple[Result, str]) -> None:
    """A run of one seed, dropout or batch size must not silently go on as, or be labelled as, another."""
    changes = ["model.dropout=0.5", "training.seed=7", "training.batch_size=2"]
    for change in changes:
        shutil.copytree(folder / "whole", folder / change)

    def resumed(change: str) -> Result:
        return run("train", "long.yaml", "-o", change, "--resume", "-q", "--set", change, cwd=folder)

    for change, result in zip(changes, together(*(partial(resumed, change) for change in changes)), strict=True):
        assert result.code in (2, 4), f"--set {change}: {result}"
        assert model_sha256(folder / change) == whole[1], change


@pytest.mark.long
def test_the_advice_after_a_stop_works_for_standard_input_and_spaces(tmp_path: Path) -> None:
    (tmp_path / "data.txt").write_text(TEXT * 22, encoding="utf-8")
    small = [
        "--set",
        "model.hidden_size=8",
        "--set",
        "training.epochs=5",
        "--set",
        "training.batch_size=4",
        "--set",
        "training.bptt=16",
    ]
    with (
        open(tmp_path / "data.txt", "rb") as data,
        start("train", "-", "-o", "my run", *small, cwd=tmp_path, stdin=data) as process,
    ):
        wait_for_evaluation(process, tmp_path / "my run")
        process.send_signal(signal.SIGINT)
        message = ended(process).failed(130)
    advice = shlex.split(message.partition("go on with: ")[2])
    resumed = run(*advice[1:], cwd=tmp_path, stdin=TEXT * 22).ok()
    assert "resumed after" in resumed.err
    assert metrics(tmp_path / "my run")[-1]["reason"] == "finished"


# Every file that a config names, relative ones beside the config.

ROWS, LATER = (
    "day,sales,open\n" + "".join(f"{start + day},{day % 7 + day / 10},{day % 2}\n" for day in range(40))
    for start in (1001, 1041)
)
SERIES = "time: day, target: sales, known_covariates: open, horizon: 3, context: 4, season: 7"
FILES = {"future": "day,open\n1041,1\n1042,0\n1043,1\n", "validation": LATER, "test": LATER}


@pytest.mark.parametrize("key", FILES)
def test_a_relative_file_is_found_beside_the_config_and_its_change_noticed(key: str, tmp_path: Path) -> None:
    there = tmp_path / "elsewhere"
    there.mkdir()
    (there / "rows.csv").write_text(ROWS)
    (there / f"{key}.csv").write_text(FILES[key])
    (there / "c.yaml").write_text(
        f"task: forecast\ndata: {{path: rows.csv, {key}: {key}.csv, {SERIES}}}\n"
        "model: {hidden_size: 4}\ntraining: {epochs: 1}\n"
    )
    arguments = ["train", "elsewhere/c.yaml", "-q", "-o", "run"]
    run(*arguments, cwd=tmp_path).ok()
    run(*arguments, "--resume", cwd=tmp_path).ok()
    (there / f"{key}.csv").write_text(FILES[key].removesuffix("1\n") + "0\n")
    assert "the data changed since the run" in run(*arguments, "--resume", cwd=tmp_path).failed(3)
