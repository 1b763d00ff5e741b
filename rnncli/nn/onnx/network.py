"""The network of a `NetworkShape` in ONNX: what it reads, its layers on top of one another, its poolings and its head.

Nothing is dropped, as outside of training. Values are float32, tokens and lengths int64.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from rnncli.errors import UsageError
from rnncli.nn.inputs import LinearHead
from rnncli.nn.network import Network
from rnncli.nn.onnx import recurrent
from rnncli.nn.onnx.graph import END, Graph
from rnncli.nn.onnx.recurrent import Batch, Read
from rnncli.nn.pooling import Attention, Last, Max, Mean, Pooling
from rnncli.nn.stack import Stack
from rnncli.nn.words import WordVectors

LOWEST = float("-inf")


class Computed(NamedTuple):
    """What a network computed: outputs (time, batch, O), or (batch, O) of one that pools; and each kind of state,
    (layers·directions, batch, H), at the end of each sequence."""

    outputs: str
    states: list[str]


class Spelt(NamedTuple):
    """What is told of words beside their numbers (time, batch): characters (letters, time, batch), how many each has
    (time, batch), and its affixes (kinds, time, batch), of a network that reads some."""

    characters: str
    letters: str
    affixes: str = ""


def batch_of(graph: Graph, steps: str, lengths: str) -> Batch:
    """Return the sequences of these lengths int64 (batch,); steps: any value whose first axis is time."""
    time = graph.add("Squeeze", graph.size(steps, 0), graph.whole(0))
    place = graph.add("Range", graph.constant(0, "int64"), time, graph.constant(1, "int64"))
    running = graph.add(
        "Less", graph.add("Unsqueeze", place, graph.whole(1, 2)), graph.add("Unsqueeze", lengths, graph.whole(0, 2))
    )
    return Batch(graph.cast(lengths, "int32"), running)


def vectors_of(graph: Graph, stack: Stack, tokens: str) -> str:
    """Return what the first layer of a stack reads of tokens (time, batch): (time, batch, I)."""
    if stack.shape.embedded:
        return graph.add("Gather", graph.weights(stack.embedding.value), tokens, axis=0)
    depth, ends = graph.constant(stack.shape.input_size, "int64"), graph.constant([0.0, 1.0])
    return graph.add("OneHot", tokens, depth, ends, axis=-1)


def words_of(graph: Graph, words: WordVectors, tokens: str, spelt: Spelt) -> str:
    """Return the vectors (time, batch, I) of words: looked up, composed of characters, and of affixes."""
    flat = graph.add("Reshape", spelt.characters, graph.whole(0, -1))
    letters = graph.add("Max", graph.add("Reshape", spelt.letters, graph.whole(-1)), graph.constant(1, "int64"))
    batch = batch_of(graph, flat, letters)
    (layer,) = layers_of(graph, words.spelling, vectors_of(graph, words.spelling, flat), batch)
    composed = _last(graph, layer)
    shape = graph.concat([graph.add("Shape", tokens), graph.whole(2 * words.C)], 0)
    parts = [graph.add("Gather", graph.weights(words.table.value), tokens, axis=0)] if words.E else []
    parts.append(graph.add("Reshape", composed, shape))
    for k, table in enumerate(words.affixes):
        numbers = graph.add("Squeeze", graph.rows(spelt.affixes, k, k + 1), graph.whole(0))
        parts.append(graph.add("Gather", graph.weights(table.value), numbers, axis=0))
    return graph.concat(parts, axis=2)


def layers_of(graph: Graph, stack: Stack, x: str, batch: Batch, states: Sequence[str] = ()) -> list[Read]:
    """Return all layers of a stack; states: of each kind those of all layers, by default zeros."""
    count, read, below = len(stack.layers[0].directions), [], x
    for l, layer in enumerate(stack.layers):
        begun = [graph.rows(one, l * count, (l + 1) * count) for one in states] or recurrent.zero_states(
            graph, layer, graph.add("Shape", batch.lengths)
        )
        skips = l > 0 and stack.shape.skip_connections
        read.append(recurrent.read(graph, layer, graph.concat([below, x], axis=2) if skips else below, batch, begun))
        below = read[-1].y
    return read


def computed(
    graph: Graph, network: Network, x: str, batch: Batch, states: Sequence[str] = (), last: int | None = None
) -> Computed:
    """Return what a network computes of x (time, batch, I); see `layers_of`.

    last: how many steps, counted from the end, have outputs, if not all.
    """
    read = layers_of(graph, network.stack, x, batch, states)
    topmost = read[-network.shape.layers_read :]
    ends = [graph.concat(list(one), axis=0) for one in zip(*(layer.states for layer in read), strict=True)]
    if network.poolings:
        pooled = [_pooled(graph, *both, batch) for both in zip(network.poolings, topmost, strict=True)]
        return Computed(head_of(graph, network.head, graph.concat(pooled, axis=1)), ends)
    h = graph.concat([layer.y for layer in topmost], axis=2)
    if last is not None:
        h = graph.rows(h, -last, END)
    return Computed(head_of(graph, network.head, h), ends)


def within(graph: Graph, value: str, batch: Batch) -> str:
    """Return a value (time, batch, …) with 0 at steps beyond a sequence's length."""
    return graph.add("Where", batch.running, value, graph.constant(0.0))


def head_of(graph: Graph, head: LinearHead, h: str) -> str:
    """Return the outputs (…, O) of what a head reads of all its layers, side by side."""
    tied = len(head.declared) == 1
    weights = (
        graph.add("Transpose", graph.weights(head.projections[0].W.value.T), perm=[1, 0])
        if tied
        else graph.weights(head.weight.value)
    )
    return graph.add("Add", graph.add("MatMul", h, weights), graph.constant(head.bias.value))


def _pooled(graph: Graph, pooling: Pooling, layer: Read, batch: Batch) -> str:
    """Return the vector (batch, F) of each sequence."""
    made = _POOLED.get(type(pooling))
    if made is None:
        raise UsageError("model.pooling: has no form in ONNX; train with another, such as last")
    return made(graph, pooling, layer, batch)


def _mean(graph: Graph, pooling: Pooling, layer: Read, batch: Batch) -> str:
    lengths = graph.add("Unsqueeze", graph.cast(batch.lengths, "float32"), graph.whole(1))
    return graph.add("Div", graph.add("ReduceSum", layer.y, graph.whole(0), keepdims=0), lengths)


def _maximum(graph: Graph, pooling: Pooling, layer: Read, batch: Batch) -> str:
    running = graph.add("Where", batch.running, layer.y, graph.constant(LOWEST))
    return graph.add("ReduceMax", running, axes=[0], keepdims=0)


def _attention(graph: Graph, pooling: Pooling, layer: Read, batch: Batch) -> str:
    assert isinstance(pooling, Attention)
    scores = graph.add("MatMul", layer.y, graph.constant(pooling.query.value[:, None]))
    shares = graph.add("Softmax", graph.add("Where", batch.running, scores, graph.constant(LOWEST)), axis=0)
    return graph.add("ReduceSum", graph.add("Mul", layer.y, shares), graph.whole(0), keepdims=0)


def _last(graph: Graph, layer: Read) -> str:
    """Return the hidden state (batch, directions·H) at the end of each sequence; of the backward way, at its start."""
    return graph.add("Reshape", graph.add("Transpose", layer.states[0], perm=[1, 0, 2]), graph.whole(0, -1))


_POOLED: dict[type[Pooling], Callable[[Graph, Pooling, Read, Batch], str]] = {
    Last: lambda graph, pooling, layer, batch: _last(graph, layer),
    Mean: _mean,
    Max: _maximum,
    Attention: _attention,
}
