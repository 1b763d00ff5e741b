"""train in a program: the bytes of the command, whatever holds the data; errors, signals and threads as a program
needs them."""

from __future__ import annotations

import csv
import json
import logging
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rnncli
from tests.api.frames import Frame
from tests.cli.cli_runs import metrics, model_sha256, run

SMALL = {"training.epochs": 2, "training.threads": 1, "model.hidden_size": 4}
SETS = [word for key, value in SMALL.items() for word in ("--set", f"{key}={value}")]
TEXT = "".join(f"the cat sat on mat {i} and the dog lay by the door\n" for i in range(20))
CONFIG = {
    "task": "forecast",
    "data": {"horizon": 3, "context": 8, "validation": 0.2},
    "model": {"cell": "gru", "hidden_size": 4, "num_layers": 1},
    "training": {"epochs": 2, "batch_size": 8, "threads": 1},
}
MONTHS = np.datetime64("2001-01") + np.arange(60)
SOLD = (np.sin(np.arange(60) / 3) * 10).round(2) + 20


class Interrupts:
    """Raises a signal so many times at the first evaluation."""

    def __init__(self, times: int, number: int = signal.SIGINT):
        self.times, self.number = times, number

    def __call__(self, line: dict[str, Any]) -> None:
        while self.times:
            self.times -= 1
            signal.raise_signal(self.number)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_table(path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["month", "sold"])
        writer.writerows(zip((f"{month}-01" for month in MONTHS), map(repr, SOLD.tolist()), strict=True))


def test_file_columns_and_frame_train_to_the_bytes_of_the_command(folder: Path) -> None:
    write_table(folder / "sales.csv")
    (folder / "config.yaml").write_text(json.dumps(CONFIG), encoding="utf-8")
    run("train", "config.yaml", "sales.csv", "-o", "command", "-q", cwd=folder).ok()
    given: dict[str, Any] = {
        "file": "sales.csv",
        "path": Path("sales.csv"),
        "bytes": (folder / "sales.csv").read_bytes(),
        "columns": {"month": MONTHS.astype("M8[s]"), "sold": SOLD},
        "records": [{"month": f"{month}-01", "sold": x} for month, x in zip(MONTHS, SOLD.tolist(), strict=True)],
        "frame": Frame({"sold": SOLD}, index=MONTHS.astype("M8[ns]"), name="month"),
    }
    for name, data in given.items():
        made = rnncli.train("config.yaml" if name == "path" else CONFIG, data, out=name)
        assert model_sha256(folder / name) == model_sha256(folder / "command"), name
        assert made.path == Path(name)
    wanted = json.loads((folder / "command/report.json").read_text(encoding="utf-8"))
    assert made.score == wanted["score"]
    assert made.config["data"] == wanted["config"]["data"] | {"path": None}
    assert made.metrics == metrics(made.path)


def test_data_alone_are_for_the_task_that_the_command_finds(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    (folder / "notes.txt").write_text(TEXT, encoding="utf-8")
    run("train", "notes.txt", "-q", *SETS, cwd=folder).ok()
    with caplog.at_level(logging.INFO, "rnncli"):
        made = rnncli.train("notes.txt", overrides=SMALL)
    assert str(made.path) == "runs/notes-2"
    assert "notes.txt looks like text, so the task is language-model" in " ".join(caplog.messages)
    lines = rnncli.train(data=TEXT.splitlines(), overrides=[f"{key}={value}" for key, value in SMALL.items()])
    keys = {"model": {"hidden_size": 4}, "training": {"epochs": 2, "threads": 1}}
    nested = rnncli.train(keys, TEXT.encode(), out="nested")
    assert str(lines.path) == "runs/language-model"
    assert {model_sha256(one.path) for one in (made, lines, nested)} == {model_sha256(folder / "runs/notes")}


def test_notes_are_logged_and_doubts_are_warnings(caplog: pytest.LogCaptureFixture) -> None:
    columns = {"month": MONTHS, "sold": SOLD, "empty": [None] * 60}
    with caplog.at_level(logging.INFO, "rnncli"):
        rnncli.train({**CONFIG, "data": {"horizon": 3, "context": 8, "validation": None}}, columns)
    assert {record.name for record in caplog.records} == {"rnncli"}
    assert logging.INFO in {record.levelno for record in caplog.records}


def test_nothing_is_printed_unless_it_is_asked_for(capfd: pytest.CaptureFixture[str]) -> None:
    rnncli.train(CONFIG, {"month": MONTHS, "sold": SOLD}, out="silent")
    assert capfd.readouterr() == ("", "")
    rnncli.train(CONFIG, {"month": MONTHS, "sold": SOLD}, out="shown", progress=True)
    out, err = capfd.readouterr()
    assert out == ""
    assert "epoch   2" in err
    lines: list[dict[str, Any]] = []
    made = rnncli.train(CONFIG, {"month": MONTHS, "sold": SOLD}, out="called", progress=lines.append)
    assert lines == made.metrics
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("arguments", "error", "code", "words"),
    [
        (("missing.txt",), rnncli.UsageError, 2, "no such file: missing.txt"),
        (({"task": "forcast"}, [1.0]), rnncli.ConfigError, 2, "forecast"),
        ((CONFIG | {"model": {"hiden_size": 4}}, [1.0]), rnncli.ConfigError, 2, "hidden_size"),
        ((CONFIG,), rnncli.UsageError, 2, "config: names no data"),
        (({"training": {"epochs": 1}},), rnncli.UsageError, 2, "no task and there are no data"),
        (([1.0], [2.0]), rnncli.UsageError, 2, "neither a dict with keys of one nor"),
        (({"sold": [1.0]}, [2.0]), rnncli.UsageError, 2, "neither a dict with keys of one nor"),
        ((CONFIG, {"month": MONTHS, "sold": [*SOLD[:-1], "x"]}), rnncli.DataError, 3, "<data>.csv:61"),
        ((), rnncli.UsageError, 2, "name a config or a data file to train on"),
        (("\ud800.txt",), rnncli.UsageError, 2, "is no file name"),
        ((None, Path("\ud800")), rnncli.UsageError, 2, "is no file name"),
        ((CONFIG | {"data": {"path": "\ud800"}},), rnncli.ConfigError, 2, "must be the path of a file"),
    ],
)
def test_mistakes_are_our_exceptions(
    arguments: tuple[Any, ...], error: type[rnncli.Error], code: int, words: str
) -> None:
    with pytest.raises(error, match=words) as raised:
        rnncli.train(*arguments)
    assert raised.value.exit_code == code
    assert not [*Path().rglob("*.*")]


@pytest.mark.parametrize("name", ["\ud800", "a\0b"])
def test_what_is_no_file_name_is_told(name: str) -> None:
    for options in ({"out": name}, {"start_from": name}):
        with pytest.raises(rnncli.UsageError, match="is no file name"):
            rnncli.train(CONFIG, {"month": MONTHS, "sold": SOLD}, **options)  # type: ignore[arg-type]
    with pytest.raises(rnncli.UsageError, match="is no file name"):
        rnncli.load(name)
    assert not [*Path().rglob("*.*")]


def test_an_existing_folder_is_refused() -> None:
    Path("full").mkdir()
    Path("full/mine.txt").write_text("x", encoding="utf-8")
    with pytest.raises(rnncli.UsageError, match="exists and is not empty"):
        rnncli.train(CONFIG, {"month": MONTHS, "sold": SOLD}, out="full")


def test_ctrl_c_saves_the_run_and_is_a_keyboard_interrupt(folder: Path) -> None:
    columns = {"month": MONTHS, "sold": SOLD}
    whole = rnncli.train(CONFIG, columns, out="whole")
    with pytest.raises(KeyboardInterrupt, match=r"saved in halved; go on with: rnncli.train\(data=…, out='halved', "):
        rnncli.train(CONFIG, columns, out="halved", progress=Interrupts(1))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert rnncli.Run("halved").score is None
    resumed = rnncli.train(data=columns, out="halved", resume=True)
    assert model_sha256(resumed.path) == model_sha256(whole.path)
    assert resumed.score == whole.score


def test_a_second_ctrl_c_ends_at_once() -> None:
    with pytest.raises(KeyboardInterrupt) as raised:
        rnncli.train(CONFIG, {"month": MONTHS, "sold": SOLD}, out="ended", progress=Interrupts(2))
    assert not str(raised.value)


def test_term_is_an_error_with_its_exit_code() -> None:
    with pytest.raises(rnncli.StoppedError, match="saved in ended") as raised:
        rnncli.train(
            CONFIG,
            {"month": MONTHS, "sold": SOLD},
            out="ended",
            progress=Interrupts(1, signal.SIGTERM),
        )
    assert raised.value.exit_code == 143


def test_threads_train_side_by_side_and_take_no_signals(folder: Path) -> None:
    columns = {"month": MONTHS, "sold": SOLD}
    handlers: list[object] = []

    def trained(name: str) -> str:
        assert threading.current_thread() is not threading.main_thread()
        made = rnncli.train(
            CONFIG, columns, out=name, progress=lambda _: handlers.append(signal.getsignal(signal.SIGINT))
        )
        return model_sha256(made.path)

    with ThreadPoolExecutor(2) as pool:
        found = {*pool.map(trained, ("a", "b"))}
    assert found == {model_sha256(rnncli.train(CONFIG, columns, out="c").path)}
    assert {*handlers} == {signal.default_int_handler}


def test_a_run_starts_from_another(folder: Path) -> None:
    first = rnncli.train(data=TEXT.encode(), overrides=SMALL, out="first")
    second = rnncli.train(data=TEXT[:600].encode(), start_from=first, out="second", max_time="1s")
    (folder / "short.txt").write_text(TEXT[:600], encoding="utf-8")
    run("train", "--from", "first", "short.txt", "-o", "third", "-q", "--max-time", "1s", cwd=folder).ok()
    assert second.model.vocabulary == first.model.vocabulary
    assert second.config["data"] == rnncli.Run("third").config["data"] | {"path": None}


def test_steps_of_sequences_are_told_apart_by_their_column() -> None:
    sentences = [["he", "ran"], ["she", "sat"], ["it", "ran"]] * 8
    tags = [["P", "V"]] * len(sentences)
    made = rnncli.train({"task": "tag"} | {"model": {"hidden_size": 4}, "training": {"epochs": 1}}, (sentences, tags))
    assert made.config["data"]["id"] == "id"
    assert all(len(one) == 2 for one in made.model.predict([["he", "sat"], ["it", "sat"]]))
