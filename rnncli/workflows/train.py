"""train: from a config and data to a run directory with the best model."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from rnncli.config.section import keys_of
from rnncli.config.sections import Config
from rnncli.data.source import Source
from rnncli.errors import MachineError, UsageError, quoted
from rnncli.notes import note, noting
from rnncli.tasks.registry import load_run_config
from rnncli.training.backpropagation import ThreadPool
from rnncli.training.reports import Finished, Note, Report, Started
from rnncli.workflows.leading import Lead
from rnncli.workflows.opening import config_and_source, first_run, one_or_all, source_of
from rnncli.workflows.run_directory import RunDirectory
from rnncli.workflows.start_from import config_and_source_from
from rnncli.workflows.stopping import ASKING, ASKING_RANKS, StopRequest, stop_on_signals
from rnncli.workflows.train_request import Request
from rnncli.workflows.training_run import TrainingRun


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
        named = request.first if isinstance(request.first, str) and os.path.isdir(request.first) else "RUN"
        raise UsageError(f"--resume goes on with the run of -o: rnncli train --resume -o {quoted(named)}")
    notes: list[str] = []
    with noting(notes.append):
        request = _renewed(request)
        config, source = _inputs(request)
        _note_other_bytes()
        ranks = lead.ranks(config)
    out = Path(request.out) if request.out else request.free_name(config)
    pool = ThreadPool(config.training.threads, ranks)
    try:
        with (
            RunDirectory.resume(out) if request.resume else RunDirectory.create(out) as run,
            stopping or stop_on_signals(numbers=ASKING_RANKS if ranks.size > 1 else ASKING) as stop,
            noting(lambda text: show(Note(text))),
        ):
            for text in (*first_run(), *notes):
                show(Note(text))
            TrainingRun(
                run=run,
                request=request,
                config=config,
                source=source,
                pool=pool,
                show=show,
                stop=stop,
                lead=lead,
            ).train()
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
    path = one_or_all(request.named_data) or config.data.path
    if path is None:
        raise UsageError(f"{request.out}: its data came from a pipe; name or pipe the same data again")
    return config, source_of(config, path)


def for_a_while(show: Callable[[Report], None]) -> Callable[[Report], None]:
    """Return `show` for a run that will be removed: it shows neither the path nor the score, which goes elsewhere."""

    def shown(report: Report) -> None:
        if isinstance(report, Started):
            report = replace(report, facts=tuple(fact for fact in report.facts if fact[0] != "run"))
        if not isinstance(report, Finished):
            show(report)

    return shown
