"""The mixture of a network with the 5-gram of what it was trained on, p = (1 − λ)·network + λ·5-gram.

The 5-gram knows by heart what it has seen often, and the network what is alike (Mikolov et al., 2011). λ is one of a
few, by how much the 5-gram knows of the context (see `KneserNey.trust`), each the most likely on a text that neither
was trained on: the fixed point of λ ← mean of λ·5-gram / p (Jelinek and Mercer, 1980).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rnncli.data.typed import array
from rnncli.tasks.language_model.kneser_ney import KINDS, KneserNey
from rnncli.tasks.language_model.ngram import ORDER
from rnncli.tasks.language_model.reading import Reading

TOKENS = "ngram.tokens"  # the array of a model file with what the 5-gram counts
LEVELS = ORDER * KINDS
_ROUNDS = 40
_PRIOR = 20  # tokens


def fitted(network: np.ndarray, ngram: np.ndarray, trust: np.ndarray) -> np.ndarray:
    """Return the share λ (LEVELS,) of the 5-gram, given the nats (N,) of tokens by both, and its trust (N,). Where few
    tokens tell, it is about the one that is most likely for all.
    """
    for_all = _fitted(network, ngram, np.zeros_like(trust), np.array([0.5]))
    return _fitted(network, ngram, trust, np.repeat(for_all, LEVELS))


def _fitted(network: np.ndarray, ngram: np.ndarray, levels: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """Return the share of each level; a prior of them has the weight of _PRIOR tokens."""
    counts, shares = np.bincount(levels, minlength=len(prior)), prior
    for _ in range(_ROUNDS):
        share = shares[levels]
        of_ngram = share * np.exp(mixed(network, ngram, share) - ngram)
        shares = (np.bincount(levels, of_ngram, len(prior)) + _PRIOR * prior) / (counts + _PRIOR)
    return shares


def mixed(network: np.ndarray, ngram: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Return the nats (N,) of tokens by the mixture, given those by both, and the share (N,) of the 5-gram."""
    return -np.logaddexp(np.log1p(-share) - network, np.log(share) - ngram)


def cross_fitted(network: np.ndarray, ngram: np.ndarray, trust: np.ndarray) -> np.ndarray:
    """Return the nats (N,) of a text by the mixture: each half by the shares that are fitted on the other."""
    half, found = len(network) // 2, np.empty(len(network))
    for scored, other in ((slice(half), slice(half, None)), (slice(half, None), slice(half))):
        shares = fitted(network[other], ngram[other], trust[other])
        found[scored] = mixed(network[scored], ngram[scored], shares[trust[scored]])
    return found


def together(
    network: np.ndarray, counts: KneserNey, shares: np.ndarray, context: np.ndarray, excluded: int
) -> np.ndarray:
    """Return the probabilities (V,) of the next token after `context`, given those of the network, in which the
    excluded token has none.
    """
    by_ngram = counts.distribution(context)
    by_ngram[excluded] = 0.0
    share = shares[counts.trust(np.zeros(1, np.int64), context)[0]]
    return np.asarray((1 - share) * network + share * by_ngram / by_ngram.sum())


def kept(
    header: Mapping[str, Any], arrays: Mapping[str, np.ndarray], vocabulary_size: int
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the shares of a model file and the tokens that its 5-gram counts, none and None without a 5-gram."""
    shares = header.get("validated", {}).get("ngram")
    if shares is None:
        return np.zeros(0), None
    tokens, found = arrays[TOKENS], array(shares, "ngram", LEVELS, above=0)
    if tokens.ndim != 1 or tokens.dtype.kind != "u" or tokens.max(initial=0) >= vocabulary_size or (found >= 1).any():
        raise ValueError("its 5-gram has other tokens than the vocabulary, or no shares")
    return found, tokens


def packed(tokens: np.ndarray, vocabulary_size: int) -> np.ndarray:
    """Return the tokens that the 5-gram counts as a model file keeps them, in as few bytes as their numbers need."""
    return tokens.astype(np.min_scalar_type(vocabulary_size - 1))


class MixedReading:
    """Reads one text as `reading` does, by a network, and gives what the mixture thinks of it."""

    def __init__(self, reading: Reading, counts: KneserNey, shares: np.ndarray, first: int | None):
        self.reading, self.counts, self.shares = reading, counts, shares
        self._before = np.array([] if first is None else [first], int)

    def nats(self, ids: np.ndarray) -> np.ndarray:
        """Return the nats (N,) of the tokens `ids` (N,), NaN where the network gives none, and go on after them."""
        share = self.shares[self.counts.trust(ids, self._before)]
        by_ngram = self.counts.losses(ids, self._before)
        self._before = np.concatenate([self._before, ids])[-ORDER + 1 :]
        return mixed(self.reading.nats(ids), by_ngram, share)
