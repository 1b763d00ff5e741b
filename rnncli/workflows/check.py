"""check: everything that is wrong with a config and its data at once, and else what training would be.

A mistake does not hide the next one: its key is left to its default, and the rest is looked at again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rnncli.config.loading import STANDARD_INPUT, Sound, given_keys, load_what_is_sound
from rnncli.config.problems import MAX_LISTED, Path, Place, Problem, raise_all, together
from rnncli.config.section import keys_of
from rnncli.config.sections import SECTIONS, Config
from rnncli.errors import ConfigError, DataError, RnncliError, UsageError, shown
from rnncli.tasks.registry import SCHEMAS
from rnncli.training.prospect import Prospect

if TYPE_CHECKING:
    from rnncli.data.files import Paths
    from rnncli.data.source import Source
    from rnncli.tasks.task import Experiment
    from rnncli.training.backpropagation import ThreadPool

MISTAKES = (ConfigError, DataError, UsageError)  # of a config, or of data that it reads
_KEY = re.compile(rf"\b({'|'.join(SECTIONS)})\.([a-z]\w*)")


@dataclass(frozen=True)
class Request:
    """The arguments of `check`, as those of `train`. command: by which it was asked for."""

    first: str
    data: Sequence[str] = ()
    overrides: Sequence[str] = ()
    command: str = "check"


def check(request: Request, tell: Callable[[str], None]) -> Prospect | None:
    """Return what training would be, or None for a sound config that names no data; nothing is written.

    `tell` shows the progress. ConfigError lists all mistakes, each with its place and its line quoted; its exit code is
    that of data if there are mistakes in nothing else.
    """
    from rnncli.workflows.names import is_config

    if not is_config(request.first):
        return _of_data(request, tell)
    sound = load_what_is_sound(request.first, SCHEMAS, request.overrides)
    path = _path(request, sound)
    if sound.config is None or path is None:
        if sound.problems:
            raise_all(sound.problems)
        return None
    return _with_data(request, sound, sound.config, path, tell)


def _of_data(request: Request, tell: Callable[[str], None]) -> Prospect:
    from rnncli.workflows.opening import config_and_source

    config, source = config_and_source(request.first, request.data, request.overrides, request.command)
    return _prepared(config, source, tell)


def all_mistakes(request: Request, error: RnncliError) -> RnncliError:
    """Return what `check` would raise where training of a config ended with `error`; that itself for data without a
    config, or if it is the only mistake and of the data, whose place it names."""
    from rnncli.workflows.names import is_config

    if not is_config(request.first):
        return error
    sound = load_what_is_sound(request.first, SCHEMAS, request.overrides)
    path = _path(request, sound)
    if sound.config is None or path in (None, STANDARD_INPUT):
        return error
    whole = _all_of(request, sound, sound.config, path, None if sound.problems else error)
    alone = isinstance(whole, ConfigError) and len(whole.problems) == 1
    return error if isinstance(error, DataError) and alone else whole


def _path(request: Request, sound: Sound) -> Paths | None:
    """Return where the data are: those that are named, or those of the config."""
    named = list(request.data) or (sound.config.data.path if sound.config else None)
    return named[0] if isinstance(named, list) and len(named) == 1 else named


def _with_data(request: Request, sound: Sound, config: Config, path: Paths, tell: Callable[[str], None]) -> Prospect:
    """Return what training would be; ConfigError with the problems of the config and those that only data show."""
    from rnncli.workflows.opening import source_of

    if sound.problems:
        raise _all_of(request, sound, config, path, None)
    try:
        return _prepared(config, source_of(config, path), tell)
    except MISTAKES as error:
        raise _all_of(request, sound, config, path, error) from None


def _all_of(request: Request, sound: Sound, config: Config, path: Paths, error: RnncliError | None) -> RnncliError:
    """Return the problems of the config and those that only data show, of which `error` is the first, as one error."""
    problems, without, overrides = list(sound.problems), list[Path](), list(request.overrides)
    exit_code = ConfigError.exit_code if problems else 0
    while error := error or _mistake(config, path):
        found = _problem(error, sound, overrides, config)
        if str(error) in {problem.message for problem in problems} or (found and found[0] in without):
            break  # which the key was not to blame for
        if found is None or len(problems) >= MAX_LISTED:
            if not problems:
                return error
            problems.append(Problem(Place(sound.document.where), str(error)))
            break
        key, problem = found
        problems.append(problem)
        exit_code = exit_code or error.exit_code
        without.append(key)
        overrides = [text for text in overrides if not text.startswith(f"{'.'.join(map(str, key))}=")]
        without_them = load_what_is_sound(request.first, SCHEMAS, overrides, without).config
        if without_them is None or without_them == config:
            break
        config, error = without_them, None
    whole = together(problems)
    whole.exit_code = exit_code or whole.exit_code
    return whole


def _mistake(config: Config, path: Paths) -> RnncliError | None:
    """Return what is wrong with the data, or with the config that reads them; notes on them were told before."""
    from rnncli.notes import noting
    from rnncli.workflows.opening import source_of

    try:
        with noting(lambda text: None):
            _prepare(config, source_of(config, path))
    except MISTAKES as error:
        return error
    return None


def _problem(error: RnncliError, sound: Sound, overrides: Sequence[str], config: Config) -> tuple[Path, Problem] | None:
    """Return the key that an error is about, as far as it names a key or its value, and the problem at its place."""
    message, given = str(error), given_keys(overrides)
    named = [(section, key) for section, key in _KEY.findall(message) if key in keys_of(type(config), section)]
    values = [(message.find(value), path) for path in _written(sound, given) for value in _values(config, path)]
    named += [path for at, path in sorted(values) if at >= 0]  # what is wrong is named before what there is
    for path in named:
        if path[1] in (given.get(path[0]) or {}):
            text = next(text for text in reversed(overrides) if text.startswith(f"{path[0]}.{path[1]}="))
            return path, Problem(Place(f"--set {text}"), message)
        if path in sound.document.key_positions:
            items = sorted((message.find(value), i) for i, value in enumerate(_values(config, path)))
            exact: list[Path] = [
                (*path, i) for at, i in items if at >= 0 and (*path, i) in sound.document.value_positions
            ]
            return path, Problem(sound.document.place(exact[0] if exact else path), message)
    return None


def _written(sound: Sound, given: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the keys of `data` that the file or an override has."""
    written = [path for path in sound.document.key_positions if len(path) == 2 and path[0] == "data"]
    return [(str(a), str(b)) for a, b in written] + [("data", key) for key in given.get("data") or {}]


def _values(config: Config, path: tuple[str, str]) -> list[str]:
    """Return the texts that are the value of a key, or in its list, as messages show them."""
    value = getattr(getattr(config, path[0]), path[1], None)
    return [shown(one) if isinstance(one, str) else "\0" for one in (value if isinstance(value, list) else [value])]


def _prepare(config: Config, source: Source) -> None:
    from rnncli.tasks.registry import TASKS
    from rnncli.tasks.task import Context
    from rnncli.training.backpropagation import ThreadPool

    pool = ThreadPool.of(config.training)
    try:
        TASKS[config.task].prepare(config, source, Context(pool))
    finally:
        pool.close()


def _prepared(config: Config, source: Source, tell: Callable[[str], None]) -> Prospect:
    """Prepare what training would, measure two seconds of it, and return what was found."""
    from rnncli.config.sections import chosen_keys
    from rnncli.memory import available
    from rnncli.nn.memory import counted
    from rnncli.training.backpropagation import ThreadPool
    from rnncli.workflows.experiments import experiment_of

    pool = ThreadPool.of(config.training)
    try:
        tell("reading")
        with counted() as wanted:
            whole, experiment = experiment_of(config, source, pool)
        tell("measuring two seconds of training")
        return Prospect(
            facts=experiment.facts,
            chosen=chosen_keys(config, whole.config),
            parameters=whole.network.parameters.weights.size,
            memory=max(wanted, default=0),
            available_memory=available(),
            **_measured(experiment, pool, fills=config.fills_time),
        )
    finally:
        pool.close()


def _measured(experiment: Experiment, pool: ThreadPool, *, fills: bool) -> dict[str, Any]:
    from rnncli.config.values import parse_duration
    from rnncli.training import length as lengths
    from rnncli.workflows.experiments import optimizer_of

    learner, training = experiment.learner, experiment.config.training
    learner.gradient(0)  # compiles the kernels, so that no clock counts that time
    learner.validate()
    learner.figure()
    learner.restart()

    def evaluate() -> None:
        for _ in range(2 if training.weight_averaging else 1):
            learner.validate()
            learner.figure()

    pace = lengths.measured_pace(learner, optimizer_of(experiment, pool), lengths.CALIBRATION_SECONDS, evaluate)
    per_epoch = learner.updates_per_epoch
    wanted = lengths.wanted_updates(training, per_epoch)
    length = lengths.Length(wanted, lengths.EVALUATIONS)
    if training.max_time:
        seconds = parse_duration(training.max_time) * experiment.share_of_time
        reserve = 0.0 if fills else lengths.RESERVE
        length = lengths.length_within(seconds, wanted, per_epoch, pace._replace(took=0.0), reserve)
    evaluations = -(-length.updates // lengths.updates_between(length, per_epoch))
    return {
        "updates": length.updates,
        "epochs": length.updates / per_epoch,
        "seconds": length.updates * pace.per_update + evaluations * pace.per_evaluation,
        "limited": length.updates < wanted,
    }
