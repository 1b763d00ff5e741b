"""inspect-grads: how far gradients reach, in a network before training, in a trained one, or where training failed."""

from __future__ import annotations

import contextlib
import math
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from rnncli.errors import CheckFailedError, DivergedError, ModelFileError, StoppedError, UsageError
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
    Compared,
    GradientReport,
    LayerGradients,
    by_part,
    deepest,
)
from rnncli.kernels.cells import CELLS
from rnncli.nn.network import Model as Network
from rnncli.nn.parameters import Start
from rnncli.notes import note
from rnncli.tasks.registry import TASKS
from rnncli.tasks.task import Context, Experiment
from rnncli.training.backpropagation import ThreadPool
from rnncli.training.loop import Plan, Position
from rnncli.training.optimizer import SCHEDULES, Optimizer
from rnncli.training.reports import Finished, Note, Report, Score
from rnncli.workflows.opening import NONSENSE, is_model
from rnncli.workflows.points import Point, opened
from rnncli.workflows.stopping import StopRequest, stop_on_signals
from rnncli.workflows.train import Request as Training
from rnncli.workflows.train import for_a_while, train


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
    spread over an epoch; at FAILURE only the batch that failed. lags: the longest lag; None is that at which 1% is
    left, LONGEST at most, or of whole sequences the longest that there is.
    """

    first: str
    data: str | None = None
    overrides: Sequence[str] = ()
    at: str | None = None
    batches: int = 4
    lags: int | None = None
    check: bool = False


def inspect_grads(request: Request, tell: Callable[[str], None]) -> GradientReport:
    """Return the report on one network; `tell` shows the progress."""
    at = request.at or (BEST if is_model(request.first) else INIT)
    point = opened(request.first, request.data, request.overrides, at)
    pool, count = ThreadPool(point.config.training.threads, FLOAT64), point.config.networks
    try:
        config = point.config.of_one_network()
        experiment = TASKS[config.task].prepare(config, point.source, Context(pool, FLOAT64), point.header)
        _set_weights(experiment, point, count)
        if count > 1:
            note(f"of {count} networks only the first is shown")
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
    batches = _batches(request, experiment, point)
    report = inspect(point.at, learner.backpropagation, batches, optimizer, rate, tell)
    _note_short(request, batches, report)
    if request.check and math.isfinite(report.loss) and math.isfinite(report.clip.largest_norm):
        tell("central differences")
        report = replace(report, check=check(learner.backpropagation, batches.updates[0]()))
    elif request.check:
        note("--check: the loss or its gradient is not finite; there is nothing to compare")
    return replace(report, advice=advice(experiment.config, report))


def _resumed(optimizer: Optimizer, at: str, arrays: Mapping[str, np.ndarray], position: Position, plan: Plan) -> float:
    """Restore the optimizer's moments from a state, and return the learning rate of its update.

    This is the last update that was made, or the one that failed.
    """
    done = position.update - (1 if at == LAST and position.update else 0)
    with _of_this_network():
        first_network = {name: array[: optimizer.size] for name, array in arrays.items()}
        optimizer.restore(first_network, [float(power) for power in position.optimizer_powers])
        _, _ = optimizer.powers  # there must be two, one for each moment
        return plan.learning_rate * SCHEDULES[plan.schedule](done / plan.updates) * position.plateau_factor


@contextlib.contextmanager
def _of_this_network() -> Iterator[None]:
    """Raise ModelFileError where a state turns out to be that of another network."""
    try:
        yield
    except (*NONSENSE, ZeroDivisionError):
        raise ModelFileError("the state does not fit the config and the data; take those it was made with") from None


def _batches(request: Request, experiment: Experiment, point: Point) -> Batches:
    learner, lags = experiment.learner, request.lags
    flows = flowed_back(experiment.config)
    if point.at == FAILURE:
        assert point.state is not None
        arrays, position, _ = point.state
        with _of_this_network():
            learner.restore(arrays)
        failed = [lambda: learner.sample(position.update, carried=True)]
        return Batches(failed, None, None if lags is None else lags + 1, flows)
    count = min(request.batches, learner.updates_per_epoch)
    if lags is None and learner.endless:
        lags = long_enough(learner, count)
    steps = None if lags is None else lags + 1
    return Batches(
        [partial(learner.sample, learner.updates_per_epoch * k // count) for k in range(count)],
        [partial(learner.stretch, k, count, steps or 1) for k in range(count)],
        steps,
        flows,
    )


def _note_short(request: Request, batches: Batches, report: GradientReport) -> None:
    """Note that fewer lags are seen than were asked for, if so: sequences are shorter."""
    longest = report.lags[-1]
    if batches.steps is not None and longest + 1 < batches.steps:
        note(f"no more than {longest:,} lags can be seen: the sequences are not longer")


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


Show = Callable[[Report], None]


@dataclass(frozen=True)
class _Network:
    """A network to compare. trained: there are trained weights; score: that of a network trained for the comparison."""

    name: str
    request: Request
    trained: bool
    score: Score | None = None


def compare_grads(request: Request, names: Sequence[str], show: Show) -> list[Compared]:
    """Return the reports of all networks at their first weights, then at their best ones, or only at `request.at`.

    Each of `names` is a cell or KEY=VALUE to change in the config `request.first`, which is trained in a folder that
    is removed afterwards. If `request.first` is a run, each is another run. A network that diverges is seen at its
    first weights alone.
    """
    if len(set(names)) < len(names):
        raise UsageError("--compare: names something twice; name each once")
    if "-" in (request.first, request.data):
        raise UsageError("--compare reads the data for each network anew; save what is piped to a file, and name that")
    points = [request.at] if request.at else [INIT, BEST]
    if is_model(request.first):
        paths = dict.fromkeys([request.first, *map(_run, names)])
        networks = [_Network(path, replace(request, first=path), trained=True) for path in paths]
        return _inspected(networks, points, StopRequest())
    changed = {name: replace(request, overrides=[*request.overrides, *_changes(name)]) for name in names}
    if points == [INIT]:
        networks = [_Network(name, one, trained=False) for name, one in changed.items()]
        return _inspected(networks, points, StopRequest())
    with stop_on_signals() as stop, tempfile.TemporaryDirectory() as folder:
        networks = [_trained(*item, Path(folder, str(k)), show) for k, item in enumerate(changed.items())]
        return _inspected(networks, points, stop)


def _run(name: str) -> str:
    if not is_model(name):
        raise UsageError(
            f"--compare {name}: is no run; beside a run name other runs, or name a config to change its cell"
        )
    return name


def _changes(name: str) -> list[str]:
    """Return the cell or KEY=VALUE `name` as --set overrides, which also reset the keys that this cell cannot take."""
    if cell := CELLS.get(name):
        activation = ["model.activation=tanh"] if cell.activations == ("tanh",) else []
        return [f"model.cell={name}", *activation, *([] if cell.keeps_by_bias else ["model.chrono_init=null"])]
    if "=" in name:
        return [name]
    raise UsageError(f"--compare {name}: is no cell ({', '.join(CELLS)}) and no KEY=VALUE; mend the name")


def _trained(name: str, request: Request, run: Path, show: Show) -> _Network:
    """Train the config with its changes in the directory `run`, and return the network to compare."""
    show(Note(f"training {name}"))
    meanwhile, ends = for_a_while(show), list[Finished]()

    def seen(report: Report) -> None:
        if isinstance(report, Finished):
            ends.append(report)
        meanwhile(report)

    try:
        train(Training(request.first, request.data, str(run), request.overrides), seen)
    except DivergedError as error:
        reason = str(error).partition(";")[0]  # what follows names a folder that will be removed
        note(f"{name}: {reason}; it is seen before training only")
        return _Network(name, request, trained=False)
    except StoppedError as stop:
        raise StoppedError(f"stopped while training {name}; nothing of it is kept", stop.exit_code - 128) from None
    return _Network(name, replace(request, first=str(run), overrides=()), trained=True, score=ends[-1].score)


def _inspected(networks: Sequence[_Network], points: Sequence[str], stop: StopRequest) -> list[Compared]:
    compared = []
    for at in points:
        for one in networks:
            if at != INIT and not one.trained:
                continue
            report = inspect_grads(replace(one.request, at=at), lambda text: None)
            compared.append(Compared(one.name, report, one.score if at != INIT else None))
            if stop.signal_number is not None:
                raise StoppedError("stopped; nothing is kept", stop.signal_number)
    if not compared:
        raise UsageError(f"--at {', '.join(points)}: none of the networks could be trained; see --at init")
    return compared
