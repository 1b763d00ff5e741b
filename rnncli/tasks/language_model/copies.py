"""What a text has in common with the one that a model was trained on.

Nothing is built for the training text but a filter of a few bits a token: it is read past the sequences of the text
that was written, piece by piece.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rnncli.kernels import copies

N = 8  # tokens of the sequences that are counted
_PIECE = 1 << 20  # tokens that are looked at together
_BITS = 12  # of the filter for each token
_MOST_WORDS = 1 << 25  # of the filter: a quarter of a gigabyte
_SAMPLED = 500  # sequences of a text, spread over it


@dataclass(frozen=True)
class Copied:
    """What texts of `tokens` tokens copy: the longest run of tokens, and the share of their 8-grams that are copied."""

    tokens: int
    longest: int
    share: float


def filter_of(trained: np.ndarray, n: int) -> np.ndarray:
    """Return the filter of all sequences of n tokens, for `generation.Past`."""
    words = np.zeros(min(1 << max(_BITS * len(trained) // 64, 1).bit_length(), _MOST_WORDS), np.uint64)
    for hashes in _hashes(trained, n):
        copies.remember(hashes, words)
    return words


def copied(texts: list[np.ndarray], trained: np.ndarray) -> Copied:
    """Return what `texts` (each (n,)) copy of `trained` (N,), by reading it about twice as often as the longest run has
    binary digits.
    """
    most = max(map(len, texts), default=0)
    low, high = 0, 1  # the longest run is at least low, and less than high once that is not found
    while high <= most and _found(texts, trained, high).any():
        low, high = high, 2 * high
    high = min(high, most + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _found(texts, trained, middle).any() else (low, middle)
    grams = _found(texts, trained, N)
    return Copied(sum(map(len, texts)), low, float(grams.mean()) if len(grams) else 0.0)


def share_copied(text: np.ndarray, trained: np.ndarray, n: int) -> float:
    """Return the share of the sequences of n tokens in `text` that are in `trained`, of some that are spread over it; 0
    of a text that is too short for ten beside each other."""
    if len(text) < 10 * n:
        return 0.0
    starts = np.linspace(0, len(text) - n, min(_SAMPLED, len(text) // n)).astype(int)
    return float(_found([text[start : start + n] for start in starts], trained, n).mean())


def _found(texts: list[np.ndarray], trained: np.ndarray, n: int) -> np.ndarray:
    """Return of all sequences of n tokens in `texts` which are in `trained`."""
    wanted = np.concatenate([np.zeros(0, np.uint64), *(h for text in texts for h in _hashes(text, n))])
    table = np.zeros(1 << (2 * len(wanted)).bit_length(), np.uint64)
    found, out = np.zeros(len(table), bool), np.zeros(len(wanted), bool)
    copies.enter(wanted, table)
    for hashes in _hashes(trained, n):
        copies.mark(hashes, table, found)
    copies.look_up(wanted, table, found, out)
    return out


def _hashes(tokens: np.ndarray, n: int) -> Iterator[np.ndarray]:
    """Yield the hashes of all sequences of n tokens, piece by piece."""
    for start in range(0, len(tokens) - n + 1, _PIECE):
        piece = tokens[start : start + _PIECE + n - 1].astype(np.int32)
        hashes = np.empty(len(piece) - n + 1, np.uint64)
        copies.hash_all(piece, n, hashes)
        yield hashes
