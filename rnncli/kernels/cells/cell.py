"""The record that a cell file ends with; one recurrent layer class serves every cell through it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from rnncli.kernels.buffers import zeros


class Weights(NamedTuple):
    """What a cell's kernels read beside its arrays."""

    recurrent: np.ndarray  # U (H, G·H) packed; for `backward` Uᵀ (G·H, H) packed
    bias: np.ndarray  # b_hh (G·H,), for a cell that keeps its recurrent contributions apart
    own: np.ndarray  # (n, H), the cell's own parameters, or (0, H)
    activation: int  # see `rnn`


class Cell(NamedTuple):
    """A recurrent cell: what it declares, and its kernels. G gates of H units, T steps, B sequences.

    arrays   a NamedTuple type: first the states, (T+1, B, H), row 0 given; then what is saved, (T, B, w·H). `a`, which
             every cell saves, holds the input contributions x·W + b_ih (and b_hh, unless the cell saves `q`) when
             `forward` begins. When it ends, `a` holds the values of the gates in the order of gate_names, which
             `inspect-grads` shows (of a cell without gates it is not read), and together with the others whatever
             `backward` needs. The type's name names the cell to jitted code, and is that of no other
    states   a NamedTuple type: what is carried from step to step, the hidden state `h` first. All are zero before the
             first step. Its instances are gradients (T+1, B, H). Of h: dL/dh from above when `backward` begins, row 0
             zero, and the whole dL/dh_t when it ends. Of the others: dL/d(state) through the steps after t alone, of
             which the row after a sequence's last step is given
    saved    the width w of each saved array: `a` has G, and `q`, the recurrent contributions h·U + b_hh, too
    own      the width of each of the cell's own parameters beyond W, U, b_ih and b_hh: vectors of w·H, whose first
             values are uniform within ±1/√H

    forward(arrays, weights, active, low, high)
        active (T,): how many sequences, the first of the batch, run at step t; see `steps`. low, high: the sequences of
        the batch to compute, one thread's shard
    backward(arrays, gradients, weights, active, low, high)
        leaves in `a` dL/da, and in `q`, where it is saved, dL/dq, zero beyond a sequence's end: the weights' gradients
        are products of them
    own_gradient(arrays, gradient, low, high)
        after `backward` of all sequences: units low ≤ j < high of the gradient (n, H) of the cell's own parameters
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
    own: Mapping[str, int] = {}
    own_gradient: Callable[..., None] | None = None

    @property
    def is_gated(self) -> bool:
        """Whether gates stand between what is read and the state, and not the state's activation alone."""
        return self.gates > 1

    @property
    def keeps_by_bias(self) -> bool:
        """Whether there are gates whose biases set how long a state is kept."""
        return any(self.chrono)

    @property
    def gates(self) -> int:
        return len(self.gate_names)

    @property
    def keeps_recurrent_apart(self) -> bool:
        """Whether h·U + b_hh stands in an array of its own, `q`, and does not just add to `a`."""
        return "q" in self.saved

    @property
    def own_rows(self) -> int:
        return sum(self.own.values())

    def zeros(self, T: int, B: int, H: int, dtype: np.dtype, layers: tuple[int, ...] = ()) -> Any:
        """An instance of `arrays`, each with axes for `layers` before its own."""
        states = (zeros((*layers, T + 1, B, H), dtype) for _ in self.state_names)
        return self.arrays(*states, *(zeros((*layers, T, B, w * H), dtype) for w in self.saved.values()))

    def zero_states(self, T: int, B: int, H: int, dtype: np.dtype) -> Any:
        """An instance of `states`, for gradients."""
        return self.states(*(zeros((T + 1, B, H), dtype) for _ in self.state_names))

    @property
    def state_names(self) -> tuple[str, ...]:
        names: tuple[str, ...] = self.states._fields
        return names


class Hidden(NamedTuple):
    """The states of a cell that has no other."""

    h: np.ndarray


class HiddenAndMemory(NamedTuple):
    """The states of a cell with a memory c."""

    h: np.ndarray
    c: np.ndarray
