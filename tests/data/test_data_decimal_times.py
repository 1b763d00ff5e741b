"""Decimal years and seconds since 1970 with decimals: used as times, written as they came."""

import numpy as np
import pytest

from rnncli.data.column_kinds import kind_of_column
from rnncli.data.csv_table import Table
from rnncli.data.stamp_column import order_of_times
from rnncli.data.time_column import read_timelines
from rnncli.data.timeline import Timeline
from rnncli.errors import DataError


def table(stamps, name="x"):
    return Table("d.csv", [name, "y"], [[stamp, "1"] for stamp in stamps], list(range(2, 2 + len(stamps))), ",")


def timeline(stamps):
    (made,), _ = read_timelines(table(stamps), 0, [np.arange(len(stamps))], fill_gaps=False, keep_duplicates=False)
    return made


MONTHS = [(1949 + k // 12, k % 12) for k in range(30)]
WRITTEN = {
    "three decimals": [f"{year + month / 12:.3f}" for year, month in MONTHS],
    "two decimals": [f"{year + month / 12:.2f}" for year, month in MONTHS],
    "as R writes them": [f"{year + month / 12:.15g}" for year, month in MONTHS],
    "quarters": [f"{1980 + k / 4:.2f}" for k in range(30)],
    "quarters without zeros": [f"{1980 + k / 4:g}" for k in range(30)],
    "quarters as Python writes them": [str(1974 + k / 4) for k in range(30)],
    "months as Python writes them": [str(round(1974 + k / 12, 3)) for k in range(30)],
    "seconds": [f"{1685577600 + 900 * k}.0" for k in range(30)],
    "samples": [f"{0.02 * k:.2f}" for k in range(30)],
    "samples from below zero": [f"{-1.5 + 0.125 * k:.3f}" for k in range(30)],
    "seconds with zeros": [f"{1685577600 + 86400 * k}.000" for k in range(30)],
}


@pytest.mark.parametrize("name", WRITTEN)
def test_they_are_times_under_any_name_and_go_on_as_they_are_written(name):
    stamps = WRITTEN[name]
    assert kind_of_column(table(stamps, "x" if name[:7] != "samples" else "t"), 0) == "time"
    made = timeline(stamps[:20])
    assert made.following(10) == stamps[20:]
    assert made.stamps(range(-19, 1)) == stamps[:20]
    assert made.frequency == {"q": "quarter", "s": made.frequency}.get(name[0], "month"), name
    assert [made.offset_of(stamp) for stamp in stamps[18:23]] == [-1, 0, 1, 2, 3]
    assert made.moved(3) == made.ending(stamps[22])
    assert made.moved(3).stamp(0) == stamps[22]
    assert Timeline.from_header(made.to_header()) == made
    turned = table(stamps[::-1])
    assert [turned.rows[i][0] for i in order_of_times(turned, 0)] == stamps


@pytest.mark.parametrize("name", WRITTEN)
def test_a_gap_is_refused_by_its_line(name):
    stamps = WRITTEN[name]
    with pytest.raises(DataError, match=r"d.csv:12: .* comes after"):
        timeline(stamps[:10] + stamps[11:])


@pytest.mark.parametrize(
    "values",
    [
        [f"{1500 + (k * 7) % 11 + 0.25:.2f}" for k in range(30)],  # do not rise
        [f"{1800 + k * k / 7:.3f}" for k in range(20)],  # rise unevenly
        [f"{1600 + 1.5 * k:.1f}" for k in range(30)],  # rise by more than a year
        [f"{1685577600 - k}.5" for k in range(30)],
        ["12.5", "13.5", "14.5"],
    ],
)
def test_other_decimal_numbers_are_values(values):
    assert kind_of_column(table(values), 0) is None


@pytest.mark.parametrize("step", [1 / 52, 1 / 365])
def test_other_fractions_of_a_year_are_refused_as_times(step):
    stamps = [f"{1958.2027 + step * k:.4f}" for k in range(40)]
    assert kind_of_column(table(stamps), 0) == "time"
    with pytest.raises(DataError, match=r'd.csv:4: column 1 "x": "1958.2\d*" comes after'):
        timeline(stamps)
