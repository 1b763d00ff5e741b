"""inspect-grads: the gradient norms of one backward pass, for a config before training or for a trained run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rnncli.config.loading import config_from_mapping, load_config
from rnncli.config.schema import Config
from rnncli.data.source import Source, read_source
from rnncli.errors import ModelFileError, UsageError
from rnncli.tasks.registry import TASKS
from rnncli.training.gradients import inspect
from rnncli.training.reports import GradientReport
from rnncli.training.threads import ThreadPool
from rnncli.workflows.opening import NONSENSE, Model, config_and_source, is_model, open_model


@dataclass(frozen=True)
class Request:
    """`first` is a config (first weights from its seed), a run directory or a model file (its weights)."""

    first: str
    data: str | None = None
    overrides: Sequence[str] = ()


def inspect_grads(request: Request, notes: list[str]) -> GradientReport:
    if is_model(request.first):
        model = open_model(request.first)
        config, source = _of_run(request, model)
        batch = TASKS[config.task].inspected(config, source, notes, model.header, model.arrays)
    else:
        config, source = config_and_source(request.first, request.data, request.overrides, notes)
        batch = TASKS[config.task].inspected(config, source, notes, None, None)
    pool = ThreadPool(config.training.threads, np.dtype(np.float64))
    try:
        return inspect(batch, pool)
    finally:
        pool.close()


def _of_run(request: Request, model: Model) -> tuple[Config, Source]:
    """The config beside the model, or what the model file alone says; then data must be named."""
    beside = Path(request.first) / "config.yaml"
    if beside.exists():  # only a run directory says more than its model
        config = load_config(beside, request.overrides)
    else:
        try:
            mapping = {key: model.header[key] for key in ("task", "data", "model")}
            if "series" in model.header:
                named = {key: model.header["series"][key] for key in ("time", "residual")}
                mapping["data"] = mapping["data"] | named | {"target": model.header["series"]["targets"]}
        except NONSENSE as error:
            raise ModelFileError(f"{model.path}: its header is incomplete ({error}); train again") from None
        config = config_from_mapping(mapping, request.overrides, where=str(model.path))
    path = request.data or config.data.path
    if path is None:
        raise UsageError(f"{request.first}: says nothing of its data; name the data after it")
    return config, read_source(path)
