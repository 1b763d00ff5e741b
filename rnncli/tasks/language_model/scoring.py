"""The lines of a text, each scored after all lines before it, or, of a model of items, each by itself."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from rnncli.data.lines import Line
from rnncli.data.text import BYTES, WORDS, as_bytes, word_spans
from rnncli.data.vocabulary import UNKNOWN_NUMBER, Vocabulary
from rnncli.tasks.language_model.reading import Reading
from rnncli.tasks.line_by_line import Faults
from rnncli.tasks.scored import ScoredLine, ScoredText, Totals, sums_of

LONGEST = 1 << 20  # characters; of a longer line parts are scored as they come
_AT_ONCE = 1 << 19  # characters of a file that are scored together, in segments that are long beside what warms them
# up; those of a pipe as they come


class CutLine(NamedTuple):
    """The tokens of a line: their numbers ids (N,), and how many bytes of it belong to the last token before them."""

    line: Line
    ids: np.ndarray
    skipped: int = 0


class Cut:
    """Cuts lines into tokens. Their ends are among these as they are written, unless the model knows no line end. Of a
    model of items each line is one, and a blank one none.
    """

    def __init__(self, vocabulary: Vocabulary):
        self.vocabulary = vocabulary
        self._reads_ends = vocabulary.end is None and bool(vocabulary.encode("\r\n").any())

    def lines(self, lines: Sequence[Line]) -> list[CutLine]:
        """Return the tokens of lines that follow one another."""
        if self.vocabulary.kind == "bpe":
            return list(self._in_byte_pairs(lines))
        return [CutLine(line, self._ids(line)) for line in lines]

    def _ids(self, line: Line) -> np.ndarray:
        ids, end = self.vocabulary.encode(self._whole(line)), self.vocabulary.end
        if end is None or line.goes_on:
            return ids
        return ids[:0] if line.blank else np.append(ids, end)

    def _in_byte_pairs(self, lines: Sequence[Line]) -> Iterator[CutLine]:
        """Yield lines that are cut as the text that they are, in which one token may have several line ends."""
        texts = list(map(self._whole, lines))
        ids = self.vocabulary.encode("".join(texts))
        sizes = np.array(list(map(len, self.vocabulary.tokens)))[ids]
        starts = np.cumsum(sizes) - sizes
        begins = np.cumsum([0, *(len(as_bytes(text)) for text in texts)])
        firsts = np.searchsorted(starts, begins).tolist()
        for line, begin, first, stop in zip(lines, begins.tolist(), firsts, firsts[1:], strict=False):
            yield CutLine(line, ids[first:stop], int(starts[first]) - begin if first < stop else 0)

    def pieces(self, cut: CutLine) -> tuple[str, ...]:
        """Return the text of a line in one piece for each of its tokens, what stands before a word with it, and a
        character with the token that its first byte is of, if that is one of the line.
        """
        if self.vocabulary.end is None or cut.line.goes_on:
            return self._pieces(cut)
        return () if cut.line.blank else (*self._pieces(cut._replace(ids=cut.ids[:-1])), "\n")

    def _pieces(self, cut: CutLine) -> tuple[str, ...]:
        text, kind = self._whole(cut.line), self.vocabulary.kind
        if kind in WORDS:
            ends = [0, *(end for _, end in word_spans(text, kind))]
            return tuple(text[start:end] for start, end in itertools.pairwise(ends))
        if kind in BYTES:
            return self._of_bytes(text, cut) if len(cut.ids) else ()
        return tuple(text)

    def _of_bytes(self, text: str, cut: CutLine) -> tuple[str, ...]:
        tokens = self.vocabulary.tokens
        sizes = [1 if number == UNKNOWN_NUMBER else len(tokens[number]) for number in cut.ids]
        ends = cut.skipped + np.cumsum(sizes)
        starts = itertools.accumulate((len(as_bytes(character)) for character in text), initial=0)
        pieces = [""] * len(cut.ids)
        for character, start in zip(text, starts, strict=False):
            pieces[int(np.searchsorted(ends, start, "right"))] += character
        return tuple(pieces)

    def _whole(self, line: Line) -> str:
        return line.text + line.end if self._reads_ends else line.text


def scored_text(
    lists: Iterator[list[Line]], faults: Faults, cut: Cut, reading: Reading, learning: Reading | None
) -> ScoredText:
    """Return lines scored as they come; DataError at the end if some could not be read."""
    totals = Totals()
    return ScoredText(faults.name, _scored(lists, faults, cut, reading, learning, totals), totals)


def _scored(
    lists: Iterator[list[Line]],
    faults: Faults,
    cut: Cut,
    reading: Reading,
    learning: Reading | None,
    totals: Totals,
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
    each = cut.lines(lines)
    lengths = [len(own.ids) for own in each]
    ids = np.concatenate([own.ids for own in each])
    bits = reading.nats(ids) / math.log(2)
    learnt = None if learning is None else learning.nats(ids) / math.log(2)
    known = ids != UNKNOWN_NUMBER
    ends = np.cumsum(lengths).tolist()
    spans = [slice(end - length, end) for end, length in zip(ends, lengths, strict=True)]
    return [
        ScoredLine(
            own.line.number,
            own.line.text,
            partial(cut.pieces, own),
            bits[span],
            known[span],
            sums,
            None if learnt is None else learnt[span],
        )
        for own, span, sums in zip(each, spans, sums_of(lengths, known, bits, learnt), strict=True)
    ]


def in_larger_lists(lists: Iterator[list[Line]]) -> Iterator[list[Line]]:
    """Join lists up to _AT_ONCE characters: the more are read together, the faster. Where there are not too many, blank
    lines stay with those before them, as one token may have several line ends.
    """
    held: list[Line] = []
    size = 0
    for some in lists:
        if size >= _AT_ONCE and (some[0].text[:1].strip() or size >= 2 * _AT_ONCE):
            yield held
            held, size = [], 0
        held += some
        size += sum(len(line.text) + 1 for line in some)
    if held:
        yield held
