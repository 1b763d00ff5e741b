"""A token network that writes B sequences at a time, many tokens to a call; see `rnncli.kernels.generation`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnncli.kernels import gemm, generation
from rnncli.nn.head import LinearHead
from rnncli.nn.inputs import Projection, TokenRows
from rnncli.nn.network import Network
from rnncli.nn.stack import Stack


def packed_weights(stack: Stack, head: LinearHead) -> generation.Weights:
    """The weights as they are now, side by side. The head's and an embedding's are views and follow a change."""
    dtype, columns = head.W.dtype, stack.layers[0].columns
    first, above = stack.layers[0].input, [layer.input for layer in stack.layers[1:]]
    if isinstance(first, TokenRows):
        table, first_packed = first.table, np.zeros(0, dtype)
    else:
        assert isinstance(first, Projection)
        table, first_packed = stack.table, first.packed
    packed = gemm.packed_like(stack.shape.hidden_size, columns, dtype).size
    return generation.Weights(
        kind=stack.cell.kind(stack.activation),
        table=table,
        first=first_packed,
        above=np.stack([np.zeros(packed, dtype), *(i.packed for i in above if isinstance(i, Projection))])[1:],
        recurrent=np.stack([layer.U_packed for layer in stack.layers]),
        bias=np.stack([layer.bias for layer in stack.layers]),
        bias_hh=np.stack([layer.b_hh for layer in stack.layers]),
        head=head.projection.packed,
        head_bias=head.b,
    )


def fresh_state(stack: Stack, head: LinearHead, B: int) -> generation.State:
    """Room for B sequences, all states zero."""
    dtype, columns, gathers = head.W.dtype, stack.layers[0].columns, stack.shape.gathers
    L, H = stack.shape.num_layers, stack.shape.hidden_size
    nothing = np.zeros((L, 0, 0, 0), dtype)
    gates, memory = np.zeros((L, 1, B, columns), dtype), np.zeros((L, 2, B, H), dtype)
    return generation.State(
        x=np.zeros((1, B, stack.shape.first_size if gathers else 0), dtype),
        a=gates,
        q=gates.copy() if stack.cell.keeps_recurrent_apart else nothing,
        h=memory.copy(),
        c=memory.copy() if stack.cell.has_memory else nothing,
        s=memory[:, :1].copy() if stack.cell.has_memory else nothing,
        logits=np.zeros((1, B, head.O), dtype),
        active=np.full(1, B, np.int32),
    )


class TokenWriter:
    """The weights as they are now, and the states of B sequences."""

    def __init__(self, network: Network, B: int):
        self.weights = packed_weights(network.stack, network.head)
        self.state = fresh_state(network.stack, network.head, B)
        self._chances = np.zeros(network.head.O)

    def begin(self, state: Sequence[tuple[np.ndarray, np.ndarray]], logits: np.ndarray) -> None:
        """All sequences start from (h, c) (1, H) of every layer, where `logits` (V,) were said."""
        for l, (h, c) in enumerate(state):
            self.state.h[l, 0] = h
            if c.size:
                self.state.c[l, 0] = c
        self.state.logits[...] = logits

    def write(
        self, tokens: np.ndarray, seeds: np.ndarray, number: int,
        temperature: float, top_k: int, top_p: float, excluded: int,
    ) -> None:  # fmt: skip
        """tokens (N, B) int32: the next N of every sequence, number `number` being the first; seeds (B,) uint64."""
        generation.write(
            self.weights, self.state, tokens, seeds, number, temperature, top_k, top_p, excluded, self._chances
        )
