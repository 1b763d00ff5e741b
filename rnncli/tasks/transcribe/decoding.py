"""Transcripts of the outputs of a network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnncli.data.text import detokenize
from rnncli.data.vocabulary import Vocabulary
from rnncli.kernels.ctc import BLANK


@dataclass(frozen=True)
class Transcript:
    """A transcript, its log-probability in nats, and its symbols.

    spans: for each symbol its first step, and the one after its last.
    """

    text: str
    score: float
    symbols: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]


def log_probabilities(outputs: np.ndarray) -> np.ndarray:
    """Return the log-probabilities (n, C) float64 of the symbols at each step, given the outputs."""
    above = outputs.astype(np.float64) - outputs.max(axis=1, keepdims=True)
    logs: np.ndarray = above - np.log(np.exp(above).sum(axis=1, keepdims=True))
    return logs


class Decoder:
    """Finds transcripts for outputs (n, C), whose symbols are the numbers of a vocabulary."""

    def __init__(self, vocabulary: Vocabulary):
        self.vocabulary = vocabulary

    def best(self, outputs: np.ndarray) -> Transcript:
        """Return the transcript of the most probable path, which is greedy: it has the best symbol of each step."""
        path = outputs.argmax(axis=1)
        starts = np.flatnonzero(np.diff(path, prepend=-1))
        ends, spoken = np.append(starts[1:], len(path)), path[starts] != BLANK
        symbols = tuple(self.vocabulary.decode(path[starts[spoken]].tolist()))
        spans = tuple(zip(starts[spoken].tolist(), ends[spoken].tolist(), strict=True))
        score = float(log_probabilities(outputs).max(axis=1).sum())
        return Transcript(self.text(symbols), score, symbols, spans)

    def text(self, symbols: tuple[str, ...]) -> str:
        """Return what is written for these symbols, on one line."""
        return detokenize(symbols, self.vocabulary.kind).strip("\n").replace("\n", " ")
