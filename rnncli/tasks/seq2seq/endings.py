"""Rules that change the ending of a word, a baseline of inflection: that of SIGMORPHON 2017 (Cotterell et al., 2017).

A word and its target share a longest stretch; what stands before it and after it is changed. The change of the longest
ending of a word that training has is made, the most frequent one, and so is that of its beginning. Rules are learnt for
each set of features beside the word, such as V;PST.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any, TypeVar

import numpy as np

from rnncli.data.typed import typed

Prompt = tuple[str, ...]
View = Callable[[Prompt], tuple[str, Hashable]]
T = TypeVar("T", str, tuple[str, str])

_Features = tuple[str, ...] | str | None
_MOST = 20_000  # pairs to learn from, evenly spread
_MOST_COLUMNS = 10_000
_LONGEST = 40  # letters of a word, or of its features
_KNOWN = 12  # letters of an ending before what changes
_ALL = None  # the features of rules for all
_SEED = 1


class Rules:
    """The changes of endings and of beginnings, by features, in words that are given with their features.

    endings: by features, what an ending becomes; one that becomes what the next shorter one says is left out.
    beginnings: by features, what a beginning becomes, the most frequent first.
    """

    def __init__(
        self, endings: Mapping[Hashable, Mapping[str, str]], beginnings: Mapping[Hashable, Sequence[tuple[str, str]]]
    ):
        self.endings, self.beginnings = endings, beginnings

    @classmethod
    def of(cls, words: Sequence[tuple[str, Hashable]], targets: Sequence[str]) -> Rules:
        """Return the rules of words, given with their features, and of their targets."""
        endings: dict[Hashable, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
        beginnings: dict[Hashable, Counter[tuple[str, str]]] = defaultdict(Counter)
        for (word, features), target in zip(words, targets, strict=True):
            block = SequenceMatcher(None, word, target, autojunk=False).find_longest_match()
            end, new = block.a + block.size, target[block.b + block.size :]
            for of in (features, _ALL):
                beginnings[of][word[: block.a], target[: block.b]] += 1
                for known in range(min(block.size, _KNOWN) + 1):
                    start = end - known
                    endings[of][word[start:]][word[start:end] + new] += 1
        usual = {of: {ending: _by_use(counts)[0] for ending, counts in some.items()} for of, some in endings.items()}
        return cls(
            {of: _shortest(some) for of, some in usual.items()},
            {of: _by_use(counts) for of, counts in beginnings.items()},
        )

    def answer(self, word: str, features: Hashable) -> str:
        """Return the word changed by the rules for its features, or by those for all if training has none of these."""
        of = features if features in self.beginnings else _ALL
        changed = _changed(word, self.endings[of])
        changed = word if changed is None else changed
        old, new = next((both for both in self.beginnings[of] if changed.startswith(both[0])), ("", ""))
        return new + changed[len(old) :]

    def to_header(self) -> list[list[Any]]:
        """Return the rules as JSON."""
        return [[_as_json(of), self.endings[of], list(map(list, self.beginnings[of]))] for of in self.beginnings]

    @classmethod
    def from_header(cls, header: Sequence[Sequence[Any]]) -> Rules:
        """Return the rules that `to_header` wrote."""
        by = typed(list[tuple[_Features, dict[str, str], list[tuple[str, str]]]], header, "rules")
        if _ALL not in {of for of, _, _ in by}:
            raise ValueError("it has no rules for all")
        return cls({of: endings for of, endings, _ in by}, {of: beginnings for of, _, beginnings in by})


class Endings:
    """The rules that answer prompts of some columns; the word in a prompt is what view number `view` says."""

    def __init__(self, columns: int, view: int, rules: Rules):
        self.columns, self.number, self.rules = columns, view, rules
        self._view = _views(columns)[view]

    @classmethod
    def of(cls, prompts: Sequence[Prompt], targets: Sequence[str]) -> Endings:
        """Return the rules of prompts and targets.

        The word in a prompt is a column, or the first or the last word of the only one; the rest are its features. It
        is that by which the rules of half of the pairs answer most of the other half.
        """
        step = -(-len(prompts) // _MOST)
        prompts, targets = prompts[::step], targets[::step]
        drawn = np.random.Generator(np.random.PCG64(_SEED)).permutation(len(prompts)).tolist()  # neighbours are alike
        half, columns = len(drawn) // 2, len(prompts[0])

        def hits(view: View) -> int:
            rules = Rules.of([view(prompts[i]) for i in drawn[half:]], [targets[i] for i in drawn[half:]])
            return sum(rules.answer(*view(prompts[i])) == targets[i] for i in drawn[:half])

        views = _views(columns)
        best = max(range(len(views)), key=lambda number: hits(views[number]))
        return cls(columns, best, Rules.of(list(map(views[best], prompts)), targets))

    def answers(self, asked: Sequence[Prompt]) -> list[str]:
        """Return the answers to the prompts `asked`."""
        return [self.rules.answer(*self._view(prompt)) for prompt in asked]

    def to_header(self) -> dict[str, Any]:
        """Return all of it as JSON for a model file."""
        return {"columns": self.columns, "view": self.number, "rules": self.rules.to_header()}

    @classmethod
    def from_header(cls, header: Mapping[str, Any]) -> Endings:
        """Return what `to_header` wrote."""
        columns, view = (typed(int, header[name], name) for name in ("columns", "view"))
        if not (0 < columns <= _MOST_COLUMNS and 0 <= view < len(_views(columns))):
            raise ValueError("its rules read columns that are none")
        return cls(columns, view, Rules.from_header(header["rules"]))


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


def _by_use(counts: Mapping[T, int]) -> list[T]:
    """Return the most frequent one first, of several the first in alphabetical order."""
    return sorted(counts, key=lambda one: (-counts[one], one))


def _changed(word: str, endings: Mapping[str, str]) -> str | None:
    """Return the word with its longest ending changed that is among these; None if none is."""
    starts = (start for start in range(len(word) + 1) if word[start:] in endings)
    start = next(starts, None)
    return None if start is None else word[:start] + endings[word[start:]]


def _shortest(endings: Mapping[str, str]) -> dict[str, str]:
    """Return the endings without those that a shorter one changes alike."""
    kept: dict[str, str] = {}
    for ending in sorted(endings, key=len):
        if _changed(ending, kept) != endings[ending]:
            kept[ending] = endings[ending]
    return kept


def _as_json(features: Hashable) -> Any:
    return list(features) if isinstance(features, tuple) else features
