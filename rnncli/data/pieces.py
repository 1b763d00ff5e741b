"""Pieces of a text beyond whose ends no token of `bpe` reaches.

A word, a number of up to three digits or a run of signs, each with the space before it; line ends with the blanks
before them; other white space. Joined, the pieces are the text, whatever it is.
"""

from __future__ import annotations

import re

_MARKS = r"!-/:-@\[-`{-\xa9\xab-\xb4\xb6-\xb9\xbb-\xbf\xd7\xf7\u2010-\u206f\u3000-\u303f\uff01-\uff0f\uff1a-\uff20"
_LETTER = rf"[^\s0-9{_MARKS}]"
_LONGEST = 24  # letters or signs of a piece, where a text has no spaces
_PIECE = re.compile(
    rf" ?{_LETTER}{{1,{_LONGEST}}}(?:['’]{_LETTER}{{1,2}}(?!{_LETTER}))?"
    rf"| ?[0-9]{{1,3}}| ?[{_MARKS}]{{1,{_LONGEST}}}|[^\S\n]*\n+| +(?= )| |[^\S\n ]+"
)
_ENDLESS = 100_000  # characters without a space


def pieces(text: str) -> list[str]:
    """Return the pieces of `text`."""
    return _PIECE.findall(text)


def last_end(text: str) -> int:
    """Return the last place at which `text` may be cut without changing a piece, whatever comes after it; 0 if there is
    none.

    A text without end, of which there is ever more, is cut at its end, though that may make a piece of two.
    """
    for at in range(len(text) - 1, 0, -1):
        before, here, after = text[at - 1], text[at], text[at + 1 : at + 2]
        if (before == "\n" != here) or (before != " " == here and "!" <= after <= "~"):
            return at
    return len(text) if len(text) > _ENDLESS else 0
