"""The documented defaults, and what else the schema promises."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from rnncli.config.loading import data_paths
from rnncli.config.section import keys_of
from rnncli.config.sections import SECTIONS
from rnncli.config.values import parse_duration
from rnncli.errors import ConfigError
from rnncli.kernels.cells import CELLS
from rnncli.tasks.registry import TASKS, config_from_mapping, load_config

COMMON: dict[str, dict[str, Any]] = {
    "data": {"path": None, "format": None, "encoding": None, "validation": None, "test": None},
    "model": {
        "cell": None,
        "activation": "tanh",
        "hidden_size": None,
        "num_layers": None,
        "dropout": None,
        "recurrent_init": "orthogonal",
        "chrono_init": None,
        "recurrent_scale": 1.0,
        "cap_input_gate": False,
        "weight_drop": 0.0,
        "state_dropout": 0.0,
    },
    "training": {
        "epochs": None,
        "updates": None,
        "max_time": None,
        "batch_size": None,
        "optimizer": "adam",
        "beta1": None,
        "beta2": None,
        "weight_decay": None,
        "warmup": 0,
        "on_divergence": "stop",
        "weight_averaging": None,
        "learning_rate": None,
        "schedule": "cosine",
        "clip_norm": 5.0,
        "patience": None,
        "seed": 1,
        "precision": "float32",
        "shards": None,
        "threads": None,
    },
}
VOCABULARY = {"min_count": 1, "vocabulary_size": None}
VECTORS = {**VOCABULARY, "vectors": None, "freeze_vectors": False}
TABLE = {"delimiter": None, "decimal": ".", "skip_rows": 0, "ragged": "refuse", "quoting": None, "header": None}
LABELLED = {
    "missing": "refuse",
    "stratify": True,
    "validation": None,
    "folds": None,
    **VECTORS,
    "group": None,
    "text": None,
    "inputs": None,
    "id": None,
    "time": None,
    "label": None,
    "scaling": None,
    "differences": None,
}
STACK = {"skip_connections": False, "input_dropout": None, "output_dropout": None, "variational_dropout": False}
TOKEN_STACK = {**STACK, "embedding_dropout": 0.0}
STEPS = {**TOKEN_STACK, "embedding_size": None, "bidirectional": None, "character_size": None, "word_dropout": None}
TOKENS = {"tokens": None, "words": "unicode"}
DRAWN = {"validation": None, "folds": None, "group": None, "target": None}
CUT = {"max_length": None, "truncate": "end"}
OWN: dict[str, dict[str, dict[str, Any]]] = {
    "language-model": {
        "data": {**TOKENS, **VECTORS, "items": "stream"},
        "model": {
            **TOKEN_STACK,
            "skip_connections": None,
            "cap_input_gate": None,
            "state_dropout": None,
            "embedding_size": None,
            "tied_embeddings": None,
        },
        "training": {"bptt": None, "bptt_stride": None, "unknown_words": 0.5, "with_ngram": False, "precision": None},
    },
    "forecast": {
        "data": {
            **TABLE,
            "id": None,
            "hierarchy": None,
            "reconcile": None,
            "time": None,
            "target": None,
            "layout": None,
            "channels": None,
            "past_covariates": None,
            "known_covariates": None,
            "future": None,
            "static": None,
            "calendar": False,
            "holidays": None,
            "horizon": None,
            "context": None,
            "padding": None,
            "freq": None,
            "season": None,
            "skip_footer": 0,
            "time_format": None,
            "timezone": None,
            "thousands": None,
            "na_values": None,
            "sort": False,
            "resample": None,
            "aggregate": "mean",
            "missing": "refuse",
            "duplicates": "refuse",
            "transform": "none",
            "non_negative": False,
            "bounded": True,
            "residual": None,
            "scaling": None,
        },
        "model": {**STACK, "decoder": None, "segment": None},
        "training": {
            "bptt": None,
            "loss": "mae",
            "seeds": None,
            "with_baseline": False,
            "average": True,
            "fallback": True,
            "updates_per_epoch": None,
        },
    },
    "classify": {
        "data": {**TABLE, **LABELLED, **TOKENS, **CUT, "label_separator": None, "residual": None},
        "model": {**STEPS, "pooling": None},
        "training": {"class_weights": "none", "jitter": None, "magnitude": None, "seeds": None},
    },
    "regress": {
        "data": {**TABLE, **LABELLED, **TOKENS, **CUT, "residual": None},
        "model": {**STEPS, "pooling": None},
        "training": {"jitter": None, "magnitude": None, "seeds": None},
    },
    "tag": {
        "data": {**TABLE, **LABELLED},
        "model": {**STEPS, "affix_size": None, "head": None},
        "training": {"seeds": None},
    },
    "seq2seq": {
        "data": {**TABLE, **VOCABULARY, **TOKENS, **CUT, **DRAWN, "source": None, "residual": None},
        "model": {"embedding_size": None, "attention": None, "encoder_bidirectional": None, "copy": "none"},
        "training": {"teacher_forcing": 1.0, "seeds": None},
    },
    "caption": {
        "data": {**TABLE, **VOCABULARY, **TOKENS, **DRAWN, "inputs": None},
        "model": {"embedding_size": None},
        "training": {"teacher_forcing": 1.0, "seeds": None},
    },
    "transcribe": {
        "data": {
            **TABLE,
            **TOKENS,
            "text": None,
            "inputs": None,
            "id": None,
            "time": None,
            "transcripts": None,
            "features": {
                "kind": None,
                "bands": 40,
                "window": "25ms",
                "hop": "10ms",
                "rate": None,
                "stack": 1,
                "deltas": False,
                "normalise": "recording",
            },
        },
        "model": {**STACK, "bidirectional": None},
        "training": {"speed": None, "mask_steps": None, "mask_features": None},
    },
}

BEFORE: dict[str, dict[str, Any]] = {
    "data": {"encoding": "utf-8", "validation": 0.1, "tokens": "char", "channels": "joint"},
    "model": {
        "cell": "lstm",
        "hidden_size": 128,
        "num_layers": 2,
        "dropout": 0.0,
        "bidirectional": False,
        "word_dropout": 0.0,
        "decoder": "direct",
        "cap_input_gate": False,
        "skip_connections": False,
        "output_dropout": None,
        "state_dropout": 0.0,
    },
    "training": {"epochs": 20, "batch_size": 32, "learning_rate": 0.002, "seeds": 1, "precision": "float32"},
}
"""The defaults of version 0.1 of keys that are now null."""


@pytest.mark.parametrize("task", TASKS)
def test_a_task_has_its_own_keys_and_no_others(task: str) -> None:
    wanted = {section: COMMON[section] | OWN[task][section] for section in SECTIONS}
    assert config_from_mapping({"task": task}).model_dump() == {"task": task, **wanted}


def test_an_empty_section_takes_its_defaults() -> None:
    config = config_from_mapping({"task": "forecast", "model": None})
    assert config.model == config_from_mapping({"task": "forecast"}).model


@pytest.mark.parametrize("cell", CELLS)
def test_every_cell(cell: str) -> None:
    assert config_from_mapping({"task": "forecast", "model": {"cell": cell}}).model.cell == cell


@pytest.mark.parametrize("task", TASKS)
def test_every_key_is_described_in_one_line(task: str) -> None:
    for section in SECTIONS:
        for name, key in keys_of(TASKS[task].config, section).items():
            assert key.description, name
            assert "\n" not in key.description
            assert key.description.endswith(".")


def test_the_json_schema_can_be_written() -> None:
    sections = TASKS["forecast"].config.model_json_schema()["$defs"]
    assert sections["ForecastModelConfig"]["properties"]["hidden_size"]["anyOf"][0]["maximum"] == 65536
    assert sections["SeriesConfig"]["additionalProperties"] is False


def test_a_config_does_not_change() -> None:
    config = config_from_mapping({"task": "forecast"})
    with pytest.raises(ValidationError, match="frozen"):
        config.model.cell = "gru"


@pytest.mark.parametrize(
    ("text", "seconds"), [("8s", 8), ("10m", 600), ("1h30m", 5400), ("1h1s", 3601), ("90m", 5400), ("08s", 8)]
)
def test_a_duration(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds
    assert config_from_mapping({"task": "forecast", "training": {"max_time": text}}).training.max_time == text


@pytest.mark.parametrize(
    "text",
    ["", "8", "s", "1.5h", "-8s", "30m1h", "8 s", "8S", "0s", "0h0m", "٣s", "8s\n", "9999999999s", "1d"],
)
def test_not_a_duration(text: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        parse_duration(text)


def test_the_package_itself_loads_no_yaml_and_no_pydantic() -> None:
    code = "import sys, rnncli.config; print({'yaml', 'pydantic'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_keys_of_other_tasks_are_named_with_their_tasks(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("task: seq2seq\ndata: {horizon: 3, source: 1}\ntraining: {class_weights: balanced, bptt: 3}\n")
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    assert [problem.removeprefix(f"{file}:") for problem in caught.value.problems] == [
        "2:8: data.horizon: is for forecast, and a seq2seq has no use for it; remove it",
        "3:12: training.class_weights: is for classify, and a seq2seq has no use for it; remove it",
        "3:37: training.bptt: a seq2seq reads whole sequences; remove it, and cut long sources with data.max_length",
    ]


@pytest.mark.parametrize("task", TASKS)
def test_a_config_of_version_0_1_with_the_keys_of_all_tasks_is_read(task: str) -> None:
    every = {section: dict(COMMON[section]) for section in SECTIONS}
    for own in OWN.values():
        for section in SECTIONS:
            every[section] |= own[section]
    for section in SECTIONS:
        every[section] |= BEFORE[section]
    own = {section: keys_of(TASKS[task].config, section) for section in SECTIONS}
    kept = {section: {key: every[section][key] for key in own[section]} for section in SECTIONS}
    assert config_from_mapping({"task": task, **every}) == config_from_mapping({"task": task, **kept})


def test_paths_are_found_by_their_types(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/c.yaml").write_text(
        "task: forecast\ndata: {path: p.csv, validation: v.csv, future: f.csv, time: t.csv, known_covariates: k.csv}\n"
    )
    config = load_config(tmp_path / "sub/c.yaml")
    assert data_paths(config) == {key: str(tmp_path / f"sub/{key[0]}.csv") for key in ("path", "validation", "future")}
    assert (config.data.time, config.data.known_covariates) == ("t.csv", "k.csv")


@pytest.mark.parametrize("key", ["validation", "test"])
@pytest.mark.parametrize("task", TASKS)
def test_only_series_are_parted_by_a_number_of_rows(task: str, key: str) -> None:
    """As a share of the data, 5 would hold out nothing of a text in silence, and more examples than there are."""
    if task == "forecast":
        assert getattr(config_from_mapping({"task": task, "data": {key: 5}}).data, key) == 5
        return
    with pytest.raises(
        ConfigError, match=rf"data\.{key} is 5; must be a fraction from 0 to 0.9, or the path of a file"
    ):
        config_from_mapping({"task": task, "data": {key: 5}})
    for fine in (0, 0.2, "v.txt"):
        assert getattr(config_from_mapping({"task": task, "data": {key: fine}}).data, key) == fine


@pytest.mark.parametrize("task", TASKS)
def test_whatever_is_counted_has_a_largest_number(task: str) -> None:
    def taken(section: str, key: str, value: object) -> bool:
        try:
            config_from_mapping({"task": task, section: {key: value}})
        except ConfigError:
            return False
        return True

    counted = [
        (section, key)
        for section in SECTIONS
        for key in keys_of(TASKS[task].config, section)
        if taken(section, key, 12) and not taken(section, key, 12.5)
    ]
    columns = {(section, key) for section, key in counted if taken(section, key, "a name")}
    assert len(counted) - len(columns) >= 5
    for section, key in {*counted} - columns:
        assert not taken(section, key, 10**19), key
