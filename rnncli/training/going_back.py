"""Going back where training diverges: to the last evaluation, or the beginning, and on at half the learning rate.

What a run that diverged at update u does next follows from what it went back to and from the seed, as all of training
does: a run that was stopped or killed before u, and resumed, diverges there too, and goes back to the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnncli.training.plan import Position

HALVE = "halve"  # as training.on_divergence
MOST = 10  # halvings of a run, to a thousandth; what diverges then too, diverges at any rate
_PREFIX = "good."  # of arrays in a state
_NUMBERS = ("update", "tokens", "update_seconds", "loss_sum", "loss_count", "optimizer_powers", "average_power")
_KEPT = ("best",)  # arrays that change at evaluations alone


class Divergence(Exception):
    """The weights lead nowhere; the message says where that was seen. Training goes back, or ends."""


@dataclass(frozen=True)
class Good:
    """What training goes back to: copies of its arrays, by name, and the numbers of its position that change between
    evaluations."""

    arrays: dict[str, np.ndarray]
    numbers: dict[str, Any]

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray], position: Position) -> Good:
        """Return what a run is made of now."""
        kept = {name: array.copy() for name, array in arrays.items() if name not in _KEPT}
        return cls(kept, {name: getattr(position, name) for name in _NUMBERS})

    @classmethod
    def saved(cls, arrays: Mapping[str, np.ndarray], position: Position) -> Good | None:
        """Return what is in a state besides that from which it goes on; None if that is the same."""
        if not position.good:
            return None
        names = [name for name in arrays if is_good(name)]
        return cls({name.removeprefix(_PREFIX): arrays[name] for name in names}, dict(position.good))

    def beside(self, update: int) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return the arrays and numbers that a state after `update` also has: none if that is where this is from."""
        if self.numbers["update"] == update:
            return {}, {}
        return {_PREFIX + name: array for name, array in self.arrays.items()}, dict(self.numbers)

    def require_fits(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Raise KeyError or ValueError unless it has all of these, in their shapes, and all numbers."""
        if self.numbers.keys() != set(_NUMBERS):
            raise KeyError("good")
        if forms(self.arrays) != forms({name: array for name, array in arrays.items() if name not in _KEPT}):
            raise ValueError("the arrays to go back to are of another model")


def is_good(name: str) -> bool:
    """Return True for an array in a state that is not of the position there, but of what it would go back to."""
    return name.startswith(_PREFIX)


def forms(arrays: Mapping[str, np.ndarray]) -> dict[str, tuple[tuple[int, ...], np.dtype]]:
    """Return the shapes and types of all arrays but empty ones, which are not the same in all versions."""
    return {name: (array.shape, array.dtype) for name, array in arrays.items() if array.size}
