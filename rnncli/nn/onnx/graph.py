"""A graph that is put together: every call adds a node and returns the name of its output."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from rnncli.nn.onnx import protobuf
from rnncli.nn.onnx.protobuf import Attribute, Dimension

END = 2**63 - 1  # as the end of a slice


class Graph:
    """A graph of ONNX. within: the graph of which it is the body of a loop, whose values it may read too.

    inputs, outputs: (name, kind, shape) of each, kinds by numpy's names.
    """

    def __init__(self, name: str = "rnncli", within: Graph | None = None):
        self.name = name
        self.inputs: list[tuple[str, str, tuple[Dimension, ...]]] = []
        self.outputs: list[tuple[str, str, tuple[Dimension, ...]]] = []
        self._nodes: list[bytes] = []
        self._tensors: list[bytes] = []
        self._weights: dict[tuple[int, tuple[int, ...], tuple[int, ...]], str] = {}
        self._known: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._count: Iterator[int] = itertools.count() if within is None else within._count  # no name occurs twice

    def input(self, name: str, kind: str, *shape: Dimension) -> str:
        self.inputs.append((name, kind, shape))
        return name

    def fresh(self, name: str) -> str:
        """Return a name that begins so, and that no other value has."""
        return f"{name}_{next(self._count)}"

    def output(self, name: str, value: str, kind: str, shape: Sequence[Dimension]) -> None:
        """Name a value, which becomes an output."""
        self._nodes.append(protobuf.node("Identity", [value], [name], {}))
        self.outputs.append((name, kind, tuple(shape)))

    def constant(self, values: Any, kind: str = "float32") -> str:
        """Return an array as a value; equal small ones are kept once."""
        array = np.asarray(values, kind)
        key = kind, array.shape, array.tobytes() if array.size <= _SMALL else b""
        if array.size <= _SMALL and key in self._known:
            return self._known[key]
        name = self.fresh("constant")
        self._tensors.append(protobuf.tensor(name, array))
        self._known[key] = name
        return name

    def weights(self, values: np.ndarray) -> str:
        """Return a parameter as a value, kept once however often it is read."""
        place = values.__array_interface__["data"][0], values.shape, values.strides
        if place not in self._weights:
            self._weights[place] = self.constant(values)
        return self._weights[place]

    def whole(self, *numbers: int) -> str:
        """Return whole numbers as a value of one axis, as shapes and axes are."""
        return self.constant(numbers, "int64")

    def add(self, operator: str, *inputs: str, **attributes: Attribute) -> str:
        """Return the output of an operator."""
        return self.several(operator, 1, *inputs, **attributes)[0]

    def several(self, operator: str, count: int, *inputs: str, **attributes: Attribute) -> list[str]:
        """Return the first `count` outputs of an operator."""
        outputs = [self.fresh(operator.lower()) for _ in range(count)]
        self._nodes.append(protobuf.node(operator, inputs, outputs, attributes))
        return outputs

    def cast(self, value: str, kind: str) -> str:
        return self.add("Cast", value, to=protobuf.KINDS[kind])

    def concat(self, values: Sequence[str], axis: int) -> str:
        return values[0] if len(values) == 1 else self.add("Concat", *values, axis=axis)

    def mean(self, values: Sequence[str], weights: Sequence[float] | None = None) -> str:
        """Return the mean of float32 values; weights add up to 1, None weighs all alike."""
        if weights is not None:
            values = [self.add("Mul", one, self.constant(w)) for one, w in zip(values, weights, strict=True)]
        return values[0] if len(values) == 1 else self.add("Mean" if weights is None else "Sum", *values)

    def rows(self, value: str, first: int, last: int, axis: int = 0) -> str:
        """Return value[first:last] along an axis."""
        return self.add("Slice", value, self.whole(first), self.whole(last), self.whole(axis))

    def size(self, value: str, axis: int) -> str:
        """Return the size of an axis, a value of one axis."""
        return self.add("Gather", self.add("Shape", value), self.whole(axis), axis=0)

    def encoded(self) -> bytes:
        values = ([protobuf.value(*one[:2], one[2]) for one in some] for some in (self.inputs, self.outputs))
        return protobuf.graph(self.name, self._nodes, self._tensors, *values)


_SMALL = 64  # numbers of a constant that is looked for among those there are
