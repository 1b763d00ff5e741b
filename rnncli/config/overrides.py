"""`--set section.key=value`: read like the same words in the file, and reported by the option's own text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rnncli.config.problems import Path, Place, Problem
from rnncli.config.yaml_document import parse, parse_scalar, valid_text
from rnncli.errors import ConfigError, shown


def apply_overrides(tree: dict[str, Any], overrides: Sequence[str], problems: list[Problem]) -> dict[Path, Place]:
    """Sets each override's value in `tree`, in order, and returns the place to blame for each path set.

    An override that cannot be read is appended to `problems`. Whether its key exists is the schema's concern.
    """
    places: dict[Path, Place] = {}
    for override in overrides:
        place = Place(f"--set {shown(override)[1:-1]}")
        try:
            path, value = _read(override)
        except ValueError as error:
            problems.append(Problem(place, str(error)))
            continue
        if path[0] not in tree:
            places[path[:1]] = place  # a section that only the override names is its own to answer for
        places[path] = place
        _put(tree, path, value)
    return places


def _read(override: str) -> tuple[tuple[str, ...], Any]:
    """The path and value in `section.key=value`; raises ValueError."""
    key, equals, text = override.partition("=")
    path = tuple(part.strip() for part in key.split("."))
    if not equals or len(path) > 2 or not all(path):
        raise ValueError("not of the form section.key=value; write, for example, --set model.hidden_size=256")
    valid_text(override)
    return path, _value(text.strip())


def _value(text: str) -> Any:
    """A word, a quoted text or a list in brackets, as YAML has them; raises ValueError."""
    if text[:1] not in ("[", '"', "'"):
        return parse_scalar(text)
    try:
        return parse(f"value: {text}", "--set").value["value"]
    except ConfigError:
        raise ValueError("the quotes or brackets do not match; write a list as [a, b]") from None


def _put(tree: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    """Sets the value at `path`, one or two keys long, making its section when there is none."""
    *sections, key = path
    section: Any = tree
    for name in sections:
        if section.get(name) is None:
            section[name] = {}
        section = section[name]
    if isinstance(section, dict):  # otherwise the schema reports that the file has no section there
        section[key] = value
