"""Training on texts that do not see each other, such as the items of a list: the state starts anew with each.

Texts of similar length are read side by side, so that hardly a step is padding. Those of up to bptt steps are whole
batches, drawn anew in each epoch; longer ones are cut into pieces, if there are fewer than the batch has room for, and
are read window by window with carried state, as `streams` reads one text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rnncli.data.vocabulary import UNKNOWN_NUMBER
from rnncli.kernels import random
from rnncli.kernels.losses import IGNORED
from rnncli.kernels.losses import total as sum_of
from rnncli.nn.network import Network
from rnncli.nn.workspace import Extent, Workspace
from rnncli.tasks.language_model import ngram
from rnncli.tasks.language_model.carried import CarriedState
from rnncli.tasks.language_model.config import Lengths
from rnncli.tasks.language_model.corpus import release
from rnncli.tasks.language_model.streams import EVALUATION_STEPS, WARM_UP, Validation
from rnncli.tasks.language_model.unknown import RareWords
from rnncli.training.backpropagation import CROSS_ENTROPY, Backpropagation, Sample, ThreadPool
from rnncli.training.batches import Batches, Window, by_length, longest_first, windows

if TYPE_CHECKING:
    from rnncli.tasks.language_model.splits import HeldOut

SIDE_BY_SIDE = 64  # texts of a batch that is scored
Losses = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Returns the nats of each of some tokens, given the tokens before the first."""

_GROUPS = 1 << 35  # of the seed's independent random streams; the epoch is added


class Texts(NamedTuple):
    """Texts that do not see each other, in one array of tokens.

    ids (N,); text k is ids[starts[k]:stops[k]], of two tokens or more. firsts[k] is the first of them that is predicted
    and counted; those before it are only read. Each token is counted once at most.
    """

    ids: np.ndarray
    starts: np.ndarray
    stops: np.ndarray
    firsts: np.ndarray

    @classmethod
    def of_items(cls, ids: np.ndarray, ends: np.ndarray) -> Texts:
        """Return the items between the `ends` (n + 1,) of items in ids; each begins and ends with such a token."""
        return cls(ids, ends[:-1], ends[1:] + 1, ends[:-1] + 1)

    @classmethod
    def of_files(cls, ids: np.ndarray, starts: np.ndarray, stops: np.ndarray, firsts: np.ndarray) -> Texts:
        """Return the texts of several files, of which the tokens from `firsts` on are counted; what has none is left
        out."""
        firsts = np.maximum(firsts, starts + 1)
        kept = firsts < stops
        return cls(ids, starts[kept], stops[kept], firsts[kept])

    @property
    def steps(self) -> np.ndarray:
        """The number of steps of each text: its tokens but the last are inputs, those but the first targets."""
        return self.stops - self.starts - 1

    @property
    def lengths(self) -> Lengths:
        """What there is to know of the number of steps."""
        steps = np.sort(self.steps)
        return Lengths(int(steps.sum()), float(steps.mean()), int(steps[int(0.99 * (len(steps) - 1))]))

    @property
    def scored(self) -> np.ndarray:
        """The tokens that are counted, in their order."""
        return self.ids[self.is_counted]

    @property
    def own(self) -> np.ndarray:
        """The tokens of these texts, which are those that are counted."""
        return self.scored

    @property
    def is_counted(self) -> np.ndarray:
        """Whether each token is counted, bool (N,)."""
        return _covered(self.firsts, self.stops, len(self.ids))

    def in_pieces(self, longest: int, warm_up: int = 0) -> Texts:
        """Return the texts with those that count more than `longest` tokens cut into pieces of equal size, each of
        which first reads up to `warm_up` tokens before its own.
        """
        counts = self.stops - self.firsts
        pieces = np.maximum(1, -(-counts // longest))
        text = np.repeat(np.arange(len(counts)), pieces)
        number = np.arange(len(text)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
        firsts = self.firsts[text] + counts[text] * number // pieces[text]
        stops = self.firsts[text] + counts[text] * (number + 1) // pieces[text]
        before = np.maximum(self.starts[text], firsts - 1 - warm_up)
        return Texts(self.ids, before, stops, firsts)

    def window(self, rows: np.ndarray, start: int, stop: int, head_from: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Return inputs (stop − start, B) and targets, from step `head_from` on, of these steps of some texts.

        Beyond a text's end inputs are 0; there, and where tokens are only read, targets are IGNORED.
        """
        places = self.starts[rows] + np.arange(start, stop)[:, None]
        inside = places < self.stops[rows] - 1
        safe = np.where(inside, places, 0)
        targets = self.ids[safe[head_from:] + 1].astype(np.int32)
        targets[~inside[head_from:] | (places[head_from:] + 1 < self.firsts[rows])] = IGNORED
        return np.where(inside, self.ids[safe], 0), targets

    def extent(self, rows: np.ndarray, start: int, stop: int, B: int) -> Extent:
        """Return how many of these steps each of B sequences has; those beyond `rows` have none."""
        lengths = np.zeros(B, np.int32)
        lengths[: len(rows)] = (self.steps[rows] - start).clip(0, stop - start)
        return Extent.of(lengths)

    def validation(self, network: Network, driver: Backpropagation, *, known_only: bool = False) -> TextsValidation:
        return TextsValidation(network, self, driver, known_only=known_only)

    def read_by(self, losses: Losses) -> np.ndarray:
        """Return the nats of each scored token, by losses that no more than the tokens of an n-gram decide."""
        read = _covered(np.maximum(self.starts, self.firsts - ngram.ORDER + 1), self.stops, len(self.ids))
        tokens = self.ids[read]
        return losses(tokens, tokens[:0])[self.is_counted[read]]


def _covered(starts: np.ndarray, stops: np.ndarray, N: int) -> np.ndarray:
    """Return which of N places lie between a start and its stop, bool (N,)."""
    edges = np.bincount(starts, minlength=N + 1) - np.bincount(stops, minlength=N + 1)
    return np.asarray(np.cumsum(edges[:N]) > 0)


class TextsLearner(CarriedState):
    """A learner that trains a token network on `train` and validates it on `valid`; see `StreamLearner`.

    batch_size: the texts, or pieces of them, that are read side by side.
    """

    def __init__(
        self,
        network: Network,
        train: Texts,
        valid: HeldOut | Texts,
        *,
        batch_size: int,
        bptt: int,
        stride: int,
        seed: int,
        pool: ThreadPool,
        rare: RareWords | None = None,
        known_only: bool = False,
    ):
        self.seed, self.rare = seed, rare
        self.texts = texts = train.in_pieces(longest_piece(train, batch_size, bptt))
        steps = texts.steps
        self._whole = np.flatnonzero(steps <= bptt)
        self._batches = Batches(steps[self._whole].tolist(), batch_size, seed) if len(self._whole) else None
        self._drawn = self._batches.per_epoch if self._batches else 0
        longer = np.flatnonzero(steps > bptt)
        longer = longer[longest_first(steps[longer])]
        self._longer = [longer[i : i + batch_size] for i in range(0, len(longer), batch_size)]
        self._windows = [windows(int(steps[rows[0]]), stride, bptt) for rows in self._longer]
        self._updates = np.array([1] * self._drawn + [len(some) for some in self._windows])
        self.updates_per_epoch, self.endless = int(self._updates.sum()), False
        self._epoch: tuple[int, np.ndarray, np.ndarray] = (-1, self._updates, self._updates)
        self.loss = CROSS_ENTROPY
        self.backpropagation = Backpropagation(network, self.loss, pool)
        T = int(min(steps.max(), bptt))
        heads = T if self._drawn else max(w.T - w.head_from for some in self._windows for w in some)
        super().__init__(network, T, min(batch_size, len(steps)), heads)
        self.validation = valid.validation(network, self.backpropagation, known_only=known_only)

    def gradient(self, update: int) -> tuple[float, int]:
        """Compute the gradient of one window into the parameters; return (summed loss, tokens trained)."""
        rows, window, number = self._at(update)
        if number:
            self._work.carry(self._kept)
        else:
            self._work.clear_state()
        work, targets = self._filled(self._work, rows, window, update)
        self.network.set_dropout(work, self.seed, update)
        self._kept = window.keep
        count = int((targets != IGNORED).sum())
        return self.backpropagation.gradient(work, targets, count), count

    def sample(self, update: int, *, carried: bool = False) -> Sample:
        """Return the batch of an update; unless `carried`, it starts from zero state."""
        rows, window, number = self._at(update)
        whole = self.network.workspace(self._T, self._B, self._heads, training=False)
        if carried and number:
            whole.set_state(self._state(0))
        work, targets = self._filled(whole, rows, window, update)
        return Sample(work, targets, int((targets != IGNORED).sum()))

    def stretch(self, number: int, count: int, steps: int) -> Sample:
        """Return the batch of an update; the batches lie evenly in the first epoch."""
        return self.sample(self.updates_per_epoch * number // count)

    def validate(self) -> tuple[float, int]:
        """Return (summed loss, tokens) of the validation split."""
        release(self.texts.ids)
        return self.validation.run()

    def _at(self, update: int) -> tuple[np.ndarray, Window, int]:
        """Return the texts of an update, longest first, its window of them, and the number of that window."""
        epoch, within = divmod(update, self.updates_per_epoch)
        if self._epoch[0] != epoch:
            order = random.shuffled(len(self._updates), self.seed, _GROUPS + epoch)
            self._epoch = epoch, order, np.cumsum(self._updates[order])
        _, order, ends = self._epoch
        place = int(np.searchsorted(ends, within, side="right"))
        group = int(order[place])
        if group < self._drawn:
            assert self._batches is not None
            rows = self._whole[self._batches.of_update(epoch * self._drawn + group)]
            return rows, Window(0, int(self.texts.steps[rows[0]]), 0, 0), 0
        number = within - int(ends[place]) + int(self._updates[group])
        return self._longer[group - self._drawn], self._windows[group - self._drawn][number], number

    def _filled(self, whole: Workspace, rows: np.ndarray, window: Window, update: int) -> tuple[Workspace, np.ndarray]:
        """Return the window in the memory of `whole`, with its inputs, and the targets of the steps of the head."""
        work = whole.first(window.T, window.head_from)
        work.extent = self.texts.extent(rows, window.start, window.stop, self._B)
        tokens, found = self.texts.window(rows, window.start, window.stop, window.head_from)
        if self.rare is not None:
            taken = self.rare.taken(update // self.updates_per_epoch)
            tokens, found = taken[tokens], np.where(found == IGNORED, IGNORED, taken[found])
        work.tokens[:, : len(rows)] = tokens
        work.tokens[:, len(rows) :] = 0
        targets = np.full((len(found), self._B), IGNORED, np.int32)
        targets[:, : len(rows)] = found
        return work, targets


def longest_piece(texts: Texts, B: int, bptt: int) -> int:
    """Return the steps of the longest piece of a text: so many that pieces fill a batch of B where texts are few."""
    return max(bptt, -(-int(texts.steps.sum()) // max(B - len(texts.steps), -(-B // 2))))


class TextsValidation:
    """A pass over texts that scores each of their counted tokens once. Long texts are cut into pieces that first read
    the WARM_UP tokens before their own, as `Validation` does. known_only: unknown tokens are read, and not scored.
    """

    def __init__(self, network: Network, texts: Texts, backpropagation: Backpropagation, *, known_only: bool = False):
        self.network, self.backpropagation, self.known_only = network, backpropagation, known_only
        self._memory: Workspace | None = None
        self._is_counted = texts.is_counted
        scored = texts.ids[self._is_counted]
        self.count = len(scored)
        self.scored = int(np.count_nonzero(scored != UNKNOWN_NUMBER)) if known_only else self.count
        self.texts = texts.in_pieces(Validation.STREAM_LENGTH, WARM_UP)

    @property
    def _work(self) -> Workspace:
        if self._memory is None:
            B = min(SIDE_BY_SIDE, len(self.texts.steps))
            T = int(min(EVALUATION_STEPS, self.texts.steps.max()))
            self._memory = self.network.workspace(T, B, T, training=False)
        return self._memory

    def free(self) -> None:
        """Free the arrays; they are made again when needed."""
        self._memory = None

    def run(self, each: np.ndarray | None = None) -> tuple[float, int]:
        """Return (summed loss in nats, tokens scored); write the nats of each token into `each` (count,), if given."""
        if not self.scored:
            return float("nan"), 0
        losses, total = np.zeros(len(self.texts.ids) if each is not None else 0), 0.0
        for rows in by_length(self.texts.steps.tolist(), self._work.B):
            self._work.clear_state()
            for start in range(0, int(self.texts.steps[rows[0]]), self._work.T):
                total += self._score(rows, start, losses)
        if each is not None:
            each[...] = losses[self._is_counted]
        return total, self.scored

    def _score(self, rows: np.ndarray, start: int, losses: np.ndarray) -> float:
        """Return the summed loss of some steps of texts, whose state is carried to the next; fill in `losses`."""
        stop = min(start + self._work.T, int(self.texts.steps[rows[0]]))
        if start:
            self._work.carry(self._work.T)
        work = self._work.first(stop - start, 0)
        work.extent = self.texts.extent(rows, start, stop, self._work.B)
        targets = np.full(work.tokens.shape, IGNORED, np.int32)
        work.tokens[...] = 0
        work.tokens[:, : len(rows)], targets[:, : len(rows)] = self.texts.window(rows, start, stop)
        if self.known_only:
            targets[targets == UNKNOWN_NUMBER] = IGNORED
        found = self.backpropagation.losses_of(work, targets)
        if len(losses):
            t, b = np.nonzero(targets != IGNORED)
            losses[self.texts.starts[rows][b] + start + t + 1] = found[t, b]
        return float(sum_of(found))
