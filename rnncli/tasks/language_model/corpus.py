"""A text as token numbers of the smallest type, read piece by piece; a large array of them is mapped from a file."""

from __future__ import annotations

import contextlib
import itertools
import mmap
import os
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from rnncli.config.sections import VocabularyConfig
from rnncli.data.source import Source, decoded
from rnncli.data.text import WORDS, Kind, is_tokenized, last_cut, tokenize
from rnncli.data.vocabulary import Vocabulary

_CODE_POINTS = 0x110000
STEP = 1 << 20  # numbers
MAPPED = 1 << 26  # bytes; what is larger is mapped


class Corpus:
    """The tokens of a text by number.

    ids (N,), of the smallest unsigned type: tokens[ids[n]] is the n-th token. tokens[0] is empty, which no token of a
    text is; the others are in the order of the pieces of text in which they first occur. For `bpe` they are the pieces
    of which each becomes one token or several. is_tokenized: True of words whose text looks so, by its first piece.
    """

    def __init__(self, source: Source, kind: Kind, encoding: str, *, hint: str):
        self.kind, self.is_tokenized = kind, False
        self._numbers: dict[str, int] = {"": 0}
        self._by_code_point = np.zeros(_CODE_POINTS if kind in ("char", "byte") else 0, np.int32)
        # No text has more tokens than bytes; the system gives memory only where something is written.
        room, length = _room(source.size, np.dtype(np.uint8)), 0
        for numbers in self._read(source, encoding, hint):
            wanted = np.min_scalar_type(len(self._numbers) - 1)
            if wanted.itemsize > room.dtype.itemsize:
                wider = _room(source.size, wanted)
                for piece in _slices(length):
                    wider[piece] = room[piece]
                room = wider
            room[length : length + len(numbers)] = numbers
            length += len(numbers)
            release(room)
        self.ids = room[:length]
        self.tokens = tuple(self._numbers)

    def _read(self, source: Source, encoding: str, hint: str) -> Iterator[np.ndarray]:
        if self.kind == "byte":
            for piece in source.pieces():
                yield self._characters(np.frombuffer(piece, np.uint8))
        elif self.kind == "char":
            for text in decoded(source, encoding, hint=hint):
                yield self._characters(np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4"))
        else:
            known = self._numbers
            for text in _cut_anew(decoded(source, encoding, hint=hint), self.kind):
                if len(known) == 1 and self.kind in WORDS:  # the first piece
                    self.is_tokenized = is_tokenized(text)
                yield np.array([known.setdefault(token, len(known)) for token in tokenize(text, self.kind)], np.int64)

    def _characters(self, points: np.ndarray) -> np.ndarray:
        numbers = self._by_code_point[points]
        new = np.unique(points[numbers == 0])
        if not len(new):
            return np.asarray(numbers)
        first = len(self._numbers)
        self._numbers |= {chr(point): number for number, point in enumerate(new.tolist(), first)}
        self._by_code_point[new] = np.arange(first, first + len(new))
        return np.asarray(self._by_code_point[points])

    def vocabulary(self, stop: int, limits: VocabularyConfig | None = None) -> Vocabulary:
        """Return the vocabulary of the first `stop` tokens, up to the limits."""
        counts = counted(self.ids[:stop], len(self.tokens))
        seen = {token: int(count) for token, count in zip(self.tokens, counts, strict=True) if count}
        return Vocabulary.of_counts(seen, self.kind, limits)

    def encode(self, vocabulary: Vocabulary) -> np.ndarray:
        """Return the text in the numbers of `vocabulary`, written over those of the corpus, which is used up."""
        if self.kind == "bpe":
            return self._in_byte_pairs(vocabulary)
        new = vocabulary.numbers(self.tokens)
        ids = self.ids if self.ids.dtype.itemsize >= new.dtype.itemsize else self.ids.astype(new.dtype)
        for piece in _slices(len(ids)):
            ids[piece] = new[self.ids[piece]]
            release(ids)
        return ids

    def places(self, vocabulary: Vocabulary, stops: Sequence[int]) -> list[int]:
        """Return where the places `stops` of the corpus are in what `encode` returns."""
        if self.kind != "bpe":
            return list(stops)
        lengths = np.array([len(tokens) for tokens in self._split(vocabulary)])
        return [int(counted(self.ids[:stop], len(lengths)) @ lengths) for stop in stops]

    def _split(self, vocabulary: Vocabulary) -> list[list[int]]:
        return vocabulary.byte_pairs.each(self.tokens)

    def _in_byte_pairs(self, vocabulary: Vocabulary) -> np.ndarray:
        """Return the numbers of each piece's tokens, one piece after the other."""
        split = self._split(vocabulary)
        flat = np.array(list(itertools.chain.from_iterable(split)), vocabulary.dtype)
        lengths = np.array([len(tokens) for tokens in split])
        starts = np.cumsum(lengths) - lengths
        room, length = _room(self.places(vocabulary, [len(self.ids)])[0], vocabulary.dtype), 0
        for piece in _slices(len(self.ids)):
            ids = self.ids[piece]
            each = lengths[ids]
            ends = np.cumsum(each)
            within = np.arange(ends[-1]) - np.repeat(ends - each, each)
            room[length : length + ends[-1]] = flat[np.repeat(starts[ids], each) + within]
            length += int(ends[-1])
            release(room)
        return room


def counted(ids: np.ndarray, size: int) -> np.ndarray:
    """Return how often each of the numbers below `size` occurs in `ids`, int64 (size,)."""
    counts = np.zeros(size, np.int64)
    for piece in _slices(len(ids)):
        counts += np.bincount(ids[piece], minlength=size)
        release(ids)
    return counts


def release(ids: np.ndarray) -> None:
    """Take the pages of a mapped array out of this process's memory; they are read again where they are needed."""
    owner: Any = ids
    while isinstance(owner, np.ndarray | memoryview):
        owner = owner.base if isinstance(owner, np.ndarray) else owner.obj
    if isinstance(owner, mmap.mmap):
        owner.madvise(mmap.MADV_DONTNEED)


def _room(size: int, dtype: np.dtype) -> np.ndarray:
    """Return an empty array of `size`; if it is large, in an unnamed temporary file when the disk has room."""
    needed = size * dtype.itemsize
    if needed > MAPPED and hasattr(os, "posix_fallocate"):
        with contextlib.suppress(OSError), tempfile.TemporaryFile(prefix="rnncli-") as file:
            os.posix_fallocate(file.fileno(), 0, needed)
            return np.frombuffer(mmap.mmap(file.fileno(), needed), dtype)
    return np.empty(size, dtype)


def _slices(length: int) -> Iterator[slice]:
    """Yield slices of the first `length` numbers, each of at most STEP numbers, to limit the memory for renumbering."""
    return (slice(start, min(start + STEP, length)) for start in range(0, length, STEP))


def _cut_anew(pieces: Iterator[str], kind: Kind) -> Iterator[str]:
    """Yield the text of `pieces`, cut only where that changes no token."""
    held: list[str] = []
    for piece in pieces:
        cut = last_cut(piece, kind)
        if cut:
            yield "".join([*held, piece[:cut]])
            held = []
        held.append(piece[cut:])
    yield "".join(held)
