"""A clean table, written in any dialect that people use, reads back to the same values and moments."""

import csv
import io
from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncli.data.source import Source
from rnncli.notes import noting
from rnncli.tasks.forecast.config import SeriesConfig
from rnncli.tasks.forecast.panel_tables import read_panel

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
TIMES = {
    "ISO": ("%Y-%m-%d", DAY),
    "ISO hours": ("%Y-%m-%d %H:%M", HOUR),
    "ISO with T and Z": ("%Y-%m-%dT%H:%M:%SZ", HOUR),
    "German": ("%d.%m.%Y", DAY),
    "British": ("%d/%m/%Y", DAY),
    "American": ("%m/%d/%Y", DAY),
    "twelve hours": ("%m/%d/%Y %I:%M %p", HOUR),
    "month by name": ("%d-%b-%Y", DAY),
    "digits": ("%Y%m%d", DAY),
}
MISSING = ["", "NA", "NaN", "n/a", "null", "None", "-", "?", "#N/A", "unavailable", "unknown"]
ENCODINGS = {"utf-8": "utf-8", "utf-8-sig": "utf-8", "utf-16": "utf-16", "latin-1": "latin-1"}


@st.composite
def tables(draw):
    """Values with gaps inside, how they are written, and the moments."""
    rows, columns = draw(st.integers(25, 60)), draw(st.integers(1, 3))
    cells = st.integers(-99_999, 99_999).map(lambda n: n / 100)
    values = np.array(draw(st.lists(st.lists(cells, min_size=columns, max_size=columns), min_size=rows, max_size=rows)))
    values[::7] *= 100
    values[:, 0] += np.arange(rows) / 8  # no column is constant, none a counter
    values[1:, 1:] += np.arange(1, rows)[:, None] / 16
    for row in draw(st.lists(st.integers(1, rows - 2), max_size=3)):
        values[row, 0] = np.nan
    return values, draw(st.sampled_from(sorted(TIMES)))


@st.composite
def dialects(draw):
    decimal = draw(st.sampled_from(".,"))
    return {
        "delimiter": draw(st.sampled_from(",;\t|" if decimal == "." else ";\t|")),
        "decimal": decimal,
        "quoting": draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
        "line_end": draw(st.sampled_from(["\n", "\r\n"])),
        "encoding": draw(st.sampled_from(sorted(ENCODINGS))),
        "missing": draw(st.sampled_from(MISSING)),
        "index": draw(st.sampled_from([None, "", "Unnamed: 0", "rownames"])),
        "time_first": draw(st.booleans()),
        "thousands": draw(st.sampled_from([None, "'", ".", ","])),
        "sign": draw(st.sampled_from([None, "$", "£", "%"])),
    }


def amount(value, how):
    """A value with the marks of a dialect: $-1,234.5000 and the like."""
    text = f"{value:,.4f}".replace(",", "T").replace(".", how["decimal"]).replace("T", mark_of(how) or "")
    return text if how["sign"] is None else f"{text} {how['sign']}" if how["sign"] == "%" else f"{how['sign']}{text}"


def mark_of(how):
    """The mark between thousands, unless it is something else in this dialect."""
    return None if how["thousands"] in (how["decimal"], how["delimiter"]) else how["thousands"]


def written(values, moments, how):
    """The table as bytes, by Python's own csv module."""
    columns = [f"größe{c}" for c in range(values.shape[1])]
    header = ["date", *columns] if how["time_first"] else [*columns, "date"]
    text = io.StringIO()
    writer = csv.writer(text, delimiter=how["delimiter"], quoting=how["quoting"], lineterminator=how["line_end"])
    writer.writerow(header if how["index"] is None else [how["index"], *header])
    for number, (row, moment) in enumerate(zip(values, moments, strict=True)):
        cells = [how["missing"] if np.isnan(value) else amount(value, how) for value in row]
        line = [moment, *cells] if how["time_first"] else [*cells, moment]
        writer.writerow(line if how["index"] is None else [number, *line])
    return text.getvalue().encode(how["encoding"])


@pytest.mark.long
@settings(max_examples=1000)
@given(tables(), dialects())
def test_a_table_reads_back_to_the_same_values_and_moments(table, how):
    values, kind = table
    form, step = TIMES[kind]
    moments = [(datetime(2023, 1, 25) + k * step).strftime(form) for k in range(len(values))]
    data = SeriesConfig(
        decimal=how["decimal"],
        encoding=ENCODINGS[how["encoding"]],
        missing="mask",
        delimiter=how["delimiter"],
        thousands=mark_of(how),
    )
    with noting(lambda text: None):
        panel, columns, _ = read_panel(Source("d.csv", written(values, moments, how)), data)
    assert columns.time == "date"
    assert columns.targets == tuple(f"größe{c}" for c in range(values.shape[1]))
    known = ~np.isnan(values)
    assert np.array_equal(panel.known, known)
    assert panel.values[known] == pytest.approx(np.round(values[known], 4), abs=1e-9)
    assert panel.timelines[0].stamps(range(1 - len(values), 1)) == moments
    after = (datetime(2023, 1, 25) + len(values) * step).strftime(form)
    assert panel.timelines[0].following(1) == [after]
