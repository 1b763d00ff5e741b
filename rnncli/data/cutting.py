"""Sequences of more steps than `data.max_length`, and what `data.truncate` leaves of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from rnncli.config.data_section import CutConfig
from rnncli.errors import DataError
from rnncli.notes import note

_KEPT = {"end": "first {}", "start": "last {}", "middle": "first {} and last {}"}


class Cut:
    """Cuts sequences of more than `longest` steps; what is left out is their `end`, `start` or `middle`."""

    def __init__(self, longest: int | None, truncate: str):
        self.longest, self.truncate = longest, truncate
        self._seen, self._cut, self._most = 0, 0, 0

    @classmethod
    def of(cls, data: object) -> Cut:
        """Return the cut that the section `data` of a config describes; of a task without these keys, none."""
        return cls(data.max_length, data.truncate) if isinstance(data, CutConfig) else cls(None, "end")

    def of_all(self, sequences: Sequence[np.ndarray], unit: str, where: Callable[[int], str]) -> list[np.ndarray]:
        """Return the sequences (n,) or (n, C), cut, and count them for `tell`.

        unit: the steps, for messages. Raises DataError naming the place of one that is refused.
        """
        limit = self.longest
        if limit is None:
            return list(sequences)
        lengths = [len(x) for x in sequences]
        long = [i for i, length in enumerate(lengths) if length > limit]
        if long and self.truncate == "refuse":
            raise DataError(
                f"{where(long[0])}: {lengths[long[0]]:,} {unit}, and data.max_length is {limit:,}; shorten it, or "
                "train with --set data.truncate=end, which keeps the first ones"
            )
        self._seen, self._cut = self._seen + len(lengths), self._cut + len(long)
        self._most = max([self._most, *lengths])
        head, tail = self._lengths(limit)
        return [x if len(x) <= limit else np.concatenate([x[:head], x[len(x) - tail :]]) for x in sequences]

    def kept(self, tokens: list[str]) -> list[str]:
        """Return what is left of a sequence of tokens."""
        if self.longest is None or len(tokens) <= self.longest:
            return tokens
        head, tail = self._lengths(self.longest)
        return tokens[:head] + tokens[len(tokens) - tail :]

    def tell(self, name: str, unit: str) -> None:
        """Tell in a note how many sequences of the data `name` were cut since the last time."""
        if self._cut:
            assert self.longest is not None
            kept = _KEPT[self.truncate].format(*(f"{count:,}" for count in self._lengths(self.longest) if count))
            note(
                f"{name}: cut {self._cut:,} of {self._seen:,} sequences to the {kept} {unit}, the longest from "
                f"{self._most:,}"
            )
        self._seen, self._cut, self._most = 0, 0, 0

    def _lengths(self, limit: int) -> tuple[int, int]:
        """Return how many steps are kept at the beginning and at the end."""
        return {"end": (limit, 0), "start": (0, limit), "middle": (limit - limit // 2, limit // 2)}[self.truncate]
