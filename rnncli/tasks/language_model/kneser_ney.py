"""The 5-gram with modified Kneser–Ney smoothing (Chen and Goodman, 1999), the baseline that a network must beat to have
learnt more than the last four tokens.

Each order takes a discount off its counts and gives it to the next lower one,

    P_n(w | c) = (a(c w) − D(a(c w))) / a(c) + γ(c)·P_{n−1}(w | c'),  γ(c) = Σ_w D(a(c w)) / a(c),

down to uniform. c' is c without its oldest token, and a the count of the highest order. Below it, a(c w) is the number
of different tokens that c w was seen after; where nothing can precede it, at the beginning of the text, or of a line if
contexts begin there, each occurrence counts. With n_k the number of n-grams that have a = k, and Y = n_1/(n_1 + 2n_2),

    D(1) = 1 − 2Y·n_2/n_1,  D(2) = 2 − 3Y·n_3/n_2,  D(3 and more) = 3 − 4Y·n_4/n_3.

Where one of n_1 to n_4 is 0 or a D not above 0, as with few distinct tokens or a short text, the order is smoothed as
Witten and Bell (1991) do: (a(c w) + kinds(c)·P_{n−1}(w | c')) / (a(c) + kinds(c)).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from rnncli.tasks.language_model.ngram import ORDER, extended, in_pieces, look_up, numbers_among

MOST_TOKENS = 10_000_000  # of the training split, the newest: counting them takes half a minute and half a gigabyte


_GIVEN = (-0.5, -0.2, -0.05)  # the shares that a context gives to shorter ones, between kinds of trust
KINDS = len(_GIVEN) + 1


class Counts(NamedTuple):
    """The counts of one order. Contexts are numbered by the place of their key; all of them were seen.

    context_keys (C,) sorted: (number of the context without its oldest token)·V + oldest token. grams (M,) sorted:
    number·V + token. counts (M,): a.
    """

    context_keys: np.ndarray
    grams: np.ndarray
    counts: np.ndarray


class Smoothed(NamedTuple):
    """One order: its keys, the discounted share of each n-gram (M,), and what each context gives to the next lower
    order (C,).
    """

    context_keys: np.ndarray
    grams: np.ndarray
    shares: np.ndarray
    given: np.ndarray


class KneserNey:
    """The 5-gram of the tokens `train` (N,), numbers below `vocabulary_size`.

    line_end: the token before which no context reaches back, None for contexts that reach into the line before.
    """

    def __init__(self, train: np.ndarray, vocabulary_size: int, line_end: int | None = None):
        self.V, self.line_end = vocabulary_size, line_end
        counts = _counted(train[-MOST_TOKENS:], vocabulary_size, line_end)
        self.orders = [_smoothed(order, vocabulary_size) for order in counts]

    def losses(self, valid: np.ndarray, context: np.ndarray) -> np.ndarray:
        """Return the nats (N,) of each token of `valid`; `context` precedes it."""
        return -np.log(in_pieces(self._probabilities, valid, context))

    def trust(self, valid: np.ndarray, context: np.ndarray) -> np.ndarray:
        """Return how much is known of what follows the tokens before each token of `valid`, (N,): whole numbers below
        ORDER·KINDS, KINDS for each token of the longest context that was seen, and more if it gives less to shorter
        ones.
        """
        return in_pieces(self._trust, valid, context, int)

    def distribution(self, context: np.ndarray) -> np.ndarray:
        """Return the probabilities (V,) of the next token after `context`."""
        chances = np.full(self.V, 1.0 / self.V)
        for order, met, here in self._contexts(np.append(context[-ORDER + 1 :], 0).astype(np.int64)):
            if met[-1]:
                shares = look_up(order.grams, order.shares, here[-1] * self.V + np.arange(self.V))
                chances = shares + order.given[here[-1]] * chances
        return chances

    def _probabilities(self, lead: np.ndarray, piece: np.ndarray) -> np.ndarray:
        """Return each token's probability after the tokens before it, (len(piece),); `lead` precedes `piece`."""
        text = np.concatenate([lead, piece]).astype(np.int64)
        probability = np.full(len(text), 1.0 / self.V)
        for order, met, here in self._contexts(text):
            shares = look_up(order.grams, order.shares, here * self.V + text[met])
            probability[met] = shares + order.given[here] * probability[met]
        return probability[len(lead) :]

    def _trust(self, lead: np.ndarray, piece: np.ndarray) -> np.ndarray:
        text = np.concatenate([lead, piece]).astype(np.int64)
        trust = np.zeros(len(text), np.int64)
        for n, (order, met, here) in enumerate(self._contexts(text)):
            trust[met] = n * KINDS + np.searchsorted(_GIVEN, -order.given[here])
        return trust[len(lead) :]

    def _contexts(self, text: np.ndarray) -> Iterator[tuple[Smoothed, np.ndarray, np.ndarray]]:
        """Yield each order, the shortest first, with the tokens of a text whose context it has seen, as a mask, and
        the numbers of these contexts."""
        numbers = np.zeros(len(text), np.int64)
        for n, order in enumerate(self.orders):
            if n > 0:
                numbers = numbers_among(order.context_keys, extended(text, numbers, n, self.V, self.line_end))
            met = numbers >= 0
            yield order, met, numbers[met]


def _counted(train: np.ndarray, V: int, line_end: int | None) -> list[Counts]:
    keys, unpreceded = [np.zeros(1, np.int64)], []
    numbers = np.zeros(len(train), np.int32)  # of the context before each token
    for n in range(1, ORDER):
        longer = extended(train, numbers, n, V, line_end)
        keys.append(np.unique(longer[longer >= 0]))
        unpreceded.append(_grams(train, numbers, (numbers >= 0) & (longer < 0), V))
        numbers = numbers_among(keys[n], longer).astype(np.int32)
    orders = [_counts(keys[-1], _grams(train, numbers, numbers >= 0, V))]
    for n in range(ORDER - 2, -1, -1):
        above = orders[0]
        shorter = above.context_keys[above.grams // V] // V * V + above.grams % V
        orders.insert(0, _counts(keys[n], np.concatenate([shorter, unpreceded[n]])))
    return orders


def _counts(context_keys: np.ndarray, seen: np.ndarray) -> Counts:
    """Return how often each n-gram was seen; sorts `seen`. numpy.unique would need twice the room."""
    seen.sort()
    first = np.flatnonzero(np.diff(seen, prepend=-1))
    return Counts(context_keys, seen[first], np.diff(first, append=len(seen)).astype(np.int32))


def _grams(train: np.ndarray, numbers: np.ndarray, where: np.ndarray, V: int) -> np.ndarray:
    return numbers[where].astype(np.int64) * V + train[where]


def _smoothed(order: Counts, V: int) -> Smoothed:
    contexts, counts = order.grams // V, order.counts
    size = len(order.context_keys)
    totals, discounts = np.bincount(contexts, counts, size), _discounts(counts)
    if discounts is None:
        kinds = np.bincount(contexts, minlength=size)
        whole = totals + kinds
        return Smoothed(order.context_keys, order.grams, counts / whole[contexts], kinds / whole)
    taken = discounts[np.minimum(counts, 3)]
    given = np.bincount(contexts, taken, size) / totals
    return Smoothed(order.context_keys, order.grams, (counts - taken) / totals[contexts], given)


def _discounts(counts: np.ndarray) -> np.ndarray | None:
    """Return the discounts (4,) of the counts 0, 1, 2 and more, or None where they are not defined."""
    n = np.bincount(np.minimum(counts, 5), minlength=6).astype(float)
    if not n[1:5].all():
        return None
    k = np.arange(1, 4)
    found = k - (k + 1) * n[1] / (n[1] + 2 * n[2]) * n[2:5] / n[1:4]
    return np.concatenate([[0.0], found]) if (found > 0).all() else None
