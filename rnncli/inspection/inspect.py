"""Backward passes through some batches of a learner, and the report of all that is measured in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rnncli.config.sections import Config
from rnncli.inspection import gradient_by_lag, jacobians
from rnncli.inspection.gates import GateCounts
from rnncli.inspection.gradient_by_lag import Readings, readings_of
from rnncli.inspection.parameters import ParameterNorms
from rnncli.inspection.reach import left_by_lag, mean_by_lag, reach
from rnncli.inspection.reports import EXPLODING, GradientReport, LayerGradients, Reach, StepJacobians, layer_name
from rnncli.nn.recurrent import LayerTrace
from rnncli.training.backpropagation import Backpropagation, Sample
from rnncli.training.learner import Learner
from rnncli.training.optimizer import Optimizer
from rnncli.training.reports import Memory

LONGEST = 512  # the most lags that are measured unless more are asked for
_TRIED = 64, 128, 256
_WATCHED = 64  # the longest lag during training, so that it takes little time


@dataclass(frozen=True)
class Batches:
    """The batches to look at; each is made when it is needed.

    updates: those that training makes. stretches: those whose gradient by lag is measured, which may reach further back
    than training does; None are the same. flows: the number of lags that training flows back through; None are all.
    """

    updates: Sequence[Callable[[], Sample]]
    stretches: Sequence[Callable[[], Sample]] | None = None
    flows: int | None = None


def inspect(
    at: str,
    driver: Backpropagation,
    batches: Batches,
    optimizer: Optimizer,
    rate: float,
    tell: Callable[[str], None] = lambda text: None,
) -> GradientReport:
    """Return a report without advice; `tell` shows the progress.

    optimizer, rate: they make the updates whose size is compared with that of the weights.
    """
    network = driver.network
    norms = ParameterNorms(optimizer, rate)
    loss, counted = 0.0, 0
    looked = _Looked(driver, batches)
    for number, make in enumerate(batches.updates):
        tell(f"batch {number + 1} of {len(batches.updates)}")
        sample = make()
        traces = network.traces(sample.work)
        if number == 0:
            gates = [GateCounts(one) for one in traces]
        loss += driver.gradient(sample.work, sample.targets, sample.count)
        counted += sample.count
        norms.take()
        driver.forward(sample.work)
        for gate, trace in zip(gates, traces, strict=True):
            gate.take(trace)
        looked.take(sample if batches.stretches is None else batches.stretches[number]())
    layers = looked.layers()
    return GradientReport(
        at=at,
        loss=loss / counted,
        unit=driver.loss.unit,
        sequences=looked.sequences,
        batches=len(batches.updates),
        lags=tuple(range(max(len(layer.gradient_norm_by_lag) for layer in layers))),
        layers=tuple(layers),
        parameters=tuple(norms.report()),
        gates=tuple(row for gate, layer in zip(gates, layers, strict=True) for row in gate.report(layer.name)),
        clip=norms.clipping(),
        advice=(),
    )


class _Looked:
    """What was seen of gradients by lag in the batches so far, and of the Jacobians of the first one's steps."""

    def __init__(self, driver: Backpropagation, batches: Batches):
        self.driver, self.batches, self.sequences = driver, batches, 0
        self.readings: list[Readings] = []
        self.measured: list[StepJacobians] = []

    def take(self, sample: Sample) -> None:
        traces = self.driver.network.traces(sample.work)
        by_step = gradient_by_lag.targets_by_step(self.driver, sample)
        _, known = gradient_by_lag.at_one_step(by_step, traces[-1].lengths)
        self.sequences += int(known.sum())
        if not self.readings:
            self.readings = readings_of(self.driver.network, sample.work)
            self.driver.forward(sample.work)
            self.measured = jacobians.measure(traces, known, self.driver.pool)
        gradient_by_lag.measure(self.driver, sample, self.readings)

    def layers(self) -> list[LayerGradients]:
        return [_layer(one, seen, self.batches) for one, seen in zip(self.readings, self.measured, strict=True)]


def _layer(readings: Readings, measured: StepJacobians, batches: Batches) -> LayerGradients:
    trace = readings.trace
    radii = jacobians.spectral_radii(trace)
    hidden, state, alone, own = readings.hidden, readings.state, readings.alone, readings.own
    return LayerGradients(
        layer=trace.layer.index,
        part=trace.part,
        reverse=trace.layer.reverse,
        reads_every_step=readings.reads_every_step,
        gradient_norm_by_lag=_curve(hidden),
        state_gradient_norm_by_lag=_curve(state),
        left_by_lag=_floats(left_by_lag(state, state)),
        without_attention_by_lag=_curve(alone) if alone else None,
        left_without_attention=_floats(left_by_lag(alone, state)) if alone else None,
        own_gradient_norm_by_lag=_curve(own),
        own_left_by_lag=_floats(left_by_lag(own, own)),
        reach=_reach(readings, batches.flows),
        jacobians=_at_lags(measured, max(len(norms) for norms in state)),
        spectral_radius=_recurrent_matrix(trace, radii),
        spectral_radius_by_gate=tuple(radii),
    )


def _reach(readings: Readings, flows: int | None = None) -> Reach:
    return reach(readings.memory, flows, readings.own)


def _at_lags(measured: StepJacobians, K: int) -> StepJacobians:
    """Return curves of K lags, padded with None: later batches may have longer sequences than that measured."""
    curves = {name: getattr(measured, name) for name in ("norm", "smallest", "hidden_norm")}
    return replace(measured, **{name: curve[:K] + (None,) * (K - len(curve)) for name, curve in curves.items()})


def _curve(norms: list[np.ndarray]) -> tuple[float, ...]:
    return _floats(mean_by_lag(norms))


def _floats(values: np.ndarray) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def _recurrent_matrix(trace: LayerTrace, radii: list[tuple[str, float | None]]) -> float | None:
    """Return the spectral radius of the candidate's recurrent matrix, or of the only one in a cell without gates."""
    named = dict(radii)
    return named.get("candidate", radii[0][1])


def long_enough(learner: Learner, count: int) -> int:
    """Return a longest lag at which at most 1% is left in every layer, or LONGEST where more is left there.

    learner: an endless one. count: the number of batches that will be looked at, the first of which decides.
    """
    driver = learner.backpropagation
    for longest in _TRIED:
        sample = learner.stretch(0, count, longest + 1)
        readings = readings_of(driver.network, sample.work)
        gradient_by_lag.measure(driver, sample, readings)
        if all(map(_is_settled, readings)):
            return longest
    return LONGEST


def _is_settled(readings: Readings) -> bool:
    """Return True if more lags would not tell more: 1% is left at one of them, or the gradient explodes."""
    found = _reach(readings)
    return found.memory_1_percent is not None or found.verdict == EXPLODING


def flowed_back(config: Config) -> int | None:
    """Return the number of lags that training flows back through, or None if these are all."""
    bptt: int | None = getattr(config.training, "bptt", None)
    return bptt


def watched(learner: Learner, config: Config) -> tuple[Memory, ...]:
    """Return how far back gradients reach in each layer with the current weights."""
    driver, flows = learner.backpropagation, flowed_back(config)
    sample = learner.stretch(0, 1, _WATCHED + 1)
    readings = readings_of(driver.network, sample.work)
    gradient_by_lag.measure(driver, sample, readings)
    return tuple(_memory(one, flows) for one in readings)


def _memory(readings: Readings, flows: int | None) -> Memory:
    trace, found = readings.trace, _reach(readings, flows)
    name = layer_name(trace.part, trace.layer.index, reverse=trace.layer.reverse)
    return Memory(name, found.judged, found.half_life, found.memory_1_percent, found.left, found.verdict)
