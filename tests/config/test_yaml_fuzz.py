"""Whatever stands in a file, the answer is a config or a ConfigError."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from rnncli.config.explanations import FALLBACK
from rnncli.config.section import keys_of
from rnncli.config.sections import SECTIONS
from rnncli.config.yaml_document import parse
from rnncli.errors import ConfigError
from rnncli.tasks.registry import TASKS, config_from_mapping, load_config

SYNTAX = st.text(alphabet="ab:-?[]{},&*!|>'\"%@`#~ \n\t01.e\\\r\x85\u2028\ufeff\ud800\0<=", max_size=60)
WORDS = st.sampled_from(["task", "data", "model", "path", "cell", "0", "1e9", ".nan", "''"])
MARKS = st.sampled_from([": ", "\n", "\n  ", "- ", "? ", "[", "]", "{", "}", "&a ", "*a", "---\n", "...\n"])
TAGS = st.sampled_from(["!!python/name:os ", "!<x> ", "%TAG ! x\n"])
PLAIN_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KEYS = {key for task in TASKS.values() for section in SECTIONS for key in keys_of(task.config, section)}
SCHEMA_KEYS = st.sampled_from([*sorted(KEYS), "\ud800", "x"])


def problems_of(read: Callable[[], object]) -> tuple[str, ...]:
    """What `read` complains about; any other exception than ConfigError passes, and fails the test."""
    try:
        read()
    except ConfigError as error:
        return error.problems
    return ()


@given(st.text() | SYNTAX | st.lists(WORDS | MARKS | TAGS, max_size=30).map("".join))
@example("%YAML " + "9" * 5000 + ".1\n---\na: 1")
@example('a: "\\UFFFFFFFF"')
@settings(max_examples=400, deadline=None, database=None)
def test_any_text(text: str) -> None:
    for problem in problems_of(lambda: parse(text, "c.yaml")):
        assert problem.startswith("c.yaml:")
        assert problem.isprintable()


@given(content=st.binary(max_size=200))
@settings(
    max_examples=100,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_bytes(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_bytes(content)
    with pytest.raises(ConfigError):
        load_config(file)  # random bytes never spell a task


@given(
    task=PLAIN_VALUES | st.just("forecast"),
    sections=st.dictionaries(
        st.sampled_from(["data", "model", "training", "x", "\ud800"]),
        PLAIN_VALUES | st.dictionaries(SCHEMA_KEYS, PLAIN_VALUES, max_size=5),
    ),
    overrides=st.lists(st.text(max_size=20) | st.builds("model.{}={}".format, SCHEMA_KEYS, st.text(max_size=8))),
)
@settings(max_examples=300, deadline=None, database=None)
def test_any_mapping_and_overrides(task: object, sections: dict[str, object], overrides: list[str]) -> None:
    for problem in problems_of(lambda: config_from_mapping({"task": task, **sections}, overrides)):
        assert problem.isprintable()
        assert not problem.endswith(FALLBACK), "an error type of pydantic that explanations.RULES does not word"
