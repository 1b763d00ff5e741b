"""One window through the network on all threads: forward, loss, backward, weight gradients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from rnncli.kernels import forecast_losses, losses
from rnncli.nn.network import Model
from rnncli.training.threads import MULTIPLY_ADDS, ThreadPool


@dataclass(frozen=True)
class Loss:
    """A loss kernel of `rnncli.kernels`, what it is counted in, and the arguments that it wants behind the targets."""

    kernel: Callable[..., None]
    unit: str
    absurd: float  # a mean beyond which no weights come back
    arguments: tuple[Any, ...] = ()


# A uniform guess over the largest vocabulary costs 11 nats.
CROSS_ENTROPY = Loss(losses.softmax_cross_entropy, "nats per token", 1e4)
# Scaled by a calm window, a healthy series may leap a thousand scales: no bound but what float32 can square.
SQUARED_ERROR = Loss(forecast_losses.squared_error, "squared error in scaled units", 1e30)


class Work(Protocol):
    """What a model computes a batch in; see `Model.forward`."""

    outputs: np.ndarray

    @property
    def T(self) -> int: ...

    @property
    def B(self) -> int: ...


@dataclass(frozen=True)
class Sample:
    """A batch to look at: filled, from its start state, without dropout; `count` as in `Backpropagation.gradient`."""

    work: Any
    targets: np.ndarray
    count: int


class Runner:
    """Runs one model on a pool of threads."""

    def __init__(self, network: Model, pool: ThreadPool):
        self.network, self.pool = network, pool

    def forward(self, work: Work) -> None:
        """The window's outputs."""
        self._compose_words(work)
        self.pool.over_batch(work.B, lambda low, high: self.network.forward(work, low, high), self._nanoseconds(work))

    def _compose_words(self, work: Work) -> None:
        if words := self.network.words_of(work):
            self.pool.over_batch(words.count, words.forward, self._nanoseconds(work))

    def _nanoseconds(self, work: Work) -> float:
        """What a forward pass takes on one thread, roughly."""
        return work.T * work.B * self.network.parameters.weights.size / MULTIPLY_ADDS


class Backpropagation(Runner):
    """Drives one model with one loss on a pool of threads."""

    def __init__(self, network: Model, loss: Loss, pool: ThreadPool):
        super().__init__(network, pool)
        self.loss = loss

    def gradient(self, work: Work, targets: np.ndarray, count: int) -> float:
        """The summed loss of the window; the gradient of its mean over `count` is left in the parameters.

        targets: (T − head_from, B) tokens, or (T − head_from, B, K) values, NaN where unknown and not counted; with a
        pooling (1, B) or (1, B, K).
        """
        loss, forward = self.states(work, targets, count), self._nanoseconds(work)
        if words := self.network.words_of(work):
            self.pool.over_shares(words.collect, forward)
            self.pool.over_batch(words.count, words.backward, forward)
        self.pool.over_shares(lambda share: self.network.weight_gradients(work, share), forward)
        self.network.finish_gradients()
        return loss

    def states(self, work: Work, targets: np.ndarray, count: int, **how: bool) -> float:
        """As `gradient`, but only as far as the states' gradients; `how` is for the model's `backward`."""
        per_step = np.zeros(work.outputs.shape[:2])
        weight = self.network.dtype.type(1.0 / count)

        def shard(low: int, high: int) -> None:
            self.network.forward(work, low, high)
            self.loss.kernel(work.outputs, targets, *self.loss.arguments, per_step, weight, low, high)
            self.network.backward(work, low, high, **how)

        self._compose_words(work)
        self.pool.over_batch(work.B, shard, 2 * self._nanoseconds(work))
        return float(losses.total(per_step))

    def evaluate(self, work: Work, targets: np.ndarray) -> float:
        """The summed loss of the window, without a gradient."""
        per_step = np.zeros(work.outputs.shape[:2])
        weight = self.network.dtype.type(1.0)

        def shard(low: int, high: int) -> None:
            self.network.forward(work, low, high)
            self.loss.kernel(work.outputs, targets, *self.loss.arguments, per_step, weight, low, high)

        self._compose_words(work)
        self.pool.over_batch(work.B, shard, self._nanoseconds(work))
        return float(losses.total(per_step))
