"""Baselines of networks with one answer for a sequence: constant labels, naive Bayes, the nearest neighbour."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from rnncli.data.numeric import whole_series
from rnncli.data.text import Kind
from rnncli.tasks.sequences.examples import Examples
from rnncli.tasks.sequences.gaps import completed, means_of
from rnncli.tasks.sequences.naive_bayes import NaiveBayes, OneAgainstRest


def majority(train: Examples, held_out: Examples) -> list[str]:
    """Return the most frequent label of the training split for every held-out example."""
    assert train.labels is not None
    counts = Counter(train.labels)
    label = min(counts, key=lambda label: (-counts[label], label))
    return [label] * len(held_out)


def best_constant(sets: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return the labels that, predicted for every example, have the highest micro-F1 on `sets`."""
    counts = Counter(label for labels in sets for label in labels)
    usual = sorted(counts, key=lambda label: (-counts[label], label))
    hits = accumulate(counts[label] for label in usual)
    # Of the m most frequent ones: 2·hits / (predicted + actual).
    scores = [2 * hit / (m * len(sets) + counts.total()) for m, hit in enumerate(hits, start=1)]
    return tuple(usual[: scores.index(max(scores)) + 1])


def naive_bayes(train: Examples, held_out: Examples, labels: list[str], kind: Kind) -> list[str]:
    """Return the label that multinomial naive Bayes gives each held-out text; see `NaiveBayes`."""
    assert train.labels is not None
    assert train.texts is not None
    assert held_out.texts is not None
    number = {label: k for k, label in enumerate(labels)}
    model = NaiveBayes.of(train.texts, [(number[label],) for label in train.labels], len(labels), kind)
    return [labels[model.scores([text])[0].argmax()] for text in held_out.texts]


def naive_bayes_sets(train: Examples, held_out: Examples, labels: list[str], kind: Kind) -> list[list[str]]:
    """Return the labels that naive Bayes finds more probable than not, each against the rest, for each text."""
    assert train.sets is not None
    assert train.texts is not None
    assert held_out.texts is not None
    number = {label: k for k, label in enumerate(labels)}
    model = OneAgainstRest(train.texts, [[number[label] for label in one] for one in train.sets], len(labels), kind)
    return [[labels[k] for k in np.flatnonzero(model.log_odds(text) >= 0)] for text in held_out.texts]


def nearest(train: Examples, held_out: Examples) -> np.ndarray:
    """Return (N,), the number of the nearest training sequence for each held-out one, by Euclidean distance of values
    divided by their standard deviation and resampled to one length. Missing values are interpolated.
    """
    assert train.values is not None
    assert held_out.values is not None
    means = means_of(train.values)
    of_train, of_others = (
        [completed(x, "interpolate", means) for x in them.values or ()] for them in (train, held_out)
    )
    _, unit = whole_series(np.concatenate(of_train))
    n = round(float(np.mean([len(values) for values in of_train])))
    seen = np.stack([_resampled(values / unit, n) for values in of_train])
    found = []
    for values in of_others:
        asked = _resampled(values / unit, n)
        found.append(int(((seen - asked) ** 2).sum(axis=(1, 2)).argmin()))
    return np.array(found)


def _resampled(values: np.ndarray, n: int) -> np.ndarray:
    """Return the values at n equally spaced places, (n, C), interpolated linearly between the steps."""
    places = np.linspace(0, len(values) - 1, n)
    return np.stack([np.interp(places, np.arange(len(values)), column) for column in values.T], axis=1)
