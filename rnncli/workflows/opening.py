"""Meanings of a path on the command line: a run directory, a model file, a config, or data."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rnncli.config.sections import Config, keys_of
from rnncli.data.source import Source, read_source
from rnncli.errors import ConfigError, ModelFileError, UsageError, shown
from rnncli.kernels import cache
from rnncli.nn import model_file
from rnncli.tasks.registry import TASKS, config_from_mapping, load_config
from rnncli.tasks.task import Options, Predictor, Task
from rnncli.workflows.bare_file import inferred
from rnncli.workflows.names import is_config

# What a header of wrong types, shapes or sizes can raise.
NONSENSE = (
    ConfigError,
    KeyError,
    TypeError,
    ValueError,
    IndexError,
    AttributeError,
    AssertionError,
    OverflowError,
    MemoryError,
)


@dataclass(frozen=True)
class Model:
    """A model file: its task, its header, its weights."""

    path: Path
    task: Task
    header: dict[str, Any]
    arrays: dict[str, np.ndarray]

    def load(self) -> Predictor:
        """Return the predictor of this model; ModelFileError where the header makes no sense."""
        try:
            return self.task.load(self.header, self.arrays)
        except NONSENSE as error:
            reason = shown(" ".join(str(error).split()))
            raise ModelFileError(f"{self.path}: its header does not make sense ({reason}); train again") from None


def is_model(path: str) -> bool:
    """Return True for a run directory or a model file, which begins with the length of its JSON header."""
    if os.path.isdir(path) or path.endswith(".safetensors"):
        return True
    if not os.path.isfile(path):
        return False
    with open(path, "rb") as file:
        start = file.read(9)
    return len(start) == 9 and start[8:] == b"{" and int.from_bytes(start[:8], "little") < os.path.getsize(path)


def open_model(run: str) -> Model:
    """Return the model of RUN, a run directory or a model file; UsageError where there is none."""
    path = Path(run)
    try:
        path.stat()
    except (OSError, ValueError):
        raise UsageError(f"no such run or model file: {run}") from None
    if path.is_dir():
        path = path / "model.safetensors"
        if not path.exists():
            raise UsageError(f"{run}: no model.safetensors in this directory; train first, or name another run")
    arrays, header = model_file.read(path)
    named = header.get("task")
    task = TASKS.get(named) if isinstance(named, str) else None
    if task is None:
        raise ModelFileError(f"{path}: made for the task {shown(str(named))}, which this version does not have")
    return Model(path, task, task.renewed(header), arrays)


def first_run(module: str = "") -> list[str]:
    """Return the note to show before kernels (of this module) are compiled; none if they have been."""
    folder, refusal = cache.place()
    if refusal:
        return [
            f"compiled kernels cannot be kept in {folder.parent} ({refusal}): every start compiles anew, about 10 s; "
            "set RNNCLI_CACHE to a writable folder"
        ]
    return ["compiling kernels, once per machine; this takes some seconds"] if cache.is_cold(module) else []


def config_and_source(first: str, data: str | None, overrides: Sequence[str]) -> tuple[Config, Source]:
    """Return config and data from CONFIG [DATA|-] or from DATA alone; a note tells what was inferred."""
    if is_config(first):
        config = load_config(first, overrides)
        path = data if data is not None else config.data.path
        if path is None:
            raise UsageError(f"{first}: names no data; add data.path to it, or name the data after it")
        return config, read_source(path)
    if data is not None:
        raise UsageError(f"{first}: not a config (.yaml or .yml); with two arguments the first is the config")
    source = read_source(first)
    config = config_from_mapping(inferred(first, source, overrides), overrides, where="inferred config")
    return config, source


def require_understood(command: str, task: Task, options: Options) -> None:
    """Raise UsageError for a command, or an option of it, that is for other tasks."""
    if command not in task.options:
        owners = ", ".join(name for name, other in TASKS.items() if command in other.options)
        raise UsageError(f"this is a model for the task {task.name}; {command} needs a {owners}")
    for option in options:
        if option not in task.options[command]:
            owners = ", ".join(name for name, other in TASKS.items() if option in other.options.get(command, ()))
            raise UsageError(f"--{option.replace('_', '-')}: is for {owners}, and this is a {task.name}; leave it out")
    task.require_options(command, options)


def require_readable(task: Task, reading: Options) -> None:
    """Raise UsageError for an option of reading whose `data` key only other tasks have."""
    for key in reading:
        if key not in keys_of(task.config, "data"):
            owners = ", ".join(name for name, other in TASKS.items() if key in keys_of(other.config, "data"))
            raise UsageError(f"--{key.replace('_', '-')}: is for {owners}, and this is a {task.name}; leave it out")
