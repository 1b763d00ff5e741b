"""Text to tokens and back.

- `char`: a token is a Unicode code point.
- `byte`: a token is one byte of the UTF-8 form, written as the Latin-1 character of that value.
- `bpe`: a token is several bytes of it, written likewise, which the module `bpe` has learnt.
- `word`: words, numbers and other characters by the rules of `words`; the white space that these drop is put back by
  those of `spacing`.
- `whitespace`: a token is what stands between spaces and tabs, or a newline; one space is put back.
- `letters`: the words of version 0.1, runs of letters and digits.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal, get_args

from rnncli.data import words
from rnncli.data.pieces import last_end, pieces
from rnncli.data.spacing import Spacing

Kind = Literal["char", "byte", "bpe", "word", "whitespace", "letters"]
KINDS: tuple[str, ...] = get_args(Kind)
WORDS = ("word", "whitespace", "letters")  # the kinds whose tokens are words
BYTES = ("byte", "bpe")  # those whose tokens are bytes, each written as a character of Latin-1

_LETTERS = re.compile(r"[^\W_]+(?:(?:['’\-]|(?<=[0-9])[.,](?=[0-9]))[^\W_]+)*|\r\n?|\n|\S")
_WITH_LETTERS = re.compile(r"\S*[^\W\d_]{2}\S*")
_LOOKED_AT, _LEAST_WORDS = 1000, 3
_WHITESPACE = re.compile(r"\r\n?|\n|[^ \t\r\n]+")
_LINE_ENDS = ("\r", "\r\n")
_MADE_APART = re.compile(r"(?<!\S)(?:[.,]|<unk>|@-@|@,@|@\.@|\S+@@)(?!\S)")
_AS_WRITTEN = re.compile(r"\w[.,](?!\S)")
_ENOUGH = 20  # marks that tell


def tokenize(text: str | bytes, tokens: Kind) -> list[str]:
    """Return the tokens of `text`, of `bpe` the pieces that become tokens; `bytes` are accepted for the kind `byte`
    only, a `str` for every kind."""
    if tokens == "byte":
        return list(as_bytes(text).decode("latin-1"))
    if isinstance(text, bytes):
        raise TypeError(f"bytes cannot be cut into {tokens} tokens; decode them first")
    if tokens == "char":
        return list(text)
    if tokens == "bpe":
        return pieces(text)
    found = words.cut(text) if tokens == "word" else _pattern(tokens).findall(text)
    return ["\n" if token in _LINE_ENDS else token for token in found] if "\r" in text else found


def is_prose(texts: Sequence[str]) -> bool:
    """Return True if most of some of the texts, spread evenly, are of several words with letters, not a code or a name
    each."""
    some = texts[:: max(-(-len(texts) // _LOOKED_AT), 1)]
    return 2 * sum(len(_WITH_LETTERS.findall(text)) >= _LEAST_WORDS for text in some) > len(some)


def word_spans(text: str, tokens: Kind) -> Iterator[tuple[int, int]]:
    """Yield where each token of a kind of WORDS begins and ends in `text`."""
    if tokens == "word":
        return words.spans(text)
    return (match.span() for match in _pattern(tokens).finditer(text))


def is_tokenized(text: str) -> bool:
    """Return True if the text looks tokenized already: its commas and full stops stand alone between spaces, nine in
    ten at least, or `<unk>` and pieces of words such as `@-@` do.
    """
    apart = sum(1 for _ in _MADE_APART.finditer(text))
    return apart >= _ENOUGH and apart >= 9 * sum(1 for _ in _AS_WRITTEN.finditer(text))


def last_cut(text: str, tokens: Kind = "word") -> int:
    """Return the last place in `text` at which it may be cut without changing a token of WORDS or a piece of `bpe`,
    whatever comes after it; 0 if there is none.
    """
    if tokens == "bpe":
        return last_end(text)
    for at in range(len(text) - 1, 0, -1):
        before = text[at - 1]
        if before == "\n" or (before == "\r" and text[at] != "\n"):
            return at
        if before == " " and "!" <= text[at] <= "~" and at > 1 and "!" <= text[at - 2] <= "~":
            return at
    return 0


def spaced_tokens(text: str, tokens: Kind) -> list[str]:
    """Return the tokens of `text` with the white space before each; joined, they are the text."""
    if tokens not in WORDS:
        return tokenize(text, tokens)
    ends = [0, *(end for _, end in word_spans(text, tokens))]
    return [text[start:end] for start, end in zip(ends, [*ends[1:], len(text)], strict=True) if start < end]


def _pattern(tokens: Kind) -> re.Pattern[str]:
    return _WHITESPACE if tokens == "whitespace" else _LETTERS


def as_bytes(text: str | bytes) -> bytes:
    """Return the UTF-8 bytes of `text`; surrogates that stand for undecodable bytes become those bytes again."""
    if isinstance(text, bytes):
        return text
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # surrogates that never were bytes, e.g. "\ud800" from JSON
        return text.encode("utf-8", "surrogatepass")


def detokenize(tokens: Iterable[str], kind: Kind) -> str:
    """Return one text made of `tokens`. Invalid UTF-8 among BYTES becomes surrogates, so that
    `as_bytes(detokenize(tokenize(data, "byte"), "byte")) == data` for any bytes.
    """
    detokenizer = Detokenizer(kind, errors="surrogateescape")
    pieces = [detokenizer.push(token) for token in tokens]
    return "".join(pieces) + detokenizer.flush()


class Detokenizer:
    """A converter that turns tokens into text one by one; `flush` returns the text that was still held back.

    Only BYTES hold anything back: the first bytes of a character that is not complete yet.
    `errors` selects the treatment of bytes that are not UTF-8, as in `bytes.decode`.
    """

    def __init__(self, kind: Kind, *, errors: str = "replace"):
        self._kind = kind
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors)
        self._spacing = _SPACINGS[kind]() if kind in WORDS else None

    def push(self, token: str) -> str:
        """Take the next token and return the text that can be emitted now."""
        if self._spacing is not None:
            return self._spacing.before(token) + token
        return self._decoder.decode(token.encode("latin-1")) if self._kind in BYTES else token

    def flush(self) -> str:
        """Return the text of an unfinished character, if there is one; a new stream may start afterwards."""
        if self._spacing is not None:
            self._spacing.before("\n")
        rest = self._decoder.decode(b"", final=True)
        self._decoder.reset()
        return rest


class _OneSpace:
    """One space between all tokens, except beside those given."""

    def __init__(self, before: str = "\n", after: str = "\n"):
        self._none_before, self._none_after = frozenset(before), frozenset(after)
        self._last = "\n"

    def before(self, token: str) -> str:
        """Return the space or nothing that stands before `token`, the next one."""
        tight = token in self._none_before or self._last in self._none_after
        self._last = token
        return "" if tight else " "


_SPACINGS: dict[str, Callable[[], _OneSpace | Spacing]] = {
    "word": Spacing,
    "whitespace": _OneSpace,
    "letters": lambda: _OneSpace(".,;:!?)]}%’”\n", "([{“\n"),
}
