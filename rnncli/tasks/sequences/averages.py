"""Outputs that stand for those of several networks: what they answer is the mean of the probabilities of all.

Networks that err in different places correct each other so; the mean of their probabilities is the probability that a
network answers so which is drawn from them (a linear opinion pool; Lakshminarayanan et al., 2017, "deep ensembles").
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnncli.kernels import losses

SHARES = [k / 20 for k in range(1, 20)]


def outputs_of_one(outputs: Sequence[np.ndarray], weights: Sequence[float] | None = None) -> np.ndarray:
    """Return outputs (L,) whose softmax is the mean of those of all outputs (L,), weighted if there are weights."""
    return outputs_of([softmax_of(output) for output in outputs], weights)


def outputs_of_sets(outputs: Sequence[np.ndarray]) -> np.ndarray:
    """Return outputs (L,) whose logistic function is the mean of those of all outputs (L,), label by label."""
    chances, others = ([sigmoids_of(sign * output) for output in outputs] for sign in (1, -1))
    return outputs_of(chances) - outputs_of(others)


def outputs_of(chances: Sequence[np.ndarray], weights: Sequence[float] | None = None) -> np.ndarray:
    """Return the logarithms of the mean of these probabilities, arrays of one shape; weights, if any, add up to 1."""
    terms = chances if weights is None else [w * one for w, one in zip(weights, chances, strict=True)]
    mean: np.ndarray = sum(terms[1:], terms[0].copy())
    if weights is None:
        mean /= len(chances)
    losses.logs(mean.reshape(-1))
    return mean


def best_share(some: np.ndarray, others: np.ndarray) -> float:
    """Return the share of `some` in the mean of these probabilities (N,) that makes their product highest, together
    with one more of each side that is certain where the other has none (as in Laplace's rule of succession)."""
    some, others = np.append(some, [1, 0]), np.append(others, [0, 1])

    def fit(share: float) -> float:
        chances = share * some + (1 - share) * others
        losses.logs(chances)
        return float(chances.sum())

    return max(SHARES, key=fit)


def weights_of(share: float, count: int) -> list[float]:
    """Return the weights of networks: every second one, the first among them, has as much as each other of `share`, and
    the others of what is left; a single one has all."""
    if count == 1:
        return [1.0]
    of_each = share / ((count + 1) // 2), (1 - share) / (count // 2)
    return [of_each[number % 2] for number in range(count)]


def softmax_of(output: np.ndarray) -> np.ndarray:
    """Return the probabilities (L,) of one label of all."""
    chances = output.copy()
    losses.softmax(chances)
    return chances


def sigmoids_of(output: np.ndarray) -> np.ndarray:
    """Return the probability (L,) of each label by itself."""
    chances = output.copy()
    losses.sigmoids(chances)
    return chances
