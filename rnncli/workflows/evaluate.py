"""evaluate: the model of a run beside its floors, on what the run held out or on new data."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rnncli.config.inference import is_config
from rnncli.config.loading import load_config
from rnncli.config.schema import Config
from rnncli.data.source import Source, read_source
from rnncli.errors import DataError, UsageError
from rnncli.nn import model_file
from rnncli.nn.model_file import FORMAT
from rnncli.nn.network import FLOAT32
from rnncli.tasks.forecast.experiment import Trainee as ForecastTrainee
from rnncli.tasks.forecast.report import backtested, report, window_rows
from rnncli.tasks.registry import TASKS
from rnncli.tasks.seq2seq.seq2seq import writing
from rnncli.tasks.task import Trainee
from rnncli.training.reports import BacktestReport, Report, Score
from rnncli.training.threads import ThreadPool
from rnncli.workflows.checks import require_rule
from rnncli.workflows.opening import open_model
from rnncli.workflows.train import Request as Training
from rnncli.workflows.train import data_sha256, for_a_while, train


@dataclass(frozen=True)
class Request:
    """`data` None takes the part that the run held out; else it is scored in its place, read as `reading` says.

    metric: of written answers, one of `rnncli.tasks.seq2seq.scores.METRICS`; None is the usual one. windows, step: of
    a forecast's backtest, how many origins of each series, and how far apart; every one, by default.
    """

    run: str
    data: str | None = None
    overrides: Sequence[str] = ()
    metric: str | None = None
    reading: Mapping[str, Any] = field(default_factory=dict)
    windows: int | None = None
    step: int | None = None
    must_beat: Sequence[str] = ()
    fail_if: Sequence[str] = ()

    @property
    def is_for_forecasts(self) -> bool:
        return self.windows is not None or self.step is not None or bool(self.must_beat or self.fail_if)


@dataclass(frozen=True)
class Evaluation:
    """The score; of a forecast also the whole backtest, and its windows row by row."""

    score: Score
    backtest: BacktestReport | None = None
    rows: Iterator[dict[str, Any]] = field(default_factory=lambda: iter(()))


def evaluate(request: Request, notes: list[str], show: Callable[[Report], None]) -> Evaluation:
    """The model beside its floors, which learn from the training data: these must be there.

    A config in place of a run is trained first, in a folder that is removed again.
    """
    for rule in request.fail_if:
        require_rule(rule)
    if not is_config(request.run):
        return _of_run(request, notes)
    with tempfile.TemporaryDirectory() as folder:
        run = str(Path(folder) / "run")
        overrides = [*request.overrides, *_held_out(request)]
        train(Training(request.run, request.data, run, overrides), for_a_while(show))
        return _of_run(replace(request, run=run, data=None, overrides=()), notes)


def _held_out(request: Request) -> list[str]:
    """A config that names no test part has one of as many rows as the windows need."""
    data = load_config(request.run, request.overrides).data
    if request.windows is None or data.test is not None or data.horizon is None:
        return []
    return [f"data.test={(request.windows - 1) * (request.step or 1) + data.horizon}"]


def _of_run(request: Request, notes: list[str]) -> Evaluation:
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
        if isinstance(trainee, ForecastTrainee):
            return _backtest(request, trainee, model.header)
        if request.is_for_forecasts:
            raise UsageError("--windows, --step, --must-beat and --fail-if are for a forecast; leave them out")
        score = trainee.score()
    finally:
        pool.close()
    if score is None:
        raise UsageError(f"{request.run}: nothing was held out; name data to score it on")
    return Evaluation(score)


def _backtest(request: Request, trainee: ForecastTrainee, header: Mapping[str, Any]) -> Evaluation:
    trainee.recall(header)
    step = request.step or 1
    split, tested = backtested(trainee, request.windows, step)
    return Evaluation(
        trainee.scored(split, tested), report(trainee, split, tested, step), window_rows(trainee, tested)
    )  # fmt: skip


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
