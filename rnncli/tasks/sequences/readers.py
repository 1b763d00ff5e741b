"""Readers that turn steps into the inputs of a network: tokens of a text, words with spellings, or scaled numbers.

    Tokens    characters or bytes: numbers in a vocabulary
    Words     numbers of written forms, each with a number in a vocabulary and a spelling
    Numbers   values scaled by the mean and standard deviation of the training split or of each sequence

Each has a `size`, the number of tokens in the vocabulary or of values in a step, and a `lexicon` if it reads words.
What a reader gives is `cut` as the config says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np

from rnncli.config.token_sections import VocabularyConfig
from rnncli.data.cutting import Cut
from rnncli.data.numeric import FAR, by_itself, changes, never_flat, whole_series
from rnncli.data.text import WORDS, Kind
from rnncli.data.typed import array, typed
from rnncli.data.vocabulary import UNKNOWN, UNKNOWN_NUMBER, Unseen, Vocabulary, token_vocabulary
from rnncli.errors import ConfigError, DataError, UsageError, shown
from rnncli.nn.words import Lexicon
from rnncli.tasks.sequences import gaps
from rnncli.tasks.sequences.affixes import Affixes
from rnncli.tasks.sequences.examples import Examples
from rnncli.tasks.sequences.tagged import Tagged

LONGEST = 40  # characters of a word: of a longer one, the first and the last half of that


class Tokens:
    """A reader of texts, as tokens of a vocabulary."""

    cut = Cut(None, "end")

    def __init__(self, vocabulary: Vocabulary):
        self.vocabulary, self.unit = vocabulary, f"{vocabulary.kind} tokens"
        self.unseen = Unseen()

    def encode(self, texts: Iterable[str]) -> list[np.ndarray]:
        """Return the token numbers, int32 (n,), of each text."""
        found = [self.vocabulary.encode(text).astype(np.int32) for text in texts]
        for numbers in found:
            self.unseen.add(numbers == UNKNOWN_NUMBER)
        return found

    def tell_unseen(self, name: str) -> None:
        """Tell in a note how many tokens of the data `name` were unknown since the last time."""
        self.unseen.tell(name)

    def lexicon(self) -> None:
        """Return None: there are no words."""

    @property
    def size(self) -> int:
        return len(self.vocabulary)

    def to_header(self) -> dict[str, Any]:
        return {"vocabulary": self.vocabulary.to_header()}


class Words:
    """A reader of words, with the words and characters of the training split; `once` are the words it has only once.

    affixes: theirs, if the network is to be told of them. spelt: True if the network reads the characters too.
    """

    cut = Cut(None, "end")
    spelt = False

    def __init__(
        self,
        vocabulary: Vocabulary,
        characters: Vocabulary,
        once: Sequence[str] = (),
        affixes: Affixes | None = None,
    ):
        self.vocabulary, self.characters, self._once = vocabulary, characters, frozenset(once)
        self.affixes = affixes
        self.unit = f"{'whitespace' if vocabulary.kind == 'whitespace' else 'word'} tokens"
        self._number: dict[str, int] = {}
        self._strange: list[bool] = []  # of each form
        self._lexicon: Lexicon | None = None
        self.unseen = Unseen()

    @classmethod
    def of(
        cls,
        sentences: Iterable[Sequence[str]],
        kind: Kind = "word",
        limits: VocabularyConfig | None = None,
        *,
        has_affixes: bool = False,
    ) -> Words:
        counts = Counter(word for sentence in sentences for word in sentence)
        letters = Counter(letter for word in counts if word != UNKNOWN for letter in word)
        once = [word for word, count in counts.items() if count == 1]
        affixes = Affixes.of(counts) if has_affixes else None
        return cls(Vocabulary.of_counts(counts, kind, limits), Vocabulary.of_counts(letters, "char"), once, affixes)

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
            self._strange += map(self._is_strange, islice(self._number, known, None))
        strange = np.array(self._strange, bool)
        for numbers in found:
            self.unseen.add(strange[numbers])
        return found

    def _is_strange(self, form: str) -> bool:
        """True for a word that training never saw; if it is spelt, for one with a character that training never saw."""
        unknown = self.vocabulary.numbers([form])[0] == UNKNOWN_NUMBER
        return bool(unknown and not (self.spelt and self.characters.encode(_within(form)).all()))

    def tell_unseen(self, name: str) -> None:
        """Tell in a note how many words of the data `name` were unknown since the last time."""
        if self.spelt:
            self.unseen.tell(name, "have characters that are not in the vocabulary, and are read as <unk>")
        else:
            self.unseen.tell(name)

    def forget(self) -> None:
        """Forget the forms that were encoded so far, and their numbers with them."""
        self._number, self._strange, self._lexicon = {}, [], None

    def lexicon(self) -> Lexicon:
        """Return the lexicon of all forms that were encoded so far."""
        if self._lexicon is None:
            forms = list(self._number)
            self._lexicon = Lexicon(
                self.vocabulary.numbers(forms).astype(np.int32),
                np.array([form in self._once for form in forms]),
                [self.characters.encode(_within(form)).astype(np.int32) for form in forms],
                self.affixes.numbers(forms) if self.affixes else (),
            )
        return self._lexicon

    def to_header(self) -> dict[str, Any]:
        own = {"affixes": self.affixes.to_header()} if self.affixes else {}
        return {"words": self.vocabulary.to_header(), "characters": self.characters.to_header(), **own}


def _within(word: str) -> str:
    half = LONGEST // 2
    return word if len(word) <= LONGEST else word[:half] + word[-half:]


class Numbers:
    """A reader of values, which it scales by `centre` and `scale` (C,).

    means (C,): the training means, which stand for what a sequence itself does not fill; None if it was trained
    without gaps. masks: True if the network is told, by a further input for each column, which values are there.
    by_series: True if each sequence is first scaled by its own mean and standard deviation. differences (C,): what the
    differences from the step before are divided by, which are further inputs; None if they are none.
    """

    cut = Cut(None, "end")

    def __init__(
        self,
        centre: np.ndarray,
        scale: np.ndarray,
        means: np.ndarray | None = None,
        *,
        masks: bool = False,
        by_series: bool = False,
        differences: np.ndarray | None = None,
    ):
        self.centre, self.scale, self.means, self.masks = centre, scale, means, masks
        self.by_series, self.differences = by_series, differences

    @classmethod
    def of(cls, train: Examples | Tagged, scaling: str | None, *, differences: bool = False) -> Numbers:
        """Return the reader for the values of a training split, scaled by those that are there."""
        assert train.values is not None
        by_series = scaling == "series"
        steps = np.concatenate([by_itself(x) for x in train.values] if by_series else train.values)
        known, names = ~np.isnan(steps), train.columns.inputs
        if empty := [name for name, some in zip(names, known.any(axis=0), strict=False) if not some]:
            raise DataError(
                f"{train.name}: no training sequence has a value of {shown(empty[0])}; leave that column out"
            )
        if known.all():
            centre, scale = whole_series(steps)
        else:
            of_each = [whole_series(column[there]) for column, there in zip(steps.T, known.T, strict=True)]
            centre, scale = (np.array(numbers) for numbers in zip(*of_each, strict=True))
        means = None if train.missing == "refuse" else centre
        if scaling == "none":
            centre, scale = np.zeros(len(centre)), np.ones(len(centre))
        found = cls(centre, scale, means, masks=train.missing == "mask", by_series=by_series)
        if differences:
            steps = np.concatenate([changes(found._scaled(x, train, i)) for i, x in enumerate(train.values)])
            found.differences = never_flat(np.sqrt((steps**2).mean(axis=0)), steps)
        return found

    def encode(self, sequences: Examples | Tagged) -> list[np.ndarray]:
        """Return each sequence scaled and without gaps, float32 (n, size): values, differences and masks, (n, C) each.

        Raises DataError naming the place of a value that is too large to use.
        """
        assert sequences.values is not None
        if sequences.missing == "mask" and not self.masks:
            raise UsageError("--missing mask: the model was trained without masks; pass ffill or interpolate")
        return [self._encoded(values, sequences, i) for i, values in enumerate(sequences.values)]

    def _encoded(self, values: np.ndarray, sequences: Examples | Tagged, i: int) -> np.ndarray:
        x = self._scaled(values, sequences, i)
        inputs = [x] if self.differences is None else [x, changes(x) / self.differences]
        inputs += [~np.isnan(values)] if self.masks else []
        return np.concatenate([columns.astype(np.float32) for columns in inputs], axis=1)

    def _scaled(self, values: np.ndarray, sequences: Examples | Tagged, i: int) -> np.ndarray:
        """Return the values of sequence i scaled and without gaps, float64 (n, C)."""
        complete = gaps.filled(values, sequences.missing)
        if self.by_series:
            complete = by_itself(complete)
        if np.isnan(complete).any():
            means = self.centre if self.means is None and self.centre.any() else self.means
            if means is None:  # trained without gaps and unscaled
                raise DataError(
                    f"{sequences.where(i)}: no value in a column, and the model has no mean to take for it; give one"
                )
            complete = gaps.completed(complete, sequences.missing, means)
        with np.errstate(over="ignore"):
            x: np.ndarray = (complete - self.centre) / self.scale
        if not (np.abs(x) < FAR).all():
            raise DataError(f"{sequences.where(i)}: a value is too far from those of the training split; mend it")
        return x

    def tell_unseen(self, name: str) -> None:
        """Tell nothing: numbers have no vocabulary."""

    def lexicon(self) -> None:
        """Return None: there are no words."""

    @property
    def size(self) -> int:
        return self.numbers + (len(self.centre) if self.masks else 0)

    @property
    def numbers(self) -> int:
        """How many of the inputs of a step are values or differences, which come first."""
        return len(self.centre) * (1 if self.differences is None else 2)

    @property
    def unit(self) -> str:
        return f"steps of {len(self.centre)}"

    def to_header(self) -> dict[str, Any]:
        own: dict[str, Any] = {} if self.means is None else {"means": self.means.tolist(), "masks": self.masks}
        own |= {"by_series": True} if self.by_series else {}
        own |= {} if self.differences is None else {"differences": self.differences.tolist()}
        return {"centre": self.centre.tolist(), "scale": self.scale.tolist(), **own}


Reader = Tokens | Words | Numbers


def from_header(header: Mapping[str, Any], data: Any, *, spelt: bool = False) -> Reader:
    """Return the reader that a model file describes, and whose sequences are cut as `data` says; spelt: as of Words."""
    return _completed(_uncut(header), data, spelt=spelt)


def _completed(reader: Reader, data: Any, *, spelt: bool) -> Reader:
    reader.cut = Cut.of(data)
    if isinstance(reader, Words):
        reader.spelt = spelt
    return reader


def _uncut(header: Mapping[str, Any]) -> Reader:
    if "words" in header:
        affixes = Affixes.from_header(header["affixes"]) if "affixes" in header else None
        words, characters = (Vocabulary.from_header(header[key]) for key in ("words", "characters"))
        return Words(words, characters, affixes=affixes)
    if "vocabulary" in header:
        return Tokens(Vocabulary.from_header(header["vocabulary"]))
    centre = array(header["centre"], "centre", None)
    scale = array(header["scale"], "scale", len(centre), above=0)
    means, differences = (
        array(header[key], key, len(centre), above=above) if key in header else None
        for key, above in (("means", None), ("differences", 0))
    )
    masks, by_series = (typed(bool, header.get(key, False), key) for key in ("masks", "by_series"))
    return Numbers(centre, scale, means, masks=masks, by_series=by_series, differences=differences)


def fitted(train: Examples | Tagged, data: Any, *, has_affixes: bool = False, spelt: bool = False) -> Reader:
    """Return the reader for the training split, as `data` says; ConfigError if numbers are to have a vocabulary."""
    return _completed(_fitted(train, data, has_affixes), data, spelt=spelt)


def _fitted(train: Examples | Tagged, data: Any, has_affixes: bool) -> Reader:
    if train.values is not None:
        if data.min_count > 1 or data.vocabulary_size:
            raise ConfigError(
                f"data.min_count and data.vocabulary_size: {train.name} has numbers, not tokens; remove them"
            )
        return Numbers.of(train, data.scaling, differences=bool(data.differences))
    if isinstance(train, Tagged):
        return Words.of(train.sentences or [], limits=data, has_affixes=has_affixes)
    if data.tokens in WORDS:
        return Words.of(train.sentences(data.kind), data.kind, data)
    return Tokens(token_vocabulary(train.texts or [], data.tokens, data))


def encode(reader: Reader, sequences: Examples | Tagged) -> list[np.ndarray]:
    """Return the network's input for each sequence; raise DataError for data of another kind and for an empty text."""
    if isinstance(reader, Numbers) and sequences.values is not None:
        inputs = reader.encode(sequences)
    elif isinstance(reader, Words) and isinstance(sequences, Tagged) and sequences.sentences is not None:
        inputs = reader.encode(sequences.sentences)
    elif isinstance(reader, Words) and isinstance(sequences, Examples) and sequences.texts is not None:
        inputs = reader.encode(sequences.sentences(reader.vocabulary.kind))
    elif isinstance(reader, Tokens) and isinstance(sequences, Examples) and sequences.texts is not None:
        inputs = reader.encode(sequences.texts)
    else:
        kinds = ("words" if isinstance(sequences, Tagged) else "texts"), "numbers"
        reads, given = kinds[::-1] if isinstance(reader, Numbers) else kinds
        raise DataError(f"{sequences.name}: the model reads {reads}, and these are {given}")
    empty = next((i for i, x in enumerate(inputs) if not len(x)), None)
    if empty is not None:
        raise DataError(f"{sequences.where(empty)}: a text without tokens; remove it")
    return reader.cut.of_all(inputs, reader.unit, sequences.where)
