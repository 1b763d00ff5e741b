"""The record that a cell file ends with; one recurrent layer class serves every cell through it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Cell(NamedTuple):
    """A recurrent cell: its shape and its two kernels.

    forward(a, q, h, c, s, recurrent, bias, activation, active, low, high)
        a (T, B, G·H)    in: input contributions x·W + b_ih; out: whatever `backward` needs
        q (T, B, G·H)    recurrent contributions, where the cell keeps them apart, else (0, 0, 0)
        h (T+1, B, H)    hidden states, row 0 given
        c (T+1, B, H)    memory cells, row 0 given; (0, 0, 0) where the cell has none
        s (T, B, H)      one saved value per unit for `backward`; (0, 0, 0) where the cell needs none
        recurrent        U (H, G·H) packed; bias (G·H,) is b_hh, used where `q` is; activation: see `rnn`
        active (T,)      how many sequences, the first of the batch, run at step t; see `steps`
        low, high        the sequences of the batch to compute: one thread's shard

    backward(a, q, h, c, s, dh, dc, recurrent, activation, active, low, high)
        dh (T+1, B, H)   in: dL/dh from above, row 0 zero; out: the whole dL/dh_t, row 0 for the initial state
        dc (T+1, B, H)   in: of each sequence, the row after its last step; out: dL/dc_t through the steps after t
        a, q             out: dL/da and dL/dq, zero beyond a sequence's end, from which the weights' gradients are
                         products
        recurrent        Uᵀ (G·H, H) packed
    """

    name: str
    kind: type  # a NamedTuple type of one field, `activation`; its instance names the cell to jitted code for all cells
    gate_names: tuple[str, ...]  # in PyTorch's order
    initial_bias: tuple[float, ...]  # of each gate
    chrono: tuple[int, ...]  # of each gate: 1 where its bias keeps the state, −1 where it lets the input in, else 0
    keeps_recurrent_apart: bool
    has_memory: bool
    forward: Callable[..., None]
    backward: Callable[..., None]
    activations: tuple[str, ...] = ("tanh",)  # those that the hidden state may have

    @property
    def is_gated(self) -> bool:
        """Whether there are gates whose biases set how long a state is kept."""
        return any(self.chrono)

    @property
    def gates(self) -> int:
        return len(self.gate_names)
