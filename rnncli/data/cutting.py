"""Sequences of more steps than `data.max_length`, and what `data.truncate` leaves of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from rnncli.config.sections import CutConfig
from rnncli.errors import DataError
from rnncli.notes import note

_KEPT = {"end": "first {}", "start": "last {}", "middle": "first {} and last {}"}


class Cut:
    """Cuts sequences of more than `longest` steps; what is left out is their `end`, `start` or `middle`."""

    def __init__(self, longest: int | None, truncate: str):
        self.longest, self.truncate = longest, truncate
        self._told: set[str] = set()  # training, its scoring and an evaluation cut the same sequences

    @classmethod
    def of(cls, data: object) -> Cut:
        """Return the cut that the section `data` of a config describes; of a task without these keys, none."""
        return cls(data.max_length, data.truncate) if isinstance(data, CutConfig) else cls(None, "end")

    def of_all(
        self, sequences: Sequence[np.ndarray], name: str, unit: str, where: Callable[[int], str]
    ) -> list[np.ndarray]:
        """Return the sequences (n,) or (n, C), cut; a note tells how many of the data `name` were.

        unit: the steps, for messages. Raises DataError naming the place of one that is refused.
        """
        limit = self.longest
        long = [i for i, x in enumerate(sequences) if limit is not None and len(x) > limit]
        if limit is None or not long:
            return list(sequences)
        if self.truncate == "refuse":
            raise DataError(
                f"{where(long[0])}: {len(sequences[long[0]]):,} {unit}, and data.max_length is {limit:,}; shorten it, "
                "or train with --set data.truncate=end, which keeps the first ones"
            )
        head, tail = self._kept(limit)
        most = max(len(sequences[i]) for i in long)
        kept = _KEPT[self.truncate].format(*(f"{count:,}" for count in (head, tail) if count))
        text = (
            f"{name}: cut {len(long):,} of {len(sequences):,} sequences to the {kept} {unit}, the longest from {most:,}"
        )
        if text not in self._told:
            self._told.add(text)
            note(text)
        return [x if len(x) <= limit else np.concatenate([x[:head], x[len(x) - tail :]]) for x in sequences]

    def _kept(self, limit: int) -> tuple[int, int]:
        """Return how many steps are kept at the beginning and at the end."""
        return {"end": (limit, 0), "start": (0, limit), "middle": (limit - limit // 2, limit // 2)}[self.truncate]
