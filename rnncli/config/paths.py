"""Data paths in a config are relative to the folder that the config stands in."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, get_args

from pydantic.fields import FieldInfo

from rnncli.config.sections import C, Config, keys_of
from rnncli.config.values import IS_PATH

STANDARD_INPUT = "-"


def resolved(config: C, folder: str) -> C:
    """`config`, read in `folder`, with data paths that can be opened from the working directory."""
    return _with_paths(config, lambda path: _simplified(os.path.join(folder, path)))


def relative_to(config: C, folder: str) -> C:
    """`config` with data paths that `resolved` in `folder` turns back into what they are.

    Absolute paths stay, so that a config may move as far as its author meant it to.
    """
    base = os.path.realpath(folder)
    return _with_paths(
        config, lambda path: path if os.path.isabs(path) else os.path.relpath(os.path.realpath(path), base)
    )


def data_paths(config: Config) -> dict[str, str]:
    """The files that the config's `data` names, by key: all that is text, and by its type a path."""
    found = {key: getattr(config.data, key) for key, field in keys_of(type(config), "data").items() if _is_path(field)}
    return {key: value for key, value in found.items() if isinstance(value, str) and value != STANDARD_INPUT}


def _is_path(annotation: Any) -> bool:
    """Whether IS_PATH marks the type, or one within it."""
    inner = [annotation.annotation, *annotation.metadata] if isinstance(annotation, FieldInfo) else get_args(annotation)
    return any(one is IS_PATH or _is_path(one) for one in inner)


def _with_paths(config: C, change: Callable[[str], str]) -> C:
    return config.changed(data={key: change(path) for key, path in data_paths(config).items()})


def _simplified(path: str) -> str:
    """`path` without `..` where that names the same file: behind a symbolic link it would not."""
    short = os.path.normpath(path)
    return short if os.path.realpath(short) == os.path.realpath(path) else path
