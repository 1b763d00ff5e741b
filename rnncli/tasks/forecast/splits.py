"""The splits of each series: training, validation and test rows, one after another."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rnncli.data.source import Source, read_source
from rnncli.errors import ConfigError
from rnncli.tasks.forecast.config import SeriesConfig
from rnncli.tasks.forecast.continuation import require_follows, rows_after
from rnncli.tasks.forecast.padding import LEAST
from rnncli.tasks.forecast.panel import Panel, continued
from rnncli.tasks.forecast.panel_columns import Columns
from rnncli.tasks.forecast.panel_tables import read_panel
from rnncli.tasks.forecast.windows import Windowing, require_transformable

TRAINING, VALIDATION, TEST = 0, 1, 2  # splits
SPLITS = {VALIDATION: "validation", TEST: "test"}


@dataclass(frozen=True)
class Divided:
    """A panel with the ends of its splits: ends (S, 3); the rows of series s up to ends[s, i] are in splits 0 to i.

    Split 0 is for training, 1 for validation, 2 for testing. last: the name of the file that the series end in.
    """

    panel: Panel
    ends: np.ndarray
    last: str

    def origins(self, windowing: Windowing, split: int, missing: str) -> np.ndarray:
        """Return the origins of one split, of every series in turn.

        Unless gaps are masked, no origin directly follows a row with a filled cell, which later values may have
        filled. No origin stands before a column's first known value, which fills the rows before it.
        """
        found = []
        for s, rows in enumerate(map(self.panel.rows, range(len(self.ends)))):
            origins, known = windowing.origins(*self.span(s, split), rows.start), self.panel.known[rows]
            if not known.all():
                behind = known if missing != "mask" else np.logical_or.accumulate(known, axis=0)
                whole: np.ndarray = np.all(behind, axis=1)
                origins = origins[whole[origins - 1 - rows.start]]
            found.append(origins)
        return np.concatenate(found)

    def rows(self, split: int) -> np.ndarray:
        """Return the rows (n,) of one split, of all series."""
        spans = [self.span(s, split) for s in range(len(self.ends))]
        return np.concatenate([np.arange(first, last) for first, last in spans])

    def begins(self, split: int) -> np.ndarray:
        """Return the first row of a split in each series, (S,)."""
        return np.array([self.span(s, split)[0] for s in range(len(self.ends))])

    def span(self, s: int, split: int) -> tuple[int, int]:
        """Return the first row of a split of series s, and the row after its last."""
        begin = int(self.panel.starts[s])
        return begin + (int(self.ends[s, split - 1]) if split else 0), begin + int(self.ends[s, split])


def divided(panel: Panel, columns: Columns, data: SeriesConfig, name: str) -> Divided:
    """Cut fractions or rows off each series' end, test last; files are appended, so their windows look back at it.

    With data.padding, a fraction of a series in a panel is at least one horizon, see `_cuts`.
    """
    if isinstance(data.validation, str) and not isinstance(data.test, str) and data.test:
        raise ConfigError("data.test: a fraction cannot come after a data.validation that is a file; name a file")
    lengths = panel.lengths
    if columns.hierarchy:  # sums and leaves are cut at the same times, however short these are
        whole = np.full_like(lengths, lengths.max())
        test = np.minimum(_count(data.test, whole), lengths)
        cuts = [np.minimum(_count(data.validation, whole), lengths - test), test]
    else:
        cuts = _cuts(data, lengths)
    train = lengths - cuts[0] - cuts[1]
    if (train <= 0).all():
        raise ConfigError("data.validation and data.test leave nothing to train on; lower one of them")
    made = Divided(panel, np.maximum(train, 0)[:, None], name)
    for split, cut in zip((data.validation, data.test), cuts, strict=True):
        if isinstance(split, str):
            made = with_rows(made, read_source(split), columns, data)
        else:
            ends = np.concatenate(
                [made.ends, np.minimum(made.ends[:, -1:] + cut[:, None], made.panel.lengths[:, None])], axis=1
            )
            made = Divided(made.panel, ends, made.last)
    return _ending_in_themselves(made) if data.missing == "interpolate" else made


def _ending_in_themselves(made: Divided) -> Divided:
    """Repeat the last known value of a split to its end: a line to the next value would reveal that value."""
    panel, values = made.panel, made.panel.values.copy()
    for s, ends in enumerate(made.ends):
        begin = int(panel.starts[s])
        for end in ends[:-1]:
            rows = slice(begin, begin + int(end))
            for c, known in enumerate(panel.known[rows].T):
                seen = np.flatnonzero(known)
                if seen.size:
                    values[rows, c][seen[-1] :] = values[begin + seen[-1], c]
    return replace(made, panel=replace(panel, values=values))


def _cuts(data: SeriesConfig, lengths: np.ndarray) -> list[np.ndarray]:
    """Return how many rows validation and test take off the end of each series, (S,) each.

    With data.padding, a fraction that is less than a horizon takes one off a series in a panel if a row is left to
    look back on, and else nothing, since nothing could be scored; test comes first. Not so if then no series would
    have enough left to train on.
    """
    plain = [_count(split, lengths) for split in (data.validation, data.test)]
    if not data.padding or data.horizon is None or len(lengths) == 1:
        return plain
    left, cuts = lengths, []
    for split, count in zip((data.test, data.validation), plain[::-1], strict=True):
        if isinstance(split, float) and split:
            few = count < data.horizon
            count = np.where(few, np.where(left >= data.horizon + LEAST, data.horizon, 0), count)
        cuts.append(count)
        left = left - count
    return cuts[::-1] if left.max() >= data.horizon + LEAST else plain


def some_are_short(data: SeriesConfig, lengths: np.ndarray, context: int, horizon: int) -> bool:
    """Return True if a series is too short to be trained on with whole contexts, or, in a panel, to be held out of by a
    fraction."""
    splits = (data.validation, data.test)
    cuts = [_count(split, lengths) for split in splits]
    fractions = [cut for split, cut in zip(splits, cuts, strict=True) if isinstance(split, float) and split]
    few = len(lengths) > 1 and any((cut < horizon).any() for cut in fractions)
    return few or bool((lengths - sum(cuts) < context + horizon).any())


def _count(split: float | int | str | None, lengths: np.ndarray) -> np.ndarray:
    """Return how many rows a split takes off the end of each series, (S,)."""
    if isinstance(split, float):
        return (split * lengths).astype(int)
    return np.full(len(lengths), split if isinstance(split, int) else 0)


def with_rows(
    made: Divided, source: Source, columns: Columns, data: SeriesConfig, *, may_overlap: bool = False
) -> Divided:
    """Append the rows of `source`, read as `data` defines, as one more split. DataError unless they follow; those of
    times that the series have are left out if it `may_overlap` them."""
    more, _, _ = read_panel(source, data, columns, made.panel)
    if may_overlap:
        more = rows_after(more, source.name, made.panel, made.last)
    require_transformable(more.values, data.transform, source.name, non_negative=data.non_negative)
    require_follows(more, columns, source.name, made.panel, made.last)
    whole = continued(made.panel, more)
    return Divided(whole, np.concatenate([made.ends, whole.lengths[:, None]], axis=1), source.name)
