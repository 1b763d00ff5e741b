"""What outputs say of tags: the best sequence of them, and how probable each is.

A chain of tags prefers some orders, and tags that mark spans may forbid others, so that a sequence is decoded as a
whole (Viterbi). Without either, the best tag of each step is taken.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnncli.nn.crf import TagChain, best_tags
from rnncli.tasks.sequences.averages import softmax_of
from rnncli.tasks.sequences.spans import OUTSIDE, forbids

_PENALTY = -1e9  # of a forbidden pair: above any outputs, so that one is taken only where no sequence is without


class Decoding:
    """Decodes the outputs of a network whose tags keep to the scheme of spans, if one is named.

    chain: that of the network, if it has one; its weights are read anew each time.
    """

    def __init__(self, tags: Sequence[str], scheme: str | None, chain: TagChain | None = None):
        self.chain = chain
        self._penalties = _penalties_of(tags, scheme) if scheme else None

    def best(self, outputs: np.ndarray) -> np.ndarray:
        """Return the numbers (n,) of the best tags for outputs (n, K)."""
        K = outputs.shape[1]
        if self.chain:
            scores = self.chain.scores()
        elif self._penalties:
            scores = np.zeros((K, K)), np.zeros(K), np.zeros(K)
        else:
            return outputs.argmax(axis=1)
        for score, penalty in zip(scores, self._penalties or (), strict=False):
            score += penalty
        return best_tags(outputs, *scores)


def probabilities(outputs: np.ndarray, chain: TagChain | None) -> np.ndarray:
    """Return the probability (n, K) of each tag at each step, whatever the others are and are forbidden to be."""
    return chain.probabilities(outputs) if chain else np.stack([softmax_of(step) for step in outputs])


def _penalties_of(tags: Sequence[str], scheme: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what the scheme adds to the scores of transitions (K, K), of starts and of ends (K,)."""
    ends = (OUTSIDE, *tags)
    all_pairs = np.array([[_PENALTY if forbids(scheme, a, b) else 0.0 for b in ends] for a in ends])
    return all_pairs[1:, 1:], all_pairs[0, 1:], all_pairs[1:, 0]
