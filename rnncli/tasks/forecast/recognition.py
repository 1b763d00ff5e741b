"""Whether a bare data file is a table of series."""

from __future__ import annotations

from dataclasses import replace

from rnncli.data.look import Look
from rnncli.tasks.forecast.config import SeriesConfig
from rnncli.tasks.forecast.panel_columns import looks_like_rows
from rnncli.tasks.task import CERTAIN, LIKELY, Recognised

_ROWS = 100  # tell whether each is a series


def recognised(look: Look) -> Recognised | None:
    """Return that a table is one of series: certainly with a column of times, or with numbers alone in one column."""
    numbers = [column for column in look.columns if column.measured and not column.time]
    if look.table is None or not numbers:
        return None
    start = replace(look.table, rows=look.table.rows[:_ROWS], lines=look.table.lines[:_ROWS])
    if looks_like_rows(start, SeriesConfig(), ()):
        return Recognised("a table with a series in each row", CERTAIN, {"format": "csv"} | look.reading | look.marks)
    times = [column for column in look.columns if column.time == "time"] or [c for c in look.columns if c.time]
    words = [column for column in look.columns if not column.measured and not column.time]
    texts = [column for column in words if (column.wordy and column.varies) or column.of_sentences]
    if not times and (texts or len(words) > len(numbers)):
        return None
    data = {"format": "csv"} | look.reading | look.marks
    rows = look.rows_of(*numbers)
    if times:
        why = f"a table with times in the column {times[0].called}"
        return Recognised(why, LIKELY if texts else CERTAIN, data, rows, "row")
    if len(look.columns) == 1:
        return Recognised("a column of numbers", CERTAIN, data, rows, "row")
    return Recognised("a table of numbers", LIKELY, data, rows, "row")
