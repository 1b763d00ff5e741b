"""The messages of ONNX as bytes: a model, its graph, nodes, tensors and the types of values (onnx/onnx.proto).

A message is a row of fields; each begins with its number and its kind: a whole number, or bytes that are text, packed
values or a message again.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

IR_VERSION, OPERATOR_SET = 8, 14
PRODUCER = "rnncli"
MOST = 2**31 - 1  # bytes of a file, as readers of protobuf have it

KINDS = {"float32": 1, "int32": 6, "int64": 7, "bool": 9, "float64": 11}
"""Types of elements, by numpy's names."""

Dimension = int | str
Attribute = int | float | str | bytes | Sequence[int] | Sequence[float] | Sequence[str]
"""bytes are a graph; a text, such as a direction, is text."""

_FLOAT, _INT, _STRING, _GRAPH, _FLOATS, _INTS, _STRINGS = 1, 2, 3, 5, 6, 7, 8  # kinds of attributes


def varint(number: int) -> bytes:
    """Return a whole number, seven bits a byte, the lowest first; one below zero as its complement of 64 bits."""
    number &= (1 << 64) - 1
    made = bytearray()
    while number > 127:
        made.append(number & 127 | 128)
        number >>= 7
    made.append(number)
    return bytes(made)


def whole(field: int, number: int) -> bytes:
    return varint(field << 3) + varint(number)


def raw(field: int, content: bytes | str) -> bytes:
    content = content.encode() if isinstance(content, str) else content
    return varint(field << 3 | 2) + varint(len(content)) + content


def _single(field: int, number: float) -> bytes:
    return varint(field << 3 | 5) + struct.pack("<f", number)


def tensor(name: str, array: np.ndarray) -> bytes:
    """Return an array of one of KINDS, with its values in C order."""
    shape = b"".join(whole(1, size) for size in array.shape)
    values = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
    return shape + whole(2, KINDS[array.dtype.name]) + raw(8, name) + raw(9, values)


def attribute(name: str, value: Attribute) -> bytes:
    return raw(1, name) + _valued(value)


def _valued(value: Attribute) -> bytes:
    if isinstance(value, bytes):
        return raw(6, value) + whole(20, _GRAPH)
    if isinstance(value, str):
        return raw(4, value) + whole(20, _STRING)
    if isinstance(value, int):
        return whole(3, value) + whole(20, _INT)
    if isinstance(value, float):
        return _single(2, value) + whole(20, _FLOAT)
    if isinstance(value[0], str):
        return b"".join(raw(9, str(one)) for one in value) + whole(20, _STRINGS)
    if isinstance(value[0], int):
        return b"".join(whole(8, int(one)) for one in value) + whole(20, _INTS)
    return b"".join(_single(7, float(one)) for one in value) + whole(20, _FLOATS)


def node(operator: str, inputs: Iterable[str], outputs: Iterable[str], attributes: Mapping[str, Attribute]) -> bytes:
    """Return the use of an operator; an input that is left out is an empty name."""
    return (
        b"".join(raw(1, name) for name in inputs)
        + b"".join(raw(2, name) for name in outputs)
        + raw(4, operator)
        + b"".join(raw(5, attribute(name, value)) for name, value in attributes.items())
    )


def value(name: str, kind: str, shape: Sequence[Dimension]) -> bytes:
    """Return an input or output of these dimensions: sizes, or names of those that may be any."""
    dimensions = b"".join(raw(1, raw(2, size) if isinstance(size, str) else whole(1, size)) for size in shape)
    return raw(1, name) + raw(2, raw(1, whole(1, KINDS[kind]) + raw(2, dimensions)))


def graph(
    name: str, nodes: Iterable[bytes], tensors: Iterable[bytes], inputs: Iterable[bytes], outputs: Iterable[bytes]
) -> bytes:
    return (
        b"".join(raw(1, one) for one in nodes)
        + raw(2, name)
        + b"".join(raw(5, one) for one in tensors)
        + b"".join(raw(11, one) for one in inputs)
        + b"".join(raw(12, one) for one in outputs)
    )


def model(body: bytes, version: str, description: str, metadata: Mapping[str, str]) -> bytes:
    """Return a model file: its graph, the version of what wrote it, what is to be known, and texts by key."""
    return (
        whole(1, IR_VERSION)
        + raw(2, PRODUCER)
        + raw(3, version)
        + raw(6, description)
        + raw(7, body)
        + raw(8, whole(2, OPERATOR_SET))
        + b"".join(raw(14, raw(1, key) + raw(2, text)) for key, text in metadata.items())
    )
