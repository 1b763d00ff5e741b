"""inspect-grads: how far gradients reach, in a network before training, in a trained one, or where training failed."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rnncli.errors import ModelFileError
from rnncli.inspection.advice import advice
from rnncli.inspection.check import check
from rnncli.inspection.inspect import inspect
from rnncli.inspection.reports import BEST, FAILURE, INIT, LAST, GradientReport
from rnncli.nn.network import Model as Network
from rnncli.nn.parameters import Start
from rnncli.notes import note
from rnncli.tasks.registry import TASKS
from rnncli.tasks.task import Context, Experiment
from rnncli.training.backpropagation import Sample
from rnncli.training.loop import Plan, Position
from rnncli.training.optimizer import Optimizer
from rnncli.training.schedules import SCHEDULES
from rnncli.training.threads import ThreadPool
from rnncli.workflows.opening import NONSENSE, is_model
from rnncli.workflows.points import Point, opened

FLOAT64 = np.dtype(np.float64)


@dataclass(frozen=True)
class Request:
    """`first` is a config (its first weights), a run directory or a model file (its trained ones).

    at: which weights, INIT, BEST, LAST or FAILURE; None is BEST where there are some. batches: how many, spread over
    an epoch; where training failed, the batch that it failed at.
    """

    first: str
    data: str | None = None
    overrides: Sequence[str] = ()
    at: str | None = None
    batches: int = 4
    check: bool = False


def inspect_grads(request: Request, tell: Callable[[str], None]) -> GradientReport:
    """One network's report; `tell` hears what takes its time."""
    at = request.at or (BEST if is_model(request.first) else INIT)
    point = opened(request.first, request.data, request.overrides, at)
    pool, count = ThreadPool(point.config.training.threads, FLOAT64), point.config.networks
    try:
        config = point.config.of_one_network()
        experiment = TASKS[config.task].prepare(config, point.source, Context(pool, FLOAT64), point.header)
        _set_weights(experiment, point, count)
        if count > 1:
            note(f"of {count} networks the first is looked at")
        return _report(request, experiment, point, pool, tell)
    finally:
        pool.close()


def _report(
    request: Request, experiment: Experiment, point: Point, pool: ThreadPool, tell: Callable[[str], None]
) -> GradientReport:
    learner, training = experiment.learner, experiment.config.training
    optimizer = Optimizer(training.optimizer, learner.backpropagation.network, training.clip_norm, pool)
    rate = training.learning_rate
    if point.state is not None:
        rate = _resumed(optimizer, point.at, *point.state)
    samples = _samples(request, experiment, point)
    report = inspect(point.at, learner.backpropagation, samples, optimizer, rate, tell)
    if request.check and math.isfinite(report.loss) and math.isfinite(report.clip.largest_norm):
        tell("central differences")
        report = replace(report, check=check(learner.backpropagation, samples[0]()))
    elif request.check:
        note("--check: the loss or its gradient is beyond all numbers; there is nothing to compare")
    return replace(report, advice=advice(experiment.config, report))


def _resumed(optimizer: Optimizer, at: str, arrays: Mapping[str, np.ndarray], position: Position, plan: Plan) -> float:
    """The learning rate of the update that a state stands at, the last one made or the one that failed; with its
    moments."""
    done = position.update - (1 if at == LAST and position.update else 0)
    with _of_this_network():
        first_network = {name: array[: optimizer.size] for name, array in arrays.items()}
        optimizer.restore(first_network, [float(power) for power in position.optimizer_powers])
        _, _ = optimizer.powers  # of both moments
        return plan.learning_rate * SCHEDULES[plan.schedule](done / plan.updates) * position.plateau_factor


@contextlib.contextmanager
def _of_this_network() -> Iterator[None]:
    """ModelFileError where a state turns out to be another's."""
    try:
        yield
    except (*NONSENSE, ZeroDivisionError):
        raise ModelFileError("the state does not fit the config and the data; take those it was made with") from None


def _samples(request: Request, experiment: Experiment, point: Point) -> list[Callable[[], Sample]]:
    learner = experiment.learner
    if point.at == FAILURE:
        assert point.state is not None
        arrays, position, _ = point.state
        with _of_this_network():
            learner.restore(arrays)
        return [lambda: learner.sample(position.update, carried=True)]
    count = min(request.batches, learner.updates_per_epoch)
    updates = [learner.updates_per_epoch * k // count for k in range(count)]
    return [lambda update=update: learner.sample(update) for update in updates]  # type: ignore[misc]


def _set_weights(experiment: Experiment, point: Point, count: int) -> None:
    """Those of the first of so many networks."""
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
    """A head that starts at zero passes no gradient on: nothing could be seen."""
    head = network.head
    if head.starts_at_zero:
        head.starts_at_zero = False
        head.weight.value[...] = head.awake(head.weight.inner_shape, Start("orthogonal", 1.0, seed))
        network.pack()
        note("the head starts at random here, so that gradients can be seen; in training it starts at zero")
