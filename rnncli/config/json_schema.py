"""The JSON Schema of configs, by which editors complete and check them while they are written.

It has the types, ranges and names that keys accept; what depends on two keys at once, or on the data, only
`rnncli check` knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic.json_schema import models_json_schema

from rnncli.config.chosen import BEFORE
from rnncli.config.sections import SECTIONS, Config

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(schemas: Mapping[str, type[Config]]) -> dict[str, Any]:
    """Return the JSON Schema of a config for any of these tasks; its `task` says which keys it may have."""
    references, found = models_json_schema([(schema, "validation") for schema in schemas.values()])
    definitions = found["$defs"]
    names = {task: references[schema, "validation"]["$ref"].rpartition("/")[2] for task, schema in schemas.items()}
    whole = {task: _of_task(task, definitions[name]) for task, name in names.items()}
    sections = {
        name: _without_extras(one, definitions) for name, one in definitions.items() if name not in names.values()
    }
    return {
        "$schema": DIALECT,
        "title": "A config of rnncli",
        "type": "object",
        "properties": {"task": {"enum": list(schemas)}},
        "required": ["task"],
        "oneOf": list(whole.values()),
        "$defs": sections,
    }


def _of_task(task: str, definition: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a whole config for `task`; a section may be empty."""
    properties = dict(definition["properties"])
    properties["task"] = {"const": task, "description": definition["description"]}
    for name in (*SECTIONS, "tune"):
        properties[name] = {"anyOf": [{"$ref": properties[name]["$ref"]}, {"type": "null"}]}
    return {**definition, "title": task, "properties": properties}


def _without_extras(section: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a section without what its keys hold for this program alone; one within it may be empty."""
    keys = {
        key: {name: value for name, value in of.items() if name != BEFORE} for key, of in section["properties"].items()
    }
    for key, of in keys.items():
        if "$ref" in of:
            described = definitions[of["$ref"].rpartition("/")[2]]["description"]
            keys[key] = {"anyOf": [{"$ref": of["$ref"]}, {"type": "null"}], "description": described}
    return {**section, "properties": keys}
