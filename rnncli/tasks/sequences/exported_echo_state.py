"""An echo state network as a graph, where networks correct it; see `echo_state` and `rnncli.kernels.reservoir`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnncli.data.numeric import FAR
from rnncli.nn.onnx.graph import Graph
from rnncli.nn.onnx.recurrent import Batch, loop
from rnncli.tasks.sequences.echo_state import RING, UNITS, EchoState, rings
from rnncli.tasks.sequences.exported_numbers import by_itself, changes, filled, less_and_over


def scores(graph: Graph, model: EchoState, values: str, batch: Batch) -> str:
    """Return the scores (batch, L) for values (time, batch, C), both float64."""
    features = graph.cast(_features(graph, model, _steps(graph, model, values, batch), batch), "float64")
    centred = graph.add("Sub", features, graph.constant(model.centre, "float64"))
    found = graph.add("MatMul", centred, graph.constant(model.weights.T, "float64"))
    return graph.add("Add", found, graph.constant(model.intercept, "float64"))


def _steps(graph: Graph, model: EchoState, values: str, batch: Batch) -> str:
    """Return values and their differences, scaled, (time, batch, 2C) float32."""
    inputs = model.inputs
    x = filled(graph, by_itself(graph, values, batch) if inputs.by_series else values, inputs.means)
    steps = less_and_over(graph, graph.concat([x, changes(graph, x)], axis=2), inputs.centre, inputs.unit)
    low, high = (graph.constant(end, "float64") for end in (-FAR, FAR))
    return graph.cast(graph.add("Min", graph.add("Max", steps, low), high), "float32")


def _features(graph: Graph, model: EchoState, steps: str, batch: Batch) -> str:
    """Return the mean states of the segments and the last state of all rings, both ways, (batch, F)."""
    found = []
    shares = [_shares(graph, model.segments, steps, batch, reverse=reverse) for reverse in (False, True)]
    start = graph.add("Expand", graph.constant(0.0), graph.concat([graph.size(steps, 1), graph.whole(UNITS)], axis=0))
    for v, bias, leak in rings(2 * len(model.inputs.means), model.scale):
        a = graph.add("Add", graph.add("MatMul", steps, graph.constant(v)), graph.constant(bias))
        for reverse in (False, True):
            read = loop(graph, _Ring(leak), (a, UNITS), batch.running, [start], UNITS, reverse=reverse)
            over_time = graph.add("Transpose", read.y, perm=[1, 2, 0])
            means = graph.add("Transpose", graph.add("MatMul", over_time, shares[reverse]), perm=[0, 2, 1])
            found += [graph.add("Reshape", means, graph.whole(0, -1)), read.states[0]]
    return graph.concat(found, axis=1)


class _Ring:
    """The step of a ring: h + leak·(tanh(a + r·shift(h)) − h)."""

    def __init__(self, leak: np.float32):
        self.leak = leak

    def __call__(self, body: Graph, a: str, before: Sequence[str]) -> list[str]:
        h = before[0]
        shifted = body.concat([body.rows(h, UNITS - 1, UNITS, axis=1), body.rows(h, 0, UNITS - 1, axis=1)], axis=1)
        drive = body.add("Tanh", body.add("Add", a, body.add("Mul", shifted, body.constant(RING))))
        return [body.add("Add", h, body.add("Mul", body.add("Sub", drive, h), body.constant(self.leak)))]


def _shares(graph: Graph, S: int, steps: str, batch: Batch, *, reverse: bool) -> str:
    """Return the share of each step in the mean of each of S segments, (batch, time, S), in the order of reading."""
    lengths = graph.add("Unsqueeze", graph.cast(batch.lengths, "int64"), graph.whole(1, 2))
    time = graph.add("Squeeze", graph.size(steps, 0), graph.whole(0))
    place = graph.add("Range", graph.constant(0, "int64"), time, graph.constant(1, "int64"))
    place = graph.add("Unsqueeze", place, graph.whole(0, 2))
    if reverse:
        place = graph.add("Sub", graph.add("Sub", lengths, graph.constant(1, "int64")), place)

    def end(k: np.ndarray) -> str:
        """Return k·T // S of each segment and length T, (batch, 1, S)."""
        return graph.add("Div", graph.add("Mul", lengths, graph.constant(k, "int64")), graph.constant(S, "int64"))

    first = end(np.arange(S))
    last = graph.add("Max", end(np.arange(1, S + 1)), graph.add("Add", first, graph.constant(1, "int64")))
    within = graph.add("And", graph.add("GreaterOrEqual", place, first), graph.add("Less", place, last))
    count = graph.cast(graph.add("Sub", last, first), "float32")
    return graph.add("Div", graph.cast(within, "float32"), count)
