"""Text to tokens and back: characters, bytes or words.

- `char`: a token is a Unicode code point.
- `byte`: a token is one byte of the UTF-8 form, written as the Latin-1 character of that value.
- `word`: a token is a word or number (inner apostrophes, hyphens and decimal points included), one other visible
  character, or a newline; runs of spaces are dropped and put back by rule.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from typing import Literal, get_args

Kind = Literal["char", "byte", "word"]
KINDS: tuple[str, ...] = get_args(Kind)

_WORD = re.compile(r"[^\W_]+(?:(?:['’\-]|(?<=[0-9])[.,](?=[0-9]))[^\W_]+)*|\r\n?|\n|\S")
_LINE_ENDS = ("\r", "\r\n")

_NO_SPACE_BEFORE = frozenset(".,;:!?)]}%’”\n")
_NO_SPACE_AFTER = frozenset("([{“\n")


def tokenize(text: str | bytes, tokens: Kind) -> list[str]:
    """Return the tokens of `text`; `bytes` are accepted for the kind `byte` only, a `str` for every kind."""
    if tokens == "byte":
        return list(as_bytes(text).decode("latin-1"))
    if isinstance(text, bytes):
        raise TypeError(f"bytes cannot be cut into {tokens} tokens; decode them first")
    if tokens == "char":
        return list(text)
    words = _WORD.findall(text)
    return ["\n" if word in _LINE_ENDS else word for word in words] if "\r" in text else words


def word_spans(text: str) -> Iterator[tuple[int, str]]:
    """Yield (offset, word) for each word token of `text`; offset (from 0) is the place of its first character."""
    for match in _WORD.finditer(text):
        word = match.group()
        yield match.start(), "\n" if word in _LINE_ENDS else word


def as_bytes(text: str | bytes) -> bytes:
    """Return the UTF-8 bytes of `text`; surrogates that stand for undecodable bytes become those bytes again."""
    if isinstance(text, bytes):
        return text
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # surrogates that never were bytes, e.g. "\ud800" from JSON
        return text.encode("utf-8", "surrogatepass")


def detokenize(tokens: Iterable[str], kind: Kind) -> str:
    """Return one text made of `tokens`. Invalid UTF-8 among `byte` tokens becomes surrogates, so that
    `as_bytes(detokenize(tokenize(data, "byte"), "byte")) == data` for any bytes.
    """
    detokenizer = Detokenizer(kind, errors="surrogateescape")
    pieces = [detokenizer.push(token) for token in tokens]
    return "".join(pieces) + detokenizer.flush()


class Detokenizer:
    """A converter that turns tokens into text one by one; `flush` returns the text that was still held back.

    Only the kind `byte` holds anything back: the first bytes of a character that is not complete yet.
    `errors` selects the treatment of bytes that are not UTF-8, as in `bytes.decode`.
    """

    def __init__(self, kind: Kind, *, errors: str = "replace"):
        self._kind = kind
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors)
        self._previous = "\n"  # as at the start of a line: no space before the first word

    def push(self, token: str) -> str:
        """Take the next token and return the text that can be emitted now."""
        if self._kind == "char":
            return token
        if self._kind == "byte":
            return self._decoder.decode(token.encode("latin-1"))
        tight = token in _NO_SPACE_BEFORE or self._previous in _NO_SPACE_AFTER
        self._previous = token
        return token if tight else " " + token

    def flush(self) -> str:
        """Return the text of an unfinished character, if there is one; a new stream may start afterwards."""
        self._previous = "\n"
        rest = self._decoder.decode(b"", final=True)
        self._decoder.reset()
        return rest
