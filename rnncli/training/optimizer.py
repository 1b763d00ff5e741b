"""Clipping by global norm (Pascanu et al., 2013) and one fused update over the flat parameter buffer."""

from __future__ import annotations

import math

import numpy as np

from rnncli.kernels import optimizers
from rnncli.nn.network import Model
from rnncli.training.threads import ThreadPool


class Optimizer:
    """The optimizer called `name` over a network; its moments and bias corrections are its whole state."""

    def __init__(self, name: str, network: Model, clip_norm: float | None, pool: ThreadPool):
        self.kernel = optimizers.OPTIMIZERS[name]
        self.network, self.parameters, self.clip_norm, self.pool = network, network.parameters, clip_norm, pool
        size, dtype = self.parameters.weights.size, self.parameters.weights.dtype
        self.size = size
        self.first = np.zeros(size if self.kernel.keeps_first else 0, dtype)
        self.second = np.zeros(size if self.kernel.keeps_second else 0, dtype)
        self.blocks = -(-size // optimizers.BLOCK)
        self._sums = np.zeros(self.blocks)
        # β₁ᵗ and β₂ᵗ by repeated products: `**` would call the machine's pow.
        self.powers = [1.0, 1.0]

    def gradient_norm(self) -> float:
        """The Euclidean norm of the whole gradient."""
        gradient = self.parameters.gradient

        def block(first: int, last: int) -> None:
            optimizers.squared_norms(gradient, self._sums, first, last)

        self.pool.over_blocks(self.blocks, block, nanoseconds=0.3 * self.size)
        total = 0.0
        for partial in self._sums:  # in order, whatever the threads
            total += float(partial)
        return math.sqrt(total)

    def update(self, rate: float, norm: float) -> None:
        """Move the weights against the gradient, whose norm is `norm`, and pack them anew."""
        scale = 1.0 if self.clip_norm is None else min(1.0, self.clip_norm / (norm + 1e-6))
        self.powers = [self.powers[0] * optimizers.BETA_1, self.powers[1] * optimizers.BETA_2]
        kind = self.parameters.weights.dtype.type
        with np.errstate(over="ignore"):  # the loop sees that the weights are no longer finite
            numbers = [kind(x) for x in (rate, scale, 1 / (1 - self.powers[0]), 1 / (1 - self.powers[1]))]
        arrays = (self.parameters.weights, self.parameters.gradient, self.first, self.second)

        def block(first: int, last: int) -> None:
            mine = slice(first * optimizers.BLOCK, last * optimizers.BLOCK)
            self.kernel.update(*(array[mine] for array in arrays), *numbers)

        self.pool.over_blocks(self.blocks, block, nanoseconds=self.size)
        self.pool.over_shares(self.network.pack, nanoseconds=self.size)

    def arrays(self) -> dict[str, np.ndarray]:
        return {"optimizer.first": self.first, "optimizer.second": self.second}

    def restore(self, arrays: dict[str, np.ndarray], powers: list[float]) -> None:
        self.first[...] = arrays["optimizer.first"]
        self.second[...] = arrays["optimizer.second"]
        self.powers = list(powers)
