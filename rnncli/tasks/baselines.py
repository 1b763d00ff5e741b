"""What a many-to-one network must beat: the most frequent label, naive Bayes, the nearest neighbour."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np

from rnncli.data.examples import Examples
from rnncli.data.scaling import whole_series
from rnncli.data.text import Kind, tokenize


def majority(train: Examples, held_out: Examples) -> list[str]:
    """The most frequent label of the training part, whatever the example."""
    assert train.labels is not None
    counts = Counter(train.labels)
    label = min(counts, key=lambda label: (-counts[label], label))
    return [label] * len(held_out)


def naive_bayes(train: Examples, held_out: Examples, kind: Kind) -> list[str]:
    """Multinomial naive Bayes over words, or runs of three characters, each counted once more than it was seen."""
    assert train.labels is not None
    assert train.texts is not None
    assert held_out.texts is not None
    words: dict[str, Counter[str]] = {label: Counter() for label in sorted(set(train.labels))}
    for label, text in zip(train.labels, train.texts, strict=True):
        words[label].update(_features(text, kind))
    known = set().union(*words.values())
    kinds = len(known)
    totals = {label: sum(counts.values()) + kinds for label, counts in words.items()}
    prior = Counter(train.labels)

    def score(label: str, text: str) -> float:
        seen = (word for word in _features(text, kind) if word in known)
        return math.log(prior[label]) + sum(math.log((words[label][word] + 1) / totals[label]) for word in seen)

    return [max(words, key=lambda label: score(label, text)) for text in held_out.texts]


def _features(text: str, kind: Kind) -> list[str]:
    return tokenize(text, kind) if kind == "word" else [text[i : i + 3] for i in range(max(1, len(text) - 2))]


def nearest(train: Examples, held_out: Examples) -> np.ndarray:
    """(N,) which training sequence is nearest, by Euclidean distance of standardised values at equal places."""
    assert train.values is not None
    assert held_out.values is not None
    _, unit = whole_series(np.concatenate(train.values))
    n = round(float(np.mean([len(values) for values in train.values])))
    seen = np.stack([_resampled(values / unit, n) for values in train.values])
    found = []
    for values in held_out.values:
        asked = _resampled(values / unit, n)
        found.append(int(((seen - asked) ** 2).sum(axis=(1, 2)).argmin()))
    return np.array(found)


def _resampled(values: np.ndarray, n: int) -> np.ndarray:
    """(n, C) on straight lines between the steps."""
    places = np.linspace(0, len(values) - 1, n)
    return np.stack([np.interp(places, np.arange(len(values)), column) for column in values.T], axis=1)
