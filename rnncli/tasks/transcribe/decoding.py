"""Transcripts of the outputs of a network: that of the best path, or those of a prefix beam search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rnncli.data.text import detokenize
from rnncli.data.vocabulary import Vocabulary
from rnncli.kernels.prefix_beam import Heard, Language, greedy, prefix_beam


@dataclass(frozen=True)
class Transcript:
    """A transcript and its symbols; score: its log-probability in nats, or if it is that of the best path, the path's.

    spans: for each symbol its first step, and the one after its last.
    """

    text: str
    score: float
    symbols: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Search:
    """A search for transcripts: with a beam of 1 and one answer that of the best path, else those of a prefix beam
    search. language: makes a language model ready for a recording, whose say has this `weight`.
    """

    beam: int = 1
    n_best: int = 1
    language: Callable[[], Language] | None = None
    weight: float = 1.0

    @property
    def greedy(self) -> bool:
        return self.beam == self.n_best == 1 and self.language is None

    def heard(self, outputs: np.ndarray) -> list[Heard]:
        """Return what outputs (n, C) say, the best first."""
        if self.greedy:
            return [greedy(outputs)]
        language = self.language() if self.language else None
        return prefix_beam(outputs, max(self.beam, self.n_best), self.n_best, language, self.weight)


GREEDY = Search()


class Decoder:
    """Finds transcripts for outputs (n, C), whose symbols are the numbers of a vocabulary."""

    def __init__(self, vocabulary: Vocabulary):
        self.vocabulary = vocabulary

    def best(self, outputs: np.ndarray) -> Transcript:
        """Return the transcript of the most probable path."""
        return self.transcripts(outputs, GREEDY)[0]

    def transcripts(self, outputs: np.ndarray, search: Search) -> list[Transcript]:
        """Return the transcripts that a search finds, the best first."""
        return [self._written(outputs, one) for one in search.heard(outputs)]

    def _written(self, outputs: np.ndarray, heard: Heard) -> Transcript:
        symbols = tuple(self.vocabulary.decode(heard.symbols.tolist()))
        text = detokenize(symbols, self.vocabulary.kind).strip("\n").replace("\n", " ")
        return Transcript(text, heard.score, symbols, _spans(outputs, heard))


def _spans(outputs: np.ndarray, heard: Heard) -> tuple[tuple[int, int], ...]:
    """Return the first step of each symbol, and the one after its last: it lasts while its output is the highest, but
    not into the next symbol."""
    highest, limits = outputs.argmax(axis=1), [*heard.steps.tolist(), len(outputs)][1:]
    spans = []
    for symbol, start, limit in zip(heard.symbols.tolist(), heard.steps.tolist(), limits, strict=True):
        end = start + 1
        while end < limit and highest[end] == symbol:
            end += 1
        spans.append((start, end))
    return tuple(spans)
