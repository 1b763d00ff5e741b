"""Texts that must not be written: for each beginning of one that may have been written, the tokens that may follow.

A token is left out if it would complete a bad text, which may span several tokens, and may begin in the prime. Texts
are compared character by character, of BYTES byte by byte; those of words word by word. This is the automaton of Aho
and Corasick (1975), with a row for each place in it and a column for each token. A whole bad text is no place of its
own: where the prime has one, what counts is the longest beginning of another that it ends with.
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
        written = {symbol for token in vocabulary.tokens[UNKNOWN_NUMBER + 1 :] for symbol in self._of_token(token)}
        bad = {text for text in bad if text[-1] in written}  # the others are never completed
        places = sorted({text[:n] for text in bad for n in range(len(text))} | {()}, key=lambda text: (len(text), text))
        alphabet = sorted({symbol for text in bad for symbol in text})
        if len(places) * max(len(vocabulary), len(alphabet)) > _MOST_ENTRIES:
            raise UsageError(
                f"--bad-words: {len(bad):,} texts are too many for this vocabulary; give fewer or shorter ones"
            )
        self._column = {symbol: column for column, symbol in enumerate(alphabet, start=1)}  # column 0: all others
        self._next, completes = self._automaton(bad, places)
        self.after = self._of_tokens(vocabulary, completes)
        stuck = np.flatnonzero((self.after < 0).all(axis=1))
        if len(stuck):
            begun = shown("".join(places[stuck[0]]))
            raise UsageError(f"--bad-words: leave nothing to write after {begun}; give fewer of them")

    def _automaton(self, bad: set[Symbols], places: list[Symbols]) -> tuple[np.ndarray, np.ndarray]:
        """Return for each place and column the next place, and whether a bad text is complete with it."""
        following = np.zeros((len(places), len(self._column) + 1), np.int32)
        completes = np.zeros(following.shape, bool)
        number_of = {place: number for number, place in enumerate(places)}
        longer: list[list[tuple[int, int]]] = [[] for _ in places]  # the column of each further symbol, and its place
        for place, number in number_of.items():
            if place:
                longer[number_of[place[:-1]]].append((self._column[place[-1]], number))
        last: list[list[int]] = [[] for _ in places]  # the columns that complete a bad text
        for text in bad:
            last[number_of[text[:-1]]].append(self._column[text[-1]])
        ends = [0] * len(places)  # the place that is the longest end of each, which is shorter, and so comes before it
        for number in range(len(places)):
            following[number], completes[number] = following[ends[number]], completes[ends[number]]
            for column, child in longer[number]:
                ends[child] = int(following[number, column])
                following[number, column] = child
            completes[number][last[number]] = True
        return following, completes

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

    def _of_token(self, token: str) -> Symbols:
        return (token,) if self.kind in WORDS else tuple(token)

    def _of_tokens(self, vocabulary: Vocabulary, completes: np.ndarray) -> np.ndarray:
        """Return the table of the tokens, with −1 for those that complete a bad text."""
        columns = [[self._column.get(symbol, 0) for symbol in self._of_token(token)] for token in vocabulary.tokens]
        beyond = np.full((1, self._next.shape[1]), -1, np.int32)  # the row of place −1, which leads nowhere else
        table = np.concatenate([np.where(completes, np.int32(-1), self._next), beyond])
        if self.kind == "bpe":
            after = np.stack([self._after(own, table) for own in columns], axis=1)
        else:  # END, of no symbol in some kinds, ends all
            after = np.take(table[:-1], [own[0] if own else 0 for own in columns], axis=1)
        after[:, UNKNOWN_NUMBER] = -1
        return after

    def _after(self, columns: list[int], table: np.ndarray) -> np.ndarray:
        place = np.arange(len(table) - 1, dtype=np.int32)
        for column in columns:
            place = table[place, column]
        return place
