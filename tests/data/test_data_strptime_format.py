"""data.time_format: a format of strptime decides how times are read; they are written as they came."""

from datetime import datetime, timedelta

import numpy as np
import pytest

from rnncli.data.csv_table import Table
from rnncli.data.stamp_column import order_of_times
from rnncli.data.stamps import as_strptime, formats_of
from rnncli.data.time_column import read_timelines
from rnncli.data.timeline import Timeline
from rnncli.errors import DataError

START = datetime(2023, 5, 1, 22)
HOURS = [START + timedelta(hours=k) for k in range(40)]
DAYS = [datetime(2023, 5, 1) + timedelta(days=k) for k in range(40)]


def table(stamps):
    return Table("d.csv", ["time"], [[stamp] for stamp in stamps], list(range(2, 2 + len(stamps))), ",")


def timeline(stamps, form, **more):
    (made,), places = read_timelines(
        table(stamps),
        0,
        [np.arange(len(stamps))],
        **{"fill_gaps": False, "keep_duplicates": False, "form": form, **more},
    )
    assert places.tolist() == list(range(len(stamps)))
    return made


# The format, how the times are written, and when they are.
FORMS = {
    "words": ("%d. %B %Y, %H Uhr", lambda t: f"{t:%d. %B %Y, %H Uhr}", HOURS),
    "day of the year": ("%Y-%j", lambda t: f"{t:%Y-%j}", DAYS),
    "weekday in front": ("%A, %B %d, %Y", lambda t: f"{t:%A, %B %d, %Y}", DAYS),
    "week and day": ("%G-W%V-%u", lambda t: f"{t:%G-W%V-%u}", DAYS),
    "the clock first": ("%H:%M %d/%m/%y", lambda t: f"{t:%H:%M %d/%m/%y}", HOURS),
    "digits, the day first": ("%d%m%Y", lambda t: f"{t:%d%m%Y}", DAYS),
    "unpadded, the day first": ("%d/%m/%Y", lambda t: f"{t.day}/{t.month}/{t.year}", DAYS[:9]),
    "unpadded, the month first": ("%m/%d/%Y", lambda t: f"{t.month}/{t.day}/{t.year}", DAYS[:9]),
    "twelve hours, the day first": ("%d/%m/%Y %I:%M %p", lambda t: f"{t:%d/%m/%Y %I:%M %p}", HOURS[:20]),
    "an offset with a colon": ("%Y-%m-%d %H:%M%z", lambda t: f"{t:%Y-%m-%d %H:%M}+02:00", HOURS),
    "an offset behind a space": ("%Y-%m-%d %H:%M %z", lambda t: f"{t:%Y-%m-%d %H:%M} +0200", HOURS),
}


@pytest.mark.parametrize("name", FORMS)
def test_times_are_read_and_written_in_the_format(name):
    form, written, moments = FORMS[name]
    stamps = [written(moment) for moment in moments]
    made = timeline(stamps[:5], form)
    assert made.following(len(stamps) - 5) == stamps[5:]
    assert Timeline.from_header(made.to_header()) == made
    assert [made.offset_of(stamp) for stamp in stamps[:8]] == list(range(-4, 4))
    assert timeline(stamps[5:], form, like=made).stamp(0) == stamps[-1]
    turned = table(stamps[::-1])
    assert [turned.rows[i][0] for i in order_of_times(turned, 0, form)] == stamps


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
def test_a_format_goes_with_a_zone(zone):
    form = "%d. %m. %Y um %H.%M"
    stamps = [f"{moment:{form}}" for moment in HOURS]
    assert timeline(stamps[:5], form, zone=zone).following(35) == stamps[5:]


def test_what_is_not_in_the_format_is_refused_by_its_line():
    stamps = [f"{moment:%d. %B %Y}" for moment in DAYS]
    with pytest.raises(DataError, match=r'd.csv:4: column 1 "time": "3.5." is not a time in the format %d. %B %Y of'):
        timeline([*stamps[:2], "3.5.", *stamps[3:]], "%d. %B %Y")


@pytest.mark.parametrize("first", ["05/01/2023", "5/1/2023", "05-01-23", "05/01/2023 10:00", "5/1/2023 9:05:00 AM"])
def test_a_refusal_of_ambiguous_dates_says_the_format_of_each_reading(first):
    names = formats_of(first)
    day, month = first[:2].strip("/"), first.replace("-", "/").split("/")[1]
    stamps = [first.replace(f"{day}", f"{int(day) + k:0{len(day)}}", 1) for k in range(3)]
    with pytest.raises(DataError) as caught:
        timeline(stamps[:2], None)
    assert "is ambiguous" in str(caught.value), names
    forms = [piece.split('"')[1] for piece in str(caught.value).split("data.time_format=")[1:]]
    assert len(forms) == 2
    read = {datetime.strptime(first, form) for form in forms}
    assert {(moment.month, moment.day) for moment in read} == {(int(day), int(month)), (int(month), int(day))}
    for form in forms:
        assert timeline(stamps[:2], form).stamps([-1, 0]) == stamps[:2]


def test_every_template_has_the_format_that_reads_it():
    for text in ("2023-05-17", "17.5.2023 08:05", "17-May-2023", "May 17, 2023 1:05 PM", "2023/05/17T10:00:05Z"):
        names = formats_of(text)
        forms = [form for form in map(as_strptime, names) if form]
        assert len(forms) == sum("HH" not in name for name in names) > 0  # strptime knows no 24:00
        for form in forms:
            moment = datetime.strptime(text, form)
            assert (moment.year, moment.month, moment.day) == (2023, 5, 17)
