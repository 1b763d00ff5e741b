"""metrics.jsonl of a run: a line of JSON for each evaluation, which grows by whole lines."""

from __future__ import annotations

import json
from dataclasses import asdict
from math import inf
from pathlib import Path
from typing import Any

from rnncli import safe_files
from rnncli.errors import MachineError, amount, reason_of
from rnncli.notes import note
from rnncli.training.reports import Evaluated

_MOST_UPDATES = 2**53  # that a step may tell of


def metrics_of(line: Evaluated) -> dict[str, Any]:
    """Return an evaluation as the object that a line of metrics.jsonl holds."""
    optional = ("memory", "notes", "figure", "averaged", "losses")
    fields = {
        key: value
        for key, value in asdict(line).items()
        if key not in optional or (key in ("memory", "notes") and value)
    }
    if line.losses is not None:
        fields["averaged"], (fields["raw_loss"], fields["averaged_loss"]) = line.averaged, line.losses
    if line.figure is not None:
        fields["figure"], fields["figure_name"] = line.figure.value, line.figure.name
    return fields


def append(path: Path, line: Evaluated, folder: int | None) -> None:
    """Write an evaluation at the end of the file at `path`, which lies in the open `folder`, if there is one."""
    try:
        safe_files.append(path, (json.dumps(metrics_of(line)) + "\n").encode(), folder)
    except OSError as error:
        raise MachineError(f"{path}: cannot write: {reason_of(error)}; the model before is intact") from None


def read(path: Path, folder: int | None) -> list[dict[str, Any]]:
    """Return the lines that are whole; none if there is no such file."""
    return [json.loads(line) for line in _lines(path, folder) if _step(line) < inf]


def drop_after(path: Path, update: int, folder: int | None) -> None:
    """Remove the lines after an update, and what cannot be read, with a note."""
    lines = [line for line in _lines(path, folder) if line.strip()]
    kept = [line for line in lines if _step(line) <= update]
    if damaged := sum(_step(line) == inf for line in lines):
        note(f"{path}: {amount(damaged, 'line')} of it cannot be read, and will be missing")
    if kept or path.exists():
        safe_files.replace(path, "".join(line + "\n" for line in kept).encode(), folder)


def _lines(path: Path, folder: int | None) -> list[str]:
    """Return all lines; MachineError where they cannot be read."""
    try:
        return safe_files.read(path, folder).decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise MachineError(f"{path}: cannot be read: {reason_of(error)}; check it and its folder") from None


def _step(line: str) -> float:
    """Return the number of updates in a line of metrics; infinity for a line that is none, such as a full disk cut."""
    try:
        found = json.loads(line)
        step, tokens = found["step"], found["tokens"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return inf
    whole = type(step) is type(tokens) is int and 0 <= step < _MOST_UPDATES
    return float(step) if whole else inf
