"""What a language model says of texts that grow symbol by symbol, for a search that keeps several of them."""

from __future__ import annotations

import numpy as np

from rnncli.nn.network import Network
from rnncli.nn.workspace import LayerState
from rnncli.training.backpropagation import Runner, ThreadPool


class Following:
    """The log-probabilities of symbols after hypotheses of one text, as `kernels.prefix_beam.Language` says.

    tokens (C,): the token of each symbol. first: the token before the text, None if there is none, and then all tokens
    are equally likely to begin it; end: the token at its end, None if nothing tells it.
    """

    def __init__(self, network: Network, tokens: np.ndarray, first: int | None, end: int | None):
        self.network, self.tokens, self.first, self.end = network, tokens, first, end
        self._runner = Runner(network, ThreadPool(1))
        self._state: list[LayerState] = []
        self._logs = np.zeros((0, 0))

    def __call__(self, before: np.ndarray, appended: np.ndarray) -> np.ndarray:
        """Return log-probabilities (n, C) of the symbols that may follow; see `Language`."""
        if not self._state:
            self._begin()
        else:
            self._state = [tuple(array[before] for array in layer) for layer in self._state]
            self._logs = self._logs[before]
            if len(longer := np.flatnonzero(appended)):
                self._read(longer, self.tokens[appended[longer]])
        found = self._logs[:, self.tokens]
        found[:, 0] = 0.0 if self.end is None else self._logs[:, self.end]
        return np.asarray(found)

    def _begin(self) -> None:
        """Start with the empty text."""
        self._state = self.network.workspace(1, 1, 1, training=False).state(0)
        V = self.network.shape.output_size
        self._logs = np.full((1, V), -np.log(V))
        if self.first is not None:
            self._read(np.zeros(1, int), np.array([self.first]))

    def _read(self, chosen: np.ndarray, tokens: np.ndarray) -> None:
        """Read a token (m,) more in each of the chosen (m,) hypotheses."""
        work = self.network.workspace(1, len(chosen), 1, training=False)
        work.set_state([tuple(array[chosen] for array in layer) for layer in self._state])
        work.tokens[0] = tokens
        self._runner.forward(work)
        for kept, read in zip(self._state, work.state(1), strict=True):
            for array, values in zip(kept, read, strict=True):
                array[chosen] = values
        outputs = work.outputs[0].astype(np.float64)
        above = outputs - outputs.max(axis=1, keepdims=True)
        self._logs[chosen] = above - np.log(np.exp(above).sum(axis=1, keepdims=True))
