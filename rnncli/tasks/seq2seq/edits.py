"""Targets as edits of their sources, which aligned attention reads and writes (Aharoni and Goldberg, 2017; Makarov and
Clematide, 2018).

A decoder stands at a token of the source. It copies it and goes on, leaves it out and goes on, or writes another token
and stays. So what is copied need not be known, and little data are enough to learn what is changed. The edits of a pair
keep the longest stretch that source and target share, and the longest ones before and after it, and so on (Ratcliff
and Metzener, 1988); of what is replaced, a new token is written before each old one is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import zip_longest

import numpy as np

from rnncli.data.vocabulary import UNKNOWN_NUMBER, Vocabulary
from rnncli.nn.writers import Written

_COPY, _LEAVE = 0, 1  # after the numbers of the vocabulary; as many as `rnncli.kernels.beam.MOVES`


def edits(source: Sequence[str], target: Sequence[str], vocabulary: Vocabulary) -> np.ndarray:
    """Return the numbers (n,) of the edits that make the tokens `target`, which `vocabulary` has, from `source`."""
    copy, leave = len(vocabulary) + _COPY, len(vocabulary) + _LEAVE
    numbers = vocabulary.numbers(target).tolist()
    made: list[int] = []
    for kind, first, last, begin, end in SequenceMatcher(None, source, target, autojunk=False).get_opcodes():
        if kind == "equal":
            made += [copy] * (last - first)
        else:
            left = [leave] * (last - first)
            made += [one for both in zip_longest(numbers[begin:end], left) for one in both if one is not None]
    while made and made[-1] == leave:  # the end says so too
        del made[-1]
    return np.array(made, np.int32)


def shared(source: str, target: str) -> int:
    """Return how many characters of a target its edits copy."""
    matcher = SequenceMatcher(None, source, target, autojunk=False)
    return sum(block.size for block in matcher.get_matching_blocks())


def spelled(answer: Written, vocabulary: Vocabulary, source: Sequence[str]) -> list[str]:
    """Return the tokens of an answer. Each `<unk>` or copy is the token of `source` at its place; behind the end of the
    source nothing is copied.
    """
    tokens: list[str] = []
    for number, place in zip(answer.tokens.tolist(), answer.places.tolist(), strict=True):
        if number == UNKNOWN_NUMBER or number == len(vocabulary) + _COPY:
            tokens += source[place : place + 1]
        elif number < len(vocabulary):
            tokens.append(vocabulary.tokens[number])
    return tokens
