"""What a name on the command line is, before anything is opened."""

from __future__ import annotations

import os

from rnncli.config.suggestions import similar_sibling

JOURNAL = "journal.jsonl"  # of a study, by which it is known


def is_config(path: str) -> bool:
    """Return True if a first argument names a config rather than data."""
    return path.lower().endswith((".yaml", ".yml"))


def is_run(path: str) -> bool:
    """Return True if a first argument names a run or a model file rather than a config or data.

    A folder with texts in it, and nothing that a run has, is data.
    """
    if not os.path.isdir(path):
        return path.endswith(".safetensors")
    names = {name for name in os.listdir(path) if not name.startswith(".")}
    return not names or bool(names & {"config.yaml", "model.safetensors", "state.safetensors"})


def similar_run(path: str) -> str:
    """Return `; did you mean …` of a run of almost this name beside it, or of this one in runs/; or an empty string."""
    usual = os.path.join("runs", path)
    return f'; did you mean "{usual}"?' if os.path.isdir(usual) else similar_sibling(path, is_run)


def is_study(path: str | os.PathLike[str]) -> bool:
    """Return True if a folder is a study, as `rnncli tune` writes it."""
    return os.path.isfile(os.path.join(path, JOURNAL))
