"""Rows of a table at their places of a regular grid, whatever gaps and duplicates there are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnncli.tasks.forecast.panel import Column


@dataclass(frozen=True)
class Grid:
    """`end` steps, and for each of n rows its place among them, (n,). duplicates: see data.duplicates in the config."""

    places: np.ndarray
    end: int
    duplicates: str

    def numbers(self, cells: np.ndarray) -> np.ndarray:
        """Rows (n, …) of numbers as (end, …), NaN where there is none."""
        if len(cells) == self.end and np.array_equal(self.places, np.arange(self.end)):  # most tables
            return cells
        if self.duplicates != "mean":
            chosen = self.rows()
            grid = cells[chosen]
            grid[chosen < 0] = np.nan
            return grid
        there = ~np.isnan(cells)
        total, count = np.zeros((2, self.end, *cells.shape[1:]))
        np.add.at(total, self.places, np.where(there, cells, 0.0))
        np.add.at(count, self.places, there)
        return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)

    def words(self, column: np.ndarray) -> np.ndarray:
        """Words (n,), whose places rise from 0, as (end,): each is repeated until the next."""
        return column[np.maximum.accumulate(self.rows())]

    def rows(self) -> np.ndarray:
        """Which row is at each place, (end,), −1 where none is; of words there is no mean, so the first is taken."""
        order = np.arange(len(self.places))
        if self.duplicates != "last":
            order = order[::-1]
        chosen = np.full(self.end, -1)
        chosen[self.places[order]] = order
        return chosen


def ahead(column: Column, places: np.ndarray, duplicates: str, *, blank_is_a_word: bool) -> Column:
    """A column (n,) from place 0 on, up to the first place that lacks it; rows at places (n,) below 0 are left out."""
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
