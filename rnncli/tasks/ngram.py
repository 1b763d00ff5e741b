"""An interpolated 5-gram: what a network must beat to have learnt more than the last four tokens.

Witten–Bell smoothing (1991): each order is mixed with the next lower one by how many different tokens were seen to
follow the context, P_n(w | c) = (count(c, w) + kinds(c)·P_{n−1}(w | c')) / (count(c) + kinds(c)), down to uniform.
"""

from __future__ import annotations

import numpy as np

ORDER = 5
MOST_TOKENS = 5_000_000  # of the training part, the newest; sorting more would take longer than it tells


def cross_entropy(train: np.ndarray, valid: np.ndarray, context: np.ndarray, vocabulary_size: int) -> float:
    """Mean nats per token of `valid` (N,) under the 5-gram of `train`; `context` precedes it in the text."""
    train = train[-MOST_TOKENS:].astype(np.int64)
    lead = context[-(ORDER - 1) :].astype(np.int64)
    text = np.concatenate([lead, valid.astype(np.int64)])
    probability = np.full(len(text), 1.0 / vocabulary_size)
    # Contexts are numbered order by order, so that no key outgrows 64 bits: the context of length n ending at i
    # is (number of the context of length n−1 ending at i−1 … extended by one older token).
    seen, asked = np.zeros(len(train) + 1, np.int64), np.zeros(len(text) + 1, np.int64)
    for n in range(ORDER):
        # seen[i]: the number of the n tokens before position i; −1 where they were never seen, or do not exist.
        probability = _mix(train, seen[: len(train)], text, asked[: len(text)], probability, vocabulary_size)
        if n + 1 < ORDER:
            seen, asked = _longer_contexts(train, seen, text, asked, n, vocabulary_size)
    return float(-np.log(probability[len(lead) :]).mean())


def _mix(
    train: np.ndarray, seen: np.ndarray, text: np.ndarray, asked: np.ndarray, lower: np.ndarray, V: int
) -> np.ndarray:
    known = seen >= 0
    contexts, counts = np.unique(seen[known], return_counts=True)
    grams, gram_counts = np.unique(seen[known] * V + train[known], return_counts=True)
    kinds = np.bincount(np.searchsorted(contexts, grams // V), minlength=len(contexts))
    total, various = _look_up(contexts, counts, asked), _look_up(contexts, kinds, asked)
    together = np.where(asked >= 0, _look_up(grams, gram_counts, asked * V + text), 0)
    met = total > 0
    mixed = (together + various * lower) / np.where(met, total + various, 1)
    return np.where(met, mixed, lower)


def _longer_contexts(
    train: np.ndarray, seen: np.ndarray, text: np.ndarray, asked: np.ndarray, n: int, V: int
) -> tuple[np.ndarray, np.ndarray]:
    """Context numbers one token longer: the pair (number of the n tokens before i, the token before those)."""

    def extended(tokens: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        longer = np.full(len(numbers), -1, np.int64)
        older = tokens[: len(numbers) - 1 - n]
        inner = numbers[n + 1 :]
        longer[n + 1 :] = np.where(inner >= 0, inner * V + older, -1)
        return longer

    keys = extended(train, seen)
    known, numbers = np.unique(keys[keys >= 0], return_inverse=True)
    keys[keys >= 0] = numbers
    wanted = extended(text, asked)
    return keys, np.where(np.isin(wanted, known), np.searchsorted(known, wanted), -1)


def _look_up(keys: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """values[k] where keys[k] == wanted, else 0; keys are sorted and unique."""
    if not len(keys):
        return np.zeros(len(wanted), np.int64)
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, values[place], 0)
