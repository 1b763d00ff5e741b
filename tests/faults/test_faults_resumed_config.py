"""Every key of every task, changed between stop and resume: refused by its name, or honoured and logged in the run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from attacks import Tally, size
from cli_runs import Result, Stops, metrics, model_sha256, run
from small_runs import command, write

from rnncli.config.section import keys_of
from rnncli.config.sections import SECTIONS
from rnncli.errors import ConfigError
from rnncli.nn import model_file
from rnncli.tasks.registry import SCHEMAS, load_run_config
from rnncli.workflows.resume import FREE, fingerprint

pytestmark = pytest.mark.faults

# What a key may be, of any type, as YAML has it; the first that its config takes, and that changes it, is tried.
VALUES = [
    *(json.dumps(value) for value in (40, True, False, 0, 1, 2, 3, 7, 0.25, 0.5, "10m", None)),
    *("halve", "constant", "sgd", "none", "xavier", "gru", "relu", "word", "byte", "text", "csv", "utf-16", "'%Y'"),
    *(
        "letters",
        "skip",
        "start",
        "lines",
        "mean",
        "dot",
        "additive",
        "crf",
        "spans",
        "direct",
        "recursive",
        "segments",
    ),
    *("minmax", "standard", "log", "D", "zero", "ffill", "sum", "last", "first", "balanced", "month", "label", "';'"),
    *(
        "independent",
        "pinball",
        "mse",
        "naive",
        "linear",
        "naive-bayes",
        "edits",
        "labels.csv",
        "UTC",
        "b",
        "{stack: 2}",
    ),
]
INDIFFERENT = {"training.threads"}  # the data have their hash, threads do not decide the result


def keys(task: str) -> list[str]:
    """All keys of a task, but the path of the data."""
    return [
        key
        for section in SECTIONS
        for name in keys_of(SCHEMAS[task], section)
        if (key := f"{section}.{name}") != "data.path"
    ]


def other_value(config: Path, key: str) -> str | None:
    """Another value of a key in a run's config, as YAML has it; None if none of those above is one."""
    before = fingerprint(load_run_config(config))
    for value in VALUES:
        try:
            after = fingerprint(load_run_config(config, [f"{key}={value}"]))
        except ConfigError:
            continue
        if key in INDIFFERENT or after[key] != before[key]:
            return value
    return None


def edited(config: Path, key: str, value: str) -> None:
    tree = yaml.safe_load(config.read_text())
    section, _, name = key.partition(".")
    tree[section][name] = yaml.safe_load(value)
    config.write_text(yaml.safe_dump(tree))


@pytest.fixture(scope="module")
def stopped(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """The task, and a folder with a run of it that was stopped after three updates."""
    task, folder = request.param, tmp_path_factory.mktemp(request.param)
    write(folder)
    with pytest.MonkeyPatch.context() as patch:
        stops = Stops(patch)
        stops.set(3)
        result = run(*command(task, "run"), cwd=folder)
    result.failed(130)
    return task, folder


def notes_to_come(copy: Path) -> list[str]:
    """What the next line of metrics will tell, of a run that patience ended before there was one."""
    header = model_file.read(copy / "state.safetensors")[1]
    return list(header["position"]["notes"])


def judged(task: str, key: str, how: str, copy: Path, result: Result, before: str) -> str:
    """How a resume with another value of a key came out: the outcome if it may be so, else the fault."""
    name = key.partition(".")[2]
    if result.code == 2:
        told = all(key in line for line in result.errors)
        same = model_sha256(copy) == before
        if key.startswith("training.") and name in FREE:
            return f"FAULT {task} {how} {key}: is free, and was refused: {result.err}"
        return "refused by key" if told and same else f"FAULT {task} {how} {key}: {result.err}"
    if result.code != 0:
        return f"FAULT {task} {how} {key}: exit {result.code} {result.err}"
    if key in INDIFFERENT:
        return "indifferent"
    told = [text for line in metrics(copy) for text in line.get("notes", [])]
    logged = [text for text in (*told, *notes_to_come(copy)) if f"resumed with {key} " in text]
    if not (f"resumed with {key} " in result.err and len(logged) == 1):
        return f"FAULT {task} {how} {key}: honoured and not logged: {result.err}"
    return "honoured and logged"


@pytest.mark.parametrize("stopped", list(SCHEMAS), indirect=True)
def test_a_changed_key_is_refused_or_honoured_and_logged(stopped: tuple[str, Path], tmp_path: Path) -> None:
    task, folder = stopped
    tally = Tally(f"changed keys of {task}")
    before = model_sha256(folder / "run")
    wanted = [key for number, key in enumerate(keys(task)) if number % size(12, 1) == 0]
    for key in wanted:
        value = other_value(folder / "run" / "config.yaml", key)
        if value is None:
            tally.count(f"no other value of {key}")
            continue
        for how in ("--set", "edit"):
            copy = tmp_path / f"{key}-{how}"
            shutil.copytree(folder / "run", copy)
            arguments: list[Any] = ["train", "-o", copy, "--resume"]
            if how == "edit":
                edited(copy / "config.yaml", key, value)
            else:
                arguments += ["--set", f"{key}={value}"]
            outcome = judged(task, key, how, copy, run(*arguments, cwd=folder), before)
            tally.fail(f"{outcome} ({value})") if outcome.startswith("FAULT") else tally.count(outcome)
            shutil.rmtree(copy)
    tally.end(at_least=len(wanted))
