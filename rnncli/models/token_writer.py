"""A token network that writes B sequences at a time, many tokens to a call; see `rnncli.kernels.generation`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnncli.kernels import gemm, generation
from rnncli.models.inputs import Projection, TokenRows
from rnncli.models.network import Network


class TokenWriter:
    """The weights as they are now, side by side, and the states of B sequences."""

    def __init__(self, network: Network, B: int):
        stack, dtype = network.stack, network.dtype
        shape, layers, cell = stack.shape, stack.layers, stack.cell
        L, H, columns = len(layers), shape.hidden_size, layers[0].columns
        first, above = layers[0].input, [layer.input for layer in layers[1:]]
        empty = np.zeros(0, dtype)
        if isinstance(first, TokenRows):
            table, first_packed, x = first.table, empty, np.zeros((1, B, 0), dtype)
        else:
            assert isinstance(first, Projection)
            table, first_packed = stack.table, first.packed
            x = np.zeros((1, B, shape.first_size), dtype)
        packed = gemm.packed_like(H, columns, dtype).size
        self.weights = generation.Weights(
            kind=cell.kind(layers[0].activation),
            table=table,
            first=first_packed,
            above=np.stack([np.zeros(packed, dtype), *(i.packed for i in above if isinstance(i, Projection))])[1:],
            recurrent=np.stack([layer.U_packed for layer in layers]),
            bias=np.stack([layer.bias for layer in layers]),
            bias_hh=np.stack([layer.b_hh for layer in layers]),
            head=network.head.projection.packed,
            head_bias=network.head.b,
        )
        nothing = np.zeros((L, 0, 0, 0), dtype)
        gates, memory = np.zeros((L, 1, B, columns), dtype), np.zeros((L, 2, B, H), dtype)
        self.state = generation.State(
            x=x,
            a=gates,
            q=gates.copy() if cell.keeps_recurrent_apart else nothing,
            h=memory.copy(),
            c=memory.copy() if cell.has_memory else nothing,
            s=memory[:, :1].copy() if cell.has_memory else nothing,
            logits=np.zeros((1, B, network.shape.output_size), dtype),
            active=np.full(1, B, np.int32),
        )
        self._chances = np.zeros(network.shape.output_size)

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
