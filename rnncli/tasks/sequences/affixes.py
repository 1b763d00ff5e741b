"""Affixes of words: what many words share, from which a tagger knows a word that it never saw.

The shape keeps capitals, digits and punctuation: Xxx, XX, dd.dd, xx-Xx. The first and the last letters are those of the
word in lower case.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from rnncli.data.typed import typed
from rnncli.data.vocabulary import Vocabulary

_RUN = re.compile(r"(.)\1+", re.DOTALL)
_LONGEST = 8  # characters of a shape


def shape_of(word: str) -> str:
    """Return the shape of a word, in which a run of equal signs is as two."""
    signs = ("X" if c.isupper() else "x" if c.islower() else "d" if c.isdigit() else c for c in word)
    return _RUN.sub(r"\1\1", "".join(signs))[:_LONGEST]


def _first(n: int, word: str) -> str:
    return word.lower()[:n]


def _last(n: int, word: str) -> str:
    return word.lower()[-n:]


KINDS: dict[str, Callable[[str], str]] = {
    "shape": shape_of,
    "first_2": partial(_first, 2),
    "first_3": partial(_first, 3),
    "last_2": partial(_last, 2),
    "last_3": partial(_last, 3),
}


class Affixes:
    """The affixes of the training split that several of its words have, by kind; others are unknown, number 0."""

    def __init__(self, known: Mapping[str, Vocabulary]):
        self.known = known

    @classmethod
    def of(cls, words: Collection[str]) -> Affixes:
        """Return the affixes of these distinct words."""
        found = {}
        for kind, affix in KINDS.items():
            counts = Counter(map(affix, words))
            shared = {one: count for one, count in counts.items() if count > 1}
            found[kind] = Vocabulary.of_counts(shared, "word")
        return cls(found)

    @property
    def sizes(self) -> tuple[tuple[str, int], ...]:
        """The kinds, and how many affixes of each have a number."""
        return tuple((kind, len(vocabulary)) for kind, vocabulary in self.known.items())

    def numbers(self, words: Sequence[str]) -> list[np.ndarray]:
        """Return for each kind the numbers (F,) of the words' affixes, int32."""
        return [
            vocabulary.numbers([KINDS[kind](word) for word in words]).astype(np.int32)
            for kind, vocabulary in self.known.items()
        ]

    def to_header(self) -> list[Any]:
        """Return pairs of a kind and its affixes, in the order in which a network reads their vectors."""
        return [[kind, vocabulary.to_header()] for kind, vocabulary in self.known.items()]

    @classmethod
    def from_header(cls, header: Sequence[Any]) -> Affixes:
        known = {kind: Vocabulary.from_header(one) for kind, one in typed(list[tuple[str, Any]], header, "affixes")}
        if not known.keys() <= KINDS.keys():
            raise ValueError("it has affixes of no kind")
        return cls(known)
