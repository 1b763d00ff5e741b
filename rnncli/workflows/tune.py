"""tune: search for settings in a study, which several processes may share and any of them may go on with."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rnncli.config.problems import Place, Problem, raise_all
from rnncli.config.sections import Config
from rnncli.config.values import parse_duration
from rnncli.data.source import Source
from rnncli.errors import DataError, StoppedError, UsageError
from rnncli.notes import note, noting
from rnncli.tasks.registry import SCHEMAS
from rnncli.tasks.task import Experiment
from rnncli.training.backpropagation import ThreadPool
from rnncli.training.reports import Note, Progress
from rnncli.training.tuned import Begun, Ended, Tuned
from rnncli.workflows.experiments import data_sha256, experiment_of
from rnncli.workflows.leading import Lead
from rnncli.workflows.names import is_config, is_study
from rnncli.workflows.opening import config_and_source
from rnncli.workflows.resume import fingerprint
from rnncli.workflows.stopping import Until, stop_on_signals
from rnncli.workflows.train_request import Request as Training
from rnncli.workflows.tune_halving import RUNGS
from rnncli.workflows.tune_report import tuned
from rnncli.workflows.tune_space import Space, given_space, read_space, texts, usual_space
from rnncli.workflows.tune_study import Study, require_optuna
from rnncli.workflows.tune_worker import Worker

TRIALS = 27
Show = Callable[[Note | Begun | Progress | Ended], None]


@dataclass(frozen=True)
class Request:
    """The arguments of `tune`; `first` is a config or data; over: KEY=VALUES; out None is runs/NAME-tune.

    shown: the options for how its end is shown, which the command that goes on with it repeats.
    """

    first: str
    data: Sequence[str] = ()
    out: str | None = None
    overrides: Sequence[str] = ()
    over: Sequence[str] = ()
    trials: int | None = None
    max_time: str | None = None
    seed: int = 1
    shown: Sequence[str] = ()

    @property
    def study(self) -> Path:
        """The folder of the study."""
        return Path(self.out) if self.out else Path("runs") / f"{Training(self.first, self.data).name()}-tune"

    @property
    def command(self) -> str:
        """The command that goes on with the study."""
        options = [
            *(f"--set={text}" for text in self.overrides),
            *(f"--over={text}" for text in self.over),
            *([] if self.trials is None else [f"--trials={self.trials}"]),
            *([] if self.max_time is None else [f"--max-time={self.max_time}"]),
            *([] if self.seed == 1 else [f"--seed={self.seed}"]),
            *self.shown,
        ]
        return shlex.join(["rnncli", "tune", self.first, *self.data, "-o", str(self.study), *options])


def tune(request: Request, show: Show, lead: Lead | None = None) -> Tuned:
    """Search, and return what was found; StoppedError after SIGINT or SIGTERM, with the command that goes on.

    lead: what this process leads other ranks with, each of which takes part in the study as any other process.
    """
    lead = lead or Lead()
    if request.out is not None and not request.out.strip():
        raise UsageError("-o needs the name of a folder for the study")
    if "-" in (request.first, *request.data):
        raise UsageError("a study is gone on with from the file of its data, and standard input is none; name a file")
    told = _Told(show)
    with noting(lambda text: told.note(Note(text))):
        config, source = config_and_source(request.first, request.data, request.overrides, "tune")
        _require_searchable(config, source)
        given = _given_space(request, config)
        seconds, trials = _limits(request, config)
        require_optuna()
        # Before anything is written: data that nothing can be learnt from leave nothing behind.
        chosen = None if is_study(request.study) else _chosen(config, source)
    with Study.joined(request.study) as study, stop_on_signals(Until(seconds)) as stop:
        assert isinstance(stop, Until)
        with study.looking_for_work(), noting(lambda text: told.note(Note(text))):
            space = _agreed(study, request, config, source, given, chosen)
        # The config and the data as they are now, whatever becomes of their files while the search goes on.
        training = Training(config.model_dump(), (source,))
        unit_of_loss = partial(_unit_of_loss, config, source)
        worker = Worker(study, space, training, request.seed, trials, told.show, stop, unit_of_loss)
        try:
            with lead.together("tune", request):
                worker.work()
        except StoppedError as error:
            raise StoppedError(f"{error}; go on with: {request.command}", error.exit_code - 128) from None
        return tuned(study, space, worker.again(), left=worker.left)


class _Told:
    """Passes on what is to be shown, each note once: trials say much the same."""

    def __init__(self, show: Show):
        self._show, self._notes = show, set[str]()

    def show(self, report: Note | Begun | Progress | Ended) -> None:
        if isinstance(report, Note):
            self.note(report)
        else:
            self._show(report)

    def note(self, report: Note) -> None:
        if report.text not in self._notes:
            self._notes.add(report.text)
            self._show(report)


def _require_searchable(config: Config, source: Source) -> None:
    """Raise UsageError for data that are read once, or nothing to judge trials by."""
    if source.path is None:
        raise UsageError(
            f"{source.name}: a study is gone on with from the file of its data, and this is none; name one"
        )
    if config.data.validation == 0:
        raise UsageError("tune judges trials by a validation split, and data.validation is 0; set it to 0.1")


def _limits(request: Request, config: Config) -> tuple[float, int | None]:
    """Return the seconds to search, and the number of trials, None where time alone decides."""
    max_time, trials = request.max_time or config.tune.max_time, request.trials or config.tune.trials
    try:
        seconds = parse_duration(max_time) if max_time else math.inf
    except ValueError as error:
        raise UsageError(f'--max-time is "{max_time}"; {error}') from None
    return seconds, trials or (None if max_time else TRIALS)


def _given_space(request: Request, config: Config) -> Space:
    """Return what the command line, or else the config, wants searched; empty if neither says."""
    if request.over:
        over, place_of = given_space(request.over)
        return read_space(over, config, place_of)
    return read_space(config.tune.over, config, lambda key: _place_in_config(request, key))


def _place_in_config(request: Request, key: str) -> Place:
    """Return where a config, or an override, has a key of its space."""
    if not is_config(request.first):
        return Place("--set tune.over")
    from rnncli.config.loading import load_what_is_sound

    return load_what_is_sound(request.first, SCHEMAS).document.place(("tune", "over", key), True)


def _agreed(
    study: Study, request: Request, config: Config, source: Source, given: Space, chosen: Config | None
) -> Space:
    """Return the space of a study, which begins with this one if it is new; an error that names what is another in a
    study that has begun. chosen: see `_chosen`, if that is known."""
    before, sha256 = study.began_with(), data_sha256(config, source)
    now = fingerprint(config)
    if not before:
        space = given or _usual_space(chosen or _chosen(config, source))
        if not given:
            note(f"searches {' '.join(f'{key}={one}' for key, one in texts(space).items())}; --over names other keys")
        begun = {"config": now, "data_sha256": sha256, "seed": request.seed, "rungs": list(RUNGS)}
        study.begin(begun | {"over": texts(space)})
        return space
    if before.get("data_sha256") != sha256:
        raise DataError(f"the data changed since the study {study.path} began; restore them, or choose another -o")
    over: dict[str, str] = read if isinstance(read := before.get("over"), dict) else {}
    problems = _changes({key: before.get(key) for key in ("seed", "rungs")}, {"seed": request.seed, "rungs": [*RUNGS]})
    problems += _changes(before.get("config"), now)
    problems += _changes(over, texts(given), "--over ") if given else []
    if problems:
        raise_all(Problem(Place(str(study.path)), text) for text in problems)
    return given or read_space(over, config, lambda key: Place(str(study.journal)))


def _changes(before: Any, now: Mapping[str, Any], what: str = "") -> list[str]:
    """Return a sentence for each key that is not what it was."""
    before = before if isinstance(before, dict) else {}
    return [
        _change(f"{what}{key}", before.get(key), now.get(key))
        for key in dict.fromkeys([*before, *now])
        if before.get(key) != now.get(key)
    ]


def _change(key: str, before: Any, now: Any) -> str:
    if before is None:
        return f"{key} is {_text(now)}, and the study began without it; leave it out, or choose another -o"
    began = f"the study began with {_text(before)}"
    if now is None:
        return f"{key} is not given, and {began}; give that again, or choose another -o"
    return f"{key} is {_text(now)}, and {began}; put that back, or choose another -o"


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False).strip('"')


def _chosen(config: Config, source: Source) -> Config:
    """Return the config with what the data choose; an error where nothing can be learnt from them."""
    return _prepared(config, source).config


def _unit_of_loss(config: Config, source: Source) -> str:
    with noting(lambda text: None):  # told when the study began
        return _prepared(config, source).learner.loss.unit


def _prepared(config: Config, source: Source) -> Experiment:
    pool = ThreadPool(config.training.threads)
    try:
        return experiment_of(config, source, pool)[1]
    finally:
        pool.close()


def _usual_space(chosen: Config) -> Space:
    """Return what is searched where nobody says what: around the values of a config that the data have chosen."""
    space = usual_space(chosen)
    # A config may refuse one of them: then there is nothing to guess.
    return read_space(texts(space), chosen, lambda key: Place(f"--over {key}"))
