"""How much memory a model's training needs, said before it is taken."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Protocol

from rnncli.errors import ConfigError
from rnncli.kernels.buffers import only_counting
from rnncli.nn.network import Model

# Of the weights, beside themselves and their gradient: two moments, two packed forms, the best ones, a file.
_MORE_COPIES = 6


class Size(Protocol):
    """How large a model is in the words of a config."""

    @property
    def hidden_size(self) -> int: ...

    @property
    def num_layers(self) -> int: ...


def needed(plan: Callable[[], Model]) -> int:
    """Bytes for training the model that `plan` makes, with the workspaces that it makes beside it."""
    with only_counting() as arrays:
        model = plan()
    return sum(arrays) + _MORE_COPIES * model.parameters.weights.nbytes


def available() -> int:
    """Bytes of memory that this machine has, or could free."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            fields = dict(line.split(":", 1) for line in file)
        return int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):  # not Linux
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def require_memory(plan: Callable[[], Model], size: Size, lower: str) -> None:
    """ConfigError where training what `plan` makes cannot fit; `lower` names the keys that would help."""
    wanted, there = needed(plan), available()
    if wanted > there:
        raise ConfigError(
            f"model.hidden_size {size.hidden_size:,} × {size.num_layers} layers would need {_readable(wanted)}; "
            f"memory available {_readable(there)}; lower {lower}"
        )


def _readable(size: float) -> str:
    for unit in ("bytes", "KB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:,.0f} TB"
