"""The inputs of an exported forecast: rows, covariates as features, which series each window is of."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rnncli.nn.onnx.graph import Graph
from rnncli.tasks.forecast.calendar_features import calendar_features
from rnncli.tasks.forecast.exported_rows import WIDE
from rnncli.tasks.forecast.features import Encodings
from rnncli.tasks.forecast.paths import Past
from rnncli.tasks.forecast.windows import Features

if TYPE_CHECKING:
    from rnncli.tasks.forecast.forecaster import Forecaster

_WINDOWS = 2  # of a test vector


class Given(NamedTuple):
    """Values of a graph: rows (time, batch, targets); scaled covariates: past ones (time, batch, P), known ones (time +
    horizon, batch, K), static ones (batch, Z); series (batch,), their numbers. residual: the baseline to correct."""

    values: str
    past: str
    known: str
    static: str
    series: str
    residual: str


class Sample(NamedTuple):
    """Windows of a test vector, as inputs of the graph and as `paths.Walk` reads them."""

    inputs: dict[str, np.ndarray]
    past: Past


class Columns(NamedTuple):
    """The features of one kind of covariates: their names, and what numbers are scaled by, (K,) each."""

    names: list[str]
    centre: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, encodings: Encodings, calendar: list[str] | None = None) -> Columns:
        names, centre, scale = list[str](), list[float](), list[float]()
        for one in encodings:
            names += [f"{one.name}={word}" for word in one.words] or [one.name]
            centre += [0.0] * len(one.words) or [one.centre]
            scale += [1.0] * len(one.words) or [one.scale]
        more = calendar or []
        return cls(names + more, np.array(centre + [0.0] * len(more)), np.array(scale + [1.0] * len(more)))


def columns_of(model: Forecaster) -> dict[str, Columns]:
    """Return the features by the name of their input; none of a kind that the model does not read."""
    encoders = model.fitted.encoders
    calendar: list[str] = []
    if encoders.calendar and model.panel.timelines:
        calendar += calendar_features(model.panel.timelines[0], 1, 0)[0]
    calendar += encoders.holidays
    found = {
        "past": Columns.of(encoders.past),
        "known": Columns.of(encoders.known_covariates, calendar),
        "static": Columns.of(encoders.static),
    }
    return {name: columns for name, columns in found.items() if columns.names}


def names_of(model: Forecaster) -> dict[str, list[str]]:
    return {name: columns.names for name, columns in columns_of(model).items()}


def reads_series(model: Forecaster) -> bool:
    """True if a window is scaled by what its whole series was, or if a network tells series apart."""
    members = model.members.members
    return members[0].decoder.tells_apart or any(one.windowing.scaling in ("none", "last-value") for one in members)


def given(graph: Graph, model: Forecaster) -> Given:
    """Declare the inputs of the graph."""
    values = graph.input("values", WIDE, "time", "batch", model.panel.values.shape[1])
    axes = {"past": ("time", "batch"), "known": ("time_and_horizon", "batch"), "static": ("batch",)}
    scaled = dict.fromkeys(axes, "")
    for name, columns in columns_of(model).items():
        raw = graph.input(name, WIDE, *axes[name], len(columns.names))
        less = graph.add("Sub", raw, graph.constant(columns.centre, WIDE))
        scaled[name] = graph.add("Div", less, graph.constant(columns.scale, WIDE))
    series = graph.input("series", "int64", "batch") if reads_series(model) else ""
    return Given(values, scaled["past"], scaled["known"], scaled["static"], series, model.data.residual or "")


def sample(model: Forecaster, rows: int) -> Sample:
    """Return windows of the last rows of the first series, and of the same the other way round."""
    panel, horizon = model.panel, model.members.first.windowing.horizon
    last = panel.values[panel.rows(0)][-rows:]
    last = np.concatenate([np.repeat(last[:1], rows - len(last), axis=0), last])
    values = np.stack([last, last[::-1]], axis=1)
    columns = columns_of(model)

    def made(name: str, *shape: int) -> tuple[np.ndarray, np.ndarray]:
        """Return features of a kind, (…, K), as they stand in the data, and as networks read them."""
        if name not in columns:
            return np.zeros((*shape, 0)), np.zeros((*shape, 0))
        one = columns[name]
        waves = np.sin(np.arange(np.prod(shape) * len(one.names), dtype=float)).reshape(*shape, -1)
        return one.centre + one.scale * waves, waves

    series = np.zeros(_WINDOWS, np.int64)
    shapes = {"past": (rows, _WINDOWS), "known": (rows + horizon, _WINDOWS), "static": (_WINDOWS,)}
    both = {name: made(name, *shape) for name, shape in shapes.items()}
    features = Features(
        values, np.ones(values.shape, bool), both["past"][1], both["known"][1], both["static"][1], series
    )
    inputs = {"values": values, **{name: both[name][0] for name in columns}}
    if reads_series(model):
        inputs["series"] = series
    return Sample(inputs, Past(features, np.full((_WINDOWS, values.shape[2]), rows)))
