"""Learning from whole sequences, each with one answer, in batches of nearly equal length."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnncli.kernels import random
from rnncli.models.network import Network
from rnncli.models.workspace import Workspace
from rnncli.training.backpropagation import Backpropagation, Loss
from rnncli.training.threads import ThreadPool

BUCKET = 16  # batches that are drawn together, so that sequences of like length can share one
_SHUFFLE, _BATCHES = 1 << 32, 1 << 33  # of the seed's independent random streams, plus the epoch


class ExampleLearner:
    """A many-to-one network; inputs are token numbers (n,) or values (n, I), targets (N,) or (N, O)."""

    def __init__(
        self, network: Network, inputs: Sequence[np.ndarray], targets: np.ndarray,
        valid: tuple[Sequence[np.ndarray], np.ndarray], *, loss: Loss, batch_size: int, seed: int, pool: ThreadPool,
    ):  # fmt: skip
        self.network, self.inputs, self.targets, self.valid, self.seed = network, inputs, targets, valid, seed
        self.B = min(batch_size, len(inputs))
        self.updates_per_epoch = -(-len(inputs) // self.B)
        self.loss = loss
        self.backpropagation = Backpropagation(network, loss, pool)
        self._lengths = np.array([len(x) for x in inputs])
        self._longest = max(len(x) for x in (*inputs, *valid[0]))
        self._workspaces: dict[tuple[int, bool], Workspace] = {}
        self._batches: tuple[int, list[np.ndarray]] = (-1, [])

    def gradient(self, update: int) -> tuple[float, int]:
        epoch, number = divmod(update, self.updates_per_epoch)
        chosen = self._epoch(epoch)[number]
        work = self._filled([self.inputs[i] for i in chosen], training=True)
        work.dropout_keys = self.network.dropout_keys(self.seed, update)
        targets = np.ascontiguousarray(self.targets[chosen][None])
        return self.backpropagation.gradient(work, targets, targets.size), targets.size

    def validate(self) -> tuple[float, int]:
        inputs, targets = self.valid
        total = 0.0
        for chosen in self._by_length(inputs):
            work = self._filled([inputs[i] for i in chosen], training=False)
            total += self.backpropagation.evaluate(work, np.ascontiguousarray(targets[chosen][None]))
        return (total, targets.size) if len(inputs) else (float("nan"), 0)

    def outputs(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        """(N, O): what the network says of each."""
        said = np.zeros((len(inputs), self.network.shape.output_size), self.network.dtype)
        for chosen in self._by_length(inputs):
            work = self._filled([inputs[i] for i in chosen], training=False)
            self.backpropagation.forward(work)
            said[chosen] = work.outputs[0]
        return said

    def restart(self) -> None:
        pass  # nothing is carried from batch to batch

    def arrays(self) -> dict[str, np.ndarray]:
        return {}  # a batch is a function of the seed and the update

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        pass

    def _epoch(self, epoch: int) -> list[np.ndarray]:
        """The epoch's batches, in random order, each longest first."""
        if self._batches[0] != epoch:
            order = random.shuffled(len(self.inputs), self.seed, _SHUFFLE + epoch)
            batches = []
            for start in range(0, len(order), self.B * BUCKET):
                drawn = order[start : start + self.B * BUCKET]
                drawn = drawn[np.argsort(-self._lengths[drawn], kind="stable")]
                batches += [drawn[i : i + self.B] for i in range(0, len(drawn), self.B)]
            self._batches = epoch, [batches[i] for i in random.shuffled(len(batches), self.seed, _BATCHES + epoch)]
        return self._batches[1]

    def _by_length(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        order = np.argsort([-len(x) for x in inputs], kind="stable")
        return [order[i : i + self.B] for i in range(0, len(order), self.B)]

    def _filled(self, inputs: Sequence[np.ndarray], *, training: bool) -> Workspace:
        """A window of these sequences, longest first."""
        lengths = np.array([len(x) for x in inputs])
        key = (len(inputs), training and self.network.shape.dropout > 0)
        if key not in self._workspaces or self._workspaces[key].T < lengths[0]:
            longest = max(self._longest, int(lengths[0]))
            self._workspaces[key] = self.network.workspace(longest, len(inputs), 1, training=training)
        work = self._workspaces[key].ragged(lengths)
        work.clear_state()
        place = work.tokens if self.network.shape.token_input else work.x
        for b, x in enumerate(inputs):
            place[: len(x), b] = x
            place[len(x) :, b] = 0
        return work
