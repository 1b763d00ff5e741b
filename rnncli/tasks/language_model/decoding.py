"""A token network one step at a time: what it would say next, and what it says."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rnncli.kernels import sampling
from rnncli.nn.network import Network
from rnncli.nn.token_writer import TokenWriter

_READ_STEPS = 64
_FIRST_CHUNK, _LONGEST_CHUNK = 8, 4096  # tokens written in one jitted call
_CHUNK_SECONDS = 0.02  # text seems to flow, and Ctrl-C is seen at once


@dataclass(frozen=True)
class Sampling:
    """How the next token is drawn. temperature > 0; top_k 0 and top_p 1 keep all tokens."""

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int = 1


class Decoder:
    """Reads one sequence with carried state, and continues it. `excluded` is the token that is never drawn."""

    def __init__(self, network: Network, excluded: int = 0):
        self.network, self.excluded = network, excluded
        self._reading = network.workspace(_READ_STEPS, 1, 1, training=False)
        self._one = self._reading.first(1, 0)
        self._chances = np.zeros(network.shape.output_size)
        self.restart()

    def restart(self) -> None:
        """Forget everything: the state is zero."""
        self._reading.clear_state()
        self._state = self._reading.state(0)

    def read(self, ids: np.ndarray) -> np.ndarray:
        """The logits (V,) after these tokens (N ≥ 1,)."""
        for start in range(0, len(ids), _READ_STEPS):
            piece = ids[start : start + _READ_STEPS]
            work = self._one if len(piece) == 1 else self._reading.first(len(piece), len(piece) - 1)
            work.set_state(self._state)
            work.tokens[:, 0] = piece
            self.network.forward(work, 0, 1)
            self._state = work.state(len(piece))
        return np.array(work.outputs[0, 0])

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """(V,) float64, the excluded token without any."""
        sampling.probabilities(logits, 1.0, 0, 1.0, self.excluded, self._chances)
        return self._chances

    def write(self, logits: np.ndarray, how: Sampling, count: int = 1) -> Continuations:
        """`count` continuations of what was read, from seeds how.seed, how.seed + 1, …; `logits` are its last."""
        writer = TokenWriter(self.network, count)
        writer.begin(self._state, logits)
        return Continuations(writer, how, count, self.excluded)


class Continuations:
    """Endless sequences that are written together and read one by one; token k of one depends on (seed, k) alone."""

    def __init__(self, writer: TokenWriter, how: Sampling, count: int, excluded: int):
        self.writer, self.how, self.excluded = writer, how, excluded
        self._seeds = np.arange(count, dtype=np.uint64) + np.uint64(how.seed)
        self._chunks: list[np.ndarray] = []
        self._length, self._chunk = 0, _FIRST_CHUNK

    def sequence(self, b: int) -> Iterator[int]:
        """The tokens of sequence b, without end."""
        i = 0
        while True:
            if i == len(self._chunks):
                self._advance()
            yield from self._chunks[i][:, b].tolist()
            i += 1

    def _advance(self) -> None:
        tokens, how = np.zeros((self._chunk, len(self._seeds)), np.int32), self.how
        began = time.perf_counter()
        self.writer.write(tokens, self._seeds, self._length, how.temperature, how.top_k, how.top_p, self.excluded)
        if time.perf_counter() - began < _CHUNK_SECONDS / 2:
            self._chunk = min(2 * self._chunk, _LONGEST_CHUNK)
        self._chunks.append(tokens)
        self._length += len(tokens)
