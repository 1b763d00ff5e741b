"""Configs of any task: `rnncli.config.loading` with the schemas of all of them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from rnncli.config import loading
from rnncli.config.loading import dump_config
from rnncli.config.sections import Config
from rnncli.tasks.registry import TASKS

__all__ = ["config_from_mapping", "dump_config", "load_config", "schemas"]


def schemas() -> dict[str, type[Config]]:
    """The config of each task, by the task's name."""
    return {name: task.config for name, task in TASKS.items()}


def load_config(path: str | os.PathLike[str], overrides: Sequence[str] = ()) -> Config:
    """The config in the YAML file at `path`; see `loading.load_config`."""
    return loading.load_config(path, schemas(), overrides)


def config_from_mapping(mapping: Mapping[str, Any], overrides: Sequence[str] = (), where: str = "config") -> Config:
    """The config in plain values; see `loading.config_from_mapping`."""
    return loading.config_from_mapping(mapping, schemas(), overrides, where)
