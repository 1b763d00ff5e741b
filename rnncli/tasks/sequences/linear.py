"""Linear models of texts for their labels: on bags of words and pairs of words, or of runs of three characters.

A label against the rest is the support vector machine on log-count ratios of naive Bayes of Wang and Manning (2012).
The penalty is the one that predicts folds of the training split best.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from rnncli.data.text import Kind
from rnncli.kernels import linear
from rnncli.tasks.sequences.naive_bayes import PAIR, features_of, logs
from rnncli.tasks.sequences.sample import sample, told

_PENALTIES = (0.5, 1.5, 5.0, 15.0)  # of labels: 1 / (2·C) of Wang and Manning
_USUAL = 5.0  # where there is too much to choose one
_FOLDS = 3
_SEED = 1
_KEPT = (0.25, 1.0)  # shares of each weight to choose from; the rest is the mean size of all, which is naive Bayes
_EPOCHS = 100
TYPICAL = 30  # epochs
_TOLERANCE = 0.02
_MOST = 8_000_000_000  # characters read in all; a second reads about 2·10⁹


@dataclass(frozen=True)
class Bags:
    """The features of N texts: those of text i are columns[starts[i]:starts[i + 1]], each once, below `size`.

    Column 0 is a feature that every text has.
    """

    starts: np.ndarray
    columns: np.ndarray
    size: int

    @classmethod
    def of(cls, texts: Sequence[str], places: dict[str, int], kind: Kind) -> Bags:
        """Return the bags of the features that have a place."""
        bags = [{0} | {places[f] for f in features_of(text, kind, pairs=True) if f in places} for text in texts]
        starts = np.cumsum([0, *map(len, bags)])
        return cls(starts, np.array([place for bag in bags for place in sorted(bag)]), len(places) + 1)

    def __len__(self) -> int:
        return len(self.starts) - 1

    @cached_property
    def rows(self) -> np.ndarray:
        """The text of each of the columns."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Return the sum (N,) over each text's features of values, one for each of the columns."""
        return np.bincount(self.rows, values, len(self))

    def counts(self, chosen: np.ndarray) -> np.ndarray:
        """Return how many of the texts with a flag (N,) have each feature, (size,)."""
        return np.bincount(self.columns[chosen[self.rows]], minlength=self.size)


def bags_of(texts: Sequence[str], asked: Sequence[str], kind: Kind) -> tuple[Bags, Bags]:
    """Return the bags of training texts and of others, with the features that training texts have."""
    places = places_of(texts, kind)
    return Bags.of(texts, places, kind), Bags.of(asked, places, kind)


def places_of(texts: Sequence[str], kind: Kind) -> dict[str, int]:
    """Return the column, from 1, of each feature of the texts; pairs of words are features if two of the texts have
    them."""
    seen = Counter(f for text in texts for f in dict.fromkeys(features_of(text, kind, pairs=True)))
    kept = (f for f, count in seen.items() if count > 1 or PAIR not in f)
    return {f: place for place, f in enumerate(kept, start=1)}


def labels(
    texts: Sequence[str], labels: Sequence[Collection[int]], count: int, asked: Sequence[str], kind: Kind
) -> Iterator[np.ndarray]:
    """Yield for each of `count` labels the margins (M,) of the texts `asked`, which are positive where they have it.

    labels: the numbers of those that each of `texts` has.
    """
    single = all(len(mine) == 1 for mine in labels)
    mirrored = single and count == 2  # each is the rest of the other
    reads = sum(map(len, texts)) * (1 if mirrored else count) * TYPICAL
    chosen = sampled([tuple(mine) for mine in labels], reads)
    texts, labels = [texts[i] for i in chosen], [labels[i] for i in chosen]
    seen, others = bags_of(texts, asked, kind)
    has = np.zeros((len(seen), count), bool)
    has[[i for i, mine in enumerate(labels) for _ in mine], [k for mine in labels for k in mine]] = True
    has = has[:, 1:] if mirrored else has
    log = logs(np.arange(len(seen) + 2))

    def margins(of: np.ndarray, penalty: float, learnt: np.ndarray, bags: Bags) -> np.ndarray:
        return _margins(seen, of, penalty, learnt, log, bags)

    def wrong(penalty: float, learnt: np.ndarray, fold: np.ndarray) -> np.ndarray:
        found = np.stack([margins(of, penalty, learnt, seen)[:, fold] for of in has.T], axis=2)
        if single and not mirrored:
            return (~np.take_along_axis(has[None, fold], found.argmax(axis=2)[..., None], 2)).sum(axis=(1, 2))
        return ((found > 0) != has[fold]).sum(axis=(1, 2))

    many = reads * len(_PENALTIES) * (_FOLDS - 1) > _MOST
    penalty, kept = (_USUAL, 0) if many else best(_PENALTIES, len(seen), wrong)
    made = (margins(of, penalty, np.arange(len(seen)), others)[kept] for of in has.T)
    return (side for one in made for side in (-one, one)) if mirrored else made


def sampled(answers: Sequence[Any], reads: int) -> np.ndarray:
    """Return `few` of the texts with these answers; a note tells if they are not all."""
    return told(few(answers, reads), len(answers), "the linear model")


def few(answers: Sequence[Any], reads: int) -> np.ndarray:
    """Return the numbers of as many texts with these answers as can be learnt from; all of them take so many reads."""
    return sample(answers, len(answers) * _MOST // max(reads, 1))


def _margins(
    seen: Bags, has: np.ndarray, penalty: float, learnt: np.ndarray, log: np.ndarray, asked: Bags
) -> np.ndarray:
    """Return the margins (K, M) of the texts `asked` with each share of `_KEPT`, learnt from the texts of the numbers
    `learnt`, some of which have the label. log: the logarithms of whole numbers from 0.
    """
    flags = np.zeros(len(seen), bool)
    flags[learnt] = True
    own, rest = seen.counts(flags & has) + 1, seen.counts(flags & ~has) + 1
    ratios = log[own] - log[rest] - logs(own.sum() / rest.sum())
    ratios[0] = 1.0
    w = fitted(seen, ratios[seen.columns], learnt, np.where(has, 1.0, -1.0), penalty, hinged=True)
    size = np.append(0.0, np.full(len(w) - 1, np.abs(w[1:]).sum() / max(1, len(w) - 1)))
    each = (np.append(w[0], share * w[1:]) + (1 - share) * size for share in _KEPT)
    return np.stack([asked.sums((one * ratios)[asked.columns]) for one in each])


def fitted(
    bags: Bags, values: np.ndarray, learnt: np.ndarray, y: np.ndarray, penalty: float, *, hinged: bool
) -> np.ndarray:
    """Return the weights (size,) that are fitted to the answers y (N,) of the texts of the numbers `learnt`.

    values: of the bags' columns. hinged: fit the margins of a support vector machine, y being 1 or −1, or else y itself
    by least squares.
    """
    w, dual = np.zeros(bags.size), np.zeros(len(bags))
    linear.fit(bags.starts, bags.columns, values, learnt, y, penalty, hinged, w, dual, _EPOCHS, _TOLERANCE)
    return w


def best(
    penalties: Sequence[float], N: int, wrong: Callable[[float, np.ndarray, np.ndarray], np.ndarray]
) -> tuple[float, int]:
    """Return the penalty, and the number of the further choice (K,), with the least errors on folds of N examples.

    wrong: returns the errors (K,) on a fold, given a penalty, the numbers of the other examples and its own.
    """
    errors = np.array([sum(wrong(penalty, *both) for both in folds_of(N, _FOLDS)) for penalty in penalties])
    best, choice = np.unravel_index(errors.argmin(), errors.shape)
    return penalties[int(best)], int(choice)


def folds_of(N: int, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return so many ways to part N examples: the numbers of those to learn from, and of the others."""
    drawn = np.random.Generator(np.random.PCG64(_SEED)).permutation(N) % count  # neighbours may be alike
    return [(np.flatnonzero(drawn != k), np.flatnonzero(drawn == k)) for k in range(count)]
