"""The documented defaults, and what else the schema promises."""

from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import ValidationError

from rnncli.config.durations import parse_duration
from rnncli.config.loading import config_from_mapping
from rnncli.config.schema import CELLS, MEANT_FOR, SECTIONS, TASKS, Config, unused

DEFAULTS = {
    "data": {
        "path": None,
        "format": None,
        "encoding": "utf-8",
        "delimiter": None,
        "decimal": ".",
        "skip_rows": 0,
        "ragged": "refuse",
        "validation": 0.1,
        "test": None,
        "tokens": "char",
        "text": None,
        "inputs": None,
        "id": None,
        "label": None,
        "source": None,
        "time": None,
        "target": None,
        "layout": None,
        "channels": "joint",
        "past_covariates": None,
        "known_covariates": None,
        "future": None,
        "static": None,
        "calendar": False,
        "horizon": None,
        "context": None,
        "freq": None,
        "season": None,
        "missing": "refuse",
        "duplicates": "refuse",
        "transform": "none",
        "residual": None,
        "scaling": None,
    },
    "model": {
        "cell": "lstm",
        "activation": "tanh",
        "hidden_size": 128,
        "num_layers": 2,
        "embedding_size": None,
        "bidirectional": False,
        "pooling": None,
        "attention": None,
        "encoder_bidirectional": None,
        "character_size": None,
        "dropout": 0.0,
        "word_dropout": 0.0,
        "decoder": "direct",
        "segment": None,
        "recurrent_init": "orthogonal",
        "chrono_init": None,
        "recurrent_scale": 1.0,
    },
    "training": {
        "epochs": 20,
        "max_time": None,
        "batch_size": 32,
        "bptt": None,
        "bptt_stride": None,
        "optimizer": "adam",
        "learning_rate": 0.002,
        "schedule": "cosine",
        "loss": "mae",
        "seeds": 1,
        "with_baseline": False,
        "fallback": True,
        "updates_per_epoch": None,
        "class_weights": "none",
        "teacher_forcing": 1.0,
        "clip_norm": 5.0,
        "patience": None,
        "seed": 1,
        "threads": None,
    },
}


@pytest.mark.parametrize("task", TASKS)
def test_every_default(task: str) -> None:
    assert config_from_mapping({"task": task}).model_dump() == {"task": task, **DEFAULTS}


def test_an_empty_section_takes_its_defaults() -> None:
    assert config_from_mapping({"task": "forecast", "model": None}).model_dump()["model"] == DEFAULTS["model"]


@pytest.mark.parametrize("cell", CELLS)
def test_every_cell(cell: str) -> None:
    assert config_from_mapping({"task": "forecast", "model": {"cell": cell}}).model.cell == cell


@pytest.mark.parametrize("model", [Config, *SECTIONS.values()])
def test_every_key_is_described_in_one_line(model: type[Config]) -> None:
    for name, key in model.model_fields.items():
        assert key.description, name
        assert "\n" not in key.description
        assert key.description.endswith(".")


def test_the_json_schema_can_be_written() -> None:
    sections = Config.model_json_schema()["$defs"]
    assert sections["ModelConfig"]["properties"]["hidden_size"]["maximum"] == 65536
    assert sections["DataConfig"]["additionalProperties"] is False


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


def test_keys_of_other_tasks_are_named_with_their_tasks() -> None:
    config = config_from_mapping(
        {"task": "seq2seq", "data": {"horizon": 3, "source": 1}, "training": {"class_weights": "balanced"}}
    )
    assert dict(unused(config)) == {"data.horizon": ("forecast",), "training.class_weights": ("classify",)}
    assert all(set(tasks) < set(TASKS) for tasks in MEANT_FOR.values())
    assert all(key in SECTIONS[section].model_fields for section, key in (path.split(".") for path in MEANT_FOR))
