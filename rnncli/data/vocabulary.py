"""The tokens a model knows, and their numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np

from rnncli.config.token_sections import MOST_TOKENS, VocabularyConfig
from rnncli.data import bpe
from rnncli.data.text import BYTES, KINDS, WORDS, Kind, as_bytes, tokenize, word_spans
from rnncli.errors import ConfigError, DataError, ModelFileError, UsageError, shown
from rnncli.notes import note

UNKNOWN_NUMBER = 0
UNKNOWN = "<unk>"  # number 0; a text may have the same as a token, which then has a number of its own
END = ""  # what begins and ends an item, where a text is cut into items; number 1, and no token of any text
SHOWN_END = "<end>"  # as answers name it

_NAMED_UNSEEN = 5
_PLURAL = {"char": "characters", "byte": "bytes", "word": "words", "whitespace": "tokens", "letters": "words"}
_PAIRED = 4000  # tokens of byte pairs, where no limit is given


def note_unknown(numbers: Iterable[np.ndarray], what: str, taken: str, named: str = "") -> None:
    """Tell how many tokens of `what` are not in the vocabulary, if any; taken: what becomes of them; named: which."""
    unseen = Unseen()
    for one in numbers:
        unseen.add(one == UNKNOWN_NUMBER)
    unseen.tell(what, f"are not in the vocabulary, and are {taken}{named and ': '}{named}")


class Unseen:
    """Counts the tokens that training never saw, for one note on all of them."""

    def __init__(self) -> None:
        self._unknown, self._count = 0, 0

    def add(self, unknown: np.ndarray) -> None:
        """Count tokens (n,), of which `unknown` (n,) tells which training never saw."""
        self._unknown, self._count = self._unknown + int(unknown.sum()), self._count + len(unknown)

    def forget(self) -> None:
        """Count anew."""
        self._unknown, self._count = 0, 0

    def tell(self, what: str, fate: str = "are not in the vocabulary, and are read as <unk>") -> None:
        """Tell, if there are any, how many of the tokens of `what` were unknown since the last time, and their fate."""
        unknown, count = self._unknown, self._count
        if unknown:
            share = f" ({unknown / count:.1%})" if 1000 * unknown >= count else ""
            note(f"{unknown:,} of {count:,} tokens of {what}{share} {fate}")
        self.forget()


class Vocabulary:
    """Tokens numbered from 0. Number 0 is `<unk>`; then come `char` and `byte` tokens by code point, or words by
    falling count and, for equal counts, alphabetically, or `bpe` tokens in the order in which they were joined.
    """

    def __init__(self, tokens: tuple[str, ...], kind: Kind):
        if not tokens or tokens[0] != UNKNOWN or END in tokens[2:]:
            raise ValueError(f"token 0 must be {UNKNOWN}, and the end of items, if there is one, token 1")
        self.tokens = tokens
        self.kind = kind
        self.read_as: Mapping[str, str] = {}  # of tokens that it lacks, each as one that it has

    def __len__(self) -> int:
        return len(self.tokens)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and (self.tokens, self.kind) == (other.tokens, other.kind)

    def __hash__(self) -> int:
        return hash((self.tokens, self.kind))

    @property
    def end(self) -> int | None:
        """The number of END, None without items."""
        return self._number_of_token.get(END)

    @property
    def boundary(self) -> int | None:
        """The number of the token between items, or else between lines: END or a newline; None if that is unknown."""
        return self.end if self.end is not None else int(self.encode("\n")[0]) or None

    @property
    def size(self) -> int:
        """The number of tokens that texts have, without `<unk>` and END."""
        return len(self) - 1 - (self.end is not None)

    @classmethod
    def build(cls, text: str | bytes, kind: Kind) -> Vocabulary:
        """Return the vocabulary of a text."""
        return cls.of_counts(
            Counter(_characters(text, kind) if kind in ("char", "byte") else tokenize(text, kind)), kind
        )

    @classmethod
    def of_counts(
        cls,
        counts: Mapping[str, int],
        kind: Kind,
        limits: VocabularyConfig | None = None,
        of: str = "the training split",
    ) -> Vocabulary:
        """Return the vocabulary of the tokens with these counts that are frequent enough, by falling count and, for
        equal counts, alphabetically, up to the limits. A note tells how much of the text `of` is then `<unk>`. For
        `bpe` the counts are of pieces of text, from which the tokens are learnt.

        END is kept whatever its count. Raises ConfigError if `limits.min_count` leaves no token, DataError for more
        characters than a vocabulary can have if no limit is given.
        """
        ends = (END,) if END in counts else ()
        counts = {token: count for token, count in counts.items() if token != END}
        least, most = (limits.min_count, limits.vocabulary_size) if limits else (1, None)
        if kind == "bpe":
            return cls((UNKNOWN, *bpe.learn(counts, most or _PAIRED, least)), kind)
        ordered = sorted(counts, key=lambda token: (-counts[token], token))
        frequent = [token for token in ordered if counts[token] >= least]
        if counts and not frequent:
            raise ConfigError(
                f"data.min_count: is {least:,}, and the most frequent of the {_PLURAL[kind]} in {of} occurs "
                f"{counts[ordered[0]]:,} times; lower it"
            )
        if kind not in WORDS and len(frequent) > MOST_TOKENS and most is None:
            raise DataError(
                f"{of} has {len(frequent):,} different {_PLURAL[kind]}, and a vocabulary {MOST_TOKENS:,} at most; set "
                "data.tokens: byte (or bpe for a language-model), or data.vocabulary_size to keep the most frequent"
            )
        known = frequent[: most or MOST_TOKENS]
        if len(known) < len(counts):
            total, kept = sum(counts.values()), sum(counts[token] for token in known)
            note(
                f"{total - kept:,} of {total:,} tokens of {of} ({(total - kept) / total:.1%}) are <unk>: its "
                f"vocabulary keeps {len(known):,} of {len(counts):,} {_PLURAL[kind]}"
            )
        return cls((UNKNOWN, *ends, *(known if kind in WORDS else sorted(known))), kind)

    def extended(self, counts: Mapping[str, int], limits: VocabularyConfig) -> Vocabulary:
        """Return the vocabulary with those tokens of `counts` behind it that it lacks and that are frequent enough, in
        the order of `of_counts`, up to the limits. Its own tokens keep their numbers."""
        if self.kind == "bpe":  # whose bytes spell every text
            return self
        new = {token: n for token, n in counts.items() if token not in self._number_of_token and n >= limits.min_count}
        room = (limits.vocabulary_size or MOST_TOKENS) - self.size
        kept = sorted(new, key=lambda token: (-new[token], token))[: max(room, 0)]
        return Vocabulary((*self.tokens, *(kept if self.kind in WORDS else sorted(kept))), self.kind)

    def reading(self, read_as: Mapping[str, str]) -> Vocabulary:
        """Return the vocabulary that reads tokens which it lacks as others, by the token that each is read as.

        Raises UsageError for what is no one token, and where the token to read is unknown too.
        """
        taken = Vocabulary(self.tokens, self.kind)
        for unknown, known in read_as.items():
            asked = f"--unknown {unknown}={known}"
            if self.kind in BYTES:
                raise UsageError(f"{asked}: this model reads bytes, and no characters; leave it out")
            if any(tokenize(token, self.kind) != [token] for token in (unknown, known)):
                raise UsageError(
                    f"{asked}: is to be one of the {_PLURAL[self.kind]} in place of another; name two, and "
                    "several pairs as --unknown A=B --unknown C=D"
                )
            if known not in self._number_of_token:
                raise UsageError(f"{asked}: the model does not know {_describe(known, self.kind)}; name another")
        taken.read_as = {unknown: known for unknown, known in read_as.items() if unknown not in self._number_of_token}
        return taken

    def as_read(self, text: str) -> str:
        """Return the text with what `reading` was told in place of the tokens that the vocabulary lacks."""
        if not self.read_as:
            return text
        if self.kind not in WORDS:
            return "".join(self.read_as.get(character, character) for character in text)
        read, at = "", 0
        for (start, end), word in zip(word_spans(text, self.kind), tokenize(text, self.kind), strict=True):
            read += text[at:start] + self.read_as.get(word, text[start:end])
            at = end
        return read + text[at:]

    def numbers(self, tokens: Sequence[str]) -> np.ndarray:
        """Return the numbers of `tokens`, 0 if unknown, in the smallest unsigned type that holds all numbers in use."""
        known = self._number_of_token
        return np.fromiter((known.get(token, 0) for token in tokens), self.dtype, len(tokens))

    def encode(self, text: str | bytes) -> np.ndarray:
        """Return the token numbers (N,) of `text` as `numbers` does; an unknown token has the number 0."""
        if self.kind == "bpe":
            return np.array([*chain.from_iterable(self.byte_pairs.each(tokenize(text, "bpe")))], self.dtype)
        return self.numbers(tokenize(text, self.kind))

    def decode(self, ids: Iterable[int]) -> list[str]:
        """Return the tokens with the numbers `ids`."""
        return [self.tokens[number] for number in ids]

    def written(self, number: int) -> str:
        """Return a token for people to read; bytes of a `bpe` token that are no whole character become \\xNN."""
        token = self.tokens[number] or SHOWN_END
        if self.kind != "bpe" or number == UNKNOWN_NUMBER:
            return token
        return token.encode("latin-1").decode("utf-8", "backslashreplace")

    def unseen(self, text: str | bytes) -> list[tuple[int, str]]:
        """Return (position, token) for each distinct unknown token of `text`, in the order of first occurrence; the
        position of that occurrence counts characters from 1 (bytes for `byte`).
        """
        first: dict[str, int] = {}
        if self.kind == "bpe":
            return []
        if self.kind in WORDS:
            for (start, _), word in zip(word_spans(str(text), self.kind), tokenize(text, self.kind), strict=True):
                if word not in self._number_of_token:
                    first.setdefault(word, start + 1)
        else:
            characters = _characters(text, self.kind)
            for offset in np.flatnonzero(self.encode(text) == 0).tolist():
                first.setdefault(characters[offset], offset + 1)
        return [(position, token) for token, position in first.items()]

    def lacks(self, tokens: Iterable[str]) -> list[str]:
        """Return those of the tokens that are unknown, none of byte pairs."""
        return [] if self.kind == "bpe" else [one for one in tokens if one != END and one not in self._number_of_token]

    def to_header(self) -> dict[str, Any]:
        """Return the vocabulary as JSON for a model file. A one-character token is written as its code point, and a
        longer one with a lone surrogate as a list of them, so that surrogates survive every JSON writer.
        """
        return {"kind": self.kind, "tokens": [_as_json(token) for token in self.tokens]}

    @classmethod
    def from_header(cls, header: dict[str, Any]) -> Vocabulary:
        """Return the vocabulary that `to_header` wrote; raise ModelFileError if the header is damaged."""
        try:
            kind = header["kind"]
            tokens = tuple(token if isinstance(token, str) else _of_points(token) for token in header["tokens"])
        except (KeyError, TypeError, ValueError, OverflowError):
            raise ModelFileError("the vocabulary in the model file is damaged; train again") from None
        own = tokens[2:] if tokens[1:2] == (END,) else tokens[1:]
        whole = kind in KINDS and END not in own and tokens[:1] == (UNKNOWN,) and len(set(own)) == len(own)
        bad = tokens[1:257] != bpe.SINGLE if kind == "bpe" else kind not in WORDS and any(len(one) != 1 for one in own)
        if not whole or bad or (kind in BYTES and any(max(one) > "\xff" for one in own)):
            raise ModelFileError("the vocabulary in the model file is damaged; train again")
        return cls(tokens, kind)

    @cached_property
    def byte_pairs(self) -> bpe.BytePairs:
        """The encoder of a vocabulary of kind `bpe`."""
        return bpe.BytePairs(self.tokens[1:], first=1)

    @property
    def dtype(self) -> np.dtype:
        return np.min_scalar_type(len(self) - 1)

    @cached_property
    def _number_of_token(self) -> dict[str, int]:
        numbers = {token: number for number, token in enumerate(self.tokens) if number}
        return numbers | {unknown: numbers[known] for unknown, known in self.read_as.items()}


def _as_json(token: str) -> str | int | list[int]:
    points = [ord(character) for character in token]
    surrogates = any(0xD800 <= point < 0xE000 for point in points)
    return points[0] if len(points) == 1 else points if surrogates else token


def _of_points(points: int | list[int]) -> str:
    return chr(points) if isinstance(points, int) else "".join(map(chr, points))


def token_vocabulary(
    texts: Iterable[str], kind: Kind, limits: VocabularyConfig, of: str = "the training split"
) -> Vocabulary:
    """Return the vocabulary of all tokens in `texts`, up to the limits; see `Vocabulary.of_counts`."""
    return Vocabulary.of_counts(Counter(token for text in texts for token in tokenize(text, kind)), kind, limits, of)


def require_learnable(vocabulary: Vocabulary, name: str) -> None:
    """Raise DataError unless the vocabulary has at least two tokens besides `<unk>`."""
    if vocabulary.size < 2:
        raise DataError(f"{name}: needs at least 2 distinct {_PLURAL[vocabulary.kind]}, has {vocabulary.size}")


def describe_unseen(unseen: Sequence[tuple[int, str]], kind: Kind = "char") -> str:
    """Return the output of `Vocabulary.unseen` as `"é" (U+00E9) at position 7, …`, with the first five by name."""
    first = unseen[:_NAMED_UNSEEN]
    named = [f"{_describe(token, kind)} at position {position:,}" for position, token in first]
    more = len(unseen) - len(named)
    return ", ".join(named) + (f" and {more:,} more" if more else "")


def describe_tokens(tokens: Sequence[str], kind: Kind) -> str:
    """Return some tokens as `"é" (U+00E9), …`, with the first five by name."""
    more = len(tokens) - _NAMED_UNSEEN
    named = ", ".join(_describe(token, kind) for token in tokens[:_NAMED_UNSEEN])
    return named + (f" and {more:,} more" if more > 0 else "")


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
