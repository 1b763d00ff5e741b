"""The lines of a text, each scored after all lines before it, or, of a model of items, each by itself."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from rnncli.data.lines import Line, Opened
from rnncli.data.text import BYTES, WORDS, as_bytes, word_spans
from rnncli.data.vocabulary import UNKNOWN_NUMBER, Vocabulary
from rnncli.tasks.language_model.reading import Reading
from rnncli.tasks.line_by_line import Faults
from rnncli.tasks.scored import ScoredLine, ScoredText, Totals, sums_of
from rnncli.tasks.task import Asked

LONGEST = 1 << 20  # characters; of a longer line parts are scored as they come
_AT_ONCE = 1 << 19  # characters of a file that are scored together, in segments that are long beside what warms them
# up; those of a pipe as they come


@dataclass(frozen=True)
class Cut:
    """Cuts a line into tokens, its end included if the model knows it: the numbers of the tokens and their pieces. Of a
    model of items each line is one, and a blank one none.
    """

    vocabulary: Vocabulary
    line_end: int

    def ids(self, line: Line) -> np.ndarray:
        ids, end = self.vocabulary.encode(self._whole(line)), self.vocabulary.end
        if end is None or line.goes_on:
            return ids
        return np.append(ids, end) if line.text.strip() else ids[:0]

    def pieces(self, line: Line, ids: np.ndarray) -> tuple[str, ...]:
        """Return the text of the line in one piece for each of its tokens `ids`, what stands before a word with it, and
        a character with the token that its first byte is of.
        """
        if self.vocabulary.end is None or line.goes_on:
            return self._pieces(line, ids)
        return (*self._pieces(line, ids[:-1]), "\n") if line.text.strip() else ()

    def _pieces(self, line: Line, ids: np.ndarray) -> tuple[str, ...]:
        text, kind = self._whole(line), self.vocabulary.kind
        if kind in WORDS:
            ends = [0, *(end for _, end in word_spans(text, kind))]
            return tuple(text[start:end] for start, end in itertools.pairwise(ends))
        return self._of_bytes(text, ids) if kind in BYTES else tuple(text)

    def _of_bytes(self, text: str, ids: np.ndarray) -> tuple[str, ...]:
        tokens = self.vocabulary.tokens
        ends = np.cumsum([1 if number == UNKNOWN_NUMBER else len(tokens[number]) for number in ids])
        starts = itertools.accumulate((len(as_bytes(character)) for character in text), initial=0)
        pieces = [""] * len(ids)
        for character, start in zip(text, starts, strict=False):
            pieces[int(np.searchsorted(ends, start, "right"))] += character
        return tuple(pieces)

    def _whole(self, line: Line) -> str:
        return line.text if line.goes_on or self.line_end == UNKNOWN_NUMBER else line.text + "\n"


def scored_text(asked: Asked, encoding: str, cut: Cut, reading: Reading, learning: Reading | None) -> ScoredText:
    """Return the lines of `asked.data`, scored as they come; DataError at the end if some could not be read."""
    assert asked.data is not None
    opened = Opened(asked.data)
    takes_bytes = cut.vocabulary.kind in BYTES
    lists = opened.cut_lines(asked.reading.get("encoding", encoding), LONGEST, takes_bytes=takes_bytes)
    if asked.data != "-":
        lists = _larger(lists)
    totals = Totals()
    return ScoredText(opened.name, _scored(lists, cut, reading, learning, totals, Faults(opened.name, asked)), totals)


def _scored(
    lists: Iterator[list[Line]],
    cut: Cut,
    reading: Reading,
    learning: Reading | None,
    totals: Totals,
    faults: Faults,
) -> Iterator[list[ScoredLine]]:
    for some in lists:
        faults.begin(len(some))
        good: list[Line] = []
        for line in some:
            if line.error is None:
                good.append(line)
                continue
            if faults.strict:
                raise line.error
            faults.add(line.error)
            totals.skipped += 1
        lines = _scored_lines(good, cut, reading, learning) if good else []
        for one in lines:
            totals.add(one)
        yield lines
    faults.end()


def _scored_lines(lines: list[Line], cut: Cut, reading: Reading, learning: Reading | None) -> list[ScoredLine]:
    """Return lines, at least one, that are read together: each with its own tokens and their sums."""
    each = [cut.ids(line) for line in lines]
    lengths = [len(ids) for ids in each]
    ids = np.concatenate(each)
    bits = reading.nats(ids) / math.log(2)
    learnt = None if learning is None else learning.nats(ids) / math.log(2)
    known = ids != UNKNOWN_NUMBER
    ends = np.cumsum(lengths).tolist()
    spans = [slice(end - length, end) for end, length in zip(ends, lengths, strict=True)]
    return [
        ScoredLine(
            line.number,
            line.text,
            partial(cut.pieces, line, own),
            bits[span],
            known[span],
            sums,
            None if learnt is None else learnt[span],
        )
        for line, own, span, sums in zip(lines, each, spans, sums_of(lengths, known, bits, learnt), strict=True)
    ]


def _larger(lists: Iterator[list[Line]]) -> Iterator[list[Line]]:
    """Join lists up to _AT_ONCE characters: the more are read together, the faster."""
    held: list[Line] = []
    size = 0
    for some in lists:
        held += some
        size += sum(len(line.text) for line in some)
        if size >= _AT_ONCE:
            yield held
            held, size = [], 0
    if held:
        yield held
