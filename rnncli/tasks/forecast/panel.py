"""Many series, one under another, as a forecast needs them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rnncli.data.timeline import Timeline

Column = np.ndarray  # of float64, or of strings


@dataclass(frozen=True)
class Panel:
    """S series of C targets, R rows in all; rows starts[s] ≤ r < starts[s+1] are those of series s.

    values (R, C) float64 without gaps, known (R, C) False where a cell was missing and is filled. past and ahead are
    covariates by name, (R,) each: those known up to a row, and those known beforehand; coming[s] are the latter for the
    rows after the end of series s. static: one value a series, (S,) each. timelines: one a series, none without times.
    """

    ids: tuple[str, ...]
    starts: np.ndarray
    values: np.ndarray
    known: np.ndarray
    past: Mapping[str, Column]
    ahead: Mapping[str, Column]
    coming: tuple[Mapping[str, Column], ...]
    static: Mapping[str, Column]
    timelines: tuple[Timeline, ...]

    @property
    def lengths(self) -> np.ndarray:
        return np.diff(self.starts)

    def rows(self, s: int) -> slice:
        """The rows of series s."""
        return slice(int(self.starts[s]), int(self.starts[s + 1]))

    def one(self, s: int) -> Panel:
        """Series s alone."""
        rows = self.rows(s)
        return Panel(
            ids=self.ids[s : s + 1],
            starts=np.array([0, rows.stop - rows.start]),
            values=self.values[rows],
            known=self.known[rows],
            past={name: column[rows] for name, column in self.past.items()},
            ahead={name: column[rows] for name, column in self.ahead.items()},
            coming=self.coming[s : s + 1],
            static={name: column[s : s + 1] for name, column in self.static.items()},
            timelines=self.timelines[s : s + 1],
        )

    def at_least(self, count: int) -> Panel:
        """Of each series at least `count` rows: of a shorter one the first row stands for those before it."""
        missing = np.maximum(count - self.lengths, 0)
        if not missing.any():
            return self
        kept = [
            np.maximum(np.arange(first - add, last), first)
            for (first, last), add in zip(self._spans(), missing.tolist(), strict=True)
        ]
        return self._of_rows(np.concatenate(kept), self.lengths + missing)

    def lasting(self, count: int) -> Panel:
        """Of each series its last `count` rows, or all it has."""
        kept = np.concatenate([np.arange(max(first, last - count), last) for first, last in self._spans()])
        lengths = np.minimum(self.lengths, count)
        return self._of_rows(kept, lengths)

    def _spans(self) -> list[tuple[int, int]]:
        return list(zip(self.starts[:-1].tolist(), self.starts[1:].tolist(), strict=True))

    def _of_rows(self, kept: np.ndarray, lengths: np.ndarray) -> Panel:
        return replace(
            self,
            starts=np.concatenate([[0], np.cumsum(lengths)]),
            values=self.values[kept],
            known=self.known[kept],
            past={name: column[kept] for name, column in self.past.items()},
            ahead={name: column[kept] for name, column in self.ahead.items()},
        )


def stacked(panels: Sequence[Panel]) -> Panel:
    """Series of like columns as one panel."""
    first = panels[0]
    return Panel(
        ids=tuple(name for panel in panels for name in panel.ids),
        starts=np.concatenate([[0], np.cumsum(np.concatenate([panel.lengths for panel in panels]))]),
        values=np.concatenate([panel.values for panel in panels]),
        known=np.concatenate([panel.known for panel in panels]),
        past={name: np.concatenate([panel.past[name] for panel in panels]) for name in first.past},
        ahead={name: np.concatenate([panel.ahead[name] for panel in panels]) for name in first.ahead},
        coming=tuple(coming for panel in panels for coming in panel.coming),
        static={name: np.concatenate([panel.static[name] for panel in panels]) for name in first.static},
        timelines=tuple(timeline for panel in panels for timeline in panel.timelines),
    )


def continued(panel: Panel, after: Panel) -> Panel:
    """Each series of `panel` and, under it, the rows that `after` has for the same id, if any.

    Values that are missing first in `after` are those before it: what filled them there lies ahead.
    """
    where = {name: s for s, name in enumerate(after.ids)}
    parts = []
    for s, name in enumerate(panel.ids):
        one = panel.one(s)
        if name not in where:
            parts.append(one)
            continue
        more = after.one(where[name])
        begun = np.logical_or.accumulate(more.known, axis=0)
        parts.append(
            Panel(
                ids=one.ids,
                starts=np.array([0, len(one.values) + len(more.values)]),
                values=np.concatenate([one.values, np.where(begun, more.values, one.values[-1])]),
                known=np.concatenate([one.known, more.known]),
                past={key: np.concatenate([column, more.past[key]]) for key, column in one.past.items()},
                ahead={key: np.concatenate([column, more.ahead[key]]) for key, column in one.ahead.items()},
                coming=more.coming,
                static=one.static,
                timelines=more.timelines,
            )
        )
    return stacked(parts)
