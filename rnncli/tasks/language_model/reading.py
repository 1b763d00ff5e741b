"""How probable each token of a text was after all before it, as the text comes, in bounded memory.

A long piece of text is cut into segments that are read side by side, each warmed up on the tokens before it, as
validation is. A short one, such as a new line of a log, is read token by token from the exact state.
"""

from __future__ import annotations

import itertools
from typing import Protocol

import numpy as np

from rnncli.kernels.losses import IGNORED
from rnncli.nn.network import Network
from rnncli.nn.workspace import LayerState, Workspace
from rnncli.tasks.language_model.streams import EVALUATION_STEPS, WARM_UP
from rnncli.tasks.language_model.texts import Texts
from rnncli.training.backpropagation import CROSS_ENTROPY, Backpropagation, ThreadPool

SEGMENT, MOST_SEGMENTS = 1024, 48  # tokens of a segment at least; segments side by side, which fill tiles of six rows


class Reading(Protocol):
    """Something that reads a text, and tells the nats (N,) of tokens `ids` (N,) after all that it has read before."""

    def nats(self, ids: np.ndarray) -> np.ndarray: ...


class StreamReading:
    """Reads one text with carried state. first: the token that precedes it, None if none does; the first token of the
    text has then no probability, which is NaN.
    """

    def __init__(self, network: Network, pool: ThreadPool, first: int | None = None):
        self.network, self.driver = network, Backpropagation(network, CROSS_ENTROPY, pool)
        self._before = first
        self._work: Workspace | None = None
        self._state: list[LayerState] | None = None  # None: zero

    def nats(self, ids: np.ndarray) -> np.ndarray:
        """Return the nats (N,) of the tokens `ids` (N,), and go on after them."""
        found = np.full(len(ids), np.nan)
        if len(ids):
            scored = found if self._before is not None else found[1:]
            before = [] if self._before is None else [self._before]
            text = np.concatenate([before, ids]).astype(np.int32)
            S = min(len(scored) // SEGMENT, MOST_SEGMENTS)
            cut = self._side_by_side(text, scored, S) if S > 1 else 0
            self._one_by_one(text[cut:], scored[cut:])
            self._before = int(ids[-1])
        return found

    def _one_by_one(self, text: np.ndarray, nats: np.ndarray) -> None:
        for start in range(0, len(nats), EVALUATION_STEPS):
            stop = min(start + EVALUATION_STEPS, len(nats))
            work = self._started(1).first(stop - start, 0)
            if self._state is not None:
                work.set_state(self._state)
            work.tokens[:, 0] = text[start:stop]
            nats[start:stop] = self.driver.losses_of(work, text[start + 1 : stop + 1, None])[:, 0]
            self._state = work.state(stop - start)

    def _side_by_side(self, text: np.ndarray, nats: np.ndarray, S: int) -> int:
        """Write the nats of the first targets of `text`, as many as make S equal segments; return their number."""
        L = len(nats) // S
        whole, carried = self._started(S), self._state
        state = whole.state(0)
        for start, stop in itertools.pairwise([*range(0, WARM_UP + L, EVALUATION_STEPS), WARM_UP + L]):
            work = whole.first(stop - start, 0)
            work.set_state(state)
            if start == WARM_UP:  # which the first segment starts from, being warm
                _begin(work, 0, carried)
            steps = np.arange(start, stop)[:, None] - WARM_UP
            places = np.maximum(np.arange(S) * L + steps, 0)
            work.tokens[...] = text[places]
            targets = np.where(steps < 0, IGNORED, text[places + 1])
            losses = self.driver.losses_of(work, targets)
            scored = targets != IGNORED
            nats[places[scored]] = losses[scored]
            state = work.state(stop - start)
        self._state = [tuple(array[-1:] for array in layer) for layer in state]
        return S * L

    def _started(self, B: int) -> Workspace:
        """Return a workspace for B sequences, their states zero."""
        if self._work is None or self._work.B != B:
            self._work = self.network.workspace(EVALUATION_STEPS, B, EVALUATION_STEPS, training=False)
        self._work.clear_state()
        return self._work


class ItemsReading:
    """Reads items, each by itself from its beginning; `end` is the token that each begins after, and ends with."""

    def __init__(self, network: Network, pool: ThreadPool, end: int):
        self.network, self.driver, self.end = network, Backpropagation(network, CROSS_ENTROPY, pool), end

    def nats(self, ids: np.ndarray) -> np.ndarray:
        """Return the nats (N,) of the tokens `ids` (N,) of some items, their ends among them."""
        found = np.empty(len(ids))
        if len(ids):
            text = np.append(self.end, ids).astype(np.int32)
            ends = np.flatnonzero(text == self.end)
            if text[-1] != self.end:  # of an item too long to be read whole
                ends = np.append(ends, len(ids))
            Texts.of_items(text, ends).validation(self.network, self.driver).run(found)
        return found


def _begin(work: Workspace, b: int, state: list[LayerState] | None) -> None:
    """Start sequence b from the state of one sequence, or from zero."""
    for l, layer in enumerate(work.directions):
        for k, array in enumerate(layer.states.values()):
            array[0, b] = 0 if state is None else state[l][k][0]
