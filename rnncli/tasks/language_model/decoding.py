"""Reading a sequence token by token, and writing how it goes on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from rnncli.kernels import sampling
from rnncli.kernels.generation import PENALISED, Past
from rnncli.kernels.sampling import Rules
from rnncli.nn.network import Network
from rnncli.nn.writers import TokenWriter

_READ_STEPS = 64
_FIRST_CHUNK, _LONGEST_CHUNK = 8, 4096  # tokens written in one jitted call
_READ = np.zeros((0, 0), np.int32)  # in place of a chunk that is read
_CHUNK_SECONDS = 0.02  # text seems to flow, and Ctrl-C is seen at once


@dataclass(frozen=True)
class Sampling:
    """The settings for drawing the next token. temperature > 0; top_k 0, top_p 1 and min_p 0 keep all tokens, and
    repetition_penalty 1 their probabilities; bad_words are never written; runs longer than max_copy tokens are not
    copied, 0 is no limit.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    max_copy: int = 0
    bad_words: tuple[str, ...] = ()
    seed: int = 1

    @property
    def rules(self) -> Rules:
        return Rules(self.temperature, self.top_k, self.top_p, self.min_p, self.repetition_penalty, self.max_copy)


@dataclass(frozen=True)
class Barred:
    """What continuations must not have: after (S, V), place and seen are those of `generation.Past`. read (N,): the
    tokens before them, with which they copy."""

    after: np.ndarray
    place: int = 0
    seen: np.ndarray = field(default_factory=lambda: np.zeros(1, np.uint64))
    read: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))

    def past(self, count: int, longest: int) -> Past:
        """Return the memory of `count` sequences that begin, of which runs longer than `longest` are not copied."""
        size, read = max(PENALISED, longest), min(longest, len(self.read))
        recent = np.zeros((count, size), np.int32)
        recent[:, size - read :] = self.read[len(self.read) - read :]
        return Past(self.after, np.full(count, self.place, np.int32), recent, read, self.seen)


class Decoder:
    """Reads one sequence with carried state, and continues it. `excluded` is never drawn; −1 excludes no token."""

    def __init__(self, network: Network, excluded: int = 0):
        self.network, self.excluded = network, excluded
        self._reading = network.workspace(_READ_STEPS, 1, 1, training=False)
        self._one = self._reading.first(1, 0)
        self._chances = np.zeros(network.shape.output_size)
        self._heap = np.zeros(network.shape.output_size, np.int64)
        after = np.zeros((1, network.shape.output_size), np.int32)
        if excluded >= 0:
            after[0, excluded] = -1
        self._barred = Barred(after)
        self.restart()

    def restart(self) -> None:
        """Set the state to zero, so that all that was read is forgotten."""
        self._reading.clear_state()
        self._state = self._reading.state(0)

    def read(self, ids: np.ndarray) -> np.ndarray:
        """Read the tokens `ids` (N ≥ 1,) and return the logits (V,) after them."""
        for start in range(0, len(ids), _READ_STEPS):
            piece = ids[start : start + _READ_STEPS]
            work = self._one if len(piece) == 1 else self._reading.first(len(piece), len(piece) - 1)
            work.set_state(self._state)
            work.tokens[:, 0] = piece
            self.network.forward(work, 0, 1)
            self._state = work.state(len(piece))
        return np.array(work.outputs[0, 0])

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Return the probabilities (V,) float64 of the next token, with 0 for the excluded token."""
        sampling.probabilities(logits, Sampling().rules, self._barred.after[0], self._chances, self._heap)
        return self._chances

    def write(self, logits: np.ndarray, how: Sampling, count: int = 1, barred: Barred | None = None) -> Continuations:
        """Return `count` continuations after the tokens that gave `logits`, from seeds how.seed, how.seed + 1, …"""
        writer = TokenWriter(self.network, count)
        writer.begin(self._state, logits)
        return Continuations(writer, how, count, barred or self._barred)


class Continuations:
    """Endless sequences, written together and read one by one; token k of a sequence depends on (seed, k) alone.

    What all of them have read is not kept, so that one alone may be as long as it likes.
    """

    def __init__(self, writer: TokenWriter, how: Sampling, count: int, barred: Barred):
        self.writer, self.rules, self._past = writer, how.rules, barred.past(count, how.max_copy)
        self._seeds = np.arange(count, dtype=np.uint64) + np.uint64(how.seed)
        self._chunks: list[np.ndarray] = []
        self._readers: list[int] = []  # that have not read a chunk yet
        self._length, self._chunk = 0, _FIRST_CHUNK

    def sequence(self, b: int) -> Iterator[int]:
        """Yield the tokens of sequence b, without end, which can be read once."""
        i = 0
        while True:
            if i == len(self._chunks):
                self._advance()
            yield from self._chunks[i][:, b].tolist()
            self._readers[i] -= 1
            if not self._readers[i]:
                self._chunks[i] = _READ
            i += 1

    def _advance(self) -> None:
        tokens = np.zeros((self._chunk, len(self._seeds)), np.int32)
        began = time.perf_counter()
        self.writer.write(tokens, self._seeds, self._length, self.rules, self._past)
        if time.perf_counter() - began < _CHUNK_SECONDS / 2:
            self._chunk = min(2 * self._chunk, _LONGEST_CHUNK)
        self._chunks.append(tokens)
        self._readers.append(len(self._seeds))
        self._length += len(tokens)
