"""inspect-grads into every task and shape, as a sample config has it; and several networks side by side."""

from __future__ import annotations

import csv
import io
import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cli_runs import Result, run, together
from conftest import CHAR, TEXT, Shelf

SAMPLES = Path(__file__).parents[2] / "sample_configs"
ENDS = ["--batches", "1", "-f", "json"]
CALLS: dict[str, list[str]] = {
    "classify, both ways": ["motifs.yaml", "--set", "model.bidirectional=true", "--set", "model.pooling=last"],
    "tag, words": ["names.yaml", "--set", "model.character_size=0"],
    "regress": ["sums.yaml", "--check"],
    "tag, words composed": ["names.yaml"],
    "seq2seq, attention": ["dates.yaml"],
    "seq2seq, additive": ["jumble.yaml", "--set", "model.attention=additive"],
    "seq2seq, none": ["dates.yaml", "--set", "model.attention=none", "--set", "model.num_layers=2"],
    "caption": ["melodies.yaml", "--set", "model.cell=lstm"],
    "forecast, segments": ["co2.yaml", "--set", "model.decoder=segments", "--set", "data.context=48"],
    "forecast, recursive": ["shops.yaml", "--set", "model.decoder=recursive", "--set", "training.loss=gaussian"],
    "forecast, several": ["co2.yaml", "--set", "training.seeds=3", "--set", "data.context=[24, 48]"],
    "counts": ["counts.yaml"],
}


@pytest.fixture(scope="module")
def seen() -> dict[str, dict[str, Any]]:
    jobs = [partial(run, "inspect-grads", *call, *ENDS, cwd=SAMPLES) for call in CALLS.values()]
    return {name: json.loads(result.ok().out) for name, result in zip(CALLS, together(*jobs), strict=True)}


@pytest.mark.samples
@pytest.mark.parametrize("name", CALLS)
def test_a_gradient_is_seen_at_every_lag(name: str, seen: dict[str, dict[str, Any]]) -> None:
    report = seen[name]
    assert report["advice"]
    for layer in report["layers"]:
        assert len(layer["gradient_norm_by_lag"]) > 2
        assert all(norm > 0 for norm in layer["gradient_norm_by_lag"])
        assert layer["verdict"] in ("healthy", "vanishing")
        assert layer["lyapunov"] < 0.1
        assert 0 < layer["singular_values"]["smallest"] < layer["singular_values"]["largest"]
    assert report["lags"] == list(range(max(len(layer["gradient_norm_by_lag"]) for layer in report["layers"])))


def names(report: dict[str, Any]) -> list[str]:
    return [layer["name"] for layer in report["layers"]]


@pytest.mark.samples
def test_layers_are_named_by_part_and_direction(seen: dict[str, dict[str, Any]]) -> None:
    assert names(seen["classify, both ways"]) == ["layer 0", "layer 0 backward"]
    assert names(seen["seq2seq, none"]) == [
        *(f"encoder layer {l}{way}" for l in (0, 1) for way in ("", " backward")),
        "decoder layer 0",
        "decoder layer 1",
    ]
    assert names(seen["caption"]) == ["decoder layer 0"]
    assert names(seen["forecast, segments"]) == ["encoder layer 0"]
    assert names(seen["forecast, several"]) == ["layer 0"]
    assert len(seen["forecast, several"]["lags"]) == 24  # of the first network


@pytest.mark.samples
def test_attention_shortens_the_path_to_the_source(seen: dict[str, dict[str, Any]]) -> None:
    ahead, back, decoder = seen["seq2seq, attention"]["layers"]
    assert decoder["without_attention_by_lag"] is None
    for layer in (ahead, back):
        with_it, without = layer["state_gradient_norm_by_lag"][-1], layer["without_attention_by_lag"][-1]
        assert with_it > 1000 * without > 0
        assert layer["verdict"] == "healthy"
    first, _, second, *_ = seen["seq2seq, none"]["layers"]
    assert first["without_attention_by_lag"] is None
    assert second["verdict"] == "vanishing"
    # The second layer's backward direction ends where the first one's forward direction begins.
    assert first["left_by_lag"][-1] > 10 * min(first["left_by_lag"])
    assert "without attention it would be" in seen["seq2seq, attention"]["advice"][0]


@pytest.fixture(scope="module")
def compared(shelf: Shelf, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    folder = tmp_path_factory.mktemp("compared")
    (folder / "text.txt").write_text(TEXT, encoding="utf-8")
    (folder / "char.yaml").write_text(CHAR.replace("num_layers: 2", "num_layers: 1, chrono_init: 16"), encoding="utf-8")
    calls = {
        "cells": ["char.yaml", "--compare", "rnn,gru,lstm", "-f", "json"],
        "keys": ["char.yaml", "--compare", "model.hidden_size=4,model.hidden_size=6", "--at", "init"],
        "runs": [str(shelf / "char"), "--compare", str(shelf / "odd"), "-f", "table"],
        "failing": ["char.yaml", "--compare", "rnn,lstm", "--at", "init", "-f", "csv", "--fail-on", "vanishing"],
        "unknown": ["char.yaml", "--compare", "rnn,transformer"],
        "twice": ["char.yaml", "--compare", "rnn,rnn"],
        "tokens": [
            *("char.yaml", "--compare", "data.tokens=byte,data.validation=0.3", "--at", "init", "-f", "json"),
        ],
        "diverging": [
            "char.yaml",
            "--compare",
            "training.learning_rate=1e-3,training.learning_rate=1e30",
            "--set",
            "training.optimizer=sgd",
            "--set",
            "training.clip_norm=null",
            "-f",
            "json",
        ],
        "from a pipe": ["char.yaml", "-", "--compare", "rnn,gru"],
        "cells of a run": [str(shelf / "char"), "--compare", "rnn,gru"],
    }
    jobs = [partial(run, "inspect-grads", *call, cwd=folder) for call in calls.values()]
    found = dict(zip(calls, together(*jobs), strict=True))
    assert sorted(path.name for path in folder.iterdir()) == ["char.yaml", "text.txt"]  # nothing else is left
    return found


def test_cells_are_compared_before_and_after_training(compared: dict[str, Result]) -> None:
    found = json.loads(compared["cells"].ok().out)["compared"]
    assert [(one["at"], one["name"]) for one in found] == [
        (at, cell) for at in ("init", "best") for cell in ("rnn", "gru", "lstm")
    ]
    before, after = found[:3], found[3:]
    assert all(b["loss"] < a["loss"] for a, b in zip(before, after, strict=True))
    gates = {one["name"]: len(one["gates"]) for one in before}
    assert gates == {"rnn": 1, "gru": 3, "lstm": 4}
    # From the same seed and data, so that the loss of untrained networks is nearly that of guessing.
    assert max(one["loss"] for one in before) - min(one["loss"] for one in before) < 0.2
    assert "training lstm" in compared["cells"].err


def test_how_long_each_was_trained_is_told(shelf: Shelf, compared: dict[str, Result]) -> None:
    found = json.loads(compared["cells"].ok().out)
    assert found["not_comparable"] == []
    assert [(one["updates"], one["tokens"]) for one in found["compared"][:3]] == [(0, 0)] * 3
    assert all(one["updates"] > 0 and one["tokens"] > one["updates"] for one in found["compared"][3:])
    lines = [json.loads(line) for line in (shelf / "char/metrics.jsonl").read_text().splitlines()]
    best = [line for line in lines if line["improved"]][-1]
    words = " ".join(compared["runs"].ok().out.split())
    assert f"best {best['step']:,} {best['tokens']:,}" in words
    assert "losses and scores are not comparable: the networks differ in data" in words


def test_networks_of_other_data_or_tokens_are_not_compared_by_their_losses(compared: dict[str, Result]) -> None:
    assert json.loads(compared["tokens"].ok().out)["not_comparable"] == ["split", "tokens"]


def test_keys_are_compared_as_csv_in_a_pipe(compared: dict[str, Result]) -> None:
    rows = list(csv.DictReader(io.StringIO(compared["keys"].ok().out)))
    assert list(rows[0]) == ["lag", *(f"model.hidden_size={H} layer 0 left" for H in (4, 6))]
    assert [float(rows[0][name]) for name in list(rows[0])[1:]] == [1, 1]
    assert len(rows) > 16  # whatever bptt is
    assert "training" not in compared["keys"].err


def test_runs_are_compared_by_their_paths(compared: dict[str, Result]) -> None:
    text = compared["runs"].ok().out
    assert text.index("before training") < text.index("after training")
    assert text.count("char") >= 4


def test_a_verdict_of_one_of_them_fails(compared: dict[str, Result]) -> None:
    message = compared["failing"].failed(7)
    assert message.startswith("rnn: layer 0 is vanishing")


def test_one_that_diverges_does_not_take_the_others_along(compared: dict[str, Result]) -> None:
    result = compared["diverging"].ok()
    found = [(one["at"], one["name"]) for one in json.loads(result.out)["compared"]]
    assert found == [
        (at, f"training.learning_rate={rate}") for at, rate in (("init", "1e-3"), ("init", "1e30"), ("best", "1e-3"))
    ]
    assert "training.learning_rate=1e30: training diverged" in result.err
    assert "it is seen before training only" in result.err


def test_trained_networks_have_a_score(compared: dict[str, Result]) -> None:
    found = json.loads(compared["cells"].ok().out)["compared"]
    assert [one["score"] is None for one in found] == [True] * 3 + [False] * 3
    assert all(one["score"]["network"] > 0 for one in found[3:])


def test_what_cannot_be_compared(compared: dict[str, Result]) -> None:
    assert "--compare transformer: is no cell (rnn, gru, lstm, peephole, slstm, rmslstm) and no KEY=VALUE" in compared[
        "unknown"
    ].refused(2)
    assert "save what is piped to a file" in compared["from a pipe"].refused(2)
    assert "names something twice" in compared["twice"].refused(2)
    assert "--compare rnn: is no run; beside a run name other runs" in compared["cells of a run"].refused(2)
