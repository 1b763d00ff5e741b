"""The arrays that one window of T steps × B sequences is computed in, allocated once and sliced for shorter windows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnncli.kernels.cell import Cell


@dataclass
class LayerWork:
    """One recurrent layer's arrays; see `rnncli.kernels.cell.Cell` for what each holds.

    y (T, B, H) is the layer's output after dropout; without dropout it is h[1:] itself.
    """

    a: np.ndarray
    q: np.ndarray
    h: np.ndarray
    c: np.ndarray
    s: np.ndarray
    dh: np.ndarray
    dc: np.ndarray
    dropped: np.ndarray | None

    @classmethod
    def plan(cls, cell: Cell, T: int, B: int, H: int, dropout: bool, dtype: np.dtype) -> LayerWork:
        empty = np.zeros((0, 0, 0), dtype)
        gates = (T, B, cell.gates * H)
        states = (T + 1, B, H)
        return cls(
            a=np.zeros(gates, dtype),
            q=np.zeros(gates, dtype) if cell.keeps_recurrent_apart else empty,
            h=np.zeros(states, dtype),
            c=np.zeros(states, dtype) if cell.has_memory else empty,
            s=np.zeros((T, B, H), dtype) if cell.has_memory else empty,
            dh=np.zeros(states, dtype),
            dc=np.zeros(states, dtype) if cell.has_memory else empty,
            dropped=np.zeros((T, B, H), dtype) if dropout else None,
        )

    def first(self, T: int) -> LayerWork:
        """The same memory for a window of T steps."""
        dropped = None if self.dropped is None else self.dropped[:T]
        return LayerWork(
            self.a[:T], self.q[:T], self.h[: T + 1], self.c[: T + 1], self.s[:T],
            self.dh[: T + 1], self.dc[: T + 1], dropped,
        )  # fmt: skip

    @property
    def y(self) -> np.ndarray:
        return self.h[1:] if self.dropped is None else self.dropped


@dataclass
class Workspace:
    """A window: its inputs, its layers, and the outputs of the head for steps head_from ≤ t < T.

    tokens (T, B) int32 for token inputs, else empty; x (T, B, I) the dense input of the first layer, else empty;
    dx (T, B, I) its gradient where it is wanted, else None; outputs (T − head_from, B, O), which the loss
    overwrites with its gradient; dropout_keys one uint32 per layer, empty outside training.
    """

    tokens: np.ndarray
    x: np.ndarray
    dx: np.ndarray | None
    layers: list[LayerWork]
    outputs: np.ndarray
    head_from: int
    dropout_keys: tuple[np.uint32, ...] = ()

    @property
    def T(self) -> int:
        return self.layers[0].a.shape[0]

    @property
    def B(self) -> int:
        return self.layers[0].a.shape[1]

    def first(self, T: int, head_from: int) -> Workspace:
        """The same memory for a window of T steps whose head starts at `head_from`."""
        return Workspace(
            self.tokens[:T],
            self.x[:T],
            None if self.dx is None else self.dx[:T],
            [layer.first(T) for layer in self.layers],
            self.outputs[: T - head_from],
            head_from,
        )

    def state(self, t: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Copies of (h, c) of every layer after t steps."""
        return [(layer.h[t].copy(), layer.c[t].copy() if layer.c.size else layer.c) for layer in self.layers]

    def set_state(self, state: list[tuple[np.ndarray, np.ndarray]]) -> None:
        """Start the window from these (h, c)."""
        for layer, (h, c) in zip(self.layers, state, strict=True):
            layer.h[0] = h
            if layer.c.size:
                layer.c[0] = c

    def carry(self, t: int) -> None:
        """Start the next window in this memory from where this one is after t steps."""
        for layer in self.layers:
            layer.h[0] = layer.h[t]
            if layer.c.size:
                layer.c[0] = layer.c[t]

    def clear_state(self) -> None:
        """Start the window from zero."""
        for layer in self.layers:
            layer.h[0] = 0
            if layer.c.size:
                layer.c[0] = 0
