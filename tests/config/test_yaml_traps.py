"""Each way in which YAML surprises people, or is used against them, gets a plain answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from rnncli.config.yaml_document import MAX_BYTES, parse
from rnncli.errors import ConfigError
from rnncli.tasks.registry import load_config

NINE_LEVELS = "a: &a [x]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + previous] * 9)}]\n"
    for previous, name in zip("abcdefgh", "bcdefghi", strict=True)
)

REFUSED = {
    "tab indent": ("model:\n\tcell: gru\n", "c.yaml:2:1: a tab cannot indent YAML; use spaces"),
    "two colons": (
        "task: a: b\n",
        "c.yaml:1:8: not valid YAML: mapping values are not allowed here; "
        "check the indentation, colons, brackets and quotes here",
    ),
    "open quote": (
        "task: 'a\n",
        "c.yaml:2:1: not valid YAML: found unexpected end of stream; "
        "check the indentation, colons, brackets and quotes here",
    ),
    "python tag": (
        "task: !!python/object/apply:os.system [exit]\n",
        'c.yaml:1:7: tag "!!python/object/apply:os.system" is not allowed; write the plain value',
    ),
    "own tag": ("task: !x forecast\n", 'c.yaml:1:7: tag "!x" is not allowed; write the plain value'),
    "anchor": (
        "task: &t forecast\n",
        "c.yaml:1:7: anchors are not allowed; write each value out where it is used",
    ),
    "tagged root": ("!!map {a: 1}\n", 'c.yaml:1:1: tag "!!map" is not allowed; write the plain value'),
    "alias": ("task: *t\n", "c.yaml:1:7: aliases are not allowed; write the value out"),
    "merge": (
        "task: forecast\nmodel:\n  <<: *m\n",
        "c.yaml:3:7: aliases are not allowed; write the value out",
    ),
    "nesting": ("a: " + "[" * 2000, "c.yaml:1:24: nested more than 20 levels deep"),
    "duplicate key": (
        "training:\n  seed: 1\n  seed: 2\n",
        'c.yaml:3:3: key "seed" is already set on line 2; delete one of them',
    ),
    "leading zero": (
        "n: 0100\n",
        "c.yaml:1:4: 0100 has a leading zero, which YAML 1.1 would read as octal 64; "
        'write 100, or "0100" in quotes if it is text',
    ),
    "leading zero, not octal": (
        "n: -089\n",
        'c.yaml:1:4: -089 has a leading zero; write -89, or "-089" in quotes if it is text',
    ),
    "long integer": (
        "n: " + "9" * 5000,
        "c.yaml:1:4: a number of 5,000 digits is too long; at most 100 are accepted",
    ),
    "empty file": ("", "c.yaml:1:1: the file is empty; it needs at least a task: line"),
    "only a comment": ("# later\n", "c.yaml:2:1: the file is empty; it needs at least a task: line"),
    "list at root": (
        "- task\n",
        "c.yaml:1:1: the file holds a list; a config is made of keys, such as task: forecast",
    ),
    "scalar at root": (
        "forecast\n",
        "c.yaml:1:1: the file holds a single value; a config is made of keys, such as task: forecast",
    ),
    "two documents": (
        "task: forecast\n---\ntask: forecast\n",
        "c.yaml:2:1: a second document starts here; a config is one document",
    ),
    "null key": (
        "null: 1\n",
        "c.yaml:1:1: a key cannot be empty or null; put it in quotes if it is meant as a word",
    ),
    "no key": (": 1\n", "c.yaml:1:1: there is no key before this colon; write one"),
    "number as key": (
        "1: 1\n",
        'c.yaml:1:1: key "1" is not a word; put it in quotes if it is meant as one',
    ),
    "list as key": ("? [a]\n: 1\n", "c.yaml:1:3: a list or a section cannot be a key; write a word"),
    "control character": ("a: \x1b[2J\n", 'c.yaml:1:4: character "\\x1b" is not allowed in YAML; delete it'),
    "half a character": (
        'a: "\\ud800"\n',
        'c.yaml:1:4: "\\ud800" is not valid Unicode text; write the character itself',
    ),
    "escape out of range": (
        'a: "\\UFFFFFFFF"\n',
        "c.yaml:1:1: not valid YAML: a number or escape near here is out of range",
    ),
    "too large": ("#" * (MAX_BYTES + 1), "c.yaml: larger than 1,000,000 bytes; is this a config file?"),
}


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=REFUSED)
def test_a_trap_is_refused_at_its_place(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, "c.yaml")
    assert caught.value.exit_code == 2
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "text",
    [
        NINE_LEVELS,
        "a: [" + "*x, " * 200_000 + "]",
        "a: " + "[" * 2000,
        "a: " + "{a: " * 2000,
        "a: " + "[" * 900_000,
        "- " * 2000,
        "? " * 2000,
    ],
    ids=["alias bomb", "many aliases", "[", "{", "[ to the limit", "-", "?"],
)
def test_a_bomb_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):  # what unfolded it would take all the memory there is
        parse(text, "c.yaml")


def test_a_long_list_of_mistakes_is_cut() -> None:
    with pytest.raises(ConfigError) as caught:
        parse("a: 1\n" * 1000, "c.yaml")
    assert len(caught.value.problems) == 51
    assert caught.value.problems[-1] == "c.yaml:52:1: more problems from here on; mend those above first"


def test_two_refused_keys_are_not_taken_for_the_same_key() -> None:
    with pytest.raises(ConfigError) as caught:
        parse("1: a\nnull: b\n", "c.yaml")
    assert [line.split(" key ")[0] for line in caught.value.problems] == ["c.yaml:1:1:", "c.yaml:2:1: a"]


def test_a_refused_value_is_reported_once_and_beside_other_mistakes(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("task: forecast\nmodel:\n  hidden_size: 0100\n  cell: !!str gru\n  layers: 2\n")
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    assert [line.removeprefix(f"{file}:").split(" ")[0] for line in caught.value.problems] == [
        "3:16:",
        "4:9:",
        "5:3:",
    ]


def test_a_refused_root_is_the_only_problem(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("--- &root\ntask: forecast\n")
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    assert len(caught.value.problems) == 1


def test_positions_of_values_keys_and_what_is_not_written() -> None:
    document = parse("task: x\nmodel:\n  cell:\n  sizes: [1, 22,\n    3]\n", "c.yaml")
    assert document.value == {"task": "x", "model": {"cell": None, "sizes": [1, 22, 3]}}
    assert document.position(("task",)) == (1, 7)
    assert document.key_position(("model", "cell")) == (3, 3)
    assert document.position(("model", "cell")) == (3, 3)
    assert document.position(("model", "sizes", 2)) == (5, 5)
    assert document.position(("model", "absent")) == (3, 3)
    assert document.position(("absent",)) == (1, 1)
