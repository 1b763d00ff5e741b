"""The record that every cell file ends with; through it, one recurrent layer class serves every cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from rnncli.kernels.buffers import zeros
from rnncli.kernels.cells.recurrence import Locked


class Weights(NamedTuple):
    """The weights that a cell's kernels read in addition to its arrays."""

    recurrent: np.ndarray  # U (H, G·H) packed; for `backward` Uᵀ (G·H, H) packed
    bias: np.ndarray  # b_hh (G·H,), for a cell that keeps its recurrent contributions apart
    own: np.ndarray  # (n, H), the cell's own parameters, or (0, H)
    activation: int  # see `rnn`
    locked: Locked | None = None  # see `recurrence`
    capped: bool | None = None  # of a cell that `caps`


class Cell(NamedTuple):
    """A recurrent cell: its declarations and its kernels. G gates of H units, T steps, B sequences.

    arrays   a NamedTuple type: first the states, (T+1, B, H), row 0 given; then the saved arrays, (T, B, w·H). Every
             cell saves `a`, which holds the input contributions x·W + b_ih (and b_hh, unless it saves `q`) when
             `forward` begins. When it ends, `a` holds the values of the gates in the order of gate_names, which
             `inspect-grads` shows (not for a cell without gates), and all saved arrays hold what `backward` needs.
             The name of the type identifies the cell to jitted code and must be unique
    states   a NamedTuple type: the states carried from step to step, the hidden state `h` first. All are zero before
             the first step. Its instances are gradients (T+1, B, H). For h: dL/dh from above when `backward` begins,
             row 0 zero, and the whole dL/dh_t when it ends. For the others: dL/d(state) through the steps after t
             alone, where the row after a sequence's last step is given
    saved    the width w of each saved array: G for `a`, and also for `q`, the recurrent contributions h·U + b_hh
    caps     True if its kernels cap the input gate where weights.capped is not None
    own      the width w of each of the cell's own parameters beyond W, U, b_ih and b_hh: vectors of w·H, whose first
             values are uniform within ±1/√H

    forward(arrays, weights, active, low, high)
        computes states and saved arrays. active (T,): the number of sequences that run at step t, the first of the
        batch; see `steps`. low, high: the sequences of the batch to compute, one thread's shard
    backward(arrays, gradients, weights, active, low, high)
        leaves dL/da in `a` and, if `q` is saved, dL/dq in `q`, zero beyond a sequence's end: the gradients of the
        weights are products of them
    own_gradient(arrays, gradient, low, high)
        computes, after `backward` of all sequences, units low ≤ j < high of the gradient (n, H) of the cell's own
        parameters
    """

    name: str
    arrays: type
    states: type
    saved: Mapping[str, int]
    gate_names: tuple[str, ...]  # in PyTorch's order; the tanh that is let in is called "candidate"
    initial_bias: tuple[float, ...]  # of each gate
    chrono: tuple[int, ...]  # of each gate: with model.chrono_init its bias is so many times the log of a memory
    forward: Callable[..., None]
    backward: Callable[..., None]
    activations: tuple[str, ...] = ("tanh",)  # those that the hidden state may have
    signed: tuple[str, ...] = ("candidate",)  # gates whose values are those of a tanh
    caps: bool = False
    own: Mapping[str, int] = {}
    own_gradient: Callable[..., None] | None = None

    @property
    def is_gated(self) -> bool:
        """True if gates stand between the input and the state, rather than only the state's activation."""
        return self.gates > 1

    @property
    def keeps_by_bias(self) -> bool:
        """True if the cell has gates whose biases set how long a state is kept."""
        return any(self.chrono)

    @property
    def gates(self) -> int:
        return len(self.gate_names)

    @property
    def keeps_recurrent_apart(self) -> bool:
        """True if h·U + b_hh is kept in an array of its own, `q`, instead of being added to `a`."""
        return "q" in self.saved

    @property
    def own_rows(self) -> int:
        return sum(self.own.values())

    def zeros(self, T: int, B: int, H: int, dtype: np.dtype, layers: tuple[int, ...] = ()) -> Any:
        """Return an instance of `arrays`, all zero, each with axes for `layers` before its own."""
        states = (zeros((*layers, T + 1, B, H), dtype) for _ in self.state_names)
        return self.arrays(*states, *(zeros((*layers, T, B, w * H), dtype) for w in self.saved.values()))

    def zero_states(self, T: int, B: int, H: int, dtype: np.dtype) -> Any:
        """Return an instance of `states`, all zero, for gradients."""
        return self.states(*(zeros((T + 1, B, H), dtype) for _ in self.state_names))

    @property
    def state_names(self) -> tuple[str, ...]:
        names: tuple[str, ...] = self.states._fields
        return names


class Hidden(NamedTuple):
    """The states of a cell whose only state is the hidden one."""

    h: np.ndarray


class HiddenAndMemory(NamedTuple):
    """The states of a cell with a memory c."""

    h: np.ndarray
    c: np.ndarray
