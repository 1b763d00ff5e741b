"""The training split of some data, and the splits that are held out of it.

The held-out items are drawn at random by the seed, because files of examples are often sorted by label.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from rnncli.config.sections import Config
from rnncli.data.source import Source, read_source
from rnncli.errors import ConfigError, DataError
from rnncli.kernels import random

_SPLIT = 1 << 34  # of the seed's independent random streams


class Items(Protocol):
    @property
    def name(self) -> str: ...

    def __len__(self) -> int: ...


D = TypeVar("D", bound=Items)


class Splits(Generic[D]):
    """The training split `train`, and the other splits in `held_out`, by name. `read` reads another file like the
    first; `pick` returns the items with the given numbers.
    """

    def __init__(self, config: Config, whole: D, read: Callable[[Source], D], pick: Callable[[D, Sequence[int]], D]):
        data = config.data
        self.read = read
        shares = {"test": data.test, "validation": data.validation}
        if sum(share for share in shares.values() if isinstance(share, float)) >= 1:
            raise ConfigError("data.validation and data.test leave nothing to train on; lower one of them")
        order = random.shuffled(len(whole), config.training.seed, _SPLIT)
        self.held_out: dict[str, D] = {}
        taken = 0
        for name, share in shares.items():
            if isinstance(share, str):
                self.held_out[name] = read(read_source(share))
            elif share:
                count = int(share * len(whole))
                if count:
                    self.held_out[name] = pick(whole, sorted(order[taken : taken + count]))
                taken += count
        if len(whole) - taken < 2:
            raise DataError(f"{whole.name}: {len(whole) - taken} examples to train on; give more, or hold out less")
        self.train = pick(whole, sorted(order[taken:]))

    def scored(self) -> str | None:
        """The name of the split to score on: test, or else validation; None if neither was held out."""
        return next((name for name in ("test", "validation") if name in self.held_out), None)

    def facts(self) -> str:
        """The size of each held-out split for the user, such as `, 100 for test`."""
        return "".join(f", {len(split):,} for {name}" for name, split in self.held_out.items())
