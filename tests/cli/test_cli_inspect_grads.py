"""inspect-grads: the same numbers as JSON, CSV and table, for a config, a run and a model file, at every point."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_runs import Result, in_shell, run, together
from conftest import CHAR, TEXT, Shelf
from safetensors.numpy import load_file

from rnncli.inspection.reports import RULE

LIKE_RUN = [
    "--set",
    "training.bptt=16",
    "--set",
    "training.batch_size=4",
    "--set",
    "training.learning_rate=1e-2",
    "--set",
    "training.epochs=2",
]
LINEAR = [
    "char.yaml",
    "--set",
    "model.cell=rnn",
    "--set",
    "model.activation=identity",
    "--set",
    "model.num_layers=1",
    "--set",
    "training.bptt=60",
    "--set",
    "training.batch_size=2",
    "--batches",
    "1",
    "--lags",
    "59",
]
CALLS: dict[str, Sequence[str]] = {
    "config": ["char.yaml", "-f", "json", "--lags", "15"],
    "run": ["char", "-f", "json", "--lags", "15"],
    "at init": ["char", "--at", "init", "-f", "json", "--lags", "15"],
    "at last": ["char", "--at", "last", "-f", "json", "--lags", "15"],
    "one batch": ["char", "--batches", "1", "-f", "json", "--lags", "15"],
    "checked": ["char", "--check", "--batches", "1", "-f", "json", "--lags", "15"],
    "model file": ["copy/model.safetensors", "text.txt", "-f", "json", *LIKE_RUN, "--lags", "15"],
    "model file, stdin": ["copy/model.safetensors", "-", "-f", "json"],
    "model file by another name": ["copy/best.model", "text.txt", "-f", "json", *LIKE_RUN, "--lags", "15"],
    "forecast": ["forecast", "-f", "json"],
    "csv": ["char", "--lags", "15"],
    "plot": ["char", "-f", "plot", "--lags", "15"],
    "table": ["char", "-f", "table", "--lags", "15"],
    "0.9": [*LINEAR, "--set", "model.recurrent_scale=0.9", "-f", "table", "--fail-on", "vanishing"],
    "0.9 as json": [*LINEAR, "--set", "model.recurrent_scale=0.9", "-f", "json", "--fail-on", "exploding"],
    "1.9 as json": [*LINEAR, "--set", "model.recurrent_scale=1.9", "-f", "json", "--fail-on", "exploding"],
    "no data": ["copy/model.safetensors"],
    "another cell": ["char", "--set", "model.cell=gru"],
    "config at best": ["char.yaml", "--at", "best"],
    "no failure": ["char", "--at", "failure"],
    "model file at last": ["copy/model.safetensors", "text.txt", "--at", "last"],
    "odd verdict": ["char", "--fail-on", "healthy"],
}
BPTT = 16


@pytest.fixture(scope="module")
def said(shelf: Shelf) -> dict[str, Result]:
    (shelf / "copy").mkdir()
    shutil.copy(shelf / "char/model.safetensors", shelf / "copy/model.safetensors")
    shutil.copy(shelf / "char/model.safetensors", shelf / "copy/best.model")
    text = (shelf / "text.txt").read_text(encoding="utf-8")
    jobs = [partial(run, "inspect-grads", *call, cwd=shelf.folder, stdin=text) for call in CALLS.values()]
    return dict(zip(CALLS, together(*jobs), strict=True))


def report(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.ok().out)
    return found


def test_the_json_has_every_lag_and_every_parameter(shelf: Shelf, said: dict[str, Result]) -> None:
    found = report(said["run"])
    assert found["lags"] == list(range(BPTT))
    assert [layer["layer"] for layer in found["layers"]] == [0, 1]
    for layer in found["layers"]:
        for name in ("gradient_norm_by_lag", "state_gradient_norm_by_lag", "step_jacobian_norm"):
            assert len(layer[name]) == BPTT
            assert all(norm > 0 for norm in layer[name])
        assert {"half_life", "memory_1_percent", "spectral_radius", "lyapunov", "verdict"} <= layer.keys()
        whole, hidden = layer["state_gradient_norm_by_lag"], layer["gradient_norm_by_lag"]
        assert whole[0] == hidden[0]  # nothing has come to c yet
        assert all(a > b for a, b in zip(whole[1:], hidden[1:], strict=True))
    top = found["layers"][1]["gradient_norm_by_lag"]
    assert top[0] == max(top)  # the loss is taken at lag 0

    stored = load_file(shelf / "char/model.safetensors")
    assert {p["name"]: tuple(p["shape"]) for p in found["parameters"]} == {n: a.shape for n, a in stored.items()}
    for p in found["parameters"]:
        assert p["weight_norm"] == pytest.approx(np.linalg.norm(stored[p["name"]].astype(np.float64)), rel=1e-6)
        assert p["ratio"] == pytest.approx(p["grad_norm"] / p["weight_norm"], rel=1e-6)
        assert 0 < p["update_ratio"] < 1
        assert 0 <= p["zero_share"] < 1
    assert [gate["gate"] for gate in found["gates"]] == ["input", "forget", "candidate", "output"] * 2
    assert found["clip"]["clip_norm"] == 5
    assert found["rule"] == RULE
    assert found["advice"]
    assert found["check"] is None
    assert (found["batches"], found["sequences"]) == (4, 64)


def test_a_config_shows_the_first_weights(said: dict[str, Result]) -> None:
    fresh, trained = report(said["config"]), report(said["run"])
    assert (fresh["at"], trained["at"]) == ("init", "best")
    assert fresh["loss"] > trained["loss"]
    assert fresh["lags"] == list(range(BPTT))
    assert [p["name"] for p in fresh["parameters"]] == [p["name"] for p in trained["parameters"]]
    assert report(said["at init"]) == fresh


def judged(result: Result) -> list[Any]:
    """What is found of the memory of each layer, and the advice on it, but not the curves that are shown of it."""
    found = report(result)
    names = ("decay", "half_life", "half_life_above", "half_life_interval", "memory_1_percent", "judged_lag")
    more = ("left_at_judged_lag", "verdict", "lyapunov")
    return [[layer[name] for name in (*names, *more)] for layer in found["layers"]] + [found["advice"]]


@pytest.mark.thorough
def test_lags_do_not_depend_on_bptt(shelf: Shelf) -> None:
    """The same weights remember as much whatever bptt and batch_size are, which decide about updates and verdicts."""
    calls = [["--set", f"training.bptt={bptt}", "--set", "training.batch_size=2"] for bptt in (16, 64, 256)]
    jobs = [
        partial(run, "inspect-grads", "char", "--batches", "1", *some, "-f", "json", cwd=shelf.folder)
        for some in (*calls, [], ["--lags", "5"], ["--lags", "30"], ["--lags", "9999"])
    ]
    *found, whole, fewest, few, many = together(*jobs)
    assert judged(fewest) == judged(few) == judged(whole)
    for one in map(report, found):
        for layer, first in zip(one["layers"], report(found[0])["layers"], strict=True):
            assert layer["half_life"] == first["half_life"] > 1
            assert layer["memory_1_percent"] == first["memory_1_percent"] >= 16  # no lag of a window of 16
            assert layer["own_left_by_lag"] == first["own_left_by_lag"]
            assert layer["gradient_norm_by_lag"] == first["gradient_norm_by_lag"]
    assert [report(one)["layers"][0]["judged_lag"] for one in found] == [15, 63, len(report(found[2])["lags"]) - 1]
    shown = [layer["gradient_norm_by_lag"][:31] for layer in report(found[0])["layers"]]
    assert [layer["gradient_norm_by_lag"] for layer in report(few)["layers"]] == shown
    assert report(few)["lags"] == list(range(31))
    assert len(report(many)["lags"]) < 9999
    assert "lags can be seen, because the sequences have" in many.err


def test_lags_of_whole_sequences_end_where_they_begin_whatever_bptt_is(shelf: Shelf) -> None:
    calls = [["--set", "training.bptt=4"], ["--set", "training.bptt=12"], ["--lags", "5"], ["--lags", "99"]]
    short, long, few, many = together(
        *(partial(run, "inspect-grads", "forecast.yaml", *some, "-f", "json", cwd=shelf.folder) for some in calls)
    )
    by_lag = [report(one)["layers"][0]["gradient_norm_by_lag"] for one in (short, long, few, many)]
    assert by_lag[0] == by_lag[1] == by_lag[3]
    assert by_lag[2] == by_lag[1][:6]
    assert [report(one)["layers"][0]["judged_lag"] for one in (short, long)] == [3, 11]
    assert "only 11 lags can be seen, because the sequences have 12 steps" in many.err
    assert few.err == long.err  # without a word on lags
    assert judged(few) == judged(many)
    assert "lags" not in long.err


def test_the_last_weights_are_those_of_the_state_with_the_optimizers_moments(said: dict[str, Result]) -> None:
    last, best = report(said["at last"]), report(said["run"])  # the last evaluation of this run was the best
    assert last["layers"] == best["layers"]
    assert [p["grad_norm"] for p in last["parameters"]] == [p["grad_norm"] for p in best["parameters"]]
    # The schedule ends at nearly nothing.
    assert all(
        a["update_ratio"] < 0.1 * b["update_ratio"] for a, b in zip(last["parameters"], best["parameters"], strict=True)
    )


def test_one_batch_has_no_noise(said: dict[str, Result]) -> None:
    found = report(said["one batch"])
    assert (found["batches"], found["sequences"]) == (1, 16)
    assert all(p["signal_to_noise"] is None for p in found["parameters"])
    assert all(p["signal_to_noise"] > 0 for p in report(said["run"])["parameters"])


def test_gradients_agree_with_central_differences(said: dict[str, Result]) -> None:
    found = report(said["checked"])
    assert found["check"]["passed"]
    assert found["check"]["worst"] < 1e-6
    assert [p["name"] for p in found["check"]["parameters"]] == [p["name"] for p in found["parameters"]]
    assert found | {"check": None} == report(said["one batch"])  # and leave no trace


@pytest.mark.parametrize("name", ["model file", "model file by another name"])
def test_a_model_file_says_the_same_as_its_run(name: str, said: dict[str, Result]) -> None:
    assert report(said[name]) == report(said["run"])


def test_data_may_come_from_standard_input(said: dict[str, Result]) -> None:
    from_stdin = report(said["model file, stdin"])
    # A model file does not know how it was trained: a short text is read in 4 streams, longer than the usual bptt.
    assert (len(TEXT) - int(0.1 * len(TEXT)) - 1) // 4 > 64
    assert {layer["judged_lag"] for layer in from_stdin["layers"]} == {63}
    norms = {p["name"]: p["weight_norm"] for p in report(said["run"])["parameters"]}
    assert {p["name"]: p["weight_norm"] for p in from_stdin["parameters"]} == norms


def test_a_forecast_has_a_lag_for_every_row_of_its_context(said: dict[str, Result]) -> None:
    found = report(said["forecast"])
    assert found["lags"] == list(range(12))
    assert all(norm > 0 for norm in found["layers"][0]["gradient_norm_by_lag"])


def test_csv_and_json_agree(said: dict[str, Result]) -> None:
    rows = list(csv.reader(io.StringIO(said["csv"].ok().out)))
    assert rows[0][:3] == ["lag", "layer 0", "layer 1"]
    found = report(said["run"])
    columns = [layer["gradient_norm_by_lag"] for layer in found["layers"]]
    assert [[float(cell) for cell in row[:3]] for row in rows[1:]] == [
        [lag, columns[0][lag], columns[1][lag]] for lag in found["lags"]
    ]


def test_the_table_fits_80_columns(said: dict[str, Result]) -> None:
    lines = said["table"].ok().out.splitlines()
    assert max(len(line) for line in lines) <= 80
    assert "\x1b" not in said["table"].out
    shown = {line.split()[0] for line in lines if line.strip()}
    names = {p["name"] for p in report(said["run"])["parameters"]}
    assert names <= shown  # whole: no name is cut or folded
    assert {str(lag) for lag in range(BPTT)} <= shown


def test_the_plot_has_lines_and_how_far_they_reach_and_fits_80_columns(said: dict[str, Result]) -> None:
    lines = said["plot"].ok().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in said["plot"].out
    assert any(set(line) & {chr(code) for code in range(0x2801, 0x2900)} for line in lines)
    assert any(line.startswith("layer 1") and line.split()[-1] in ("healthy", "vanishing") for line in lines)
    assert "Parameters" not in said["plot"].out


def test_a_linear_network_shows_the_powers_of_its_scale(said: dict[str, Result]) -> None:
    (layer,) = report(said["0.9 as json"])["layers"]
    assert layer["left_by_lag"] == pytest.approx(0.9 ** np.arange(60.0), rel=1e-7)
    assert layer["lyapunov"] == pytest.approx(np.log(0.9), rel=1e-7)
    assert layer["spectral_radius"] == pytest.approx(0.9, rel=1e-7)
    assert layer["singular_values"] == pytest.approx({"largest": 0.9, "smallest": 0.9}, rel=1e-7)
    assert layer["memory_1_percent"] == 44
    assert layer["half_life"] == pytest.approx(np.log(0.5) / np.log(0.9), rel=1e-6)
    assert layer["verdict"] == "vanishing"
    rows = [line.split() for line in said["0.9"].out.splitlines()]
    assert next(row for row in rows if row[:1] == ["50"])[3] == "0.00515"
    assert said["0.9"].code == 7
    assert "layer 0 is vanishing" in said["0.9"].err


def test_a_network_that_no_training_could_survive_is_seen_all_the_same(said: dict[str, Result]) -> None:
    assert said["1.9 as json"].code == 7
    found = json.loads(said["1.9 as json"].out)
    (layer,) = found["layers"]
    assert layer["left_by_lag"] == pytest.approx(1.9 ** np.arange(60.0), rel=1e-6)
    assert layer["lyapunov"] == pytest.approx(np.log(1.9), rel=1e-7)
    assert layer["verdict"] == "exploding"
    assert any("--set model.recurrent_scale=1," in advice for advice in found["advice"])


def test_a_config_that_is_not_the_models_own_is_not_taken_for_it(shelf: Shelf, tmp_path: Path) -> None:
    shutil.copy(shelf / "char/model.safetensors", tmp_path / "model.safetensors")
    shutil.copy(shelf / "forecast.yaml", tmp_path / "config.yaml")
    shutil.copy(shelf / "text.txt", tmp_path / "text.txt")
    found = report(run("inspect-grads", "model.safetensors", "text.txt", "-f", "json", cwd=tmp_path))
    assert found["unit"] == "nats per token"


def test_what_cannot_be_inspected(said: dict[str, Result]) -> None:
    assert "says nothing of its data; name them" in said["no data"].refused(2)
    assert "--set model.cell=gru: these weights have their model" in said["another cell"].refused(2)
    assert "--at best: char.yaml is not a run; train it first" in said["config at best"].refused(2)
    assert "--at failure: training did not fail in char" in said["no failure"].refused(2)
    assert "is not a run directory" in said["model file at last"].refused(2)
    assert "not one of vanishing, exploding" in said["odd verdict"].refused(2)


@pytest.mark.long
def test_a_reader_that_leaves_ends_it_in_silence(shelf: Shelf) -> None:
    gone = in_shell("rnncli inspect-grads char -f table | sleep 0; exit ${PIPESTATUS[0]}", Path(shelf.folder))
    assert gone.refused(141, mistakes=0) == ""


def test_the_batch_at_which_training_failed_can_be_looked_at(shelf: Shelf, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text(TEXT, encoding="utf-8")
    (tmp_path / "char.yaml").write_text(CHAR.replace("dropout: 0.2", "dropout: 0.0"), encoding="utf-8")
    changes = ["training.optimizer=sgd", "training.learning_rate=1e30", "training.clip_norm=null", "training.epochs=20"]
    failed = run("train", "char.yaml", "-o", "run", *(f"--set={change}" for change in changes), cwd=tmp_path)
    message = failed.failed(6)
    assert message.endswith("look at the batch with: rnncli inspect-grads run --at failure")
    loss, norm = (float(message.split(before)[1].split(",")[0].split(";")[0]) for before in ("loss is ", "norm "))
    found = report(run("inspect-grads", "run", "--at", "failure", "-f", "json", cwd=tmp_path))
    assert found["at"] == "failure"
    assert found["batches"] == 1
    assert found["loss"] == pytest.approx(loss, rel=1e-3)  # of the very batch, from the state that was carried to it
    assert found["clip"]["mean_norm"] == pytest.approx(norm, rel=1e-3)
    assert "an update is" in found["advice"][0]
    look = ("inspect-grads", "run", "--at", "failure")
    assert "would change the batch that failed" in run(*look, "--set", "data.validation=0.5", cwd=tmp_path).refused(2)
    kept = (tmp_path / "run/failure.safetensors").read_bytes()
    (tmp_path / "run/failure.safetensors").write_bytes(kept[:200])
    run(*look, cwd=tmp_path).refused(4)
    shutil.copy(shelf / "char/state.safetensors", tmp_path / "run/failure.safetensors")  # with adam's moments
    assert "does not fit" in run(*look, cwd=tmp_path).refused(4)
    (tmp_path / "run/failure.safetensors").write_bytes(kept)
    (tmp_path / "text.txt").write_text(TEXT + "x", encoding="utf-8")
    assert "is not what run was trained on" in run(*look, cwd=tmp_path).refused(3)


def test_a_run_that_failed_before_its_first_evaluation_says_where_to_look(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text(TEXT, encoding="utf-8")
    (tmp_path / "char.yaml").write_text(CHAR, encoding="utf-8")
    changes = ["model.cell=rnn", "model.activation=identity", "model.recurrent_scale=1e30", "model.dropout=0"]
    message = run("train", "char.yaml", "-o", "run", *(f"--set={one}" for one in changes), cwd=tmp_path).failed(6)
    assert "or set training.clip_norm" not in message  # it is set
    assert "add --at failure" in run("inspect-grads", "run", cwd=tmp_path).refused(2)
    assert report(run("inspect-grads", "run", "--at", "failure", "-f", "json", cwd=tmp_path))["layers"]


def test_the_last_weights_keep_their_vocabulary_on_other_data(shelf: Shelf, tmp_path: Path) -> None:
    """Letters that come first in another text are not numbered anew."""
    (tmp_path / "other.txt").write_text("fed " + TEXT[: len(TEXT) // 2], encoding="utf-8")
    last, best = (
        report(run("inspect-grads", shelf / "char", "other.txt", "--at", at, "-f", "json", cwd=tmp_path))
        for at in ("last", "best")
    )
    assert last["loss"] == best["loss"]  # the last evaluation was the best


def test_runs_of_piped_data_say_so_and_take_the_data_by_name(shelf: Shelf, tmp_path: Path) -> None:
    shutil.copytree(shelf / "char", tmp_path / "piped")
    config = tmp_path / "piped/config.yaml"
    config.write_text(re.sub(r"(?m)^( *path:).*", r"\1 null", config.read_text(), count=1))
    (tmp_path / "text.txt").write_text(TEXT)
    brief = ("--batches", "1", "--lags", "15")
    for others in ((), ("--compare", shelf / "char")):
        without = run("inspect-grads", "piped", *others, *brief, cwd=tmp_path)
        assert "piped: its data came from a pipe" in without.refused(2)
        run("inspect-grads", "piped", "text.txt", *others, *brief, cwd=tmp_path).ok()


def test_watching_changes_nothing_but_metrics(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text(TEXT, encoding="utf-8")
    (tmp_path / "char.yaml").write_text(CHAR, encoding="utf-8")
    watched, usual = together(
        partial(run, "train", "char.yaml", "-o", "watched", "--watch-grads", cwd=tmp_path),
        partial(run, "train", "char.yaml", "-o", "usual", cwd=tmp_path),
    )
    assert "layer 1  " in watched.ok().err
    assert "layer 1  " not in usual.ok().err
    models = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("watched", "usual")]
    assert models[0] == models[1]
    for name in ("watched", "usual"):
        lines = [json.loads(line) for line in (tmp_path / name / "metrics.jsonl").read_text().splitlines()]
        assert all(("memory" in line) == (name == "watched") for line in lines)
    # Of the same stretches as inspect-grads sees in one batch, in float32.
    last = json.loads((tmp_path / "watched/metrics.jsonl").read_text().splitlines()[-1])["memory"]
    few = ("--batches", "1", "--lags", "64")
    seen = report(run("inspect-grads", "watched", "--at", "last", *few, "-f", "json", cwd=tmp_path))
    for memory, layer in zip(last, seen["layers"], strict=True):
        assert memory["layer"] == layer["name"]
        assert memory["left"] == pytest.approx(layer["left_at_judged_lag"], rel=1e-3)
        assert memory["half_life"] == pytest.approx(layer["half_life"], rel=1e-3)
        assert memory["verdict"] == layer["verdict"]


@pytest.mark.plots
def test_gradients_are_drawn_into_a_file(shelf: Shelf, tmp_path: Path) -> None:
    run("inspect-grads", shelf / "char", "--batches", "1", "--plot", "one.png", cwd=tmp_path).ok()
    both = [shelf / "char", "--compare", shelf / "odd", "--batches", "1", "--plot", "two.svg"]
    run("inspect-grads", *both, cwd=tmp_path).ok()
    assert (tmp_path / "one.png").read_bytes().startswith(b"\x89PNG")
    assert "<!-- Gradient by lag" in (tmp_path / "two.svg").read_text(encoding="utf-8")
    assert "ends in .png" in run("inspect-grads", shelf / "char", "--plot", "one.jpg", cwd=tmp_path).refused(2)
