"""Training on whole sequences, each with one answer or with one for every step, in batches of nearly equal length."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from rnncli.kernels import random
from rnncli.kernels.losses import IGNORED
from rnncli.nn.network import Network
from rnncli.nn.words import Lexicon
from rnncli.nn.workspace import Workspace
from rnncli.tasks.sequences.augmentation import Augmentation
from rnncli.training.backpropagation import Backpropagation, Loss, Runner, Sample, ThreadPool
from rnncli.training.batches import Batches, Stateless, by_length, place_sequences
from rnncli.training.reports import Figure
from rnncli.training.room import Room, drawn, for_answers

Bases: TypeAlias = "Sequence[np.ndarray] | None"  # what the network corrects, (O,) for each sequence

_AT_ONCE = 32  # sequences that are answered together
_SELDOM = 0.5  # of the words that occur once
_UNKNOWN = 1 << 36  # of the seed's independent random streams, plus the update


class Windows:
    """Workspaces for batches of sequences for which there is `room`, filled with the inputs of the network.

    Sequences are token numbers (n,) or values (n, I); words are given as numbers (n,) in the `lexicon`.
    """

    def __init__(self, network: Network, room: Room[Workspace], lexicon: Callable[[], Lexicon | None]):
        self.network, self.room, self.lexicon = network, room, lexicon

    def filled(
        self, inputs: Sequence[np.ndarray], bases: Sequence[np.ndarray] | None, draw: tuple[int, int] | None = None
    ) -> Workspace:
        """Return a workspace filled with these sequences, which come longest first.

        draw: in training, the seed and the update, which determine the dropout. bases: for each sequence, the values
        (O,) that the network corrects.
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
        lexicon = self.lexicon()
        if lexicon is None:
            place_sequences(inputs, work.tokens if self.network.shape.token_input else work.x)
        else:
            self._place_words(inputs, lexicon, work, draw)
        return work

    def _place_words(
        self, inputs: Sequence[np.ndarray], lexicon: Lexicon, work: Workspace, draw: tuple[int, int] | None
    ) -> None:
        """Write these words into `work`. Training replaces each word by the unknown word with probability word_dropout,
        and a word that occurs only once with at least one half, so that the unknown word learns a vector too.
        """
        numbers = np.zeros((work.T, work.B), int)
        place_sequences(inputs, numbers)
        if self.network.words and work.words:
            self.network.words.place(work.words, numbers, lexicon)
        words = work.words.words if work.words else work.tokens
        words[...] = lexicon.words[numbers]
        if draw is not None:
            seed, update = draw
            noise = np.empty(numbers.size)
            random.fill_uniform(noise, seed, _UNKNOWN + update, 1.0)
            share = np.where(lexicon.seldom[numbers], _SELDOM, 0.0)
            words[noise.reshape(numbers.shape) < 2 * np.maximum(share, self.network.shape.word_dropout) - 1] = 0

    def outputs(self, runner: Runner, inputs: Sequence[np.ndarray], bases: Bases, B: int) -> list[np.ndarray]:
        """Return the outputs for each sequence, B at a time: (O,), or (n, O) if the network answers for every step."""
        outputs: list[np.ndarray] = [np.zeros(0)] * len(inputs)
        for chosen in by_length([len(x) for x in inputs], B, self.room):
            work = self.filled(_picked(inputs, chosen), None if bases is None else _picked(bases, chosen))
            runner.forward(work)
            for b, i in enumerate(chosen):
                outputs[i] = np.array(work.outputs[0, b] if work.pooling else work.outputs[: len(inputs[i]), b])
        return outputs


def answered(
    network: Network,
    inputs: Sequence[np.ndarray],
    pool: ThreadPool,
    *,
    lexicon: Callable[[], Lexicon | None],
    bases: Bases,
) -> list[np.ndarray]:
    """Return the outputs of a trained network for each sequence."""
    windows = Windows(network, for_answers([len(x) for x in inputs], _AT_ONCE), lexicon)
    return windows.outputs(Runner(network, pool), inputs, bases, _AT_ONCE)


@dataclass(frozen=True)
class ExampleData:
    """Data to learn: inputs, sequences as `Windows` take them; targets, (O,) or a number for each, or (n,) for its
    steps; bases, the values (O,) that the network corrects, for each.
    """

    inputs: Sequence[np.ndarray] = ()
    targets: Sequence[np.ndarray] = ()
    bases: Bases = None

    def only(self, chosen: Sequence[int]) -> ExampleData:
        """Return the inputs and bases of the chosen ones alone."""
        bases = None if self.bases is None else _picked(self.bases, chosen)
        return ExampleData(_picked(self.inputs, chosen), bases=bases)


def room_for(train: ExampleData, valid: ExampleData, batch_size: int) -> Room[Workspace]:
    """Return the room in which batches of these splits are computed."""
    return Room.of([len(x) for x in (*train.inputs, *valid.inputs)], min(batch_size, len(train.inputs)))


class ExampleLearner(Stateless):
    """Trains `network` on whole sequences; `judge` returns the figure of its current weights, if there is any.

    augment: what changes series in training, if anything does.
    """

    def __init__(
        self,
        network: Network,
        train: ExampleData,
        valid: ExampleData,
        *,
        loss: Loss,
        batch_size: int,
        seed: int,
        pool: ThreadPool,
        lexicon: Callable[[], Lexicon | None] = lambda: None,
        judge: Callable[[], Figure | None] = lambda: None,
        augment: Augmentation | None = None,
    ):
        self.network, self.train, self.valid, self.seed, self.judge = network, train, valid, seed, judge
        self.augment = augment
        self.batches = Batches([len(x) for x in train.inputs], batch_size, seed)
        pool.ranks.require_batches(self.batches.B)
        self.updates_per_epoch = self.batches.per_epoch
        self.loss = loss
        self.backpropagation = Backpropagation(network, loss, pool)
        self.windows = Windows(network, room_for(train, valid, batch_size), lexicon)

    def gradient(self, update: int) -> tuple[float, int]:
        pieces = self._pieces(update)
        count = self._count([self.train.targets[i] for piece in pieces for i in piece])

        def gradient(piece: tuple[np.ndarray, int]) -> float:
            chosen, draw = piece
            sample = self._batch(self.train, chosen, (self.seed, draw))
            return self.backpropagation.gradient(sample.work, sample.targets, count)

        draws = drawn(update, len(pieces))
        return self.backpropagation.gradient_in_pieces(list(zip(pieces, draws, strict=True)), gradient), count

    def sample(self, update: int, *, carried: bool = False) -> Sample:
        """Return the batch of an update, or the piece of it that has the longest sequence."""
        return self._batch(self.train, self._pieces(update)[0])

    def _pieces(self, update: int) -> list[np.ndarray]:
        return self.windows.room.pieces(self.batches.of_update(update), self.batches.lengths)

    def validate(self) -> tuple[float, int]:
        total, counted = 0.0, 0
        for chosen in by_length([len(x) for x in self.valid.inputs], self.batches.B, self.windows.room):
            sample = self._batch(self.valid, chosen)
            total += self.backpropagation.evaluate(sample.work, sample.targets)
            counted += sample.count
        return (total, counted) if counted else (float("nan"), 0)

    def figure(self) -> Figure | None:
        return self.judge()

    def outputs(self, inputs: Sequence[np.ndarray], bases: Bases = None) -> list[np.ndarray]:
        """Return the outputs for each sequence: (O,), or (n, O) if the network answers for every step."""
        return self.windows.outputs(self.backpropagation, inputs, bases, self.batches.B)

    def _batch(self, data: ExampleData, chosen: np.ndarray, draw: tuple[int, int] | None = None) -> Sample:
        """Return a batch of the chosen sequences with their targets: (1, B, …), or padded (T, B) for every step."""
        bases = None if data.bases is None else _picked(data.bases, chosen)
        inputs, targets = _picked(data.inputs, chosen), _picked(data.targets, chosen)
        if draw and self.augment:
            inputs = self.augment(inputs, draw)
        work = self.windows.filled(inputs, bases, draw)
        if work.pooling:
            return Sample(work, np.stack(targets)[None], self._count(targets))
        padded = np.full((work.T, work.B), IGNORED, np.int32)
        for b, target in enumerate(targets):
            padded[: len(target), b] = target
        return Sample(work, padded, self._count(targets))

    def _count(self, targets: Sequence[np.ndarray]) -> int:
        """Return the number of answers that a loss is the mean of: of sequences, or of their steps."""
        return len(targets) if self.network.pooling else sum(map(len, targets))


def _picked(items: Sequence[np.ndarray], chosen: np.ndarray | Sequence[int]) -> list[np.ndarray]:
    return [items[i] for i in chosen]
