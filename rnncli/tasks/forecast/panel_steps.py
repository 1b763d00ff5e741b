"""A panel from a table in which a row is one step of a series, or of several side by side."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from rnncli.data.csv_table import Table
from rnncli.data.numeric import numeric_column, refuse_missing
from rnncli.data.time_column import read_timelines
from rnncli.data.timeline import Timeline
from rnncli.errors import DataError, quoted, shown
from rnncli.notes import doubt, note
from rnncli.tasks.forecast.config import SeriesConfig
from rnncli.tasks.forecast.panel import Column, Filling, Grid, Panel, coming_values, ending_early, filled, stacked
from rnncli.tasks.forecast.panel_columns import Columns, rows_of_series
from rnncli.tasks.forecast.panel_keys import keys_of

_LONGEST_WORD = 200  # characters; numpy keeps every word of a column as wide as the longest
_MOST_GAPS = 20  # so many times as long as its rows a series may become by rows that are filled in,
_FREELY = 100_000  # if it has more rows than this;
_IN_ALL = 10_000_000  # and all series together, if they have more than this


@dataclass(frozen=True)
class _Cells:
    """The cells of a table, row by row: targets (N, C) with NaN where missing, other columns (N,) by name."""

    targets: np.ndarray
    past: dict[str, Column]
    known_covariates: dict[str, Column]
    static: dict[str, Column]


class StepTable:
    """A table with a row for each step; its methods raise DataError naming the line that does not fit."""

    def __init__(self, table: Table, columns: Columns, data: SeriesConfig, before: Panel | None = None):
        """Group the rows of `table` by series. before: the series that these may continue, if any."""
        self.table, self.columns, self.data = table, columns, data
        self.like = before.timelines[0] if before is not None and before.timelines else None
        self.index = {name: i for i, name in enumerate(table.header)}
        self.groups = rows_of_series(table, columns)

    def panel(self) -> Panel:
        timelines, places = self._timelines()
        cells = _Cells(
            np.stack([self._numbers(name) for name in self.columns.targets], axis=1),
            self._covariates(self.columns.past),
            self._covariates(self.columns.known_covariates),
            self._covariates(self.columns.static),
        )
        lasts = self._lasts(cells.targets)
        seen = np.zeros(len(self.table.rows), bool)
        for rows, last in zip(self.groups.values(), lasts, strict=True):
            seen[rows[:last]] = True
        if self.data.missing == "refuse":
            self._refuse_missing(cells, seen)
        if self.data.duplicates != "refuse":
            beside = cells.past | cells.known_covariates
            if merged := sum(self._merged(beside, rows, places[rows]) for rows in self.groups.values()):
                note(f"rows of the series and time of another: {merged:,}; data.duplicates is {self.data.duplicates}")
        self._refuse_vast_gaps(lasts, places)
        blanks = {key for key, column in cells.known_covariates.items() if _is_words(column) and "" in column[seen]}
        return stacked(
            [
                self._series(name, rows, last, places[rows], timelines[s : s + 1], cells, blanks)
                for s, ((name, rows), last) in enumerate(zip(self.groups.items(), lasts, strict=True))
            ]
        )

    def coming(self, panel: Panel) -> tuple[Mapping[str, Column], ...]:
        """Return the known covariates of the rows after the end of each series of `panel`, beside those it has.

        DataError for a series of which nobody tells the next row, unless it ended before others.
        """
        cells = self._covariates(self.columns.known_covariates)
        blanks = {key for key, column in panel.known_covariates.items() if _is_words(column) and "" in column}
        early, counts = ending_early(panel), panel.counts_to_come
        found: list[Mapping[str, Column]] = []
        for s, name in enumerate(panel.ids):
            # Columns side by side as series of their own share the rows ahead.
            rows = self.groups.get(name if self.columns.id is not None else "", np.zeros(0, np.int64))
            timeline = panel.timelines[s] if panel.timelines else None
            places = self._places_after(rows, timeline, len(rows) + int(counts[s]))
            if 0 not in places and not counts[s] and s not in early:
                self._refuse_lacking(rows, name, timeline)
            self._merged(cells, rows[places >= 0], places[places >= 0])
            found.append(self._coming(cells, rows, places, blanks, panel.coming[s]))
        return tuple(found)

    def _refuse_lacking(self, rows: np.ndarray, name: str, timeline: Timeline | None) -> NoReturn:
        """Raise DataError for a series of which none of its `rows` is the next one."""
        if not rows.size or timeline is None:
            raise DataError(f"{self.table.name}: has no rows of the series {shown(name)}; add them")
        stamp = timeline.stamp(1)
        raise DataError(f"{self.table.name}: has no row of {stamp}, where {_the_series(name)} goes on; add it")

    def _coming(
        self,
        columns: Mapping[str, Column],
        rows: np.ndarray,
        places: np.ndarray,
        blanks: Collection[str],
        known: Mapping[str, Column] | None = None,
    ) -> dict[str, Column]:
        """Return `columns` of those `rows` of a series (n,) that are at the places (n,) 0, 1, … after its end, beside
        the `known` ones."""
        return {
            key: coming_values(
                known[key] if known else column[:0],
                column[rows],
                places,
                self._of_covariates,
                blank_is_a_word=key in blanks,
            )
            for key, column in columns.items()
        }

    def _places_after(self, rows: np.ndarray, timeline: Timeline | None, count: int) -> np.ndarray:
        """Return how many steps each of `rows` (n,) is after the first row ahead, below 0 if it is passed over: if it
        is none of the next `count`."""
        if timeline is None or self.columns.time is None:
            return np.arange(len(rows))
        at = self.index[self.columns.time]
        offsets: dict[str, list[int]] = {}
        for k, stamp in enumerate(timeline.following(count)):
            offsets.setdefault(stamp, []).append(k)  # two in the hour that is repeated when summer time ends
        places = []
        for row in rows.tolist():
            found = offsets.get(self.table.rows[row][at].strip(), [-1])
            places.append(found.pop(0) if len(found) > 1 else found[0])
        seen: set[int] = set()
        for row, place in zip(rows.tolist(), places, strict=True):
            if place in seen and self.data.duplicates == "refuse":
                stamp = shown(self.table.rows[row][at].strip())
                raise DataError(
                    f"{self._where(row)}: {stamp} occurs twice; remove one, or merge such rows with "
                    "--duplicates first|last|mean|sum"
                )
            seen |= {place} - {-1}
        return np.array(places, np.int64)

    def _timelines(self) -> tuple[list[Timeline], np.ndarray]:
        if self.columns.time is None:
            places = np.zeros(len(self.table.rows), np.int64)
            for rows in self.groups.values():
                places[rows] = np.arange(len(rows))
            return [], places
        try:
            return self._regular_times(self.index[self.columns.time])
        except DataError as error:
            what, other, mends = str(error).partition("; or ")
            raise DataError(f"{what}{self._hint_of_series()}{other}{mends}") from None

    def _hint_of_series(self) -> str:
        """Return the likeliest mend of an error: the fewest columns of repeated cells that may tell series apart."""
        given, time = self.columns.sources(self.columns.id), str(self.columns.time)
        other = {*given, *self.columns.sources(time), str(self.columns.id)}
        keys = next(keys_of(self.table, time, given, other, self.data.decimal), None)
        if keys is None:
            return ""
        tell = f"the column {shown(keys[0])} says" if len(keys) == 1 else f"{' and '.join(map(shown, keys))} say"
        value = quoted(keys[0]) if len(keys) == 1 else f"'[{', '.join(keys)}]'"
        return f"; if {tell} which series a row is of, --set data.id={value}"

    def _regular_times(self, at: int) -> tuple[list[Timeline], np.ndarray]:
        return read_timelines(
            self.table,
            at,
            list(self.groups.values()),
            fill_gaps=self.data.missing != "refuse",
            keep_duplicates=self.data.duplicates != "refuse",
            like=self.like,
            form=self.data.time_format,
            zone=self.data.timezone,
        )

    @property
    def _of_covariates(self) -> str:
        """What to do with covariates in several rows of one time: a sum of prices is none."""
        return "mean" if self.data.duplicates == "sum" else self.data.duplicates

    def _merged(self, columns: Mapping[str, Column], rows: np.ndarray, places: np.ndarray) -> int:
        """Return how many of the `rows` (n,) of a series are at the place of another; DataError if two that are summed
        differ in a word, which has no sum."""
        words = {key: column for key, column in columns.items() if _is_words(column)}
        first: dict[int, int] = {}
        for row, place in zip(rows.tolist(), places.tolist(), strict=True):
            other = first.setdefault(place, row)
            differing = [key for key, column in words.items() if column[row] != column[other]]
            if differing and self.data.duplicates == "sum":
                one, two = (shown(words[differing[0]][k]) for k in (row, other))
                raise DataError(
                    f"{self._where(row)}: {self._column(differing[0])}: {one} beside {two} on line "
                    f"{self.table.lines[other]}, at the same time; words have no sum, so write one of them in both "
                    "rows, or leave the column out"
                )
        return len(rows) - len(first)

    def _numbers(self, name: str) -> np.ndarray:
        """Return the column `name` as numbers (N,), NaN where missing."""
        return numeric_column(self.table, self.index[name], decimal=self.data.decimal, missing="mask")

    def _covariates(self, names: Sequence[str]) -> dict[str, Column]:
        return {name: self._words(name) if name in self.columns.words else self._numbers(name) for name in names}

    def _words(self, name: str) -> np.ndarray:
        words = [row[self.index[name]].strip() for row in self.table.rows]
        longest = max(words, key=len)
        if len(longest) > _LONGEST_WORD:
            raise DataError(
                f"{self._where(words.index(longest))}: {self._column(name)}: a word of "
                f"{len(longest):,} characters, and {_LONGEST_WORD} are the most; shorten it, or leave the column out"
            )
        return np.array(words)

    def _lasts(self, targets: np.ndarray) -> list[int]:
        """Return the number of rows of each series up to its last target: rows after it that have a time, or known
        covariates, are those to forecast. All rows if there are neither."""
        if not self.columns.known_covariates and self.columns.time is None:
            return [len(rows) for rows in self.groups.values()]
        there = ~np.isnan(targets).all(axis=1)
        lasts = []
        for name, rows in self.groups.items():
            known = np.flatnonzero(there[rows])
            if not known.size and not self.columns.known_covariates:
                known = np.arange(len(rows))  # refused with its column
            if not known.size:
                raise DataError(f"{self._where(rows[0])}: the series {shown(name)} has no value; remove its rows")
            lasts.append(int(known[-1]) + 1)
        coming = sum(len(rows) - last for rows, last in zip(self.groups.values(), lasts, strict=True))
        if coming and not self.columns.known_covariates:
            doubt(f"the last {coming:,} rows have a time and no value: they are taken for the rows to forecast")
        return lasts

    def _refuse_missing(self, cells: _Cells, seen: np.ndarray) -> None:
        """Raise DataError for the first missing number in the rows `seen` (N,), column after column."""
        targets = dict(zip(self.columns.targets, cells.targets.T, strict=True))
        for name, column in {**targets, **cells.past, **cells.known_covariates}.items():
            if not _is_words(column) and (gaps := np.flatnonzero(np.isnan(column) & seen)).size:
                mend = self._mend_of_ends(column, targets) if name in targets else ""
                refuse_missing(self.table, self.index[name], gaps, int(seen.sum()), mend)

    def _mend_of_ends(self, column: np.ndarray, targets: Mapping[str, np.ndarray]) -> str:
        """Return the likeliest mend of targets that nobody chose if some have no value in the last rows only."""
        ended = np.isnan(column)
        names = [name for name, other in targets.items() if np.array_equal(np.isnan(other), ended)]
        at_the_end = all(np.isin(np.diff(ended[rows].astype(int)), (0, 1)).all() for rows in self.groups.values())
        if self.data.target is not None or self.columns.time is None or len(names) == len(targets) or not at_the_end:
            return ""
        value = quoted(names[0]) if len(names) == 1 else f"'[{', '.join(names)}]'"
        return f"if the last rows are those to forecast, --set data.target={value}; else "

    def _refuse_vast_gaps(self, lasts: Sequence[int], places: np.ndarray) -> None:
        """Raise DataError if a slip in a time, such as the year 2204, would make too many rows to fill in."""
        series = list(self.groups.values())
        ends = np.array([places[rows[last - 1]] + 1 for rows, last in zip(series, lasts, strict=True)])
        counts = np.array(lasts)
        vast = (ends > _FREELY) & (ends > _MOST_GAPS * counts)
        if ends.sum() > max(_IN_ALL, _MOST_GAPS * counts.sum()):
            vast |= ends == ends.max()
        for s in np.flatnonzero(vast)[:1]:
            rows = series[s][: lasts[s]]
            gaps = np.diff(places[rows]) - 1
            after = int(np.argmax(gaps))
            stamp = shown(self.table.rows[rows[after + 1]][self.index[str(self.columns.time)]])
            raise DataError(
                f"{self._where(rows[after + 1])}: {gaps[after]:,} rows are missing before {stamp}, too many to fill "
                "in; correct the time, or leave the times out with --set data.time=none"
            )

    def _series(
        self,
        name: str,
        rows: np.ndarray,
        last: int,
        places: np.ndarray,
        timeline: Sequence[Timeline],
        cells: _Cells,
        blanks: Collection[str],
    ) -> Panel:
        """Return one series on its regular grid; `blanks`: the known covariates in which a blank cell has a meaning."""
        seen, end, how = rows[:last], int(places[last - 1]) + 1, self.data.missing
        grid, beside = (Grid(places[:last], end, one) for one in (self.data.duplicates, self._of_covariates))
        values = grid.numbers(cells.targets[seen])
        known = ~np.isnan(values)
        if not known.all():
            each = zip(self.columns.targets, values.T, strict=True)
            values = np.stack([self._filled(column, how, key, name, rows[0]) for key, column in each], axis=1)

        def covariate(key: str, column: Column, *, past: bool) -> Column:
            if _is_words(column):
                return beside.words(column[seen])
            numbers = beside.numbers(column[seen])
            if past:
                self._refuse_late_beginning(numbers, key, name, rows[0])
            # A line drawn to a later value would tell of it beforehand.
            return self._filled(numbers, "ffill" if past else how, key, name, rows[0])

        beyond = int(places[-1]) + 1 - end
        return Panel(
            ids=(name,),
            starts=np.array([0, end]),
            values=values,
            known=known,
            past={key: covariate(key, column, past=True) for key, column in cells.past.items()},
            known_covariates={
                key: covariate(key, column, past=False) for key, column in cells.known_covariates.items()
            },
            coming=(self._coming(cells.known_covariates, rows, places - end, blanks),),
            static={key: self._static(key, column, name, rows) for key, column in cells.static.items()},
            timelines=tuple(one.moved(-beyond) for one in timeline),
        )

    def _filled(self, values: np.ndarray, how: Filling, key: str, name: str, row: int) -> np.ndarray:
        """Return values of the column `key` with gaps filled; `row` is the first of their series, for errors."""
        gaps = np.isnan(values)
        if not gaps.any():
            return values
        column = self._column(key)
        if gaps.all():
            raise DataError(
                f"{self._where(row)}: {column}: {_the_series(name)} has no value in it; remove its rows, or leave the "
                "column out"
            )
        if how == "ffill" and gaps[0]:
            raise DataError(
                f"{self._where(row)}: {column}: the first value of {_the_series(name)} is missing, so ffill has "
                "nothing to repeat; remove the row or use --missing interpolate or mask"
            )
        return filled(values, how)

    def _refuse_late_beginning(self, values: np.ndarray, key: str, name: str, row: int) -> None:
        """Raise DataError if only later values could fill the first one of a past covariate."""
        if np.isnan(values[0]) and not np.isnan(values).all():
            raise DataError(
                f"{self._where(row)}: {self._column(key)}: the first value of {_the_series(name)} is missing, and what "
                "comes later cannot stand for it; remove the rows before its first value, or leave the column out"
            )

    def _static(self, key: str, column: Column, name: str, rows: np.ndarray) -> Column:
        """Return the one static value (1,) of a series; DataError if it changes, or is missing."""
        where = self._column(key)
        missing = np.zeros(len(rows), bool) if _is_words(column) else np.isnan(column[rows])
        if missing.all() or (missing.any() and self.data.missing == "refuse"):
            line = self._where(rows[int(np.argmax(missing))])
            raise DataError(
                f"{line}: {where}: the static value of {_the_series(name)} is missing; write it in each row"
            )
        given = rows[~missing]
        wrong = np.flatnonzero(column[given] != column[given[0]])
        if wrong.size:
            raise DataError(
                f"{self._where(given[wrong[0]])}: {where}: is static, and changes within {_the_series(name)}; name it "
                "in data.past_covariates or data.known_covariates"
            )
        return column[given[:1]]

    def _column(self, name: str) -> str:
        return f"column {self.index[name] + 1} {shown(name)}"

    def _where(self, row: int) -> str:
        return f"{self.table.name}:{self.table.lines[row]}"


def _is_words(column: Column) -> bool:
    return column.dtype.kind == "U"


def _the_series(name: str) -> str:
    return f"the series {shown(name)}" if name else "the series"
