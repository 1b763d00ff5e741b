"""evaluate: the model of a run beside its floors, on what the run held out or on new data."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rnncli.config.loading import load_config
from rnncli.config.schema import Config
from rnncli.data.source import Source, read_source
from rnncli.errors import DataError, UsageError
from rnncli.models import model_file
from rnncli.models.model_file import FORMAT
from rnncli.models.network import FLOAT32
from rnncli.tasks import writing
from rnncli.tasks.registry import TASKS
from rnncli.tasks.task import Trainee
from rnncli.training.reports import Score
from rnncli.training.threads import ThreadPool
from rnncli.workflows.opening import open_model
from rnncli.workflows.train import data_sha256


@dataclass(frozen=True)
class Request:
    """`data` None takes the part that the run held out; else it is scored in its place, read as `reading` says.

    metric: of written answers, one of `rnncli.tasks.written_scores.METRICS`; None is the usual one.
    """

    run: str
    data: str | None = None
    overrides: Sequence[str] = ()
    metric: str | None = None
    reading: Mapping[str, Any] = field(default_factory=dict)


def evaluate(request: Request, notes: list[str]) -> Score:
    """The model beside its floors, which learn from the training data: these must be there."""
    model = open_model(request.run)
    fixed = [text for text in request.overrides if not text.startswith(("data.path=", "training.threads="))]
    if fixed:
        raise UsageError(f"--set {fixed[0]}: a run is scored as it was trained; only data.path and threads may change")
    beside = Path(request.run) / "config.yaml"
    if not beside.exists():
        raise UsageError(f"{request.run}: a score needs the floors, and they the training data; name the run directory")
    config = load_config(beside, request.overrides)
    path = config.data.path
    if path is None:
        raise UsageError(
            f"{request.run}: its training data came from a pipe, and the floors learn from them; "
            "save them to a file, and name it with --set data.path=FILE"
        )
    if request.data is None and request.reading:
        raise UsageError("options for reading are for DATA; name it, or leave them out")
    source = read_source(path)
    _require_same_data(request.run, config, source)
    pool = ThreadPool(config.training.threads, FLOAT32)
    try:
        trainee: Trainee = TASKS[config.task].prepare(config, source, pool, notes)
        if not _fits(trainee, model.header):
            raise UsageError(f"{request.run}: its data or config.yaml are not what it was trained with; restore them")
        trainee.network.load(model.arrays)
        if request.metric is not None:
            _measure_by(request, trainee)
        if request.data is not None:
            trainee.hold_out(read_source(request.data), request.reading, notes)
        score = trainee.score()
    finally:
        pool.close()
    if score is None:
        raise UsageError(f"{request.run}: nothing was held out; name data to score it on")
    return score


def _fits(trainee: Trainee, header: Mapping[str, Any]) -> bool:
    """Whether a model with this header is one of the trainee's, but for what its validation said."""
    ours = json.loads(json.dumps({key: value for key, value in trainee.header().items() if key != "arrays"}))
    return {"format": FORMAT, **ours, "validated": None} == {**header, "validated": None}


def _measure_by(request: Request, trainee: Trainee) -> None:
    if not isinstance(trainee, writing.Trainee):
        raise UsageError(f"--metric {request.metric}: is for what a seq2seq or a caption writes; leave it out")
    trainee.metric = str(request.metric)


def _require_same_data(run: str, config: Config, source: Source) -> None:
    """DataError where the training data are not those that the state beside the model saw."""
    state = Path(run) / "state.safetensors"
    if state.exists() and model_file.read(state)[1].get("data_sha256") != data_sha256(config, source):
        raise DataError(f"{source.name}: is not what {run} was trained on; restore it, or train again")
