"""What `windows`, `data.numeric` and `baselines` do to rows, as a graph in float64.

Rows are (time, batch, targets), all of them known; that there are `context` of them is certain where it is said.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from rnncli.data.numeric import FLAT
from rnncli.nn.onnx.graph import END, Graph
from rnncli.tasks.forecast.baselines import GROWTH, TOTAL_GROWTH
from rnncli.tasks.forecast.windows import HIGHEST

WIDE = "float64"


class Rows:
    """Operations on values of a graph in float64."""

    def __init__(self, graph: Graph):
        self.graph = graph

    def number(self, value: Any) -> str:
        return self.graph.constant(value, WIDE)

    def do(self, operator: str, *values: str | float) -> str:
        """Return the output of an operator; numbers are constants."""
        given = [one if isinstance(one, str) else self.number(one) for one in values]
        return self.graph.add(operator, *given)

    def mean(self, value: str) -> str:
        """Return the mean over time, (batch, …)."""
        return self.graph.add("ReduceMean", value, axes=[0], keepdims=0)

    def last(self, value: str, count: int) -> str:
        """Return the last `count` rows; fewer are an error where it runs."""
        rows = self.graph.rows(value, -count, END)
        shape = self.graph.add("Shape", value)
        rest = self.graph.add("Slice", shape, self.graph.whole(1), self.graph.whole(END), self.graph.whole(0))
        return self.graph.add("Reshape", rows, self.graph.concat([self.graph.whole(count), rest], axis=0))

    def row(self, value: str, place: int) -> str:
        """Return one row, (batch, …), by its place from the beginning or, below 0, from the end."""
        return self.graph.add("Gather", value, self.graph.constant(place, "int64"), axis=0)

    def ordered(self, value: str, count: int, axis: int) -> str:
        """Return the `count` values along an axis, the lowest first."""
        return self.graph.several("TopK", 2, value, self.graph.whole(count), axis=axis, largest=0, sorted=1)[0]

    def median(self, values: Sequence[str]) -> str:
        """Return the median of several values of one shape."""
        count = len(values)
        if count == 1:
            return values[0]
        axis = self.graph.whole(0)
        stacked = self.graph.concat([self.graph.add("Unsqueeze", one, axis) for one in values], axis=0)
        ordered = self.ordered(stacked, count, 0)
        low, high = (self.row(ordered, place) for place in ((count - 1) // 2, count // 2))
        return low if count % 2 else self.do("Mul", self.do("Add", low, high), 0.5)

    def softplus(self, value: str) -> str:
        tail = self.do("Exp", self.do("Neg", self.do("Abs", value)))
        return self.do("Add", self.do("Max", value, 0.0), self.do("Log", self.do("Add", tail, 1.0)))


def _box_cox(rows: Rows, y: str, power: float) -> str:
    return rows.do("Log", y) if power == 0 else rows.do("Div", rows.do("Sub", rows.do("Pow", y, power), 1.0), power)


def _box_cox_back(rows: Rows, z: str, power: float) -> str:
    if power == 0:
        return rows.do("Exp", rows.do("Min", z, HIGHEST))
    root = _clipped(rows, rows.do("Add", rows.do("Mul", z, power), 1.0), 0.0, float(np.exp(HIGHEST * power)))
    return rows.do("Pow", root, 1 / power)


def _log1p(rows: Rows, y: str, power: float) -> str:
    return rows.do("Log", rows.do("Add", y, 1.0))


def _expm1(rows: Rows, z: str, power: float) -> str:
    return rows.do("Sub", rows.do("Exp", _clipped(rows, z, 0.0, HIGHEST)), 1.0)


def _squared(rows: Rows, z: str, power: float) -> str:
    low = rows.do("Max", z, 0.0)
    return rows.do("Mul", low, low)


class Transform(NamedTuple):
    """A transform and the way back, of values and the power; see `windows.Transform`."""

    forward: Callable[[Rows, str, float], str]
    back: Callable[[Rows, str, float], str]


TRANSFORMS: dict[str, Transform] = {
    "none": Transform(lambda rows, y, power: y, lambda rows, z, power: z),
    "log": Transform(lambda rows, y, power: _box_cox(rows, y, 0.0), lambda rows, z, power: _box_cox_back(rows, z, 0.0)),
    "log1p": Transform(_log1p, _expm1),
    "sqrt": Transform(lambda rows, y, power: rows.do("Sqrt", y), _squared),
    "box-cox": Transform(_box_cox, _box_cox_back),
}


def _clipped(rows: Rows, value: str, low: float, high: float) -> str:
    return rows.do("Min", rows.do("Max", value, low), high)


def seasonal_error(rows: Rows, z: str, context: int, m: int) -> tuple[str, str]:
    m = min(m, context - 1)
    apart = rows.do("Sub", rows.graph.rows(z, m, context), rows.graph.rows(z, 0, context - m))
    return rows.row(z, -1), rows.mean(rows.do("Abs", apart))


def mean(rows: Rows, z: str, context: int, m: int) -> tuple[str, str]:
    return rows.number(0.0), rows.mean(rows.do("Abs", z))


def standard(rows: Rows, z: str, context: int, m: int) -> tuple[str, str]:
    centre = rows.mean(z)
    apart = rows.do("Sub", z, centre)
    return centre, rows.do("Sqrt", rows.mean(rows.do("Mul", apart, apart)))


def robust(rows: Rows, z: str, context: int, m: int) -> tuple[str, str]:
    ordered = rows.ordered(z, context, 0)

    def at(share: float) -> str:
        place = share * (context - 1)
        low, high = (rows.row(ordered, k) for k in (int(place), min(int(place) + 1, context - 1)))
        return rows.do("Add", low, rows.do("Mul", rows.do("Sub", high, low), place - int(place)))

    return at(0.5), rows.do("Mul", rows.do("Sub", at(0.75), at(0.25)), 0.5)


SCALERS: dict[str, Callable[[Rows, str, int, int], tuple[str, str]]] = {
    "seasonal-error": seasonal_error,
    "mean": mean,
    "standard": standard,
    "robust": robust,
}


def never_flat(rows: Rows, scale: str, z: str) -> str:
    largest = rows.graph.add("ReduceMax", rows.do("Abs", z), axes=[0], keepdims=0)
    flat = rows.graph.add("LessOrEqual", scale, rows.do("Mul", largest, FLAT))
    return rows.graph.add("Where", flat, rows.number(1.0), scale)


def last_value(rows: Rows, w: str, horizon: int, m: int) -> str:
    shape = rows.graph.concat([rows.graph.whole(horizon), rows.graph.whole(1), rows.graph.whole(1)], axis=0)
    return rows.graph.add("Expand", rows.last(w, 1), shape)


def seasonal_naive(rows: Rows, w: str, horizon: int, m: int) -> str:
    return rows.graph.add("Gather", rows.last(w, m), rows.graph.constant(np.arange(horizon) % m, "int64"), axis=0)


def seasonal_growth(rows: Rows, w: str, horizon: int, m: int) -> str:
    """See `baselines.seasonal_growth`; w has two seasons at least."""
    graph, two = rows.graph, rows.last(w, 2 * m)
    before, last = (
        graph.add("ReduceSum", graph.rows(two, first, first + m), graph.whole(0), keepdims=0) for first in (0, m)
    )
    grows = graph.add("And", *(graph.add("Greater", one, rows.number(0.0)) for one in (last, before)))
    ratio = graph.add("Where", grows, rows.do("Div", last, before), rows.number(1.0))
    growth = _clipped(rows, ratio, 1 / GROWTH, GROWTH)
    seasons = (1 + np.arange(horizon)[:, None, None] // m).astype(np.float64)
    factor = _clipped(rows, rows.do("Pow", growth, rows.number(seasons)), 1 / TOTAL_GROWTH, TOTAL_GROWTH)
    return rows.do("Mul", seasonal_naive(rows, w, horizon, m), factor)


def drift(rows: Rows, w: str, horizon: int, m: int) -> str:
    first, last = rows.row(w, 0), rows.row(w, -1)
    steps = rows.graph.cast(rows.graph.size(w, 0), WIDE)
    slope = rows.do("Div", rows.do("Sub", last, first), rows.do("Max", rows.do("Sub", steps, 1.0), 1.0))
    return rows.do("Add", last, rows.do("Mul", rows.number(np.arange(1.0, horizon + 1)[:, None, None]), slope))


NAIVE: dict[str, Callable[[Rows, str, int, int], str]] = {
    "last-value": last_value,
    "seasonal-naive": seasonal_naive,
    "seasonal-growth": seasonal_growth,
    "drift": drift,
}
"""The naive forecasts that have a form, by name."""


def naive_of(name: str, m: int, least: int) -> tuple[str, int]:
    """Return the naive forecast that `name` is where it reads `least` rows at least, and the rows that it needs."""
    if name == "seasonal-growth" and least < 2 * m:
        name = "seasonal-naive"
    needed = {"seasonal-naive": m, "seasonal-growth": 2 * m}.get(name, 1)
    return ("last-value", 1) if needed > least else (name, needed)
