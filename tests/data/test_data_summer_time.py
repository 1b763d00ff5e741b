"""Around each change of summer time: times with offsets, in UTC and by local date go on as zoneinfo says."""

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from rnncli.data.csv_table import Table
from rnncli.data.time_column import read_timelines
from rnncli.errors import DataError

ZONES = {
    "Europe/Berlin": (datetime(2023, 3, 26), datetime(2023, 10, 29)),
    "America/New_York": (datetime(2023, 3, 12), datetime(2023, 11, 5)),
}
CHANGES = [(zone, day) for zone, days in ZONES.items() for day in days]
BOTH = pytest.mark.parametrize(("zone", "day"), CHANGES, ids=[f"{zone} {day:%d %b}" for zone, day in CHANGES])
STEPS = pytest.mark.parametrize("minutes", [15, 60])


def instants(zone, day, minutes, count):
    """Moments from the noon before a change on, as the clocks of the zone show them."""
    start = (day - timedelta(hours=12)).replace(tzinfo=ZoneInfo(zone)).astimezone(timezone.utc)
    return [(start + k * timedelta(minutes=minutes)).astimezone(ZoneInfo(zone)) for k in range(count)]


def timeline(stamps, **how):
    table = Table("d.csv", ["time"], [[stamp] for stamp in stamps], list(range(2, 2 + len(stamps))), ",")
    (made,), _ = read_timelines(
        table, 0, [np.arange(len(stamps))], **{"fill_gaps": False, "keep_duplicates": False, **how}
    )
    return made


@BOTH
@STEPS
@pytest.mark.parametrize("form", ["%Y-%m-%d %H:%M%z", "%Y-%m-%dT%H:%M:%S%z", "%d/%m/%Y %H:%M%z"])
def test_with_offsets_every_hour_is_one_step_and_the_last_offset_goes_on(zone, day, minutes, form):
    moments = instants(zone, day, minutes, 24 * 60 // minutes)
    made = timeline([moment.strftime(form) for moment in moments])
    last = moments[-1]
    following = [last + timedelta(minutes=k * minutes) for k in (1, 2, 3)]  # the wall clock of the last offset
    assert made.following(3) == [
        moment.replace(tzinfo=timezone(last.utcoffset())).strftime(form) for moment in following
    ]


@BOTH
@STEPS
def test_in_utc_nothing_happens(zone, day, minutes):
    moments = [moment.astimezone(timezone.utc) for moment in instants(zone, day, minutes, 120)]
    stamps = [moment.strftime("%Y-%m-%d %H:%M:%SZ") for moment in moments]
    assert timeline(stamps[:100]).following(20) == stamps[100:]


@BOTH
def test_days_go_by_local_date(zone, day):
    stamps = [f"{day + timedelta(days=k):%Y-%m-%d}" for k in range(-10, 10)]
    assert timeline(stamps[:15]).following(5) == stamps[15:]


@BOTH
@STEPS
def test_without_offsets_the_change_is_refused_by_its_line_with_a_way_that_works(zone, day, minutes):
    moments = instants(zone, day, minutes, 24 * 60 // minutes)
    stamps = [moment.strftime("%Y-%m-%d %H:%M") for moment in moments]
    with pytest.raises(DataError) as refused:
        timeline(stamps)
    wall = [datetime.strptime(stamp, "%Y-%m-%d %H:%M") for stamp in stamps]
    first = next(k for k in range(1, len(wall)) if wall[k] - wall[k - 1] != timedelta(minutes=minutes))
    assert str(refused.value).startswith(f"d.csv:{first + 2}: ")
    if day.month > 6:
        mend = "data.duplicates" if minutes == 60 else "if summer time ends there"
        assert mend in str(refused.value)
        merged = timeline(sorted(stamps), keep_duplicates=True)
    else:
        assert "data.missing" in str(refused.value)
        merged = timeline(stamps, fill_gaps=True)
    assert merged.following(1) == [f"{max(wall) + timedelta(minutes=minutes):%Y-%m-%d %H:%M}"]
