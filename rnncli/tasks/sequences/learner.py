"""Training on whole sequences, each with one answer or with one for every step."""

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
from rnncli.training.backpropagation import Loss, Runner, Sample, ThreadPool
from rnncli.training.batches import place_sequences
from rnncli.training.reports import Figure
from rnncli.training.room import Room, for_answers
from rnncli.training.whole_sequences import Draw, WholeSequencesLearner, Windows, picked

Bases: TypeAlias = "Sequence[np.ndarray] | None"  # what the network corrects, (O,) for each sequence

_AT_ONCE = 32  # sequences that are answered together
_SELDOM = 0.5  # of the words that occur once
_UNKNOWN = 1 << 36  # of the seed's independent random streams, plus the update


class WordWindows(Windows):
    """Workspaces that are filled with values or tokens, or with words, given as numbers (n,) in the `lexicon`."""

    def __init__(self, network: Network, room: Room[Workspace], lexicon: Callable[[], Lexicon | None]):
        super().__init__(network, room)
        self.lexicon = lexicon

    def place(self, inputs: Sequence[np.ndarray], work: Workspace, draw: Draw | None) -> None:
        """Write these sequences into `work`. Training replaces each word by the unknown word with probability
        word_dropout, and a word that occurs only once with at least one half, so that the unknown word learns a vector
        too.
        """
        lexicon = self.lexicon()
        if lexicon is None:
            super().place(inputs, work, draw)
            return
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


def answered(
    network: Network,
    inputs: Sequence[np.ndarray],
    pool: ThreadPool,
    *,
    lexicon: Callable[[], Lexicon | None],
    bases: Bases,
) -> list[np.ndarray]:
    """Return the outputs of a trained network for each sequence."""
    windows = WordWindows(network, for_answers([len(x) for x in inputs], _AT_ONCE), lexicon)
    return windows.outputs(Runner(network, pool), inputs, _AT_ONCE, bases)


@dataclass(frozen=True)
class ExampleData:
    """Data to learn: inputs, sequences as `WordWindows` take them; targets, (O,) or a number for each, or (n,) for its
    steps; bases, the values (O,) that the network corrects, for each.
    """

    inputs: Sequence[np.ndarray] = ()
    targets: Sequence[np.ndarray] = ()
    bases: Bases = None

    def only(self, chosen: Sequence[int]) -> ExampleData:
        """Return the inputs and bases of the chosen ones alone."""
        bases = None if self.bases is None else picked(self.bases, chosen)
        return ExampleData(picked(self.inputs, chosen), bases=bases)


def room_for(train: ExampleData, valid: ExampleData, batch_size: int) -> Room[Workspace]:
    """Return the room in which batches of these splits are computed."""
    return Room.of([len(x) for x in (*train.inputs, *valid.inputs)], min(batch_size, len(train.inputs)))


class ExampleLearner(WholeSequencesLearner):
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
        windows = WordWindows(network, room_for(train, valid, batch_size), lexicon)
        super().__init__(train, valid, windows, loss=loss, batch_size=batch_size, seed=seed, pool=pool, judge=judge)
        self.augment = augment

    def batch(self, data: ExampleData, chosen: np.ndarray, draw: Draw | None = None) -> Sample:
        """Return a batch of the chosen sequences with their targets: (1, B, …), or padded (T, B) for every step."""
        bases = None if data.bases is None else picked(data.bases, chosen)
        inputs, targets = picked(data.inputs, chosen), picked(data.targets, chosen)
        if draw and self.augment:
            inputs = self.augment(inputs, draw)
        work, count = self.windows.filled(inputs, draw, bases), self.terms(data, chosen)
        if work.pooling:
            return Sample(work, np.stack(targets)[None], count)
        padded = np.full((work.T, work.B), IGNORED, np.int32)
        for b, target in enumerate(targets):
            padded[: len(target), b] = target
        return Sample(work, padded, count)

    def terms(self, data: ExampleData, chosen: np.ndarray) -> int:
        """Return the number of answers of the chosen sequences: one for each, or one for each step."""
        return len(chosen) if self.network.pooling else sum(len(data.targets[i]) for i in chosen)
