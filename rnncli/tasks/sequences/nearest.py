"""The nearest neighbour of sequences of numbers: step by step, and by dynamic time warping."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np

from rnncli.data.numeric import by_itself, whole_series
from rnncli.tasks.sequences.examples import Examples
from rnncli.tasks.sequences.gaps import completed, means_of
from rnncli.tasks.sequences.sample import sample, told
from rnncli.tasks.warped import Series, found_by_warping

_SHARES = (0.0, 0.03, 0.1)  # of a sequence's length: windows to choose from, as the archive's learned one
_MOST = 4e9  # numbers compared at each of both stages; a second compares about 5·10⁸


def nearest(train: Examples, held_out: Examples) -> np.ndarray:
    """Return (N,), the number of the nearest training sequence for each held-out one, by Euclidean distance of values
    divided by their standard deviation and resampled to one length. Missing values are interpolated.
    """
    of_train, of_others = _in_one_unit(train, held_out)
    n = round(float(np.mean([len(values) for values in of_train])))
    seen = np.stack([_resampled(values, n) for values in of_train])
    found = []
    for values in of_others:
        asked = _resampled(values, n)
        found.append(int(((seen - asked) ** 2).sum(axis=(1, 2)).argmin()))
    return np.array(found)


def nearest_warped(
    train: Examples, held_out: Examples, answers: Sequence[Any], miss: Callable[[Any, Any], float]
) -> np.ndarray:
    """Return (N,), the number of the nearest training sequence for each held-out one, by dynamic time warping of values
    divided by their standard deviation: that of the training split, or each sequence's own about its mean.

    Window and scale are those by which the others answer each training sequence best. answers: of the training
    sequences; miss: the cost of the first of two answers where the other is the actual one. Missing values are
    interpolated. Of too many sequences a sample is taken, and windows are judged by samples no larger than that.
    """
    of_train, of_others = _in_one_unit(train, held_out)
    N, M, steps, C = len(of_train), len(of_others), max(map(len, of_train)), of_train[0].shape[1]
    pairs = {share: _MOST / (steps * C * (1 + 2 * share * steps)) for share in _SHARES}  # that can be compared
    by_scale = [
        [Series.of(them) for them in (of_train, of_others)],
        [Series.of(list(map(by_itself, them))) for them in (of_train, of_others)],
    ]

    def cost(way: tuple[list[Series], float]) -> float:
        (seen, _), share = way
        judges = sample(answers, int(max(2, min(pairs[share] / M, (pairs[share] / len(_SHARES)) ** 0.5))))
        found = found_by_warping(seen, judges, seen, judges, share, apart=True)
        both = zip(judges.tolist(), found.tolist(), strict=True)
        return sum(miss(answers[k], answers[i]) for i, k in both) / len(judges)

    (seen, asked), share = min(product(by_scale, _SHARES), key=cost)
    chosen = told(sample(answers, int(max(2, pairs[share] / M))), N, "the nearest neighbour by DTW")
    return found_by_warping(seen, chosen, asked, np.arange(M), share, apart=False)


def _in_one_unit(train: Examples, held_out: Examples) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return the values of both without gaps, divided by the standard deviation of the training split's."""
    assert train.values is not None
    assert held_out.values is not None
    means = means_of(train.values)
    of_train, of_others = (
        [completed(x, "interpolate", means) for x in them.values or ()] for them in (train, held_out)
    )
    _, unit = whole_series(np.concatenate(of_train))
    return [x / unit for x in of_train], [x / unit for x in of_others]


def _resampled(values: np.ndarray, n: int) -> np.ndarray:
    """Return the values at n equally spaced places, (n, C), interpolated linearly between the steps."""
    places = np.linspace(0, len(values) - 1, n)
    return np.stack([np.interp(places, np.arange(len(values)), column) for column in values.T], axis=1)
