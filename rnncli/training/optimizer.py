"""Clipping by global norm (Pascanu et al., 2013) and one fused update over the flat parameter buffer.

The gradient of each network of an ensemble is clipped by its own norm, so that it is trained as it would be alone.

Schedules map the share of updates that are done to a factor of `learning_rate`. They use no mathematical library, so
that every machine computes the same value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import accumulate

import numpy as np

from rnncli.config.training_section import TrainingConfig
from rnncli.kernels import optimizers
from rnncli.nn.network import Model
from rnncli.training.backpropagation import ThreadPool

_COSINE_TERMS = 14  # terms of the Taylor series, of which the last is below 1e-21 at π/2


def _cosine_of_pi_times(x: float) -> float:
    """Return cos(πx) for 0 ≤ x ≤ 1 by a Taylor series, which needs only basic arithmetic."""
    flip = x > 0.5
    square = (math.pi * (1.0 - x if flip else x)) ** 2
    term, total = 1.0, 1.0
    for k in range(1, _COSINE_TERMS):
        term *= -square / ((2 * k - 1) * (2 * k))
        total += term
    return -total if flip else total


def constant(done: float) -> float:
    return 1.0


def cosine(done: float) -> float:
    """Return half a cosine, from 1 down to 0 (Loshchilov and Hutter, 2017)."""
    return 0.5 * (1.0 + _cosine_of_pi_times(done))


def step(done: float) -> float:
    """Return 1, then 0.1 after half of the run and 0.01 after three quarters."""
    return 1.0 if done < 0.5 else 0.1 if done < 0.75 else 0.01


SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": constant,
    "cosine": cosine,
    "step": step,
    "plateau": constant,  # the loop halves it when validation stands still, see `Plateau`
}


class Plateau:
    """Halves the learning rate after `WAIT` evaluations in a row without a better validation loss."""

    WAIT = 2

    def __init__(self, active: bool):
        self.active = active
        self.factor = 1.0
        self.waited = 0

    def see(self, improved: bool) -> None:
        self.waited = 0 if improved else self.waited + 1
        if self.active and self.waited >= self.WAIT:
            self.factor *= 0.5
            self.waited = 0


class Optimizer:
    """The optimizer called `name` of a network; its whole state is its moments and bias corrections.

    beta1, beta2, weight_decay: None for the usual ones of this optimizer.
    """

    def __init__(
        self,
        name: str,
        network: Model,
        clip_norm: float | None,
        pool: ThreadPool,
        beta1: float | None = None,
        beta2: float | None = None,
        weight_decay: float | None = None,
    ):
        self.kernel = usual = optimizers.OPTIMIZERS[name]
        self.betas = [
            (usual_one or 0.0) if beta is None else beta
            for beta, usual_one in ((beta1, usual.beta1), (beta2, usual.beta2))
        ]
        self.weight_decay = usual.weight_decay if weight_decay is None else weight_decay
        self.network, self.parameters, self.clip_norm, self.pool = network, network.parameters, clip_norm, pool
        size, dtype = self.parameters.weights.size, self.parameters.weights.dtype
        self.size = size
        self.first = np.zeros(0 if usual.beta1 is None else size, dtype)
        self.second = np.zeros(0 if usual.beta2 is None else size, dtype)
        self._spans = [_spans(one, first) for one, first in zip(network.networks, _starts(network), strict=True)]
        # β₁ᵗ and β₂ᵗ by repeated products: `**` would call the machine's pow.
        self.powers = [1.0, 1.0]

    @classmethod
    def of(cls, training: TrainingConfig, network: Model, pool: ThreadPool) -> Optimizer:
        """Return the optimizer that a config describes."""
        constants = training.beta1, training.beta2, training.weight_decay
        return cls(training.optimizer, network, training.clip_norm, pool, *constants)

    def gradient_norms(self) -> list[float]:
        """Return the Euclidean norm of the whole gradient of each network, that of frozen parameters left out."""
        return [self._norm(spans) for spans in self._spans]

    def _norm(self, spans: Sequence[tuple[slice, int]]) -> float:
        total = 0.0
        for span, blocks in spans:
            for partial in self._squared_norms(self.parameters.gradient[span], blocks):
                total += float(partial)  # in this order, so that the sum does not depend on the threads
        return math.sqrt(total)

    def _squared_norms(self, gradient: np.ndarray, blocks: int) -> np.ndarray:
        sums = np.zeros(blocks)

        def block(first: int, last: int) -> None:
            optimizers.squared_norms(gradient, sums, first, last)

        self.pool.over_blocks(blocks, block, nanoseconds=0.3 * gradient.size)
        return sums

    def update(self, rate: float, norms: Sequence[float]) -> None:
        """Update the weights at learning rate `rate` by the gradients, clipped by the `norms` of each network's; pack
        them anew.
        """
        self.powers = [power * beta for power, beta in zip(self.powers, self.betas, strict=True)]
        kind = self.parameters.weights.dtype.type
        for spans, norm in zip(self._spans, norms, strict=True):
            scale = 1.0 if self.clip_norm is None else min(1.0, self.clip_norm / (norm + 1e-6))
            with np.errstate(over="ignore"):  # the loop sees that the weights are no longer finite
                numbers = [kind(x) for x in (rate, scale, 1 / (1 - self.powers[0]), 1 / (1 - self.powers[1]))]
            for span, blocks in spans:
                self._update(span, blocks, numbers)
        self.pool.over_shares(self.network.pack, nanoseconds=self.size)

    def _update(self, span: slice, blocks: int, numbers: Sequence[np.floating]) -> None:
        every = (self.parameters.weights, self.parameters.gradient, self.first, self.second)
        arrays, (rate, scale, *fixes) = [array[span] for array in every], numbers

        def block(first: int, last: int) -> None:
            mine = slice(first * optimizers.BLOCK, last * optimizers.BLOCK)
            w, g, m, v = (array[mine] for array in arrays)
            if self.weight_decay:
                optimizers.decay(w, rate, w.dtype.type(self.weight_decay))
            self.kernel.update(w, g, m, v, rate, scale, *self.betas, *fixes)

        self.pool.over_blocks(blocks, block, nanoseconds=span.stop - span.start)

    def arrays(self) -> dict[str, np.ndarray]:
        return {"optimizer.first": self.first, "optimizer.second": self.second}

    def restore(self, arrays: dict[str, np.ndarray], powers: list[float]) -> None:
        self.first[...] = arrays["optimizer.first"]
        self.second[...] = arrays["optimizer.second"]
        self.powers = list(powers)


def _starts(network: Model) -> list[int]:
    """Return where the weights of each network of a model begin."""
    sizes = [one.parameters.weights.size for one in network.networks]
    return list(accumulate(sizes[:-1], initial=0))


def _spans(network: Model, first: int) -> list[tuple[slice, int]]:
    """Return the places of the weights that are trained, which begin at `first`, and their numbers of blocks."""
    spans = [slice(first + span.start, first + span.stop) for span in network.parameters.trained]
    return [(span, -(-(span.stop - span.start) // optimizers.BLOCK)) for span in spans]
