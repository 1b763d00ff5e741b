"""How surprising each token of a text is, line by line, as the lines come: what `score` makes of a text."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np


class Sums(NamedTuple):
    """Sums over the tokens of a line: how many there are, how many are unknown, and how many are scored; the bits of
    these, of the unknown ones among them, and of all by a model that learns as it reads.
    """

    tokens: int
    unknown: int
    scored: int
    scored_unknown: int
    bits: float
    bits_of_unknown: float
    bits_learning: float


def sums_of(
    lengths: Sequence[int], known: np.ndarray, bits: np.ndarray, learning: np.ndarray | None = None
) -> list[Sums]:
    """Return the sums of lines of so many tokens each: known, bits and learning (N,) are of all their tokens, the bits
    NaN where a token is not scored."""
    scored = bits == bits
    unknown, bits = ~known, np.where(scored, bits, 0.0)
    learnt = np.zeros(len(bits)) if learning is None else np.where(learning == learning, learning, 0.0)
    counted = (unknown, scored, scored & unknown, bits, bits * unknown, learnt)
    ends = np.cumsum(lengths)
    filled = np.flatnonzero(lengths)
    starts = ends[filled] - np.array(lengths, int)[filled]
    columns: list[list[Any]] = [[*lengths]]
    for values in counted:
        column = np.zeros(len(lengths), float if values.dtype == float else int)
        if len(filled):
            column[filled] = np.add.reduceat(values, starts, dtype=column.dtype)
        columns.append(column.tolist())
    return [Sums(*row) for row in zip(*columns, strict=True)]


@dataclass(frozen=True, slots=True)
class ScoredLine:
    """A line, its end included, and the bits of its tokens (N,), NaN for the first of all where nothing precedes it.

    pieces: returns its text in N pieces, one for each token, the white space before it included. known (N,): False for
    unknown tokens. sums: of these tokens. learning (N,): the bits by a model that learns as it reads, if there is one.
    """

    number: int
    text: str
    pieces: Callable[[], tuple[str, ...]]
    bits: np.ndarray
    known: np.ndarray
    sums: Sums
    learning: np.ndarray | None = None

    @property
    def blank(self) -> bool:
        """True if there is nothing but white space on it."""
        return not self.text.strip()

    @property
    def mean(self) -> float:
        """The bits per token; NaN where none was scored."""
        return _mean(self.sums.bits, self.sums.scored)

    def row(self) -> dict[str, Any]:
        """Return the line as one row of a table."""
        sums = self.sums
        learning: dict[str, float] = {}
        if self.learning is not None:
            learning["bits_per_token_learning"] = _mean(sums.bits_learning, sums.scored)
        return {
            "line": self.number,
            "tokens": sums.tokens,
            "unknown": sums.unknown,
            "bits": sums.bits,
            "bits_per_token": self.mean,
            **learning,
            "text": self.text,
        }

    def token_rows(self) -> list[dict[str, Any]]:
        """Return a row for each token."""
        figures = zip(self.pieces(), self.known.tolist(), self.bits.tolist(), strict=True)
        rows = [{"line": self.number, "token": piece, "known": known, "bits": bits} for piece, known, bits in figures]
        if self.learning is not None:
            for row, bits in zip(rows, self.learning.tolist(), strict=True):
                row["bits_learning"] = bits
        return rows


def _mean(bits: float, scored: int) -> float:
    return bits / scored if scored else math.nan


@dataclass
class Totals:
    """The sums over all lines read so far. skipped: lines that could not be read."""

    lines: int = 0
    skipped: int = 0
    tokens: int = 0
    bits: float = 0.0
    unknown: int = 0
    bits_of_unknown: float = 0.0
    bits_learning: float | None = None

    def add(self, line: ScoredLine) -> None:
        sums = line.sums
        self.lines += 1
        self.tokens += sums.scored
        self.bits += sums.bits
        self.unknown += sums.scored_unknown
        self.bits_of_unknown += sums.bits_of_unknown
        if line.learning is not None:
            self.bits_learning = (self.bits_learning or 0.0) + sums.bits_learning

    def to_json(self) -> dict[str, Any]:
        """Return the totals as an object, with bits per token and perplexity of all tokens and of the known ones."""
        found: dict[str, Any] = {
            "lines": self.lines,
            "not_read": self.skipped,
            "tokens": self.tokens,
            "unknown": self.unknown,
        }
        found |= _per_token(self.bits, self.tokens)
        known = _per_token(self.bits - self.bits_of_unknown, self.tokens - self.unknown)
        found |= {f"{name}_of_known": value for name, value in known.items()}
        if self.bits_learning is not None:
            found |= {f"{name}_learning": value for name, value in _per_token(self.bits_learning, self.tokens).items()}
        return found


def _per_token(bits: float, tokens: int) -> dict[str, float]:
    mean = _mean(bits, tokens)
    return {"bits_per_token": mean, "perplexity": 2.0**mean if mean < 1000 else math.inf}


@dataclass
class ScoredText:
    """The lines of a text as they come, in lists of those that came together; `totals` are whole once all are read."""

    name: str
    lines: Iterator[list[ScoredLine]]
    totals: Totals = field(default_factory=Totals)
