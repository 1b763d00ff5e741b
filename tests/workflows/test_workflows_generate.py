"""The stop text: found wherever the pieces happen to be cut."""

from __future__ import annotations

import itertools

import pytest

from rnncli.workflows.generate import until


def cuts(text: str) -> list[list[str]]:
    """Every way to cut `text` into pieces."""
    ways = []
    for marks in itertools.product((False, True), repeat=len(text) - 1):
        edges = [0, *(i for i, mark in enumerate(marks, start=1) if mark), len(text)]
        ways.append([text[a:b] for a, b in itertools.pairwise(edges)])
    return ways


@pytest.mark.parametrize(
    ("text", "stop"), [("abcabd!", "abd"), ("aaaab", "aab"), ("xxstop", "stop"), ("stopxx", "stop"), ("nothing", "q")]
)
def test_everything_before_the_stop_text_and_no_more(text: str, stop: str) -> None:
    expected = text.partition(stop)[0]
    for pieces in cuts(text):
        assert "".join(until(iter(pieces), [stop])) == expected, pieces


def test_only_what_may_begin_the_stop_text_is_held_back() -> None:
    assert list(until(iter("ab<en>c"), ["<end>"])) == ["a", "b", "", "", "", "<en>", "c", ""]


def test_nothing_is_read_after_the_stop_text() -> None:
    pieces = iter(["a", "#", "b"])
    assert "".join(until(pieces, ["#"])) == "a"
    assert next(pieces) == "b"


@pytest.mark.parametrize(
    ("text", "stops", "expected"),
    [("abcabd!", ["abd", "ca"], "ab"), ("aaab", ["ab", "aab"], "a"), ("xyz", ["yz", "y"], "x"), ("no", ["on"], "no")],
)
def test_the_first_of_several_stop_texts_ends_it(text: str, stops: list[str], expected: str) -> None:
    for pieces in cuts(text):
        assert "".join(until(iter(pieces), stops)) == expected, pieces
