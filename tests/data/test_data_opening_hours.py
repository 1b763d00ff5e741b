"""Rows at some times of some days, such as the hours of a shop or of an exchange, go on so."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from rnncli.data.csv_table import Table
from rnncli.data.time_column import read_timelines
from rnncli.data.timeline import Timeline
from rnncli.errors import DataError, ModelFileError

START = datetime(2023, 5, 1)  # a Monday


def times(minutes, first, last, days=7):
    """Moments of four weeks, from first to last hour of the first `days` days of each week."""
    every = (START + timedelta(minutes=minutes * k) for k in range(28 * 24 * 60 // minutes))
    return [t for t in every if first <= t.hour + t.minute / 60 <= last and t.weekday() < days]


PATTERNS = {
    "ten to eight": (times(60, 10, 20), "row of 11 a day", 11),
    "Monday to Saturday": (times(60, 8, 17, 6), "row of 10 a day", 10),
    "an exchange": (times(30, 9.5, 16, 5), "row of 14 a day", 14),
    "five minutes of an exchange": (times(5, 9.5, 15.99, 5), "row of 78 a day", 78),
    "three meals": ([t for t in times(60, 0, 23) if t.hour in (8, 13, 19)], "row of 3 a day", 3),
    "two times": ([t for t in times(60, 0, 23) if t.hour in (8, 18)], "row of 2 a day", 2),
    "night shift": ([t for t in times(60, 0, 23) if t.hour >= 20 or t.hour < 6], "row of 10 a day", 10),
}
FORMS = ["%Y-%m-%d %H:%M", "%d.%m.%Y %H:%M:%S", "%b %d, %Y %I:%M %p"]


def read(stamps, **how):
    table = Table("d.csv", ["time"], [[stamp] for stamp in stamps], list(range(2, 2 + len(stamps))), ",")
    options = {"fill_gaps": False, "keep_duplicates": False, **how}
    (made,), places = read_timelines(table, 0, [np.arange(len(stamps))], **options)
    return made, places


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", PATTERNS)
def test_the_pattern_is_found_and_goes_on(name, form):
    moments, frequency, season = PATTERNS[name]
    stamps = [moment.strftime(form) for moment in moments]
    known = len(stamps) - 2 * season - 1
    made, places = read(stamps[:known])
    assert places.tolist() == list(range(known))
    assert (made.frequency, made.season) == (frequency, season)
    assert made.following(len(stamps) - known) == stamps[known:]
    assert made.stamps(range(1 - known, 1)) == stamps[:known]
    seconds = [int((moment - datetime(1970, 1, 1)).total_seconds()) for moment in moments]
    assert made.seconds(np.arange(1 - known, len(stamps) - known + 1)).tolist() == seconds
    assert Timeline.from_header(made.to_header()) == made
    assert [made.offset_of(stamp) for stamp in stamps[known - 2 : known + 2]] == [-1, 0, 1, 2]
    assert made.offset_of((moments[-1] + timedelta(minutes=7)).strftime(form)) is None
    later, _ = read(stamps[known : known + 3], like=made)
    assert later == made.moved(3)


@pytest.mark.parametrize("name", PATTERNS)
def test_a_row_that_is_missing_is_refused_by_its_line_or_filled(name):
    stamps = [moment.strftime("%Y-%m-%d %H:%M") for moment in PATTERNS[name][0]]
    gone = [*stamps[:30], *stamps[31:]]
    with pytest.raises(DataError, match=rf'd.csv:32: .*; expected "{stamps[30]}" .*--missing ffill'):
        read(gone)
    made, places = read(gone, fill_gaps=True)
    assert places.tolist() == [k for k in range(len(stamps)) if k != 30]
    assert made.stamp(0) == stamps[-1]


@pytest.mark.parametrize("form", ["%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M%z"])
@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
def test_opening_hours_go_by_the_clock_of_their_zone_through_a_change(zone, form):
    first = datetime(2023, 3, 1)
    hours = [first + timedelta(days=d, hours=h) for d in range(40) for h in range(9, 18)]
    stamps = [moment.replace(tzinfo=ZoneInfo(zone)).strftime(form) for moment in hours]
    made, _ = read(stamps[:60], zone=zone)
    assert made.frequency == "row of 9 a day"
    assert made.following(300) == stamps[60:]
    assert read(stamps, zone=zone)[0].stamps(range(-359, 1)) == stamps


def test_rows_round_the_clock_and_scattered_ones_have_no_such_pattern():
    assert read([f"{t:%Y-%m-%d %H:%M}" for t in times(60, 0, 24)])[0].frequency == "hour"
    assert read([f"{t:%Y-%m-%d %H:%M}" for t in times(720, 0, 24)])[0].frequency == "12 hours"
    scattered = START + np.cumsum(np.random.default_rng(0).integers(1, 9000, 200)) * timedelta(seconds=1)
    with pytest.raises(DataError, match="comes after"):
        read([f"{t:%Y-%m-%d %H:%M:%S}" for t in scattered])


@pytest.mark.parametrize("change", [{"clocks": [0, 36000]}, {"unit": "second"}, {"week": "0"}])
def test_a_damaged_pattern_in_a_model_file_is_told(change):
    made, _ = read([f"{t:%Y-%m-%d %H:%M}" for t in PATTERNS["Monday to Saturday"][0]])
    with pytest.raises(ModelFileError):
        Timeline.from_header(made.to_header() | change)
