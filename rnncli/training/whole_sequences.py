"""Training on whole sequences in batches of nearly equal length, and their outputs, for one network of one stack."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rnncli.nn.network import Network
from rnncli.nn.workspace import Workspace
from rnncli.training.backpropagation import Backpropagation, Loss, Runner, Sample, ThreadPool
from rnncli.training.batches import Batches, Stateless, by_length, place_sequences
from rnncli.training.reports import Figure
from rnncli.training.room import Room, drawn

Draw = tuple[int, int]  # in training, the seed and the update, which determine the dropout and what else is drawn


class Windows:
    """Workspaces for batches of sequences for which there is `room`, filled with the inputs of the network.

    Sequences are token numbers (n,) or values (n, I).
    """

    def __init__(self, network: Network, room: Room[Workspace]):
        self.network, self.room = network, room

    def filled(
        self, inputs: Sequence[np.ndarray], draw: Draw | None = None, bases: Sequence[np.ndarray] | None = None
    ) -> Workspace:
        """Return a workspace filled with these sequences, which come longest first.

        bases: for each sequence, the values (O,) that the network corrects.
        """
        lengths = np.array([len(x) for x in inputs])
        shape = self.network.shape
        apart = shape.dropout > 0 or shape.recurrence.draws or self.network.words is not None

        def plan(T: int) -> Workspace:
            head_steps = 1 if self.network.pooling else T
            return self.network.workspace(T, len(inputs), head_steps, training=draw is not None)

        work = self.room.workspace(len(inputs), draw is not None and apart, lengths, plan).ragged(lengths)
        work.clear_state()
        work.base = None if bases is None else np.stack(bases)
        if draw:
            self.network.set_dropout(work, *draw)
        self.place(inputs, work, draw)
        return work

    def place(self, inputs: Sequence[np.ndarray], work: Workspace, draw: Draw | None) -> None:
        """Write these sequences into `work`."""
        place_sequences(inputs, work.tokens if self.network.shape.token_input else work.x)

    def outputs(
        self, runner: Runner, inputs: Sequence[np.ndarray], B: int, bases: Sequence[np.ndarray] | None = None
    ) -> list[np.ndarray]:
        """Return the outputs for each sequence, B at a time: (O,), or (n, O) if the network answers for every step."""
        outputs: list[np.ndarray] = [np.zeros(0)] * len(inputs)
        for chosen in by_length([len(x) for x in inputs], B, self.room):
            work = self.filled(picked(inputs, chosen), bases=None if bases is None else picked(bases, chosen))
            runner.forward(work)
            for b, i in enumerate(chosen):
                outputs[i] = np.array(work.outputs[0, b] if work.pooling else work.outputs[: len(inputs[i]), b])
        return outputs


class WholeSequencesLearner(Stateless):
    """Trains a network on whole sequences; `judge` returns the figure of its current weights, if there is any.

    train, valid: data with `inputs`, sequences as `Windows` take them. A task says what a batch of them is (`batch`),
    and the number of answers that a loss is the mean of (`terms`).
    """

    train: Any
    valid: Any

    def __init__(
        self,
        train: Any,
        valid: Any,
        windows: Windows,
        *,
        loss: Loss,
        batch_size: int,
        seed: int,
        pool: ThreadPool,
        judge: Callable[[], Figure | None],
    ):
        self.network, self.train, self.valid, self.seed, self.judge = windows.network, train, valid, seed, judge
        self.batches = Batches([len(x) for x in train.inputs], batch_size, seed)
        pool.ranks.require_batches(self.batches.B)
        self.updates_per_epoch = self.batches.per_epoch
        self.loss, self.windows = loss, windows
        self.backpropagation = Backpropagation(self.network, loss, pool)

    def batch(self, data: Any, chosen: np.ndarray, draw: Draw | None = None) -> Sample:
        """Return a batch of the chosen sequences with their targets."""
        raise NotImplementedError

    def terms(self, data: Any, chosen: np.ndarray) -> int:
        """Return the number of answers of the chosen sequences."""
        raise NotImplementedError

    def gradient(self, update: int) -> tuple[float, int]:
        pieces = self._pieces(update)
        count = self.terms(self.train, np.concatenate(pieces))

        def gradient(piece: tuple[np.ndarray, int]) -> float:
            chosen, draw = piece
            sample = self.batch(self.train, chosen, (self.seed, draw))
            return self.backpropagation.gradient(sample.work, sample.targets, count)

        draws = drawn(update, len(pieces))
        return self.backpropagation.gradient_in_pieces(list(zip(pieces, draws, strict=True)), gradient), count

    def sample(self, update: int, *, carried: bool = False) -> Sample:
        """Return the batch of an update, or the piece of it that has the longest sequence."""
        return self.batch(self.train, self._pieces(update)[0])

    def _pieces(self, update: int) -> list[np.ndarray]:
        return self.windows.room.pieces(self.batches.of_update(update), self.batches.lengths)

    def validate(self) -> tuple[float, int]:
        total, counted = 0.0, 0
        for chosen in by_length([len(x) for x in self.valid.inputs], self.batches.B, self.windows.room):
            sample = self.batch(self.valid, chosen)
            total += self.backpropagation.evaluate(sample.work, sample.targets)
            counted += sample.count
        return (total, counted) if counted else (float("nan"), 0)

    def figure(self) -> Figure | None:
        return self.judge()

    def outputs(self, inputs: Sequence[np.ndarray], bases: Sequence[np.ndarray] | None = None) -> list[np.ndarray]:
        """Return the outputs for each sequence: (O,), or (n, O) if the network answers for every step."""

        def outputs(some: Sequence[int]) -> list[np.ndarray]:
            own = None if bases is None else picked(bases, some)
            return self.windows.outputs(self.backpropagation, picked(inputs, some), self.batches.B, own)

        return self.backpropagation.pool.ranks.shared(range(len(inputs)), outputs)


def picked(items: Sequence[np.ndarray], chosen: np.ndarray | Sequence[int]) -> list[np.ndarray]:
    return [items[i] for i in chosen]
