"""Keyword arguments are the options of the commands: their names, ranges, choices, defaults and refusals."""

from __future__ import annotations

from importlib import import_module

import click
import numpy as np
import pytest

from rnncli.api.options import TAKEN, parsed
from rnncli.errors import UsageError


@pytest.mark.parametrize("command", TAKEN)
def test_each_is_an_option_of_the_command(command: str) -> None:
    options = [one for one in import_module(f"rnncli.cli.{command}").command.params if isinstance(one, click.Option)]
    assert {name.replace("_", "-") for name in TAKEN[command]} <= {one.opts[-1].removeprefix("--") for one in options}


def test_values_are_those_of_a_command_line() -> None:
    asked = parsed("predict", {"horizon": np.int64(3), "levels": [80, 95.5], "sum": True, "unknown": {"é": "e"}})
    assert (asked["horizon"], asked["levels"], asked["sum"], asked["unknown"]) == (
        3,
        (80.0, 95.5),
        True,
        (("é", "e"),),
    )
    written = parsed(
        "generate", {"temperature": np.float32(0.5), "stop": ["-x", "b"], "bad_words": "--c", "seed": None}
    )
    assert (written["temperature"], written["stops"], written["bad_words"]) == (0.5, ("-x", "b"), ("--c",))
    assert (written["seed"], written["top_p"], written["novel"]) == (1, 1.0, False)


@pytest.mark.parametrize(
    ("command", "options", "words"),
    [
        ("predict", {"horizon": 0}, "'--horizon': 0 is not in the range"),
        ("predict", {"missing": "fil"}, "see rnncli predict --help|did you mean"),
        ("generate", {"temperature": float("nan")}, "use --top-k 1"),
        ("evaluate", {"levels": [2]}, "are no levels from 0.005 to 0.995"),
    ],
)
def test_what_the_command_refuses_is_refused(command: str, options: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parsed(command, options)


def test_an_unknown_name_is_one_of_no_argument() -> None:
    with pytest.raises(TypeError, match=r"predict\(\) got an unexpected keyword argument 'format'"):
        parsed("predict", {"format": "json"})
