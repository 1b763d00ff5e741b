"""evaluate: the model of a run beside its baselines, on the split that the run held out or on new data."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from rnncli.config.chosen import value_before
from rnncli.config.section import keys_of
from rnncli.config.sections import SECTIONS
from rnncli.data.encodings import with_encoding_of
from rnncli.data.kept_rows import KeptRows
from rnncli.data.source import Source
from rnncli.errors import UsageError
from rnncli.nn.model_file import FORMAT
from rnncli.notes import noting
from rnncli.tasks.registry import TASKS, load_config
from rnncli.tasks.task import Context, Evaluation, Experiment, Options
from rnncli.training.backpropagation import ThreadPool
from rnncli.training.reports import Report
from rnncli.workflows.leading import Lead
from rnncli.workflows.names import is_config
from rnncli.workflows.opening import (
    Model,
    one_or_all,
    open_sound,
    open_to_answer,
    reading_as_trained,
    require_readable,
    require_understood,
    source_of,
)
from rnncli.workflows.run_directory import RunDirectory
from rnncli.workflows.start_from import learnt_before
from rnncli.workflows.temporary import temporary_folder
from rnncli.workflows.train import for_a_while, train
from rnncli.workflows.train_request import Request as Training
from rnncli.workflows.trained_on import training_data


@dataclass(frozen=True)
class Request:
    """The arguments of `evaluate`: `data` is scored, or without any the split that the run held out.

    reading: how `data` is read. options: further options for the task. precision: that of products, None as the
    model was trained.
    """

    run: str | Model
    data: Sequence[str | Source] = ()
    overrides: Sequence[str] = ()
    reading: Options = field(default_factory=dict)
    options: Options = field(default_factory=dict)
    precision: str | None = None


def evaluate(request: Request, show: Callable[[Report], None], lead: Lead | None = None) -> Evaluation:
    """Score the model beside its baselines, which learn from the training data; these must still be there.

    A config in place of a run is trained first, in a folder that is removed afterwards. lead: what this process leads
    other ranks with, which share what is scored.
    """
    lead = lead or Lead()
    if isinstance(request.run, Model) or not is_config(request.run):
        return _of_run(request, lead)
    config = load_config(request.run, request.overrides)
    task = TASKS[config.task]
    require_understood("evaluate", task, request.options)
    with temporary_folder() as folder:
        run = str(folder / "run")
        overrides = [*request.overrides, *task.held_out_for(config, request.options)]
        train(Training(request.run, request.data, run, overrides), for_a_while(show), lead)
        return _of_run(replace(request, run=run, data=(), overrides=()), lead)


def _of_run(request: Request, lead: Lead) -> Evaluation:
    model = open_sound(open_to_answer(request.run)).in_precision(request.precision)
    require_understood("evaluate", model.task, request.options)
    require_readable(model.task, request.reading)
    if not request.data and request.reading:
        raise UsageError("options for reading are for DATA; name it, or leave them out")
    with recalled(model, request.overrides, lead=lead) as (experiment, data):
        if path := one_or_all(request.data):
            source = source_of(experiment.config, path)
            if source.sha256 == data.sha256:
                experiment.doubt_same(source)
            reading = with_encoding_of(experiment.config, source, request.reading)
            with reading_as_trained():
                experiment.hold_out(source, reading)
            lead.hold_out(source, reading)
        try:
            with lead.shared(experiment.learner.backpropagation.pool.ranks, "evaluate", request.options):
                made = experiment.evaluate(request.options)
                return replace(made, encoding=experiment.config.data.encoding)
        except UsageError as error:
            raise UsageError(
                str(error).replace("nothing was held out", f"{model.run}: nothing was held out", 1)
            ) from None


def require_same_training(overrides: Sequence[str]) -> None:
    """Raise UsageError for an override of more than where the data are and how many threads work."""
    fixed = [text for text in overrides if not text.startswith(("data.path=", "training.threads="))]
    if fixed:
        raise UsageError(f"--set {fixed[0]}: a run is scored as it was trained; only data.path and threads may change")


@contextlib.contextmanager
def recalled(
    model: Model,
    overrides: Sequence[str] = (),
    kept: KeptRows | None = None,
    lead: Lead | None = None,
    **errors: str,
) -> Iterator[tuple[Experiment, Source]]:
    """Yield the experiment of a run with the weights of its `model`, and the data that it was trained on, which must
    still be there; `errors` are those of `training_data`. kept: what its features are taken from in place of the run.
    lead: what other ranks are led with, which have it too.
    """
    lead = lead or Lead()
    require_same_training(overrides)
    config, source = training_data(model, overrides, **errors)
    run = model.run
    config = config.changed(training={"precision": model.precision})
    pool, learnt = ThreadPool(config.training.threads, lead.judging()), learnt_before(Path(run), model.header)
    try:
        kept = RunDirectory(Path(run)).sound_rows() if kept is None else kept
        with noting(lambda text: None):
            experiment = model.task.prepare(config, source, Context(pool, kept=kept), learnt)
        experiment.recall(model.header, model.arrays)
        if not _fits(experiment, model):
            raise UsageError(f"{run}: its data or config.yaml are not what it was trained with; restore them")
        experiment.network.load(model.arrays)
        lead.recall(config, source, learnt, model)
        yield experiment, source
    finally:
        pool.close()


def _fits(experiment: Experiment, model: Model) -> bool:
    """Return True if the header is that of the experiment's model, apart from arrays and the results of validation."""
    ours = json.loads(json.dumps({key: value for key, value in experiment.header().items() if key != "arrays"}))
    ours, theirs = model.task.renewed(ours), dict(model.header)  # which is renewed, too
    for section in SECTIONS:  # what an older version did not know is as it was then
        fields = keys_of(type(experiment.config), section)
        newer = {key: value_before(fields[key]) for key in ours.get(section, ()) if key not in theirs.get(section, ())}
        theirs[section] = {**newer, **theirs.get(section, {})}
        ours.setdefault(section, {})
    return {"format": FORMAT, **ours, "validated": None} == {**theirs, "validated": None}
