"""The memory that a model's training needs, counted before it is allocated."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from rnncli.errors import ConfigError, MachineError
from rnncli.kernels.buffers import only_counting
from rnncli.nn.network import Model

# Of the weights, beside themselves and their gradient: two moments, two packed forms, the best ones, a file.
_MORE_COPIES = 6


class Size(Protocol):
    """The size of a model, under the names of the config keys."""

    @property
    def hidden_size(self) -> int: ...

    @property
    def num_layers(self) -> int: ...


def needed(plan: Callable[[], Model], count: int = 1) -> int:
    """Return the bytes for training `count` models as `plan` makes one, with the workspaces that `plan` also makes."""
    with only_counting() as arrays:
        model = plan()
    return count * (sum(arrays) + _MORE_COPIES * model.parameters.weights.nbytes)


def available() -> int:
    """Return the bytes of memory that are free or could be freed; on systems other than Linux, the machine's total."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            fields = dict(line.split(":", 1) for line in file)
        return int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):  # not Linux
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


_counts: ContextVar[list[int] | None] = ContextVar("counts", default=None)


@contextmanager
def counted() -> Iterator[list[int]]:
    """Yield a list to which each `require_memory` within the block adds the bytes that it finds needed."""
    counts: list[int] = []
    token = _counts.set(counts)
    try:
        yield counts
    finally:
        _counts.reset(token)


def require_memory(plan: Callable[[], Model], size: Size, mend: str, count: int = 1) -> None:
    """Raise ConfigError if training `count` models of `plan` does not fit in memory; `mend` says what to do then."""
    wanted, there = needed(plan, count), available()
    if (counts := _counts.get()) is not None:
        counts.append(wanted)
    if wanted > there:
        networks = f"{count} networks of " if count > 1 else ""
        raise ConfigError(
            f"{networks}model.hidden_size {size.hidden_size:,} × {size.num_layers} layers would need "
            f"{readable(wanted)}; memory available {readable(there)}; {mend}"
        )


def require_free(wanted: float, name: str, mend: str) -> None:
    """Raise MachineError if the data `name` take more memory than is available; `mend` says what to do then."""
    if wanted > (there := available()):
        raise MachineError(
            f"{name}: would need {readable(wanted)} of memory, of which {readable(there)} are available; {mend}"
        )


def readable(size: float) -> str:
    for unit in ("bytes", "KB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:,.0f} TB"
