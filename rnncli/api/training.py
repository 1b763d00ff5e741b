"""Training in a program, and the run that comes of it."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from rnncli.api.handed import handed, path_of
from rnncli.api.model import Data, Model
from rnncli.api.talk import heard, log
from rnncli.config.loading import dump_value
from rnncli.config.sections import SECTIONS
from rnncli.data.source import Source
from rnncli.errors import UsageError
from rnncli.tasks.registry import load_run_config
from rnncli.training.reports import Evaluated, Note, Report
from rnncli.ui.training_view import program_view
from rnncli.workflows.metrics_file import metrics_of
from rnncli.workflows.opening import First
from rnncli.workflows.run_directory import RunDirectory
from rnncli.workflows.stopping import StopRequest, stop_on_signals
from rnncli.workflows.train import train as train_run
from rnncli.workflows.train_request import Request

Overrides = Mapping[str, Any] | Sequence[str]


class Run:
    """A run directory: what training wrote, and the model that it kept. path: where it is."""

    def __init__(self, path: str | os.PathLike[str], *, trained_on: Data = None):
        self.path = Path(path)
        self._trained_on = trained_on

    def __repr__(self) -> str:
        return f"<rnncli.Run {self.path}>"

    @property
    def config(self) -> dict[str, Any]:
        """The config, in which all that the data chose is filled in."""
        with heard():
            return load_run_config(self.path / "config.yaml").model_dump()

    @property
    def score(self) -> dict[str, Any] | None:
        """The score beside its baselines, as `rnncli train -f json` writes it; None where nothing was held out, or
        training has not ended."""
        with heard():
            report = RunDirectory(self.path).read_report()
        return None if report is None or report.score is None else copy.deepcopy(dict(report.score))

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """A dict for each evaluation, as the lines of metrics.jsonl."""
        with heard():
            return RunDirectory(self.path).read_metrics()

    @cached_property
    def model(self) -> Model:
        """The model with the weights that were kept."""
        return Model(self.path, trained_on=self._trained_on)


def train(
    config: Any = None,
    data: Data = None,
    *,
    out: str | os.PathLike[str] | None = None,
    overrides: Overrides = (),
    resume: bool = False,
    start_from: Run | str | os.PathLike[str] | None = None,
    max_time: str | None = None,
    progress: bool | Callable[[dict[str, Any]], object] | None = None,
) -> Run:
    """Train as `rnncli train` does, and return the run.

    config: a dict, the path of a YAML file, or nothing, or keys without a task; what is open the data choose. data:
    what `rnncli help "python data"` lists; without any, data.path of the config. out: the run directory to create; by
    default a free name under runs/. overrides: keys and values, as `{"training.epochs": 5}`. resume: go on with the run
    `out`. start_from: a run whose weights, vocabulary and config a new one starts from. max_time: as "10m".

    progress: True shows it on standard error, False never, None on a terminal and in a notebook. A function is called
    after each evaluation with its line of metrics.

    Errors are subclasses of `rnncli.Error`. Ctrl-C saves the run and raises KeyboardInterrupt, whose message tells how
    to go on; a second one ends at once. In other threads than the main one signals are left to the program.
    """
    changes = [*_as_overrides(overrides), *([] if max_time is None else [f"training.max_time={max_time}"])]
    origin = None if start_from is None else path_of(start_from.path if isinstance(start_from, Run) else start_from)
    with heard():
        first, rest, keys = _first(config, data)
        keys = {} if resume or origin else keys
        given = {change.partition("=")[0] for change in changes}
        changes = [*(f"{key}={value}" for key, value in keys.items() if key not in given), *changes]
        request = Request(first, rest, None if out is None else path_of(out), changes, resume=resume, origin=origin)
        seen = progress if callable(progress) else lambda line: None
        with program_view(None if progress is None else progress is True) as view:
            path = train_run(request, partial(_show, view, seen), stopping=stop_on_signals(StopRequest(_interrupt)))
    return Run(path, trained_on=next((one for one in (first, *rest) if isinstance(one, Source)), None))


def _first(config: Any, data: Data) -> tuple[First | None, tuple[str | Source, ...], Mapping[str, str]]:
    """Return what stands first on the command line that this is, what follows it, and the keys it has by `--set`."""
    if config is not None and not isinstance(config, (str, os.PathLike)) and not _is_config(config):
        if data is not None:
            raise UsageError(
                "the config is neither a dict with keys of one nor the path of a YAML file; give such, or data alone"
            )
        config, data = None, config
    taken = None if data is None else handed(data)
    following: tuple[str | Source, ...] = () if taken is None else taken.all
    keys = {} if taken is None else taken.keys
    if isinstance(config, Mapping) and "task" in config:
        plain = {name: dict(value) if isinstance(value, Mapping) else value for name, value in config.items()}
        own = plain.get("data")
        of_data = {key: value for key, value in keys.items() if not isinstance(own, dict) or key[5:] not in own}
        return plain, following, of_data
    if isinstance(config, (str, os.PathLike)):
        return path_of(config), following, {}
    if isinstance(config, Mapping):
        given = dict(text.partition("=")[::2] for text in _as_overrides(config))
        if taken is None:
            raise UsageError("the config has no task and there are no data that could tell it; give one of them")
        keys = {**keys, **given}
    return following[0] if following else None, following[1:], keys


def _is_config(given: Any) -> bool:
    """True for a dict that is a config, or part of one, and no table by columns."""
    if not isinstance(given, Mapping):
        return False
    sections = any(isinstance(given.get(name), Mapping) for name in SECTIONS)
    return sections or isinstance(given.get("task"), str) or any("." in str(name) for name in given)


def _as_overrides(keys: Overrides) -> list[str]:
    """Return keys and values, of sections or with a point in their names, as `--set` takes them."""
    if not isinstance(keys, Mapping):
        return [keys] if isinstance(keys, str) else list(keys)
    made = []
    for name, value in keys.items():
        inner = value if isinstance(value, Mapping) else None
        made += (
            [f"{name}={dump_value(value)}"]
            if inner is None
            else [f"{name}.{key}={dump_value(one)}" for key, one in inner.items()]
        )
    return made


def _interrupt(code: int) -> None:
    raise KeyboardInterrupt


def _show(view: Callable[[Report], None], seen: Callable[[dict[str, Any]], object], report: Report) -> None:
    """Pass a report on: notes to the log, all else to the view, an evaluation to the program too."""
    if isinstance(report, Note):
        log(report.text)
        return
    view(report)
    if isinstance(report, Evaluated):
        seen(metrics_of(report))
