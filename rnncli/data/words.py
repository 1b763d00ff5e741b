"""Words of a text, cut at the word boundaries of Unicode (UAX #29), tailored so:

- White space is dropped, but for that beside a script without spaces between words, and but for no-break and
  ideographic spaces; these are tokens. So is a line end (CR, LF or CR LF), as a newline.
- A character of Chinese or Japanese is a token (Han, Hiragana and Katakana, whose runs UAX #29 would not cut), with
  the marks on it. So is a letter of Thai, Lao, Khmer or Myanmar, with its marks, what is stacked under it, and AM.
- Apostrophes, hyphens (- and those of Unicode, Hebrew and Armenian) and the narrow no-break space between letters or
  digits join them.

All else is as there: marks stay with their letter; 1,234.5, e.g, example.com, snake_case, a flag, and emoji that are
joined to one are each a token; any other character, such as a comma, is a token by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any

_MARK = r"[\p{WB=Extend}\p{WB=Format}\p{WB=ZWJ}]"
_MARKS = rf"{_MARK}*+"
_CJK = r"\p{Han}\p{Hiragana}\p{Katakana}\p{WB=Katakana}"
_LETTER = rf"[[\p{{WB=ALetter}}\p{{WB=Hebrew_Letter}}]--[{_CJK}]]"
_HEBREW, _DIGIT = r"\p{WB=Hebrew_Letter}", r"\p{WB=Numeric}"
_CONNECTOR = r"[\p{WB=ExtendNumLet}--\u202f]"  # the narrow no-break space is none at the end of a word
_INNER = r"['’\-\u058a\u05be\u2010\u2011\u202f]"
_STACKED = rf"[\p{{Line_Break=SA}}--{_MARK}]"  # of the scripts that UAX #29 leaves to dictionaries
_SPACE = r" \t\v\f\x1c-\x1f\x85\u1680\u2000-\u2006\u2008-\u200a\u2028\u2029\u205f"
_UNSPACED = (
    rf"[[{_CJK}{_STACKED}\u3001-\u303f\u30a0\u30fb\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65]--{_MARK}]"
)

_UNIT = rf"""
    (?: {_LETTER}++ {_MARKS} (?: [\p{{WB=MidLetter}}\p{{WB=MidNumLet}}'] {_MARKS} (?={_LETTER})
                             | {_INNER} {_MARKS} (?={_LETTER}|{_DIGIT})
                             | " {_MARKS} (?={_HEBREW}) (?<={_HEBREW} {_MARKS} " {_MARKS}) )?+
      | {_DIGIT}++ {_MARKS} (?: [\p{{WB=MidNum}}\p{{WB=MidNumLet}}'] {_MARKS} (?={_DIGIT})
                            | {_INNER} {_MARKS} (?={_LETTER}|{_DIGIT}) )?+
      | {_CONNECTOR} {_MARKS}
    )++
    (?: ' {_MARKS} (?<={_HEBREW} {_MARKS} ' {_MARKS}) )?+
    | {_STACKED} {_MARKS} [\u0e33\u0eb3]?+ {_MARKS} (?: (?<=[\u1039\u17d2]) {_STACKED} {_MARKS} )*+
    | \p{{Regional_Indicator}} {_MARKS} (?: \p{{Regional_Indicator}} {_MARKS} )?+
    | [^\r\n{_SPACE}] {_MARKS}
"""
_PLAIN = r"[\u3001-\u3029\u3041-\u3096\u30a1-\u30fa\u3400-\u9fff]"  # a token, if another one follows; for speed
_ANY = rf"""
    {_PLAIN} (?= {_PLAIN} )
    | (?: {_UNIT} ) (?: (?<=\u200d) (?=\p{{Extended_Pictographic}}) (?: {_UNIT} ) )*+
    | \r\n?+ | \n
    | (?<= {_UNSPACED} {_MARKS} ) [{_SPACE}]++ | (?<! [{_SPACE}] ) [{_SPACE}]++ (?= {_UNSPACED} )
"""
# The same for ASCII, where re is ten times as fast.
_ASCII = re.compile(
    r"\w+(?:(?:['\-](?<=[A-Za-z0-9]['\-])(?=[A-Za-z0-9])|[.:](?<=[A-Za-z][.:])(?=[A-Za-z])"
    r"|[.,;](?<=[0-9][.,;])(?=[0-9]))\w+)*|\r\n?|\n|[^\s\x1c-\x1f]",
    re.ASCII,
)
# A space between characters that are neither marks nor of a script without spaces: it is in no token.
_BETWEEN = re.compile(r" (?<=[!-~] |[^\W\u0e00-\U0010ffff] )(?=[!-~]|[^\W\u0e00-\U0010ffff])")
_LONGEST_KEPT = 32  # characters of a piece whose tokens are kept


@cache
def _pattern() -> Any:
    """Return the pattern of a token in any text; regex is imported only where a text needs it."""
    import regex

    return regex.compile(_ANY, regex.VERSION1 | regex.VERBOSE)


@cache
def shapes() -> tuple[Any, Any, Any]:
    """Return patterns for `match`: of what begins with a character of a script without spaces between words, of what
    ends so, and of marks."""
    import regex

    patterns = _UNSPACED, rf"(?s:.*){_UNSPACED}{_MARKS}$", rf"{_MARK}+"
    begins, ends, marks = (regex.compile(pattern, regex.VERSION1) for pattern in patterns)
    return begins, ends, marks


def cut(text: str) -> list[str]:
    """Return the tokens of `text`; a line end is still as it was written."""
    if text.isascii():
        return _ASCII.findall(text)
    found: list[str] = []
    for piece in _BETWEEN.split(text):
        found += (_kept if len(piece) <= _LONGEST_KEPT else _found)(piece)
    return found


def _found(piece: str) -> list[str]:
    return (_ASCII if piece.isascii() else _pattern()).findall(piece)


_kept = lru_cache(1 << 16)(_found)  # most words come again


def spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield where each token of `text` begins and ends."""
    return (match.span() for match in (_ASCII if text.isascii() else _pattern()).finditer(text))
