"""The white space between words that were cut at the boundaries of Unicode, put back as people write.

A space stands between two tokens, except

- beside a newline, a white-space token, and a character of a script without spaces between words,
- before closing marks and after opening ones; quotation marks open or close by what is open on the line,
- on both sides of a slash, and between equal symbols (..., --) and between emoji,
- after $ and its like, # and @; in 10:30 and 1990–2000; after the sign of a number.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import NamedTuple

from rnncli.data.words import shapes

_CLOSING = frozenset(".,;:!?)]}%‰°′″…։՝՞՜،؛؟۔।॥།።፣፤፥፦፧፨’")
_OPENING = frozenset("([{¿¡#@")
_TIGHT = frozenset("/\\፡་")
_CURRENCY = frozenset("$€£¥₹₽₩₪₺฿")
_SIGNS = frozenset("-+−±")
_BEFORE_A_SIGN = frozenset("\n([{<>=≤≥,;:/*^")
_CLOSED_BY = {
    '"': '"',
    "`": "`",
    "'": "'",
    "“": "”",
    "”": "”",
    "„": "“”",
    "‘": "’",
    "‚": "‘’",
    "«": "»",
    "»": "«",
    "‹": "›",
    "›": "‹",
}  # each opening quotation mark, and what closes it in one language or another
_ENDS_A_SENTENCE = frozenset(".!?…")
_JOINER, _NARROW = "\u200d", "\u202f"
_TAKES_MARKS = frozenset("\u00a0\u2007\u202f\u3000")  # white space that marks may stand on


class _Looks(NamedTuple):
    """What a token looks like; begins, ends: True if it does so with a character of a script without spaces; marked,
    marks: if it begins with a mark, and if it has nothing else.
    """

    word: bool
    number: bool
    symbol: bool
    emoji: bool
    space: bool
    begins: bool = False
    ends: bool = False
    marked: bool = False
    marks: bool = False


@lru_cache(1 << 16)
def _looks(token: str) -> _Looks:
    first, category = token[0], unicodedata.category(token[0])
    half = sum("\U0001f1e6" <= character <= "\U0001f1ff" for character in token) == 1  # of a flag
    looks = _Looks(
        word=first.isalnum() or category in ("Pc", "Cf"),
        number=first.isdecimal(),
        symbol=len(token) == 1 and category[0] in "PS" and category != "Pc" and not half,
        emoji=category == "So" and first > "\u2000" and not token.endswith(_JOINER) and not half,
        space=token.isspace(),
    )
    if token.isascii():
        return looks
    begins, ends, marks = shapes()
    found = marks.match(token)
    return looks._replace(
        begins=bool(begins.match(token)),
        ends=bool(ends.match(token)),
        marked=bool(found),
        marks=bool(found) and found.end() == len(token),
    )


def _is_greek(token: str) -> bool:
    return unicodedata.name(token[0], "").startswith("GREEK")


class Spacing:
    """The spaces of a text, asked for token by token."""

    def __init__(self) -> None:
        self._begin_line()

    def _begin_line(self) -> None:
        self._last = self._second = "\n"  # the last token, and the one before it
        self._quotes: list[str] = []  # those that are open
        self._glues = True  # whether the last token has no space after it, whatever comes

    def before(self, token: str) -> str:
        """Return the space or nothing that stands before `token`, the next one."""
        if token == "\n":
            self._begin_line()
            return ""
        looks, opens = _looks(token), False
        closes = token in _CLOSING or (token == "·" and _is_greek(self._last))  # the Greek semicolon
        if token in _CLOSED_BY or token == "’":
            opens = self._opens(token)
            closes = not opens
        tight = self._is_tight(token, looks, closes=closes)
        self._glues = opens or token in _OPENING or token in _TIGHT or (looks.marks and not token.endswith(_JOINER))
        self._second, self._last = self._last, token
        return "" if tight else " "

    def _is_tight(self, token: str, looks: _Looks, *, closes: bool) -> bool:
        last, second = _looks(self._last), _looks(self._second)
        if looks.marked:  # without a space they would be on the last token
            return last.space and self._last not in _TAKES_MARKS
        if self._last == _NARROW and second.word and looks.word and not second.ends and not looks.begins:
            return False  # it would join them
        if self._glues or closes or last.space or looks.space or last.ends or looks.begins or token in _TIGHT:
            return True
        if looks.number:
            return (
                (self._last in _CURRENCY and not second.number)
                or (self._last in ":–" and second.number)
                or (self._last in _SIGNS and (self._second in _BEFORE_A_SIGN or (second.word and not second.number)))
            )
        return (
            (token == "–" and last.number)
            or (token == self._last and looks.symbol and token not in _CLOSED_BY)
            or (last.emoji and looks.emoji)
        )

    def _opens(self, mark: str) -> bool:
        """Return True if a quotation mark opens, given those that are open; it is open, or what it closes no more."""
        matching = [place for place, quote in enumerate(self._quotes) if mark in _CLOSED_BY[quote]]
        if matching:
            del self._quotes[matching[-1] :]
            return False
        if mark == "’" or (mark == "”" and self._last in _ENDS_A_SENTENCE):  # of a quotation from the line before
            return False
        if mark == "'" and self._last[-1] in "sS":  # of a possessive
            return False
        self._quotes.append(mark)
        return True
