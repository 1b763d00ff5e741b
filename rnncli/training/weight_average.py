"""An exponential moving average of the weights, beside those that are trained.

After t updates the weights after update k count dᵗ⁻ᵏ(1 − d)/(1 − dᵗ), d being `training.weight_averaging`: corrected as
Adam's moments are, so that the random first weights have no part in it. An average that started with them would after
1,000 updates at d = 0.999 still be to 37% of them.
"""

from __future__ import annotations

import numpy as np

from rnncli.kernels import optimizers
from rnncli.training.backpropagation import ThreadPool


class WeightAverage:
    """The average of `weights` (P,), whose values are `values` (P,); power: dᵗ, by repeated products."""

    def __init__(self, decay: float, weights: np.ndarray, pool: ThreadPool):
        self.decay, self.weights, self.pool = decay, weights, pool
        self.values = np.zeros_like(weights)
        self.power = 1.0

    def add(self) -> None:
        """Take in the weights as they are after an update."""
        self.power *= self.decay
        take = self.weights.dtype.type((1 - self.decay) / (1 - self.power))
        size = self.weights.size

        def block(first: int, last: int) -> None:
            mine = slice(first * optimizers.BLOCK, last * optimizers.BLOCK)
            optimizers.average(self.values[mine], self.weights[mine], take)

        self.pool.over_blocks(-(-size // optimizers.BLOCK), block, nanoseconds=0.3 * size)

    def restore(self, values: np.ndarray, power: float) -> None:
        self.values[...] = values
        self.power = power
