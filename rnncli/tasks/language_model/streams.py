"""Training on a long sequence of tokens: contiguous streams, truncated BPTT, state carried from window to window.

N tokens have N − 1 targets; B streams take L = ⌈(N − 1)/B⌉ of them each, and those that the last stream lacks are
masked. The state is zero at the start of a stream.
"""

from __future__ import annotations

import itertools

import numpy as np

from rnncli.data.vocabulary import UNKNOWN_NUMBER
from rnncli.kernels.losses import IGNORED
from rnncli.kernels.losses import total as sum_of
from rnncli.nn.network import Network
from rnncli.nn.workspace import LayerState, Workspace
from rnncli.tasks.language_model.carried import CarriedState
from rnncli.tasks.language_model.corpus import release
from rnncli.tasks.language_model.unknown import RareWords
from rnncli.training.backpropagation import CROSS_ENTROPY, Backpropagation, Sample, ThreadPool
from rnncli.training.batches import windows

WARM_UP = 256  # tokens that each validation stream reads before its first counted token
_STRETCHES = 16  # in a batch, for gradients by lag
_STRETCHED = 512  # tokens that are read for each, at least
_STRETCH_WORK = 4e9  # steps × sequences × weights of such a batch, which take a few seconds; their arrays fit too
EVALUATION_STEPS = 32  # a jitted call stays short, so that Ctrl-C is seen, and its arrays small


class Streams:
    """Tokens `ids` (N,), cut into at most B streams of inputs and targets (L, B); only the last stream is a copy."""

    def __init__(self, ids: np.ndarray, B: int):
        targets = len(ids) - 1
        self.L = -(-targets // min(B, targets))
        self.B = -(-targets // self.L)
        whole = self.L * (self.B - 1)
        self.ids = ids
        self._last_length = targets - whole
        self._whole_inputs = ids[:whole].reshape(self.B - 1, self.L)
        self._whole_targets = ids[1 : whole + 1].reshape(self.B - 1, self.L)
        self._last = np.zeros(self.L + 1, ids.dtype)
        self._last[: self._last_length + 1] = ids[whole:]

    def fill(self, tokens: np.ndarray, start: int, stop: int) -> None:
        """Write the inputs of the steps from start to stop into tokens (stop − start, B)."""
        tokens[:, :-1] = self._whole_inputs[:, start:stop].T
        tokens[:, -1] = self._last[start:stop]

    def targets(self, start: int, stop: int) -> np.ndarray:
        """Return the targets of these steps, int32 (stop − start, B), IGNORED beyond the last stream's end."""
        targets = np.empty((stop - start, self.B), np.int32)
        targets[:, :-1] = self._whole_targets[:, start:stop].T
        targets[:, -1] = self._last[start + 1 : stop + 1]
        targets[max(self._last_length - start, 0) :, -1] = IGNORED
        return targets


class StreamLearner(CarriedState):
    """A learner that trains a token network on `train` and validates it on `valid` (token numbers).

    context: tokens that precede `valid` in the text, empty if `valid` is a text of its own. rare: the words that are
    sometimes taken for unknown ones. known_only: as of `Validation`.
    """

    def __init__(
        self,
        network: Network,
        train: np.ndarray,
        valid: np.ndarray,
        context: np.ndarray,
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
        self.streams = Streams(train, batch_size)
        self.windows = windows(self.streams.L, min(stride, self.streams.L), min(bptt, self.streams.L))
        self.updates_per_epoch, self.endless = len(self.windows), True
        self.loss = CROSS_ENTROPY
        self.backpropagation = Backpropagation(network, self.loss, pool)
        heads = max(window.T - window.head_from for window in self.windows)
        super().__init__(network, max(window.T for window in self.windows), self.streams.B, heads)
        self.validation = Validation(network, valid, context, self.backpropagation, known_only=known_only)

    def gradient(self, update: int) -> tuple[float, int]:
        """Compute the gradient of one window into the parameters; return (summed loss, tokens trained)."""
        window = self.windows[update % self.updates_per_epoch]
        work = self._work.first(window.T, window.head_from)
        self.network.set_dropout(work, self.seed, update)
        if update % self.updates_per_epoch:
            self._work.carry(self._kept)
        else:
            self._work.clear_state()
        self._kept = window.keep
        targets = self._fill(work, window.start, window.stop, window.head_from, update)
        count = int((targets != IGNORED).sum())
        return self.backpropagation.gradient(work, targets, count), count

    def sample(self, update: int, *, carried: bool = False) -> Sample:
        """Return the batch of an update. Unless `carried`, it starts from zero state and has as many steps as gradients
        flow back, even at the start of an epoch.
        """
        window = self.windows[update % self.updates_per_epoch]
        stop = window.stop if carried else max(window.stop, self._T)
        start, head_from = (window.start, window.head_from) if carried else (stop - self._T, self._T - self._heads)
        whole = self.network.workspace(self._T, self.streams.B, self._heads, training=False)
        work = whole.first(stop - start, head_from)
        if carried and update % self.updates_per_epoch:
            work.set_state(self._state(0))
        targets = self._fill(work, start, stop, head_from, update)
        return Sample(work, targets, int((targets != IGNORED).sum()))

    def stretch(self, number: int, count: int, steps: int) -> Sample:
        """Return stretches of up to `steps` tokens of the text, and the target of each last one.

        They end at places spread evenly over the text, and start from the state after the tokens before them. Neither
        depends on batch_size or bptt, nor on `steps` up to the number of tokens that are read in all.
        """
        ids, whole = self.streams.ids, max(steps, _STRETCHED)
        targets = len(ids) - 1
        B = min(_STRETCHES, max(1, int(_STRETCH_WORK / (whole * self.network.parameters.weights.size))))
        n = min(B * count, max(1, targets // 2))
        whole = min(whole, targets - n + 1)
        ends = np.linspace(whole, targets, n).astype(int)[number % n :: count]
        tokens = ids[ends[:, None] + np.arange(-whole, 1)].T.astype(np.int32)
        if self.rare is not None:
            tokens = self.rare.taken(0)[tokens]
        T, B = min(steps, whole), len(ends)
        work = self.network.workspace(T, B, 1, training=False)
        work.set_state(self._state_after(tokens[: whole - T]))
        work.tokens[...] = tokens[whole - T : whole]
        return Sample(work, tokens[whole:], B)

    def _state_after(self, tokens: np.ndarray) -> list[LayerState]:
        """Return the state after tokens (T, B), read from zero state."""
        whole = self.network.workspace(EVALUATION_STEPS, tokens.shape[1], 1, training=False)
        state = whole.state(0)
        for start in range(0, len(tokens), EVALUATION_STEPS):
            read = tokens[start : start + EVALUATION_STEPS]
            work = whole.first(len(read), len(read) - 1)
            work.set_state(state)
            work.tokens[...] = read
            self.backpropagation.forward(work)
            state = work.state(len(read))
        return state

    def _fill(self, work: Workspace, start: int, stop: int, head_from: int, update: int) -> np.ndarray:
        """Write the inputs of these steps into `work`, and return the targets of those that the head reads."""
        self.streams.fill(work.tokens, start, stop)
        targets = self.streams.targets(start + head_from, stop)
        if self.rare is not None:
            taken = self.rare.taken(update // self.updates_per_epoch)
            work.tokens[...] = taken[work.tokens]
            targets = np.where(targets == IGNORED, IGNORED, taken[targets])
        return targets

    def validate(self) -> tuple[float, int]:
        """Return (summed loss, tokens) of the validation split."""
        release(self.streams.ids)
        return self.validation.run()


class Validation:
    """A pass over `valid` that scores every token once with carried state, on several contiguous streams.

    Each stream first reads the WARM_UP tokens before its own. If `valid` is a text of its own, its first stream has
    none: the state starts at zero, and the first token, which nothing precedes, is not scored. known_only: unknown
    tokens are read, and not scored.
    """

    STREAM_LENGTH = 1024  # at least; shorter streams would spend their time on warming up
    MOST_STREAMS = 32

    def __init__(
        self,
        network: Network,
        valid: np.ndarray,
        context: np.ndarray,
        backpropagation: Backpropagation,
        *,
        known_only: bool = False,
    ):
        self.network, self.backpropagation, self.known_only = network, backpropagation, known_only
        self._memory: Workspace | None = None
        self._body = valid if len(context) else valid[1:]
        self.count = len(self._body)
        self.scored = int(np.count_nonzero(self._body != UNKNOWN_NUMBER)) if known_only else self.count
        if not self.scored:
            return
        S = max(1, min(self.MOST_STREAMS, self.count // self.STREAM_LENGTH))
        self.L = -(-self.count // S)
        S = -(-self.count // self.L)
        self._head = context[-WARM_UP - 1 :] if len(context) else valid[:1]
        self.cold_until = WARM_UP + 1 - len(self._head)  # the first stream's state is zero before its first real token
        self.shape = (WARM_UP + self.L, S)  # steps, warming up included, and streams

    @property
    def _work(self) -> Workspace:
        if self._memory is None:
            S = self.shape[1]
            self._memory = self.network.workspace(EVALUATION_STEPS, S, EVALUATION_STEPS, training=False)
        return self._memory

    def free(self) -> None:
        """Free the arrays; they are made again when needed."""
        self._memory = None

    def slice(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Return inputs and targets of these steps, int32 (stop − start, S); unscored targets are IGNORED."""
        steps = np.arange(start, stop)[:, None]
        places = np.arange(self.shape[1]) * self.L + steps - WARM_UP
        targets = self._tokens(places)
        targets[(steps < WARM_UP) | (places >= self.count)] = IGNORED
        if self.known_only:
            targets[targets == UNKNOWN_NUMBER] = IGNORED
        return self._tokens(places - 1), targets

    def _tokens(self, places: np.ndarray) -> np.ndarray:
        """Return the tokens at these places of the scored text, 0 where there is none; negative places precede it."""
        tokens = self._body[places.clip(0, self.count - 1)].astype(np.int32)
        before = places < 0
        earlier = places[before] + len(self._head)
        tokens[before] = np.where(earlier >= 0, self._head[earlier.clip(0)], 0)
        return tokens

    def run(self, each: np.ndarray | None = None) -> tuple[float, int]:
        """Return (summed loss in nats, tokens scored); write the nats of each token into `each` (count,), if given."""
        if not self.scored:
            return float("nan"), 0
        self._work.clear_state()
        state = self._work.state(0)
        total = 0.0
        edges = sorted({0, self.cold_until, *range(0, self.shape[0], EVALUATION_STEPS), self.shape[0]})
        for start, stop in itertools.pairwise(edges):
            work: Workspace = self._work.first(stop - start, 0)
            work.set_state(state)
            if start <= self.cold_until:
                for layer in work.directions:
                    for array in layer.states.values():
                        array[0, 0] = 0
            work.tokens[...], targets = self.slice(start, stop)
            losses = self.backpropagation.losses_of(work, targets)
            total += float(sum_of(losses))
            if each is not None:
                places = np.arange(self.shape[1]) * self.L + np.arange(start, stop)[:, None] - WARM_UP
                scored = targets != IGNORED
                each[places[scored]] = losses[scored]
            state = work.state(stop - start)
        return total, self.scored
