"""The interpolated 5-gram of version 0.1, which needs less text than `kneser_ney`, and what both count with.

Witten–Bell smoothing (1991) mixes each order with the next lower one by the number of different tokens seen after
the context, P_n(w | c) = (count(c, w) + kinds(c)·P_{n−1}(w | c')) / (count(c) + kinds(c)), down to uniform.

Where each line is an item by itself, such as a name, what stands on the line before says nothing. Contexts may
therefore begin at the end of the line before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

ORDER = 5
MOST_TOKENS = 1_000_000  # of the training split, the newest: counting more would take more room than it tells
PIECE = 100_000  # tokens scored at a time


class Counts(NamedTuple):
    """The counts of one order: sorted keys, and how often each was seen. A context has a number, −1 if never seen."""

    context_keys: np.ndarray  # (number of the context without its oldest token)·V + oldest token
    contexts: np.ndarray  # numbers
    totals: np.ndarray
    kinds: np.ndarray  # how many different tokens followed each context
    gram_counts: np.ndarray
    grams: np.ndarray  # number·V + token


def cross_entropy(
    train: np.ndarray, valid: np.ndarray, context: np.ndarray, vocabulary_size: int, line_end: int | None = None
) -> float:
    """Return mean nats per token of `valid` (N,), see `token_losses`."""
    return mean_loss(token_losses(train, valid, context, vocabulary_size, line_end))


def mean_loss(losses: np.ndarray) -> float:
    """Return the mean of `token_losses`, summed piece by piece."""
    return sum(float(losses[i : i + PIECE].sum()) for i in range(0, len(losses), PIECE)) / len(losses)


def token_losses(
    train: np.ndarray, valid: np.ndarray, context: np.ndarray, vocabulary_size: int, line_end: int | None = None
) -> np.ndarray:
    """Return the nats (N,) of each token of `valid` under the 5-gram of `train`; `context` precedes `valid`.

    line_end: the token before which no context reaches back, None for contexts that reach into the line before.
    """
    orders = _counted(train[-MOST_TOKENS:], vocabulary_size, line_end)

    def probabilities(lead: np.ndarray, piece: np.ndarray) -> np.ndarray:
        return _probabilities(orders, lead, piece, vocabulary_size, line_end)

    return -np.log(in_pieces(probabilities, valid, context))


def in_pieces(
    read: Callable[[np.ndarray, np.ndarray], np.ndarray],
    valid: np.ndarray,
    context: np.ndarray,
    kind: type[float] | type[int] = float,
) -> np.ndarray:
    """Return what `read` finds for each token of `valid` (N,), which `context` precedes, as an array (N,) of this kind;
    it is called with the tokens before a piece that count, and the piece.
    """
    found = np.empty(len(valid), kind)
    for start in range(0, len(valid), PIECE):
        piece = valid[start : start + PIECE]
        before = valid[max(start - ORDER + 1, 0) : start]
        lead = np.concatenate([context[len(before) - ORDER + 1 :] if len(before) < ORDER - 1 else context[:0], before])
        found[start : start + PIECE] = read(lead, piece)
    return found


def _counted(train: np.ndarray, V: int, line_end: int | None) -> list[Counts]:
    """Return the counts of every order; contexts are numbered order by order, so that no key outgrows 64 bits."""
    orders = []
    keys, numbers = np.zeros(1, np.int64), np.zeros(len(train), np.int32)  # numbers[i]: of the context before token i
    for n in range(ORDER):
        if n > 0:
            longer = extended(train, numbers, n, V, line_end)
            keys = np.unique(longer[longer >= 0])
            numbers = np.where(longer >= 0, np.searchsorted(keys, longer), -1).astype(np.int32)
            del longer
        known = numbers >= 0
        contexts, totals = np.unique(numbers[known], return_counts=True)
        grams, gram_counts = np.unique(numbers[known].astype(np.int64) * V + train[known], return_counts=True)
        kinds = np.bincount(np.searchsorted(contexts, grams // V), minlength=len(contexts))
        small = [array.astype(np.int32) for array in (totals, kinds, gram_counts)]
        orders.append(Counts(keys, contexts, small[0], small[1], small[2], grams))
    return orders


def extended(tokens: np.ndarray, numbers: np.ndarray, n: int, V: int, line_end: int | None) -> np.ndarray:
    """Return keys of the n-token contexts before each token, from the numbers of those of n − 1; −1 if unknown, or if
    the context of n − 1 tokens begins with the end of a line.
    """
    longer = np.full(len(tokens), -1, np.int64)
    inner = numbers[n:].astype(np.int64)
    if line_end is not None and n > 1:
        inner[tokens[1 : len(tokens) - n + 1] == line_end] = -1
    longer[n:] = np.where(inner >= 0, inner * V + tokens[: max(len(tokens) - n, 0)], -1)
    return longer


def _probabilities(
    orders: list[Counts], lead: np.ndarray, piece: np.ndarray, V: int, line_end: int | None
) -> np.ndarray:
    """Return each token's probability after the tokens before it, (len(piece),); `lead` precedes `piece`."""
    text = np.concatenate([lead, piece]).astype(np.int64)
    probability = np.full(len(text), 1.0 / V)
    numbers = np.zeros(len(text), np.int64)
    for n, seen in enumerate(orders):
        if n > 0:
            numbers = numbers_among(seen.context_keys, extended(text, numbers, n, V, line_end))
        total, various = look_up(seen.contexts, seen.totals, numbers), look_up(seen.contexts, seen.kinds, numbers)
        together = np.where(numbers >= 0, look_up(seen.grams, seen.gram_counts, numbers * V + text), 0)
        met = total > 0
        mixed = (together + various * probability) / np.where(met, total + various, 1)
        probability = np.where(met, mixed, probability)
    return probability[len(lead) :]


def numbers_among(context_keys: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return the number of each context that is wanted by its key, −1 where it was never seen or the key is −1."""
    if not len(context_keys):
        return np.full(len(wanted), -1)
    place = np.minimum(np.searchsorted(context_keys, wanted), len(context_keys) - 1)
    return np.where((context_keys[place] == wanted) & (wanted >= 0), place, -1)


def look_up(keys: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return values[k] where keys[k] == wanted, else 0; keys are sorted and unique."""
    if not len(keys):
        return np.zeros(len(wanted), np.int64)
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, values[place], 0)
