"""Training of an encoder-decoder to write a target for each source, in batches of nearly equal length.

The decoder reads the target while it learns to write it (teacher forcing). With a share below 1, that share of its
tokens are the true ones and the others are the model's own predictions: scheduled sampling (Bengio et al., 2015),
for all steps at once by one more pass over the batch (Duckworth et al., 2019). The share falls in a straight line
from 1 at the first update to `teacher_forcing` at the last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from rnncli.kernels import random
from rnncli.kernels.losses import IGNORED, LEAST
from rnncli.nn.encoder_decoder import EncoderDecoder, PairWork
from rnncli.nn.writers import PairWriter, Written
from rnncli.tasks.seq2seq.unknown import Seldom
from rnncli.training.backpropagation import CROSS_ENTROPY, Backpropagation, Sample, ThreadPool
from rnncli.training.batches import Batches, Stateless, by_length, place_sequences
from rnncli.training.reports import Figure
from rnncli.training.room import Room, drawn, for_answers

_SAMPLING = 1 << 35  # of the seed's independent random streams, plus the update


@dataclass(frozen=True)
class PairData:
    """Pairs: sources are token numbers (n,), or vectors (F,) if nothing is encoded; targets are token numbers (n,)."""

    sources: Sequence[np.ndarray]
    targets: Sequence[np.ndarray]

    def lengths(self) -> list[tuple[int, int]]:
        """Return the numbers of source and target steps of each pair; the end of a target is not counted."""
        return [(len(source), len(target)) for source, target in zip(self.sources, self.targets, strict=True)]


def room_for(train: PairData, valid: PairData, batch_size: int) -> Room[PairWork]:
    """Return the room in which batches of these splits are computed."""
    return Room.of([*train.lengths(), *valid.lengths()], min(batch_size, len(train.sources)))


class PairLearner(Stateless):
    """Trains `model` on pairs; `updates`, the largest number there can be, sets the schedule of teacher forcing.

    seldom: the tokens that training sees as unknown ones now and then, or None. judge: returns the figure of the
    current weights, if there is any.
    """

    loss = CROSS_ENTROPY

    def __init__(
        self,
        model: EncoderDecoder,
        train: PairData,
        valid: PairData,
        *,
        batch_size: int,
        epochs: int,
        teacher_forcing: float,
        seed: int,
        pool: ThreadPool,
        seldom: Seldom | None = None,
        judge: Callable[[], Figure | None] = lambda: None,
    ):
        self.network, self.train, self.valid, self.seed, self.judge = model, train, valid, seed, judge
        self.seldom = seldom
        self.batches = Batches(train.lengths(), batch_size, seed)
        pool.ranks.require_batches(self.batches.B)
        self.updates_per_epoch = self.batches.per_epoch
        self.teacher_forcing, self.updates = teacher_forcing, epochs * self.updates_per_epoch
        self.backpropagation = Backpropagation(model, CROSS_ENTROPY, pool)
        self.room, self._end = room_for(train, valid, batch_size), model.shape.end

    def gradient(self, update: int) -> tuple[float, int]:
        pieces = self._pieces(update)
        count = sum(len(self.train.targets[i]) + 1 for piece in pieces for i in piece)
        share = 1 - (1 - self.teacher_forcing) * min(update / max(self.updates - 1, 1), 1)

        def gradient(piece: tuple[np.ndarray, int]) -> float:
            chosen, draw = piece
            work, targets = self._filled(self.train, chosen, draw)
            self.network.set_dropout(work, self.seed, draw)
            if share < 1:
                self._sample(work, share, draw)
            return self.backpropagation.gradient(work, targets, count)

        draws = drawn(update, len(pieces))
        return self.backpropagation.gradient_in_pieces(list(zip(pieces, draws, strict=True)), gradient), count

    def sample(self, update: int, *, carried: bool = False) -> Sample:
        """Return a batch, or the piece of it with the longest source; the decoder reads the true tokens only."""
        work, targets = self._filled(self.train, self._pieces(update)[0])
        return Sample(work, targets, int(work.spans.sum()))

    def _pieces(self, update: int) -> list[np.ndarray]:
        return self.room.pieces(self.batches.of_update(update), self.batches.lengths)

    def validate(self) -> tuple[float, int]:
        total, count = 0.0, 0
        for chosen in by_length(self.valid.lengths(), self.batches.B, self.room):
            work, targets = self._filled(self.valid, chosen)
            total += self.backpropagation.evaluate(work, targets)
            count += int(work.spans.sum())
        return (total, count) if count else (float("nan"), 0)

    def figure(self) -> Figure | None:
        return self.judge()

    def _sample(self, work: PairWork, share: float, update: int) -> None:
        """Replace some of the tokens that the decoder reads by the model's own predictions."""
        self.backpropagation.forward(work, own=True)
        own = work.outputs[:-1].argmax(axis=2)
        noise = np.empty(own.shape)
        random.fill_uniform(noise.reshape(-1), self.seed, _SAMPLING + update, 1.0)
        tokens = work.decoder.tokens[1:]
        np.copyto(tokens, own, where=(noise + 1) / 2 >= share, casting="same_kind")

    def _filled(self, data: PairData, chosen: np.ndarray, draw: int | None = None) -> tuple[PairWork, np.ndarray]:
        """Return a batch of the chosen pairs, whose sources are longest first, and its targets (T, B).

        draw: in training, the number of the random draw of the tokens that are seen as unknown.
        """
        sources: Sequence[np.ndarray] = [data.sources[i] for i in chosen]
        answers: Sequence[np.ndarray] = [data.targets[i] for i in chosen]
        if draw is not None and self.seldom is not None:
            sources, answers = self.seldom.replaced(sources, answers, self.seed, draw)
        spans = np.array([len(answer) + 1 for answer in answers])

        def plan(S: int, T: int) -> PairWork:
            return self.network.workspace(S, T + 1, len(chosen), training=draw is not None)

        lengths = [(len(source), len(answer)) for source, answer in zip(sources, answers, strict=True)]
        work = placed(self.room.workspace(len(chosen), draw is not None, lengths, plan), sources, spans)
        targets = np.full((work.T, work.B), IGNORED, np.int32)
        for b, answer in enumerate(answers):
            targets[: len(answer), b] = answer
            targets[len(answer), b] = self._end
        work.decoder.tokens[0] = self._end
        place_sequences(answers, work.decoder.tokens[1:])
        return work, targets


def placed(memory: PairWork, sources: Sequence[np.ndarray], spans: np.ndarray) -> PairWork:
    """Return a workspace cut from `memory` to the sizes of these sources, longest first, with the sources copied in."""
    if memory.encoder is None:
        work = memory.of_lengths(None, spans)
        work.vector[0] = np.stack(sources)
        return work
    work = memory.of_lengths(np.array([len(source) for source in sources]), spans)
    assert work.encoder is not None
    work.encoder.clear_state()
    place_sequences(sources, work.encoder.tokens)
    return work


def write(
    models: Sequence[EncoderDecoder],
    sources: Sequence[np.ndarray],
    *,
    beams: int,
    longest: int,
    alpha: float,
    copies: bool = False,
    at_once: int = 64,
) -> list[list[Written]]:
    """Return the best answers to each source, of up to `longest` tokens, that these models write together; see
    `rnncli.nn.writers.PairWriter`.
    """
    writer = PairWriter(models, beams=beams, longest=longest, alpha=alpha, copies=copies)
    answers: list[list[Written]] = [[]] * len(sources)
    lengths = [len(source) for source in sources]
    for chosen in by_length(lengths, at_once, for_answers(lengths, at_once)):
        some = [sources[i] for i in chosen]
        works = [_read(model, some) for model in models]
        for i, found in zip(chosen, writer.write(works), strict=True):
            answers[i] = found
    return answers


def log_probabilities(
    models: Sequence[EncoderDecoder], sources: Sequence[np.ndarray], answers: Sequence[np.ndarray], at_once: int = 64
) -> list[float]:
    """Return the log-probability in nats of each answer and its end, given its source, by the mean of what these models
    find at each token."""
    found = [0.0] * len(sources)
    lengths = [(len(source), len(answer)) for source, answer in zip(sources, answers, strict=True)]
    for chosen in by_length(lengths, at_once, for_answers([S for S, _ in lengths], at_once)):
        some = [answers[i] for i in chosen]
        spans = np.array([len(answer) + 1 for answer in some])
        means = np.mean([_chances(model, [sources[i] for i in chosen], some, spans) for model in models], axis=0)
        for b, i in enumerate(chosen):
            numbers = [*answers[i].tolist(), models[0].shape.end]
            found[i] = float(np.log(np.maximum(means[np.arange(spans[b]), b, numbers], LEAST)).sum())
    return found


def _chances(
    model: EncoderDecoder, sources: Sequence[np.ndarray], answers: Sequence[np.ndarray], spans: np.ndarray
) -> np.ndarray:
    """Return the probabilities (T, B, V + 1) that a model gives to each token after those of the answers before it."""
    work = read_and_written(model, sources, answers, spans)
    chances = np.exp(work.outputs.astype(np.float64) - work.outputs.max(axis=2, keepdims=True))
    return np.asarray(chances / chances.sum(axis=2, keepdims=True))


def read_and_written(
    model: EncoderDecoder, sources: Sequence[np.ndarray], answers: Sequence[np.ndarray], spans: np.ndarray
) -> PairWork:
    """Return the work of a model that has read the sources, longest first, and written these answers, of spans - 1."""
    memory = model.workspace(len(sources[0]), int(spans.max()), len(sources), training=False)
    work = placed(memory, sources, spans)
    work.decoder.tokens[0] = model.shape.end
    place_sequences(answers, work.decoder.tokens[1:])
    model.forward(work, 0, len(sources))
    return work


def _read(model: EncoderDecoder, sources: Sequence[np.ndarray]) -> PairWork:
    """Return the work of a model that has read these sources, longest first."""
    count = len(sources)
    work = placed(model.workspace(len(sources[0]), 1, count, training=False), sources, np.ones(count, int))
    model.read(work, 0, count)
    return work
