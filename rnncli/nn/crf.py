"""A chain of tags over the outputs of a head: how well each tag follows another, begins and ends; see `kernels.crf`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnncli.kernels import crf
from rnncli.kernels.buffers import zeros
from rnncli.nn.parameters import Parameter, Part, Share


@dataclass
class ChainWork:
    """What the loss of a chain leaves for its gradients; see `crf.Chain`."""

    alpha: np.ndarray
    gamma: np.ndarray
    tags: np.ndarray
    weights: np.ndarray

    @classmethod
    def plan(cls, T: int, B: int, K: int) -> ChainWork:
        probabilities = (T, B, K)
        return cls(
            zeros(probabilities, float), zeros(probabilities, float), zeros((T, B), np.int32), zeros((B,), float)
        )

    def first(self, T: int) -> ChainWork:
        return ChainWork(self.alpha[:T], self.gamma[:T], self.tags[:T], self.weights)

    def summed_by(self, share: Share) -> ChainWork:
        """Return it for the sequences that are summed over."""
        alpha, gamma, tags, (weights,) = map(share.part, (self.alpha, self.gamma, self.tags, self.weights[None]))
        return ChainWork(alpha, gamma, tags, weights)


class TagChain(Part):
    """A conditional random field of K tags; an untrained one prefers no order."""

    def __init__(self, K: int):
        self.K = K
        self.transitions = Parameter("crf.transitions", (K, K))
        self.start, self.end = Parameter("crf.start", (K,)), Parameter("crf.end", (K,))
        self.declared = (self.transitions, self.start, self.end)
        self._factors, self._sums = zeros((K, K), float), zeros((K, K), float)

    def pack(self, share: Share) -> None:
        crf.factors(self.transitions.value, self._factors, *share.columns(self.K))

    def chain(self, work: ChainWork, lengths: np.ndarray) -> crf.Chain:
        """Return what the kernels read of the chain and of a batch of sequences of these lengths."""
        own = self.transitions.value, self.start.value, self.end.value, self._factors
        return crf.Chain(*own, lengths, work.alpha, work.gamma, work.tags, work.weights)

    def weight_gradients(self, work: ChainWork, lengths: np.ndarray, doutputs: np.ndarray, share: Share) -> None:
        """Compute this share's columns of the gradients, after the loss of all sequences."""
        first, last = share.columns(self.K)
        work, lengths = work.summed_by(share), share.part(lengths[None])[0]
        crf.transition_gradients(self.chain(work, lengths), self._sums, self.transitions.gradient, first, last)
        crf.end_gradients(share.part(doutputs), lengths, self.start.gradient, self.end.gradient, first, last)

    def scores(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return float64 copies of transitions (K, K), start and end (K,)."""
        return self.transitions.value.astype(float), self.start.value.astype(float), self.end.value.astype(float)

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """Return the probability (n, K) of each tag at each step, given the outputs (n, K) of one whole sequence."""
        n = len(outputs)
        found = outputs[:, None].copy()
        crf.probabilities(found, self.chain(ChainWork.plan(n, 1, self.K), np.array([n], np.int32)))
        return found[:, 0]


def best_tags(outputs: np.ndarray, transitions: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return the numbers (n,) of the tags that fit outputs (n, K) best together; the other arguments are float64."""
    n, K = outputs.shape
    path = np.zeros(n, np.int32)
    scratch = np.zeros((n, K)), np.zeros((n, K), np.int32)
    crf.best_path(outputs.astype(float), transitions, start, end, *scratch, path)
    return path
