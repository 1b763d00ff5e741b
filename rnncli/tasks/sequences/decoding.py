"""What outputs say of tags: the best sequence of them, and how probable each is.

A chain of tags prefers some orders, and tags that mark spans may forbid others, so that a sequence is decoded as a
whole (Viterbi). Without either, the best tag of each step is taken.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnncli.kernels import losses
from rnncli.nn.crf import TagChain, best_tags
from rnncli.tasks.sequences.spans import OUTSIDE, forbids

_PENALTY = -1e9  # of a forbidden pair: above any outputs, so that one is taken only where no sequence is without


class Decoding:
    """Decodes the outputs of a network whose tags keep to the scheme of spans, if one is named.

    chain: that of the network, if it has one; its weights are read anew each time.
    """

    def __init__(self, tags: Sequence[str], scheme: str | None, chain: TagChain | None = None):
        self.chain, self._one_by_one = chain, chain is None and scheme is None
        ends = (OUTSIDE, *tags)
        forbidden = [[scheme is not None and forbids(scheme, a, b) for b in ends] for a in ends]
        self._penalties = np.where(forbidden, _PENALTY, 0.0)  # the first row begins, the first column ends

    def best(self, outputs: np.ndarray) -> np.ndarray:
        """Return the numbers (n,) of the best tags for outputs (n, K)."""
        if self._one_by_one:
            return outputs.argmax(axis=1)
        transitions, start, end = self._penalties[1:, 1:], self._penalties[0, 1:], self._penalties[1:, 0]
        if self.chain:
            transitions, start, end = self.chain.added_to(transitions, start, end)
        return best_tags(outputs, transitions, start, end)

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """Return the probability (n, K) of each tag at each step, whatever the others are and are forbidden to be."""
        if self.chain:
            return self.chain.probabilities(outputs)
        chances = outputs.copy()
        for step in chances:
            losses.softmax(step)
        return chances
