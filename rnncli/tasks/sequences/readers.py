"""Readers that turn steps into the inputs of a network: tokens of a text, words with spellings, or scaled numbers.

    Tokens    characters or bytes: numbers in a vocabulary
    Words     numbers of written forms, each with a number in a vocabulary and a spelling
    Numbers   values scaled by the mean and standard deviation of the training split

Each has a `size`, the number of tokens in the vocabulary or of values in a step, and a `lexicon` if it reads words.
What a reader gives is `cut` as the config says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from rnncli.data.cutting import Cut
from rnncli.data.numeric import FAR, whole_series
from rnncli.data.vocabulary import LIMIT, UNKNOWN, Vocabulary, token_vocabulary
from rnncli.errors import DataError
from rnncli.nn.words import Lexicon
from rnncli.tasks.sequences.examples import Examples
from rnncli.tasks.sequences.tagged import Tagged

LONGEST = 40  # characters of a word: of a longer one, the first and the last half of that


class Tokens:
    """A reader of texts, as tokens of a vocabulary."""

    cut = Cut(None, "end")

    def __init__(self, vocabulary: Vocabulary):
        self.vocabulary, self.unit = vocabulary, f"{vocabulary.kind} tokens"

    def encode(self, texts: Iterable[str]) -> list[np.ndarray]:
        """Return the token numbers, int32 (n,), of each text."""
        return [self.vocabulary.encode(text).astype(np.int32) for text in texts]

    def lexicon(self) -> None:
        """Return None: there are no words."""

    @property
    def size(self) -> int:
        return len(self.vocabulary)

    def to_header(self) -> dict[str, Any]:
        return {"vocabulary": self.vocabulary.to_header()}


class Words:
    """A reader of words, with the words and characters of the training split; `once` are the words it has only once."""

    unit = "word tokens"
    cut = Cut(None, "end")

    def __init__(self, vocabulary: Vocabulary, characters: Vocabulary, once: Sequence[str] = ()):
        self.vocabulary, self.characters, self._once = vocabulary, characters, frozenset(once)
        self._number: dict[str, int] = {}
        self._lexicon: Lexicon | None = None

    @classmethod
    def of(cls, sentences: Iterable[Sequence[str]]) -> Words:
        counts = Counter(word for sentence in sentences for word in sentence)
        del counts[UNKNOWN]  # it would be taken for one that is not known, and so it is
        letters = Counter(letter for word in counts for letter in word)
        once = [word for word, count in counts.items() if count == 1]
        common = dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[: LIMIT - 1])
        return cls(Vocabulary.of_counts(common, "word"), Vocabulary.of_counts(letters, "char"), once)

    @property
    def size(self) -> int:
        return len(self.vocabulary)

    def encode(self, sentences: Iterable[Sequence[str]]) -> list[np.ndarray]:
        """Return, for each sentence, the numbers of its words' forms in `lexicon`."""
        known = len(self._number)
        found = [
            np.array([self._number.setdefault(word, len(self._number)) for word in sentence], np.int32)
            for sentence in sentences
        ]
        if len(self._number) > known:
            self._lexicon = None
        return found

    def lexicon(self) -> Lexicon:
        """Return the lexicon of all forms that were encoded so far."""
        if self._lexicon is None:
            forms = list(self._number)
            self._lexicon = Lexicon(
                self.vocabulary.numbers(forms).astype(np.int32),
                np.array([form in self._once for form in forms]),
                [self.characters.encode(_within(form)).astype(np.int32) for form in forms],
            )
        return self._lexicon

    def to_header(self) -> dict[str, Any]:
        return {"words": self.vocabulary.to_header(), "characters": self.characters.to_header()}


def _within(word: str) -> str:
    half = LONGEST // 2
    return word if len(word) <= LONGEST else word[:half] + word[-half:]


class Numbers:
    """A reader of values, which it scales by `centre` and `scale` (C,)."""

    cut = Cut(None, "end")

    def __init__(self, centre: np.ndarray, scale: np.ndarray):
        self.centre, self.scale = centre, scale

    @classmethod
    def of(cls, sequences: Sequence[np.ndarray], scaling: str | None) -> Numbers:
        steps = np.concatenate(sequences)
        if scaling == "none":
            return cls(np.zeros(steps.shape[1]), np.ones(steps.shape[1]))
        return cls(*whole_series(steps))

    def encode(self, sequences: Sequence[np.ndarray], where: Callable[[int], str]) -> list[np.ndarray]:
        """Return each sequence scaled, float32 (n, C); raise DataError naming the place of one too large to use."""
        with np.errstate(over="ignore"):
            inputs = [((values - self.centre) / self.scale).astype(np.float32) for values in sequences]
        beyond = next((i for i, x in enumerate(inputs) if not (np.abs(x) < FAR).all()), None)
        if beyond is not None:
            raise DataError(f"{where(beyond)}: a value is too far from those of the training split; mend it")
        return inputs

    def lexicon(self) -> None:
        """Return None: there are no words."""

    @property
    def size(self) -> int:
        return len(self.centre)

    @property
    def unit(self) -> str:
        return f"steps of {self.size}"

    def to_header(self) -> dict[str, Any]:
        return {"centre": self.centre.tolist(), "scale": self.scale.tolist()}


Reader = Tokens | Words | Numbers


def from_header(header: Mapping[str, Any], data: Any) -> Reader:
    """Return the reader that a model file describes, and whose sequences are cut as `data` says."""
    reader = _uncut(header)
    reader.cut = Cut.of(data)
    return reader


def _uncut(header: Mapping[str, Any]) -> Reader:
    if "words" in header:
        return Words(Vocabulary.from_header(header["words"]), Vocabulary.from_header(header["characters"]))
    if "vocabulary" in header:
        return Tokens(Vocabulary.from_header(header["vocabulary"]))
    return Numbers(np.array(header["centre"], float), np.array(header["scale"], float))


def fitted(train: Examples | Tagged, data: Any) -> Reader:
    """Return the reader for the training split, as `data` says."""
    reader = _fitted(train, data)
    reader.cut = Cut.of(data)
    return reader


def _fitted(train: Examples | Tagged, data: Any) -> Reader:
    if train.values is not None:
        return Numbers.of(train.values, data.scaling)
    if train.sentences is not None and (isinstance(train, Tagged) or data.tokens == "word"):
        return Words.of(train.sentences)
    assert isinstance(train, Examples)
    return Tokens(token_vocabulary(train.texts or [], data.tokens))


def encode(reader: Reader, sequences: Examples | Tagged) -> list[np.ndarray]:
    """Return the network's input for each sequence; raise DataError for data of another kind and for an empty text."""
    if isinstance(reader, Numbers) and sequences.values is not None:
        inputs = reader.encode(sequences.values, sequences.where)
    elif isinstance(reader, Words) and sequences.sentences is not None:
        inputs = reader.encode(sequences.sentences)
    elif isinstance(reader, Tokens) and isinstance(sequences, Examples) and sequences.texts is not None:
        inputs = reader.encode(sequences.texts)
    else:
        kinds = ("words" if isinstance(sequences, Tagged) else "texts"), "numbers"
        reads, given = kinds[::-1] if isinstance(reader, Numbers) else kinds
        raise DataError(f"{sequences.name}: the model reads {reads}, and these are {given}")
    empty = next((i for i, x in enumerate(inputs) if not len(x)), None)
    if empty is not None:
        raise DataError(f"{sequences.where(empty)}: a text without tokens; remove it")
    return reader.cut.of_all(inputs, sequences.name, reader.unit, sequences.where)
