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
def probabilities(logits, rules, places, out):
    """Write to out (V,) float64 the distribution that `draw` draws from; tokens of negative `places` (V,) are left out.

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
        order = np.argsort(-out, kind="mergesort")
        kept = V if rules.top_k == 0 else min(rules.top_k, V)
        reached, total = 0.0, 0.0
        for r in range(kept):
            total += out[order[r]]
        last = kept
        for r in range(kept):
            reached += out[order[r]]
            if reached >= rules.top_p * total:
                last = r + 1
                break
        for r in range(last, V):
            out[order[r]] = 0.0
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
