"""train: from a config and data to a run directory with the best model."""

from __future__ import annotations

import glob
import hashlib
import itertools
import os
import shlex
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from rnncli.config.loading import data_paths, given_keys
from rnncli.config.sections import Config, chosen_keys, keys_of
from rnncli.config.values import parse_duration
from rnncli.data.source import Source
from rnncli.errors import DataError, DivergedError, MachineError, StoppedError, UsageError
from rnncli.inspection.inspect import watched
from rnncli.notes import note, noting
from rnncli.tasks.cross_validation import CrossValidation
from rnncli.tasks.registry import TASKS, dump_config, load_run_config
from rnncli.tasks.task import Context, Experiment
from rnncli.training.backpropagation import ThreadPool
from rnncli.training.folds import CROSS_VALIDATED
from rnncli.training.length import wanted_updates
from rnncli.training.loop import TrainingLoop
from rnncli.training.optimizer import Optimizer
from rnncli.training.plan import BY_FIGURE, Plan
from rnncli.training.reports import Evaluated, Finished, Note, Report, Started
from rnncli.workflows.leading import Lead
from rnncli.workflows.names import is_config
from rnncli.workflows.opening import First, config_and_source, first_run, one_or_all, source_of
from rnncli.workflows.planning import Planner, note_length, with_epochs
from rnncli.workflows.resume import began_with, fingerprint, is_over, require_unchanged, resumed
from rnncli.workflows.run_directory import Inputs, RunDirectory, State
from rnncli.workflows.run_report import run_report
from rnncli.workflows.start_from import Origin, config_and_source_from, origin_in, origin_of
from rnncli.workflows.stopping import ASKING, ASKING_RANKS, StopRequest, stop_on_signals


@dataclass(frozen=True)
class Request:
    """The arguments of `train`; `first` is a config or data, by name or, from a program, as they are; `out` None picks
    a free name under runs/.

    origin: the run to start from. pause: the share of the updates at whose evaluation training ends for now, saved as
    at a stop, but without an error; it goes on with `resume`.
    """

    first: First | None
    data: Sequence[str | Source] = ()
    out: str | None = None
    overrides: Sequence[str] = ()
    resume: bool = False
    watch_grads: bool = False
    origin: str | None = None
    pause: float = 1.0


def train(
    request: Request,
    show: Callable[[Report], None],
    lead: Lead | None = None,
    stopping: AbstractContextManager[StopRequest] | None = None,
) -> Path:
    """Train, save, report, and return the run; StoppedError after SIGINT or SIGTERM, when everything is saved.

    lead: what this process leads other ranks with. stopping: the block in which a request to stop is waited for, in
    place of these signals; one without a signal pauses.
    """
    lead = lead or Lead()
    if request.out is not None and not request.out.strip():
        raise UsageError("-o needs the name of a run directory")
    if request.resume and request.origin:
        raise UsageError("--from starts a new run; leave it out to go on with --resume")
    if request.resume and request.out is None:
        raise UsageError("--resume needs -o RUN, the run to go on with")
    notes: list[str] = []
    with noting(notes.append):
        request = _renewed(request)
        config, source = _inputs(request)
        _note_other_bytes()
        ranks = lead.ranks(config)
    out = Path(request.out) if request.out else _free_name(request, config)
    pool = ThreadPool(config.training.threads, ranks)
    try:
        with (
            RunDirectory.resume(out) if request.resume else RunDirectory.create(out) as run,
            stopping or stop_on_signals(numbers=ASKING_RANKS if ranks.size > 1 else ASKING) as stop,
            noting(lambda text: show(Note(text))),
        ):
            _train_in(
                run=run,
                request=request,
                config=config,
                source=source,
                pool=pool,
                notes=[*first_run(), *notes],
                show=show,
                stop=stop,
                lead=lead,
            )
    except MemoryError:
        raise MachineError(f"out of memory; lower {memory_keys(config)}") from None
    finally:
        pool.close()
    return out


def _renewed(request: Request) -> Request:
    """Return the request, of a run that was killed before it had written a file as that of a new one; UsageError or
    ModelFileError where there is nothing to resume."""
    if not request.resume:
        return request
    assert request.out is not None
    run = RunDirectory(Path(request.out))
    if request.first is not None and run.is_abandoned():
        note(f"{run.path}: was killed before it had saved anything, and starts anew")
        return replace(request, resume=False)
    run.require_begun()
    return request


def _note_other_bytes() -> None:
    """Tell of a CPU on which the promise of the same bytes does not hold."""
    from rnncli.kernels.jit import vector_lanes

    if not vector_lanes():
        note("this CPU has neither AVX2 with FMA nor NEON: training is slow, and may give other bytes than elsewhere")


def memory_keys(config: Config) -> str:
    """Return the keys that decide how much memory the task of this config takes."""
    sizes = ("data.max_length", "data.context", "training.bptt", "model.hidden_size", "training.batch_size")
    mine = [key for key in sizes if key.partition(".")[2] in keys_of(type(config), key.partition(".")[0])]
    return f"{', '.join(mine[:-1])} or {mine[-1]}"


def _inputs(request: Request) -> tuple[Config, Source]:
    """Return config and data; a resumed run has its own config."""
    if request.origin is not None:
        return config_and_source_from(request.origin, request.first, request.data, request.overrides)
    if not request.resume:
        if request.first is None:
            raise UsageError("name a config or a data file to train on, - for standard input; see rnncli train --help")
        return config_and_source(request.first, request.data, request.overrides)
    assert request.out is not None
    config = load_run_config(Path(request.out) / "config.yaml", request.overrides)
    path = one_or_all(_named_data(request)) or config.data.path
    if path is None:
        raise UsageError(f"{request.out}: its data came from a pipe; name or pipe the same data again")
    return config, source_of(config, path)


def _named_data(request: Request) -> list[str | Source]:
    """Return the data on the command line, which may follow a config."""
    first = request.first
    if isinstance(first, str):
        return [*request.data] if is_config(first) else [first, *request.data]
    return [first, *request.data] if isinstance(first, Source) else [*request.data]


def name_of(request: Request, nameless: str = "") -> str:
    """Return the name of a config, of its data, or of the folder of several files; `nameless` for what has none."""
    first = request.first if isinstance(request.first, str) else nameless if request.first else ""
    several = len(_named_data(request)) > 1 or glob.has_magic(first)
    return "stdin" if first == "-" else Path(first).resolve().parent.name if several else Path(first).resolve().stem


def _free_name(request: Request, config: Config) -> Path:
    """Return the path of a run that is named after what it is trained on, or after its task."""
    stem = name_of(request, config.task)
    names = itertools.chain([stem], (f"{stem}-{k}" for k in itertools.count(2)))
    return next(path for name in names if not os.path.lexists(path := Path("runs") / name))


def _train_in(
    run: RunDirectory,
    request: Request,
    config: Config,
    source: Source,
    pool: ThreadPool,
    notes: Sequence[str],
    show: Callable[[Report], None],
    stop: StopRequest,
    lead: Lead,
) -> None:
    for text in notes:
        show(Note(text))
    sha256 = data_sha256(config, source)
    state = _state(run, request, config, sha256) if request.resume and run.state.is_file() else None
    origin = origin_in(run, state) if state else origin_of(request.origin, sha256) if request.origin else None
    learnt = origin.learnt if origin else None
    whole, experiment = experiment_of(config, source, pool, learnt)
    lead.prepare(whole.config, source, learnt)
    if origin and state is None:
        origin.give_weights(experiment, request.overrides)
    optimizer = optimizer_of(experiment, pool)
    planner = Planner(run, experiment, optimizer, request.watch_grads)
    planned: tuple[tuple[str, str], ...] = ()
    if state is None:
        with lead.together("plan", config.fills_time):
            loop, planned = planner.started(fills=config.fills_time)
    else:
        before = _began_with(run, request, state)
        loop = resumed(run, experiment, state, before, request.overrides, optimizer, partial(lead.length, planner))
    loop.begins_trained = origin is not None
    lead.begin(loop, state and state.arrays)
    if origin and state is None:  # so that a config is never resumed without these weights
        run.write_state(lead.arrays(loop), loop.snapshot(), loop.plan, Inputs(sha256, None, origin.kept))
    time = experiment.config.training.max_time
    if request.resume and "max_time" in (given_keys(request.overrides).get("training") or {}):
        # Which is the time of this resume alone, and would limit what is made from the config later.
        limit_before = load_run_config(run.config).training.max_time
        experiment.config = experiment.config.changed(training={"max_time": limit_before})
    inputs = _inputs_kept(run, experiment, source, sha256, origin)
    if state is None or (inputs, loop.plan) != (state.inputs, state.plan):
        run.write_state(lead.arrays(loop), loop.snapshot(), loop.plan, inputs)
    if origin and not run.model.is_file():
        run.write_model(experiment.arrays(), experiment.header())  # from which a resumed run has what was learnt
    position = loop.position
    wanted = wanted_updates(experiment.config.training, experiment.learner.updates_per_epoch)
    seconds = loop.plan.budget
    if loop.plan.updates < wanted and not seconds:
        seconds = parse_duration(time) if time else 0.0
        show(Note(f"{loop.plan.updates:,} of {wanted:,} updates fit into training.max_time {time} at today's speed"))
    if is_over(loop.plan, position):
        _note_over(request, run, experiment, source, position.update, show)
    chosen = _chosen(config, experiment.config)
    facts = (*experiment.facts, *chosen, *planned, *_begun(origin), *lead.facts, ("run", str(run.path)))
    show(Started(facts, position.update, loop.plan.updates, experiment.learner.loss.unit, request.resume))
    if loop.has_had(request.pause):
        return
    reason, kept = "finished", "best"
    run.drop_report()
    try:
        for report in lead.run(loop, lambda: stop() or loop.has_had(request.pause)):
            if isinstance(report, Evaluated):
                reason = report.reason
                if report.valid_loss is None and loop.plan.kept_by == BY_FIGURE and kept == "best":
                    kept = "last"
                    show(Note("nothing is held out for validation, so the weights of the last update are kept"))
                if request.watch_grads:
                    report = replace(report, memory=watched(experiment.learner, experiment.config))
                if loop.plan.budget and loop.plan.updates != experiment.config.training.updates:
                    note_length(experiment, loop.plan)
                    inputs = _inputs_kept(run, experiment, source, sha256, origin)
                _save(run, experiment, lead, loop, report, inputs)
            elif isinstance(report, Note):
                run.drop_metrics_after(position.update)  # of a stop, if training went back behind it
            show(report)
    except DivergedError as error:
        raise error if experiment is not whole else _failed(run, lead, loop, inputs, error) from None
    if reason == "stopped":
        if stop.signal_number is None and (stop() or loop.has_had(request.pause)):
            return
        what = f"after update {position.update:,} of {loop.plan.updates:,}; saved in {run.path}"
        raise _stopped(what, request, run, source, stop)
    _best(experiment, loop)
    experiment.choose()
    score = experiment.score()  # before the header, into which its results may go
    if isinstance(experiment, CrossValidation):
        whole.cross_validated, kept = score, CROSS_VALIDATED
        plan = experiment.plan_of_all(loop.plan, position)
        if _trained_on_all(whole, plan, pool, show, stop, lead) == "stopped":
            if stop.signal_number is None and stop():
                return
            what = f"while training on all of the data, after cross-validation, which is saved in {run.path}"
            raise _stopped(what, request, run, source, stop)
        score = whole.score()
    run.write_model(whole.arrays(), _header(whole))
    end = Finished(
        score,
        position.best_update,
        position.best_loss,
        str(run.path),
        kept,
        TASKS[config.task].after_training,
        position.best_averaged,
        experiment.fit(run.read_metrics(), seconds=seconds),
    )
    placed = _placed(experiment.config, source)
    run.write_report(run_report(placed, source, sha256, position, pool.count, end, run.model_sha256()))
    show(end)


def _stopped(what: str, request: Request, run: RunDirectory, source: Source, stop: StopRequest) -> StoppedError:
    again = _resume_command(request, run, source)
    # Where another rank alone got the signal, its number is not known here.
    return StoppedError(f"stopped {what}; go on with: {again}", stop.signal_number or signal.SIGTERM)


def experiment_of(
    config: Config, source: Source, pool: ThreadPool, learnt: Mapping[str, Any] | None = None
) -> tuple[Experiment, Experiment]:
    """Return the experiment, and what is trained first: its cross-validation, if it has one, or itself; learnt: see
    `Task.prepare`."""
    whole = TASKS[config.task].prepare(config, source, Context(pool), learnt)
    folds = whole.folds()
    return whole, with_epochs(config, CrossValidation(whole, folds) if folds else whole)


def _best(experiment: Experiment, loop: TrainingLoop) -> Experiment:
    """Return the experiment with the weights that the loop keeps."""
    experiment.network.parameters.weights[...] = loop.best
    experiment.network.pack()
    return experiment


def _trained_on_all(
    whole: Experiment, plan: Plan, pool: ThreadPool, show: Callable[[Report], None], stop: StopRequest, lead: Lead
) -> str:
    """Train the network of all the data for as long as was best in cross-validation; return why training ended.

    A run that is stopped here does it anew when it is resumed, since its state is that of the folds.
    """
    loop, reason = TrainingLoop(whole.learner, optimizer_of(whole, pool), plan), ""
    facts = (("training", "on all, with nothing left out, for as long as was best"),)
    show(Started(facts, 0, plan.ends or plan.updates, whole.learner.loss.unit, False))
    lead.begin(loop, of_all=True)
    for report in lead.run(loop, stop):
        if isinstance(report, Evaluated):
            reason = report.reason
        else:
            show(report)
    _best(whole, loop)
    return reason


def _header(experiment: Experiment) -> dict[str, Any]:
    """Return the header of the model file, with the score of cross-validation, if any."""
    header, score = experiment.header(), experiment.cross_validated
    if score is not None:
        header["validated"] = {**header.get("validated", {}), "cross_validated": score.to_header()}
    return header


def _chosen(config: Config, prepared: Config) -> tuple[tuple[str, str], ...]:
    """Return what the data chose in place of null, in one line, or nothing."""
    text = ", ".join(f"{key} {value}".lower() for key, value in chosen_keys(config, prepared).items())
    return (("chosen", text),) if text else ()


def _begun(origin: Origin | None) -> tuple[tuple[str, str], ...]:
    """Return where the weights come from, in one line, or nothing."""
    return (
        (("from", f"the weights of {origin.path}, with all that it knows; the optimizer starts anew"),)
        if origin
        else ()
    )


def _failed(run: RunDirectory, lead: Lead, loop: TrainingLoop, inputs: Inputs, error: DivergedError) -> DivergedError:
    """Return the error; save the state at the batch that failed if the weights are finite and there is room."""
    if not (loop.updating and np.isfinite(loop.parameters.weights).all()):
        return error
    try:
        run.write_state(lead.arrays(loop), loop.snapshot(), loop.plan, inputs, failed=True)
    except MachineError:
        return error
    look = shlex.join(["rnncli", "inspect-grads", str(run.path), "--at", "failure"])
    return DivergedError(f"{error}; look at the batch with: {look}")


def for_a_while(show: Callable[[Report], None]) -> Callable[[Report], None]:
    """Return `show` for a run that will be removed: it shows neither the path nor the score, which goes elsewhere."""

    def shown(report: Report) -> None:
        if isinstance(report, Started):
            report = replace(report, facts=tuple(fact for fact in report.facts if fact[0] != "run"))
        if not isinstance(report, Finished):
            show(report)

    return shown


def _resume_command(request: Request, run: RunDirectory, source: Source) -> str:
    named = _named_data(request)
    if any(isinstance(one, Source) for one in named):
        return f"rnncli.train(data=…, out={str(run.path)!r}, resume=True), with the same data"
    piped = [] if source.path else [*map(str, named or ["-"])]
    return shlex.join(["rnncli", "train", *piped, "-o", str(run.path), "--resume"])


def data_sha256(config: Config, source: Source) -> str:
    """Return the hash of the data and of all files read beside it, which a resumed run must find unchanged."""
    files = [path for key, path in data_paths(config).items() if key != "path"]
    with noting(lambda text: None):  # told when they were read
        digests = [source.sha256, *(TASKS[config.task].source(config, path).sha256 for path in files)]
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


def _state(run: RunDirectory, request: Request, config: Config, sha256: str) -> State:
    """Return the state of a run; DataError or ConfigError where its data or its config are not those it began with."""
    state = run.read_state()
    if state.inputs.data_sha256 != sha256:
        raise DataError(f"the data changed since the run {run.path} began; restore it, or start a new run")
    require_unchanged(run, _began_with(run, request, state), config, request.overrides)
    return state


def _inputs_kept(
    run: RunDirectory, experiment: Experiment, source: Source, sha256: str, origin: Origin | None
) -> Inputs:
    """Write the config, and return what the state is to know of it and the data: the config as it will be read."""
    run.write_config(dump_config(_placed(experiment.config, source), str(run.path)))
    return Inputs(sha256, fingerprint(load_run_config(run.config)), origin.kept if origin else None)


def _began_with(run: RunDirectory, request: Request, state: State) -> Mapping[str, Any]:
    return began_with(state, load_run_config(run.config), request.overrides)


def _note_over(
    request: Request,
    run: RunDirectory,
    experiment: Experiment,
    source: Source,
    update: int,
    show: Callable[[Report], None],
) -> None:
    """Say that a run has ended, and how to go on with it nevertheless."""
    ended = f"{run.path} is finished, after {update:,} updates"
    if isinstance(experiment, CrossValidation):
        show(Note(f"{ended}: cross-validation found how long to train, so that there is nothing to go on with"))
        return
    more = f"training.epochs={2 * experiment.config.training.epochs}"
    command = f"{_resume_command(request, run, source)} --set {more}"
    show(Note(f"{ended}; go on for longer with: {command} (or --max-time 10m)"))


def optimizer_of(experiment: Experiment, pool: ThreadPool) -> Optimizer:
    return Optimizer.of(experiment.config.training, experiment.network, pool)


def _placed(config: Config, source: Source) -> Config:
    """Return the config with absolute data paths, so that the run can be resumed from any folder."""

    def placed(path: str) -> str:
        return str(Path(path).resolve())

    path = source.path  # of a pipe, which is read once, None
    whole = path and (placed(path) if isinstance(path, str) else [placed(one) for one in path])
    return config.changed(data={"path": whole})


def _save(
    run: RunDirectory, experiment: Experiment, lead: Lead, loop: TrainingLoop, report: Evaluated, inputs: Inputs
) -> None:
    """Save an evaluation: its line, the model if it is the best (or the first), and the state to go on from."""
    run.append_metrics(report)
    if report.improved or not run.model.exists():
        with loop.with_best():
            run.write_model(experiment.arrays(), experiment.header())
    run.write_state(lead.arrays(loop), loop.snapshot(), loop.plan, inputs)
