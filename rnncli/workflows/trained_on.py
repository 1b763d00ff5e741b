"""The data that a run was trained on, where they are still: what is made from them takes that they are as they were."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from rnncli.config.sections import Config
from rnncli.data.source import Source
from rnncli.errors import DataError, RnncliError, UsageError
from rnncli.nn import model_file
from rnncli.notes import note, noting
from rnncli.tasks.registry import load_run_config
from rnncli.workflows.experiments import data_sha256
from rnncli.workflows.opening import Model, source_of
from rnncli.workflows.run_directory import RunDirectory
from rnncli.workflows.runs import require_trained


def training_data(
    model: Model,
    overrides: Sequence[str] = (),
    why: str = "the baselines of a score learn from the training data",
    mend: str = "save them to a file, and name it with --set data.path=FILE, or in a program with load(…, trained_on=)",
) -> tuple[Config, Source]:
    """Return the config of a model's run, and the data that it was trained on; an error says `why` they are needed, and
    the `mend` where no file has them."""
    run = model.run
    beside = Path(run) / "config.yaml"
    if not beside.exists():
        raise UsageError(f"{run}: {why}, which only a run directory knows; name it")
    require_trained(Path(run))
    config = load_run_config(beside, overrides)
    path = model.trained_on or config.data.path
    if path is None:
        raise UsageError(f"{run}: {why}, and that came from a pipe or a program; {mend}")
    with noting(lambda text: None):  # of how these data are read it was told at training
        source = source_of(config, path)
    return config, _as_it_was(run, config, source)


def _as_it_was(run: str, config: Config, source: Source) -> Source:
    """Return the training data; of a file that has grown since, its beginning. DataError where they are other data than
    the run's saved state was trained on."""
    found = found_in(run, config, source)
    if found is None:
        raise DataError(f"{source.name}: is not what {run} was trained on; restore it, or train again")
    if found is not source:
        note(f"{has_grown(found)} are what {run} was trained on")
    return found


def found_in(run: str, config: Config, source: Source) -> Source | None:
    """Return what a run with this config was trained on, if that is `source` or the beginning of it."""
    report = RunDirectory(Path(run)).read_report()
    known = _sha256_in_state(run) or (None if report is None else report.data["sha256"])
    if known is None:
        return source
    return unchanged(config, source, known, source.size if report is None else report.data["bytes"])


def unchanged(config: Config, source: Source, sha256: str, size: int) -> Source | None:
    """Return of these data those of this hash and size in bytes: all of them, or their beginning where they are a file
    that has grown; None if they are others."""
    if data_sha256(config, source) == sha256:
        return source
    if type(source) is Source and size < source.size:
        beginning = Source(source.name, source.content[:size], path=source.path)
        if data_sha256(config, beginning) == sha256:
            return beginning
    return None


def has_grown(beginning: Source) -> str:
    """Return the words for what a file that has grown since training began with then."""
    return f"{beginning.name} has grown since training; its first {beginning.size:,} bytes"


def _sha256_in_state(run: str) -> str | None:
    """Return the hash of the data in the state of a run, None where it has no state."""
    state = Path(run) / "state.safetensors"
    return model_file.read(state, in_run=True)[1].get("data_sha256") if state.exists() else None


def changed_since(run: str) -> str | None:
    """Return by its name, the shortest from here, the file that a run was trained on, if it has changed since.

    A file that is missing, or a run that does not tell, is worth no word.
    """
    with contextlib.suppress(RnncliError):
        config = load_run_config(Path(run) / "config.yaml")
        path = config.data.path
        if isinstance(path, str) and os.path.isfile(path) and _has_changed(run, config, path):
            near = os.path.relpath(path)
            return path if near.startswith(os.pardir) else near
    return None


def _has_changed(run: str, config: Config, path: str) -> bool:
    """True if the data are others than the report of the run, or without one its state, tells."""
    with noting(lambda text: None):
        source, report = source_of(config, path), RunDirectory(Path(run)).read_report()
    if report is not None and source.size != report.data["bytes"]:
        return True
    return data_sha256(config, source) != (report.data["sha256"] if report else _sha256_in_state(run))
