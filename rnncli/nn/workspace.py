"""The arrays that one window of T steps × B sequences is computed in, allocated once and sliced for shorter windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from rnncli.kernels.buffers import zeros
from rnncli.kernels.cells.cell import Cell
from rnncli.nn.crf import ChainWork
from rnncli.nn.pooling import PoolingWork
from rnncli.nn.recurrence import Drawn, Recurrence

LayerState = tuple[np.ndarray, ...]  # of one layer: its states (B, H), the hidden one first


class Extent(NamedTuple):
    """The lengths of a batch's sequences: lengths (B,), longest first; active (T,), how many run at each step."""

    lengths: np.ndarray
    active: np.ndarray

    @classmethod
    def full(cls, T: int, B: int) -> Extent:
        return cls(np.full(B, T, np.int32), np.full(T, B, np.int32))

    @classmethod
    def of(cls, lengths: np.ndarray) -> Extent:
        """Return the extent of sequences of lengths (B,), each at least 1, longest first; T is the longest length."""
        steps = np.arange(lengths[0])
        return cls(lengths.astype(np.int32), (lengths[None, :] > steps[:, None]).sum(axis=1).astype(np.int32))


@dataclass
class LayerWork:
    """The arrays and gradients of one recurrent layer; `rnncli.kernels.cells.cell.Cell` explains what each holds.

    y (T, B, H) is the layer's output after dropout; without dropout it is h[1:] itself. drawn: what training drops of
    the recurrence, None outside of training.
    """

    arrays: Any
    gradients: Any
    dropped: np.ndarray | None
    drawn: Drawn | None

    @classmethod
    def plan(
        cls, cell: Cell, T: int, B: int, H: int, dropout: bool, dtype: np.dtype, drawn: Recurrence | None
    ) -> LayerWork:
        dropped = zeros((T, B, H), dtype) if dropout else None
        masks = None if drawn is None else Drawn.plan(drawn, T, B, H, cell.gates * H, dtype)
        return cls(cell.zeros(T, B, H, dtype), cell.zero_states(T, B, H, dtype), dropped, masks)

    def first(self, T: int) -> LayerWork:
        """Return a workspace for a window of T steps, in the same memory."""
        if len(self.a) == T:
            return self
        gradients = type(self.gradients)(*(array[: T + 1] for array in self.gradients))
        states = len(gradients)
        arrays = type(self.arrays)(*(array[: T + (i < states)] for i, array in enumerate(self.arrays)))
        dropped = None if self.dropped is None else self.dropped[:T]
        return LayerWork(arrays, gradients, dropped, None if self.drawn is None else self.drawn.first(T))

    @property
    def a(self) -> np.ndarray:
        array: np.ndarray = self.arrays.a
        return array

    @property
    def h(self) -> np.ndarray:
        array: np.ndarray = self.arrays.h
        return array

    @property
    def dh(self) -> np.ndarray:
        array: np.ndarray = self.gradients.h
        return array

    @property
    def states(self) -> dict[str, np.ndarray]:
        """Every state (T+1, B, H) by name, the hidden one first."""
        return dict(zip(self.gradients._fields, self.arrays, strict=False))

    @property
    def output(self) -> np.ndarray:
        return self.h[1:]

    @property
    def doutput(self) -> np.ndarray:
        return self.dh[1:]

    @property
    def y(self) -> np.ndarray:
        return self.output if self.dropped is None else self.dropped

    @property
    def directions(self) -> tuple[LayerWork, ...]:
        return (self,)

    def begin(self, h: np.ndarray, low: int, high: int) -> None:
        """Start sequences low ≤ b < high from the hidden state h (high − low, H) and zero in all others."""
        for state in self.states.values():
            state[0, low:high] = 0
        self.h[0, low:high] = h


@dataclass
class BidirectionalWork:
    """The arrays of a layer of two directions: those of each direction, and those between them.

    x_back is the layer's input reversed, dx_back its gradient (None for tokens); output, doutput (T, B, 2H).
    """

    forwards: LayerWork
    backwards: LayerWork
    x_back: np.ndarray
    dx_back: np.ndarray | None
    output: np.ndarray
    doutput: np.ndarray
    dropped: np.ndarray | None

    @classmethod
    def plan(
        cls,
        cell: Cell,
        T: int,
        B: int,
        H: int,
        dropout: bool,
        dtype: np.dtype,
        tokens: bool,
        I: int,
        drawn: Recurrence | None,
    ) -> BidirectionalWork:
        forwards, backwards = (LayerWork.plan(cell, T, B, H, False, dtype, drawn) for _ in range(2))
        x = zeros((T, B), np.int32) if tokens else zeros((T, B, I), dtype)
        both = (T, B, 2 * H)
        return cls(
            forwards,
            backwards,
            x,
            None if tokens else zeros(x.shape, x.dtype),
            zeros(both, dtype),
            zeros(both, dtype),
            zeros(both, dtype) if dropout else None,
        )

    def first(self, T: int) -> BidirectionalWork:
        """Return a workspace for a window of T steps, in the same memory."""
        dx_back, dropped = (None if array is None else array[:T] for array in (self.dx_back, self.dropped))
        return BidirectionalWork(
            self.forwards.first(T),
            self.backwards.first(T),
            self.x_back[:T],
            dx_back,
            self.output[:T],
            self.doutput[:T],
            dropped,
        )

    @property
    def y(self) -> np.ndarray:
        return self.output if self.dropped is None else self.dropped

    @property
    def directions(self) -> tuple[LayerWork, ...]:
        return (self.forwards, self.backwards)


@dataclass(kw_only=True)
class StackWork:
    """The arrays that a stack of layers computes in.

    tokens (T, B) int32 for token inputs, else empty; x (T, B, I) the dense input of the first layer, else empty;
    dx (T, B, I) its gradient if it is wanted, else None; dropout_keys one uint32 per layer, empty outside training.
    """

    tokens: np.ndarray
    x: np.ndarray
    dx: np.ndarray | None
    layers: list[LayerWork | BidirectionalWork]
    extent: Extent
    dropout_keys: tuple[np.uint32, ...] = ()

    @property
    def T(self) -> int:
        return len(self.extent.active)

    @property
    def B(self) -> int:
        return len(self.extent.lengths)

    @property
    def y(self) -> np.ndarray:
        """The output of the topmost layer, (T, B, F)."""
        return self.layers[-1].y

    @property
    def dy(self) -> np.ndarray:
        return self.layers[-1].doutput

    def of_steps(self, T: int) -> StackWork:
        """Return a workspace for T full steps, in the same memory."""
        return StackWork(
            tokens=self.tokens[:T],
            x=self.x[:T],
            dx=None if self.dx is None else self.dx[:T],
            layers=[layer.first(T) for layer in self.layers],
            extent=Extent.full(T, self.B),
        )

    def of_lengths(self, lengths: np.ndarray) -> StackWork:
        """Return a workspace for whole sequences of these lengths (B,), longest first, in the same memory."""
        work = self.of_steps(int(lengths[0]))
        work.extent = Extent.of(lengths)
        return work

    @property
    def directions(self) -> list[LayerWork]:
        """Every layer, or every direction of every layer, in PyTorch's order."""
        return [direction for layer in self.layers for direction in layer.directions]

    def state(self, t: int) -> list[LayerState]:
        """Return copies of the states of every layer after t steps."""
        return [tuple(state[t].copy() for state in layer.states.values()) for layer in self.directions]

    def set_state(self, state: Sequence[LayerState]) -> None:
        """Start the window from these states, given for every layer in the order of `directions`."""
        for layer, given in zip(self.directions, state, strict=True):
            for array, values in zip(layer.states.values(), given, strict=True):
                array[0] = values

    def carry(self, t: int) -> None:
        """Start the next window in this memory from the states of this one after t steps."""
        for layer in self.directions:
            for array in layer.states.values():
                array[0] = array[t]

    def clear_state(self) -> None:
        """Start the window from zero states."""
        for layer in self.directions:
            for array in layer.states.values():
                array[0] = 0


@dataclass
class WordsWork:
    """The words of a batch.

    words (T, B): numbers in the vocabulary; forms (T, B): places among the batch's distinct words; affixes (kinds, T,
    B): numbers of their affixes; spelt: the arrays in which their characters are read; composed: their vectors.
    """

    words: np.ndarray
    forms: np.ndarray
    affixes: np.ndarray
    spelt: StackWork
    composed: PoolingWork

    def of_steps(self, T: int) -> WordsWork:
        return WordsWork(self.words[:T], self.forms[:T], self.affixes[:, :T], self.spelt, self.composed)


@dataclass(kw_only=True)
class Workspace(StackWork):
    """The arrays of a window: those of its stack, and the outputs of the head for steps head_from ≤ t < T.

    outputs (T − head_from, B, O), which the loss overwrites with its gradient. With poolings, one for each layer that
    the head reads, it reads a vector per sequence; outputs are (1, B, O), to which base (B, O) is added if given.
    """

    poolings: list[PoolingWork]
    outputs: np.ndarray
    head_from: int
    words: WordsWork | None = None
    crf: ChainWork | None = None
    base: np.ndarray | None = None

    @property
    def pooling(self) -> PoolingWork | None:
        """The pooling of the topmost layer, if there is one."""
        return self.poolings[-1] if self.poolings else None

    def first(self, T: int, head_from: int) -> Workspace:
        """Return a workspace for a window of T steps whose head starts at `head_from`, in the same memory."""
        return Workspace(
            **vars(self.of_steps(T)),
            poolings=[one.first(T) for one in self.poolings],
            outputs=self.outputs[: T - head_from],
            head_from=head_from,
            words=None if self.words is None else self.words.of_steps(T),
            crf=None if self.crf is None else self.crf.first(T),
        )

    def ragged(self, lengths: np.ndarray) -> Workspace:
        """Return a workspace for whole sequences of these lengths (B,), longest first, in the same memory."""
        T = int(lengths[0])
        window = self.first(T, T - len(self.outputs) if self.pooling else 0)
        window.extent = Extent.of(lengths)
        return window
