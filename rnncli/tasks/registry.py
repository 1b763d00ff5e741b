"""The tasks by name. A new task is one folder and one line here."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rnncli.config import loading
from rnncli.config.loading import dump_config
from rnncli.config.sections import Config
from rnncli.registry import Registry

if TYPE_CHECKING:
    from rnncli.tasks.task import Task

TASKS: Registry[Task] = Registry(
    {
        "language-model": "rnncli.tasks.language_model.task:LANGUAGE_MODEL",
        "forecast": "rnncli.tasks.forecast.task:FORECAST",
        "classify": "rnncli.tasks.sequences.task:CLASSIFY",
        "regress": "rnncli.tasks.sequences.task:REGRESS",
        "tag": "rnncli.tasks.sequences.task:TAG",
        "seq2seq": "rnncli.tasks.seq2seq.task:SEQ2SEQ",
        "caption": "rnncli.tasks.seq2seq.task:CAPTION",
        "transcribe": "rnncli.tasks.transcribe.task:TRANSCRIBE",
    }
)


class _Schemas(Mapping[str, type[Config]]):
    """The config class of each task, by the task's name; a task is imported when its class is asked for."""

    def __getitem__(self, name: str) -> type[Config]:
        return TASKS[name].config

    def __iter__(self) -> Iterator[str]:
        return iter(TASKS)

    def __len__(self) -> int:
        return len(TASKS)


SCHEMAS = _Schemas()


__all__ = ["SCHEMAS", "TASKS", "config_from_mapping", "dump_config", "json_schema", "load_config", "load_run_config"]


def load_config(path: str | os.PathLike[str], overrides: Sequence[str] = (), *, in_run: bool = False) -> Config:
    """Load the config in the YAML file at `path`; see `loading.load_config`."""
    return loading.load_config(path, SCHEMAS, overrides, in_run=in_run)


def from_here(overrides: Sequence[str]) -> list[str]:
    """Return overrides of a run's config: the data that they name are where the user is, not where the run is."""
    return [
        f"{key}={os.path.abspath(value)}" if key == "data.path" and value not in ("", "-", "null") else text
        for text in overrides
        for key, _, value in [text.partition("=")]
    ]


def load_run_config(path: str | os.PathLike[str], overrides: Sequence[str] = ()) -> Config:
    """Load the config of a run: what an older version did not know, and so did not write, is as it was then.

    So is what it left null and this version chooses: it writes what was chosen, and null where there was nothing to
    choose, with all the keys that an older version did not know.
    """
    overrides = from_here(overrides)
    config = load_config(path, overrides, in_run=True)
    written = loading.written_in_run(path)
    task, nothing = TASKS[config.task], object()

    def of(key: str) -> Any:
        section, _, name = key.partition(".")
        return (written.get(section) or {}).get(name, nothing)  # a section may be empty

    older = [f"{key}={value}" for key, value in task.before.items() if of(key) is nothing]
    if older:
        older += [f"{key}={value}" for key, value in task.nulls_before.items() if of(key) is None]
    return load_config(path, [*older, *overrides], in_run=True) if older else config


def config_from_mapping(mapping: Mapping[str, Any], overrides: Sequence[str] = (), where: str = "config") -> Config:
    """Return the config given as plain values; see `loading.config_from_mapping`."""
    return loading.config_from_mapping(mapping, SCHEMAS, overrides, where)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of the configs of all tasks; see `json_schema.json_schema`."""
    from rnncli.config.json_schema import json_schema

    return json_schema(SCHEMAS)
