"""Points at which inspect-grads looks: a config before training, or a run at init, best, last or failure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rnncli.config.sections import Config
from rnncli.data.source import Source
from rnncli.errors import DataError, ModelFileError, UsageError
from rnncli.inspection.reports import FAILURE, INIT, LAST
from rnncli.notes import doubt, note
from rnncli.tasks.registry import config_from_mapping, load_run_config
from rnncli.training.plan import Plan, Position
from rnncli.workflows.experiments import data_sha256
from rnncli.workflows.opening import NONSENSE, config_and_source, is_model, open_sound, source_of
from rnncli.workflows.run_directory import RunDirectory
from rnncli.workflows.trained_on import changed_since


@dataclass(frozen=True)
class Point:
    """A config and its data, with what was learnt up to this point; at INIT there are no weights yet.

    header: that of the model, if there is one. by_name: the weights of a model file. state: all arrays of a state
    file, its position and its plan.
    """

    at: str
    config: Config
    source: Source
    header: dict[str, Any] | None = None
    by_name: Mapping[str, np.ndarray] | None = None
    state: tuple[dict[str, np.ndarray], Position, Plan] | None = None


def opened(first: str, data: str | Source | None, overrides: Sequence[str], at: str) -> Point:
    """Open `first`, a config, data, a run directory or a model file, at a point; data None takes what it names."""
    if not is_model(first):
        if at != INIT:
            raise UsageError(f"--at {at}: {first} is not a run; train it first, or leave out --at")
        return Point(at, *config_and_source(first, [data] if data else [], overrides, "inspect-grads"))
    _require_no_change(at, overrides)
    beside = Path(first) / "config.yaml"
    if beside.exists():
        return _of_directory(first, data, load_run_config(beside, overrides), at)
    if at in (LAST, FAILURE):
        raise UsageError(f"--at {at}: {first} is not a run directory, which alone keeps that; name one")
    model = open_sound(first)
    config = _config_in(model.header, str(model.path), overrides)
    note(
        "a model file does not say how it was trained: bptt, batches and updates are chosen from the data, or as "
        "--set gives them"
    )
    return Point(at, config, _data(first, data, config), model.header, None if at == INIT else model.arrays)


def _require_no_change(at: str, overrides: Sequence[str]) -> None:
    """Raise UsageError for overrides that do not go with weights that are there already."""
    model = [text for text in overrides if text.startswith("model.")]
    if model and at != INIT:
        raise UsageError(f"--set {model[0]}: these weights have their model; change a config's, or see --at init")
    others = [text for text in overrides if not text.startswith("training.threads=")]
    if others and at == FAILURE:
        raise UsageError(f"--set {others[0]}: would change the batch that failed; leave it out")


def _of_directory(path: str, data: str | Source | None, config: Config, at: str) -> Point:
    run = RunDirectory(Path(path))
    if at == INIT:
        return Point(at, config, _data(path, data, config))
    if at in (LAST, FAILURE):
        return _of_state(run, data, config, at)
    if run.failure.exists() and not run.model.exists():
        raise UsageError(f"{path}: training failed before its first evaluation; add --at failure to look at it")
    model = open_sound(path)
    if data is None and (name := changed_since(path)) is not None:
        doubt(f"{name} has changed since training; its gradients are those of what it holds now")
    return Point(at, config, _data(path, data, config), model.header, model.arrays)


def _of_state(run: RunDirectory, data: str | Source | None, config: Config, at: str) -> Point:
    """Return the point of a saved state; its header is that of the model file, which the first evaluation writes."""
    if getattr(config.data, "folds", 0):
        raise UsageError(f"--at {at}: the state of {run.path} is that of a cross-validation; leave out --at")
    if at == FAILURE and not run.failure.exists():
        raise UsageError(f"--at {FAILURE}: training did not fail in {run.path}; leave out --at")
    arrays, position, plan, inputs = run.read_state(run.failure if at == FAILURE else run.state)
    source, evaluated = _data(str(run.path), data, config), run.model.exists()
    if (at == FAILURE or not evaluated) and data_sha256(config, source) != inputs.data_sha256:
        raise DataError(f"{source.name}: is not what {run.path} was trained on; restore it")
    header = open_sound(str(run.path)).header if evaluated else None
    return Point(at, config, source, header, state=(arrays, position, plan))


def _data(first: str, data: str | Source | None, config: Config) -> Source:
    path = data or config.data.path
    if path is None:
        if (Path(first) / "config.yaml").exists():
            why = "its data came from a pipe or a program, or it was imported"
        else:
            why = "says nothing of its data"
        raise UsageError(f"{first}: {why}; name them, as in rnncli inspect-grads RUN DATA")
    return source_of(config, path)


def _config_in(header: Mapping[str, Any], path: str, overrides: Sequence[str]) -> Config:
    """Return the config in the header of a model file; ModelFileError where a section is missing."""
    try:
        mapping = {key: header[key] for key in ("task", "data", "model")}
        if "training" in header:
            mapping["training"] = header["training"]
    except NONSENSE as error:
        raise ModelFileError(f"{path}: its header is incomplete ({error}); train again") from None
    return config_from_mapping(mapping, overrides, where=path)
