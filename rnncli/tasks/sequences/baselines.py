"""Baselines of networks with one answer for a sequence: the most frequent label, naive Bayes, the nearest neighbour."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from rnncli.data.numeric import whole_series
from rnncli.data.text import Kind, tokenize
from rnncli.kernels import losses
from rnncli.kernels.elementary import log
from rnncli.tasks.sequences.examples import Examples
from rnncli.tasks.sequences.gaps import completed, means_of

_PAIR = "\0"  # between the words of a pair
_SCALES = [k / 20 for k in range(1, 31)]


class NaiveBayes:
    """Multinomial naive Bayes over words or runs of three characters, and also over pairs of neighbouring words if a
    network corrects it (Wang and Manning, 2012).

    counts (F, L): the number of times that each feature occurs in texts of each label, plus one. texts (L,): the
    number of texts with each label. pairs: True if pairs of words that training has at least twice are features too.
    """

    def __init__(self, features: Sequence[str], counts: np.ndarray, texts: np.ndarray, kind: Kind, pairs: bool):
        self.features, self.counts, self.texts, self.kind, self.pairs = features, counts, texts, kind, pairs
        self._place = {feature: place for place, feature in enumerate(features)}
        self._totals = counts.sum(axis=0)

    @classmethod
    def of(
        cls, texts: Sequence[str], labels: Sequence[int], count: int, kind: Kind, *, pairs: bool = False
    ) -> NaiveBayes:
        """Return the model of `texts` and the number of each one's label, below `count`."""
        seen: dict[str, list[int]] = {}
        for text, label in zip(texts, labels, strict=True):
            for feature in _features(text, kind, pairs):
                seen.setdefault(feature, [0] * count)[label] += 1
        kept = {f: of_labels for f, of_labels in seen.items() if sum(of_labels) > 1 or _PAIR not in f}
        counts = np.array(list(kept.values()), float).reshape(-1, count) + 1
        return cls(list(kept), counts, np.bincount(labels, minlength=count).astype(float), kind, pairs)

    def scores(self, texts: Sequence[str]) -> np.ndarray:
        """Return (N, L): log of each label's prior and of its share of each feature, up to a constant for each text."""
        return np.array([self._score(text, None) for text in texts]).reshape(len(texts), -1)

    def scores_left_out(self, texts: Sequence[str], labels: Sequence[int]) -> np.ndarray:
        """Return the scores (N, L) of the texts that the model was made from, each as if that text were left out."""
        return np.array([self._score(text, label) for text, label in zip(texts, labels, strict=True)])

    def _score(self, text: str, own: int | None) -> np.ndarray:
        found = Counter(
            place for f in _features(text, self.kind, self.pairs) if (place := self._place.get(f)) is not None
        )
        counts, totals, texts = self.counts[list(found)].copy(), self._totals.copy(), self.texts.copy()
        times = np.array(list(found.values()), float)
        if own is not None:
            counts[:, own] -= times
            totals[own] -= times.sum()
            texts[own] = max(texts[own] - 1, 0.5)
            known = counts.sum(axis=1) > counts.shape[1]  # what no other text has says nothing
            counts, times = counts[known], times[known]
        return (times[:, None] * (_logs(counts) - _logs(totals))).sum(axis=0) + _logs(texts)

    def to_header(self) -> dict[str, Any]:
        return {
            "features": list(self.features),
            "counts": self.counts.astype(int).tolist(),
            "texts": self.texts.tolist(),
            "kind": self.kind,
            "pairs": self.pairs,
        }

    @classmethod
    def from_header(cls, header: Mapping[str, Any]) -> NaiveBayes:
        counts = np.array(header["counts"], float).reshape(len(header["features"]), -1)
        return cls(header["features"], counts, np.array(header["texts"], float), header["kind"], bool(header["pairs"]))


def _logs(values: np.ndarray) -> np.ndarray:
    """Return the logarithms of `values` by our own function, which gives the same bits on every machine."""
    return np.array([log(max(value, 1e-300)) for value in values.reshape(-1).tolist()]).reshape(values.shape)


def best_scale(scores: np.ndarray, labels: np.ndarray) -> float:
    """Return the factor with which the softmax of scores (N, L) fits labels (N,) best: naive Bayes is too confident."""

    def loss(scale: float) -> float:
        z, per_text = (scores * scale).astype(np.float32)[None], np.zeros((1, len(scores)))
        losses.softmax_cross_entropy(z, labels[None], per_text, np.float32(1), 0, len(scores))
        return float(losses.total(per_text))

    return min(_SCALES, key=loss)


def _features(text: str, kind: Kind, pairs: bool) -> list[str]:
    if kind != "word":
        return [text[i : i + 3] for i in range(max(1, len(text) - 2))]
    words = tokenize(text, kind)
    return words + [_PAIR.join(pair) for pair in pairwise(words)] if pairs else words


def majority(train: Examples, held_out: Examples) -> list[str]:
    """Return the most frequent label of the training split for every held-out example."""
    assert train.labels is not None
    counts = Counter(train.labels)
    label = min(counts, key=lambda label: (-counts[label], label))
    return [label] * len(held_out)


def naive_bayes(train: Examples, held_out: Examples, labels: list[str], kind: Kind) -> list[str]:
    """Return the label that multinomial naive Bayes gives each held-out text; see `NaiveBayes`."""
    assert train.labels is not None
    assert train.texts is not None
    assert held_out.texts is not None
    model = NaiveBayes.of(train.texts, [labels.index(label) for label in train.labels], len(labels), kind)
    return [labels[k] for k in model.scores(held_out.texts).argmax(axis=1)]


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
