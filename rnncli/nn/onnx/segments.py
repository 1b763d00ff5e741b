"""A segment network in ONNX; see `rnncli.nn.segments`."""

from __future__ import annotations

from rnncli.nn.onnx import recurrent
from rnncli.nn.onnx.graph import Graph
from rnncli.nn.onnx.network import batch_of, head_of, layers_of
from rnncli.nn.segments import SegmentNetwork


def computed(graph: Graph, network: SegmentNetwork, x: str, known: str = "", channels: str = "") -> str:
    """Return the outputs (batch, segments·segment, O) for x (time, batch, I), whole segments.

    known: covariates (segments·segment, batch, K) of the rows that are forecast, of a network that reads some; channels
    int64 (batch,): the kind of series of each, of one that tells some apart.
    """
    shape, w, M, H = network.shape, network.shape.segment, network.shape.segments, network.shape.hidden_size
    segments = _in_segments(graph, x, w, shape.input_size, [0, 2, 1, 3], (0, 0, -1))
    weights, bias = graph.constant(network.input.weight.value), graph.constant(network.input.bias.value)
    e = graph.add("Relu", graph.add("Add", graph.add("MatMul", segments, weights), bias))
    windows = graph.size(segments, 1)
    read = layers_of(graph, network.encoder, e, batch_of(graph, e, _filled(graph, graph.size(e, 0), windows)))

    def of_each_segment(value: str, size: int) -> str:
        """Return a value (batch, 1, size) or (1, M, size) for all segments of all windows, (1, batch·M, size)."""
        spread = graph.add("Expand", value, graph.concat([windows, graph.whole(M, size)], axis=0))
        return graph.add("Reshape", spread, graph.whole(1, -1, size))

    table = graph.constant(network.position.table.value[None])
    columns = [of_each_segment(table, shape.position_size)]
    if shape.channels > 1:
        kinds = graph.add("Gather", graph.constant(network.channel.table.value), channels, axis=0)
        columns.append(of_each_segment(graph.add("Unsqueeze", kinds, graph.whole(1)), shape.channel_size))
    if shape.known_size:
        columns.append(_in_segments(graph, known, w, shape.known_size, [2, 0, 1, 3], (1, -1, w * shape.known_size)))
    start = of_each_segment(graph.add("Transpose", read[-1].states[0], perm=[1, 0, 2]), H)
    x = graph.concat(columns, axis=2)
    batch = batch_of(graph, x, _filled(graph, graph.whole(1), graph.size(x, 1)))
    (layer,) = network.decoder.layers
    others = recurrent.zero_states(graph, layer, graph.size(x, 1))[1:]
    (made,) = layers_of(graph, network.decoder, x, batch, [start, *others])
    shape_of_rows = graph.concat([windows, graph.whole(M * w, shape.output_size)], axis=0)
    return graph.add("Reshape", head_of(graph, network.head, made.y), shape_of_rows)


def _in_segments(graph: Graph, x: str, w: int, size: int, order: list[int], shape: tuple[int, ...]) -> str:
    """Return rows (time, batch, size) in segments of w, (segments, w, batch, size), in another order and shape."""
    whole = graph.concat([graph.whole(-1, w), graph.size(x, 1), graph.whole(size)], axis=0)
    return graph.add("Reshape", graph.add("Transpose", graph.add("Reshape", x, whole), perm=order), graph.whole(*shape))


def _filled(graph: Graph, value: str, count: str) -> str:
    """Return a value of one axis so many times."""
    return graph.add("Expand", value, count)
