"""A token network that writes B sequences at a time, many tokens to a call; see `rnncli.kernels.generation`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnncli.kernels import gemm, generation
from rnncli.nn.head import LinearHead
from rnncli.nn.inputs import Projection, TokenRows
from rnncli.nn.network import Network
from rnncli.nn.stack import Stack
from rnncli.nn.workspace import LayerState


def packed_weights(stack: Stack, head: LinearHead) -> generation.Weights:
    """The weights as they are now, side by side. The head's and an embedding's are views and follow a change."""
    dtype, columns = head.weight.value.dtype, stack.layers[0].columns
    first, above = stack.layers[0].input, [layer.input for layer in stack.layers[1:]]
    if isinstance(first, TokenRows):
        table, first_packed = first.table, np.zeros(0, dtype)
    else:
        assert isinstance(first, Projection)
        table, first_packed = stack.embedding.value, first.packed
    packed = gemm.packed_like(stack.shape.hidden_size, columns, dtype).size
    return generation.Weights(
        table=table,
        first=first_packed,
        above=np.stack([np.zeros(packed, dtype), *(i.packed for i in above if isinstance(i, Projection))])[1:],
        recurrent=np.stack([layer.U_packed for layer in stack.layers]),
        bias=np.stack([layer.bias for layer in stack.layers]),
        bias_hh=np.stack([layer.b_hh.value for layer in stack.layers]),
        own=np.stack([layer.own_packed for layer in stack.layers]),
        activation=stack.activation,
        head=head.projection.packed,
        head_bias=head.bias.value,
    )


def fresh_state(stack: Stack, head: LinearHead, B: int) -> generation.State:
    """Room for B sequences, all states zero."""
    dtype, shape = head.weight.value.dtype, stack.shape
    return generation.State(
        arrays=stack.cell.zeros(1, B, shape.hidden_size, dtype, (shape.num_layers,)),
        x=np.zeros((1, B, shape.first_size if shape.gathers else 0), dtype),
        logits=np.zeros((1, B, head.O), dtype),
        active=np.full(1, B, np.int32),
    )


class TokenWriter:
    """The weights as they are now, and the states of B sequences."""

    def __init__(self, network: Network, B: int):
        self.weights = packed_weights(network.stack, network.head)
        self.state = fresh_state(network.stack, network.head, B)
        self._chances = np.zeros(network.head.O)

    def begin(self, state: Sequence[LayerState], logits: np.ndarray) -> None:
        """All sequences start from the states (1, H) of every layer, where `logits` (V,) were said."""
        for l, given in enumerate(state):
            for array, values in zip(generation.states_of(self.state.arrays), given, strict=True):
                array[l, 0] = values
        self.state.logits[...] = logits

    def write(
        self,
        tokens: np.ndarray,
        seeds: np.ndarray,
        number: int,
        temperature: float,
        top_k: int,
        top_p: float,
        excluded: int,
    ) -> None:
        """tokens (N, B) int32: the next N of every sequence, number `number` being the first; seeds (B,) uint64."""
        generation.write(
            self.weights, self.state, tokens, seeds, number, temperature, top_k, top_p, excluded, self._chances
        )
