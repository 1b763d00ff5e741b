"""What a header says has the type that it must have, or is refused with its place."""

from __future__ import annotations

import functools
import tracemalloc
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pytest

from rnncli.data.typed import array, typed


@dataclass(frozen=True)
class Part:
    name: str
    sizes: tuple[int, ...] = ()
    form: Literal["wide", "long"] = "wide"
    share: float | None = None


@dataclass(frozen=True)
class Whole:
    parts: list[Part]
    weights: np.ndarray
    more: dict[str, int] = field(default_factory=dict)


def test_lists_become_tuples_and_nothing_else_is_converted() -> None:
    assert typed(Part, {"name": "a", "sizes": [1, 2], "share": 1}) == Part("a", (1, 2), share=1.0)
    assert typed(tuple[str, ...], ["a"]) == ("a",)
    for kind, value in ((int, True), (int, 3.0), (int, "3"), (float, "3"), (bool, 1), (str, 1), (list[int], {})):
        with pytest.raises(ValueError, match="should be a valid"):
            typed(kind, value)


def test_a_dataclass_takes_what_is_not_in_the_file() -> None:
    made = typed(Whole, {"parts": [{"name": "a"}], "weights": "ignored"}, weights=np.ones(2))
    assert (made.parts, made.weights.tolist(), made.more) == ([Part("a")], [1, 1], {})


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ({}, '"part.name": field required'),
        ({"name": "a", "sizes": [1, "x"]}, '"part.sizes.1": input should be a valid integer'),
        ({"name": "a", "form": "round"}, "part.form"),
        ({"name": "a", "\x1b": 1}, 'part has "\\x1b", which nothing is known of'),
        ([], "an object"),
        (None, "an object"),
    ],
)
def test_a_mistake_is_told_with_its_place(header: Any, says: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        typed(Part, header, "part")
    assert says in str(caught.value)
    assert "\x1b" not in str(caught.value)


def test_arrays_have_their_shape_and_numbers() -> None:
    assert array([[1, 2.5]], "a", None, 2).tolist() == [[1, 2.5]]
    assert array([], "a", None).shape == (0,)
    assert float(array(3, "a")) == 3.0
    for value in ([1, 2], [[1], [1, 2]], [["1", "2"]], [[True, False]], "x", None, {}, [[10**60, 1]]):
        with pytest.raises(ValueError, match=r"."):
            array(value, "a", None, 2)
    for value in ([1, True], [1, [2]], [None], [["x"]], functools.reduce(lambda inner, _: [inner], range(99), 1)):
        with pytest.raises(ValueError, match="a are no numbers"):
            array(value, "a", None)
    with pytest.raises(ValueError, match="a have the shape 1, and need 2"):
        array([1.0], "a", 2)
    with pytest.raises(ValueError, match="too small"):
        array([1.0, 0.0], "a", None, above=0)


def test_texts_in_the_place_of_numbers_take_no_more_memory_than_they_have() -> None:
    texts = ["x" * 10_000, *[""] * 2_000]
    tracemalloc.start()
    with pytest.raises(ValueError, match="ngram are no numbers"):
        array(texts, "ngram", None)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1e6
