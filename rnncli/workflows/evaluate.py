"""evaluate: the model of a run beside its floors, on what the run held out or on new data."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rnncli.config.loading import load_config
from rnncli.data.source import read_source
from rnncli.errors import DataError, UsageError
from rnncli.models.model_file import FORMAT
from rnncli.models.network import FLOAT32
from rnncli.tasks.registry import TASKS
from rnncli.tasks.task import Trainee
from rnncli.training.reports import Score
from rnncli.training.threads import ThreadPool
from rnncli.workflows.opening import open_model


@dataclass(frozen=True)
class Request:
    """`data` None takes the part that the run held out; else it is scored in place of the test part."""

    run: str
    data: str | None = None
    overrides: Sequence[str] = ()


def evaluate(request: Request, notes: list[str]) -> Score:
    """The model beside its floors, which learn from the training data: these must be there."""
    model = open_model(request.run)
    beside = Path(request.run) / "config.yaml"
    if not beside.exists():
        raise UsageError(f"{request.run}: a score needs the floors, and they the training data; name the run directory")
    config = load_config(beside, request.overrides)
    path = config.data.path
    if path is None:
        raise UsageError(f"{request.run}: its training data came from a pipe, and the floors learn from them")
    pool = ThreadPool(config.training.threads, FLOAT32)
    try:
        trainee: Trainee = TASKS[config.task].prepare(config, read_source(path), pool, notes)
        if json.loads(json.dumps({"format": FORMAT, **trainee.header()})) != model.header:
            raise DataError(f"{path}: is not what {request.run} was trained on; restore it, or train again")
        trainee.network.load(model.arrays)
        trainee.network.pack()
        if request.data is not None:
            trainee.hold_out(read_source(request.data), notes)
        score = trainee.score()
    finally:
        pool.close()
    if score is None:
        raise UsageError(f"{request.run}: nothing was held out; name data to score it on")
    return score
