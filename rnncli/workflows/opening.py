"""Meanings of a path on the command line: a run directory, a model file, a config, or data."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from rnncli.config.section import keys_of
from rnncli.config.sections import Config
from rnncli.config.training_section import DEFAULT_PRECISION
from rnncli.data.files import Paths
from rnncli.data.source import Source, encoding_name
from rnncli.errors import ConfigError, DataError, ModelFileError, UsageError, quoted, shown
from rnncli.kernels import buffers, cache
from rnncli.nn import model_file
from rnncli.notes import Doubt, doubt, note, reworded
from rnncli.tasks.registry import TASKS, config_from_mapping, load_config
from rnncli.tasks.task import Options, Predictor, Task
from rnncli.training.listed import FAILED, RUNNING, STOPPED
from rnncli.workflows.names import is_config, similar_run
from rnncli.workflows.runs import listed, refuse_study

# What a header of wrong types, shapes or sizes can raise.
NONSENSE = (
    KeyError,
    TypeError,
    ValueError,
    IndexError,
    AttributeError,
    AssertionError,
    ArithmeticError,
    RecursionError,
    UsageError,
    ConfigError,
    DataError,
    ModelFileError,
)
_ROOM = 16  # times as many bytes as its arrays have may a model take while it is built: gradients, an ensemble's own
_ALWAYS = 1 << 24  # bytes
_BY_KEY = re.compile(r"(?<!train )(?<!train with )--set data\.")  # how messages name a key as a mend

_GO_ON = "go on with: rnncli train -o {} --resume"
_NOT_ENDED = {  # by the state of a run: what is said of its training, and what helps
    RUNNING: ("has not ended yet", "wait for its end"),
    STOPPED: ("was stopped before its end", _GO_ON),
    FAILED: ("diverged", f"{_GO_ON} --set training.on_divergence=halve"),
}


@dataclass(frozen=True)
class Model:
    """A model file: its task, its header, its weights. run: the run or the file by the name that it was opened with.

    trained_on: the data that it was trained on, where a program has them and no file does.
    """

    run: str
    path: Path
    task: Task
    header: dict[str, Any]
    arrays: dict[str, np.ndarray]
    trained_on: Source | None = None

    def load(self) -> Predictor:
        """Return the predictor of this model; ModelFileError where header and arrays do not make sense, before anything
        larger than the file is allocated.
        """
        asked = _Asked(self.arrays)
        try:
            with buffers.within(_ALWAYS + _ROOM * sum(array.nbytes for array in self.arrays.values())):
                predictor = self.task.load(self.header, asked)
        except NONSENSE as error:
            raise makes_no_sense(self.path, error) from None
        if unknown := self.arrays.keys() - asked.names:
            raise ModelFileError(
                f"{self.path}: its network has no {shown(min(unknown))}; train again or restore a copy"
            )
        return predictor

    @property
    def precision(self) -> str:
        """The precision of its products."""
        training = self.header.get("training")
        return str(training.get("precision", DEFAULT_PRECISION)) if isinstance(training, dict) else DEFAULT_PRECISION

    def in_precision(self, precision: str | None) -> Model:
        """Return the model with its products in this precision; None leaves it as it was trained."""
        if precision is None or self.precision == precision:
            return self
        training = self.header.get("training", {})
        if not isinstance(training, dict):
            raise makes_no_sense(self.path, ValueError("training is no section"))
        note(f"products are in {precision}; the model was trained in {self.precision}")
        header = {**self.header, "training": {**training, "precision": precision}}
        if precision == DEFAULT_PRECISION:  # which no header names
            del header["training"]["precision"]
            if not header["training"]:
                del header["training"]
        return replace(self, header=header)


class _Asked(Mapping[str, np.ndarray]):
    """The arrays of a file, and the names of those that were asked for."""

    def __init__(self, arrays: Mapping[str, np.ndarray]):
        self._arrays, self.names = arrays, set[str]()

    def __getitem__(self, name: str) -> np.ndarray:
        self.names.add(name)
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)


def makes_no_sense(path: Path, error: BaseException) -> ModelFileError:
    """Return what is said of a file whose header raised NONSENSE."""
    if isinstance(error, ModelFileError):
        return ModelFileError(f"{path}: {error}")
    missing = "misses " if isinstance(error, KeyError) else ""
    reason = f"{missing}{' '.join(str(error).split())}"
    return ModelFileError(f"{path}: its header does not make sense ({shown(reason, 200)}); train again")


def is_model(path: str) -> bool:
    """Return True for a run directory or a model file, which begins with the length of its JSON header."""
    if os.path.isdir(path) or path.endswith(".safetensors"):
        return True
    if not os.path.isfile(path):
        return False
    with open(path, "rb") as file:
        start = file.read(9)
    return len(start) == 9 and start[8:] == b"{" and int.from_bytes(start[:8], "little") < os.path.getsize(path)


def open_model(run: str | Model) -> Model:
    """Return the model of RUN, a run directory or a model file, or an open one; UsageError where there is none."""
    if isinstance(run, Model):
        return run
    path = Path(run)
    try:
        path.stat()
    except (OSError, ValueError):
        raise UsageError(f"no such run or model file: {run}{similar_run(str(run))}") from None
    is_run = path.is_dir()
    if is_run:
        path = path / "model.safetensors"
        if not path.exists():
            refuse_study(str(run))
            raise UsageError(f"{run}: no model.safetensors in this directory; train first, or name another run")
    arrays, header = model_file.read(path, in_run=is_run)
    named = header.get("task")
    task = TASKS.get(named) if isinstance(named, str) else None
    if task is None:
        raise ModelFileError(f"{path}: made for the task {shown(str(named))}, which this version does not have")
    try:
        return Model(run, path, task, task.renewed(header), arrays)
    except NONSENSE as error:
        raise makes_no_sense(path, error) from None


def open_to_answer(run: str | Model) -> Model:
    """Return what `open_model` does, with a doubt where the training of the run has not ended."""
    model = open_model(run)
    folder = Path(model.run)
    is_open = (folder / "state.safetensors").is_file() and not (folder / "report.json").exists()
    if is_open and (state := listed(folder).state) in _NOT_ENDED:
        how, mend = _NOT_ENDED[state]
        doubt(f"{model.run}: its training {how}; its best model so far answers; {mend.format(quoted(str(folder)))}")
    return model


def open_sound(run: str | Model) -> Model:
    """Return the model of RUN where its header and arrays are all that is to be used: they have made a predictor."""
    model = open_model(run)
    model.load()
    return model


def first_run(module: str = "") -> list[str]:
    """Return what to say before kernels (of this module) are compiled; nothing if they have been."""
    from rnncli.kernels.jit import enabled

    texts = [f"{cache.CONFIG} in this folder is ignored"] if os.path.exists(cache.CONFIG) else []
    folder, refusal = cache.place()
    if refusal and enabled():
        texts.append(Doubt(cache.unkept(folder.parent, refusal)))
    elif enabled() and cache.is_cold(module):
        texts.append("compiling kernels, once per machine; this takes some seconds")
    return texts


First = str | Mapping[str, Any] | Source
"""What stands first on a command line, a config or data; a program may also give a config in plain values."""


def config_and_source(
    first: First, data: Sequence[str | Source], overrides: Sequence[str], command: str = "train"
) -> tuple[Config, Source]:
    """Return config and data from CONFIG [DATA|-] or from DATA alone; a note tells what was inferred.

    command: that which was given, as the choices begin where data may be for several tasks.
    """
    if isinstance(first, Mapping) or (isinstance(first, str) and is_config(first)):
        named = first if isinstance(first, str) else "config"
        config = load_config(first, overrides) if isinstance(first, str) else config_from_mapping(first, overrides)
        path = one_or_all(data) or config.data.path
        if path is None:
            raise UsageError(f"{named}: names no data; add data.path to it, or name the data after it")
        return config, source_of(config, path)
    for other in data:
        if isinstance(other, str) and is_config(other):
            raise UsageError(f"{other}: is a config, and {first} is not; name the config first, and the data after it")
    from rnncli.workflows.bare_file import read_and_guessed  # which knows of every kind of data

    path = one_or_all([first, *data])
    assert path is not None
    guess, seen = read_and_guessed(path, overrides, command)
    config = config_from_mapping(guess.config, overrides, where="inferred config")
    source = TASKS[config.task].source(config, path, seen)
    require_one_file(config, seen or source)
    return config, source


def one_or_all(paths: Sequence[str | Source]) -> Paths | Source | None:
    """Return the paths on a command line as a config names them: one alone, several as a list, none as None; or the
    data that are given in place of one."""
    if given := next((one for one in paths if isinstance(one, Source)), None):
        return given
    named = [str(one) for one in paths]
    return named if len(named) > 1 else named[0] if named else None


def source_of(config: Config, path: Paths | Source) -> Source:
    """Return the data that a config is for; UsageError for several files that its task does not read."""
    source = TASKS[config.task].source(config, path)
    require_one_file(config, source)
    return source


def require_one_file(config: Config, source: Source) -> None:
    """Raise UsageError for several files, unless the task reads each as a text of its own."""
    if len(source.files) == 1 or TASKS[config.task].reads_files:
        return
    raise UsageError(
        f"{source.name}: these are {len(source.files)} files, and a {config.task} reads one; name one of them, or join "
        "them in one"
    )


@contextlib.contextmanager
def reading_as_trained() -> Iterator[None]:
    """Say of the keys that errors and notes within the block name as a mend that training takes them: a model has its
    own."""
    try:
        with reworded(_for_training):
            yield
    except (DataError, UsageError) as error:
        text = _for_training(str(error))
        if text == str(error):
            raise
        raise type(error)(text) from None


def _for_training(text: str) -> str:
    return _BY_KEY.sub(r"rnncli train \g<0>", text)


def require_understood(command: str, task: Task, options: Options) -> None:
    """Raise UsageError for a command, or an option of it, that is for other tasks."""
    if command not in task.options:
        owners = ", ".join(name for name, other in TASKS.items() if command in other.options)
        raise UsageError(f"this is a model for the task {task.name}; {command} needs a {owners}")
    for option, value in options.items():
        if option not in task.options[command]:
            owners = ", ".join(name for name, other in TASKS.items() if option in other.options.get(command, ()))
            typed = value if option == "plot" and isinstance(value, str) else f"--{option.replace('_', '-')}"
            raise UsageError(f"{typed}: is for {owners}, and this is a {task.name}; leave it out")
    task.require_options(command, options)


def require_readable(task: Task, reading: Options) -> None:
    """Raise UsageError for an option of reading whose `data` key only other tasks have, or an encoding that nobody
    knows, which may not be asked for where the data are no text."""
    for key in reading:
        if key not in keys_of(task.config, "data"):
            owners = ", ".join(name for name, other in TASKS.items() if key in keys_of(other.config, "data"))
            raise UsageError(f"--{key.replace('_', '-')}: is for {owners}, and this is a {task.name}; leave it out")
    if "encoding" in reading:
        encoding_name(str(reading["encoding"]))
