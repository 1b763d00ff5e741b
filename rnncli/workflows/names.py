"""What a name on the command line is, before anything is opened."""

from __future__ import annotations

import os


def is_config(path: str) -> bool:
    """Return True if a first argument names a config rather than data."""
    return path.lower().endswith((".yaml", ".yml"))


def is_run(path: str) -> bool:
    """Return True if a first argument names a run or a model file rather than a config or data."""
    return os.path.isdir(path) or path.endswith(".safetensors")
