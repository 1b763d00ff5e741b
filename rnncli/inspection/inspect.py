"""Backward passes through some batches of a learner, and the report of all that is measured in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from rnncli.inspection import gradient_by_lag, jacobians
from rnncli.inspection.gates import GateCounts
from rnncli.inspection.gradient_by_lag import Readings, left_by_lag, mean_by_lag, reach
from rnncli.inspection.parameters import ParameterNorms
from rnncli.inspection.reports import GradientReport, LayerGradients, StepJacobians, layer_name
from rnncli.nn.recurrent import LayerTrace
from rnncli.training.backpropagation import Backpropagation, Sample
from rnncli.training.loop import Learner
from rnncli.training.optimizer import Optimizer
from rnncli.training.reports import Memory


def inspect(
    at: str,
    driver: Backpropagation,
    samples: Sequence[Callable[[], Sample]],
    optimizer: Optimizer,
    rate: float,
    tell: Callable[[str], None] = lambda text: None,
) -> GradientReport:
    """Return a report without advice; each of `samples` makes one when it is needed, and `tell` shows the progress.

    optimizer, rate: they make the updates whose size is compared with that of the weights.
    """
    network = driver.network
    norms = ParameterNorms(optimizer, rate)
    loss, counted, sequences = 0.0, 0, 0
    measured: list[StepJacobians] = []
    for number, make in enumerate(samples):
        tell(f"batch {number + 1} of {len(samples)}")
        sample = make()
        traces = network.traces(sample.work)
        if number == 0:
            readings, gates = [Readings(one) for one in traces], [GateCounts(one) for one in traces]
        loss += driver.gradient(sample.work, sample.targets, sample.count)
        counted += sample.count
        norms.take()
        driver.forward(sample.work)
        for gate, trace in zip(gates, traces, strict=True):
            gate.take(trace)
        _, known = gradient_by_lag.at_one_step(sample.targets, traces[-1].lengths)
        sequences += int(known.sum())
        if number == 0:
            tell("step Jacobians")
            measured = jacobians.measure(traces, known, driver.pool)
        gradient_by_lag.measure(driver, sample, readings)
    layers = [_layer(one, seen) for one, seen in zip(readings, measured, strict=True)]
    return GradientReport(
        at=at,
        loss=loss / counted,
        unit=driver.loss.unit,
        sequences=sequences,
        batches=len(samples),
        lags=tuple(range(max(len(layer.gradient_norm_by_lag) for layer in layers))),
        layers=tuple(layers),
        parameters=tuple(norms.report()),
        gates=tuple(row for gate, layer in zip(gates, layers, strict=True) for row in gate.report(layer.name)),
        clip=norms.clipping(),
        advice=(),
    )


def _layer(readings: Readings, measured: StepJacobians) -> LayerGradients:
    trace = readings.trace
    radii = jacobians.spectral_radii(trace)
    return LayerGradients(
        layer=trace.layer.index,
        part=trace.part,
        reverse=trace.layer.reverse,
        gradient_norm_by_lag=_curve(readings.hidden),
        state_gradient_norm_by_lag=_curve(readings.state),
        left_by_lag=_floats(left_by_lag(readings.state, readings.state)),
        without_attention_by_lag=_curve(readings.alone) if readings.alone else None,
        left_without_attention=_floats(left_by_lag(readings.alone, readings.state)) if readings.alone else None,
        reach=reach(readings.state),
        jacobians=_at_lags(measured, max(len(norms) for norms in readings.state)),
        spectral_radius=_recurrent_matrix(trace, radii),
        spectral_radius_by_gate=tuple(radii),
    )


def _at_lags(measured: StepJacobians, K: int) -> StepJacobians:
    """Pad the curves with None to K lags: later batches may have longer sequences than the one that was measured."""
    curves = {name: getattr(measured, name) for name in ("norm", "smallest", "hidden_norm")}
    return replace(measured, **{name: curve + (None,) * (K - len(curve)) for name, curve in curves.items()})


def _curve(norms: list[np.ndarray]) -> tuple[float, ...]:
    return _floats(mean_by_lag(norms))


def _floats(values: np.ndarray) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def _recurrent_matrix(trace: LayerTrace, radii: list[tuple[str, float | None]]) -> float | None:
    """Return the spectral radius of the candidate's recurrent matrix, or of the only one in a cell without gates."""
    named = dict(radii)
    return named.get("candidate", radii[0][1])


def watched(learner: Learner) -> tuple[Memory, ...]:
    """Return how far back gradients reach in each layer with the current weights."""
    driver = learner.backpropagation
    sample = learner.sample(0)
    readings = [Readings(trace) for trace in driver.network.traces(sample.work)]
    gradient_by_lag.measure(driver, sample, readings)
    return tuple(_memory(one) for one in readings)


def _memory(readings: Readings) -> Memory:
    trace, reach = readings.trace, gradient_by_lag.reach(readings.state)
    name = layer_name(trace.part, trace.layer.index, reverse=trace.layer.reverse)
    longest = max(len(norms) for norms in readings.state) - 1
    return Memory(name, longest, reach.half_life, reach.memory_1_percent, reach.left, reach.verdict)
