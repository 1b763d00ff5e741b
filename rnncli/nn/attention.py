"""Attention of a decoder over an encoder, whose result the head reads. A new kind is a class and a line in ATTENTIONS.

    combined_t = tanh(W·[y_t; context_t] + b)      (Luong et al., 2015)

`dot` and `additive` look at all of the source, `aligned` at the place up to which the decoder has copied or left out
what it reads, by moves, the last of its tokens before <end>.

The context is computed after the decoder's layers, not before them, so that all steps of a training batch go through
each layer in one call, and through the attention in another.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rnncli.kernels import attention, gemm, inputs
from rnncli.kernels.beam import MOVES
from rnncli.kernels.buffers import zeros
from rnncli.nn.inputs import Linear, Projection
from rnncli.nn.parameters import COMBINE, ENERGY, KEY, QUERY, Parameter, Part, Share, within


@dataclass
class AttentionWork:
    """The arrays of attention for T steps of B targets over S steps of their sources.

    `rnncli.kernels.attention` explains what they hold.
    """

    query: np.ndarray  # (T, B, A)
    dquery: np.ndarray
    keys: np.ndarray  # (S, B, A), additive only
    dkeys: np.ndarray
    denergy: np.ndarray  # (B, A)
    weights: np.ndarray  # (T, B, S)
    dscores: np.ndarray
    places: np.ndarray  # (T, B), aligned only, which needs nothing above
    joined: np.ndarray  # (T, B, H + F)
    djoined: np.ndarray
    combined: np.ndarray  # (T, B, H)
    dropped: np.ndarray | None

    def of_steps(self, T: int, S: int) -> AttentionWork:
        """Return a workspace for T target and S source steps, in the same memory."""
        dropped = None if self.dropped is None else self.dropped[:T]
        B, longest = self.weights.shape[1:]
        weights, dscores = (array.reshape(-1)[: T * B * S].reshape(T, B, S) for array in (self.weights, self.dscores))
        assert longest >= S or not longest
        return AttentionWork(
            query=self.query[:T],
            dquery=self.dquery[:T],
            keys=self.keys[:S],
            dkeys=self.dkeys[:S],
            denergy=self.denergy,
            weights=weights,
            dscores=dscores,
            places=self.places[:T],
            joined=self.joined[:T],
            djoined=self.djoined[:T],
            combined=self.combined[:T],
            dropped=dropped,
        )

    @property
    def y(self) -> np.ndarray:
        """The input of the head, (T, B, H): `combined`, after dropout if there is any."""
        return self.combined if self.dropped is None else self.dropped


@dataclass(frozen=True)
class Seen:
    """What the sequences low ≤ b < high of a batch attend to: the encoder's outputs memory (S, B, F) of `lengths` (B,),
    at each step below `spans` (B,) of the decoder."""

    memory: np.ndarray
    lengths: np.ndarray
    spans: np.ndarray
    low: int
    high: int


class Attention(Part):
    """Attention of decoder states of H values over encoder outputs of F values; subclasses compute its contexts.

    end: the number of <end> among the tokens that the decoder reads. A: the size of a query, 0 without queries.
    """

    additive, aligned = False, False

    def __init__(self, H: int, F: int, end: int):
        self.H, self.F, self.end, self.A = H, F, end, self._query_size(H, F)
        self.combine = Linear("attention.combine", H + F, H, within(1.0 / math.sqrt(H + F), COMBINE))
        self.parts = (self.combine,)

    def _query_size(self, H: int, F: int) -> int:
        return 0

    def work(self, T: int, S: int, B: int, dtype: np.dtype, *, dropping: bool) -> AttentionWork:
        def room(*shape: int) -> np.ndarray:
            return zeros(shape, dtype)

        A, wide = self.A, self.H + self.F
        keys = (S, B, A) if self.additive else (0, 0, 0)
        scores = (0, 0, 0) if self.aligned else (T, B, S)
        return AttentionWork(
            query=room(T, B, A),
            dquery=room(T, B, A),
            keys=room(*keys),
            dkeys=room(*keys),
            denergy=room(*keys[1:]),
            weights=room(*scores),
            dscores=room(*scores),
            places=np.zeros((T, B) if self.aligned else (0, 0), np.int32),
            joined=room(T, B, wide),
            djoined=room(T, B, wide),
            combined=room(T, B, self.H),
            dropped=room(T, B, self.H) if dropping else None,
        )

    def read(self, memory: np.ndarray, work: AttentionWork, low: int, high: int) -> None:
        """Compute what depends on the encoder's outputs (S, B, F) alone, once for all decoder steps."""

    def follow(self, tokens: np.ndarray, work: AttentionWork, low: int, high: int) -> None:
        """Compute what depends on the tokens (T, B) alone that the decoder reads."""

    def forward(self, y: np.ndarray, seen: Seen, work: AttentionWork) -> None:
        """Compute work.combined from decoder states y (T, B, H); call `read` and `follow` first."""
        low, high = seen.low, seen.high
        attention.join(y, work.joined, low, high)
        self._look(y, seen, work)
        self.combine.forward(work.joined, work.combined, low, high)
        attention.squash(work.combined, low, high)

    def looked_at(self, work: AttentionWork, S: int) -> np.ndarray:
        """Return the weight (T, B, S) of each place of the source at each step, after `forward`."""
        return work.weights

    def backward(
        self, seen: Seen, work: AttentionWork, dcombined: np.ndarray, dy: np.ndarray, dmemory: np.ndarray
    ) -> None:
        """Write all of dy and add to dmemory, from dcombined, which becomes the gradient before the tanh."""
        low, high = seen.low, seen.high
        attention.squash_grad(work.combined, dcombined, low, high)
        self.combine.backward(dcombined, work.djoined, low, high)
        attention.unjoin(work.djoined, dy, low, high)
        self._look_grad(seen, work, dy, dmemory)

    def weight_gradients(
        self, y: np.ndarray, memory: np.ndarray, work: AttentionWork, dcombined: np.ndarray, share: Share
    ) -> None:
        self.combine.weight_gradients(work.joined, dcombined, share)

    def _look(self, y: np.ndarray, seen: Seen, work: AttentionWork) -> None:
        """Write the contexts to the last F columns of work.joined."""
        raise NotImplementedError

    def _look_grad(self, seen: Seen, work: AttentionWork, dy: np.ndarray, dmemory: np.ndarray) -> None:
        """Add what flows through the contexts, from work.djoined, to dy and dmemory."""
        raise NotImplementedError


class AlignedAttention(Attention):
    """Attention to the one place to which the moves among the decoder's tokens lead, with weight 1."""

    aligned = True

    def follow(self, tokens: np.ndarray, work: AttentionWork, low: int, high: int) -> None:
        attention.follow(tokens, self.end - MOVES, self.end, work.places, low, high)

    def looked_at(self, work: AttentionWork, S: int) -> np.ndarray:
        return np.asarray(work.places[:, :, None] == np.arange(S), np.float64)

    def _look(self, y: np.ndarray, seen: Seen, work: AttentionWork) -> None:
        attention.point(work.places, seen.memory, seen.lengths, seen.spans, work.joined, seen.low, seen.high)

    def _look_grad(self, seen: Seen, work: AttentionWork, dy: np.ndarray, dmemory: np.ndarray) -> None:
        attention.point_grad(work.djoined, work.places, seen.lengths, seen.spans, dmemory, seen.low, seen.high)


class DotAttention(Attention):
    """Attention to all of the source, by the product of a query and each place."""

    def __init__(self, H: int, F: int, end: int):
        super().__init__(H, F, end)
        query = within(1.0 / math.sqrt(H), QUERY)
        query_weight = Parameter("attention.query.weight", (self.A, H), query, transposed=True)
        self.query = Projection(query_weight)
        self.declared = (query_weight,)
        self.parts = (self.query, *self.parts)

    def _query_size(self, H: int, F: int) -> int:
        return F  # a query is compared with the memory itself

    @cached_property
    def no_bias(self) -> np.ndarray:
        return np.zeros(self.A, self.combine.bias.value.dtype)

    def weight_gradients(
        self, y: np.ndarray, memory: np.ndarray, work: AttentionWork, dcombined: np.ndarray, share: Share
    ) -> None:
        self.query.weight_gradients(y, work.dquery, share)
        super().weight_gradients(y, memory, work, dcombined, share)

    def _look(self, y: np.ndarray, seen: Seen, work: AttentionWork) -> None:
        self.query.forward(y, self.no_bias, work.query, seen.low, seen.high)
        self._score(seen, work)
        attention.attend(work.weights, seen.memory, seen.lengths, seen.spans, work.joined, seen.low, seen.high)

    def _look_grad(self, seen: Seen, work: AttentionWork, dy: np.ndarray, dmemory: np.ndarray) -> None:
        attention.attend_grad(
            work.djoined,
            work.weights,
            seen.memory,
            seen.lengths,
            seen.spans,
            work.dscores,
            dmemory,
            seen.low,
            seen.high,
        )
        self._score_grad(seen, work, dmemory)
        gemm.accumulate(work.dquery, self.query.packed_back, dy, 0, len(dy), seen.low, seen.high)

    def _score(self, seen: Seen, work: AttentionWork) -> None:
        attention.dot_scores(work.query, seen.memory, seen.lengths, seen.spans, work.weights, seen.low, seen.high)

    def _score_grad(self, seen: Seen, work: AttentionWork, dmemory: np.ndarray) -> None:
        attention.dot_scores_grad(
            work.dscores,
            work.query,
            seen.memory,
            seen.lengths,
            seen.spans,
            work.dquery,
            dmemory,
            seen.low,
            seen.high,
        )


class AdditiveAttention(DotAttention):
    additive = True

    def __init__(self, H: int, F: int, end: int):
        super().__init__(H, F, end)
        key = within(1.0 / math.sqrt(F), KEY)
        key_weight = Parameter("attention.key.weight", (self.A, F), key, transposed=True)
        self.keys = Projection(key_weight)
        energy = within(1.0 / math.sqrt(self.A), ENERGY)
        self.energy = Parameter("attention.energy.weight", (self.A,), energy)
        self.parts = (*self.parts, self.keys)
        self._additional = (key_weight, self.energy)

    def parameters_of_all(self) -> list[Parameter]:
        return [*super().parameters_of_all(), *self._additional]

    def _query_size(self, H: int, F: int) -> int:
        return H

    def read(self, memory: np.ndarray, work: AttentionWork, low: int, high: int) -> None:
        self.keys.forward(memory, self.no_bias, work.keys, low, high)

    def weight_gradients(
        self, y: np.ndarray, memory: np.ndarray, work: AttentionWork, dcombined: np.ndarray, share: Share
    ) -> None:
        super().weight_gradients(y, memory, work, dcombined, share)
        self.keys.weight_gradients(memory, work.dkeys, share)
        inputs.column_sums(share.rows(work.denergy[None]), self.energy.gradient, *share.columns(self.A))

    def _score(self, seen: Seen, work: AttentionWork) -> None:
        attention.additive_scores(
            work.query,
            work.keys,
            self.energy.value,
            seen.lengths,
            seen.spans,
            work.denergy,
            work.weights,
            seen.low,
            seen.high,
        )

    def _score_grad(self, seen: Seen, work: AttentionWork, dmemory: np.ndarray) -> None:
        attention.additive_scores_grad(
            work.dscores,
            work.query,
            work.keys,
            self.energy.value,
            seen.lengths,
            seen.spans,
            work.dquery,
            work.dkeys,
            work.denergy,
            seen.low,
            seen.high,
        )
        gemm.accumulate(work.dkeys, self.keys.packed_back, dmemory, 0, len(dmemory), seen.low, seen.high)


ATTENTIONS: dict[str, Callable[[int, int, int], Attention]] = {
    "dot": DotAttention,
    "additive": AdditiveAttention,
    "aligned": AlignedAttention,
}
