"""The tasks by name. A new task is one folder and one line here."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from rnncli.config import loading
from rnncli.config.loading import dump_config
from rnncli.config.sections import Config
from rnncli.tasks.forecast.task import Forecast
from rnncli.tasks.language_model.task import LanguageModelling
from rnncli.tasks.seq2seq.task import Caption, Seq2seq
from rnncli.tasks.sequences.task import Classify, Regress, Tag
from rnncli.tasks.task import Task

TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        LanguageModelling(),
        Forecast(),
        Classify(),
        Regress(),
        Tag(),
        Seq2seq(),
        Caption(),
    )
}


__all__ = ["config_from_mapping", "dump_config", "load_config", "load_run_config", "schemas"]


def schemas() -> dict[str, type[Config]]:
    """Return the config class of each task, by the task's name."""
    return {name: task.config for name, task in TASKS.items()}


def load_config(path: str | os.PathLike[str], overrides: Sequence[str] = ()) -> Config:
    """Load the config in the YAML file at `path`; see `loading.load_config`."""
    return loading.load_config(path, schemas(), overrides)


def load_run_config(path: str | os.PathLike[str], overrides: Sequence[str] = ()) -> Config:
    """Load the config of a run: what an older version did not know, and so did not write, is as it was then.

    So is what it left null and this version chooses: it writes what was chosen.
    """
    config = load_config(path, overrides)
    written = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    task, nothing = TASKS[config.task], object()

    def of(key: str) -> Any:
        section, _, name = key.partition(".")
        return written.get(section, {}).get(name, nothing)

    older = [f"{key}={value}" for key, value in task.before.items() if of(key) is nothing]
    older += [f"{key}={value}" for key, value in task.nulls_before.items() if of(key) is None]
    return load_config(path, [*older, *overrides]) if older else config


def config_from_mapping(mapping: Mapping[str, Any], overrides: Sequence[str] = (), where: str = "config") -> Config:
    """Return the config given as plain values; see `loading.config_from_mapping`."""
    return loading.config_from_mapping(mapping, schemas(), overrides, where)
