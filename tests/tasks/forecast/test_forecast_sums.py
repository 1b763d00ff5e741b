"""Tables of sales: rows of one series and time are summed, and what is missing counts as 0."""

import numpy as np
import pytest
from experiments import csv, reloaded, shaken, trainee_of
from panels import days, panel_of, read, refused, source

from rnncli.errors import ConfigError, DataError
from rnncli.notes import noting
from rnncli.tasks.forecast.config import SeriesConfig
from rnncli.tasks.forecast.panel import digits_of
from rnncli.tasks.forecast.panel_tables import with_future
from rnncli.tasks.registry import config_from_mapping


def table(header, *rows):
    return "\n".join([header, *rows, ""])


def series(panel, name="", column=0):
    return panel.values[panel.rows(panel.ids.index(name)), column].tolist()


def known(panel, name="", column=0):
    return panel.known[panel.rows(panel.ids.index(name)), column].tolist()


# data.duplicates: sum

RECEIPTS = table(
    "item_id,ds,sold,spent,price,promo",
    *("A,2024-01-01,1,10,5,no", "A,2024-01-01,2,,7,no", "A,2024-01-02,4,40,6,yes"),
    *("B,2024-01-01,8,1,2,no", "B,2024-01-02,16,,3,no", "B,2024-01-02,32,,4,no", "B,2024-01-02,64,,8,no"),
    *("B,2024-01-03,128,2,1,no",),
)
ROLES = {"target": ["sold", "spent"], "past_covariates": ["price"], "known_covariates": ["promo"]}


def test_targets_of_one_series_and_time_are_summed_and_covariates_are_their_mean():
    notes = []
    panel, _ = read(RECEIPTS, notes, duplicates="sum", missing="mask", **ROLES)
    assert (series(panel, "A"), series(panel, "B")) == ([3, 4], [8, 112, 128])
    assert (series(panel, "A", 1), known(panel, "A", 1)) == ([10, 40], [True, True])  # of those that are known
    assert known(panel, "B", 1) == [True, False, True]  # all three are missing
    assert panel.past["price"].tolist() == [6, 6, 2, 5, 1]
    assert panel.known_covariates["promo"].tolist() == ["no", "yes", "no", "no", "no"]
    assert "rows of the series and time of another: 3; data.duplicates is sum" in notes


@pytest.mark.parametrize(
    "data", [{"duplicates": "sum"}, {"resample": "1d", "aggregate": "sum", "duplicates": "mean"}, {"hierarchy": ["r"]}]
)
def test_sums_have_the_decimals_of_what_they_are_summed_from(data):
    each = [("82.52", "560.83", "5425.62"), ("0.10", "0.20", "0.4"), ("1.1", "2.2", "0")]
    rows = [
        f"x,{'s' if 'hierarchy' not in data else k},2024-01-0{day},{y}"
        for day, ys in enumerate(each, 1)
        for k, y in enumerate(ys)
    ]
    panel = panel_of(table("r,s,d,y", *rows), time="d", target="y", **({"id": "s"} | data))
    assert panel.values[:3, 0].tolist() == [6068.97, 0.7, 3.3]
    digits = digits_of(panel)[0][0]
    assert (digits.least, str(digits.number(835.0))) == (2, "835.00")


def test_words_of_one_time_that_differ_are_refused():
    text = RECEIPTS.replace("32,,4,no", "32,,4,yes")
    assert refused(DataError, read, text, duplicates="sum", missing="mask", **ROLES) == (
        'd.csv:7: column 6 "promo": "yes" beside "no" on line 6, at the same time; words have no sum, so write one of '
        "them in both rows, or leave the column out"
    )
    panel_of(text, duplicates="mean", missing="mask", **ROLES)
    panel_of(text, duplicates="sum", missing="mask", target="sold")


def test_columns_side_by_side_are_summed_too():
    text = table("ds,a,b", "2024-01-01,1,5", "2024-01-01,2,6", "2024-01-02,4,7")
    panel = panel_of(text, duplicates="sum")
    assert panel.values.tolist() == [[3, 11], [4, 7]]


def test_known_covariates_of_rows_ahead_are_their_mean():
    rows = ["2024-01-01,1,1,a", "2024-01-02,2,2,a", "2024-01-03,,3,b", "2024-01-03,,5,b", "2024-01-04,,7,a"]
    roles = {"target": "y", "known_covariates": ["k", "w"]}
    panel = panel_of(table("ds,y,k,w", *rows), duplicates="sum", **roles)
    assert panel.coming[0]["k"].tolist() == [4, 7]
    assert panel.coming[0]["w"].tolist() == ["b", "a"]
    data = SeriesConfig(encoding="utf-8", duplicates="sum", **roles)
    panel, columns = read(table("ds,y,k,w", *rows[:2]), duplicates="sum", **roles)
    ahead = table("ds,k,w", "2024-01-03,3,b", "2024-01-03,5,b", "2024-01-04,7,a")
    assert with_future(panel, columns, source(ahead), data).coming[0]["k"].tolist() == [4, 7]
    ahead = ahead.replace("5,b", "5,a")
    assert 'd.csv:3: column 3 "w": "a" beside "b" on line 2' in refused(
        DataError, with_future, panel, columns, source(ahead), data
    )


@pytest.mark.parametrize(("aggregate", "wanted"), [("sum", 124), ("mean", 31), ("max", 112), ("min", 0), ("last", 5)])
def test_rows_of_one_time_are_summed_before_an_interval_is_made_of_them(aggregate, wanted):
    hours = ["00:00,3", "00:00,4", "06:00,16", "06:00,32", "06:00,64", "12:00,0", "18:00,5", "18:00,"]
    text = table("t,v", *(f"{day} {hour}" for day in days(3) for hour in hours))
    panel = panel_of(text, resample="1d", aggregate=aggregate, duplicates="sum", missing="mask")
    assert panel.values[:, 0].tolist() == [wanted] * 3


def test_the_two_hours_that_are_one_when_summer_time_ends_are_not_summed():
    stamps = ["2023-10-29 01:00", "2023-10-29 01:00", *["2023-10-29 02:00"] * 2, "2023-10-29 03:00", "2023-10-29 04:00"]
    text = table("t,v", *(f"{stamp},{2**k}" for k, stamp in enumerate(stamps)))
    assert series(panel_of(text, timezone="Europe/Berlin", duplicates="sum")) == [3, 4, 8, 16, 32]


# data.missing: zero

SHOPS = table(
    "item_id,ds,sold,price,promo,temp",
    *("A,2024-01-02,3,5,yes,1", "A,2024-01-05,4,6,no,2", "A,2024-01-06,,7,no,3", "A,2024-01-07,5,8,no,4"),
    *("B,2024-01-01,,1,no,1", "B,2024-01-02,6,1,no,2", "B,2024-01-04,7,2,yes,3"),
)
SHOP_ROLES = {"target": "sold", "known_covariates": ["price", "promo"], "past_covariates": "temp"}


def test_missing_rows_and_values_of_a_series_count_as_zero_from_its_first_value_to_its_last_row():
    notes = []
    panel, _ = read(SHOPS, notes, missing="zero", **SHOP_ROLES)
    assert (series(panel, "A"), known(panel, "A")) == ([3, 0, 0, 4, 0, 5], [True] * 6)
    assert known(panel, "B") == [False, True, True, True]
    assert series(panel, "B")[1:] == [6, 0, 7]
    a = panel.rows(0)
    assert panel.known_covariates["price"][a].tolist() == [5, 5, 5, 6, 7, 8]
    assert panel.known_covariates["promo"][a].tolist() == ["yes", "yes", "yes", "no", "no", "no"]
    assert panel.past["temp"][a].tolist() == [1, 1, 1, 2, 3, 4]
    assert [text for text in notes if "0" in text] == [
        "4 missing values of 10 count as 0 (data.missing is zero); the covariates of a missing row are those of the "
        "row before",
        '1 of 2 series end before others, "B" the first: nothing counts as 0 after their last rows; write a row with 0 '
        "at the end of those that are to go on",
    ]


def test_each_target_begins_with_its_own_first_value():
    text = table("ds,a,b", "2024-01-01,1,", "2024-01-02,,2", "2024-01-04,3,", "2024-01-05,4,5")
    joint = panel_of(text, missing="zero")
    assert joint.values[:, 0].tolist() == [1, 0, 0, 3, 4]
    assert joint.values[1:, 1].tolist() == [2, 0, 0, 5]
    assert joint.known.tolist() == [[True, False], *[[True, True]] * 4]
    apart = panel_of(text, missing="zero", channels="independent")
    assert (series(apart, "a"), series(apart, "b")) == ([1, 0, 0, 3, 4], [2, 0, 0, 5])
    assert apart.known.all()


def test_rows_that_are_series_have_zeros_within():
    text = table("id,1,2,3,4,5", "A,,1,,3,", "B,4,,,,")
    panel = panel_of(text, layout="rows", missing="zero")
    assert (series(panel, "A")[1:], known(panel, "A")) == ([1, 0, 3], [False, True, True, True])
    assert series(panel, "B") == [4]


def test_rows_at_the_end_without_a_value_are_still_those_to_forecast():
    text = table("ds,y,k", "2024-01-01,1,1", "2024-01-02,,1", "2024-01-03,2,1", "2024-01-04,,5")
    panel = panel_of(text, missing="zero", target="y", known_covariates="k")
    assert series(panel) == [1, 0, 2]
    assert panel.coming[0]["k"].tolist() == [5]


def test_sums_and_zeros_go_together():
    text = table("ds,y", "2024-01-01,1", "2024-01-01,2", "2024-01-04,", "2024-01-04,", "2024-01-05,4", "2024-01-05,")
    assert series(panel_of(text, missing="zero", duplicates="sum")) == [3, 0, 0, 0, 4]


def test_an_interval_without_rows_counts_as_zero():
    text = table("t,v", *(f"2024-01-0{day} {hour}:00,2" for day in (1, 2, 4) for hour in ("08", "20")))
    assert series(panel_of(text, resample="1d", aggregate="sum", missing="zero")) == [4, 4, 0, 4]


BEFORE = table(
    "item_id,ds,y,p", "A,2024-01-01,1,3", "A,2024-01-02,2,4", "A,2024-01-03,3,5", "B,2024-01-03,1,6", "B,2024-01-04,7,8"
)


def test_rows_between_old_and_new_ones_count_as_zero():
    old = {"missing": "zero", "target": "y", "past_covariates": "p"}
    before, columns = read(BEFORE, **old)
    text = table("item_id,ds,y,p", "A,2024-01-06,9,1", "A,2024-01-07,8,2", "B,2024-01-05,,3", "B,2024-01-06,4,4")
    panel, _ = read(text, None, columns, before, **old)
    assert (series(panel, "A"), known(panel, "A")) == ([0, 0, 9, 8], [True] * 4)
    assert panel.timelines[0].stamp(1 - 4) == "2024-01-04"
    assert panel.past["p"].tolist() == [5, 5, 1, 2, 3, 4]
    assert (series(panel, "B"), known(panel, "B")) == ([0, 4], [True] * 2)
    far = text.replace("2024-01", "2024-07")
    assert series(read(far, None, columns, before, **old)[0], "A") == [9, 8]  # which do not go on from there


N = 40
SOLD = np.round(20 + 5 * np.sin(np.arange(N) * 2 * np.pi / 7))
STAMPS = [str(day) for day in np.datetime64("2024-01-01") + np.arange(N + 9)]


def test_a_gap_among_many_receipts_is_refused_with_its_mend():
    text = table("ds,y", *(f"{day},1" for day in [*days(5), *days(9, 7)] for _ in range(20)))
    assert refused(DataError, read, text, duplicates="sum") == (
        'd.csv:102: column 1 "ds": "2024-01-07" comes after "2024-01-05"; expected "2024-01-06" (step: day); or fill '
        "such gaps with --missing ffill|interpolate|mask|zero; or leave the times out with --set "
        "data.time=none"
    )


def test_many_receipts_and_a_gap_do_not_make_dates_ambiguous():
    """Twelve days of February, or the second days of twelve months."""
    halves = [(day, hour) for day in range(1, 13) for hour in (0, 12) if (day, hour) != (5, 0)]
    text = table("t,v", *(f"{day:02}/02/2024 {hour:02}:00,1" for day, hour in halves for _ in range(20)))
    assert series(panel_of(text, duplicates="sum", missing="zero")) == [20] * 8 + [0] + [20] * 15


@pytest.mark.parametrize("key", ["zero", "sum"])
def test_a_model_forecasts_as_from_a_table_in_which_all_is_written(key):
    """Trained, asked about new rows, and asked to evaluate, on the table as it came and on the same one written out."""
    whole = csv(ds=STAMPS[:N], y=np.where(np.arange(N) % 9 == 4, 0.0, SOLD))
    if key == "zero":
        lines = whole.decode().splitlines()
        brief = "\n".join([line for line in lines if not line.endswith(",0.0")] + [""]).encode()
        new = csv(ds=STAMPS[N + 2 : N + 4], y=[4.0, 6.0])
        new_whole = csv(ds=STAMPS[N : N + 4], y=[0.0, 0.0, 4.0, 6.0])
        options = {"missing": "zero"}
    else:
        halves = np.repeat(np.where(np.arange(N) % 9 == 4, 0.0, SOLD) / 2, 2)
        brief = csv(ds=np.repeat(STAMPS[:N], 2).tolist(), y=halves)
        new, new_whole = csv(ds=[STAMPS[N]] * 2, y=[1.0, 4.0]), csv(ds=STAMPS[N : N + 1], y=[5.0])
        options = {"duplicates": "sum"}
    sizes = {"context": 8, "horizon": 3, "season": 7, "validation": 0.3, "residual": "last-value"}
    with noting(lambda text: None):
        ours, theirs = (shaken(trainee_of(text, **sizes, **more)) for text, more in ((brief, options), (whole, {})))
        assert ours.score() == theirs.score()
        ours, theirs = reloaded(ours), reloaded(theirs)
        assert np.array_equal(ours.forecasts().point, theirs.forecasts().point)
        ours.read(source(new.decode()), ours.data)
        theirs.read(source(new_whole.decode()), theirs.data)
    assert np.array_equal(ours.forecasts().point, theirs.forecasts().point)
    assert ours.panel.timelines == theirs.panel.timelines


def test_a_stream_counts_missing_rows_and_values_as_zero(tmp_path):
    from rnncli.tasks.task import Asked

    sizes = {"context": 8, "horizon": 3, "season": 7, "residual": "last-value", "validation": 0.3, "missing": "zero"}
    experiment = shaken(trainee_of(csv(ds=STAMPS[:N], y=SOLD), **sizes))
    with noting(lambda text: None):
        experiment.score()

    def answers(*lines):
        (tmp_path / "s.csv").write_text(table("ds,y", *lines))
        with noting(lambda text: None):
            return list(reloaded(experiment).predict(Asked(str(tmp_path / "s.csv"), {}, {"follow": True})).rows)

    written = answers(f"{STAMPS[N]},5", f"{STAMPS[N + 1]},0", f"{STAMPS[N + 2]},0", f"{STAMPS[N + 3]},6")
    brief = answers(f"{STAMPS[N]},5", f"{STAMPS[N + 2]},", f"{STAMPS[N + 3]},6")
    assert brief == [written[0], *written[2:]]
    assert brief[1]["y"] == 0
    unread = answers(f"{STAMPS[N]},5", f"{STAMPS[N + 1]},0", f"{STAMPS[N + 2]},abc")
    assert unread[2]["y"] is None  # what cannot be read is unknown, and no 0


def test_other_tasks_count_nothing_as_zero():
    with pytest.raises(ConfigError, match=r'data.missing is "zero"; expected one of refuse, ffill, interpolate, mask'):
        config_from_mapping({"task": "regress", "data": {"path": "d.csv", "missing": "zero"}})
