"""Vectors of words from a file, with which word embeddings start.

    text          a word and its D numbers a line, as word2vec (first line: how many words, and D) and GloVe (without)
                  write them; gzipped or not
    safetensors   one tensor (V, D) of any name; its metadata have under `tokens` a JSON list of the V words

Only the numbers of words that are wanted are read and checked; of all other lines, only how many numbers they have.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from rnncli.config.token_sections import VectorsConfig
from rnncli.data.source import decoded, read_source
from rnncli.data.text import WORDS
from rnncli.data.vocabulary import UNKNOWN, Vocabulary
from rnncli.errors import ConfigError, DataError, shown
from rnncli.notes import note

_KEY = "tokens"
_DIGITS = 18  # of a count at most: more is a number like any other


class Vectors:
    """The vectors in the file `name`, of `size` numbers each."""

    name: str
    size: int

    def wanted(self, number_of: dict[str, int]) -> Iterator[tuple[int, str, np.ndarray]]:
        """Yield (number, place, vector (D,)) for each word that has a number; the place is for messages."""
        raise NotImplementedError

    def embedding_size(self, chosen: int | None) -> int:
        """Return the size of the vectors; raise ConfigError if another one was chosen."""
        if chosen not in (None, self.size):
            raise ConfigError(
                f"model.embedding_size: is {chosen}, and the vectors in {self.name} have {self.size} numbers; remove it"
            )
        return self.size

    def of(self, vocabulary: Vocabulary) -> tuple[np.ndarray, np.ndarray]:
        """Return the numbers (K,) of the tokens that have a vector, and their vectors (K, D) float32.

        Raises DataError, naming file and line, for a vector that is not finite, a word with two vectors, and if no
        word has one.
        """
        found: dict[int, tuple[str, np.ndarray]] = {}
        for number, place, vector in self.wanted({token: i for i, token in enumerate(vocabulary.tokens)}):
            if number in found:
                word, first = shown(vocabulary.tokens[number]), found[number][0]
                raise DataError(f"{place}: {word} has a vector at {first} already; remove one of them")
            if not np.isfinite(vector).all():
                raise DataError(f"{place}: a number is not finite in float32; mend it, or remove the vector")
            found[number] = place, vector
        words = [number for number in found if vocabulary.tokens[number] != UNKNOWN]
        if not words:
            raise DataError(
                f"{self.name}: has no vector for any of the {len(vocabulary) - 1:,} words of the training split, such "
                f"as {', '.join(map(shown, vocabulary.tokens[1:4]))}; is it of this language, in this spelling?"
            )
        note(f"{self.name}: has vectors of {len(words):,} of {len(vocabulary) - 1:,} words; the others start at random")
        return np.array(list(found)), np.stack([vector for _, vector in found.values()])


class TextVectors(Vectors):
    """Vectors in a text file."""

    def __init__(self, path: str):
        self._source = read_source(path)
        self.name = self._source.name
        first = next(self._lines(), None)
        if first is None:
            raise DataError(f"{self.name}: is empty; give it a word and its numbers a line")
        line, text = first
        fields = text.split(" ")
        counts = len(fields) == 2 and all(field.isdecimal() and len(field) <= _DIGITS for field in fields)
        self._announced = int(fields[0]) if counts else None
        self.size = len(fields) - 1 if self._announced is None else int(fields[1])
        if self.size < 1 or not all(map(_is_number, fields[1:])):
            raise DataError(f"{self.name}:{line}: {shown(text[:40])} is not a word and its numbers; mend the line")

    def wanted(self, number_of: dict[str, int]) -> Iterator[tuple[int, str, np.ndarray]]:
        lines, count = self._lines(), 0
        if self._announced is not None:
            next(lines)
        for line, text in lines:
            count += 1
            place = f"{self.name}:{line}"
            word, *fields = text.rsplit(" ", self.size)
            more = word.split(" ")[1:] if " " in word else []  # part of the word, if it is a phrase
            if len(fields) < self.size or (more and all(map(_is_number, more))):
                seen = len(fields) + len(more)
                raise DataError(f"{place}: has {seen} numbers, and the first vector has {self.size}; mend the line")
            if word in number_of:
                odd = next((field for field in fields if not _is_number(field)), None)
                if odd is not None:
                    raise DataError(f"{place}: {shown(odd)} is not a number; mend it, or remove the line")
                with np.errstate(over="ignore"):
                    yield number_of[word], place, np.array(fields, float).astype(np.float32)
        if self._announced not in (None, count):
            raise DataError(
                f"{self.name}: its first line announces {self._announced:,} vectors, and {count:,} follow; get the "
                "whole file, or mend that line"
            )

    def _lines(self) -> Iterator[tuple[int, str]]:
        """Yield (number from 1, text) of each line that is not blank; fields are cut at spaces and tabs alone."""
        rest, number = "", 0
        hint = "save it as UTF-8 text (vectors in binary form as text, too)"
        for piece in itertools.chain(decoded(self._source, hint=hint), "\n"):
            *lines, rest = (rest + piece).split("\n")
            for line in lines:
                number += 1
                if text := line.replace("\t", " ").rstrip(" \r"):
                    yield number, text


class StoredVectors(Vectors):
    """Vectors in a .safetensors file."""

    def __init__(self, path: str):
        from safetensors import SafetensorError, safe_open

        self.name = read_source(path).name
        try:
            with safe_open(path, framework="np") as file:
                names = file.keys()
                tensors: list[Any] = [file.get_tensor(name) for name in names]
                words = json.loads((file.metadata() or {}).get(_KEY, "null"))
        except (SafetensorError, ValueError, TypeError, RecursionError) as error:
            raise DataError(f"{self.name}: {shown(' '.join(str(error).split()))}; save it again") from None
        one = len(tensors) == 1 and tensors[0].ndim == 2 and tensors[0].dtype.kind == "f"
        if not one or not isinstance(words, list) or len(words) != len(tensors[0]):
            raise DataError(
                f"{self.name}: a file of vectors has one tensor (V, D) of floats, and in its metadata, as `{_KEY}`, a "
                "JSON list of the V words; save it so"
            )
        self._words, self._vectors, self.size = words, tensors[0], tensors[0].shape[1]

    def wanted(self, number_of: dict[str, int]) -> Iterator[tuple[int, str, np.ndarray]]:
        for i, word in enumerate(self._words):
            if isinstance(word, str) and word in number_of:
                with np.errstate(over="ignore"):
                    yield number_of[word], f"{self.name}: vector {i + 1}", self._vectors[i].astype(np.float32)


def vectors_in(data: VectorsConfig, kind: str | None) -> Vectors | None:
    """Return the vectors that the config names, or None; kind: that of the tokens, None for numbers.

    Raises ConfigError if these tokens are not words.
    """
    if data.vectors is None:
        return None
    if kind is None or kind not in WORDS:
        raise ConfigError("data.vectors: are of words; set data.tokens: word for texts, or remove it")
    return StoredVectors(data.vectors) if data.vectors.endswith(".safetensors") else TextVectors(data.vectors)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
