"""data.resample: rows of each interval become one; nothing is invented, and what came in is counted."""

import itertools
import re
import statistics
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from panels import panel_of, read, refused

from rnncli.data.source import Source
from rnncli.errors import ConfigError, DataError
from rnncli.notes import noting
from rnncli.tasks.forecast.config import SeriesConfig
from rnncli.tasks.forecast.panel_tables import with_future

RANDOM = np.random.default_rng(3)
START = datetime(2023, 1, 30, 22)
MOMENTS = [START + timedelta(seconds=int(s)) for s in np.sort(RANDOM.choice(90 * 3600, 700, replace=False))]
VALUES = np.round(RANDOM.normal(50, 9, 700), 2).tolist()
HOW = {"mean": statistics.fmean, "sum": sum, "max": max, "min": min, "last": lambda values: values[-1]}
BEGIN = {
    "1h": lambda t: t.replace(minute=0, second=0),
    "15min": lambda t: t.replace(minute=t.minute // 15 * 15, second=0),
    "6h": lambda t: t.replace(hour=t.hour // 6 * 6, minute=0, second=0),
    "1d": lambda t: t.replace(hour=0, minute=0, second=0),
}


def table(moments, values, form="%Y-%m-%d %H:%M:%S"):
    rows = [f"{moment.strftime(form)},{value}" for moment, value in zip(moments, values, strict=True)]
    return "\n".join(["t,v", *rows]) + "\n"


def by_hand(moments, values, begin):
    bins = {}
    for moment, value in zip(moments, values, strict=True):
        bins.setdefault(begin(moment), []).append(value)
    return bins


FORMS = ["%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"]
EACH = [(how, interval, FORMS[k % 3]) for k, (how, interval) in enumerate(itertools.product(HOW, BEGIN))]


@pytest.mark.parametrize(("aggregate", "interval", "form"), EACH)
def test_each_interval_becomes_one_row(interval, aggregate, form):
    notes = []
    panel, _ = read(table(MOMENTS, VALUES, form), notes, resample=interval, aggregate=aggregate, missing="mask")
    bins = by_hand(MOMENTS, VALUES, BEGIN[interval])
    made = dict(zip(panel.timelines[0].stamps(range(1 - len(panel.values), 1)), range(len(panel.values)), strict=True))
    known = {begin.strftime(form): HOW[aggregate](values) for begin, values in bins.items()}
    assert {stamp for stamp, k in made.items() if panel.known[k, 0]} == set(known)
    for stamp, value in known.items():
        assert panel.values[made[stamp], 0] == pytest.approx(value)
    counts = [len(values) for values in bins.values()]
    told = next(text for text in notes if "became" in text)
    assert told.startswith(f"700 rows became {len(bins):,}, the {aggregate} (data.aggregate) of each {interval} with")
    assert f"which are {min(counts):,} to {max(counts):,} " in told


def test_an_interval_without_rows_is_a_gap_and_no_value():
    moments = [START + timedelta(minutes=20 * k) for k in range(30) if not 9 <= k < 15]
    text = table(moments, range(24))
    assert "--missing ffill|interpolate|mask|zero" in refused(DataError, read, text, resample="1h")
    panel = panel_of(text, resample="1h", missing="mask", aggregate="sum")
    assert panel.known[:, 0].tolist() == [True] * 3 + [False] * 2 + [True] * 5
    assert panel.values[panel.known].tolist() == [9 * k + 3 for k in range(8)]


def test_missing_values_are_left_out_and_an_interval_of_them_is_missing():
    moments = [START + timedelta(minutes=30 * k) for k in range(8)]
    panel = panel_of(table(moments, [1, "", "", "NA", 5, 6, "", 8]), resample="1h", missing="mask", aggregate="sum")
    assert panel.values[panel.known[:, 0], 0].tolist() == [1, 11, 8]
    assert panel.known[:, 0].tolist() == [True, False, True, True]


def test_months_quarters_and_years():
    days = [datetime(2020, 1, 1) + timedelta(days=k) for k in range(1096)]
    text = table(days, [1] * 1096, "%Y-%m-%d")
    for interval, step, count in (("1month", "month", 36), ("1quarter", "quarter", 12), ("1year", "year", 3)):
        panel = panel_of(text, resample=interval, aggregate="sum")
        assert (panel.timelines[0].frequency, len(panel.values)) == (step, count)
        assert panel.values.sum() == 1096
    assert panel.timelines[0].following(1) == ["2023-01-01"]
    weekly = panel_of(text, resample="1w", aggregate="sum", missing="mask")
    assert datetime.strptime(weekly.timelines[0].stamp(0), "%Y-%m-%d").weekday() == 0


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Asia/Kolkata"])
def test_hours_of_a_zone_go_through_a_change_and_days_go_by_local_date(zone):
    begin = datetime(2023, 10, 25, tzinfo=timezone.utc)
    moments = [(begin + timedelta(minutes=10 * k)).astimezone(ZoneInfo(zone)) for k in range(6 * 24 * 14)]
    text = table([moment.replace(tzinfo=None) for moment in moments], range(len(moments)))
    hourly = panel_of(text, resample="1h", timezone=zone)
    whole = 6 if zone != "Asia/Kolkata" else 3  # rows of the first hour by the clock
    assert len(hourly.values) == 24 * 14 + (whole == 3)
    assert hourly.values[1, 0] == statistics.fmean(range(whole, whole + 6))
    daily = panel_of(text, resample="1d", timezone=zone, aggregate="sum")
    per_day = {}
    for k, moment in enumerate(moments):
        per_day[moment.date()] = per_day.get(moment.date(), 0) + k
    assert daily.values[:, 0].tolist() == list(per_day.values())
    assert daily.timelines[0].stamp(0)[:10] == str(moments[-1].date())


def test_epochs_and_fractions_of_a_second():
    base = 1685577600
    moments = base + np.sort(RANDOM.choice(20 * 3600 * 1000, 300, replace=False)) / 1000
    expected = by_hand(moments, range(300), lambda t: int(t) // 3600 * 3600)
    for text, write in (
        ([f"{t:.3f}" for t in moments], str),
        ([str(round(t * 1000)) for t in moments], lambda t: f"{t}000"),
        ([str(np.datetime64(round(t * 1000), "ms")) for t in moments], lambda t: f"{np.datetime64(t, 's')}.000"),
    ):
        rows = "\n".join(["t,v", *(f"{stamp},{k}" for k, stamp in enumerate(text))]) + "\n"
        panel = panel_of(rows, resample="1h", missing="mask", time="t")
        assert panel.values[panel.known[:, 0], 0].tolist() == [statistics.fmean(rows) for rows in expected.values()]
        assert panel.timelines[0].stamp(0) == write(max(expected))


LONG = {"id": "id", "target": "v", "past_covariates": ["price", "word"], "static": ["kind"], "resample": "1h"}


def test_series_one_under_another_are_made_even_each_by_itself():
    rows = ["id,t,v,price,word,kind"]
    for s, name in enumerate("AB"):
        rows += [f"{name},2023-01-01 {k // 4:02}:{k % 4 * 15:02},{k + s},{k},w{k % 3},{name}" for k in range(24)]
    panel, columns = read("\n".join(rows) + "\n", aggregate="max", **LONG)
    assert panel.values[:, 0].tolist() == [3, 7, 11, 15, 19, 23, 4, 8, 12, 16, 20, 24]
    assert panel.past["price"][:6].tolist() == [1.5 + 4 * k for k in range(6)]
    assert panel.past["word"][:6].tolist() == [f"w{(4 * k + 3) % 3}" for k in range(6)]
    assert panel.static["kind"].tolist() == ["A", "B"]
    assert panel.timelines[1].following(1) == ["2023-01-01 06:00"]
    later = "id,t,v,price,word,kind\n" + "".join(f"A,2023-01-01 06:{k:02},9,1,w1,A\n" for k in (0, 20, 40, 59))
    more, _ = read(later, None, columns, panel, **LONG)
    assert more.values.tolist() == [[9]]


def test_rows_ahead_and_a_file_of_the_future_are_made_even_too():
    moments = [START + timedelta(minutes=30 * k) for k in range(24)]
    rows = [f"{moment:%Y-%m-%d %H:%M},{k if k < 20 else ''},{k}" for k, moment in enumerate(moments)]
    data = {"resample": "1h", "target": "v", "known_covariates": ["x"]}
    panel, columns = read("\n".join(["t,v,x", *rows]) + "\n", **data)
    assert panel.values[:, 0].tolist() == [2 * k + 0.5 for k in range(10)]
    assert panel.coming[0]["x"].tolist() == [20.5, 22.5]
    more = [f"{START + timedelta(minutes=30 * k):%Y-%m-%d %H:%M},{2 * k}" for k in range(20, 26)]
    future = Source("f.csv", ("\n".join(["t,x", *more]) + "\n").encode())
    with noting(lambda text: None):
        made = with_future(panel, columns, future, SeriesConfig(encoding="utf-8", **data))
    assert made.coming[0]["x"].tolist() == [41, 45, 49]


@pytest.mark.parametrize(
    ("interval", "days", "told"),
    [
        ("1month", range(365), None),
        ("1month", range(370), "2021-01-04"),
        ("1month", range(3, 365), "2020-01-04"),
        ("1w", range(5, 5 + 7 * 20), None),
        ("1w", range(5, 2 + 7 * 20), "2020-05-21"),
    ],
)
def test_a_piece_of_an_interval_at_an_end_is_told(interval, days, told):
    moments = [datetime(2020, 1, 1) + timedelta(days=day) for day in days]
    notes = []
    read(table(moments, [1] * len(moments), "%Y-%m-%d"), notes, resample=interval, aggregate="sum")
    found = [text for text in notes if "within an interval" in text]
    if told is None:
        assert found == []
    else:
        assert len(found) == 1
        assert f', "{told}")' in found[0]


@pytest.mark.parametrize(("how", "wanted"), [("first", 24), ("last", 2400), ("mean", 2424)])
def test_of_rows_of_one_time_those_are_taken_that_data_duplicates_says(how, wanted):
    moments = [START.replace(hour=0) + timedelta(hours=k // 2) for k in range(96)]
    panel = panel_of(table(moments, [1, 100] * 48), resample="1d", aggregate="sum", duplicates=how)
    assert panel.values.tolist() == [[wanted]] * 2


@pytest.mark.parametrize("hours", [2, 3, 6, 12])
@pytest.mark.parametrize(("zone", "change"), [("Europe/Berlin", (2023, 3, 26)), ("Europe/Berlin", (2023, 10, 29))])
def test_intervals_of_hours_go_by_the_clock_through_a_change(zone, change, hours):
    begin = datetime(*change, tzinfo=ZoneInfo(zone)) - timedelta(days=4)
    moments = [
        (begin.astimezone(timezone.utc) + timedelta(minutes=30 * k)).astimezone(ZoneInfo(zone)) for k in range(400)
    ]
    text = table([moment.replace(tzinfo=None) for moment in moments], [1] * 400, "%Y-%m-%d %H:%M")
    panel = panel_of(text, resample=f"{hours}h", timezone=zone, aggregate="sum")
    clock = [datetime.strptime(stamp, "%Y-%m-%d %H:%M") for stamp in panel.timelines[0].stamps(range(-30, 4))]
    assert {moment.hour % hours for moment in clock} == {0}
    assert panel.values.sum() == 400


def test_days_of_epochs_are_those_of_the_zone():
    base = 1685577600
    rows = "\n".join(["t,v", *(f"{base + 3600 * k},1" for k in range(24 * 5))]) + "\n"
    panel = panel_of(rows, resample="1d", timezone="America/New_York", aggregate="sum")
    assert panel.values[1:-1, 0].tolist() == [24] * (len(panel.values) - 2)
    assert (int(panel.timelines[0].stamp(0)) - 4 * 3600) % 86400 == 0


def test_the_interval_that_is_proposed_for_fractions_of_a_second_has_rows():
    moments = [START + timedelta(seconds=35 * k, milliseconds=137 * k) for k in range(40)]
    text = table(moments, range(40), "%Y-%m-%d %H:%M:%S.%f")
    found = re.search(r"data.resample=(\w+)", refused(DataError, read, text))
    assert found[1] == "1min"
    assert panel_of(text, resample=found[1]).known.all()


TURNED = table(MOMENTS[::-1], VALUES[::-1])
DOUBLED = table([MOMENTS[0], *MOMENTS], [1, *VALUES])
AMBIGUOUS = table([datetime(2023, d, d) for d in range(1, 9)], range(8), "%d/%m/%Y")


@pytest.mark.parametrize(
    ("text", "data", "kind", "told"),
    [
        (TURNED, {}, DataError, 'd.csv:3: column 1 "t": .*, which is later; --set data.sort=true sorts the rows'),
        (DOUBLED, {}, DataError, "d.csv:3: .* occurs twice; .*data.id"),
        ("v\n1\n2\n", {}, ConfigError, "data.resample: needs a time column"),
        ("t,v\n1,1\n2,2\n3,4\n", {"time": "t"}, DataError, '"1" is no date, nor counted from 1970'),
        (AMBIGUOUS, {}, DataError, "is ambiguous, .*data.time_format"),
    ],
)
def test_what_cannot_be_told_is_refused(text, data, kind, told):
    assert re.search(told, refused(kind, read, text, resample="1h", **data))


def test_the_mends_that_are_named_work():
    bins = by_hand(MOMENTS, VALUES, BEGIN["1d"])
    assert len(panel_of(TURNED, resample="1d", sort=True).values) == len(bins)
    first = panel_of(DOUBLED, resample="1d", duplicates="mean", aggregate="sum").values[0, 0]
    assert first == pytest.approx(1 + sum(next(iter(bins.values()))))
    uneven = table([START + timedelta(minutes=m) for m in (0, 60, 120, 150, 210)], range(5), "%Y-%m-%d %H:%M")
    assert "; or make uneven rows even with --set data.resample=1h" in refused(DataError, read, uneven)
    assert panel_of(uneven, resample="1h").values.tolist() == [[0], [1], [2.5], [4]]
    scattered = re.search(r"data.resample=(\w+)", refused(DataError, read, table(MOMENTS, VALUES)))
    assert scattered[1] == "10min"  # the median distance is 5 to 10 minutes
    assert panel_of(table(MOMENTS, VALUES), resample=scattered[1], missing="mask").known.mean() > 0.6
