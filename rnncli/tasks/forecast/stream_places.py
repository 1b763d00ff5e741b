"""The rows of a stream that come before its first answer: those that are known already, and those of a warm-up."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

import numpy as np

from rnncli.data.timeline import Timeline

_MANY = 100  # rows, which nobody waits for in silence
_AT_ONCE = 1000  # stamps, which take hardly longer than one


class WarmUp:
    """The rows of a stream that does not go on where the data end, until there are `needed` to forecast from.

    rows: (C,) each, NaN where missing, the last ones alone. timeline: up to the last of them. absent: the values of a
    row that is missing.
    """

    def __init__(self, needed: int, timeline: Timeline, absent: float, rows: Sequence[np.ndarray] = ()):
        self.rows: deque[np.ndarray] = deque(rows, maxlen=needed)
        self.needed, self.timeline, self.absent = needed, timeline, absent

    def append(self, values: np.ndarray, after: int = 1) -> None:
        """Append a row that is `after` rows after the last; those between are missing."""
        self.rows.extend([np.full(len(values), self.absent)] * min(after - 1, self.needed))
        self.rows.append(values)
        self.timeline = self.timeline.moved(after)

    def holds(self, stamp: str) -> bool:
        """True for the time of one of the rows."""
        offset = self.timeline.offset_of(stamp)
        return offset is not None and -len(self.rows) < offset <= 0

    @property
    def progress(self) -> str:
        """How many of its rows are there, in words; nothing if they are few anyway, or all are there."""
        count = len(self.rows)
        if self.needed < _MANY or count == self.needed:
            return ""
        return f"{count:,} of {self.needed:,} rows read before the first forecast"

    @property
    def ready(self) -> bool:
        """True if there are enough rows, and a value of each column in them."""
        return len(self.rows) == self.needed and not np.isnan(np.stack(self.rows)).all(axis=0).any()


class Repeated:
    """The rows at the beginning of a stream up to the last row of the data that it goes on from, which are known.

    values, known (N, C): the last rows of these data. same, differing: at how many times rows have their values, and
    others. lacking: at how many times they have a value that is missing there. rows: those of the stream.
    """

    def __init__(self, timeline: Timeline, values: np.ndarray, known: np.ndarray, absent: float):
        self.timeline, self.values, self.known, self.absent = timeline, values, known, absent
        self.count, self.same, self.differing, self.lacking = 0, 0, 0, 0
        self.place: int | None = None  # of the last one of them, 0 being the last of the data
        self.next: list[str] = []  # the stamps after it, the nearest last
        self.rows = WarmUp(len(values), timeline, absent)

    def place_of(self, stamp: str) -> int | None:
        """Return how many rows after the data a stamp is; None if it is no time of the series."""
        before = self.place or 0
        if self.goes_on and not self.next:
            self.next = self.timeline.moved(before).following(min(_AT_ONCE, -before))[::-1]
        if self.next and self.next[-1] == stamp:
            return before + 1
        # From the row before it, which tells apart the two hours that are one on the clock when summer time ends.
        offset = self.timeline.moved(before).offset_of(stamp)
        return None if offset is None else before + offset

    @property
    def goes_on(self) -> bool:
        """True after the first of them until the last."""
        return self.place is not None and self.place < 0

    def add(self, place: int, read: Callable[[], np.ndarray]) -> None:
        """Count a row at a place up to 0, whose values (C,), NaN where missing, are read if the data still have them
        to compare."""
        after = 0 if self.place is None else place - self.place
        self.count, self.place, self.next = self.count + 1, place, self.next[:-1] if after == 1 else []
        row = len(self.values) - 1 + place
        if row < 0:
            return
        if after < 1 or not self.rows.rows:
            self.rows, after = WarmUp(len(self.values), self.timeline.moved(place - 1), self.absent), 1
        values = read()
        self.rows.append(values, after)
        self.lacking += bool((~self.known[row] & ~np.isnan(values)).any())
        there = self.known[row] & ~np.isnan(values)
        if there.any():
            equal = bool(np.isclose(values[there], self.values[row][there], rtol=1e-9, atol=0.0).all())
            self.same, self.differing = self.same + equal, self.differing + (not equal)
