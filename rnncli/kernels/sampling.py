"""Drawing one token from logits: temperature, top-k and top-p (Holtzman et al., 2020), in float64.

The token `excluded` (that is `<unk>`) is never drawn.
"""

from __future__ import annotations

import numpy as np

from rnncli.kernels.elementary import exp
from rnncli.kernels.jit import jit


@jit
def probabilities(logits, temperature, top_k, top_p, excluded, out):
    """Write to out (V,) float64 the distribution that `draw` draws from.

    temperature > 0; top_k keeps the k most probable tokens (0: all); top_p keeps the smallest set of most probable
    tokens whose probability reaches it (1: all). Both use the probabilities at `temperature`, top_k first. Equal
    logits rank by token number.
    """
    V = logits.size
    highest = -np.inf
    for v in range(V):
        if v != excluded:
            highest = max(highest, np.float64(logits[v]))
    for v in range(V):
        out[v] = 0.0 if v == excluded else exp((np.float64(logits[v]) - highest) / temperature)
    if top_k > 0 or top_p < 1.0:
        order = np.argsort(-out, kind="mergesort")
        kept = V if top_k == 0 else min(top_k, V)
        reached, total = 0.0, 0.0
        for r in range(kept):
            total += out[order[r]]
        last = kept
        for r in range(kept):
            reached += out[order[r]]
            if reached >= top_p * total:
                last = r + 1
                break
        for r in range(last, V):
            out[order[r]] = 0.0
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
