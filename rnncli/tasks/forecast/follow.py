"""predict --follow: a series is read row by row as it arrives; each row is scored, and the next is forecast."""

from __future__ import annotations

import csv
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from rnncli.data.cell_cleaning import cleaned, split_sign
from rnncli.data.csv_table import Table
from rnncli.data.digits import Written, decimals_of
from rnncli.data.lines import read_lines
from rnncli.data.numeric import numeric_column
from rnncli.data.timeline import Timeline
from rnncli.errors import DataError, ModelFileError, StoppedError, UsageError, shown
from rnncli.nn import model_file
from rnncli.notes import note
from rnncli.tasks.forecast.follower import Followed, Follower
from rnncli.tasks.forecast.forecaster import Forecaster, ForecastOptions
from rnncli.tasks.forecast.panel import digits_of
from rnncli.tasks.task import Asked

_SAVED_EVERY = 30.0  # seconds


def follow(forecaster: Forecaster, asked: Asked, options: ForecastOptions) -> Iterator[dict[str, Any]]:
    """Return an iterator of a result for each row; StoppedError on SIGINT or SIGTERM, after the state is saved."""
    if forecaster.data.resample is not None:
        raise UsageError(
            "--follow: reads rows as they come, and this model was trained on rows that data.resample made even; train "
            "on such rows, and follow those"
        )
    follower = Follower(forecaster, options.levels, network=options.network)
    state = Path(options.state) if options.state else None
    if state is not None and not state.parent.is_dir():
        raise UsageError(f"--state {state}: there is no folder {state.parent}; create it, or name another")
    if state is not None and state.exists():
        _restore(follower, state)
        note(f"goes on from {state}")
    note(
        "follows with a carried state: one step of the network to read a row, whatever the context"
        if follower.carries
        else f"reads its {forecaster.members.context} rows of context anew for every row"
    )
    return _followed(_Stream(forecaster, asked, options.levels), follower, state)


def _followed(stream: _Stream, follower: Follower, state: Path | None) -> Iterator[dict[str, Any]]:
    saved_at = time.monotonic()
    try:
        with _Stopping() as stopper:
            for arrived in stopper.between(stream.rows()):
                yield from stream.taken(arrived, follower)
                if state is not None and time.monotonic() - saved_at > _SAVED_EVERY:
                    _save(follower, state)
                    saved_at = time.monotonic()
    finally:
        if state is not None:
            _save(follower, state)


def _save(follower: Follower, state: Path) -> None:
    last = [timeline.last for timeline in follower.panel.timelines]
    model_file.write(state, follower.saved(), {"task": "follow", "last": last, "model": follower.forecaster.identity})


def _restore(follower: Follower, state: Path) -> None:
    arrays, header = model_file.read(state)
    if header.get("task") != "follow":
        raise ModelFileError(f"{state}: is no state of predict --follow; name another file")
    if header.get("model") != follower.forecaster.identity:
        raise ModelFileError(f"{state}: is the state of another model; remove it, or follow with the model it is of")
    try:
        follower.restore(arrays, [str(stamp) for stamp in header["last"]])
    except (KeyError, ValueError, TypeError, IndexError):
        raise ModelFileError(f"{state}: is damaged; remove it, and begin again") from None


class _Stopping:
    """A context manager that stops on SIGINT or SIGTERM between rows, or at once while it waits for a row."""

    def __init__(self) -> None:
        self.waiting, self.signal_number = False, 0

    def __enter__(self) -> _Stopping:
        self.before = {number: signal.signal(number, self._take) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def _take(self, number: int, frame: FrameType | None) -> None:
        self.signal_number = number
        if self.waiting:
            raise StoppedError("stopped", number)

    def between(self, rows: Iterator[_Arrived]) -> Iterator[_Arrived]:
        while True:
            if self.signal_number:
                raise StoppedError("stopped", self.signal_number)
            self.waiting = True
            row = next(rows, None)
            self.waiting = False
            if row is None:
                return
            yield row


@dataclass(frozen=True)
class _Arrived:
    where: str
    stamp: str | None
    values: np.ndarray
    decimals: list[int]


class _Stream:
    """The lines of a CSV as they arrive, with or without a header."""

    def __init__(self, forecaster: Forecaster, asked: Asked, levels: Sequence[float]):
        data = forecaster.config.changed(data=asked.reading).data
        self.data = data
        self.path, self.encoding, self.decimal = asked.data or "-", data.encoding, data.decimal
        self.delimiter = str(asked.reading.get("delimiter", forecaster.delimiter))
        self.columns = forecaster.columns
        self.digits = [digits for series in digits_of(forecaster.panel) for digits in series]
        self.levels, self.tell = sorted(levels), asked.tell
        self.names = [*self.columns.sources(self.columns.time), *self.columns.targets]
        self.collected: list[_Arrived] = []
        self.anew = False
        self.begun = False

    def rows(self) -> Iterator[_Arrived]:
        """Yield the rows as they arrive; DataError names a line that is no row."""
        header: list[str] | None = None
        for where, line in read_lines(self.path, self.encoding):
            if not line.strip():
                continue
            try:
                cells = next(csv.reader([line], delimiter=self.delimiter))
            except csv.Error as error:
                raise DataError(f"{where}: {error}; is this a CSV file?") from None
            if header is None:
                header = self._header(where, cells)
                if header is not self.names:
                    continue
            if len(cells) != len(header):
                self.tell(f"{where}: {len(cells)} fields, the others have {len(header)}; left out")
                continue
            try:
                bare = [split_sign(cell)[1] for cell in cells]
                yield self._row(where, header, cleaned(bare, self.data.thousands, self.data.na_values, self.decimal))
            except DataError as error:
                self.tell(f"{error}; left out")

    def _header(self, where: str, cells: list[str]) -> list[str]:
        """Return the names in the first line, or those of the training data if it holds values already."""
        header = [cell.strip() for cell in cells]
        if set(self.names) <= set(header):
            return header
        if len(cells) == len(self.names) and not set(self.names) & set(header):
            return self.names
        missing = next(name for name in self.names if name not in header)
        raise UsageError(f"{where}: no column {shown(missing)}; the model was trained with {', '.join(self.names)}")

    def _row(self, where: str, header: list[str], cells: list[str]) -> _Arrived:
        name, _, number = where.rpartition(":")
        row = self.columns.joined(Table(name, header, [cells], [int(number)], self.delimiter))
        stamp = None if self.columns.time is None else row.rows[0][row.header.index(self.columns.time)].strip()
        table = replace(row, rows=[*row.rows, ["0"] * len(row.header)], lines=row.lines * 2)
        places = [row.header.index(target) for target in self.columns.targets]
        values = np.array([self._value(table, place) for place in places])
        return _Arrived(where, stamp, values, [decimals_of(row.rows[0][place], self.decimal) for place in places])

    def _value(self, table: Table, index: int) -> float:
        """Return the number in a cell of the row; a missing one, told to the user, for what is none."""
        try:
            return float(numeric_column(table, index, decimal=self.decimal, missing="mask")[0])
        except DataError as error:
            self.tell(f"{error}; taken for a missing value")
            return float("nan")

    def taken(self, arrived: _Arrived, follower: Follower) -> Iterator[dict[str, Any]]:
        """Yield the result of a row, nothing if it is late; rows left out before it count as missing."""
        timeline = self._timeline_so_far(follower) or next(iter(follower.panel.timelines), None)
        if arrived.stamp is not None and timeline is not None and timeline.offset_of(arrived.stamp) is None:
            self.tell(
                f"{arrived.where}: {shown(arrived.stamp)} is no time of this series, whose rows are one "
                f"{timeline.frequency} apart; left out"
            )
            return
        timeline = self._timeline_so_far(follower)
        if timeline is not None and arrived.stamp is not None and self._is_late(arrived, timeline):
            return
        if self.anew or not self._goes_on(arrived, follower):
            yield self._written(arrived, self._collect(arrived, follower), follower)
            return
        yield self._written(arrived, follower.push(arrived.values), follower)

    def _timeline_so_far(self, follower: Follower) -> Timeline | None:
        """The timeline up to the last row taken; None before the first, which may be of another series."""
        if not self.begun or not follower.panel.timelines:
            return None
        timeline = follower.panel.timelines[0]
        return timeline.ending(str(self.collected[-1].stamp)) if self.anew else timeline

    def _is_late(self, arrived: _Arrived, timeline: Timeline) -> bool:
        """True if the row is to be left out, as its time is past or between two rows; the user is told."""
        assert arrived.stamp is not None
        offset = timeline.offset_of(arrived.stamp) or 0
        if offset > 0:
            return False
        why = f"comes after {shown(timeline.stamp(0))}" if offset else "has been already"
        self.tell(f"{arrived.where}: {shown(arrived.stamp)} {why}; left out")
        return True

    def _goes_on(self, arrived: _Arrived, follower: Follower) -> bool:
        """True if the row continues the series; fewer than `follower.kept` missing rows before it are skipped."""
        if arrived.stamp is None or not follower.panel.timelines:
            return True
        distance = follower.panel.timelines[0].offset_of(arrived.stamp)
        if distance is None or not 0 < distance <= follower.kept:
            return False
        if distance > 1:
            self.tell(f"{arrived.where}: {distance - 1:,} rows are missing before {shown(arrived.stamp)}")
        follower.skip(distance - 1)
        return True

    def _collect(self, arrived: _Arrived, follower: Follower) -> Followed | None:
        """Collect the first rows of another series; return None until there are enough to forecast from."""
        if not self.anew:
            self.tell(
                f"{arrived.where}: does not go on where the model's data end; {follower.kept} rows are read before "
                "the first answer"
            )
        self.anew = True
        self.collected.append(arrived)
        if np.isnan(arrived.values).any():
            raise DataError(f"{arrived.where}: a value is missing before {follower.kept} rows have been read; add it")
        if len(self.collected) < follower.kept:
            return None
        timelines = tuple(self._timeline(one, arrived) for one in follower.panel.timelines)
        follower.begin_with(np.stack([row.values for row in self.collected]), timelines)
        self.anew, self.collected = False, []
        return follower.now()

    def _timeline(self, timeline: Timeline, arrived: _Arrived) -> Timeline:
        made = timeline.ending(str(arrived.stamp))
        for back, row in enumerate(reversed(self.collected)):
            if row.stamp != made.stamp(-back):
                raise DataError(
                    f"{row.where}: {shown(str(row.stamp))} is not one {timeline.frequency} before the next row; "
                    f"a stream begins with {len(self.collected)} even rows"
                )
        return made

    def _written(self, arrived: _Arrived, followed: Followed | None, follower: Follower) -> dict[str, Any]:
        self.begun = True
        columns, row = self.columns, dict[str, Any]()
        if arrived.stamp is not None:
            row |= columns.cells(columns.time, arrived.stamp)
        each = zip(self.columns.targets, arrived.values, arrived.decimals, strict=True)
        row |= {name: None if np.isnan(value) else Written(value, decimals) for name, value, decimals in each}
        row["score"] = None if followed is None else _highest(followed.score)
        if followed is not None and follower.panel.timelines:
            coming = columns.cells(columns.time, follower.panel.timelines[0].stamp(1))
            row |= {f"next_{name}": cell for name, cell in coming.items()}
        else:
            row |= {f"next_{name}": None for name in columns.sources(columns.time)}
        for c, name in enumerate(self.columns.targets):
            number = self.digits[c].number
            row[f"next_{name}"] = None if followed is None else number(followed.point[c])
            for level in self.levels:
                low, high = (None, None) if followed is None else (number(end[c]) for end in followed.bands[level])
                row[f"next_{name}_lo_{level:g}"], row[f"next_{name}_hi_{level:g}"] = low, high
        return row


def _highest(scores: np.ndarray) -> float | None:
    """Return the highest score of the columns that have one, or None."""
    known = scores[~np.isnan(scores)]
    return float(known.max()) if known.size else None
