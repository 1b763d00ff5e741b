"""Poolings of the top layer's steps into one vector per sequence. A new one is a class and a line in POOLINGS.

last        the output of the sequence's last step; for the backward direction, of its first
mean, max   the mean or maximum of each feature over the sequence's steps
attention   a mean weighted by softmax(query·y_t), the query learnt
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rnncli.kernels import pooling
from rnncli.kernels.buffers import zeros
from rnncli.nn.parameters import POOLING, POOLING_BELOW, Parameter, Part, Share, within


@dataclass
class PoolingWork:
    """The arrays of a pooling: pooled, dpooled (1, B, F); for its gradient, steps (B, F), weights, dscores (T, B)."""

    pooled: np.ndarray
    dpooled: np.ndarray
    steps: np.ndarray
    weights: np.ndarray
    dscores: np.ndarray

    @classmethod
    def plan(cls, T: int, B: int, F: int, dtype: np.dtype) -> PoolingWork:
        return cls(
            zeros((1, B, F), dtype),
            zeros((1, B, F), dtype),
            zeros((B, F), np.int32),
            zeros((T, B), dtype),
            zeros((T, B), dtype),
        )

    def first(self, T: int) -> PoolingWork:
        return PoolingWork(self.pooled, self.dpooled, self.steps, self.weights[:T], self.dscores[:T])


class Pooling(Part):
    """A pooling of F features; those of the backward direction begin at `half`. Most poolings have no weights.

    layer: the layer that is pooled, None for the topmost.
    """

    def __init__(self, F: int, half: int, layer: int | None = None):
        self.F, self.half = F, half

    def forward(self, y: np.ndarray, lengths: np.ndarray, work: PoolingWork, low: int, high: int) -> None:
        """Compute work.pooled from y (T, B, F)."""
        raise NotImplementedError

    def backward(
        self, y: np.ndarray, lengths: np.ndarray, work: PoolingWork, dy: np.ndarray, low: int, high: int
    ) -> None:
        """Compute all of dy (T, B, F) from work.dpooled."""
        raise NotImplementedError

    def weight_gradients(self, y: np.ndarray, work: PoolingWork, share: Share) -> None:
        pass


class Last(Pooling):
    def forward(self, y: np.ndarray, lengths: np.ndarray, work: PoolingWork, low: int, high: int) -> None:
        pooling.last(y, lengths, self.half, work.pooled, low, high)

    def backward(
        self, y: np.ndarray, lengths: np.ndarray, work: PoolingWork, dy: np.ndarray, low: int, high: int
    ) -> None:
        pooling.last_grad(work.dpooled, lengths, self.half, dy, low, high)


class Mean(Pooling):
    def forward(self, y: np.ndarray, lengths: np.ndarray, work: PoolingWork, low: int, high: int) -> None:
        pooling.mean(y, lengths, work.pooled, low, high)

    def backward(
        self, y: np.ndarray, lengths: np.ndarray, work: PoolingWork, dy: np.ndarray, low: int, high: int
    ) -> None:
        pooling.mean_grad(work.dpooled, lengths, dy, low, high)


class Max(Pooling):
    def forward(self, y: np.ndarray, lengths: np.ndarray, work: PoolingWork, low: int, high: int) -> None:
        pooling.maximum(y, lengths, work.pooled, work.steps, low, high)

    def backward(
        self, y: np.ndarray, lengths: np.ndarray, work: PoolingWork, dy: np.ndarray, low: int, high: int
    ) -> None:
        pooling.maximum_grad(work.dpooled, work.steps, dy, low, high)


class Attention(Pooling):
    def __init__(self, F: int, half: int, layer: int | None = None):
        super().__init__(F, half, layer)
        name, stream = (
            ("pooling.weight", POOLING) if layer is None else (f"pooling.weight_l{layer}", POOLING_BELOW + layer)
        )
        self.query = Parameter(name, (F,), within(1.0 / math.sqrt(F), stream))
        self.declared = (self.query,)

    def forward(self, y: np.ndarray, lengths: np.ndarray, work: PoolingWork, low: int, high: int) -> None:
        pooling.attention(y, lengths, self.query.value, work.pooled, work.weights, low, high)

    def backward(
        self, y: np.ndarray, lengths: np.ndarray, work: PoolingWork, dy: np.ndarray, low: int, high: int
    ) -> None:
        pooling.attention_grad(work.dpooled, y, lengths, self.query.value, work.weights, work.dscores, dy, low, high)

    def weight_gradients(self, y: np.ndarray, work: PoolingWork, share: Share) -> None:
        pooling.query_gradient(share.part(y), share.part(work.dscores), self.query.gradient, *share.split(self.F))


POOLINGS: dict[str, Callable[[int, int, int | None], Pooling]] = {
    "last": Last,
    "mean": Mean,
    "max": Max,
    "attention": Attention,
}
