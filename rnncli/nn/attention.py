"""Attention of a decoder over an encoder: from both to what the head reads. A new one is a class and a line below.

    combined_t = tanh(W·[y_t; context_t] + b)      (Luong et al., 2015)

The context is computed after the decoder's layers, not before: so all steps of a training batch go through each layer
in one call, and through the attention in another.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rnncli.kernels import attention, gemm, inputs
from rnncli.nn import initialisation
from rnncli.nn.inputs import Projection
from rnncli.nn.parameters import Parameters, Spec
from rnncli.nn.share import Share


@dataclass
class AttentionWork:
    """T steps of B targets over S steps of their sources; see `rnncli.kernels.attention` for what the arrays hold."""

    query: np.ndarray  # (T, B, A)
    dquery: np.ndarray
    keys: np.ndarray  # (S, B, A), additive only
    dkeys: np.ndarray
    denergy: np.ndarray  # (B, A)
    weights: np.ndarray  # (T, B, S)
    dscores: np.ndarray
    joined: np.ndarray  # (T, B, H + F)
    djoined: np.ndarray
    combined: np.ndarray  # (T, B, H)
    dropped: np.ndarray | None

    def of_steps(self, T: int, S: int) -> AttentionWork:
        """The same memory for fewer steps."""
        dropped = None if self.dropped is None else self.dropped[:T]
        B, longest = self.weights.shape[1:]
        weights, dscores = (array.reshape(-1)[: T * B * S].reshape(T, B, S) for array in (self.weights, self.dscores))
        assert longest >= S
        return AttentionWork(
            self.query[:T], self.dquery[:T], self.keys[:S], self.dkeys[:S], self.denergy, weights, dscores,
            self.joined[:T], self.djoined[:T], self.combined[:T], dropped,
        )  # fmt: skip

    @property
    def y(self) -> np.ndarray:
        """What the head reads."""
        return self.combined if self.dropped is None else self.dropped


class Attention:
    """Decoder states of H over encoder outputs of F."""

    additive = False

    def __init__(self, H: int, F: int):
        self.H, self.F = H, F
        self.A = F  # a query is compared with the memory itself

    def specs(self) -> list[Spec]:
        return [
            Spec("attention.query.weight", (self.A, self.H), transposed=True),
            Spec("attention.combine.weight", (self.H, self.H + self.F), transposed=True),
            Spec("attention.combine.bias", (self.H,)),
        ]

    def bind(self, parameters: Parameters) -> None:
        both = parameters.view, parameters.gradient_view
        self.query = Projection(*(view("attention.query.weight") for view in both))
        self.combine = Projection(*(view("attention.combine.weight") for view in both))
        self.bias, self.dbias = (view("attention.combine.bias") for view in both)
        self.no_bias = np.zeros(self.A, self.bias.dtype)

    def initialise(self, seed: int) -> None:
        for number, projection in enumerate((self.query, self.combine)):
            limit = 1.0 / math.sqrt(projection.I)
            projection.W[...] = initialisation.uniform(projection.W.shape, limit, seed, 5 + number)
        self.bias[...] = 0

    def pack(self, share: Share) -> None:
        self.query.pack(share)
        self.combine.pack(share)

    def work(self, T: int, S: int, B: int, dtype: np.dtype, *, dropping: bool) -> AttentionWork:
        def zeros(*shape: int) -> np.ndarray:
            return np.zeros(shape, dtype)

        A, wide = self.A, self.H + self.F
        keys = (S, B, A) if self.additive else (0, 0, 0)
        return AttentionWork(
            zeros(T, B, A), zeros(T, B, A), zeros(*keys), zeros(*keys), zeros(*keys[1:]), zeros(T, B, S),
            zeros(T, B, S), zeros(T, B, wide), zeros(T, B, wide), zeros(T, B, self.H),
            zeros(T, B, self.H) if dropping else None,
        )  # fmt: skip

    def read(self, memory: np.ndarray, work: AttentionWork, low: int, high: int) -> None:
        """What is made of the encoder's outputs (S, B, F) once, whatever the decoder does."""

    def forward(
        self, y: np.ndarray, memory: np.ndarray, lengths: np.ndarray, spans: np.ndarray, work: AttentionWork,
        low: int, high: int,
    ) -> None:  # fmt: skip
        """work.combined from decoder states y (T, B, H); call `read` first."""
        self.query.forward(y, self.no_bias, work.query, low, high)
        self._score(memory, lengths, spans, work, low, high)
        attention.join(y, work.joined, low, high)
        attention.attend(work.weights, memory, lengths, spans, work.joined, low, high)
        self.combine.forward(work.joined, self.bias, work.combined, low, high)
        attention.squash(work.combined, low, high)

    def backward(
        self, y: np.ndarray, memory: np.ndarray, lengths: np.ndarray, spans: np.ndarray, work: AttentionWork,
        dcombined: np.ndarray, dy: np.ndarray, dmemory: np.ndarray, low: int, high: int,
    ) -> None:  # fmt: skip
        """From dcombined, which becomes that before the tanh: all of dy, and what is added to dmemory."""
        attention.squash_grad(work.combined, dcombined, low, high)
        self.combine.backward(dcombined, work.djoined, low, high)
        attention.part(work.djoined, dy, low, high)
        attention.attend_grad(work.djoined, work.weights, memory, lengths, spans, work.dscores, dmemory, low, high)
        self._score_grad(memory, lengths, spans, work, dmemory, low, high)
        gemm.accumulate(work.dquery, self.query.packed_back, dy, 0, len(dy), low, high)

    def weight_gradients(
        self, y: np.ndarray, memory: np.ndarray, work: AttentionWork, dcombined: np.ndarray, share: Share
    ) -> None:
        self.query.weight_gradients(y, work.dquery, share)
        self.combine.weight_gradients(work.joined, dcombined, share)
        inputs.column_sums(dcombined.reshape(-1, self.H), self.dbias, *share.columns(self.H))

    def _score(
        self, memory: np.ndarray, lengths: np.ndarray, spans: np.ndarray, work: AttentionWork, low: int, high: int
    ) -> None:
        attention.dot_scores(work.query, memory, lengths, spans, work.weights, low, high)

    def _score_grad(
        self, memory: np.ndarray, lengths: np.ndarray, spans: np.ndarray, work: AttentionWork,
        dmemory: np.ndarray, low: int, high: int,
    ) -> None:  # fmt: skip
        attention.dot_scores_grad(work.dscores, work.query, memory, lengths, spans, work.dquery, dmemory, low, high)


class AdditiveAttention(Attention):
    additive = True

    def __init__(self, H: int, F: int):
        super().__init__(H, F)
        self.A = H

    def specs(self) -> list[Spec]:
        return [
            *super().specs(),
            Spec("attention.key.weight", (self.A, self.F), transposed=True),
            Spec("attention.energy.weight", (self.A,)),
        ]

    def bind(self, parameters: Parameters) -> None:
        super().bind(parameters)
        both = parameters.view, parameters.gradient_view
        self.keys = Projection(*(view("attention.key.weight") for view in both))
        self.energy, self.denergy = (view("attention.energy.weight") for view in both)

    def initialise(self, seed: int) -> None:
        super().initialise(seed)
        self.keys.W[...] = initialisation.uniform(self.keys.W.shape, 1.0 / math.sqrt(self.F), seed, 7)
        self.energy[...] = initialisation.uniform((self.A,), 1.0 / math.sqrt(self.A), seed, 8)

    def pack(self, share: Share) -> None:
        super().pack(share)
        self.keys.pack(share)

    def read(self, memory: np.ndarray, work: AttentionWork, low: int, high: int) -> None:
        self.keys.forward(memory, self.no_bias, work.keys, low, high)

    def weight_gradients(
        self, y: np.ndarray, memory: np.ndarray, work: AttentionWork, dcombined: np.ndarray, share: Share
    ) -> None:
        super().weight_gradients(y, memory, work, dcombined, share)
        self.keys.weight_gradients(memory, work.dkeys, share)
        inputs.column_sums(work.denergy, self.denergy, *share.columns(self.A))

    def _score(
        self, memory: np.ndarray, lengths: np.ndarray, spans: np.ndarray, work: AttentionWork, low: int, high: int
    ) -> None:
        attention.additive_scores(
            work.query, work.keys, self.energy, lengths, spans, work.denergy, work.weights, low, high
        )

    def _score_grad(
        self, memory: np.ndarray, lengths: np.ndarray, spans: np.ndarray, work: AttentionWork,
        dmemory: np.ndarray, low: int, high: int,
    ) -> None:  # fmt: skip
        attention.additive_scores_grad(
            work.dscores, work.query, work.keys, self.energy, lengths, spans, work.dquery, work.dkeys, work.denergy,
            low, high,
        )  # fmt: skip
        gemm.accumulate(work.dkeys, self.keys.packed_back, dmemory, 0, len(dmemory), low, high)


ATTENTIONS: dict[str, Callable[[int, int], Attention]] = {"dot": Attention, "additive": AdditiveAttention}
