"""train --from: a new run that starts from the weights of another one, and reads data as that does.

It has the config of the other run, but for `--set`; its vocabulary, its labels and its scales, without which the
weights mean nothing; and what its network corrects (naive Bayes, a linear model, an echo state network, changes of
endings) as it is. Cross-validation would train folds on sequences that the weights have seen, so that there is none;
nor is anything held out that they were trained on, as far as that can be told.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnncli.config.loading import given_keys
from rnncli.config.sections import Config
from rnncli.data.encodings import FOUND
from rnncli.data.source import Source
from rnncli.errors import UsageError
from rnncli.notes import doubt, note, noting
from rnncli.tasks.registry import TASKS, load_run_config
from rnncli.tasks.task import EXTENDS, OTHER_DATA, Context, Experiment
from rnncli.training.backpropagation import ThreadPool
from rnncli.workflows.names import is_config, similar_run
from rnncli.workflows.opening import First, Model, one_or_all, open_sound, source_of
from rnncli.workflows.run_directory import RunDirectory
from rnncli.workflows.run_state import Began, State
from rnncli.workflows.runs import refuse_study
from rnncli.workflows.trained_on import found_in

_SPLITS = ("data.validation", "data.test", "data.group", "data.stratify", "training.seed")  # keys that move them
_NOTHING = "hold out nothing: --set data.validation=0 --set data.test=0"
_DROPPED = ("word", "input", "output", "embedding", "variational", "state")
_MAY_CHANGE = ("model.dropout", "model.weight_drop", *(f"model.{what}_dropout" for what in _DROPPED))  # of the network


@dataclass(frozen=True)
class Origin:
    """The model that a run starts from. path: its run; other_data: True if that was trained on other data; begins: True
    unless the run is resumed.
    """

    model: Model
    path: str
    other_data: bool
    begins: bool = False

    @property
    def learnt(self) -> dict[str, Any]:
        """What `Task.prepare` takes in place of a new vocabulary, new labels and new scales."""
        learnt = learnt_in(self.model.header, other_data=self.other_data)
        return {**learnt, EXTENDS: True} if self.begins else learnt

    @property
    def kept(self) -> Began:
        """What the state of the new run is to know of it."""
        return Began(self.path, self.other_data)

    def give_weights(self, experiment: Experiment, overrides: Sequence[str]) -> None:
        """Start the networks of the experiment with its weights; UsageError where they have other shapes."""
        try:
            experiment.network.load(experiment.widened(self.model.arrays))
        except (KeyError, ValueError) as error:
            changed = f"--set {overrides[0]}" if overrides else "the data"
            raise UsageError(
                f"--from {self.path}: its weights do not fit the network ({str(error).strip(chr(39))}); leave out what "
                f"changes its shapes, such as {changed}"
            ) from None
        experiment.network.pack()


def require_unseen(origin: Origin, experiment: Experiment, source: Source, overrides: Sequence[str]) -> None:
    """Raise UsageError if some of what the experiment holds out of `source` is what the weights were trained on. That
    is known of data that are those of their run, or begin with them; of others a doubt tells where it may be so.
    """
    if not (count := experiment.places.count_held_out):
        return
    config = load_run_config(Path(origin.path) / "config.yaml")
    own = found_in(origin.path, config, source)
    if own is None:
        is_same = source.path is not None and _real(source.path) == _real(config.data.path)
        if is_same or experiment.may_have_seen(origin.model.header):
            doubt(
                f"{source.name}: what is held out may be what {origin.path} was trained on, whose data were others; "
                "then its score flatters: hold out what is newer, in a file of its own"
            )
        return
    with noting(lambda text: None), closing(ThreadPool(1)) as pool:
        before = TASKS[config.task].prepare(config, own, Context(pool), origin.model.header)
    if not (seen := experiment.places.seen_by(before.places)):
        return
    moved = [text for text in overrides if text.startswith(_SPLITS)]
    mend = f"leave out --set {' --set '.join(moved)}" if moved else "name a file of what is new alone"
    share = max(1, round(100 * seen / count))
    raise UsageError(
        f"--from {origin.path}: {share}% of what would be held out is what it was trained on, and would be scored as "
        f"if it were new; {mend}, or {_NOTHING}"
    )


def _real(path: Any) -> set[str]:
    """Return where the files at a path, or at several, really are; nothing for a pipe."""
    return {os.path.realpath(one) for one in ([path] if isinstance(path, str) else path or ())}


def learnt_in(header: Mapping[str, Any], *, other_data: bool) -> dict[str, Any]:
    """Return the header of a model for `Task.prepare`; other_data: see `Origin`."""
    return {**header, OTHER_DATA: True} if other_data else dict(header)


def origin_of(path: str, sha256: str) -> Origin:
    """Return the run that a new one, on data with this hash, starts from."""
    run = RunDirectory(Path(path))
    for file in (run.state, run.model):
        if not file.is_file():
            what = f"has no {file.name}, without which no run can start from it"
            raise UsageError(f"--from {path}: {what}; restore it, or name another run")
    known = run.read_state().inputs.data_sha256
    return Origin(open_sound(path), path, known != sha256, begins=True)


def origin_in(run: RunDirectory, state: State) -> Origin | None:
    """Return the origin of a run that is resumed, None if it has none; its own model, once written, has kept what that
    had learnt."""
    kept = state.inputs.began_from
    if kept is None:
        return None
    path = kept.run
    model = open_sound(str(run.path) if run.model.is_file() else path)
    return Origin(model, path, kept.other_data, begins=not run.model.is_file())


def learnt_before(run: Path, header: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what the experiment of a finished run is prepared with: None, unless it started from another."""
    directory = RunDirectory(run)
    kept = directory.read_state().inputs.began_from if directory.state.exists() else None
    return None if kept is None else learnt_in(header, other_data=kept.other_data)


def config_and_source_from(
    path: str, first: First | None, data: Sequence[str | Source], overrides: Sequence[str]
) -> tuple[Config, Source]:
    """Return the config of the run at `path`, changed, and the data: those that are named, or those of the run."""
    if isinstance(first, Mapping) or (isinstance(first, str) and is_config(first)):
        raise UsageError("--from RUN: takes the config of RUN, and DATA alone after it; change keys with --set")
    beside = Path(path) / "config.yaml"
    if not beside.is_file():
        refuse_study(path)
        mend = similar_run(path) or "; name one"
        raise UsageError(f"--from {path}: is no run directory, whose config.yaml tells how to train{mend}")
    _require_same_network(path, overrides)
    was, chosen = load_run_config(beside), given_keys(overrides).get("data") or {}
    if first and "encoding" not in chosen and was.data.encoding in FOUND:
        overrides = [*overrides, "data.encoding=null"]  # that of the data that are named is found anew
    folds = getattr(was.data, "folds", 0)
    if folds:
        if chosen.get("folds"):
            raise UsageError("--set data.folds: the folds would start from weights that have seen them; leave it out")
        overrides = [*overrides, "data.folds=0"]
    config = load_run_config(beside, overrides)
    named = one_or_all([first, *data]) if first else config.data.path
    if named is None:
        raise UsageError(
            f"--from {path}: names no data, since they came from a pipe or it was imported; name the data to train on"
        )
    source = source_of(config, named)
    if not folds or "validation" in chosen:
        return config, source
    if found_in(path, was, source) is None:
        note("a tenth is held out in place of cross-validation")
        return config, source
    note(f"nothing is held out: after its cross-validation {path} was trained on all of these data")
    return load_run_config(beside, [*overrides, "data.validation=0"]), source


def _require_same_network(path: str, overrides: Sequence[str]) -> None:
    keys = [
        f"{section}.{key}"
        for section, values in given_keys(overrides).items()
        if section in ("model", "task")
        for key in (values if isinstance(values, dict) else [""])
    ]
    for key in keys:
        if key not in _MAY_CHANGE:
            raise UsageError(f"--set {key.rstrip('.')}: the weights of {path} have their network; leave it out")
