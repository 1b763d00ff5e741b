"""train: from a config or bare data to a run directory, a score with its baselines, and progress on stderr."""

from __future__ import annotations

import hashlib
import json
import math
import re
from functools import partial
from pathlib import Path
from unittest import mock

import pytest
from cli_runs import FIVE_GRAMS, Result, leftovers, metrics, model_sha256, run, scores, together
from conftest import SALES, TEXT, Shelf

from rnncli.tasks.registry import load_config
from rnncli.training import budget

KEYS = {
    "step",
    "epoch",
    "tokens",
    "seconds",
    "train_loss",
    "valid_loss",
    "learning_rate",
    "grad_norm",
    "tokens_per_second",
}
TINY = ("--set", "model.hidden_size=8", "--set", "training.epochs=1")


def test_a_run_holds_its_files_and_metrics(shelf: Shelf) -> None:
    shelf.trained["char"].ok()
    assert (shelf / "char/config.yaml").exists()
    assert (shelf / "char/model.safetensors").exists()
    assert (shelf / "char/state.safetensors").exists()
    assert leftovers(shelf / "char") == set()
    lines = metrics(shelf / "char")
    assert all(line.keys() >= KEYS for line in lines)
    steps = [line["step"] for line in lines]
    assert steps == sorted(set(steps))
    last = lines[-1]
    assert last["reason"] == "finished"
    assert last["epoch"] == 2
    train_tokens = len(TEXT) - int(0.1 * len(TEXT))
    assert last["tokens"] == 2 * (train_tokens - 1)  # every training token but the first, which nothing precedes
    assert last["tokens_per_second"] * last["seconds"] >= last["tokens"]  # updates alone, not all of the time
    assert last["valid_loss"] < lines[0]["valid_loss"] < math.log(len(set(TEXT)) + 1)


def test_a_run_keeps_its_score_and_where_it_comes_from(shelf: Shelf) -> None:
    report = json.loads((shelf / "char/report.json").read_text())
    assert report["task"] == "language-model"
    told = scores(shelf.trained["char"].out)
    kept = {"network": report["score"]["network"], **report["score"]["floors"]}
    assert kept == pytest.approx(told, abs=6e-4)
    assert report["model_sha256"] == hashlib.sha256((shelf / "char/model.safetensors").read_bytes()).hexdigest()
    data = (shelf / "text.txt").read_bytes()
    assert report["data"] == {
        "path": str((shelf / "text.txt").resolve()),
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    last = metrics(shelf / "char")[-1]
    assert (report["steps"], report["seconds"]) == (last["step"], last["seconds"])
    assert report["config"] == load_config(shelf / "char/config.yaml").model_dump()


def test_the_next_command_is_named_last(shelf: Shelf) -> None:
    assert shelf.trained["char"].err.endswith("\nnext: rnncli generate char\n")
    assert shelf.trained["forecast"].err.endswith("\nnext: rnncli predict forecast\n")


def test_the_resolved_config_loads_again_and_says_everything(shelf: Shelf) -> None:
    config = load_config(shelf / "char/config.yaml")
    assert config.data.path == str((shelf / "text.txt").resolve())
    assert (config.model.cell, config.model.hidden_size, config.model.dropout) == ("lstm", 8, 0.2)
    assert (config.training.bptt, config.training.bptt_stride) == (16, 16)
    forecast = load_config(shelf / "forecast/config.yaml")
    assert forecast.data.time == "month"
    assert forecast.data.target == ["sales"]
    assert (forecast.data.season, forecast.data.horizon, forecast.data.freq) == (12, 4, "month")


def test_text_is_scored_beside_a_5_gram(shelf: Shelf) -> None:
    said = shelf.trained["char"].ok()
    held_out = int(0.1 * len(TEXT))
    assert f"\nvalidation score, nats per token ({held_out} tokens, " in said.out
    found = scores(said.out)
    assert found.keys() == {"network", *FIVE_GRAMS}
    best = min(line["valid_loss"] for line in metrics(shelf / "char"))
    assert found["network"] == pytest.approx(best, abs=6e-4)
    assert 0 < found["interpolated 5-gram"] < math.log(len(set(TEXT)) + 1)
    perplexity = float(re.findall(r"perplexity ([\d.]+)", said.out)[0])
    assert math.log(perplexity) == pytest.approx(found["network"], abs=1e-3)


def test_a_series_is_scored_beside_naive_forecasts(shelf: Shelf) -> None:
    said = shelf.trained["forecast"].ok()
    found = scores(said.out)
    assert set(found) == {"network", "last value", "seasonal naive", "seasonal growth", "drift", "theta"}
    assert list(found.values())[1:] == sorted(list(found.values())[1:])  # the strongest first
    values = [float(line.split(",")[1]) for line in SALES.splitlines()[1:]]
    origins = range(int(0.8 * len(values)), len(values) - 4 + 1)
    assert f"({len(origins)} rolling origins, horizon 4; forecast: " in said.out
    last = [abs(values[o + k] - values[o - 1]) for o in origins for k in range(4)]
    season = [abs(values[o + k] - values[o + k - 12]) for o in origins for k in range(4)]
    assert found["last value"] == pytest.approx(sum(last) / len(last), abs=5.1e-3)
    assert found["seasonal naive"] == pytest.approx(sum(season) / len(season), abs=5.1e-3)


def test_progress_goes_to_stderr(shelf: Shelf) -> None:
    said = shelf.trained["char"]
    evaluations = [line for line in said.err.splitlines() if line.startswith("epoch ")]
    lines = metrics(shelf / "char")
    assert len(evaluations) == len(lines)
    assert f"valid {lines[0]['valid_loss']:.4f}" in evaluations[0]
    assert "saved in char" in said.err
    assert "epoch" not in said.out


@pytest.fixture(scope="module")
def ways(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Result]]:
    """The ways to call train, side by side, in one folder."""
    from conftest import write_inputs

    folder = tmp_path_factory.mktemp("ways")
    write_inputs(folder)
    (folder / "tail.csv").write_text("month,sales\n" + "".join(SALES.splitlines(keepends=True)[-30:]), encoding="utf-8")
    (folder / "head.csv").write_text("".join(SALES.splitlines(keepends=True)[:91]), encoding="utf-8")
    commands: dict[str, tuple[list[str], str]] = {
        "text": (["text.txt", *TINY], ""),
        "table": (["sales.csv", *TINY, "-q"], ""),
        "stdin": (["char.yaml", "-", "-o", "stdin", "-q"], TEXT),
        "test": (["char.yaml", "-o", "test", "-q", "--set", "data.test=0.2"], ""),
        "patience": (
            [
                "char.yaml",
                "-o",
                "patience",
                "-q",
                "--set",
                "training.patience=2",
                "--set",
                "training.learning_rate=0.5",
                "--set",
                "training.epochs=60",
            ],
            "",
        ),
        "validation file": (["forecast.yaml", "head.csv", "-o", "vf", "--set", "data.validation=tail.csv"], ""),
        "test file": (["forecast.yaml", "head.csv", "-o", "tf", "--set", "data.test=tail.csv", "-q"], ""),
        "none held out": (["char.yaml", "-o", "all", "-q", "--set", "data.validation=0"], ""),
    }
    jobs = [partial(run, "train", *arguments, cwd=folder, stdin=stdin) for arguments, stdin in commands.values()]
    return folder, dict(zip(commands, together(*jobs), strict=True))


def test_bare_text(ways: tuple[Path, dict[str, Result]]) -> None:
    folder, said = ways
    said["text"].ok()
    assert "text.txt looks like text, so the task is language-model; another one: --set task=" in said["text"].err
    config = load_config(folder / "runs/text/config.yaml")
    assert (config.task, config.model.hidden_size, config.training.epochs) == ("language-model", 8, 1)
    assert scores(said["text"].out).keys() == {"network", *FIVE_GRAMS}


def test_bare_table(ways: tuple[Path, dict[str, Result]]) -> None:
    folder, said = ways
    said["table"].ok()
    config = load_config(folder / "runs/sales/config.yaml")
    assert (config.task, config.data.time, config.data.target) == ("forecast", "month", ["sales"])
    assert {"network", "last value", "seasonal naive", "theta"} <= set(scores(said["table"].out))


def test_the_second_run_gets_another_name(ways: tuple[Path, dict[str, Result]]) -> None:
    folder, said = ways
    first = model_sha256(folder / "runs/text")
    again = run("train", "text.txt", *TINY, cwd=folder).ok()
    assert "saved in runs/text-2" in again.err
    assert model_sha256(folder / "runs/text") == first
    assert again.out == said["text"].out


def test_standard_input_makes_the_same_model(shelf: Shelf, ways: tuple[Path, dict[str, Result]]) -> None:
    folder, said = ways
    said["stdin"].ok()
    assert model_sha256(folder / "stdin") == model_sha256(shelf / "char")
    assert load_config(folder / "stdin/config.yaml").data.path is None


def test_quiet_says_nothing_but_the_score(shelf: Shelf, ways: tuple[Path, dict[str, Result]]) -> None:
    quiet = ways[1]["stdin"]
    assert quiet.err == ""
    assert quiet.out == shelf.trained["char"].out


def test_a_test_part_is_what_is_scored(ways: tuple[Path, dict[str, Result]]) -> None:
    folder, said = ways
    assert f"\ntest score, nats per token ({int(0.2 * len(TEXT))} tokens, " in said["test"].ok().out
    best = min(line["valid_loss"] for line in metrics(folder / "test"))
    assert scores(said["test"].out)["network"] != pytest.approx(best, abs=6e-4)


def test_patience_ends_a_run_that_gets_no_better(ways: tuple[Path, dict[str, Result]]) -> None:
    folder, said = ways
    said["patience"].ok()
    lines = metrics(folder / "patience")
    assert lines[-1]["reason"] == "patience"
    assert [line["improved"] for line in lines[-3:]] == [True, False, False]
    assert lines[-1]["epoch"] < 60
    best = min(line["valid_loss"] for line in lines)
    assert scores(said["patience"].out)["network"] == pytest.approx(best, abs=6e-4)


@pytest.mark.long
def test_max_time_fixes_the_number_of_updates(place: Path) -> None:
    long = ("--set", "training.max_time=2s", "--set", "training.epochs=1000000")
    with (
        mock.patch.object(budget, "MOMENTS", {}),
        mock.patch.object(budget, "OVERDUE", 1e9),
    ):  # whatever the machine does
        said = run("train", "char.yaml", "-o", "timed", *long, cwd=place).ok()
    planned = int(re.findall(r"plan  ([\d,]+) updates", said.err)[0].replace(",", ""))
    lines = metrics(place / "timed")
    assert (lines[-1]["step"], lines[-1]["reason"]) == (planned, "finished")
    assert planned < 1_000_000  # of the epochs that were asked for
    again = run("train", "char.yaml", "-o", "timed", "--resume", cwd=place).ok()
    assert again.out == said.out
    assert metrics(place / "timed") == lines


def test_a_validation_file_is_what_is_validated_on(ways: tuple[Path, dict[str, Result]]) -> None:
    said = ways[1]["validation file"].ok()
    assert f"{90 - 12 - 4 + 1} of 12 rows in" in said.err  # every window of the 90 training rows, and no other
    assert "\nvalidation score, MAE of sales (27 rolling origins, horizon 4" in said.out


def test_a_test_file_is_what_is_scored(ways: tuple[Path, dict[str, Result]]) -> None:
    assert "\ntest score, MAE of sales (27 rolling origins, horizon 4" in ways[1]["test file"].ok().out


def test_with_nothing_held_out_the_training_loss_is_named_as_such(ways: tuple[Path, dict[str, Result]]) -> None:
    folder, said = ways
    label, value = said["none held out"].ok().out.rsplit(maxsplit=1)
    assert label.endswith("training loss")
    assert float(value) == pytest.approx(min(line["train_loss"] for line in metrics(folder / "all")), abs=1e-4)
