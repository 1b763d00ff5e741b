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

from rnncli.config.token_sections import VocabularyConfig
from rnncli.data.encodings import encodings_of
from rnncli.data.source import Source, mend_of_one
from rnncli.data.text import WORDS, Kind, is_tokenized, last_cut, tokenize
from rnncli.data.vocabulary import END, Vocabulary
from rnncli.tasks.language_model.items import STREAM, items_in, texts_in

_CODE_POINTS = 0x110000
STEP = 1 << 20  # numbers
MAPPED = 1 << 26  # bytes; what is larger is mapped


class Corpus:
    """The tokens of a text by number.

    ids (N,), of the smallest unsigned type: tokens[ids[n]] is the n-th token. tokens[0] is END, which no token of a
    text is; the others are in the order of the pieces of text in which they first occur. Where the text is cut into
    items, END stands before the first, between two, and after the last. For `bpe` they are the pieces of which each
    becomes one token or several. ends: the number of tokens up to the end of each file. is_tokenized: True of words
    whose text looks so, by its first piece.
    """

    def __init__(self, source: Source, kind: Kind, encoding: str, *, hint: str, items: str = STREAM):
        self.kind, self.items, self.is_tokenized = kind, items, False
        self._numbers: dict[str, int] = {END: 0}
        self._by_code_point = np.zeros(_CODE_POINTS if kind in ("char", "byte") else 0, np.int32)
        # No text has more tokens than bytes; the system gives memory only where something is written.
        size = source.size + 1 + len(source.files)
        room, length = _room(size, np.dtype(np.uint8)), 0
        ends = []
        if items != STREAM:
            room[0], length = 0, 1
        files, several = source.files, len(source.files) > 1
        encodings = [encoding] * len(files) if kind == "byte" else encodings_of(source, encoding)
        for file, own in zip(files, encodings, strict=True):
            mend = mend_of_one(file.name) if several else hint
            for numbers in self._read(texts_in(file, kind, own, hint=mend)):
                wanted = np.min_scalar_type(len(self._numbers) - 1)
                if wanted.itemsize > room.dtype.itemsize:
                    wider = _room(size, wanted)
                    for piece in _slices(length):
                        wider[piece] = room[piece]
                    room = wider
                room[length : length + len(numbers)] = numbers
                length += len(numbers)
                release(room)
            ends.append(length)
        self.ids, self.ends = room[:length], ends
        self.tokens = tuple(self._numbers)

    def _read(self, pieces: Iterator[str]) -> Iterator[np.ndarray]:
        if self.items != STREAM:
            for some in items_in(pieces, self.items):
                if some:
                    self._look("\n".join(some))
                    yield self._ended(some)
        elif self.kind in WORDS or self.kind == "bpe":
            for text in _cut_anew(pieces, self.kind):
                self._look(text)
                yield self._words(text)
        else:
            yield from map(self._points, pieces)

    def _ended(self, items: list[str]) -> np.ndarray:
        """Return the numbers of some items, each of which END follows."""
        if self.kind in WORDS:
            each = [self._words(item) for item in items]
            lengths, numbers = list(map(len, each)), np.concatenate(each)
        else:
            lengths, numbers = list(map(len, items)), self._points("".join(items))
        return np.insert(numbers, np.cumsum(lengths), 0)

    def _look(self, text: str) -> None:
        """See whether words are tokenized already, if this is the first piece of text."""
        if self.kind in WORDS and len(self._numbers) == 1:
            self.is_tokenized = is_tokenized(text)

    def _words(self, text: str) -> np.ndarray:
        known = self._numbers
        return np.array([known.setdefault(word, len(known)) for word in tokenize(text, self.kind)], np.int64)

    def _points(self, text: str) -> np.ndarray:
        return self._characters(np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4"))

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
        return self.vocabulary_of(counted(self.ids[:stop], len(self.tokens)), limits)

    def vocabulary_of(self, counts: np.ndarray, limits: VocabularyConfig | None = None) -> Vocabulary:
        """Return the vocabulary of the tokens with these counts, up to the limits."""
        return Vocabulary.of_counts(self.seen(counts), self.kind, limits)

    def seen(self, counts: np.ndarray) -> dict[str, int]:
        """Return the tokens that occur, with their counts."""
        return {token: int(count) for token, count in zip(self.tokens, counts, strict=True) if count}

    def encode(self, vocabulary: Vocabulary) -> np.ndarray:
        """Return the text in the numbers of `vocabulary`, written over those of the corpus, which is used up."""
        if self.kind == "bpe":
            return self._in_byte_pairs(vocabulary)
        return self.renumbered(self.ids, vocabulary)

    def renumbered(self, ids: np.ndarray, vocabulary: Vocabulary) -> np.ndarray:
        """Return tokens of the corpus in the numbers of `vocabulary`, written over `ids` if there is room in them."""
        new = vocabulary.numbers(self.tokens)
        out = ids if ids.dtype.itemsize >= new.dtype.itemsize else ids.astype(new.dtype)
        for piece in _slices(len(out)):
            out[piece] = new[ids[piece]]
            release(out)
        return out

    def joined(self, starts: np.ndarray, stops: np.ndarray, lead: int = 0) -> np.ndarray:
        """Return a copy of the first `lead` tokens, and of those from each start to its stop, one after another."""
        runs = starts[1:] != stops[:-1]  # neighbours are copied together
        starts, stops = starts[np.append(True, runs)[: len(starts)]], stops[np.append(runs, True)[: len(stops)]]
        out, length = _room(lead + int((stops - starts).sum()), self.ids.dtype), lead
        out[:lead] = self.ids[:lead]
        for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
            out[length : length + stop - start] = self.ids[start:stop]
            length += stop - start
        release(self.ids)
        return out

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
