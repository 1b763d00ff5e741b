"""States that training carries from window to window."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnncli.nn.network import Network
from rnncli.nn.workspace import LayerState, Workspace
from rnncli.training.backpropagation import Backpropagation


class CarriedState:
    """A base of learners that carry states from window to window: of B sequences, in windows of up to T steps, of which
    the head reads the last `heads`.
    """

    network: Network
    backpropagation: Backpropagation
    validation: Any

    def __init__(self, network: Network, T: int, B: int, heads: int):
        self.backpropagation.pool.ranks.require_batches(B)
        self.network = network
        self._T, self._B, self._heads = T, B, heads
        self._memory: Workspace | None = None
        self._kept = 0  # steps into the last window at which the next one starts

    @property
    def _work(self) -> Workspace:
        """The workspace of the largest window, which carries the states."""
        if self._memory is None:
            self._memory = self.network.workspace(self._T, self._B, self._heads, training=True)
        return self._memory

    def figure(self) -> None:
        return None  # the loss is what is printed

    def restart(self) -> None:
        """Forget the carried state."""
        self._work.clear_state()
        self._kept = 0

    def free(self) -> None:
        """Free the arrays and forget the carried state; the arrays are made again when needed."""
        self._memory, self._kept = None, 0
        self.validation.free()

    def arrays(self, *, before: bool = False) -> dict[str, np.ndarray]:
        """Return the carried state, or with `before` the state that the last update started from, by name."""
        state = self._state(0 if before else self._kept)
        return {
            name: array
            for names, arrays in zip(self._names, state, strict=True)
            for name, array in zip(names, arrays, strict=True)
        }

    def _state(self, t: int) -> list[LayerState]:
        """Return copies of the states of every layer after t steps, those of other ranks' sequences from these."""
        state = self._work.state(t)
        for layer in state:
            for array in layer:
                self.backpropagation.pool.ranks.gather(array)
        return state

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        state = [tuple(arrays[name] for name in names) for names in self._names]
        if any(arrays[0].shape != layer.h[0].shape for arrays, layer in zip(state, self._work.directions, strict=True)):
            raise ValueError("the carried state has another shape")
        self._kept = 0
        self._work.set_state(state)

    @property
    def _names(self) -> list[list[str]]:
        """The names of every layer's states in a file."""
        return [[f"carried.{name}{l}" for name in layer.states] for l, layer in enumerate(self._work.directions)]
