"""inspect-grads: how far gradients reach, in a network before training, in a trained one, or where training failed."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from rnncli.config.loading import config_from_mapping, load_config
from rnncli.config.schema import Config
from rnncli.data.source import Source, read_source
from rnncli.errors import DataError, ModelFileError, UsageError
from rnncli.models.network import Model as Network
from rnncli.tasks.registry import TASKS
from rnncli.tasks.task import Trainee
from rnncli.training.backpropagation import Sample
from rnncli.training.gradient_reports import BEST, FAILURE, INIT, LAST, GradientReport
from rnncli.training.inspection.advice import advice
from rnncli.training.inspection.check import check
from rnncli.training.inspection.inspect import inspect
from rnncli.training.loop import Plan, Position
from rnncli.training.optimizer import Optimizer
from rnncli.training.schedules import SCHEDULES
from rnncli.training.threads import ThreadPool
from rnncli.workflows.opening import NONSENSE, config_and_source, is_model, open_model
from rnncli.workflows.run_directory import RunDirectory
from rnncli.workflows.train import data_sha256

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


@dataclass(frozen=True)
class _Weights:
    """What stands in a run. by_name: of a model file; state: of a state file, every array, where it stood, its plan."""

    by_name: Mapping[str, np.ndarray] | None = None
    state: tuple[dict[str, np.ndarray], Position, Plan] | None = None


def inspect_grads(request: Request, notes: list[str], tell: Callable[[str], None]) -> GradientReport:
    """One network's report; `tell` hears what takes its time."""
    at = request.at or (BEST if is_model(request.first) else INIT)
    if is_model(request.first):
        config, source, header, weights = _of_run(request, at, notes)
    elif at == INIT:
        config, source = config_and_source(request.first, request.data, request.overrides, notes)
        header, weights = None, _Weights()
    else:
        raise UsageError(f"--at {at}: {request.first} is not a run; train it first, or leave out --at")
    pool = ThreadPool(config.training.threads, FLOAT64)
    try:
        seeds, config = config.training.seeds, _of_one_network(config)
        trainee = TASKS[config.task].prepare(config, source, pool, notes, FLOAT64, header)
        _set_weights(trainee, weights, seeds, notes)
        if seeds > 1:
            notes.append(f"of {seeds} networks the first is looked at")
        return _report(request, trainee, weights, at, pool, notes, tell)
    finally:
        pool.close()


def _report(
    request: Request, trainee: Trainee, weights: _Weights, at: str, pool: ThreadPool, notes: list[str],
    tell: Callable[[str], None],
) -> GradientReport:  # fmt: skip
    learner, training = trainee.learner, trainee.config.training
    optimizer = Optimizer(training.optimizer, learner.backpropagation.network, training.clip_norm, pool)
    rate = training.learning_rate
    if weights.state is not None:
        rate = _resumed(optimizer, at, *weights.state)
    samples = _samples(request, trainee, weights, at)
    report = inspect(at, learner.backpropagation, samples, optimizer, rate, tell)
    if request.check and math.isfinite(report.loss) and math.isfinite(report.clip.largest_norm):
        tell("central differences")
        report = replace(report, check=check(learner.backpropagation, samples[0]()))
    elif request.check:
        notes.append("--check: the loss or its gradient is beyond all numbers; there is nothing to compare")
    return replace(report, advice=advice(trainee.config, report))


def _resumed(
    optimizer: Optimizer, at: str, arrays: Mapping[str, np.ndarray], position: Position, plan: Plan
) -> float:  # fmt: skip
    """The learning rate of the update that a state stands at, the last one made or the one that failed; with its
    moments."""
    done = position.update - (1 if at == LAST and position.update else 0)
    with _of_this_network():
        first_network = {name: array[: optimizer.size] for name, array in arrays.items()}
        optimizer.restore(first_network, [float(power) for power in position.optimizer_powers])
        _, _ = optimizer.powers
        return plan.learning_rate * SCHEDULES[plan.schedule](done / plan.updates) * position.plateau_factor


@contextlib.contextmanager
def _of_this_network() -> Iterator[None]:
    """ModelFileError where a state turns out to be another's."""
    try:
        yield
    except (*NONSENSE, ZeroDivisionError):
        raise ModelFileError("the state does not fit the config and the data; take those it was made with") from None


def _samples(request: Request, trainee: Trainee, weights: _Weights, at: str) -> list[Callable[[], Sample]]:
    learner = trainee.learner
    if at == FAILURE:
        assert weights.state is not None
        arrays, position, _ = weights.state
        with _of_this_network():
            learner.restore(arrays)
        return [lambda: learner.sample(position.update, carried=True)]
    count = min(request.batches, learner.updates_per_epoch)
    updates = [learner.updates_per_epoch * k // count for k in range(count)]
    return [lambda update=update: learner.sample(update) for update in updates]  # type: ignore[misc]


def _of_one_network(config: Config) -> Config:
    """Of several networks of a forecast the first is looked at."""
    first = {"context": next(iter(config.data.contexts), None), "scaling": next(iter(config.data.scalings), None)}
    return config.model_copy(
        update={
            "data": config.data.model_copy(update=first),
            "training": config.training.model_copy(update={"seeds": 1, "with_baseline": False}),
        }
    )


def _set_weights(trainee: Trainee, weights: _Weights, seeds: int, notes: list[str]) -> None:
    """Those of the first of so many networks."""
    network = trainee.network
    if weights.by_name is not None:
        network.load({name.removeprefix("0."): array for name, array in weights.by_name.items()})
    elif weights.state is not None:
        with _of_this_network():
            kept, size = weights.state[0]["weights"], network.parameters.weights.size
            network.parameters.weights[...] = kept.reshape(seeds, size)[0]
        network.pack()
    else:
        _wake_head(network, trainee.config.training.seed, notes)


def _wake_head(network: Network, seed: int, notes: list[str]) -> None:
    """A head that starts at zero passes no gradient on: nothing could be seen."""
    head = network.head
    if head.starts_at_zero:
        head.starts_at_zero = False
        head.initialise(seed)
        network.pack()
        notes.append("the head starts at random here, so that gradients can be seen; in training it starts at zero")


def _of_run(
    request: Request, at: str, notes: list[str]
) -> tuple[Config, Source, dict[str, Any] | None, _Weights]:  # fmt: skip
    """The config beside the model, or what the model file alone says; then data must be named."""
    fixed = [text for text in request.overrides if text.startswith("model.") and at != INIT]
    if fixed:
        raise UsageError(f"--set {fixed[0]}: these weights have their model; change a config's, or see --at init")
    if at == FAILURE and (changed := [text for text in request.overrides if not text.startswith("training.threads=")]):
        raise UsageError(f"--set {changed[0]}: would change the batch that failed; leave it out")
    beside = Path(request.first) / "config.yaml"
    if at in (LAST, FAILURE):
        if not beside.exists():
            raise UsageError(f"--at {at}: {request.first} is not a run directory, which alone keeps that; name one")
        return _of_state(request, at, load_config(beside, request.overrides))
    if at == INIT and beside.exists():
        config = load_config(beside, request.overrides)
        return config, _data(request, config), None, _Weights()
    if at == BEST and RunDirectory(Path(request.first)).failed_early():
        raise UsageError(
            f"{request.first}: training failed before its first evaluation; add --at failure to look at it"
        )
    model = open_model(request.first)
    if beside.exists():  # only a run directory says more than its model
        config = load_config(beside, request.overrides)
    else:
        config = _config_in(model.header, str(model.path), request.overrides)
        notes.append(
            "a model file does not say how it was trained: bptt, batches and updates are as --set has them, or usual"
        )
    weights = _Weights() if at == INIT else _Weights(by_name=model.arrays)
    return config, _data(request, config), model.header, weights


def _of_state(
    request: Request, at: str, config: Config
) -> tuple[Config, Source, dict[str, Any] | None, _Weights]:  # fmt: skip
    """What it learnt from its data stands in the model file, if there has been an evaluation."""
    run = RunDirectory(Path(request.first))
    if at == FAILURE and not run.failure.exists():
        raise UsageError(f"--at {FAILURE}: training did not fail in {run.path}; leave out --at")
    arrays, position, plan, sha256 = run.read_state(run.failure if at == FAILURE else run.state)
    source = _data(request, config)
    if (at == FAILURE or not run.model.exists()) and data_sha256(config, source) != sha256:
        raise DataError(f"{source.name}: is not what {run.path} was trained on; restore it")
    header = open_model(request.first).header if run.model.exists() else None
    return config, source, header, _Weights(state=(arrays, position, plan))


def _data(request: Request, config: Config) -> Source:
    path = request.data or config.data.path
    if path is None:
        raise UsageError(f"{request.first}: says nothing of its data; name the data after it")
    return read_source(path)


def _config_in(header: Mapping[str, Any], path: str, overrides: Sequence[str]) -> Config:
    """What a model file says of itself."""
    try:
        mapping = {key: header[key] for key in ("task", "data", "model")}
        if "training" in header:
            mapping["training"] = header["training"]
    except NONSENSE as error:
        raise ModelFileError(f"{path}: its header is incomplete ({error}); train again") from None
    return config_from_mapping(mapping, overrides, where=path)
