"""The tokens a model knows, and their numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from rnncli.data.text import KINDS, WORDS, Kind, as_bytes, tokenize, word_spans
from rnncli.errors import DataError, ModelFileError, shown

UNKNOWN = "<unk>"  # number 0; a text may have the same as a token, which then has a number of its own
LIMIT = 65_536

_NAMED_UNSEEN = 5
_PLURAL = {"char": "characters", "byte": "bytes", "word": "words", "whitespace": "tokens", "letters": "words"}


class Vocabulary:
    """Tokens numbered from 0. Number 0 is `<unk>`; then come `char` and `byte` tokens by code point, or words by
    falling count and, for equal counts, alphabetically.
    """

    def __init__(self, tokens: tuple[str, ...], kind: Kind):
        if not tokens or tokens[0] != UNKNOWN:
            raise ValueError(f"token 0 must be {UNKNOWN}")
        self.tokens = tokens
        self.kind = kind

    def __len__(self) -> int:
        return len(self.tokens)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and (self.tokens, self.kind) == (other.tokens, other.kind)

    def __hash__(self) -> int:
        return hash((self.tokens, self.kind))

    @classmethod
    def build(cls, text: str | bytes, kind: Kind) -> Vocabulary:
        """Return the vocabulary of a text; raise DataError if it has more than 65,536 distinct tokens."""
        return cls.of_counts(Counter(tokenize(text, kind) if kind in WORDS else _characters(text, kind)), kind)

    @classmethod
    def of_counts(cls, counts: Mapping[str, int], kind: Kind) -> Vocabulary:
        """Return the vocabulary of tokens with these counts; raise DataError if there are more than 65,536."""
        known = sorted(counts, key=lambda token: (-counts[token], token)) if kind in WORDS else sorted(counts)
        if len(known) > LIMIT:
            raise DataError(
                f"vocabulary of {len(known):,} {_PLURAL[kind]}; limit {LIMIT:,}; use --set data.tokens=byte"
            )
        return cls((UNKNOWN, *known), kind)

    def numbers(self, tokens: Sequence[str]) -> np.ndarray:
        """Return the numbers of `tokens`, 0 if unknown, in the smallest unsigned type that holds all numbers in use."""
        known = self._number_of_token
        return np.fromiter((known.get(token, 0) for token in tokens), self._dtype, len(tokens))

    def encode(self, text: str | bytes) -> np.ndarray:
        """Return the token numbers (N,) of `text` as `numbers` does; an unknown token has the number 0."""
        return self.numbers(tokenize(text, self.kind))

    def decode(self, ids: Iterable[int]) -> list[str]:
        """Return the tokens with the numbers `ids`."""
        return [self.tokens[number] for number in ids]

    def unseen(self, text: str | bytes) -> list[tuple[int, str]]:
        """Return (position, token) for each distinct unknown token of `text`, in the order of first occurrence; the
        position of that occurrence counts characters from 1 (bytes for `byte`).
        """
        first: dict[str, int] = {}
        if self.kind in WORDS:
            for (start, _), word in zip(word_spans(str(text), self.kind), tokenize(text, self.kind), strict=True):
                if word not in self._number_of_token:
                    first.setdefault(word, start + 1)
        else:
            characters = _characters(text, self.kind)
            for offset in np.flatnonzero(self.encode(text) == 0).tolist():
                first.setdefault(characters[offset], offset + 1)
        return [(position, token) for token, position in first.items()]

    def to_header(self) -> dict[str, Any]:
        """Return the vocabulary as JSON for a model file. A one-character token is written as its code point, so that
        even a lone surrogate survives every JSON writer; longer tokens are words and hold no surrogates.
        """
        tokens = [ord(token) if len(token) == 1 else token for token in self.tokens]
        return {"kind": self.kind, "tokens": tokens}

    @classmethod
    def from_header(cls, header: dict[str, Any]) -> Vocabulary:
        """Return the vocabulary that `to_header` wrote; raise ModelFileError if the header is damaged."""
        try:
            kind = header["kind"]
            tokens = tuple(token if isinstance(token, str) else chr(token) for token in header["tokens"])
        except (KeyError, TypeError, ValueError, OverflowError):
            raise ModelFileError("the vocabulary in the model file is damaged; train again") from None
        whole = (
            kind in KINDS and "" not in tokens and tokens[:1] == (UNKNOWN,) and len(set(tokens[1:])) == len(tokens[1:])
        )
        if not whole or (kind not in WORDS and any(len(token) != 1 for token in tokens[1:])):
            raise ModelFileError("the vocabulary in the model file is damaged; train again")
        return cls(tokens, kind)

    @property
    def _dtype(self) -> np.dtype:
        return np.min_scalar_type(len(self) - 1)

    @cached_property
    def _number_of_token(self) -> dict[str, int]:
        return {token: number for number, token in enumerate(self.tokens) if number}


def token_vocabulary(texts: Iterable[str], kind: Kind) -> Vocabulary:
    """Return the vocabulary of all tokens in `texts`."""
    return Vocabulary.of_counts(Counter(token for text in texts for token in tokenize(text, kind)), kind)


def require_learnable(vocabulary: Vocabulary, name: str) -> None:
    """Raise DataError unless the vocabulary has at least two tokens besides `<unk>`."""
    if len(vocabulary) < 3:  # <unk> is one of them
        raise DataError(f"{name}: needs at least 2 distinct {_PLURAL[vocabulary.kind]}, has {len(vocabulary) - 1}")


def describe_unseen(unseen: Sequence[tuple[int, str]], kind: Kind = "char") -> str:
    """Return the output of `Vocabulary.unseen` as `"é" (U+00E9) at position 7, …`, with the first five by name."""
    first = unseen[:_NAMED_UNSEEN]
    named = [f"{_describe(token, kind)} at position {position:,}" for position, token in first]
    more = len(unseen) - len(named)
    return ", ".join(named) + (f" and {more:,} more" if more else "")


def _describe(token: str, kind: Kind) -> str:
    if kind == "byte":
        return f"byte 0x{ord(token):02X}"
    return f"{shown(token)} (U+{ord(token):04X})" if len(token) == 1 else shown(token)


def _characters(text: str | bytes, kind: Kind) -> str:
    """Return `text` as a string with one character for each `char` or `byte` token."""
    if kind == "byte":
        return as_bytes(text).decode("latin-1")
    if isinstance(text, bytes):
        raise TypeError(f"bytes cannot be cut into {kind} tokens; decode them first")
    return text
