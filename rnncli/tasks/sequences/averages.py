"""Outputs that stand for those of several networks: what they answer is the mean of the probabilities of all.

Networks that err in different places correct each other so; the mean of their probabilities is the probability that a
network answers so which is drawn from them (a linear opinion pool; Lakshminarayanan et al., 2017, "deep ensembles").
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnncli.kernels import losses


def outputs_of_one(outputs: Sequence[np.ndarray]) -> np.ndarray:
    """Return outputs (L,) whose softmax is the mean of those of all outputs (L,)."""
    return outputs_of([softmax_of(output) for output in outputs])


def outputs_of_sets(outputs: Sequence[np.ndarray]) -> np.ndarray:
    """Return outputs (L,) whose logistic function is the mean of those of all outputs (L,), label by label."""
    chances, others = ([sigmoids_of(sign * output) for output in outputs] for sign in (1, -1))
    return outputs_of(chances) - outputs_of(others)


def outputs_of(chances: Sequence[np.ndarray]) -> np.ndarray:
    """Return the logarithms of the mean of these probabilities, arrays of one shape."""
    mean: np.ndarray = sum(chances[1:], chances[0].copy()) / len(chances)
    losses.logs(mean.reshape(-1))
    return mean


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
