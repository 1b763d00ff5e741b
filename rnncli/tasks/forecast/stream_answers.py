"""The answer to each line of a stream: how strange its row is, and the forecast of the next one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from rnncli.data.digits import Digits
from rnncli.data.written import Written
from rnncli.errors import DataError, amount, shown
from rnncli.tasks.forecast.follower import Followed, Follower
from rnncli.tasks.forecast.reports import FORECAST_BY
from rnncli.tasks.forecast.stream_lines import Arrived, Cells, StreamLines
from rnncli.tasks.forecast.stream_places import Repeated, WarmUp

_TOLD = 4  # how often a warm-up tells how far it is
_MODEL, _STATE, _STREAM = "the model's data", "the state", "the stream"


class StreamAnswers:
    """Answers each line by one row, but for the rows at the beginning that are known already.

    A row goes on from the last one that was taken, or from those of a warm-up; rows that are missing between count as
    missing. A line that cannot be read, or has no place after them, is told and left out: the forecast stands.
    """

    def __init__(
        self,
        follower: Follower,
        lines: StreamLines,
        digits: Sequence[Digits],
        tell: Callable[[str], None],
        *,
        strict: bool = False,
    ) -> None:
        """digits: how the numbers of each target are written. tell: takes messages on lines that do not fit.
        strict: the first line that cannot be read is the end, by a DataError.
        """
        self.strict = strict
        self.follower, self.lines, self.columns = follower, lines, lines.columns
        self.levels = sorted(follower.levels)
        self.digits, self.tell = digits, tell
        self.source = _MODEL  # whose last row the stream goes on from
        self.warm_up: WarmUp | None = None
        self.lines_read, self.unreadable, self.first_unread = 0, 0, ""
        self.repeated = self._repeated()

    def resume(self, warm_up: Sequence[np.ndarray], last: str | None) -> None:
        """Go on from the restored follower, and from the rows (C,) of a warm-up, which end at the stamp `last`."""
        self.source, self.repeated = _STATE, self._repeated()
        if last is not None:
            timeline = self.follower.panel.timelines[0].restored(last)
            self.warm_up = WarmUp(self.follower.kept, timeline, self.lines.absent, warm_up)

    def _repeated(self) -> Repeated | None:
        timelines = self.follower.panel.timelines
        return Repeated(timelines[0], *self.follower.rows(), self.lines.absent) if timelines else None

    def answer(self, arrived: Arrived) -> dict[str, Any] | None:
        """Return the row that answers a line; None for one that is known already, or has a wrong number of fields and
        is skipped."""
        self.lines_read += 1
        if self._is_known(arrived):
            return None
        if arrived.ragged:
            self.tell(f"{arrived.why}; skipped")
            return None
        if arrived.why:
            return self._unread(arrived, arrived.why)
        if arrived.stamp is None:
            return self._taken(arrived, self.lines.cells(arrived), 1)
        return self._in_its_place(arrived, arrived.stamp)

    def _is_known(self, arrived: Arrived) -> bool:
        """True for the rows at the beginning of a stream up to the last one that was taken before."""
        repeated = self.repeated
        if repeated is None:
            return False
        place = None if arrived.stamp is None else repeated.place_of(arrived.stamp)
        if arrived.stamp is None or place is None:
            repeated.count += repeated.goes_on
            return repeated.goes_on
        if place <= 0:
            repeated.add(place, lambda: self.lines.cells(arrived).values)
        elif self.warm_up is not None and self.warm_up.holds(arrived.stamp):
            repeated.count += 1
        else:
            self.end_repeated()
            return False
        return True

    def end_repeated(self, *, by_a_row: bool = True) -> None:
        """Tell how many rows were known already, once; if most of their values differ, begin anew with them.

        by_a_row: False at the end of a stream that had no others.
        """
        repeated, self.repeated = self.repeated, None
        if repeated is None or not repeated.count:
            return
        end = shown((self.warm_up or repeated).timeline.stamp(0))
        what = f"{_rows(repeated.count)} up to {end}, the end of {self.source}"
        others = f", {repeated.differing:,} of them with other values than it has" if repeated.differing else ""
        if self.source == _STATE or repeated.same >= repeated.differing:
            lacking = f", {repeated.lacking:,} of them with a value that it lacks" if repeated.lacking else ""
            mend = (
                "; to have it read, remove the state and follow all rows again"
                if lacking and self.source == _STATE
                else ""
            )
            self.tell(f"{what}{others}{lacking}, left out" + ("" if by_a_row else "; no row came after") + mend)
            return
        self.warm_up = repeated.rows
        self.tell(
            f"{what}, have other values than these: they are of another series, and {self.follower.kept:,} rows are "
            "read before the first answer"
        )

    def _in_its_place(self, arrived: Arrived, stamp: str) -> dict[str, Any]:
        """Return the answer to a row with a time."""
        timeline, kept = self.follower.panel.timelines[0], self.follower.kept
        after = timeline.offset_of(stamp)
        if after is None:
            why = f"{shown(stamp)} is no time of this series, whose rows are one {timeline.frequency} apart"
            return self._unread(replace(arrived, stamp=None), f"{arrived.where}: {why}")
        cells = self.lines.cells(arrived)
        if self.warm_up is not None:
            further = self.warm_up.timeline.offset_of(stamp) or 0
            if 0 < further <= kept:
                return self._read(arrived, cells, further)
            if self.warm_up.holds(stamp):
                return self._late(arrived, stamp, self.warm_up.timeline.stamp(0), self.warm_up.rows[-1], cells)
        if after <= 0:
            return self._late(arrived, stamp, timeline.stamp(0), self.follower.last_known(), cells)
        if after <= kept:
            return self._taken(arrived, cells, after)
        self.tell(
            f"{arrived.where}: {shown(stamp)} does not go on after {shown(timeline.stamp(0))}, the end of "
            f"{self.source}; {kept:,} rows are read before the first answer"
        )
        self.warm_up = WarmUp(kept, timeline.moved(after - 1), self.lines.absent)
        return self._read(arrived, cells, 1)

    def _unread(self, arrived: Arrived, why: str) -> dict[str, Any]:
        """Return the answer to a line that cannot be read; DataError if it is to be the end."""
        if self.strict:
            raise DataError(f"{why}; mend it, or leave out --strict")
        self.unreadable += 1
        self.first_unread = self.first_unread or arrived.where
        return self._left_out(arrived, why)

    def require_all_read(self) -> None:
        """Raise DataError, at the end of a stream, if some lines could not be read."""
        if self.unreadable:
            others = f" and {amount(self.unreadable - 1, 'other')}" if self.unreadable > 1 else ""
            raise DataError(
                f"{self.first_unread}: this line{others}, of {self.lines_read:,}, could not be read; mend what is named"
            )

    def _late(self, arrived: Arrived, stamp: str, last: str, values: np.ndarray, cells: Cells) -> dict[str, Any]:
        """Return the answer to a row whose time is not after `last`, that of the row with these `values` (C,)."""
        both = ~np.isnan(values) & ~np.isnan(cells.values)
        contradicts = stamp == last and not np.isclose(values[both], cells.values[both], rtol=1e-9, atol=0.0).all()
        why = "has been already" if stamp == last else f"comes after {shown(last)}"
        lacked = stamp == last and (np.isnan(values) & ~np.isnan(cells.values)).any()
        why += ", with another value" if contradicts else ", without a value" if lacked else ""
        return self._left_out(arrived, f"{arrived.where}: {shown(stamp)} {why}")

    def _left_out(self, arrived: Arrived, why: str) -> dict[str, Any]:
        self.tell(f"{why}; left out")
        return self._row(arrived.stamp, None, None if self.warm_up else self.follower.now())

    def _taken(self, arrived: Arrived, cells: Cells, after: int) -> dict[str, Any]:
        """Return the answer to a row that is so many rows after the last one that was taken."""
        if self.warm_up is not None:
            last = shown(self.follower.panel.timelines[0].stamp(0))
            rows = _rows(len(self.warm_up.rows))
            self.tell(f"{arrived.where}: goes on after {last}; {rows} that did not, left out")
            self.warm_up = None
        self._tell_of(arrived, cells, after)
        self.source = _STREAM
        self.follower.skip(after - 1, self.lines.absent)
        return self._row(arrived.stamp, cells, self.follower.push(cells.values))

    def _read(self, arrived: Arrived, cells: Cells, after: int) -> dict[str, Any]:
        """Return the answer to a row of the warm-up, which is empty until there are enough of them."""
        assert self.warm_up is not None
        self._tell_of(arrived, cells, after)
        self.warm_up.append(cells.values, after)
        if not self.warm_up.ready:
            if (progress := self.warm_up.progress) and len(self.warm_up.rows) % (self.warm_up.needed // _TOLD) == 0:
                self.tell(progress)
            return self._row(arrived.stamp, cells, None)
        self.follower.begin_with(np.stack(self.warm_up.rows), self.warm_up.timeline)
        self.warm_up, self.source = None, _STREAM
        return self._row(arrived.stamp, cells, self.follower.now())

    def _tell_of(self, arrived: Arrived, cells: Cells, after: int) -> None:
        """Tell of rows missing before the row, and of its cells that were taken for missing values."""
        if after > 1:
            verb = "is" if after == 2 else "are"
            self.tell(f"{arrived.where}: {_rows(after - 1)} {verb} missing before {shown(str(arrived.stamp))}")
        for doubt in cells.doubts:
            self.tell(doubt)

    def _row(self, stamp: str | None, cells: Cells | None, followed: Followed | None) -> dict[str, Any]:
        """Return an answer; what is None of stamp, cells and forecast is empty in it."""
        columns, targets = self.columns, self.columns.targets
        row: dict[str, Any] = dict.fromkeys(self.lines.names)
        if stamp is not None:
            row |= columns.cells(columns.time, stamp)
        if cells is not None:
            each = zip(targets, cells.values, cells.decimals, strict=True)
            row |= {name: None if np.isnan(value) else Written(value, decimals) for name, value, decimals in each}
        score = np.full(len(targets), np.nan) if followed is None else followed.score
        row[self._free("score")] = _highest(score)
        timelines = self.follower.panel.timelines
        coming = columns.cells(columns.time, timelines[0].stamp(1)) if followed is not None and timelines else {}
        row |= {f"next_{name}": coming.get(name) for name in columns.sources(columns.time)}
        for c, name in enumerate(targets):
            number = self.digits[c].number
            row[f"next_{name}"] = None if followed is None else number(followed.point[c])
            for level in self.levels:
                low, high = (None, None) if followed is None else (number(end[c]) for end in followed.bands[level])
                row[f"next_{name}_lo_{level:g}"], row[f"next_{name}_hi_{level:g}"] = low, high
        if len(targets) > 1:
            row |= {self._free(f"score_{name}"): _highest(score[c : c + 1]) for c, name in enumerate(targets)}
        row[self._free(FORECAST_BY)] = None if followed is None else self.follower.method
        return row

    def _free(self, name: str) -> str:
        """Return `name`, with a _ after it as long as a column of the data is called so."""
        while name in self.lines.names:
            name += "_"
        return name


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _highest(scores: np.ndarray) -> float | None:
    """Return the highest score of the columns that have one, or None."""
    known = scores[~np.isnan(scores)]
    return float(known.max()) if known.size else None
