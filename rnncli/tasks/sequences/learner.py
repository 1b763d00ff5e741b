"""Learning from whole sequences, each with one answer or with one for every step, in batches of nearly equal length."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from rnncli.kernels import random
from rnncli.kernels.losses import IGNORED
from rnncli.nn.network import Network
from rnncli.nn.words import Lexicon
from rnncli.nn.workspace import Workspace
from rnncli.training.backpropagation import Backpropagation, Loss, Sample
from rnncli.training.batches import Batches, Stateless, by_length, place_sequences
from rnncli.training.threads import ThreadPool

Bases: TypeAlias = "Sequence[np.ndarray] | None"  # what the network corrects, (O,) for each sequence

_SELDOM = 0.5  # of the words that occur once
_UNKNOWN = 1 << 36  # of the seed's independent random streams, plus the update


class ExampleLearner(Stateless):
    """inputs are token numbers (n,) or values (n, I); targets are (O,) or a number for each, or (n,) for its steps."""

    def __init__(
        self, network: Network, inputs: Sequence[np.ndarray], targets: Sequence[np.ndarray],
        valid: tuple[Sequence[np.ndarray], Sequence[np.ndarray]],
        *, loss: Loss, batch_size: int, seed: int, pool: ThreadPool,
        lexicon: Callable[[], Lexicon | None] = lambda: None, bases: tuple[Bases, Bases] = (None, None),
    ):  # fmt: skip
        self.network, self.inputs, self.targets, self.valid, self.seed = network, inputs, targets, valid, seed
        self.lexicon, self.bases = lexicon, bases
        self.batches = Batches([len(x) for x in inputs], batch_size, seed)
        self.updates_per_epoch = self.batches.per_epoch
        self.loss = loss
        self.backpropagation = Backpropagation(network, loss, pool)
        self._longest = max(len(x) for x in (*inputs, *valid[0]))
        self._workspaces: dict[tuple[int, bool], Workspace] = {}

    def gradient(self, update: int) -> tuple[float, int]:
        chosen = self.batches.of_update(update)
        work = self._filled([self.inputs[i] for i in chosen], update)
        work.dropout_keys = self.network.dropout_keys(self.seed, update)
        work.base = _stacked_bases(self.bases[0], chosen)
        targets, count = self._stacked([self.targets[i] for i in chosen], work)
        return self.backpropagation.gradient(work, targets, count), count

    def sample(self, update: int, *, carried: bool = False) -> Sample:
        chosen = self.batches.of_update(update)
        work = self._filled([self.inputs[i] for i in chosen])
        work.base = _stacked_bases(self.bases[0], chosen)
        return Sample(work, *self._stacked([self.targets[i] for i in chosen], work))

    def validate(self) -> tuple[float, int]:
        inputs, answers = self.valid
        total, counted = 0.0, 0
        for chosen in by_length([len(x) for x in inputs], self.batches.B):
            work = self._filled([inputs[i] for i in chosen])
            work.base = _stacked_bases(self.bases[1], chosen)
            targets, count = self._stacked([answers[i] for i in chosen], work)
            total += self.backpropagation.evaluate(work, targets)
            counted += count
        return (total, counted) if counted else (float("nan"), 0)

    def outputs(self, inputs: Sequence[np.ndarray], bases: Bases = None) -> list[np.ndarray]:
        """What the network says of each: (O,), or (n, O) where it answers for every step."""
        said: list[np.ndarray] = [np.zeros(0)] * len(inputs)
        for chosen in by_length([len(x) for x in inputs], self.batches.B):
            work = self._filled([inputs[i] for i in chosen])
            work.base = _stacked_bases(bases, chosen)
            self.backpropagation.forward(work)
            for b, i in enumerate(chosen):
                said[i] = np.array(work.outputs[0, b] if work.pooling else work.outputs[: len(inputs[i]), b])
        return said

    def _stacked(self, targets: list[np.ndarray], work: Workspace) -> tuple[np.ndarray, int]:
        """Targets (1, B, …) or, padded, (T, B); and how many values the loss is the mean of."""
        if work.pooling:
            stacked = np.stack(targets)[None]
            return stacked, stacked.size
        padded = np.full((work.T, work.B), IGNORED, np.int32)
        for b, target in enumerate(targets):
            padded[: len(target), b] = target
        return padded, sum(map(len, targets))

    def _filled(self, inputs: Sequence[np.ndarray], update: int | None = None) -> Workspace:
        """A window of these sequences, longest first; for training, that of an update."""
        lengths = np.array([len(x) for x in inputs])
        training = update is not None
        key = (len(inputs), training and (self.network.shape.dropout > 0 or self.network.words is not None))
        if key not in self._workspaces or self._workspaces[key].T < lengths[0]:
            longest = max(self._longest, int(lengths[0]))
            head_steps = 1 if self.network.pooling else longest
            self._workspaces[key] = self.network.workspace(longest, len(inputs), head_steps, training=training)
        work = self._workspaces[key].ragged(lengths)
        work.clear_state()
        lexicon = self.lexicon()
        if lexicon is None:
            place_sequences(inputs, work.tokens if self.network.shape.token_input else work.x)
        else:
            self._place_words(inputs, lexicon, work, update)
        return work

    def _place_words(self, inputs: Sequence[np.ndarray], lexicon: Lexicon, work: Workspace, update: int | None) -> None:
        """In training, every other seldom word is taken for one that is not known, which so gets a vector too, and as
        many of all as the network's word_dropout says."""
        numbers = np.zeros((work.T, work.B), int)
        place_sequences(inputs, numbers)
        if self.network.words and work.words:
            self.network.words.place(work.words, numbers, lexicon)
        words = work.words.words if work.words else work.tokens
        words[...] = lexicon.words[numbers]
        if update is not None:
            noise = np.empty(numbers.size)
            random.fill_uniform(noise, self.seed, _UNKNOWN + update, 1.0)
            share = np.where(lexicon.seldom[numbers], _SELDOM, 0.0)
            words[noise.reshape(numbers.shape) < 2 * np.maximum(share, self.network.shape.word_dropout) - 1] = 0


def _stacked_bases(bases: Bases, chosen: np.ndarray) -> np.ndarray | None:
    return None if bases is None else np.stack([bases[i] for i in chosen])
