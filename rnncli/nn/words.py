"""Vectors of words: one part is looked up, one is composed from the word's characters by a small network, and others
are looked up for the affixes of the word, if there are any.

A word never seen before has a vector too (Ling et al., 2015). Every distinct word of a batch is composed once,
however often it occurs: the sequences of a batch share these vectors, which are computed first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rnncli.kernels import inputs, pooling
from rnncli.kernels.buffers import zeros
from rnncli.nn.parameters import AFFIXES, EMBEDDING, WORDS, Parameter, Part, Share, within
from rnncli.nn.pooling import PoolingWork
from rnncli.nn.stack import Stack, StackShape
from rnncli.nn.workspace import StackWork, WordsWork

_ROOM = 128  # words: memory is kept for multiples of it


@dataclass(frozen=True)
class Lexicon:
    """The written forms of words, numbered.

    words (F,): their numbers in the vocabulary, 0 if it lacks them; seldom (F,): True if training may take the word
    for an unknown one; spellings: the numbers of their characters, each at least one; affixes: the numbers (F,) of
    their affixes of each kind, 0 for those that are unknown.
    """

    words: np.ndarray
    seldom: np.ndarray
    spellings: Sequence[np.ndarray]
    affixes: Sequence[np.ndarray] = ()


def spelling_shape(cell: str, characters: int, C: int) -> StackShape:
    """Return the shape of the stack that reads a word's characters: one layer of two directions of C."""
    return StackShape(cell, characters, C, 1, True, bidirectional=True)


class WordVectors(Part):
    """Vectors of V words: E values that are looked up, then 2·C outputs of two directions that read the characters,
    then A values for the affix of each kind; affixes: the kinds, and how many affixes of each there are.
    """

    def __init__(
        self, cell: str, V: int, E: int, characters: int, C: int, affixes: Sequence[tuple[str, int]] = (), A: int = 0
    ):
        self.V, self.E, self.C, self.A = V, E, C, A
        first = within(EMBEDDING, WORDS)
        self.table = Parameter("embedding.weight", (V, E), first)
        # Words are short: long memories are not for them.
        self.spelling = Stack(spelling_shape(cell, characters, C), "characters.", 3, takes_chrono=False)
        self.affixes = [
            Parameter(f"affixes.{kind}.weight", (count, A), within(EMBEDDING, AFFIXES + place))
            for place, (kind, count) in enumerate(affixes)
        ]
        self.declared, self.parts = (self.table, *self.affixes), (self.spelling,)
        self._memory: dict[int, tuple[StackWork, PoolingWork]] = {}

    def work(self, T: int, B: int) -> WordsWork:
        """Return arrays for up to T steps of B sequences; `place` provides those of the batch's words."""
        words, forms = zeros((T, B), np.int32), zeros((T, B), np.int32)
        return WordsWork(words, forms, zeros((len(self.affixes), T, B), np.int32), *self.memory_of(_ROOM, 1))

    def place(self, work: WordsWork, numbers: np.ndarray, lexicon: Lexicon) -> None:
        """Put the spellings of a batch into `work`; numbers (T, B) are places in the lexicon."""
        for place, known in enumerate(lexicon.affixes):
            work.affixes[place] = known[numbers]
        used, forms = np.unique(numbers, return_inverse=True)
        lengths = np.array([len(lexicon.spellings[i]) for i in used])
        order = np.argsort(-lengths, kind="stable")
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order))
        work.forms[...] = rank[forms.reshape(numbers.shape)]
        work.spelt, work.composed = self._room([lexicon.spellings[used[i]] for i in order])

    def _room(self, spellings: list[np.ndarray]) -> tuple[StackWork, PoolingWork]:
        """Return memory that holds these words, longest first, padded with unused words of one character."""
        B = -(-len(spellings) // _ROOM) * _ROOM
        whole, composed = self.memory_of(B, len(spellings[0]))
        lengths = np.ones(B, np.int32)
        lengths[: len(spellings)] = [len(spelling) for spelling in spellings]
        spelt = whole.of_lengths(lengths)
        spelt.clear_state()
        spelt.tokens[...] = 0
        for b, spelling in enumerate(spellings):
            spelt.tokens[: len(spelling), b] = spelling
        return spelt, composed

    def memory_of(self, B: int, T: int) -> tuple[StackWork, PoolingWork]:
        """Return arrays for B words of up to T characters, which are kept for later calls."""
        dtype = self.table.value.dtype
        if B not in self._memory or len(self._memory[B][0].tokens) < T:
            whole = self.spelling.work(T, B, dtype, training=True)
            self._memory[B] = whole, PoolingWork.plan(T, B, 2 * self.C, dtype)
        return self._memory[B]

    def gather(self, work: WordsWork, x: np.ndarray, low: int, high: int) -> None:
        """Write all parts of the vectors to x (T, B, E + 2C + kinds·A)."""
        inputs.gather(self.table.value, work.words, x, 0, low, high)
        inputs.gather(work.composed.pooled[0], work.forms, x, self.E, low, high)
        for at, affixes, numbers in self.affix_tables(work):
            inputs.gather(affixes.value, numbers, x, at, low, high)

    def affix_tables(self, work: WordsWork) -> Iterator[tuple[int, Parameter, np.ndarray]]:
        """Yield for each kind of affix where its values begin in a vector, its table, and the batch's numbers in it."""
        for place, (affixes, numbers) in enumerate(zip(self.affixes, work.affixes, strict=True)):
            yield self.E + 2 * self.C + place * self.A, affixes, numbers


@dataclass(frozen=True)
class WordsOfBatch:
    """The vectors of a batch's distinct words: computed before all sequences, backpropagated after all sequences."""

    layer: WordVectors
    work: WordsWork
    dx: np.ndarray

    @property
    def count(self) -> int:
        return self.work.spelt.B

    def forward(self, low: int, high: int) -> None:
        """Compute the vectors of words low ≤ b < high from their characters."""
        spelt = self.work.spelt
        self.layer.spelling.forward(spelt, low, high)
        pooling.last(spelt.y, spelt.extent.lengths, self.layer.C, self.work.composed.pooled, low, high)

    @property
    def sums(self) -> list[np.ndarray]:
        """What `collect` sums over the sequences of a batch besides gradients of parameters."""
        return [self.work.composed.dpooled]

    def collect(self, share: Share) -> None:
        """Compute this share's columns of the gradients of all parts of the vectors, after `backward` of the batch."""
        layer, work, dx = self.layer, self.work, share.part(self.dx)
        inputs.scatter(dx, 0, share.part(work.words), layer.table.gradient, *share.split(layer.E))
        for at, affixes, numbers in layer.affix_tables(work):
            inputs.scatter(dx, at, share.part(numbers), affixes.gradient, *share.split(layer.A))
        inputs.scatter(dx, layer.E, share.part(work.forms), work.composed.dpooled[0], *share.split(2 * layer.C))

    def backward(self, low: int, high: int) -> None:
        """Backpropagate through the characters of words low ≤ b < high."""
        spelt, dpooled = self.work.spelt, self.work.composed.dpooled
        pooling.last_grad(dpooled, spelt.extent.lengths, self.layer.C, spelt.dy, low, high)
        self.layer.spelling.backward(spelt, low, high)

    def weight_gradients(self, share: Share) -> None:
        """Compute this share's columns of the gradients of what reads the characters, after `backward` of all words."""
        self.layer.spelling.weight_gradients(self.work.spelt, share)
