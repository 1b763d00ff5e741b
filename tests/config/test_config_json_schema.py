"""The JSON Schema of configs takes what the program takes, and refuses what an editor should mark."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from rnncli.config.yaml_document import parse
from rnncli.errors import ConfigError
from rnncli.kernels.cells import CELLS
from rnncli.tasks.registry import TASKS, config_from_mapping, json_schema

SAMPLES = sorted((Path(__file__).parents[2] / "sample_configs").glob("*.yaml"))
SCHEMA = json.loads(json.dumps(json_schema()))
NAMES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
ABOUT = {"$schema", "$defs", "title", "description", "default"}  # what says nothing of a value


def complaints(value: Any, schema: Mapping[str, Any]) -> Iterator[str]:
    """What of `value` the schema refuses; KeyError for a keyword that this small validator does not know."""
    for keyword, argument in schema.items():
        if keyword in ABOUT:
            continue
        if not CHECKS[keyword](value, argument, schema):
            yield f"{keyword}: {value!r}"


def fits(value: Any, schema: Mapping[str, Any]) -> bool:
    return not list(complaints(value, schema))


def has_type(value: Any, name: str) -> bool:
    if name in ("integer", "number"):
        return isinstance(value, (int,) if name == "integer" else (int, float)) and not isinstance(value, bool)
    return isinstance(value, NAMES[name])


def is_number(value: Any) -> bool:
    return has_type(value, "number")


def keys_fit(value: Any, keys: Mapping[str, Any]) -> bool:
    return not isinstance(value, dict) or all(fits(value[key], keys[key]) for key in value.keys() & keys.keys())


CHECKS: dict[str, Callable[[Any, Any, Mapping[str, Any]], bool]] = {
    "$ref": lambda value, name, _: fits(value, SCHEMA["$defs"][name.removeprefix("#/$defs/")]),
    "type": lambda value, name, _: has_type(value, name),
    "enum": lambda value, values, _: value in values,
    "const": lambda value, one, _: value == one,
    "anyOf": lambda value, schemas, _: any(fits(value, schema) for schema in schemas),
    "oneOf": lambda value, schemas, _: sum(fits(value, schema) for schema in schemas) == 1,
    "properties": lambda value, keys, _: keys_fit(value, keys),
    "required": lambda value, keys, _: not isinstance(value, dict) or set(keys) <= value.keys(),
    "additionalProperties": lambda value, allowed, schema: (
        allowed or not isinstance(value, dict) or value.keys() <= schema["properties"].keys()
    ),
    "items": lambda value, schema, _: not isinstance(value, list) or all(fits(one, schema) for one in value),
    "minItems": lambda value, count, _: not isinstance(value, list) or len(value) >= count,
    "maxItems": lambda value, count, _: not isinstance(value, list) or len(value) <= count,
    "minimum": lambda value, bound, _: not is_number(value) or value >= bound,
    "maximum": lambda value, bound, _: not is_number(value) or value <= bound,
    "exclusiveMinimum": lambda value, bound, _: not is_number(value) or value > bound,
    "exclusiveMaximum": lambda value, bound, _: not is_number(value) or value < bound,
    "minLength": lambda value, count, _: not isinstance(value, str) or len(value) >= count,
    "maxLength": lambda value, count, _: not isinstance(value, str) or len(value) <= count,
    "pattern": lambda value, pattern, _: not isinstance(value, str) or re.search(pattern, value) is not None,
}


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_every_sample_config_fits(path: Path) -> None:
    assert fits(parse(path.read_text(encoding="utf-8"), path.name).value, SCHEMA)


@pytest.mark.parametrize("task", TASKS)
def test_what_a_run_writes_fits(task: str) -> None:
    """All keys at once, with their defaults."""
    assert fits(config_from_mapping({"task": task}).model_dump(), SCHEMA)


def test_an_empty_section_fits() -> None:
    assert fits({"task": "forecast", "data": None, "model": {}}, SCHEMA)


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"task": "forcast"},
        {"task": "forecast", "modle": {}},
        {"task": "forecast", "model": {"hidden_sise": 8}},
        {"task": "forecast", "model": {"hidden_size": "8"}},
        {"task": "forecast", "model": {"hidden_size": 0}},
        {"task": "forecast", "model": {"cell": "gruu"}},
        {"task": "forecast", "training": {"loss": "mea"}},
        {"task": "forecast", "training": {"learning_rate": 0}},
        {"task": "forecast", "data": {"tokens": "word"}},
        {"task": "forecast", "data": {"delimiter": ";;"}},
        {"task": "tag", "data": {"horizon": 3}},
    ],
    ids=str,
)
def test_what_an_editor_marks_is_what_the_program_refuses(config: dict[str, Any]) -> None:
    assert not fits(config, SCHEMA)
    with pytest.raises(ConfigError):
        config_from_mapping(config)


def test_every_cell_is_offered() -> None:
    offered = SCHEMA["$defs"]["ForecastModelConfig"]["properties"]["cell"]["anyOf"][0]["enum"]
    assert offered == list(CELLS)


def test_every_key_is_described() -> None:
    for section in SCHEMA["$defs"].values():
        for name, key in section["properties"].items():
            assert key["description"].endswith("."), name
            assert "before" not in key
