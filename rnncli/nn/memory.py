"""The memory that a model's training needs, counted before it is allocated."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from rnncli.errors import ConfigError
from rnncli.kernels.buffers import only_counting
from rnncli.memory import available, readable
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
