"""`--set section.key=value`."""

from __future__ import annotations

from typing import Any

import pytest

from rnncli.errors import ConfigError
from rnncli.kernels.cells import CELLS
from rnncli.tasks.registry import config_from_mapping

CELL_NAMES = ", ".join(CELLS)

BASE: dict[str, Any] = {"task": "forecast", "model": {"cell": "rnn"}}

VALUES = {
    "model.cell=gru": ("model", "cell", "gru"),
    " model.cell = gru ": ("model", "cell", "gru"),
    "training.learning_rate=1e-3": ("training", "learning_rate", 0.001),
    "training.clip_norm=null": ("training", "clip_norm", None),
    "training.clip_norm=": ("training", "clip_norm", None),
    "data.time=a=b": ("data", "time", "a=b"),
    "data.target=[a, 'b c', 3]": ("data", "target", ["a", "b c", 3]),
    "data.time='2024'": ("data", "time", "2024"),
    r'data.delimiter="\t"': ("data", "delimiter", "\t"),
    "data.delimiter=;": ("data", "delimiter", ";"),
}


@pytest.mark.parametrize(("override", "expected"), VALUES.items())
def test_a_value_is_set(override: str, expected: tuple[str, str, Any]) -> None:
    section, key, value = expected
    assert getattr(getattr(config_from_mapping(BASE, [override]), section), key) == value


def test_the_task_the_last_word_and_the_rest_of_the_section() -> None:
    config = config_from_mapping(BASE, ["task=language-model", "model.num_layers=3", "model.num_layers=4"])
    assert (config.task, config.model.num_layers, config.model.cell) == ("language-model", 4, "rnn")
    assert BASE == {"task": "forecast", "model": {"cell": "rnn"}}


def test_an_override_mends_what_the_file_has_wrong() -> None:
    assert config_from_mapping({"task": "forecast", "model": {"cell": 3}}, ["model.cell=gru"]).model.cell == "gru"


FORM = "not of the form section.key=value; write, for example, --set model.hidden_size=256"
MISTAKES = {
    "model.hidden_sise=3": 'unknown key "hidden_sise"; did you mean "hidden_size"?',
    "hidden_size=3": 'unknown key "hidden_size"; hidden_size belongs under model:',
    "modle.cell=gru": 'unknown key "modle"; did you mean "model"?',
    "model.cell=grv": f'model.cell is "grv"; expected one of {CELL_NAMES}; did you mean "gru"?',
    "training.epochs=2.0": "training.epochs is 2.0; must be a whole number",
    "model=3": "model is 3; must be a section, with its keys indented below it",
    "model.cell": FORM,
    "=3": FORM,
    "model.=3": FORM,
    "model.cell.x=3": FORM,
    "": FORM,
    "data.target=[a": "the quotes or brackets do not match; write a list as [a, b], a section as {a: 1}",
    "data.features={bands: 3": "the quotes or brackets do not match; write a list as [a, b], a section as {a: 1}",
    "training.seed=007": (
        '007 has a leading zero, which YAML 1.1 would read as octal 7; write 7, or "007" in quotes if it is text'
    ),
}


@pytest.mark.parametrize(("override", "message"), MISTAKES.items())
def test_a_mistake_is_reported_by_the_option(override: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config_from_mapping(BASE, [override])
    assert caught.value.exit_code == 2
    assert str(caught.value) == f"--set {override}: {message}"


def test_mistakes_in_options_follow_those_in_the_file() -> None:
    with pytest.raises(ConfigError) as caught:
        config_from_mapping({"task": "forecst"}, ["x", "model.cell=1", "data.time=\x1b\udcff"])
    assert [problem.split(":")[0] for problem in caught.value.problems] == [
        "config",
        "--set x",
        r"--set data.time=\x1b\udcff",
        "--set model.cell=1",
    ]
