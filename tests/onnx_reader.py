"""A reader of ONNX files for tests, as small as can be: messages as lists of (field, value), and what is in them."""

import numpy as np

ELEMENTS = {1: "float32", 6: "int32", 7: "int64", 9: "bool", 11: "float64"}
GRAPH, OPSET, METADATA, IR, DESCRIPTION = 7, 8, 14, 1, 6
NODES, TENSORS, INPUTS, OUTPUTS = 1, 5, 11, 12
BODY = 6  # of an attribute


def _varint(content, at):
    number, shift = 0, 0
    while True:
        byte = content[at]
        number |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return number, at


def fields(content):
    """The fields of a message, in their order."""
    found, at = [], 0
    while at < len(content):
        key, at = _varint(content, at)
        if key & 7 == 0:
            value, at = _varint(content, at)
        else:
            size, at = (4, at) if key & 7 == 5 else _varint(content, at)
            value, at = content[at : at + size], at + size
        found.append((key >> 3, value))
    assert at == len(content)
    return found


def every(content, field):
    return [value for number, value in fields(content) if number == field]


def one(content, field):
    (value,) = every(content, field)
    return value


def graph_of(content):
    return one(content, GRAPH)


def metadata(content):
    """The texts of a model file by key."""
    return {one(pair, 1).decode(): one(pair, 2).decode() for pair in every(content, METADATA)}


def tensors(graph):
    """The constants of a graph by name."""
    found = {}
    for tensor in every(graph, TENSORS):
        values = np.frombuffer(one(tensor, 9), ELEMENTS[one(tensor, 2)])
        found[one(tensor, 8).decode()] = values.reshape(every(tensor, 1))
    return found


def nodes(graph):
    """(operator, inputs, outputs, attributes) of each node; those of an attribute are its fields."""
    return [
        (
            one(node, 4).decode(),
            [name.decode() for name in every(node, 1)],
            [name.decode() for name in every(node, 2)],
            {one(each, 1).decode(): each for each in every(node, 5)},
        )
        for node in every(graph, NODES)
    ]


def names(graph, field):
    """The names of a graph's inputs or outputs."""
    return [one(value, 1).decode() for value in every(graph, field)]


def bodies(graph):
    """The graph and those of its loops."""
    return [graph, *(one(node[3]["body"], BODY) for node in nodes(graph) if "body" in node[3])]
