"""A config for somebody who only named a data file: the task from the file's name, the size of the model from its size.

What the data itself decides (columns, season, horizon, …) stays null; the task fills it in.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

CONFIG_SUFFIXES = (".yaml", ".yml")
BPTT = 64
LEAST_UPDATES = 1200
VALIDATION = 300_000  # characters of a large text tell enough
TABLE_SUFFIXES = (".csv", ".tsv")


def is_config(path: str) -> bool:
    """Whether a first argument names a config rather than data."""
    return PurePath(path).suffix.lower() in CONFIG_SUFFIXES


def inferred_config(path: str, size: int, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """A config as plain values for the data file `path` of `size` bytes. `data.format` among the overrides decides
    the task where the name does not, as for standard input."""
    named = next((text.partition("=")[2] for text in overrides if text.startswith("data.format=")), None)
    if named == "csv" or (named is None and PurePath(path).suffix.lower() in TABLE_SUFFIXES):
        return _forecast(path)
    return _language_model(path, size)


def _language_model(path: str, size: int) -> dict[str, Any]:
    """A small text overfits, a large one must be got through: width, dropout, batch and epochs follow the size.

    Below a thousand updates little is learnt; max_time ends what a slow machine or a large text would make endless.
    """
    if size < 20_000:
        cell, hidden_size, num_layers, dropout, batch_size, learning_rate = "gru", 64, 1, 0.0, 4, 5e-3
    elif size < 300_000:
        cell, hidden_size, num_layers, dropout, batch_size, learning_rate = "gru", 128, 2, 0.3, 16, 5e-3
    else:
        cell, hidden_size, num_layers, batch_size, learning_rate = "lstm", 256, 2, 32, 3e-3
        dropout = 0.3 if size < 3_000_000 else 0.1
    wanted = LEAST_UPDATES * batch_size * BPTT // max(size, 1)
    epochs = 1 if size > 3_000_000 else min(max(wanted, 10), 400)
    return {
        "task": "language-model",
        "data": {"path": path, "format": "text", "validation": min(0.1, round(VALIDATION / max(size, 1), 6))},
        "model": {"cell": cell, "hidden_size": hidden_size, "num_layers": num_layers, "dropout": dropout},
        "training": {
            "epochs": epochs, "max_time": "5m", "batch_size": batch_size, "bptt": BPTT, "learning_rate": learning_rate,
        },
    }  # fmt: skip


def _forecast(path: str) -> dict[str, Any]:
    return {
        "task": "forecast",
        "data": {"path": path, "format": "csv", "validation": 0.2},
        "model": {"cell": "gru", "hidden_size": 32, "num_layers": 1},
        "training": {"epochs": 60, "max_time": "5m", "batch_size": 32, "learning_rate": 3e-3, "patience": 15},
    }
