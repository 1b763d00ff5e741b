"""Drawing one token from logits: temperature, top-k, top-p (Holtzman et al., 2020) and min-p (Nguyen et al., 2025), in
float64, after a penalty for tokens that were written before (Keskar et al., 2019).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rnncli.kernels.elementary import exp, log
from rnncli.kernels.jit import jit


class Rules(NamedTuple):
    """How tokens are drawn."""

    temperature: float  # > 0
    top_k: int  # keep the k most probable tokens; 0: all
    top_p: float  # keep the smallest set of most probable tokens whose probability reaches it; 1: all
    min_p: float  # keep tokens at least this fraction as probable as the most probable one; 0: all
    penalty: float  # on the log-probabilities of tokens written before; 1: none
    longest: int  # of what is copied from a text; 0: any length


@jit
def discourage(logits, recent, end, count, penalty):
    """Multiply by `penalty` the log-probability of each of the `count` newest of the `end` tokens that were written,
    which are in the ring `recent` (R,); the logits (V,) are changed.

    Keskar et al. divide logits, which say nothing alone: a network may add any number to all of them.
    """
    highest = np.float64(logits[0])
    for v in range(logits.size):
        highest = max(highest, np.float64(logits[v]))
    total = 0.0
    for v in range(logits.size):
        total += exp(np.float64(logits[v]) - highest)
    level = highest + log(total)
    for k in range(max(end - count, 0), end):
        token, known = recent[k % recent.size], False
        for j in range(k + 1, end):
            known |= recent[j % recent.size] == token
        if not known:
            logits[token] = level + (np.float64(logits[token]) - level) * penalty


@jit
def probabilities(logits, rules, places, out, heap):
    """Write to out (V,) float64 the distribution that `draw` draws from; tokens of negative `places` (V,) are left out.
    heap (V,) int64 is scratch.

    All rules use the probabilities at `rules.temperature`, top_k first, then top_p, then min_p. Equal logits rank by
    token number.
    """
    V = logits.size
    highest = -np.inf
    for v in range(V):
        if places[v] >= 0:
            highest = max(highest, np.float64(logits[v]))
    for v in range(V):
        out[v] = exp((np.float64(logits[v]) - highest) / rules.temperature) if places[v] >= 0 else 0.0
    if rules.top_k > 0 or rules.top_p < 1.0:
        _cut(rules, out, heap)
    if rules.min_p > 0.0:
        for v in range(V):
            if out[v] < rules.min_p:  # the most probable token has 1
                out[v] = 0.0
    total = 0.0
    for v in range(V):
        total += out[v]
    for v in range(V):
        out[v] /= total


@jit
def _cut(rules, out, heap):
    """Set to zero in out (V,) what top_k and top_p leave out.

    The heap (V,) gives up the most probable tokens one by one, so that those which are left out need no order.
    """
    V = out.size
    for v in range(V):
        heap[v] = v
    for i in range(V // 2 - 1, -1, -1):
        _sink(heap, V, i, out)
    kept = V if rules.top_k == 0 else min(rules.top_k, V)
    taken, total = 0, 0.0  # the token of rank r stands at V − 1 − r once it is taken
    if kept == V:
        for v in range(V):
            total += out[v]
    else:
        while taken < kept:
            total += out[_take(heap, V - taken, out)]
            taken += 1
    reached, last = 0.0, 0
    while last < kept:
        if last == taken:
            _take(heap, V - taken, out)
            taken += 1
        reached += out[heap[V - 1 - last]]
        last += 1
        if reached >= rules.top_p * total:
            break
    for i in range(V - last):
        out[heap[i]] = 0.0


@jit
def _take(heap, size, out):
    """Move the most probable token of the first `size` of the heap behind the others, and return it."""
    token = heap[0]
    heap[0], heap[size - 1] = heap[size - 1], token
    _sink(heap, size - 1, 0, out)
    return token


@jit
def _sink(heap, size, i, out):
    """Move the token at place i of a heap to where none below it is before it."""
    token, below = heap[i], 2 * i + 1
    while below < size:
        if below + 1 < size and _is_before(heap[below + 1], heap[below], out):
            below += 1
        if not _is_before(heap[below], token, out):
            break
        heap[i] = heap[below]
        i, below = below, 2 * below + 1
    heap[i] = token


@jit
def _is_before(v, w, out):
    return out[v] > out[w] or (out[v] == out[w] and v < w)


@jit
def draw(chances, u):
    """Return the token at quantile u in [0, 1) of the distribution chances (V,)."""
    reached = 0.0
    last = 0
    for v in range(chances.size):
        if chances[v] > 0.0:
            reached += chances[v]
            last = v
            if u < reached:
                return v
    return last
