"""The panel: several series, one under another, with all that a forecast needs of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np

from rnncli.data.digits import Digits, rounded_like
from rnncli.data.timeline import Timeline
from rnncli.data.typed import typed

_PREFIX = "panel."  # of its arrays in a model file
_TEXT, _ROOM = 1 << 24, 256  # characters that all words may take at least, and times what they take in the file

Filling = Literal["refuse", "ffill", "interpolate", "mask", "zero"]


Column = np.ndarray  # of float64, or of strings


@dataclass(frozen=True)
class Panel:
    """S series of C targets, R rows in all; series s has the rows starts[s] ≤ r < starts[s+1].

    values (R, C) float64 without gaps, known (R, C) False where a cell was missing and is filled. past,
    known_covariates: by name, (R,) each, covariates known up to the last row, and those known of the rows ahead too;
    coming[s] has the latter for the rows after the end of series s. static: one value a series, (S,) each.
    timelines: one a series, none without times.
    """

    ids: tuple[str, ...]
    starts: np.ndarray
    values: np.ndarray
    known: np.ndarray
    past: Mapping[str, Column]
    known_covariates: Mapping[str, Column]
    coming: tuple[Mapping[str, Column], ...]
    static: Mapping[str, Column]
    timelines: tuple[Timeline, ...]

    @property
    def columns(self) -> list[Column]:
        """All columns: its values, and the covariates of all kinds."""
        groups = (self.past, self.known_covariates, self.static, *self.coming)
        return [self.values, *(column for group in groups for column in group.values())]

    @property
    def lengths(self) -> np.ndarray:
        return np.diff(self.starts)

    @cached_property
    def begins(self) -> np.ndarray:
        """The first row in which each column of each series is known, (S, C)."""
        return np.array([first + self.known[first:last].argmax(axis=0) for first, last in self._spans()])

    def rows(self, s: int) -> slice:
        """Return the slice of the rows of series s."""
        return slice(int(self.starts[s]), int(self.starts[s + 1]))

    @property
    def counts_to_come(self) -> np.ndarray:
        """The rows (S,) after the end of each series in which all its known covariates stand."""
        return np.array([min(map(len, columns.values()), default=0) for columns in self.coming])

    def zeros(self) -> np.ndarray:
        """Return the row (S,) that each series has, or would have, at one time of all: at the end of the first series,
        or, without times, at its own beginning."""
        if not self.timelines:
            return self.starts[:-1]
        first = self.timelines[0]
        return self.starts[1:] - np.array([timeline.rows_after(first) for timeline in self.timelines])

    def one(self, s: int) -> Panel:
        """Return a panel of series s alone."""
        rows = self.rows(s)
        return Panel(
            ids=self.ids[s : s + 1],
            starts=np.array([0, rows.stop - rows.start]),
            values=self.values[rows],
            known=self.known[rows],
            past={name: column[rows] for name, column in self.past.items()},
            known_covariates={name: column[rows] for name, column in self.known_covariates.items()},
            coming=self.coming[s : s + 1],
            static={name: column[s : s + 1] for name, column in self.static.items()},
            timelines=self.timelines[s : s + 1],
        )

    def at_least(self, count: int, *, masked: bool = False) -> Panel:
        """Return each series with at least `count` rows: the first row of a shorter one is repeated before it; masked:
        as rows that are not known."""
        missing = np.maximum(count - self.lengths, 0)
        if not missing.any():
            return self
        kept = [
            np.arange(first - add, last) for (first, last), add in zip(self._spans(), missing.tolist(), strict=True)
        ]
        begins = np.repeat(self.starts[:-1], self.lengths + missing)
        rows = np.concatenate(kept)
        padded = self._of_rows(np.maximum(rows, begins), self.lengths + missing)
        return replace(padded, known=padded.known & (rows >= begins)[:, None]) if masked else padded

    def lasting(self, count: int) -> Panel:
        """Return the last `count` rows of each series, or all it has."""
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
            known_covariates={name: column[kept] for name, column in self.known_covariates.items()},
        )

    def to_header(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return the panel as JSON, and arrays by name, for a model file."""
        arrays: dict[str, np.ndarray] = {"values": self.values, "known": self.known.astype(np.uint8)}
        words: dict[str, list[str]] = {}
        groups = {"past": self.past, "ahead": self.known_covariates, "static": self.static} | {
            f"coming.{s}": coming for s, coming in enumerate(self.coming)
        }
        for group, columns in groups.items():
            for name, column in columns.items():
                if column.dtype.kind == "U":
                    words[f"{group}.{name}"] = column.tolist()
                else:
                    arrays[f"{group}.{name}"] = column
        header = {
            "ids": list(self.ids),
            "lengths": self.lengths.tolist(),
            "words": words,
            "columns": {group: list(columns) for group, columns in groups.items() if columns},
            "timelines": [timeline.to_header() for timeline in self.timelines],
        }
        return header, {_PREFIX + name: np.ascontiguousarray(array) for name, array in arrays.items()}

    @classmethod
    def from_header(cls, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Panel:
        """The inverse of `to_header`; KeyError or ValueError if `to_header` cannot have returned the arguments."""

        def columns(group: str) -> dict[str, Column]:
            return {name: column(f"{group}.{name}") for name in named.get(group, ())}

        def column(name: str) -> Column:
            words = told.get(name)
            return np.array(words, dtype=np.str_) if words is not None else arrays[_PREFIX + name]

        ids, lengths = typed(tuple[str, ...], header["ids"], "ids"), typed(list[int], header["lengths"], "lengths")
        named, told = (typed(dict[str, list[str]], header[name], name) for name in ("columns", "words"))
        _require_room(told)
        values, known = arrays[_PREFIX + "values"], arrays[_PREFIX + "known"].astype(bool)
        if not ids or len(lengths) != len(ids) or min(lengths) < 1 or sum(lengths) != len(values):
            raise ValueError("its series do not have the rows that it says")
        panel = cls(
            ids=ids,
            starts=np.concatenate([[0], np.cumsum(lengths)]),
            values=values,
            known=known,
            past=columns("past"),
            known_covariates=columns("ahead"),
            coming=tuple(columns(f"coming.{s}") for s in range(len(ids))),
            static=columns("static"),
            timelines=tuple(Timeline.from_header(one) for one in header["timelines"]),
        )
        shapes = {column.shape for column in (*panel.past.values(), *panel.known_covariates.values())}
        whole = (
            len(set(ids)) == len(ids)
            and values.ndim == 2
            and known.shape == values.shape
            and shapes <= {(len(values),)}
            and {column.shape for column in panel.static.values()} <= {(len(ids),)}
            and all(column.ndim == 1 for coming in panel.coming for column in coming.values())
            and len(panel.timelines) in (0, len(ids))
            and all(column.dtype.kind in "fU" for column in panel.columns)
        )
        if not whole:
            raise ValueError("its columns do not have the rows that it says")
        return panel


def _require_room(words: Mapping[str, Sequence[str]]) -> None:
    """Raise ValueError for words by column that take far more memory than in their file: an array has room for the
    longest in each row."""
    room = sum(len(column) * max(map(len, column), default=0) for column in words.values())
    if room > max(_TEXT, _ROOM * sum(len(word) + len('"",') for column in words.values() for word in column)):
        raise ValueError("one of its words is far longer than the others")


def ending_early(panel: Panel) -> list[int]:
    """Return the series that end before the one that ends last."""
    ends = {one.last: one for one in panel.timelines}  # few, of however many series
    of_stamp = {last: panel.timelines[0].offset_of(one.stamp(0)) or 0 for last, one in ends.items()}
    last = max(of_stamp.values(), default=0)
    return [s for s, one in enumerate(panel.timelines) if of_stamp[one.last] < last]


def stacked(panels: Sequence[Panel]) -> Panel:
    """Join panels with the same columns into one panel of all their series."""
    first = panels[0]
    return Panel(
        ids=tuple(name for panel in panels for name in panel.ids),
        starts=np.concatenate([[0], np.cumsum(np.concatenate([panel.lengths for panel in panels]))]),
        values=np.concatenate([panel.values for panel in panels]),
        known=np.concatenate([panel.known for panel in panels]),
        past={name: np.concatenate([panel.past[name] for panel in panels]) for name in first.past},
        known_covariates={
            name: np.concatenate([panel.known_covariates[name] for panel in panels]) for name in first.known_covariates
        },
        coming=tuple(coming for panel in panels for coming in panel.coming),
        static={name: np.concatenate([panel.static[name] for panel in panels]) for name in first.static},
        timelines=tuple(timeline for panel in panels for timeline in panel.timelines),
    )


def continued(panel: Panel, after: Panel) -> Panel:
    """Return each series of `panel` followed by the rows that `after` has for the same id, if any.

    Values missing at the start of `after` repeat the last ones of `panel`: what filled them there comes later.
    """
    where = {name: s for s, name in enumerate(after.ids)}
    panels = []
    for s, name in enumerate(panel.ids):
        one = panel.one(s)
        if name not in where:
            panels.append(one)
            continue
        more = after.one(where[name])
        begun = np.logical_or.accumulate(more.known, axis=0)
        panels.append(
            Panel(
                ids=one.ids,
                starts=np.array([0, len(one.values) + len(more.values)]),
                values=np.concatenate([one.values, np.where(begun, more.values, one.values[-1])]),
                known=np.concatenate([one.known, more.known]),
                past={key: np.concatenate([column, more.past[key]]) for key, column in one.past.items()},
                known_covariates={
                    key: np.concatenate([column, more.known_covariates[key]])
                    for key, column in one.known_covariates.items()
                },
                coming=more.coming,
                static=one.static,
                timelines=more.timelines,
            )
        )
    return stacked(panels)


def filled(values: np.ndarray, how: Filling) -> np.ndarray:
    """Return values (N,) float64 with their gaps (NaN) filled; at least one value must be known.

    `interpolate` draws a line between the neighbours, with the nearest value at the ends. Every other way repeats
    the value before, and the first known one at the beginning.
    """
    known = np.flatnonzero(~np.isnan(values))
    places = np.arange(len(values))
    if how == "interpolate":
        return np.interp(places, known, values[known])
    return values[known[np.maximum(np.searchsorted(known, places, side="right") - 1, 0)]]


def gaps_as_zeros(panel: Panel, before: Panel | None = None) -> Panel:
    """Return the panel with a known 0 for each missing value after the first one of its series and target.

    before: the series that these may continue. One that goes on from there has begun, and rows that are missing
    between, as many as `before` has at most, are rows of 0 with the covariates of the last one.
    """
    ends = {} if before is None or not before.timelines else {name: before.one(s) for s, name in enumerate(before.ids)}
    panels = []
    for s, name in enumerate(panel.ids):
        one, end = panel.one(s), ends.get(name)
        lacking = -1 if end is None or not one.timelines else _rows_between(end, one)
        if end is not None and 0 < lacking <= len(end.values):
            between = end._of_rows(np.full(lacking, len(end.values) - 1), np.array([lacking]))
            zeros = np.zeros(between.values.shape)
            one = continued(replace(between, values=zeros, known=zeros == 0), one)
        known = np.logical_or.accumulate(one.known, axis=0) | (lacking == 0)
        panels.append(replace(one, values=np.where(known & ~one.known, 0.0, one.values), known=known))
    return stacked(panels)


def _rows_between(one: Panel, after: Panel) -> int:
    """Return how many rows are missing between two panels of one series; below 0 if the second does not come after."""
    first = after.timelines[0].stamp(1 - len(after.values))
    return (one.timelines[0].offset_of(first) or 0) - 1


def digits_of(panel: Panel) -> list[list[Digits]]:
    """Return how the numbers of each series and target are written."""
    known = np.where(panel.known, panel.values, np.nan)
    return [[Digits.of(column) for column in known[panel.rows(s)].T] for s in range(len(panel.ids))]


def first_known(known: np.ndarray) -> int:
    """The first row of known (N, C) in which any column is known, or N."""
    rows = np.flatnonzero(known.any(axis=1))
    return int(rows[0]) if rows.size else len(known)


@dataclass(frozen=True)
class Grid:
    """A grid of `end` steps, with the place (n,) of each of n rows. duplicates: see data.duplicates in the config."""

    places: np.ndarray
    end: int
    duplicates: str

    def numbers(self, cells: np.ndarray) -> np.ndarray:
        """Return rows (n, …) of numbers as (end, …), NaN at places without a number."""
        if len(cells) == self.end and np.array_equal(self.places, np.arange(self.end)):  # most tables
            return cells
        if self.duplicates not in ("mean", "sum"):
            chosen = self.rows()
            grid = cells[chosen]
            grid[chosen < 0] = np.nan
            return grid
        there = ~np.isnan(cells)
        total, count = np.zeros((2, self.end, *cells.shape[1:]))
        np.add.at(total, self.places, np.where(there, cells, 0.0))
        np.add.at(count, self.places, there)
        total[count == 0] = np.nan
        return total / np.maximum(count, 1) if self.duplicates == "mean" else rounded_like(total, cells)

    def words(self, column: np.ndarray) -> np.ndarray:
        """Return words (n,), whose places rise from 0, as (end,): each is repeated until the next."""
        return column[np.maximum.accumulate(self.rows())]

    def rows(self) -> np.ndarray:
        """Return the row at each place, (end,), −1 if none; for "mean" and "sum", which words lack, the first."""
        order = np.arange(len(self.places))
        if self.duplicates != "last":
            order = order[::-1]
        chosen = np.full(self.end, -1)
        chosen[self.places[order]] = order
        return chosen


def coming_values(
    known: Column, column: Column, places: np.ndarray, duplicates: str, *, blank_is_a_word: bool
) -> Column:
    """Return a column (n,) from place 0 up to the first place that lacks it, without rows at places (n,) below 0.

    known: the column at the first places, which stands where no row has another value.
    """
    kept = np.setdiff1d(np.arange(len(known)), places)
    told = np.concatenate([known[kept], column]), np.concatenate([kept, places])
    values = _first_values(*told, duplicates, blank_is_a_word=blank_is_a_word)
    return np.concatenate([values, known[len(values) :]])


def _first_values(column: Column, places: np.ndarray, duplicates: str, *, blank_is_a_word: bool) -> Column:
    there = (0 <= places) & (places < len(places))  # beyond that some place before is empty
    column, places = column[there], places[there]
    if not places.size:
        return column
    grid = Grid(places, int(places.max()) + 1, duplicates)
    if column.dtype.kind == "U":
        chosen = grid.rows()
        values = column[chosen]
        lacking = (chosen < 0) | ((values == "") & (not blank_is_a_word))
    else:
        values = grid.numbers(column)
        lacking = np.isnan(values)
    return values[: int(np.argmax(lacking)) if lacking.any() else len(values)]
