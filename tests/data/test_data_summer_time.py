"""Around each change of summer time: times with offsets, in UTC and by local date go on as zoneinfo says."""

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from rnncli.data.csv_table import Table
from rnncli.data.stamp_column import order_of_times
from rnncli.data.time_column import read_timelines
from rnncli.data.timeline import Timeline
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


def table(stamps):
    return Table("d.csv", ["time"], [[stamp] for stamp in stamps], list(range(2, 2 + len(stamps))), ",")


def timeline(stamps, **how):
    (made,), _ = read_timelines(
        table(stamps), 0, [np.arange(len(stamps))], **{"fill_gaps": False, "keep_duplicates": False, **how}
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
        mend = "data.duplicates" if minutes == 60 else "data.timezone=Europe/Berlin"
        assert mend in str(refused.value)
        merged = timeline(sorted(stamps), keep_duplicates=True)
    else:
        assert "--missing" in str(refused.value)
        merged = timeline(stamps, fill_gaps=True)
    assert merged.following(1) == [f"{max(wall) + timedelta(minutes=minutes):%Y-%m-%d %H:%M}"]


@BOTH
def test_a_repeated_or_missing_hour_is_told_with_the_zone_as_the_first_mend(zone, day):
    stamps = [moment.strftime("%Y-%m-%d %H:%M") for moment in instants(zone, day, 60, 40)]
    with pytest.raises(DataError) as refused:
        timeline(stamps)
    text = str(refused.value)
    assert f"if summer time {'ends' if day.month > 6 else 'begins'} there, name the time zone" in text
    assert text.index("data.timezone") < text.index("data.duplicates" if day.month > 6 else "--missing")


@pytest.mark.parametrize("first", [datetime(2023, 6, 4), datetime(2023, 10, 25)])
def test_on_other_days_nothing_is_said_of_summer_time(first):
    stamps = [f"{first + timedelta(hours=k):%Y-%m-%d %H:%M}" for k in range(30)]
    for odd in ([*stamps[:3], stamps[2], *stamps[3:]], stamps[:3] + stamps[4:]):
        with pytest.raises(DataError) as refused:
            timeline(odd)
        assert "summer time" not in str(refused.value)


NAIVE = ["%Y-%m-%d %H:%M", "%d.%m.%Y %H:%M:%S", "%b %d, %Y %I:%M %p", "%Y-%m-%dT%H:%M"]


@BOTH
@STEPS
@pytest.mark.parametrize("form", NAIVE)
def test_in_a_named_zone_the_clock_is_followed_through_the_change(zone, day, minutes, form):
    count = 48 * 60 // minutes
    moments = instants(zone, day, minutes, count)
    stamps = [moment.strftime(form) for moment in moments]
    for known in (4, count // 4 - 60 // minutes, count // 4 + 60 // minutes, count // 2):
        made = timeline(stamps[:known], zone=zone)
        assert made.following(count - known) == stamps[known:]
        assert made.stamps(range(1 - known, 1)) == stamps[:known]
        clock = [moment.replace(tzinfo=timezone.utc).timestamp() for moment in moments]
        assert made.seconds(np.arange(1 - known, count - known + 1)).tolist() == clock


@BOTH
@STEPS
def test_each_row_is_found_again_one_after_another(zone, day, minutes):
    stamps = [moment.strftime("%Y-%m-%d %H:%M") for moment in instants(zone, day, minutes, 18 * 60 // minutes)]
    made = timeline(stamps[:3], zone=zone)
    for stamp in stamps[3:]:
        assert made.offset_of(stamp) == 1
        made = made.ending(stamp)
        assert Timeline.from_header(made.to_header()) == made


@BOTH
@STEPS
@pytest.mark.parametrize("style", [":", "", "Z"])
def test_in_a_named_zone_each_stamp_has_the_offset_of_its_own_time(zone, day, minutes, style):
    def written(moment):
        if style == "Z":
            return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        offset = moment.strftime("%z")
        return moment.strftime("%Y-%m-%d %H:%M") + offset[:3] + style + offset[3:]

    stamps = [written(moment) for moment in instants(zone, day, minutes, 36 * 60 // minutes)]
    made = timeline(stamps[:5], zone=zone)
    assert made.following(len(stamps) - 5) == stamps[5:]


@BOTH
@pytest.mark.parametrize("form", ["%Y-%m-%d %H:%M:%S%z", "%Y-%m-%dT%H:%MZ", "%Y-%m-%d %H:%M"])
def test_days_at_a_time_of_the_clock_go_by_local_date(zone, day, form):
    def written(moment):
        return (moment.astimezone(timezone.utc) if form.endswith("Z") else moment).strftime(form)

    days = [(day + timedelta(days=k)).replace(tzinfo=ZoneInfo(zone)) for k in range(-10, 10)]
    stamps = [written(moment) for moment in days]
    assert timeline(stamps[:8], zone=zone).following(12) == stamps[8:]


@BOTH
@STEPS
@pytest.mark.parametrize("order", [1, -1])
def test_rows_are_sorted_by_moments(zone, day, minutes, order):
    stamps = [moment.strftime("%d/%m/%Y %H:%M") for moment in instants(zone, day, minutes, 48 * 60 // minutes)]
    made = table(stamps[::order])
    assert [made.rows[i][0] for i in order_of_times(made, 0, None, zone)] == stamps


@pytest.mark.parametrize("minutes", [15, 30, 60])
@pytest.mark.parametrize("turned", [False, True])
def test_rows_of_several_series_are_sorted_each_by_itself(minutes, turned):
    moments = instants("Europe/Berlin", datetime(2023, 10, 29), minutes, 24 * 60 // minutes)
    stamps = [moment.strftime("%Y-%m-%d %H:%M") for moment in moments]
    rows = [(stamp, who) for stamp in stamps for who in "ABC"]
    rows = rows[::-1] if turned else rows
    made = table([stamp for stamp, _ in rows])
    groups = [np.array([i for i, (_, who) in enumerate(rows) if who == one]) for one in "ABC"]
    order = order_of_times(made, 0, None, "Europe/Berlin", groups=groups)
    for group in groups:
        wanted = group[::-1] if turned else group
        assert [i for i in order if i in set(group)] == wanted.tolist()


def test_a_repeated_hour_in_no_order_is_refused():
    moments = instants("Europe/Berlin", datetime(2023, 10, 29), 30, 48)
    stamps = sorted(moment.strftime("%Y-%m-%d %H:%M") for moment in moments)
    with pytest.raises(DataError, match="is in an hour that is repeated when summer time ends"):
        order_of_times(table(stamps), 0, None, "Europe/Berlin")


@pytest.mark.parametrize("step", [timedelta(days=1), timedelta(hours=6), timedelta(hours=12)])
@pytest.mark.parametrize("zone", ["America/Santiago", "Africa/Cairo", "Europe/Berlin"])
def test_rows_by_the_clock_go_on_where_midnight_is_left_out(zone, step):
    wall = [datetime(2023, 4, 20) + k * step for k in range(900 if step.days else 1200)]
    stamps = [f"{moment:%Y-%m-%d %H:%M}" for moment in wall]
    made = timeline(stamps[:40], zone=zone)
    assert made.following(len(stamps) - 40) == stamps[40:]
    assert timeline(stamps, zone=zone).stamp(0) == stamps[-1]


@pytest.mark.parametrize("hours", [range(24), range(9, 18), [0]])
def test_a_model_of_changing_offsets_reads_its_own_data_again(hours):
    zone = ZoneInfo("Europe/Berlin")
    wall = [datetime(2023, 10, 10, hour) + timedelta(days=d) for d in range(40) for hour in hours]
    stamps = [moment.replace(tzinfo=zone).strftime("%Y-%m-%dT%H:%M:%S%z") for moment in wall]
    if len(hours) == 24:
        stamps = [
            moment.strftime("%Y-%m-%dT%H:%M:%S%z")
            for moment in instants("Europe/Berlin", datetime(2023, 10, 29), 60, 60)
        ]
    made = timeline(stamps)
    assert timeline(stamps, like=made) == made


def test_a_time_that_the_clock_never_shows_is_refused_by_its_line():
    with pytest.raises(DataError, match=r'd.csv:4: .* "2023-03-26 02:00" is no time in Europe/Berlin'):
        timeline([f"2023-03-26 {hour:02}:00" for hour in range(5)], zone="Europe/Berlin")


def test_new_rows_go_on_from_those_of_the_training_data():
    stamps = [moment.strftime("%Y-%m-%d %H:%M") for moment in instants("Europe/Berlin", CHANGES[1][1], 60, 40)]
    before = timeline(stamps[:14], zone="Europe/Berlin")
    after = timeline(stamps[14:], like=before)
    assert after.stamp(1 - 26) == before.stamp(1)
    assert after == before.moved(26)


def test_offsets_that_change_go_on_from_a_model_of_one_offset():
    moments = instants("Europe/Berlin", CHANGES[1][1], 60, 40)
    stamps = [moment.strftime("%Y-%m-%d %H:%M%z") for moment in moments]
    before = timeline(stamps[:10])
    assert (before.zone, before.stamp(0)) == ("", "2023-10-28 21:00+0200")
    after = timeline(stamps[10:], like=before)
    assert after.stamp(1 - 30) == before.stamp(1) == "2023-10-28 22:00+0200"
    following = moments[-1].astimezone(timezone(timedelta(hours=2))) + timedelta(hours=1)
    assert after.stamp(1) == following.strftime("%Y-%m-%d %H:%M%z")


def test_in_a_zone_the_order_of_day_and_month_must_be_plain():
    with pytest.raises(DataError, match="is ambiguous, MM/DD/YYYY hh:mm or DD/MM/YYYY hh:mm"):
        timeline([f"05/11/2023 {hour:02}:00" for hour in range(9)], zone="Europe/Berlin")
