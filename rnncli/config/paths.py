"""Data paths in a config are relative to the folder that the config stands in."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from rnncli.config.schema import Config

PATH_KEYS = ("path", "validation", "test")
STANDARD_INPUT = "-"


def resolved(config: Config, folder: str) -> Config:
    """`config`, read in `folder`, with data paths that can be opened from the working directory."""
    return _with_paths(config, lambda path: _simplified(os.path.join(folder, path)))


def relative_to(config: Config, folder: str) -> Config:
    """`config` with data paths that `resolved` in `folder` turns back into what they are.

    Absolute paths stay, so that a config may move as far as its author meant it to.
    """
    base = os.path.realpath(folder)
    return _with_paths(
        config, lambda path: path if os.path.isabs(path) else os.path.relpath(os.path.realpath(path), base)
    )


def _with_paths(config: Config, change: Callable[[str], str]) -> Config:
    changed: dict[str, Any] = {}
    for key in PATH_KEYS:
        value = getattr(config.data, key)
        if isinstance(value, str) and value != STANDARD_INPUT:
            changed[key] = change(value)
    return config.model_copy(update={"data": config.data.model_copy(update=changed)})


def _simplified(path: str) -> str:
    """`path` without `..` where that names the same file: behind a symbolic link it would not."""
    short = os.path.normpath(path)
    return short if os.path.realpath(short) == os.path.realpath(path) else path
