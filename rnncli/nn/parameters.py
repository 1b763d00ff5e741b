"""Parameters: one flat buffer for all weights, one for all gradients, and named views into both.

Inside, a matrix that PyTorch stores as (out, in) is stored transposed, (in, out), which the kernels prefer. Outside, in
model files and tables, every array has PyTorch's name, shape and layout, so that `load_state_dict` takes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True)
class Spec:
    """One parameter: its PyTorch name and shape, and whether it is stored transposed inside."""

    name: str
    shape: tuple[int, ...]
    transposed: bool = False

    @property
    def inner_shape(self) -> tuple[int, ...]:
        return self.shape[::-1] if self.transposed else self.shape

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))


class Part(Protocol):
    """A part of a model that has weights."""

    def specs(self) -> list[Spec]: ...

    def bind(self, parameters: Parameters) -> None:
        """Keep views of the weights and gradients."""


class Parameters:
    """The weights and gradients of a model.

    weights, gradient (P,) are flat and C-contiguous; `view` and `gradient_view` are inner-layout views by name.
    """

    def __init__(self, specs: Iterable[Spec], dtype: np.dtype):
        self.specs = tuple(specs)
        size = sum(spec.size for spec in self.specs)
        self._take(np.zeros(size, dtype), np.zeros(size, dtype))

    def move(self, weights: np.ndarray, gradient: np.ndarray) -> None:
        """Go on in these buffers, with the same values. Views that were taken before stay with the old ones."""
        weights[...], gradient[...] = self.weights, self.gradient
        self._take(weights, gradient)

    def _take(self, weights: np.ndarray, gradient: np.ndarray) -> None:
        self.weights, self.gradient = weights, gradient
        self._views: dict[str, np.ndarray] = {}
        self._gradient_views: dict[str, np.ndarray] = {}
        offset = 0
        for spec in self.specs:
            place = slice(offset, offset + spec.size)
            self._views[spec.name] = self.weights[place].reshape(spec.inner_shape)
            self._gradient_views[spec.name] = self.gradient[place].reshape(spec.inner_shape)
            offset += spec.size

    def view(self, name: str) -> np.ndarray:
        return self._views[name]

    def gradient_view(self, name: str) -> np.ndarray:
        return self._gradient_views[name]

    def export(self) -> dict[str, np.ndarray]:
        """Every weight by name in PyTorch's shape, as contiguous copies."""
        return self._outside(self._views)

    def export_gradients(self) -> dict[str, np.ndarray]:
        """Every gradient by name in PyTorch's shape, as contiguous copies."""
        return self._outside(self._gradient_views)

    def load(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take weights in PyTorch's shapes. KeyError or ValueError names what is missing or misshapen."""
        for spec in self.specs:
            array = arrays[spec.name]
            if array.shape != spec.shape:
                raise ValueError(f"{spec.name} has shape {array.shape}, this model needs {spec.shape}")
            self._views[spec.name][...] = array.T if spec.transposed else array

    def _outside(self, views: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {
            spec.name: np.array(views[spec.name].T if spec.transposed else views[spec.name], order="C")
            for spec in self.specs
        }
