"""What a name on the command line is, by the name alone."""

from __future__ import annotations


def is_config(path: str) -> bool:
    """Return True if a first argument names a config rather than data."""
    return path.lower().endswith((".yaml", ".yml"))
