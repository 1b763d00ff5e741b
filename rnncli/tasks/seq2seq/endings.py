"""Rules that change the ending of a word, a baseline of inflection: that of SIGMORPHON 2017 (Cotterell et al., 2017).

A word and its target share a longest stretch; what stands before it and after it is changed. The change of the longest
ending of a word that training has is made, the most frequent one, and so is that of its beginning. Rules are learnt for
each set of features beside the word, such as V;PST.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from difflib import SequenceMatcher
from typing import TypeVar

import numpy as np

Prompt = tuple[str, ...]
View = Callable[[Prompt], tuple[str, Hashable]]
T = TypeVar("T", str, tuple[str, str])

_MOST = 20_000  # pairs to learn from, evenly spread
_LONGEST = 40  # letters of a word, or of its features
_KNOWN = 12  # letters of an ending before what changes
_ALL = None  # the features of rules for all
_SEED = 1


class Rules:
    """The changes of endings and of beginnings, by features, in words that are given with their features."""

    def __init__(self, words: Sequence[tuple[str, Hashable]], targets: Sequence[str]):
        self._endings: dict[tuple[Hashable, str], Counter[str]] = defaultdict(Counter)
        self._beginnings: dict[Hashable, Counter[tuple[str, str]]] = defaultdict(Counter)
        for (word, features), target in zip(words, targets, strict=True):
            block = SequenceMatcher(None, word, target, autojunk=False).find_longest_match()
            end, new = block.a + block.size, target[block.b + block.size :]
            for of in (features, _ALL):
                self._beginnings[of][word[: block.a], target[: block.b]] += 1
                for known in range(min(block.size, _KNOWN) + 1):
                    start = end - known
                    self._endings[of, word[start:]][word[start:end] + new] += 1

    def answer(self, word: str, features: Hashable) -> str:
        """Return the word changed by the rules for its features, or by those for all if training has none of these."""
        of = features if features in self._beginnings else _ALL
        starts = (start for start in range(len(word) + 1) if (of, word[start:]) in self._endings)
        start = next(starts, None)
        changed = word if start is None else word[:start] + _usual(self._endings[of, word[start:]])
        fitting = Counter({both: n for both, n in self._beginnings[of].items() if changed.startswith(both[0])})
        old, new = _usual(fitting) if fitting else ("", "")
        return new + changed[len(old) :]


def by_rules(prompts: Sequence[Prompt], targets: Sequence[str], asked: Sequence[Prompt]) -> list[str]:
    """Return the answers to the prompts `asked`, by rules from prompts and targets.

    The word in a prompt is a column, or the first or the last word of the only one; the rest are its features. It is
    that by which the rules of half of the pairs answer most of the other half.
    """
    step = -(-len(prompts) // _MOST)
    prompts, targets = prompts[::step], targets[::step]

    drawn = np.random.Generator(np.random.PCG64(_SEED)).permutation(len(prompts)).tolist()  # neighbours may be alike
    half = len(drawn) // 2

    def hits(view: View) -> int:
        rules = Rules([view(prompts[i]) for i in drawn[half:]], [targets[i] for i in drawn[half:]])
        return sum(rules.answer(*view(prompts[i])) == targets[i] for i in drawn[:half])

    view = max(_views(len(prompts[0])), key=hits)
    rules = Rules([view(prompt) for prompt in prompts], targets)
    return [rules.answer(*view(prompt)) for prompt in asked]


def are_words(prompts: Sequence[Prompt], targets: Sequence[str]) -> bool:
    """Return True if most of what is given and written is short enough to be a word, with its features."""
    lengths = sorted(max(map(len, (*prompt, target))) for prompt, target in zip(prompts, targets, strict=True))
    return lengths[len(lengths) // 2] <= _LONGEST


def _views(columns: int) -> list[View]:
    """Return the ways to tell the word from its features in prompts of so many columns."""
    if columns > 1:
        return [lambda prompt, i=i: (prompt[i], (*prompt[:i], *prompt[i + 1 :])) for i in range(columns)]  # type: ignore[misc]
    return [
        lambda prompt: (prompt[0], ()),
        lambda prompt: (prompt[0].partition(" ")[0], prompt[0].partition(" ")[2]),
        lambda prompt: (prompt[0].rpartition(" ")[2], prompt[0].rpartition(" ")[0]),
    ]


def _usual(counts: Mapping[T, int]) -> T:
    """Return the most frequent one, of several the first in alphabetical order."""
    return min(counts, key=lambda one: (-counts[one], one))
