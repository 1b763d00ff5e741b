"""Training on recordings by Connectionist Temporal Classification, in batches of nearly equal length."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rnncli.kernels.ctc import least_steps
from rnncli.nn.network import Network
from rnncli.nn.workspace import Workspace
from rnncli.tasks.transcribe.augmentation import Augmentation
from rnncli.training.backpropagation import PATHS, Runner, Sample, ThreadPool
from rnncli.training.reports import Figure
from rnncli.training.room import Room, for_answers
from rnncli.training.whole_sequences import Draw, WholeSequencesLearner, Windows, picked

LONG, PIECE, MARGIN = 4096, 2048, 256  # steps
_CARRIED = 256  # steps at once where the state is carried on
_AT_ONCE = 32  # recordings, or pieces of them, that are transcribed together,
_TOGETHER = 1 << 13  # and their steps: of 2 LSTM of 128 both ways 126 MB, at most four times


@dataclass(frozen=True)
class TranscriptData:
    """Data to learn: inputs, scaled features (n, F) of each recording; targets, the symbols (s,) from 1 on of each."""

    inputs: Sequence[np.ndarray] = ()
    targets: Sequence[np.ndarray] = ()

    @cached_property
    def least(self) -> list[int]:
        """The fewest steps in which each of the targets can be said."""
        return [least_steps(target) for target in self.targets]


def room_for(train: TranscriptData, valid: TranscriptData, batch_size: int, speed: float) -> Room[Workspace]:
    """Return the room in which batches of these splits are computed, with steps for the slowest of each recording."""
    lengths = [int(len(x) * (1 + speed)) + 1 for x in (*train.inputs, *valid.inputs)]
    return Room.of(lengths, min(batch_size, len(train.inputs)))


class TranscriptLearner(WholeSequencesLearner):
    """Trains a network on recordings; a loss is the mean over recordings, of each the mean over its symbols.

    augment: what changes recordings in training, if anything does.
    """

    def __init__(
        self,
        network: Network,
        train: TranscriptData,
        valid: TranscriptData,
        *,
        batch_size: int,
        seed: int,
        pool: ThreadPool,
        judge: Callable[[], Figure | None],
        augment: Augmentation | None,
    ):
        windows = Windows(network, room_for(train, valid, batch_size, augment.speed if augment else 0.0))
        super().__init__(train, valid, windows, loss=PATHS, batch_size=batch_size, seed=seed, pool=pool, judge=judge)
        self.augment = augment

    def batch(self, data: TranscriptData, chosen: np.ndarray, draw: Draw | None = None) -> Sample:
        """Return a batch of the chosen recordings with their symbols (S, B), zeros after the end of each."""
        inputs, targets = picked(data.inputs, chosen), picked(data.targets, chosen)
        if draw and self.augment:
            inputs = self.augment(inputs, [data.least[i] for i in chosen], draw)
            order = np.argsort([-len(x) for x in inputs], kind="stable")
            inputs, targets = picked(inputs, order), picked(targets, order)
        symbols = np.zeros((max(1, *(len(target) for target in targets)), len(targets)), np.int32)
        for b, target in enumerate(targets):
            symbols[: len(target), b] = target
        return Sample(self.windows.filled(inputs, draw), symbols, len(targets))

    def terms(self, data: TranscriptData, chosen: np.ndarray) -> int:
        return len(chosen)


def outputs_of(network: Network, inputs: Sequence[np.ndarray], pool: ThreadPool) -> list[np.ndarray]:
    """Return the outputs (n, C) of a trained network for each recording.

    A long one is read in pieces, so that memory does not grow with it: by a network of one direction on a state that is
    carried on; by one of both, each piece begins and ends MARGIN steps beyond those that it answers for, and what is
    farther away hardly changes an output.
    """
    if not network.shape.bidirectional and any(len(x) > LONG for x in inputs):
        return [np.concatenate(list(Carrying(network, pool).outputs(x))) for x in inputs]
    cuts = [(i, *cut) for i, x in enumerate(inputs) for cut in pieces_of(len(x))]
    read = [inputs[i][max(first - MARGIN, 0) : last + MARGIN] for i, first, last in cuts]
    windows = Windows(network, for_answers([len(x) for x in read], _AT_ONCE, _TOGETHER))
    found: list[list[np.ndarray]] = [[] for _ in inputs]
    for (i, first, last), outputs in zip(cuts, windows.outputs(Runner(network, pool), read, _AT_ONCE), strict=True):
        skipped = first - max(first - MARGIN, 0)
        found[i].append(outputs[skipped : skipped + last - first])
    return [some[0] if len(some) == 1 else np.concatenate(some) for some in found]


class Carrying:
    """A trained network of one direction, which reads one recording as it comes: its state is carried on."""

    def __init__(self, network: Network, pool: ThreadPool):
        self._runner = Runner(network, pool)
        self._work = network.workspace(_CARRIED, 1, _CARRIED, training=False)
        self._work.clear_state()

    def outputs(self, inputs: np.ndarray) -> Iterator[np.ndarray]:
        """Yield the outputs (n, C) for the next steps, scaled features (n, F)."""
        for start in range(0, len(inputs), _CARRIED):
            some = inputs[start : start + _CARRIED]
            work = self._work.first(len(some), 0)
            work.x[:, 0] = some
            self._runner.forward(work)
            yield work.outputs[:, 0].copy()
            work.carry(len(some))


def pieces_of(steps: int) -> list[tuple[int, int]]:
    """Return the first step and the one after the last of each piece that a recording of so many steps is read in."""
    return [(0, steps)] if steps <= LONG else list(itertools.pairwise([*range(0, steps, PIECE), steps]))
