"""Recurrent layers in ONNX: as its operators RNN, GRU and LSTM, or step by step where these do not know the cell.

The operators have gates in an order of their own, and both biases side by side; the GRU resets after the product
(linear_before_reset), and the LSTM's input P has the weights of `peephole`. Steps beyond a sequence's length give 0,
and states stop there. An input gate that is capped, and the cells slstm and rmslstm, are written as a loop (Scan) over
the steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from rnncli.errors import UsageError
from rnncli.kernels.cells.rmslstm import EPSILON
from rnncli.kernels.cells.rnn import ACTIVATIONS
from rnncli.nn.onnx.graph import Graph
from rnncli.nn.onnx.protobuf import Attribute
from rnncli.nn.recurrent import BidirectionalLayer, RecurrentLayer


class Operator(NamedTuple):
    """An operator, and the places of its gates among PyTorch's."""

    name: str
    order: tuple[int, ...]


OPERATORS = {
    "rnn": Operator("RNN", (0,)),
    "gru": Operator("GRU", (1, 0, 2)),  # r z n as z r h
    "lstm": Operator("LSTM", (0, 3, 1, 2)),  # i f g o as i o f c
    "peephole": Operator("LSTM", (0, 3, 1, 2)),
}
_ACTIVATIONS = {"tanh": "Tanh", "relu": "Relu", "sigmoid": "Sigmoid", "identity": "Affine"}  # 1·x + 0


class Batch(NamedTuple):
    """The sequences that are read: lengths int32 (batch,), and running (time, batch, 1), whether a step is within."""

    lengths: str
    running: str


class Read(NamedTuple):
    """A layer that was computed: y (time, batch, directions·H), and each state at the end, (directions, batch, H)."""

    y: str
    states: list[str]


def read(graph: Graph, layer: RecurrentLayer | BidirectionalLayer, x: str, batch: Batch, states: Sequence[str]) -> Read:
    """Return what a layer makes of x (time, batch, I) from these states, (directions, batch, H) each.

    With a skip connection, x is the input of the layer and, behind it, that of the network.
    """
    first = layer.directions[0]
    if first.cell.name in OPERATORS and not _is_capped(first):
        return _by_operator(graph, layer.directions, x, batch, states)
    if first.cell.name not in _STEPS:
        raise UsageError(f"model.cell: {first.cell.name} has no form in ONNX; train with another, such as lstm")
    return _by_steps(graph, layer.directions, x, batch, states)


def zero_states(graph: Graph, layer: RecurrentLayer | BidirectionalLayer, batch: str) -> list[str]:
    """Return states of zeros for a batch of so many sequences, a value of one axis."""
    first = layer.directions[0]
    shape = graph.concat([graph.whole(len(layer.directions)), batch, graph.whole(first.H)], axis=0)
    return [graph.add("Expand", graph.constant(0.0), shape) for _ in first.cell.state_names]


def _is_capped(layer: RecurrentLayer) -> bool:
    return layer.cell.caps and layer.capped is not None


def _input_weights(layer: RecurrentLayer) -> np.ndarray:
    """Return W (I, N) of all that a layer reads, of the skip connection last."""
    given = [one.value for one in layer.declared if "weight_skip" in one.name]
    return np.concatenate([layer.W.value, *given])


def _by_operator(
    graph: Graph, directions: Sequence[RecurrentLayer], x: str, batch: Batch, states: Sequence[str]
) -> Read:
    cell, H = directions[0].cell, directions[0].H
    operator = OPERATORS[cell.name]

    def gates(array: np.ndarray) -> np.ndarray:
        """Return an array (N, …) with its gates in the operator's order."""
        parts = array.reshape(cell.gates, H, *array.shape[1:])
        return np.concatenate([parts[place] for place in operator.order])

    def stacked(each: Callable[[RecurrentLayer], np.ndarray]) -> str:
        return graph.constant(np.stack([each(one) for one in directions]))

    weights = [
        stacked(lambda one: gates(_input_weights(one).T)),
        stacked(lambda one: gates(one.U.value.T)),
        stacked(lambda one: np.concatenate([gates(one.b_ih.value), gates(one.b_hh.value)])),
    ]
    attributes: dict[str, Attribute] = {"hidden_size": H}
    if len(directions) == 2:
        attributes["direction"] = "bidirectional"
    if operator.name == "GRU":
        attributes["linear_before_reset"] = 1
    activation = next(name for name, number in ACTIVATIONS.items() if number == directions[0].activation)
    if operator.name == "RNN" and activation != "tanh":
        attributes["activations"] = [_ACTIVATIONS[activation]] * len(directions)
        if activation == "identity":
            attributes["activation_alpha"] = [1.0] * len(directions)
            attributes["activation_beta"] = [0.0] * len(directions)
    own = [stacked(lambda one: one.own[0].value)] if cell.own else []
    y, *last = graph.several(operator.name, 1 + len(states), x, *weights, batch.lengths, *states, *own, **attributes)
    return Read(_side_by_side(graph, y, len(directions)), last)


def _side_by_side(graph: Graph, y: str, directions: int) -> str:
    """Return y (time, directions, batch, H) as (time, batch, directions·H)."""
    if directions == 1:
        return graph.add("Squeeze", y, graph.whole(1))
    return graph.add("Reshape", graph.add("Transpose", y, perm=[0, 2, 1, 3]), graph.whole(0, 0, -1))


def _by_steps(graph: Graph, directions: Sequence[RecurrentLayer], x: str, batch: Batch, states: Sequence[str]) -> Read:
    each = []
    for d, layer in enumerate(directions):
        before = [graph.add("Squeeze", graph.rows(one, d, d + 1), graph.whole(0)) for one in states]
        bias = layer.b_ih.value + layer.b_hh.value
        a = graph.add("Add", graph.add("MatMul", x, graph.constant(_input_weights(layer))), graph.constant(bias))
        each.append(_loop(graph, layer, a, batch.running, before))
    last = [
        graph.concat([graph.add("Unsqueeze", one, graph.whole(0)) for one in way], 0)
        for way in zip(*(one.states for one in each), strict=True)
    ]
    return Read(graph.concat([one.y for one in each], axis=2), last)


def _loop(graph: Graph, layer: RecurrentLayer, a: str, running: str, states: Sequence[str]) -> Read:
    """Return the steps of one direction from the input's contributions a (time, batch, N)."""
    U = graph.constant(layer.U.value)

    def step(body: Graph, a: str, before: Sequence[str]) -> list[str]:
        whole = body.add("Add", a, body.add("MatMul", before[0], U))
        return _STEPS[layer.cell.name](body, layer, body.several("Split", layer.cell.gates, whole, axis=1), before)

    return loop(graph, step, (a, layer.columns), running, states, layer.H, reverse=layer.reverse)


def loop(
    graph: Graph,
    step: Callable[[Graph, str, Sequence[str]], list[str]],
    given: tuple[str, int],
    running: str,
    states: Sequence[str],
    H: int,
    *,
    reverse: bool,
) -> Read:
    """Return what a step computes at each time, and the states at the end, from these states (batch, H).

    given: a value (time, batch, N), and N. step: given a graph, what is given at a time (batch, N), and the states
    before it, the states after it, of which the first is shown. running: see `Batch`.
    """
    body, (value, columns) = Graph("step", within=graph), given
    rows = body.fresh("rows")  # a size by a name of its own: of segments and of words there are others than of batches
    before = [body.input(body.fresh("state"), "float32", rows, H) for _ in states]
    now = body.input(body.fresh("given"), "float32", rows, columns)
    runs = body.input(body.fresh("running"), "bool", rows, 1)
    after = step(body, now, before)
    for new, old in zip(after, before, strict=True):
        body.output(body.fresh("state"), body.add("Where", runs, new, old), "float32", (rows, H))
    body.output(body.fresh("y"), body.add("Where", runs, after[0], body.constant(0.0)), "float32", (rows, H))
    way = int(reverse)
    *last, y = graph.several(
        "Scan",
        len(states) + 1,
        *states,
        value,
        running,
        body=body.encoded(),
        num_scan_inputs=2,
        scan_input_directions=[way, way],
        scan_output_directions=[way],
    )
    return Read(y, last)


def _lstm(body: Graph, layer: RecurrentLayer, gates: Sequence[str], before: Sequence[str]) -> list[str]:
    i, f, g, o = gates
    c = before[1]
    i, f = body.add("Sigmoid", i), body.add("Sigmoid", f)
    c = _remembered(body, layer, i, f, g, c)
    return [body.add("Mul", body.add("Sigmoid", o), body.add("Tanh", c)), c]


def _rmslstm(body: Graph, layer: RecurrentLayer, gates: Sequence[str], before: Sequence[str]) -> list[str]:
    """See `rnncli.kernels.cells.rmslstm`."""
    epsilon, gains = body.constant(EPSILON), (body.constant(1 + one) for one in layer.own[0].value.reshape(4, -1))

    def normed(gate: str, gain: str) -> str:
        square = body.add("ReduceMean", body.add("Mul", gate, gate), axes=[1])
        return body.add("Mul", gain, body.add("Div", gate, body.add("Sqrt", body.add("Add", square, epsilon))))

    return _lstm(body, layer, [normed(*one) for one in zip(gates, gains, strict=True)], before)


def _peephole(body: Graph, layer: RecurrentLayer, gates: Sequence[str], before: Sequence[str]) -> list[str]:
    i, f, g, o = gates
    c = before[1]
    p_i, p_o, p_f = (body.constant(one) for one in layer.own[0].value.reshape(3, -1))

    def seen(gate: str, weights: str, memory: str) -> str:
        return body.add("Sigmoid", body.add("Add", gate, body.add("Mul", weights, memory)))

    i, f = seen(i, p_i, c), seen(f, p_f, c)
    c = _remembered(body, layer, i, f, g, c)
    return [body.add("Mul", seen(o, p_o, c), body.add("Tanh", c)), c]


def _remembered(body: Graph, layer: RecurrentLayer, i: str, f: str, g: str, c: str) -> str:
    """Return c = f·c + i·tanh(g), where i may be capped."""
    if _is_capped(layer):
        i = body.add("Min", i, body.add("Sub", body.constant(1.0), f))
    return body.add("Add", body.add("Mul", f, c), body.add("Mul", i, body.add("Tanh", g)))


def _slstm(body: Graph, layer: RecurrentLayer, gates: Sequence[str], before: Sequence[str]) -> list[str]:
    """See `rnncli.kernels.cells.slstm`."""
    i, f, z, o = gates
    _, c, n, m = before
    zero, one = body.constant(0.0), body.constant(1.0)
    away = body.add("Exp", body.add("Neg", body.add("Abs", f)))
    log_f = body.add("Sub", body.add("Min", f, zero), body.add("Log", body.add("Add", one, away)))
    kept, begun = body.add("Add", log_f, m), body.add("Greater", n, zero)
    new = body.add("Where", begun, body.add("Max", kept, i), i)
    i = body.add("Exp", body.add("Sub", i, new))
    f = body.add("Where", begun, body.add("Exp", body.add("Sub", kept, new)), zero)
    c = body.add("Add", body.add("Mul", f, c), body.add("Mul", i, body.add("Tanh", z)))
    n = body.add("Add", body.add("Mul", f, n), i)
    return [body.add("Mul", body.add("Sigmoid", o), body.add("Div", c, n)), c, n, new]


_STEPS: dict[str, Callable[[Graph, RecurrentLayer, Sequence[str], Sequence[str]], list[str]]] = {
    "lstm": _lstm,
    "peephole": _peephole,
    "slstm": _slstm,
    "rmslstm": _rmslstm,
}
