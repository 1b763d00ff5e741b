"""What `readers.Numbers` does to values, as a graph: in float64 as there, and float32 for the network."""

from __future__ import annotations

import numpy as np

from rnncli.data.numeric import FLAT
from rnncli.nn.onnx.graph import Graph
from rnncli.nn.onnx.recurrent import Batch
from rnncli.tasks.sequences.readers import Numbers


def scaled(graph: Graph, reader: Numbers, values: str, batch: Batch) -> str:
    """Return the network's inputs (time, batch, I) for values (time, batch, C), of which those of a network with masks
    may be NaN."""
    complete = by_itself(graph, values, batch) if reader.by_series else values
    if reader.masks:
        assert reader.means is not None
        complete = filled(graph, complete, reader.means)
    x = less_and_over(graph, complete, reader.centre, reader.scale)
    inputs = [x]
    if reader.differences is not None:
        inputs.append(graph.add("Div", changes(graph, x), graph.constant(reader.differences, "float64")))
    columns = [graph.cast(one, "float32") for one in inputs]
    if reader.masks:
        columns.append(graph.cast(graph.add("Not", graph.add("IsNaN", values)), "float32"))
    return graph.concat(columns, axis=2)


def filled(graph: Graph, values: str, means: np.ndarray) -> str:
    """Return values (time, batch, C) with means (C,) where they are NaN."""
    return graph.add("Where", graph.add("IsNaN", values), graph.constant(means, "float64"), values)


def less_and_over(graph: Graph, values: str, centre: np.ndarray, scale: np.ndarray) -> str:
    centred = graph.add("Sub", values, graph.constant(centre, "float64"))
    return graph.add("Div", centred, graph.constant(scale, "float64"))


def changes(graph: Graph, x: str) -> str:
    """Return the differences from the step before, 0 at the first step."""
    before = graph.concat([graph.rows(x, 0, 1), graph.rows(x, 0, -1)], axis=0)
    return graph.add("Sub", x, before)


def by_itself(graph: Graph, values: str, batch: Batch) -> str:
    """Return each sequence less the mean of each of its columns, in units of its standard deviation."""
    there = graph.add("And", batch.running, graph.add("Not", graph.add("IsNaN", values)))
    zero, one, over_time = graph.constant(0, "float64"), graph.constant(1, "float64"), graph.whole(0)

    def total(value: str) -> str:
        return graph.add("ReduceSum", graph.add("Where", there, value, zero), over_time)

    count = graph.add("ReduceSum", graph.cast(there, "float64"), over_time)
    centred = graph.add("Sub", values, graph.add("Div", total(values), count))
    scale = graph.add("Sqrt", graph.add("Div", total(graph.add("Mul", centred, centred)), count))
    largest = graph.add("ReduceMax", graph.add("Where", there, graph.add("Abs", values), zero), axes=[0])
    flat = graph.add("LessOrEqual", scale, graph.add("Mul", graph.constant(FLAT, "float64"), largest))
    return graph.add("Div", centred, graph.add("Where", flat, one, scale))
