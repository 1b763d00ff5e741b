"""Sentences of errors and notes: what is said of one thing is not said of several."""

from __future__ import annotations

import pytest

from rnncli.errors import agreeing


@pytest.mark.parametrize(
    ("many", "one"),
    [
        ("1 of 9 rows are left out", "1 of 9 rows is left out"),
        ("left out 1 rows without 4 fields", "left out 1 row without 4 fields"),
        (
            "1 of 9 tokens of a (11.1%) are not in the vocabulary, and are scored as <unk>",
            "1 of 9 tokens of a (11.1%) is not in the vocabulary, and is scored as <unk>",
        ),
        ("1 of 2 files were read; 3 rows are empty", "1 of 2 files was read; 3 rows are empty"),
    ],
)
def test_one_thing_is_told_of_as_one(many: str, one: str) -> None:
    assert agreeing(many) == one


@pytest.mark.parametrize(
    "many", ["21 of 30 tokens are not in it, and are read", "0.1 of all have none", "1,001 rows are"]
)
def test_several_are_told_of_as_several(many: str) -> None:
    assert agreeing(many) == many
