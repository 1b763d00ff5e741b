"""Naive Bayes of texts: for one label of each, and for several, each label against the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from rnncli.data.text import WORDS, Kind, tokenize
from rnncli.data.typed import array, typed
from rnncli.kernels import losses
from rnncli.kernels.elementary import log

PAIR = "\0"  # between the words of a pair
_MOST_COUNTED = 1 << 24  # times that a feature occurs, whose logarithms are kept
_AT_ONCE = 1 << 21  # numbers of one label and one feature of a text


class NaiveBayes:
    """Multinomial naive Bayes over words or runs of three characters, and also over pairs of neighbouring words if a
    network corrects it (Wang and Manning, 2012).

    Feature f occurs counts[i] times in texts of the label labels[i], for starts[f] ≤ i < starts[f + 1]; labels that are
    not listed do not have it. texts (L,): the number of texts with each label. pairs: True if pairs of words that
    training has at least twice are features too.
    """

    def __init__(
        self,
        features: Sequence[str],
        counts: tuple[np.ndarray, np.ndarray, np.ndarray],
        texts: np.ndarray,
        kind: Kind,
        pairs: bool,
    ):
        """counts: starts (F + 1,), labels and counts."""
        self.features, self.texts, self.kind, self.pairs = features, texts, kind, pairs
        self.starts, self.labels, self.counts = counts
        self._place = {feature: place for place, feature in enumerate(features)}
        self.totals = np.bincount(self.labels, self.counts, len(texts)) + len(features)
        self._log_totals, self._log_texts = logs(self.totals), logs(texts)
        self.log = logs(np.arange(self.counts.max(initial=0) + 2))  # of whole numbers from 0

    @classmethod
    def of(
        cls, texts: Sequence[str], labels: Sequence[Collection[int]], count: int, kind: Kind, *, pairs: bool = False
    ) -> NaiveBayes:
        """Return the model of `texts` and the numbers of each one's labels, below `count`."""
        seen: dict[str, Counter[int]] = {}
        for text, of_text in zip(texts, labels, strict=True):
            for feature in features_of(text, kind, pairs):
                seen.setdefault(feature, Counter()).update(of_text)
        kept = {f: sorted(c.items()) for f, c in seen.items() if c.total() > 1 or PAIR not in f}
        every = [pair for of_feature in kept.values() for pair in of_feature]
        starts = np.cumsum([0, *map(len, kept.values())])
        of_label = np.bincount([label for of_text in labels for label in of_text], minlength=count).astype(float)
        columns = np.array(every, int).reshape(-1, 2)
        return cls(list(kept), (starts, columns[:, 0].copy(), columns[:, 1].copy()), of_label, kind, pairs)

    def scores(self, texts: Sequence[str]) -> np.ndarray:
        """Return (N, L): log of each label's prior and of its share of each feature, up to a constant for each text."""
        return np.array([self._score(text, None) for text in texts]).reshape(len(texts), -1)

    def scores_left_out(self, texts: Sequence[str], labels: Sequence[int]) -> np.ndarray:
        """Return the scores (N, L) of the texts that the model was made from, each as if that text were left out."""
        return np.array([self._score(text, label) for text, label in zip(texts, labels, strict=True)])

    def _score(self, text: str, own: int | None) -> np.ndarray:
        places, times = self.found(text)
        log_totals, log_texts = self._log_totals, self._log_texts
        if own is not None:
            log_totals, log_texts = log_totals.copy(), log_texts.copy()
            log_totals[own] = logs(self.totals[own] - times.sum())
            log_texts[own] = logs(max(self.texts[own] - 1, 0.5))
        total = np.zeros(len(log_texts))
        at_once = max(1, _AT_ONCE // len(log_texts))
        for first in range(0, len(places), at_once):
            some = slice(first, first + at_once)
            log_counts, known = self._logs_of(places[some], times[some], own)
            rows = (times[some][:, None] * (log_counts - log_totals))[known]
            rows[:1] += total
            total = rows.sum(axis=0) if len(rows) else total
        return total + log_texts

    def table(self) -> np.ndarray:
        """Return what a feature adds to the score of each label each time that a text has it, (F, L)."""
        row, at = self.entries(np.arange(len(self.features)))
        log_counts = np.zeros((len(self.features), len(self.texts)))
        log_counts[row, self.labels[at]] = self.log[self.counts[at] + 1]
        return log_counts - self._log_totals

    @property
    def prior(self) -> np.ndarray:
        """The score (L,) of a text without features."""
        return self._log_texts

    def found(self, text: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the numbers of the features that a text has, and how often it has each."""
        found = Counter(
            place for f in features_of(text, self.kind, self.pairs) if (place := self._place.get(f)) is not None
        )
        return np.array(list(found), int), np.array(list(found.values()), int)

    def entries(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return, for all that is counted of some features, which of the features it is of, and where it stands."""
        lengths = self.starts[places + 1] - self.starts[places]
        row = np.repeat(np.arange(len(places)), lengths)
        before = np.cumsum(lengths) - lengths
        return row, np.arange(lengths.sum()) + (self.starts[places] - before)[row]

    def _logs_of(self, places: np.ndarray, times: np.ndarray, own: int | None) -> tuple[np.ndarray, np.ndarray]:
        """Return the logarithms (n, L) of the counts of some features, each plus one, and which features (n,) count:
        without the text with the label `own`, one that no other text has says nothing.
        """
        row, at = self.entries(places)
        counts = self.counts[at] - np.where(self.labels[at] == own, times[row], 0)
        log_counts = np.zeros((len(places), len(self.texts)))
        log_counts[row, self.labels[at]] = self.log[counts + 1]
        return log_counts, np.bincount(row, counts, len(places)) > 0

    def to_header(self) -> dict[str, Any]:
        return {
            "features": list(self.features),
            "starts": self.starts.tolist(),
            "labels": self.labels.tolist(),
            "counts": self.counts.tolist(),
            "texts": self.texts.tolist(),
            "kind": self.kind,
            "pairs": self.pairs,
        }

    @classmethod
    def from_header(cls, header: Mapping[str, Any], count: int | None = None) -> NaiveBayes:
        """Return what `to_header` wrote, of `count` labels if that is known; ValueError where it cannot have."""
        features, kind = typed(list[str], header["features"], "features"), typed(Kind, header["kind"], "kind")
        starts, labels, counts = (
            np.array(typed(list[int], header[name], name), np.int64) for name in ("starts", "labels", "counts")
        )
        texts = array(header["texts"], "texts", count, above=0)
        whole = (
            len(starts) == len(features) + 1
            and starts[0] == 0
            and (np.diff(starts) >= 0).all()
            and starts[-1] == len(labels) == len(counts)
            and ((labels >= 0) & (labels < len(texts))).all()
            and ((counts > 0) & (counts < _MOST_COUNTED)).all()
        )
        if not whole:
            raise ValueError("the counts of its features do not fit each other")
        return cls(features, (starts, labels, counts), texts, kind, typed(bool, header["pairs"], "pairs"))


def renewed(header: Mapping[str, Any]) -> dict[str, Any]:
    """Return a header of version 0.1, whose counts (F, L) are one more than what was counted, in the form of this."""
    if "starts" in header:
        return dict(header)
    counts = np.array(header["counts"], int).reshape(len(header["features"]), -1) - 1
    row, label = np.nonzero(counts)
    starts = np.searchsorted(row, np.arange(len(counts) + 1))
    sparse = {"starts": starts.tolist(), "labels": label.tolist(), "counts": counts[row, label].tolist()}
    return {**header, **sparse}


class OneAgainstRest:
    """Naive Bayes for several labels of a text: the texts with each label against those without it."""

    def __init__(self, texts: Sequence[str], sets: Sequence[Collection[int]], count: int, kind: Kind):
        """sets: the numbers, below `count`, of the labels of each text."""
        # One more label, which every text has, counts what all texts have.
        self.model = NaiveBayes.of(texts, [[*labels, count] for labels in sets], count + 1, kind)
        size, per_label, texts_of = len(self.model.features), self.model.totals, self.model.texts
        own, rest = per_label[:count], per_label[count] - per_label[:count] + size
        self._per_word = logs(rest) - logs(own)
        self._prior = logs(texts_of[:count]) - logs(np.maximum(texts_of[count] - texts_of[:count], 0.5))

    def log_odds(self, text: str) -> np.ndarray:
        """Return (L,), the logarithm of the odds that the text has each label."""
        model, count = self.model, len(self._prior)
        places, times = model.found(text)
        row, at = model.entries(places)
        own, every = model.counts[at], model.counts[model.starts[places + 1] - 1]  # every text's label is the last
        log = model.log  # of whole numbers, by number
        # Per feature ln (own + 1) − ln (rest + 1), which is −ln (every + 1) where a label does not have it.
        more = log[own + 1] - log[every[row] - own + 1] + log[every + 1][row]
        listed = np.bincount(model.labels[at], times[row] * more, count + 1)[:count]
        return self._prior + times.sum() * self._per_word - times @ log[every + 1] + listed


def logs(values: Any) -> np.ndarray:
    """Return the logarithms of `values` by our own function, which gives the same bits on every machine."""
    values = np.asarray(values, float)
    return np.array([log(max(value, 1e-300)) for value in values.reshape(-1).tolist()]).reshape(values.shape)


def best_scale(scores: np.ndarray, labels: np.ndarray, scales: Sequence[float]) -> float:
    """Return the factor, one of `scales`, with which the softmax of scores (N, L) fits labels (N,) best: naive Bayes is
    too confident."""

    def loss(scale: float) -> float:
        z, per_text = (scores * scale).astype(np.float32)[None], np.zeros((1, len(scores)))
        losses.softmax_cross_entropy(z, labels[None], per_text, np.float32(1), 0, len(scores))
        return float(losses.total(per_text))

    return min(scales, key=loss)


def features_of(text: str, kind: Kind, pairs: bool) -> list[str]:
    if kind not in WORDS:
        return [text[i : i + 3] for i in range(max(1, len(text) - 2))]
    words = tokenize(text, kind)
    return words + [PAIR.join(pair) for pair in pairwise(words)] if pairs else words
