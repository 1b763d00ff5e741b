"""Parameters: one flat buffer for all weights, one for all gradients, and named views into both.

Inside, a matrix that PyTorch stores as (out, in) is stored transposed, (in, out), which the kernels prefer. Outside, in
model files and tables, every array has PyTorch's name, shape and layout, so that `load_state_dict` takes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from rnncli.kernels.buffers import zeros
from rnncli.nn.share import Share


@dataclass(frozen=True)
class Start:
    """What decides the first values of all parameters; see `rnncli.nn.initialisation`."""

    recurrent_init: str
    recurrent_scale: float
    seed: int
    chrono: int | None = None


First = Callable[[tuple[int, ...], Start], "np.ndarray | float"]  # an inner shape, a start → what is assigned to it


def zero(shape: tuple[int, ...], start: Start) -> float:
    return 0.0


@dataclass(eq=False)
class Parameter:
    """One parameter, declared by the part that uses it: its PyTorch name and shape, its first values, and whether it is
    stored transposed inside. `value` and `gradient` are views of inner shape, once a `Parameters` holds it."""

    name: str
    shape: tuple[int, ...]
    first: First = zero
    transposed: bool = False
    value: np.ndarray = field(init=False, repr=False)
    gradient: np.ndarray = field(init=False, repr=False)

    @property
    def inner_shape(self) -> tuple[int, ...]:
        return self.shape[::-1] if self.transposed else self.shape

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))

    def begin(self, start: Start) -> None:
        self.value[...] = self.first(self.inner_shape, start)


class Part:
    """A part of a model: the parameters that it declares, and the parts that it is made of, in the file's order."""

    declared: tuple[Parameter, ...] = ()
    parts: tuple[Part, ...] = ()

    def parameters_of_all(self) -> list[Parameter]:
        """Its own, then those of its parts."""
        return [*self.declared, *(one for part in self.parts for one in part.parameters_of_all())]

    def pack(self, share: Share) -> None:
        """Refresh this share of what is made from the weights."""
        for part in self.parts:
            part.pack(share)


class Parameters:
    """The weights and gradients of a model.

    weights, gradient (P,) are flat and C-contiguous; `view` and `gradient_view` are inner-layout views by name.
    """

    def __init__(self, declared: Iterable[Parameter], dtype: np.dtype):
        self.declared = tuple(declared)
        size = sum(one.size for one in self.declared)
        self._take(zeros((size,), dtype), zeros((size,), dtype))

    def move(self, weights: np.ndarray, gradient: np.ndarray) -> None:
        """Go on in these buffers, with the same values. Views that were taken before stay with the old ones."""
        weights[...], gradient[...] = self.weights, self.gradient
        self._take(weights, gradient)

    def _take(self, weights: np.ndarray, gradient: np.ndarray) -> None:
        self.weights, self.gradient = weights, gradient
        offset = 0
        for one in self.declared:
            place = slice(offset, offset + one.size)
            one.value = self.weights[place].reshape(one.inner_shape)
            one.gradient = self.gradient[place].reshape(one.inner_shape)
            offset += one.size

    def view(self, name: str) -> np.ndarray:
        return next(one.value for one in self.declared if one.name == name)

    def gradient_view(self, name: str) -> np.ndarray:
        return next(one.gradient for one in self.declared if one.name == name)

    def export(self) -> dict[str, np.ndarray]:
        """Every weight by name in PyTorch's shape, as contiguous copies."""
        return {one.name: _outside(one, one.value) for one in self.declared}

    def export_gradients(self) -> dict[str, np.ndarray]:
        """Every gradient by name in PyTorch's shape, as contiguous copies."""
        return {one.name: _outside(one, one.gradient) for one in self.declared}

    def load(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take weights in PyTorch's shapes. KeyError or ValueError names what is missing or misshapen."""
        for one in self.declared:
            array = arrays[one.name]
            if array.shape != one.shape:
                raise ValueError(f"{one.name} has shape {array.shape}, this model needs {one.shape}")
            one.value[...] = array.T if one.transposed else array


def _outside(one: Parameter, array: np.ndarray) -> np.ndarray:
    return np.array(array.T if one.transposed else array, order="C")
