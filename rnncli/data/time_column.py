"""The time column of a table: its format and step, and the place of every row in its own series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from rnncli.data.column_kinds import CALENDAR_NAMES
from rnncli.data.csv_table import Table
from rnncli.data.stamp_column import (
    StampColumn,
    column_of,
    in_zone,
    interval_for,
    readings_of,
    refuse_ambiguous,
    refuse_format,
)
from rnncli.data.stamps import (
    DAY,
    INTEGER,
    LAST_WEEKDAY,
    WORKWEEK,
    day_of_week,
    days_in_months,
    months_of,
    months_starts,
    read,
    weekdays_of,
)
from rnncli.data.timeline import Timeline, on_days
from rnncli.errors import DataError, shown

_YEARS = range(1500, 2300)
_FEWEST = 3  # distances say what is typical
_SEASONS = 13  # months from 2001-02 to 2002-03, if these are no months
_SUNDAY = 6
_NAME_THE_ZONE = "name the time zone, such as --set data.timezone=Europe/Berlin"
_SEEN, _MOST_TIMES = 3, 1440  # so often each day and time of a pattern is seen; and so many times of a day there are
_NEARLY = 0.9  # of the distances that are even leave no doubt about the order of day and month


@dataclass(frozen=True)
class _Grid:
    """The stamps as whole numbers of one unit: positions (M,), and distances (P,) between neighbours in a series."""

    format: str
    unit: str
    day: int
    step: int
    positions: np.ndarray
    distances: np.ndarray
    week: str = ""
    clocks: tuple[int, ...] = ()

    @property
    def regular(self) -> np.ndarray:
        """A mask of the distances (P,) that are exactly one step."""
        return self.distances == self.step

    @property
    def steps(self) -> int:
        """How many of the distances are between rows of different times."""
        return int(np.count_nonzero(self.distances))

    def timeline(self, last: str) -> Timeline:
        return Timeline(self.format, self.unit, self.step, self.day, last, self.week, clocks=self.clocks)


def read_timelines(
    table: Table,
    index: int,
    groups: Sequence[np.ndarray],
    *,
    fill_gaps: bool,
    keep_duplicates: bool,
    like: Timeline | None = None,
    form: str | None = None,
    zone: str | None = None,
) -> tuple[list[Timeline], np.ndarray]:
    """Return the timeline of each series in `table`, from its column `index` (from 0), and the places of all rows.

    Each of `groups` holds the rows of one series, in file order; none is empty, no row is in two. All timelines
    share their format, unit, step and day; the step is the most common one over all series. Places (N,) int64 hold,
    for each row of the table, the number of steps from the first row of its series, −1 for a row in none.

    Steps may be left out if `fill_gaps`, and a stamp may repeat the one before it if `keep_duplicates`. Rows that
    fit the step of `like` get it: a single row has no step of its own, and Monday to Friday may be days or weekdays.
    form: the format of strptime that the stamps are in; zone: the time zone whose clock they show.
    Raises DataError naming the first line that breaks the step, or that is no time.
    """
    members = np.concatenate(groups).astype(np.int64)
    rows = np.sort(members)
    order = np.searchsorted(rows, members)  # the stamps of one series after those of the other
    sizes = np.array([len(group) for group in groups])
    starts = np.cumsum(sizes) - sizes
    column = column_of(table, index, rows.tolist(), form, known="" if like is None else like.format)
    column = in_zone(column, zone or "", np.split(order, starts[1:]), like)
    if like is not None and column.zone:
        like = like.zoned(column.formats[0])
    follows = np.ones(len(order), bool)
    follows[starts] = False
    after, before = order[follows], order[np.flatnonzero(follows) - 1]

    grid = _grid_of(column, like, before, after) if like is not None else None
    if grid is not None and (
        _broken(grid, fill_gaps=fill_gaps, keep_duplicates=keep_duplicates).any() or 2 * grid.regular.sum() < grid.steps
    ):
        grid = None
    if grid is None and not after.size:
        who = "one row has" if len(groups) == 1 else "series of one row have"
        column.refuse(0, f"{who} no time step; need at least 2 rows")
    grid = grid or _grid(column, before, after)
    if keep_duplicates and like is None and not grid.distances.any():
        column.refuse(0, "all rows of a series have the same time, so there is no time step; need at least 2 times")
    broken = _broken(grid, fill_gaps=fill_gaps, keep_duplicates=keep_duplicates)
    if broken.any():
        pair = int(np.argmin(np.where(broken, after, len(order))))
        _refuse_step(column, int(before[pair]), int(after[pair]), grid)

    places = np.full(len(table.rows), -1, np.int64)
    positions = grid.positions[order]
    places[members] = (positions - np.repeat(positions[starts], sizes)) // grid.step
    lasts = order[starts + sizes - 1].tolist()
    return [column.timeline(grid.timeline(column.texts[i])) for i in lasts], places


def _grid(column: StampColumn, before: np.ndarray, after: np.ndarray) -> _Grid:
    """Return the column in its best unit; `before` and `after` (P,) are the stamps that follow each other in a series.

    Raises DataError unless all stamps are in one format, and one order of day and month makes them even.
    """
    readings = readings_of(column, column.formats)
    names = [name for name, _ in readings]
    if len(readings[0][1]) < len(column.texts):
        refuse_format(column, len(readings[0][1]), names)
    if (readings[0][1][after] < readings[0][1][before]).mean() > 0.5 and len(readings) > 1:  # the newest first
        backwards = _grid(column, after, before)
        readings = [(name, values) for name, values in readings if name == backwards.format]
    grids = [_best_unit(values, name, before, after) for name, values in readings]
    if readings[0][0] == INTEGER:
        return _whole_numbers_or_dates(column, grids)
    even = [grid for grid in grids if np.all(grid.regular | (grid.distances == 0))]
    # With a gap or a duplicate none is even; the nearly even one is right, and its odd row is refused later.
    even = even or [grid for grid in grids if grid.regular.sum() > _NEARLY * max(grid.steps, 1)]
    # Yearly stamps that are the same either way, such as the first of January, go on the same either way.
    same = len(grids) == 2 and len(even) == 2 and _yearly(even[0]) and _yearly(even[1])
    if len(grids) > 1 and len(even) != 1 and not same:
        refuse_ambiguous(column, names)
    chosen = (even or grids)[0]
    if chosen.unit == "month" and chosen.step == _SEASONS:
        column.refuse(0, f"{shown(column.texts[0])} looks like a season of two years; write the first year alone")
    return chosen


def _whole_numbers_or_dates(column: StampColumn, grids: Sequence[_Grid]) -> _Grid:
    """Return the whole numbers as they are, or as dates such as 20230601 if that makes more of them even."""
    numbers, *dates = grids
    best = max(dates, key=lambda grid: int(grid.regular.sum()), default=numbers)
    lead = int(best.regular.sum()) - int(numbers.regular.sum())
    return best if lead > 0 or (lead == 0 and column.title in CALENDAR_NAMES) else numbers


def _grid_of(column: StampColumn, like: Timeline, before: np.ndarray, after: np.ndarray) -> _Grid | None:
    """Return the column in the unit and step of `like`, or None if its stamps are not in the format of `like`."""
    values = read(column.texts, like.format)
    if len(values) < len(column.texts) or not _is_on(values, like):
        return None
    positions = values
    if like.unit == "month":
        positions = months_of(values)[0]
    elif like.unit == "weekday":
        positions = weekdays_of(values, like.days, like.clocks)
    distances = positions[after] - positions[before]
    return _Grid(like.format, like.unit, like.day, like.step, positions, distances, like.week, like.clocks)


def _is_on(values: np.ndarray, like: Timeline) -> bool:
    """True if the stamps fall on the days of the week or of the month, and the time of day, of the timeline `like`."""
    if like.unit == "weekday":
        return like.holds(values)
    if like.unit != "month":
        return True
    months, days, clocks = months_of(values)
    return bool(np.all(days == days_in_months(months, like.day)) and np.all(clocks == clocks[0]))


def _best_unit(values: np.ndarray, name: str, before: np.ndarray, after: np.ndarray) -> _Grid:
    """Return the stamps with values (M,) in the unit in which their distances are most likely constant.

    Months are tried first: two rows a month apart are more likely monthly than 31 days apart. Similarly,
    a Monday after a Friday is the next weekday, unless counting in days leaves fewer rows uneven.
    """

    def grid(unit: str, positions: np.ndarray, day: int = 0, **pattern: Any) -> _Grid:
        distances = positions[after] - positions[before]
        return _Grid(name, unit, day, _commonest_step(distances), positions, distances, **pattern)

    if name == INTEGER:
        return grid("year" if values.min() in _YEARS and values.max() in _YEARS else "step", values)
    months, days, clocks = months_of(values)
    one_clock = np.all(clocks == clocks[0])
    _, lengths = months_starts(months)
    keep = 31 if np.all(days == lengths) else int(days.max())
    if one_clock and np.all(days == np.minimum(keep, lengths)):
        return grid("month", months, keep)
    if one_clock and np.all(days == days_in_months(months, LAST_WEEKDAY)) and len(np.unique(months)) > 2:
        return grid("month", months, LAST_WEEKDAY)
    seconds = grid("second", values)
    grids = [
        grid(
            "weekday",
            weekdays_of(values, week, times),
            week="" if week == WORKWEEK else "".join(map(str, week)),
            clocks=times,
        )
        for week, times in _patterns(values)
    ]
    if not grids:
        return seconds
    best = max(grids, key=lambda one: int(one.regular.sum()))
    over_rest = (seconds.distances > (DAY if one_clock else seconds.step)) & (best.distances == 1)
    better = best.regular.sum() - seconds.regular.sum()
    return best if over_rest.any() and better >= (0 if one_clock else 1) else seconds


def _patterns(values: np.ndarray) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Return the days of the week, and the times of the day if there are several, at which rows with values (M,) may
    be: others are a rest where each of them was seen three times."""
    week, counts = np.unique(day_of_week(values), return_counts=True)
    times, times_counts = np.unique(values % DAY, return_counts=True)
    clocks = () if len(times) == 1 else tuple(times.tolist())
    if len(times) > _MOST_TIMES or (clocks and times_counts.min() < _SEEN):
        return []
    found: list[tuple[int, ...]] = [WORKWEEK] if on_days(values, WORKWEEK) else []
    every = tuple(week.tolist()) if counts.min() >= _SEEN and len(week) > 1 else tuple(range(7))
    if every != WORKWEEK and (clocks or len(every) < 7):
        found.append(every)
    return [(days, clocks) for days in found]


def _yearly(grid: _Grid) -> bool:
    return grid.unit == "month" and grid.step % 12 == 0


def _commonest_step(distances: np.ndarray) -> int:
    """Return the most frequent positive distance, so that one gap is blamed on its own row; 1 if none is positive."""
    rising, counts = np.unique(distances[distances > 0], return_counts=True)
    return int(rising[np.argmax(counts)]) if rising.size else 1


def _broken(grid: _Grid, *, fill_gaps: bool, keep_duplicates: bool) -> np.ndarray:
    """Return a mask of the distances (P,) that break the step; gaps and duplicates count only if they are forbidden."""
    distances, step = grid.distances, grid.step
    broken = (distances < 0) | (distances % step != 0)
    if not fill_gaps:
        broken |= distances > step
    if not keep_duplicates:
        broken |= distances == 0
    return broken


def _ends_summer_time(grid: _Grid, position: int, distance: int) -> bool:
    """True if times jump back by less than an hour, or to its start, or repeat, on a Sunday night in autumn."""
    if grid.unit != "second":
        return False
    month = int(months_of(np.array([position]))[0][0]) % 12 + 1
    at_night = position % DAY < 4 * 3600 and int(day_of_week(np.array([position]))[0]) == _SUNDAY
    return month in (10, 11, 4) and -3600 <= distance <= 0 and grid.step < DAY and at_night


def _begins_summer_time(grid: _Grid, position: int, distance: int) -> bool:
    """True if an hour is left out on a Sunday night in spring."""
    if grid.unit != "second" or grid.step > 3600 or distance != 3600 + grid.step:
        return False
    month = int(months_of(np.array([position]))[0][0]) % 12 + 1
    return month in (3, 4, 9, 10) and int(day_of_week(np.array([position]))[0]) == _SUNDAY and position % DAY < 4 * 3600


def _resampled(grid: _Grid) -> str:
    """Return the advice to make uneven rows even, for those that are so many seconds apart."""
    if grid.unit != "second" or grid.distances.size < _FEWEST:
        return ""
    return f"; or make uneven rows even with --set data.resample={interval_for(grid.distances)}"


def _refuse_step(column: StampColumn, before: int, after: int, grid: _Grid) -> NoReturn:
    """Raise DataError for the stamp `after`, which is not one step after the stamp `before`."""
    timeline = column.timeline(grid.timeline(column.texts[before]))
    earlier, text = shown(column.cells[before]), shown(column.cells[after])
    if grid.distances.size > 2 and (grid.distances < 0).mean() > 0.5:
        column.refuse(after, f"{text} comes after {earlier}: times run backwards; --set data.sort=true sorts the rows")
    distance = int(grid.positions[after] - grid.positions[before])
    what, switch = f"{text} comes after {earlier}", ""
    if distance == 0:
        what, switch = f"{text} occurs twice", "; or merge such rows with --set data.duplicates=first|last|mean|sum"
        if _ends_summer_time(grid, int(grid.positions[before]), distance):
            switch = f"; if summer time ends there, {_NAME_THE_ZONE}{switch}"
    elif distance < 0:
        what += ", which is later"
        switch = "; or sort the rows with --set data.sort=true"
        if _ends_summer_time(grid, int(grid.positions[before]), distance):
            switch = (
                f"; if summer time ends there, {_NAME_THE_ZONE}; or merge the hour with --set data.sort=true and --set "
                "data.duplicates=mean"
            )
    elif distance % grid.step or 2 * grid.regular.sum() < grid.steps:
        switch = _resampled(grid)
    else:
        switch = "; or fill such gaps with --missing ffill|interpolate|mask|zero"
        if _begins_summer_time(grid, int(grid.positions[before]), distance):
            switch = f"; if summer time begins there, {_NAME_THE_ZONE}{switch}"
    try:
        expected = f"expected {shown(timeline.stamp(1))} (step: {timeline.frequency})"
    except DataError as error:
        expected = str(error)
    column.refuse(after, f"{what}; {expected}{switch}")
