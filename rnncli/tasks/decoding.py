"""A token network one step at a time: what it would say next, and what it says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rnncli.kernels import random, sampling
from rnncli.models.network import Network

_READ_STEPS = 64
_STREAM = 900  # of the seed's independent random streams


@dataclass(frozen=True)
class Sampling:
    """How the next token is drawn. temperature > 0; top_k 0 and top_p 1 keep all tokens."""

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int = 1


class Decoder:
    """Reads and writes one sequence with carried state. `excluded` is the token that is never drawn."""

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

    def write(self, logits: np.ndarray, how: Sampling) -> Iterator[int]:
        """Tokens without end, each drawn after reading the one before; number k depends on (seed, k) alone."""
        k = 0
        token = np.zeros(1, np.int32)
        while True:
            token[0] = self._draw(logits, how, k)
            yield int(token[0])
            logits = self.read(token)
            k += 1

    def _draw(self, logits: np.ndarray, how: Sampling, k: int) -> int:
        sampling.probabilities(logits, how.temperature, how.top_k, how.top_p, self.excluded, self._chances)
        return int(sampling.draw(self._chances, random.unit(how.seed, _STREAM, k)))
