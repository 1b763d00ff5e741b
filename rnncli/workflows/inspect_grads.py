"""inspect-grads: how far gradients reach, in a network before training, in a trained one, or where training failed."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from rnncli.config.sections import Config
from rnncli.data.source import Source
from rnncli.errors import CheckFailedError, ModelFileError
from rnncli.inspection.advice import advice
from rnncli.inspection.check import check
from rnncli.inspection.inspect import Batches, flowed_back, inspect, long_enough
from rnncli.inspection.reports import (
    BEST,
    EXPLODING,
    FAILURE,
    INIT,
    LAST,
    VANISHING,
    Basis,
    Compared,
    GradientReport,
    LayerGradients,
    by_part,
    deepest,
)
from rnncli.nn.network import Model as Network
from rnncli.nn.parameters import Start
from rnncli.notes import note
from rnncli.tasks.registry import TASKS
from rnncli.tasks.task import Context, Experiment
from rnncli.training.backpropagation import ThreadPool
from rnncli.training.listed import basis_of
from rnncli.training.optimizer import Optimizer
from rnncli.training.plan import Plan, Position
from rnncli.workflows.experiments import data_sha256
from rnncli.workflows.opening import NONSENSE, is_model
from rnncli.workflows.points import Point, opened
from rnncli.workflows.run_directory import RunDirectory


def check_gradients(compared: Sequence[Compared], fail_on: Sequence[str]) -> None:
    """Raise CheckFailedError if gradients differ from central differences, or if a verdict is one of `fail_on`."""
    for one in compared:
        name, report = one.name, one.report
        if report.check is not None and not report.check.passed:
            worst = report.check.worst
            raise CheckFailedError(
                f"{name}: the gradient of {worst.name} is {worst.error:.2g} away from central differences, more than "
                f"{report.check.tolerance:g}; report it"
            )
        found = [layer for layers in by_part(report.layers) for layer in _failing(layers, fail_on)]
        if found:
            verdicts = ", ".join(f"{layer.name} is {layer.reach.verdict}" for layer in found)
            raise CheckFailedError(f"{name}: {verdicts}; see what inspect-grads advises")


def _failing(layers: Sequence[LayerGradients], fail_on: Sequence[str]) -> list[LayerGradients]:
    """Return the layers of a part that explode, and those that vanish if the gradient has no other way back."""
    bad = [layer for layer in layers if EXPLODING in fail_on and layer.reach.verdict == EXPLODING]
    if VANISHING in fail_on and deepest(layers).reach.verdict == VANISHING:
        bad += [layer for layer in layers if layer.reach.verdict == VANISHING]
    return bad


FLOAT64 = np.dtype(np.float64)


@dataclass(frozen=True)
class Request:
    """The arguments of `inspect_grads`; `first` is a config (first weights), a run or a model file (trained weights).

    at: the weights, INIT, BEST, LAST or FAILURE; None is BEST for trained weights, else INIT. batches: how many,
    spread over an epoch; at FAILURE only the batch that failed. lags: the longest lag to show; None is that at which 1%
    is left, LONGEST at most, or of whole sequences the longest that there is, which is looked at in any case.
    """

    first: str
    data: str | Source | None = None
    overrides: Sequence[str] = ()
    at: str | None = None
    batches: int = 4
    lags: int | None = None
    check: bool = False


def inspect_grads(request: Request, tell: Callable[[str], None]) -> GradientReport:
    """Return the report on one network; `tell` shows the progress."""
    return inspected(request, tell)[0]


def inspected(request: Request, tell: Callable[[str], None]) -> tuple[GradientReport, Basis]:
    """Return the report on one network, and what its loss is the loss of."""
    at = request.at or (BEST if is_model(request.first) else INIT)
    point = opened(request.first, request.data, request.overrides, at)
    pool, count = ThreadPool(point.config.training.threads), point.config.networks
    try:
        config = point.config.of_one_network()
        context = Context(pool, FLOAT64, RunDirectory(Path(request.first)).sound_rows())
        experiment = TASKS[config.task].prepare(config, point.source, context, point.header)
        _set_weights(experiment, point, count)
        if count > 1:
            note(f"of {count} networks only the first is shown")
        report = _report(request, experiment, point, pool, tell)
        return report, _basis(config, data_sha256(config, point.source), report)
    finally:
        pool.close()


def _basis(config: Config, sha256: str, report: GradientReport) -> Basis:
    loss = (report.unit, str(getattr(config.training, "loss", None)))
    return Basis({"task": (config.task,), "data": (sha256,), **basis_of(config.data.model_dump()), "loss": loss})


def _report(
    request: Request, experiment: Experiment, point: Point, pool: ThreadPool, tell: Callable[[str], None]
) -> GradientReport:
    learner, training = experiment.learner, experiment.config.training
    optimizer = Optimizer.of(training, learner.backpropagation.network, pool)
    rate = training.learning_rate
    if point.state is not None:
        rate = _resumed(optimizer, point.at, *point.state)
    batches = _batches(request, experiment, point)
    report = inspect(point.at, learner.backpropagation, batches, optimizer, rate, tell)
    if request.lags is not None and request.lags > (longest := report.lags[-1]):
        note(f"only {longest:,} lags can be seen, because the sequences have {longest + 1:,} steps")
    if request.check and math.isfinite(report.loss) and math.isfinite(report.clip.largest_norm):
        tell("central differences")
        report = replace(report, check=check(learner.backpropagation, batches.updates[0]()))
    elif request.check:
        note("--check: the loss or its gradient is not finite; there is nothing to compare")
    report = replace(report, advice=advice(experiment.config, report))
    return report if request.lags is None else report.up_to(request.lags)


def _resumed(optimizer: Optimizer, at: str, arrays: Mapping[str, np.ndarray], position: Position, plan: Plan) -> float:
    """Restore the optimizer's moments from a state, and return the learning rate of its update.

    This is the last update that was made, or the one that failed.
    """
    done = position.update - (1 if at == LAST and position.update else 0)
    with _of_this_network():
        first_network = {name: array[: optimizer.size] for name, array in arrays.items()}
        optimizer.restore(first_network, [float(power) for power in position.optimizer_powers])
        _, _ = optimizer.powers  # there must be two, one for each moment
        return plan.rate(done) * position.plateau_factor * position.halved


@contextlib.contextmanager
def _of_this_network() -> Iterator[None]:
    """Raise ModelFileError where a state turns out to be that of another network."""
    try:
        yield
    except (*NONSENSE, ZeroDivisionError):
        raise ModelFileError("the state does not fit the config and the data; take those it was made with") from None


def _batches(request: Request, experiment: Experiment, point: Point) -> Batches:
    learner, flows = experiment.learner, flowed_back(experiment.config)
    if point.at == FAILURE:
        assert point.state is not None
        arrays, position, _ = point.state
        with _of_this_network():
            learner.restore(arrays)
        failed = [lambda: learner.sample(position.update, carried=True)]
        return Batches(failed, flows=flows)
    count = min(request.batches, learner.updates_per_epoch)
    longest = max(request.lags or 0, long_enough(learner, count) if learner.endless else 0)
    return Batches(
        [partial(learner.sample, learner.updates_per_epoch * k // count) for k in range(count)],
        [partial(learner.stretch, k, count, longest + 1) for k in range(count)],
        flows,
    )


def _set_weights(experiment: Experiment, point: Point, count: int) -> None:
    """Set the weights of the experiment to those of the point; if it has `count` networks, to those of the first."""
    network = experiment.network
    if point.by_name is not None:
        network.load({name.removeprefix("0."): array for name, array in point.by_name.items()})
    elif point.state is not None:
        with _of_this_network():
            kept, size = point.state[0]["weights"], network.parameters.weights.size
            network.parameters.weights[...] = kept.reshape(count, size)[0]
        network.pack()
    else:
        _wake_head(network, experiment.config.training.seed)


def _wake_head(network: Network, seed: int) -> None:
    """Give random weights to a head that starts at zero, because it would pass no gradient on."""
    head = network.head
    if head.starts_at_zero:
        head.starts_at_zero = False
        head.weight.value[...] = head.awake(head.weight.inner_shape, Start("orthogonal", 1.0, seed))
        network.pack()
        note("the head starts at random here, so that gradients can be seen; in training it starts at zero")
