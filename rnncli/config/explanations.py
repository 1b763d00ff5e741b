"""Explanations of wrong values in our own words; pydantic's messages never reach the user."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError

from rnncli.config.problems import REFUSED, Path
from rnncli.config.section import keys_of, sections_in
from rnncli.config.sections import SECTIONS, Config
from rnncli.config.suggestions import closest, did_you_mean
from rnncli.config.values import REFUSAL, choices
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

FALLBACK = "cannot be used here"  # a test sees that no value can bring it up
LONGEST_NUMBER = 30


class Explanation(NamedTuple):
    """The mistake in the value at `path`, or in its key if `at_key`."""

    path: Path
    message: str
    at_key: bool = False


def explanations(error: ValidationError, schema: type[Config]) -> Iterator[Explanation]:
    """Yield one explanation for each mistake that was not already reported while the YAML was read."""
    for details in error.errors(include_url=False):
        kind, path, value = details["type"], details["loc"], details["input"]
        if value is REFUSED:
            continue
        if kind == "extra_forbidden":
            yield Explanation(path, _unknown_key(path, schema), at_key=True)
        else:
            rule = _rule(kind, value, details.get("ctx", {}))
            yield Explanation(path, f"{dotted(path)} is {described(value)}; {rule}")


def of_task(tree: Mapping[str, Any], names: Iterable[str]) -> Explanation:
    """Return the explanation for a task that is missing or not one of `names`."""
    if "task" not in tree:
        return Explanation(("task",), f"task is missing; add task: {' or task: '.join(names)}", at_key=True)
    return Explanation(("task",), f"task is {described(tree['task'])}; {choices(tree['task'], names)}")


def of_foreign_key(path: Path, schema: type[Config], task: str, owners: Sequence[str]) -> Explanation:
    """Return the explanation for a key that only other tasks have."""
    why = f"is for {', '.join(owners)}, and a {task} has no use for it; remove it"
    return Explanation(path, f"{dotted(path)}: {schema.refused.get(dotted(path), why)}", at_key=True)


def _rule(kind: str, value: Any, context: Mapping[str, Any]) -> str:
    if kind == "literal_error":  # pydantic writes: 'rnn', 'gru' or 'lstm'
        return choices(value, re.findall(r"'([^']*)'", context["expected"]))
    bounds = {name: _plain(bound) for name, bound in context.items()}
    return RULES.get(kind, FALLBACK).format(**bounds)


def _plain(bound: Any) -> Any:
    return int(bound) if isinstance(bound, float) and bound.is_integer() and abs(bound) < 1e15 else bound


def dotted(path: Path) -> str:
    return ".".join(str(key) for key in path)


def described(value: Any) -> str:
    """Return `value` as a YAML file would show it, cut to fit a message."""
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


def _unknown_key(path: Path, schema: type[Config]) -> str:
    """Return a message naming the key that was probably meant: in this section, or where it really belongs."""
    key, section = str(path[-1]), dotted(path[:-1])
    inner = [name for outer in SECTIONS for name in sections_in(schema, outer)]
    homes = {key: name for name in (*inner, "", "tune", *SECTIONS) for key in keys_of(schema, name)}
    problem, known = f"unknown key {shown(key)}", keys_of(schema, section)
    if key in homes:
        return f"{problem}; {key} belongs {_home(homes[key])}"
    if suggestion := did_you_mean(key, known):
        return problem + suggestion
    if near := closest(key, homes):
        return f'{problem}; did you mean "{near}" {_home(homes[near])}?'
    return f"{problem}; the keys {_home(section)} are {', '.join(known)}; see rnncli help config"


def _home(section: str) -> str:
    return f"under {section}:" if section else "at the top level"
