"""What a many-to-one network must beat: the most frequent label, naive Bayes, the nearest neighbour."""

from __future__ import annotations

from collections import Counter

import numpy as np

from rnncli.data.scaling import whole_series
from rnncli.data.text import Kind
from rnncli.tasks.sequences.examples import Examples
from rnncli.tasks.sequences.naive_bayes import NaiveBayes


def majority(train: Examples, held_out: Examples) -> list[str]:
    """The most frequent label of the training part, whatever the example."""
    assert train.labels is not None
    counts = Counter(train.labels)
    label = min(counts, key=lambda label: (-counts[label], label))
    return [label] * len(held_out)


def naive_bayes(train: Examples, held_out: Examples, labels: list[str], kind: Kind) -> list[str]:
    """The label that multinomial naive Bayes gives each text; see `rnncli.tasks.sequences.naive_bayes`."""
    assert train.labels is not None
    assert train.texts is not None
    assert held_out.texts is not None
    model = NaiveBayes.of(train.texts, [labels.index(label) for label in train.labels], len(labels), kind)
    return [labels[k] for k in model.scores(held_out.texts).argmax(axis=1)]


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
