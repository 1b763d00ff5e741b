"""Texts that must not be written: for each beginning of one that may have been written, the tokens that may follow.

A token is left out if it would complete a bad text, which may span several tokens, and may begin in the prime. Texts
are compared character by character, of BYTES byte by byte; those of words word by word. This is the automaton of Aho
and Corasick (1975), with a row for each place in it and a column for each token.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnncli.data.text import BYTES, WORDS, as_bytes, tokenize
from rnncli.data.vocabulary import UNKNOWN_NUMBER, Vocabulary
from rnncli.errors import UsageError, shown

_MOST_ENTRIES = 1 << 28  # of the table, a gigabyte
Symbols = tuple[str, ...]


class BadWords:
    """The table of `generation.Past`: after (S, V) int32, whose row 0 is where no bad text has begun.

    Raises UsageError for an empty text, for texts that leave nothing to write, and for too many of them.
    """

    def __init__(self, vocabulary: Vocabulary, texts: Sequence[str] = ()):
        self.kind = vocabulary.kind
        bad = {self._symbols(text) for text in texts}
        if () in bad:
            raise UsageError("--bad-words: an empty text is in every text; leave it out")
        places = sorted(
            {text[:n] for text in bad for n in range(len(text) + 1)} | {()}, key=lambda text: (len(text), text)
        )
        if len(places) * len(vocabulary) > _MOST_ENTRIES:
            raise UsageError(
                f"--bad-words: {len(bad):,} texts are too many for this vocabulary; give fewer or shorter ones"
            )
        self._number = {place: number for number, place in enumerate(places)}
        alphabet = sorted({symbol for text in bad for symbol in text})
        self._column = {symbol: column for column, symbol in enumerate(alphabet, start=1)}  # column 0: all others
        self._next = np.zeros((len(places), len(alphabet) + 1), np.int32)
        completes = np.zeros(self._next.shape, bool)
        for place, number in self._number.items():
            for symbol, column in self._column.items():
                ends = [(*place, symbol)[start:] for start in range(len(place) + 2)]
                self._next[number, column] = next(self._number[end] for end in ends if end in self._number)
                completes[number, column] = any(end in bad for end in ends)
        self.after = self._of_tokens(vocabulary, completes)
        stuck = np.flatnonzero((self.after < 0).all(axis=1))
        if len(stuck):
            begun = shown("".join(places[stuck[0]]))
            raise UsageError(f"--bad-words: leave nothing to write after {begun}; give fewer of them")

    def place_after(self, text: str) -> int:
        """Return the place after a text that was read, whatever it has."""
        place = 0
        for symbol in self._symbols(text):
            place = int(self._next[place, self._column.get(symbol, 0)])
        return place

    def _symbols(self, text: str) -> Symbols:
        if self.kind in WORDS:
            return tuple(tokenize(text, self.kind))
        return tuple(as_bytes(text).decode("latin-1") if self.kind in BYTES else text)

    def _of_tokens(self, vocabulary: Vocabulary, completes: np.ndarray) -> np.ndarray:
        after = np.empty((len(self._next), len(vocabulary)), np.int32)
        for number, token in enumerate(vocabulary.tokens):
            place, bad = np.arange(len(after)), np.full(len(after), number == UNKNOWN_NUMBER)
            for symbol in (token,) if self.kind in WORDS else token:
                column = self._column.get(symbol, 0)
                bad |= completes[place, column]
                place = self._next[place, column]
            after[:, number] = np.where(bad, -1, place)
        return after
