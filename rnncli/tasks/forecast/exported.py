"""Forecasts for other programs: raw rows in, raw rows out; transform, scaling and baseline are in the graph.

All networks are in one graph, with the median of their forecasts and what that is averaged with. Values are float64 up
to the networks, as rnncli has them. Covariates stand in as features: numbers as the data have them, a column of 0 and 1
for each word, and the calendar's as rnncli makes them. Rows are all known, and a whole context of them there.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from rnncli.errors import UsageError
from rnncli.kernels.forecast_losses import LEAST, LEAST_SCALE
from rnncli.nn.network import Network
from rnncli.nn.onnx import segments
from rnncli.nn.onnx.graph import END, Graph
from rnncli.nn.onnx.network import batch_of, computed
from rnncli.nn.onnx.recurrent import Batch
from rnncli.nn.segments import SegmentNetwork
from rnncli.tasks import exported
from rnncli.tasks.exported import InOnnx, InTorch
from rnncli.tasks.forecast import windows
from rnncli.tasks.forecast.backtest import NETWORK
from rnncli.tasks.forecast.baselines import LOOKED_BACK
from rnncli.tasks.forecast.decoders import Direct
from rnncli.tasks.forecast.exported_features import Given, given, names_of, sample
from rnncli.tasks.forecast.exported_rows import NAIVE, SCALERS, TRANSFORMS, WIDE, Rows, naive_of, never_flat
from rnncli.tasks.forecast.losses import LEVELS, ForecastLoss
from rnncli.tasks.forecast.members import Average, Member, Members
from rnncli.tasks.forecast.paths import Walk
from rnncli.tasks.forecast.recursive import Recursive
from rnncli.tasks.forecast.windows import Windowing

if TYPE_CHECKING:
    from rnncli.tasks.forecast.forecaster import Forecaster

_INTERVALS = "prediction intervals: they come from the errors of held-out windows, a table that rnncli predict reads"
_FURTHER = "rows beyond the horizon"
_FIXED = ("last-value", "none")  # scalings by what the whole series was in training
_LOSSES = ("mae", "mse", "quantile", "gaussian", "student-t", "negative-binomial")


def in_onnx(model: Forecaster) -> InOnnx:
    _require_written(model)
    graph, members = Graph(), model.members
    rows, read = Rows(graph), given(graph, model)
    windowing, made = members.first.windowing, [_Made(rows, read, member) for member in members.members]
    points = [one.point() for one in made]
    if members.with_baseline:
        points.append(made[0].baseline_alone())
    forecast = _averaged(rows, read, windowing, rows.median(points), members.average)
    shape = (windowing.horizon, "batch", model.panel.values.shape[1])
    graph.output("forecast", forecast, WIDE, shape)
    past = sample(model, least_rows(members))
    inputs, outputs = dict(past.inputs), {"forecast": Walk(members).points(past.past, windowing.horizon)}
    if quantiles := [one.quantiles() for one in made if one.loss.quantile is not None]:
        graph.output("quantiles", rows.median(quantiles), WIDE, (len(LEVELS), *shape))
        found = members.quantiles(past.past.features, LEVELS.tolist(), 0)
        assert found is not None
        outputs["quantiles"] = found
    return InOnnx(graph, _about(model), inputs, outputs, (_INTERVALS, _FURTHER, *_answers_by(model)))


def in_torch(model: Forecaster) -> InTorch:
    _require_written(model)
    members = model.members
    if (count := len(members.members)) > 1:
        raise UsageError(
            f"--to pytorch: this forecast is the median of {count} networks; use --to onnx, or train with "
            "training.seeds: 1"
        )
    if members.average is not None:
        raise UsageError(
            "--to pytorch: this forecast is averaged with a baseline; add --no-average for the network's own, or use "
            "--to onnx"
        )
    network, decoder = members.first.network, members.first.decoder
    if not (isinstance(network, Network) and isinstance(decoder, Direct)):
        raise UsageError("--to pytorch: model.decoder: segments has no module in PyTorch; use --to onnx")
    exported.require_modules(network)
    frame = members.first.frame(sample(model, least_rows(members)).past.features)
    steps = decoder.steps(frame).astype(np.float32)
    lengths = [len(steps)] * steps.shape[1]
    return InTorch(network, _about(model), steps, exported.run(network, steps, lengths).outputs, lengths)


def least_rows(members: Members) -> int:
    """Return how many rows before a forecast there must be."""
    needed = 1
    if members.average is not None:
        _, needed = _averaged_with(members.first.windowing, members.average, members.context)
    return max(members.context, needed)


def _averaged_with(windowing: Windowing, average: Average, context: int) -> tuple[str, int]:
    return naive_of(average.baseline, windowing.season, max(context, LOOKED_BACK))


def _require_written(model: Forecaster) -> None:
    """Raise UsageError for what has no form."""
    average, data, residual = model.members.average, model.data, model.data.residual or "none"
    for key, value, known in (
        *(("data.scaling", scaling, (*SCALERS, *_FIXED)) for scaling in data.scalings),
        ("data.transform", data.transform, TRANSFORMS),
        ("data.residual", residual, ("none", *NAIVE)),
        ("training.loss", model.config.training.loss, _LOSSES),
    ):
        if value not in known:
            raise UsageError(f"{key}: {value} is not exported; train with another, such as {next(iter(known))}")
    if isinstance(model.members.first.decoder, Recursive):
        raise UsageError(
            "model.decoder: recursive reads its own forecasts row by row, which is no single graph; train with "
            "model.decoder: direct or segments"
        )
    if model.reconciliation is not None:
        raise UsageError(
            "data.reconcile: forecasts that are made to add up need all series at once; train with data.reconcile: none"
        )
    if average is not None and average.baseline not in NAIVE:
        raise UsageError(
            f"training.average: the forecast is averaged with {average.baseline}, which is not exported; add "
            "--no-average for the network's own, or train with training.average: false"
        )


def _answers_by(model: Forecaster) -> tuple[str, ...]:
    if model.left_out is not None:
        return (f"the average with {model.left_out.baseline}, by which predict answers, and the run was scored",)
    if model.method == NETWORK:
        return ()
    return (
        f"{model.method}, which was at least as good on validation, and by which predict answers without --network",
    )


def _averaged(rows: Rows, read: Given, windowing: Windowing, forecast: str, average: Average | None) -> str:
    """Return the forecast, averaged with that of a naive one if `average` says so; see `paths.Walk`."""
    if average is None:
        return forecast
    seen = rows.graph.rows(read.values, -LOOKED_BACK, END)
    name, _ = _averaged_with(windowing, average, 1)
    naive = NAIVE[name](rows, seen, windowing.horizon, windowing.season)
    least = rows.graph.add("ReduceMin", seen, axes=[0], keepdims=0)
    without = rows.do("Less", naive, float(windows.TRANSFORMS[windowing.transform].least))
    naive = _possible(rows, windowing, rows.graph.add("Where", without, least, naive))
    ours, theirs = rows.do("Mul", forecast, average.share), rows.do("Mul", naive, 1 - average.share)
    return rows.do("Add", ours, theirs)


def _possible(rows: Rows, windowing: Windowing, values: str) -> str:
    return rows.do("Max", values, 0.0) if windowing.non_negative else values


class _Made:
    """The forecast of one member, put together in the order of `Member.point`."""

    def __init__(self, rows: Rows, read: Given, member: Member):
        self.rows, self.read, self.member, self.loss = rows, read, member, member.loss
        self.windowing = windowing = member.windowing
        self.values = rows.last(read.values, windowing.context)
        z = self._forward(self.values)
        self.centre, self.scale = self._scaled(z)
        self.baseline = self._baseline()
        self.parameters = self._run(rows.do("Div", rows.do("Sub", z, self.centre), self.scale))

    def point(self) -> str:
        return self._back(_point(self.rows, self.loss, self.parameters))

    def baseline_alone(self) -> str:
        return self._in_own_units(self.baseline)

    def quantiles(self) -> str:
        """Return the forecasts at LEVELS, (levels, horizon, batch, targets)."""
        return self._back(_quantiles(self.rows, self.loss, self.parameters))

    def _forward(self, y: str) -> str:
        return TRANSFORMS[self.windowing.transform].forward(self.rows, y, self.windowing.power)

    def _back(self, corrections: str) -> str:
        return self._in_own_units(self.rows.do("Add", self.baseline, self.rows.do("Mul", corrections, self.scale)))

    def _in_own_units(self, z: str) -> str:
        made = TRANSFORMS[self.windowing.transform].back(self.rows, z, self.windowing.power)
        return _possible(self.rows, self.windowing, made)

    def _scaled(self, z: str) -> tuple[str, str]:
        """Return the centre and the scale, (batch, targets) each."""
        name = self.windowing.scaling
        if name in SCALERS:
            centre, scale = SCALERS[name](self.rows, z, self.windowing.context, self.windowing.season)
            return centre, never_flat(self.rows, scale, z)
        centre, scale = (
            self.rows.graph.add("Gather", self.rows.number(one), self.read.series, axis=0)
            for one in self.windowing.fixed
        )
        return (self.rows.row(z, -1) if name == "last-value" else centre), scale

    def _baseline(self) -> str:
        """Return the forecast to correct, which horizon and batch are spread over."""
        windowing, name = self.windowing, self.read.residual
        if windowing.baseline is None:
            return self.centre
        name, _ = naive_of(name, windowing.season, windowing.context)
        return self._forward(NAIVE[name](self.rows, self.values, windowing.horizon, windowing.season))

    def _run(self, x: str) -> str:
        """Return the parameters (horizon, batch, targets, P) of each value ahead, in float64."""
        graph, sizes, network = self.rows.graph, self.member.decoder.sizes, self.member.network
        context, horizon = self.windowing.context, self.windowing.horizon
        columns = [x]
        if sizes.masked:
            columns.append(self.rows.do("Add", self.rows.do("Mul", x, 0.0), 1.0))
        if sizes.past:
            columns.append(self.rows.last(self.read.past, context))
        reads_on = sizes.known_covariates > 0
        if reads_on:
            columns.append(graph.rows(self._known(), 0, context))
        if sizes.static:
            columns.append(self._static(context))
        steps = graph.concat(columns, axis=2)
        if isinstance(network, SegmentNetwork):
            made = self._run_segments(graph.cast(steps, "float32"), network)
            return graph.add("Transpose", made, perm=[1, 0, 2, 3])
        assert isinstance(network, Network)
        if reads_on:
            steps = graph.concat([self._marked(steps, 0.0), self._marked(self._coming(), 1.0)], axis=0)
        steps, batch = graph.cast(steps, "float32"), self._batch(steps)
        outputs = graph.cast(computed(graph, network, steps, batch, last=horizon if reads_on else 1).outputs, WIDE)
        if reads_on:
            return graph.add("Reshape", outputs, graph.whole(horizon, -1, sizes.targets, sizes.parameters))
        by_window = graph.add("Reshape", outputs, graph.whole(-1, horizon, sizes.targets, sizes.parameters))
        return graph.add("Transpose", by_window, perm=[1, 0, 2, 3])

    def _run_segments(self, steps: str, network: SegmentNetwork) -> str:
        """Return the parameters (batch, horizon, targets, P) of each value ahead; rows of the last segment that are
        beyond the horizon are left out."""
        graph, sizes, horizon = self.rows.graph, self.member.decoder.sizes, self.windowing.horizon
        known, rest = "", network.shape.segments * network.shape.segment - horizon
        if sizes.known_covariates:
            known = self._known_of_horizon()
            if rest:
                blank = self.rows.do("Mul", graph.rows(known, 0, 1), 0.0)
                known = graph.concat([known, *[blank] * rest], axis=0)
            known = graph.cast(known, "float32")
        outputs = graph.cast(segments.computed(graph, network, steps, known, self.read.series), WIDE)
        each = graph.whole(0, horizon, sizes.targets, sizes.parameters)
        return graph.add("Reshape", graph.rows(outputs, 0, horizon, axis=1), each)

    def _batch(self, steps: str) -> Batch:
        graph = self.rows.graph
        time = graph.size(steps, 0)
        return batch_of(graph, steps, graph.add("Expand", time, graph.size(steps, 1)))

    def _known(self) -> str:
        return self.rows.last(self.read.known, self.windowing.context + self.windowing.horizon)

    def _known_of_horizon(self) -> str:
        """Return the known covariates (horizon, batch, K) of the rows that are forecast."""
        context = self.windowing.context
        return self.rows.graph.rows(self._known(), context, context + self.windowing.horizon)

    def _static(self, count: int) -> str:
        shape = self.rows.graph.whole(count, 1, 1)
        return self.rows.graph.add(
            "Expand", self.rows.graph.add("Unsqueeze", self.read.static, self.rows.graph.whole(0)), shape
        )

    def _coming(self) -> str:
        """Return the inputs of the rows ahead: zeros in place of values, and what is known of them."""
        graph, sizes, horizon = self.rows.graph, self.member.decoder.sizes, self.windowing.horizon
        known = self._known_of_horizon()
        blank = sizes.inputs - sizes.known_covariates - sizes.static
        one = self.rows.do("Mul", graph.rows(known, 0, 1, axis=2), 0.0)
        zeros = graph.add("Expand", one, graph.whole(1, 1, blank))
        return graph.concat([zeros, known, *([self._static(horizon)] if sizes.static else [])], axis=2)

    def _marked(self, steps: str, flag: float) -> str:
        """Return steps with a further column that tells rows ahead from others."""
        one = self.rows.do("Mul", self.rows.graph.rows(steps, 0, 1, axis=2), 0.0)
        return self.rows.graph.concat([steps, self.rows.do("Add", one, flag)], axis=2)


def _first(rows: Rows, p: str, place: int = 0) -> str:
    """Return one of the parameters (…, P) of each value."""
    return rows.graph.add("Gather", p, rows.graph.constant(place, "int64"), axis=-1)


def _point(rows: Rows, loss: ForecastLoss, p: str) -> str:
    """Return the correction of each value; see `losses`."""
    if not loss.signed:
        return rows.do("Add", rows.softplus(_first(rows, p)), LEAST)
    if loss.parameters == len(LEVELS):
        return _first(rows, rows.ordered(p, len(LEVELS), -1), len(LEVELS) // 2)
    return _first(rows, p)


def _quantiles(rows: Rows, loss: ForecastLoss, p: str) -> str:
    if loss.parameters == len(LEVELS):
        return rows.graph.add("Transpose", rows.ordered(p, len(LEVELS), -1), perm=[3, 0, 1, 2])
    scale = rows.do("Add", rows.softplus(_first(rows, p, 1)), LEAST_SCALE)
    away = np.array([NormalDist().inv_cdf(level) for level in LEVELS.tolist()]).reshape(-1, 1, 1, 1)
    return rows.do("Add", _first(rows, p), rows.do("Mul", scale, rows.number(away)))


def _about(model: Forecaster) -> dict[str, Any]:
    """Return what is told of inputs and outputs."""
    windowing, members = model.members.first.windowing, model.members
    about: dict[str, Any] = {
        "task": "forecast",
        "targets": list(model.columns.targets),
        "series": list(model.trained_on),
        "rows": {"least": least_rows(members), "context": members.context, "horizon": windowing.horizon},
        "scaling": [one.windowing.scaling for one in members.members],
        "transform": windowing.transform,
        "residual": model.data.residual,
        "levels": LEVELS.tolist(),
    }
    return about | names_of(model)
