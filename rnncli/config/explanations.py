"""What is wrong with a value, in our words: pydantic's never reach the user."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from rnncli.config.problems import REFUSED, Path
from rnncli.config.schema import SECTIONS, TASKS, Config
from rnncli.config.suggestions import closest, did_you_mean
from rnncli.config.values import REFUSAL
from rnncli.errors import shown

RULES = {
    REFUSAL: "{rule}",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "string_type": "must be text; put it in quotes if it is meant as text",
    "string_unicode": "must be valid Unicode text",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "finite_number": "must be a finite number",
    "model_type": "must be a section, with its keys indented below it",
}
"""What a value must be, for each error type of pydantic that the schema can cause."""

KEYS = {"": list(Config.model_fields), **{name: list(model.model_fields) for name, model in SECTIONS.items()}}
"""The keys of each section; the empty name is the top level."""

HOMES = {key: section for section, keys in KEYS.items() for key in keys}
"""The section each key belongs to."""

FALLBACK = "cannot be used here"  # a test sees that no value can bring it up
LONGEST_NUMBER = 30


class Explanation(NamedTuple):
    """What is wrong with the value, or else the key, at `path`."""

    path: Path
    message: str
    at_key: bool = False


def explanations(error: ValidationError) -> Iterator[Explanation]:
    """One explanation for each mistake that was not already reported while reading the YAML."""
    for details in error.errors(include_url=False):
        if details["input"] is not REFUSED:
            yield _explanation(details["type"], details["loc"], details["input"], details.get("ctx", {}))


def _explanation(kind: str, path: Path, value: Any, context: Mapping[str, Any]) -> Explanation:
    if kind == "extra_forbidden":
        return Explanation(path, _unknown_key(path), at_key=True)
    if kind == "missing":
        return Explanation(path, f"{_dotted(path)} is missing; add task: {' or task: '.join(TASKS)}", at_key=True)
    return Explanation(path, f"{_dotted(path)} is {described(value)}; {_rule(kind, value, context)}")


def _rule(kind: str, value: Any, context: Mapping[str, Any]) -> str:
    if kind == "literal_error":
        return _choices(value, context["expected"])
    bounds = {name: _plain(bound) for name, bound in context.items()}
    return RULES.get(kind, FALLBACK).format(**bounds)


def _choices(value: Any, expected: str) -> str:
    choices = re.findall(r"'([^']*)'", expected)  # pydantic writes: 'rnn', 'gru' or 'lstm'
    listed = ", ".join(choice if choice.isidentifier() or "-" in choice else f'"{choice}"' for choice in choices)
    suggestion = did_you_mean(value, choices) if isinstance(value, str) else ""
    return f"expected one of {listed}{suggestion}"


def _plain(bound: Any) -> Any:
    return int(bound) if isinstance(bound, float) and bound.is_integer() else bound


def _dotted(path: Path) -> str:
    return ".".join(str(part) for part in path)


def described(value: Any) -> str:
    """`value` as a YAML file would have it, cut to fit a message."""
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, (list, dict)):
        return "a list" if isinstance(value, list) else "a section"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    text = f"{value}"
    return text if len(text) <= LONGEST_NUMBER else text[:LONGEST_NUMBER] + "..."


def _unknown_key(path: Path) -> str:
    """Points to the key that was probably meant: in this section, or where it really belongs."""
    key, section = str(path[-1]), _dotted(path[:-1])
    problem = f"unknown key {shown(key)}"
    known = KEYS[section]
    if key in HOMES:
        return f"{problem}; {key} belongs {_home(key)}"
    if suggestion := did_you_mean(key, known):
        return problem + suggestion
    if near := closest(key, HOMES):
        return f'{problem}; did you mean "{near}" {_home(near)}?'
    return f"{problem}; the keys {f'under {section}:' if section else 'at the top level'} are {', '.join(known)}"


def _home(key: str) -> str:
    return f"under {HOMES[key]}:" if HOMES[key] else "at the top level"
