"""Dynamic evaluation (Krause, Kahembwe, Murray and Renals, 2018): a model that learns from a text as it reads it.

Each segment is scored with the weights as they are, and only then learnt from, so that no token is scored by a model
that has seen it. With g the gradient of the segment's mean loss, s = √(mean of g² over the segments so far), θ₀ the
trained weights, and the mean over all weights written ⟨s⟩,

    θ ← θ − η·g / (s + ε⟨s⟩) + min(1, λ·s/⟨s⟩)·(θ₀ − θ).

The paper takes s from the training split, which a model file does not have; the first segments are therefore measured
and not learnt from.
"""

from __future__ import annotations

import numpy as np

from rnncli.nn.network import Network
from rnncli.nn.workspace import LayerState, Workspace
from rnncli.training.backpropagation import CROSS_ENTROPY, Backpropagation, ThreadPool

SEGMENT = 20  # tokens
MEASURED = 10  # segments
RATE, DECAY, EPSILON = 1e-3, 2e-2, 1.0  # η, λ, ε


class LearningReading:
    """Reads one text with carried state, and learns from it; `first` is as of `StreamReading`.

    The network is changed.
    """

    def __init__(self, network: Network, pool: ThreadPool, first: int | None = None):
        self.network, self.driver = network, Backpropagation(network, CROSS_ENTROPY, pool)
        self._before = first
        self._work: Workspace = network.workspace(SEGMENT, 1, SEGMENT, training=False)
        self._state: list[LayerState] = self._work.state(0)
        self._segment: list[int] = []  # what has been read of the segment, which is not learnt from yet
        weights = network.parameters.weights
        self._trained = weights.copy()
        self._squares = np.zeros_like(weights)
        self._segments = 0

    def nats(self, ids: np.ndarray) -> np.ndarray:
        """Return the nats (N,) of the tokens `ids` (N,), and learn from each segment that they make whole."""
        found = np.full(len(ids), np.nan)
        at = 0
        if self._before is None and len(ids):
            self._before, at = int(ids[0]), 1
        while at < len(ids):
            count = min(SEGMENT - len(self._segment), len(ids) - at)
            self._segment += ids[at : at + count].tolist()
            losses = self._losses()
            found[at : at + count] = losses[-count:]
            at += count
            if len(self._segment) == SEGMENT:
                self._learn()
        return found

    def _losses(self) -> np.ndarray:
        """Return the nats of the segment's tokens, and leave the gradient of their sum where `_learn` takes it."""
        T = len(self._segment)
        work = self._work.first(T, 0)
        work.set_state(self._state)
        targets = np.array(self._segment, np.int32)[:, None]
        work.tokens[0] = self._before
        work.tokens[1:] = targets[:-1]
        return self.driver.losses_of(work, targets)[:, 0]

    def _learn(self) -> None:
        work, parameters = self._work.first(SEGMENT, 0), self.network.parameters
        following = work.state(SEGMENT)
        self.driver.pool.over_batch(1, lambda low, high: self.network.backward(work, low, high))
        self.driver.pool.over_shares(lambda share: self.network.weight_gradients(work, share))
        self.driver.pool.over_shares(self.network.finish_gradients)
        gradient = parameters.gradient / SEGMENT
        self._segments += 1
        self._squares += (gradient * gradient - self._squares) / self._segments
        if self._segments > MEASURED:
            size = np.sqrt(self._squares)
            mean = size.mean()
            if mean > 0:
                weights = parameters.weights
                weights -= RATE * gradient / (size + EPSILON * mean)
                weights += np.minimum(DECAY * size / mean, 1) * (self._trained - weights)
                self.network.pack()
        self._state, self._before, self._segment = following, self._segment[-1], []
