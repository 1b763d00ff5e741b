"""Whether one of two sets of answers to the same questions is better than the other, or cannot be told from it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from math import comb

import numpy as np

from rnncli.training.reports import NETWORK

_SEED = 1
FEWEST = 6  # groups: that all of fewer favour one of two equal forecasters happens too often by chance
_SURE = 0.975
_MOST_GROUPS = 500  # are drawn from; of more, neighbours are joined
_SHARED = 0.1  # the correlation of neighbouring blocks of independent rows, of which they share some
_FEW = 100  # groups; of more, Student's t says the same
_ROUNDING = 1e-12  # of the sum of all sizes: a difference below is none


def probability_better(
    a: np.ndarray,
    b: np.ndarray,
    groups: np.ndarray,
    *,
    weights: np.ndarray | None = None,
    seed: int,
    resamples: int = 4000,
) -> float:
    """The probability that errors a (W,) are below errors b (W,) in the mean, in which they have `weights` (W,).

    A paired bootstrap (Efron and Tibshirani, 1993; Koehn, 2004) over groups (W,): answers of the same number
    depend on each other and are drawn together, and numbers that follow each other are those of neighbours (Künsch,
    1989). Answers where an error is NaN are left out; the
    result is 0.5 if none remains, or if the means are equal.

    The mere share of resamples is too sure where groups are few. The difference is therefore taken in units of its
    standard error, as it is in each resample (the bootstrap-t), and held against Student's t as well, with a degree
    of freedom less than there are groups (Ibragimov and Müller, 2010); the less sure of both counts. The standard
    error grows with the correlation of neighbours, which is taken for what shared rows make of it at least. The result
    is kept within what a sign test says (`_by_sign`): answers that are right or wrong may differ in a few groups alone,
    or in all but a few. `tests/bench/verdicts.py` shows how often a verdict is wrong.
    """
    known = ~np.isnan(a - b)
    weights = (np.ones(len(a)) if weights is None else weights)[known]
    difference = weights * (a - b)[known]
    if abs(difference.sum()) <= _ROUNDING * np.abs(difference).sum():
        return 0.5
    numbers, place = np.unique(groups[known], return_inverse=True)
    joined = np.arange(len(numbers)) * min(len(numbers), _MOST_GROUPS) // len(numbers)
    beside = (np.diff(numbers) == 1)[np.diff(joined) == 1]
    sums, sizes = np.bincount(joined[place], difference), np.bincount(joined[place], weights)
    random = np.random.Generator(np.random.PCG64(seed))
    t, drawn = _studentized(sums, sizes, beside, random, resamples)
    by_chance = random.standard_t(max(len(sums) - 1, 1), resamples)
    shares = float((drawn > t).mean()), float(np.concatenate([by_chance > t, -by_chance > t]).mean())
    probability = max(min(shares), 0.5) if t < 0 else min(max(shares), 0.5)
    by_sign = _by_sign(np.bincount(place, difference))
    return float(np.clip(probability, by_sign, 1 - by_sign))


def _by_sign(sums: np.ndarray) -> float:
    """Return the probability that as many of the groups (G,) that differ favour a given one of two equal forecasters:
    that all of them do, where they differ by more or less (McNemar, 1947, in its exact form, where they do not)."""
    differing = sums[sums != 0]
    D, worse = len(differing), np.count_nonzero(differing > 0)
    alike = D <= _FEW and np.ptp(abs(differing)) <= _ROUNDING * abs(differing).max()
    most = max(worse, D - worse) if alike else D
    return sum(comb(D, k) for k in range(most, D + 1)) / 2**D


def _studentized(
    sums: np.ndarray, sizes: np.ndarray, beside: np.ndarray, random: np.random.Generator, resamples: int
) -> tuple[float, np.ndarray]:
    """Return the mean difference in standard errors, and what resamples (n,) give where there is none in truth.

    sums, sizes (G,): the weighted difference and the weight of each group; beside (G − 1,): True where a group and the
    next are neighbours.
    """
    G = len(sums)
    apart = sums - sums.sum() / sizes.sum() * sizes  # from what a group of its size would have at the mean of all
    squares = max(float((apart * apart).sum()), np.finfo(float).tiny)
    pairs = float(beside.sum()) / G
    correlation = float((apart[1:] * apart[:-1])[beside].sum()) / squares + pairs / G  # G deviations from their mean
    t = sums.sum() / np.sqrt(squares * (1 + 2 * max(correlation, _SHARED * pairs)))
    chosen = random.integers(G, size=(resamples, G)) + G * np.arange(resamples)[:, None]
    counts = np.bincount(chosen.ravel(), minlength=resamples * G).reshape(resamples, G)
    total, size = counts @ apart, counts @ sizes
    mean = total / size
    variance = counts @ apart**2 - 2 * mean * (counts @ (apart * sizes)) + mean**2 * (counts @ sizes**2)
    # A resample of groups that are all alike, as where the few that differ are not drawn, tells of no spread: it has
    # at least that of one group.
    variance = np.maximum(variance, squares / G)
    shrunk = np.sqrt(max(G - 1, 1) / G)  # a mean of G is nearer to them than the truth
    return shrunk * float(t), shrunk * total / np.sqrt(variance)


def verdict(probability: float, count: int, noun: str = "group") -> str:
    """Return what the `probability` of being better over so many independent groups, or other things, amounts to."""
    if count >= FEWEST and max(probability, 1 - probability) >= _SURE:
        return "better" if probability >= _SURE else "worse"
    return f"cannot tell, {count:,} {noun}{'' if count == 1 else 's'}"


@dataclass(frozen=True)
class Compared:
    """The errors (W,) of the network, by the name "network", and of each baseline, lower being better, in the mean of
    which each answer has its weight (W,). groups (W,): see `probability_better`. noun: what one of them is.
    """

    errors: Mapping[str, np.ndarray]
    groups: np.ndarray
    weights: np.ndarray
    noun: str

    @classmethod
    def of(
        cls,
        errors: Mapping[str, Sequence[float] | np.ndarray],
        inputs: Sequence[Hashable],
        noun: str,
        weights: Sequence[float] | np.ndarray | None = None,
    ) -> Compared:
        """Return those of answers to `inputs`, of which equal ones depend on each other, and no others do."""
        numbers = {one: 2 * k for k, one in enumerate(dict.fromkeys(inputs))}
        groups = np.array([numbers[one] for one in inputs])
        arrays = {name: np.asarray(one, float) for name, one in errors.items()}
        sizes = np.ones(len(groups)) if weights is None else np.asarray(weights, float)
        return cls(arrays, groups, sizes, noun if len(numbers) == len(groups) else "group")

    @property
    def count(self) -> int:
        """The number of independent groups."""
        return len(np.unique(self.groups))

    def verdicts(self) -> dict[str, str]:
        """Return in words, by the name of each baseline, whether the network is better."""
        found = {}
        for name, errors in self.errors.items():
            if name != NETWORK:
                better = probability_better(self.errors[NETWORK], errors, self.groups, weights=self.weights, seed=_SEED)
                found[name] = verdict(better, self.count, self.noun)
        return found


def joined(folds: Sequence[Compared]) -> Compared:
    """Return the answers of all folds together, beside the baselines that all of them have."""
    names = [name for name in folds[0].errors if all(name in one.errors for one in folds)]
    starts = np.cumsum([0, *(int(one.groups.max()) + 2 for one in folds)])
    return Compared(
        {name: np.concatenate([one.errors[name] for one in folds]) for name in names},
        np.concatenate([one.groups + start for one, start in zip(folds, starts, strict=False)]),
        np.concatenate([one.weights for one in folds]),
        folds[0].noun if len({one.noun for one in folds}) == 1 else "group",
    )
