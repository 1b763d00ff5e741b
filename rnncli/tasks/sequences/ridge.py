"""A linear model of texts for a number of each: ridge regression on bags of words and pairs of words, or of runs of
three characters.

A text is a vector of tf-idf of length 1, or of ones for the features that it has, so that its number is the sum of what
each of them adds; with pairs of words or without. Which of these, and the penalty, predicts folds of the training split
best.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

import numpy as np

from rnncli.data.text import Kind
from rnncli.data.typed import array, typed
from rnncli.tasks.sequences.linear import TYPICAL, Bags, best, few, fitted, folds_of, places_of, sampled
from rnncli.tasks.sequences.naive_bayes import PAIR, logs

_PENALTIES = (0.1, 0.3, 1.0, 3.0, 10.0)
_FOLDS = 10  # that learn without a text what it is predicted to be

Weighing = Callable[[Bags, np.ndarray], np.ndarray]
"""Bags and the inverse document frequencies (size,) of their features → the values of their columns."""


def _of_length_1(bags: Bags, rarity: np.ndarray) -> np.ndarray:
    values = rarity[bags.columns]
    return values / np.sqrt(np.maximum(bags.sums(values * values), np.finfo(float).tiny))[bags.rows]


def _each_as_one(bags: Bags, rarity: np.ndarray) -> np.ndarray:
    columns = bags.columns
    return ((columns == 0) | (rarity[columns] > 0)).astype(float)  # the first is what all texts have


def _reads(texts: Sequence[str]) -> int:
    return sum(map(len, texts)) * TYPICAL


_WEIGHINGS: Mapping[str, Weighing] = {"of length 1": _of_length_1, "each as one": _each_as_one}


@dataclass(frozen=True)
class Ridge:
    """The model: `centre` is the mean of the numbers; weights and rarity (F + 1,) are those of the features, the first
    of which has place 1; a rarity of 0 leaves one out. weighing: one of `_WEIGHINGS`."""

    name: ClassVar[str] = "linear"

    features: Sequence[str]
    weights: np.ndarray
    rarity: np.ndarray
    centre: float
    weighing: str
    penalty: float
    kind: Kind

    @classmethod
    def of(cls, texts: Sequence[str], numbers: np.ndarray, kind: Kind) -> Ridge:
        """Return the model of the numbers (N,) of texts, or of a sample of them, since too many would take too long."""
        chosen = sampled(numbers.tolist(), _reads(texts))
        texts, numbers = [texts[i] for i in chosen], numbers[chosen]
        places = places_of(texts, kind)
        bags = Bags.of(texts, places, kind)
        rarity = 1 + logs((len(bags) + 1) / (bags.counts(np.ones(len(bags), bool)) + 1))
        rarity[0] = 0.0  # the mean takes its place
        of_words = rarity * np.array([True, *(PAIR not in feature for feature in places)])
        made = [
            cls(list(places), np.zeros(len(rarity)), rare, 0.0, way, 0.0, kind)
            for way in _WEIGHINGS
            for rare in (rarity, of_words)
        ]

        def wrong(penalty: float, learnt: np.ndarray, fold: np.ndarray) -> np.ndarray:
            tried = (one._learnt(bags, numbers, learnt, penalty) for one in made)
            missed = [one._predicted(bags)[fold] - numbers[fold] for one in tried]
            return np.array([one @ one for one in missed])

        penalty, found = best(_PENALTIES, len(bags), wrong)
        return made[found]._learnt(bags, numbers, np.arange(len(bags)), penalty)

    def _learnt(self, bags: Bags, numbers: np.ndarray, learnt: np.ndarray, penalty: float) -> Ridge:
        """Return the model that is fitted to the texts of the numbers `learnt`."""
        centre, scale = float(numbers[learnt].mean()), float(numbers[learnt].std()) or 1.0
        values = _WEIGHINGS[self.weighing](bags, self.rarity)
        w = fitted(bags, values, learnt, (numbers - centre) / scale, penalty, hinged=False)
        return replace(self, weights=w * scale, centre=centre, penalty=penalty)

    def _predicted(self, bags: Bags) -> np.ndarray:
        values = _WEIGHINGS[self.weighing](bags, self.rarity)
        return np.asarray(self.centre + bags.sums(self.weights[bags.columns] * values))

    def answers(self, texts: Sequence[str]) -> np.ndarray:
        """Return the numbers (N,) of texts."""
        return self._predicted(self._bags(texts))

    def answers_left_out(self, texts: Sequence[str], numbers: np.ndarray) -> np.ndarray:
        """Return the numbers (N,) of the texts that the model was made from, each by a model of other texts alone."""
        bags, found, some = self._bags(texts), np.empty(len(texts)), few(numbers.tolist(), _FOLDS * _reads(texts))
        for others, fold in folds_of(len(texts), min(_FOLDS, len(texts))):
            learnt = np.intersect1d(others, some)
            found[fold] = self._learnt(bags, numbers, learnt, self.penalty)._predicted(bags)[fold]
        return found

    def _bags(self, texts: Sequence[str]) -> Bags:
        return Bags.of(texts, {feature: place for place, feature in enumerate(self.features, start=1)}, self.kind)

    def to_header(self) -> dict[str, Any]:
        return {**asdict(self), "weights": self.weights.tolist(), "rarity": self.rarity.tolist()}

    @classmethod
    def from_header(cls, header: Mapping[str, Any]) -> Ridge:
        size = len(typed(list[str], header["features"], "features")) + 1
        made = typed(cls, header, "ridge", **{name: array(header[name], name, size) for name in ("weights", "rarity")})
        if made.weighing not in _WEIGHINGS:
            raise ValueError("its texts are weighed in no way")
        return made
