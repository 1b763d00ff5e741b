"""A CSV as series on regular grids: gaps, duplicates and covariates under every switch, and every refusal."""

import tracemalloc

import numpy as np
import pytest
from panels import days, panel_of, read, refused, source

from rnncli.errors import ConfigError, DataError, UsageError
from rnncli.tasks.forecast.config import SeriesConfig
from rnncli.tasks.forecast.panel_tables import separate, with_future

SWITCHES = "--missing ffill|interpolate|mask|zero says what to do"


def table(header, rows):
    return "\n".join([header, *rows, ""])


def column(*cells, name="y"):
    """Days from 2024-01-01 on with these cells, those that are None being left out."""
    return table(f"ds,{name}", [f"{d},{c}" for d, c in zip(days(len(cells)), cells, strict=True) if c is not None])


def listed(panel):
    return [
        [row[0] if len(row) == 1 else row for row in panel.values[panel.rows(s)].tolist()]
        for s in range(len(panel.ids))
    ]


@pytest.mark.parametrize(
    ("ends", "offered"),
    [
        (["5,,0", "6,,1"], "v"),
        ([",,0", ",,1"], "'[u, v]'"),
        (["5,,0", "6,7,1"], None),
    ],
)
def test_columns_that_end_before_others_are_offered_as_targets(ends, offered):
    rows = ["1,4,0", "2,3,1", "5,9,0", "3,6,1", *ends]
    text = table("ds,u,v,w", [f"{d},{row}" for d, row in zip(days(len(rows)), rows, strict=True)])
    first = f"if the last rows are those to forecast, --set data.target={offered}; else " if offered else ""
    assert refused(DataError, read, text).endswith(f"this is the first; {first}{SWITCHES}")
    if offered:
        chosen = offered.strip("'[]").split(", ")
        assert len(read(text, target=chosen)[0].values) == 4
        if len(chosen) == 1:
            assert "if the last rows" not in refused(DataError, read, text, target=["u", "v"])


# Layouts.

INTERLEAVED = table(
    "unique_id,ds,y",
    ["B,2024-01-01,1", "A,2024-03-05,10", "B,2024-01-02,2", "A,2024-03-06,30", "B,2024-01-03,4"],
)


def test_interleaved_series_are_taken_apart_in_the_order_of_their_first_rows():
    panel = panel_of(INTERLEAVED)
    assert panel.ids == ("B", "A")
    assert listed(panel) == [[1, 2, 4], [10, 30]]
    assert panel.starts.tolist() == [0, 3, 5]
    assert [timeline.last for timeline in panel.timelines] == ["2024-01-03", "2024-03-06"]
    assert panel.known.all()


def test_ids_that_differ_only_by_spaces_are_one_and_numbers_are_names():
    panel = panel_of("unique_id,ds,y\n 7,2024-01-01,1\n7 ,2024-01-02,2\n07,2024-01-01,5\n07,2024-01-02,6\n")
    assert (panel.ids, listed(panel)) == (("7", "07"), [[1, 2], [5, 6]])


@pytest.mark.parametrize("blank", ["", "  "])
def test_a_row_without_an_id_is_refused(blank):
    assert refused(DataError, read, f"unique_id,ds,y\nA,2024-01-01,1\n{blank},2024-01-02,2\n") == (
        'd.csv:3: column 1 "unique_id": nothing says which series the row is of; write it, or remove the row'
    )


def test_without_times_rows_follow_each_other():
    panel = panel_of(INTERLEAVED.replace("2024-01-02", "2023-09-09"), time="none")
    assert (listed(panel), panel.timelines) == ([[1, 2, 4], [10, 30]], ())
    gappy = panel_of(column(1, None, 5), time="none")
    assert listed(gappy) == [[1, 5]]


WIDE = table("day;a;b;c", ["2024-01-01;1;;7,5", "2024-01-02;2;;8", "2024-01-03;3;5;", "2024-01-04;4;6;9"])


def test_columns_side_by_side_are_one_panel_or_one_each():
    joint = panel_of(WIDE, decimal=",", missing="mask")
    assert joint.ids == ("",)
    assert joint.values.tolist() == [[1, 5, 7.5], [2, 5, 8], [3, 5, 8], [4, 6, 9]]
    assert joint.known.tolist() == [[True, False, True], [True, False, True], [True, True, False], [True] * 3]
    apart = separate(joint, ("a", "b", "c"))
    assert apart.ids == ("a", "b", "c")
    assert listed(apart) == [[1, 2, 3, 4], [5, 6], [7.5, 8, 8, 9]]  # b begins with its first value
    assert apart.known[:, 0].tolist() == [True] * 4 + [True] * 2 + [True, True, False, True]
    assert [apart.timelines[s].stamp(1 - int(n)) for s, n in enumerate(apart.lengths)] == [
        "2024-01-01",
        "2024-01-03",
        "2024-01-01",
    ]
    assert listed(separate(joint, ("a", "b", "c"), goes_on=True))[1] == [5, 5, 5, 6]


def test_columns_of_their_own_share_their_covariates():
    panel = panel_of(
        "ds,a,b,p,s\n2024-01-01,1,,10,x\n2024-01-02,2,8,20,x\n2024-01-03,,,30,x\n",
        target=["a", "b"],
        known_covariates="p",
        static="s",
        missing="mask",
    )
    apart = separate(panel, ("a", "b"))
    assert apart.known_covariates["p"].tolist() == [10, 20, 20]
    assert [coming["p"].tolist() for coming in apart.coming] == [[30], [30]]
    assert apart.static["s"].tolist() == ["x", "x"]


M4 = table(
    ",".join(f'"V{i}"' for i in range(1, 12)),
    ['"Y1",1,2,3,4,5,6,7,8,9,', '"Y2","7","8",,,,,,,,', '"Y3",,,4,,,,,,,'],
)


def test_rows_of_unequal_length_end_with_their_last_value():
    panel = panel_of(M4, missing="mask")  # no series reaches V11
    assert panel.ids == ("Y1", "Y2", "Y3")
    assert listed(panel) == [[1, 2, 3, 4, 5, 6, 7, 8, 9], [7, 8], [4, 4, 4]]
    assert panel.known[-3:, 0].tolist() == [False, False, True]
    assert (panel.timelines, panel.coming) == ((), ({}, {}, {}))


def test_gaps_in_rows_are_filled_as_asked():
    text = "id;1;2;3;4\nA;1;NA;4;NA\nB;1,5;2;;3,5\n"
    assert listed(panel_of(text, layout="rows", missing="interpolate", decimal=",")) == [
        [1, 2.5, 4],
        [1.5, 2, 2.75, 3.5],
    ]
    assert listed(panel_of(text, layout="rows", missing="ffill", decimal=",")) == [[1, 1, 4], [1.5, 2, 2, 3.5]]


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ("A,1,2\n,3,4", 'd.csv:3: column 1 "id": the series has no name; write one'),
        ("A,1,2\nA ,3,4", 'd.csv:3: the series "A" is on line 2 too; rename one'),
        ("A,1,2\nB,,NA", 'd.csv:3: the series "B" has no values; remove the row'),
        ("A,1,2\nB,,3", f'd.csv:3: column 2 "1": a value of the series "B" is missing; {SWITCHES}'),
        ("A,1,2\nB,3,x", 'd.csv:3: column 3 "2": "x" is not a number'),
        ("A,1,2\nB,1e309,3", 'd.csv:3: column 2 "1": "1e309" is not finite in double precision; rescale'),
        ("A,1,2\nB,3,1e40", 'd.csv:3: column 3 "2": values up to 1e40 overflow float32; rescale'),
    ],
)
def test_rows_that_are_refused(rows, why):
    assert refused(DataError, read, f"id,1,2\n{rows}\n", layout="rows") == why


def test_a_row_that_ffill_cannot_begin():
    assert refused(DataError, read, "id,1,2\nA,,2\n", layout="rows", missing="ffill") == (
        'd.csv:2: the first value of the series "A" is missing, so ffill has nothing to repeat; begin with a value or '
        "use --missing interpolate or mask"
    )


def test_an_id_column_alone_is_no_row_of_values():
    assert "has one column" in refused(DataError, read, "id\nA\nB\n", layout="rows")


# Gaps and duplicates.

GAPS = column(1, None, "", 4, 6, None, 8)


@pytest.mark.parametrize(
    ("how", "wanted"),
    [("ffill", [1, 1, 1, 4, 6, 6, 8]), ("mask", [1, 1, 1, 4, 6, 6, 8]), ("interpolate", [1, 2, 3, 4, 6, 7, 8])],
)
def test_rows_and_cells_that_are_missing_are_filled(how, wanted):
    panel = panel_of(GAPS, missing=how)
    assert listed(panel) == [wanted]
    assert panel.known[:, 0].tolist() == [True, False, False, True, True, False, True]


def test_gaps_are_refused_with_the_switch_that_fills_them():
    assert refused(DataError, read, column(1, 2, None, 4)).startswith(
        'd.csv:4: column 1 "ds": "2024-01-04" comes after'
    )
    assert refused(DataError, read, column(1, 2, "", "NA", 4)) == (
        f'd.csv:4: column 2 "y": 2 of 5 values are missing, this is the first; {SWITCHES}'
    )


@pytest.mark.parametrize(("how", "first"), [("mask", 3), ("interpolate", 3)])
def test_a_gap_at_the_beginning_takes_the_first_value(how, first):
    panel = panel_of(column("", "", 3, 4), missing=how)
    assert listed(panel) == [[first, first, 3, 4]]
    assert panel.known[:, 0].tolist() == [False, False, True, True]


def test_a_gap_at_the_beginning_has_nothing_for_ffill():
    text = "unique_id,ds,y\nA,2024-01-01,1\nA,2024-01-02,2\nB,2024-01-01,\nB,2024-01-02,2\n"
    assert refused(DataError, read, text, missing="ffill") == (
        'd.csv:4: column 3 "y": the first value of the series "B" is missing, so ffill has nothing to repeat; remove '
        "the row or use --missing interpolate or mask"
    )


TWICE = table("ds,y,w", ["2024-01-01,1,a", "2024-01-02,2,b", "2024-01-02,,c", "2024-01-02,6,d", "2024-01-03,9,e"])


@pytest.mark.parametrize(
    ("how", "wanted", "words"),
    [("first", [1, 2, 9], ["a", "b", "e"]), ("last", [1, 6, 9], ["a", "d", "e"]), ("mean", [1, 4, 9], ["a", "b", "e"])],
)
def test_rows_of_one_time_are_merged(how, wanted, words):
    panel = panel_of(TWICE, duplicates=how, missing="mask", past_covariates="w")
    assert listed(panel) == [wanted]
    assert panel.past["w"].tolist() == words
    assert panel.known.all()


def test_rows_of_one_time_are_refused_with_the_switch_that_merges_them():
    message = refused(DataError, read, TWICE, missing="mask", past_covariates="w")
    assert message.startswith('d.csv:4: column 1 "ds": "2024-01-02" occurs twice; expected "2024-01-03"')
    assert "--duplicates first|last|mean|sum" in message


@pytest.mark.parametrize(("how", "wanted"), [("first", 2), ("last", 4), ("mean", 3)])
def test_a_gap_does_not_make_up_for_a_duplicate(how, wanted):
    """As many rows as steps, and yet not one for each."""
    text = table("ds,y,x", ["2024-01-01,1,5", "2024-01-02,2,6", "2024-01-02,4,8", "2024-01-04,7,9"])
    panel = panel_of(text, duplicates=how, missing="mask", target="y", past_covariates="x")
    assert listed(panel) == [[1, wanted, wanted, 7]]
    assert panel.known[:, 0].tolist() == [True, True, False, True]
    assert panel.past["x"].tolist() == [5, wanted + 4, wanted + 4, 9]


def test_an_all_missing_column_and_a_series_without_a_value():
    assert refused(DataError, read, "ds,a,b\n2024-01-01,1,\n2024-01-02,2,\n", target=["a", "b"], missing="mask") == (
        'd.csv: column 3 "b" has no values'
    )
    text = "unique_id,ds,y\nA,2024-01-01,1\nA,2024-01-02,2\nB,2024-01-01,\nB,2024-01-02,NA\n"
    assert refused(DataError, read, text, missing="mask") == (
        'd.csv:4: column 3 "y": the series "B" has no value in it; remove its rows, or leave the column out'
    )
    text = "unique_id,ds,y,x\nA,2024-01-01,1,1\nA,2024-01-02,2,1\nB,2024-01-01,,1\nB,2024-01-02,,1\n"
    assert refused(DataError, read, text, known_covariates="x") == (
        'd.csv:4: the series "B" has no value; remove its rows'
    )


def test_a_slip_in_a_year_is_named_and_makes_no_rows_without_end():
    rows = [f"2024-01-01 00:00:{k:02}" for k in range(60)] + ["2042-01-01 00:01:00"]
    text = table("ds,y", [f"{stamp},{k}" for k, stamp in enumerate(rows)])
    tracemalloc.start()
    message = refused(DataError, read, text, missing="ffill")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    gap = (np.datetime64("2042-01-01T00:01:00") - np.datetime64("2024-01-01T00:00:59")).astype(int) - 1
    assert message == (
        f'd.csv:62: {gap:,} rows are missing before "2042-01-01 00:01:00", too many to fill in; correct the time, or '
        "leave the times out with --set data.time=none"
    )
    assert most < 10_000_000


def test_long_gaps_are_filled_as_long_as_they_are_few():
    text = table("t,y", [f"{k},{k}" for k in (*range(100), 99_999)])
    assert len(panel_of(text, missing="ffill", time="t").values) == 100_000
    text = table("t,y", [f"{k},{k}" for k in (*range(100), 100_000)])
    assert "d.csv:102: 99,900 rows are missing" in refused(DataError, read, text, missing="ffill", time="t")
    text = table("t,y", [f"{k},{k}" for k in (*range(6000), 110_000)])
    assert len(panel_of(text, missing="ffill", time="t").values) == 110_001  # less than 20 times as many


def test_long_gaps_of_many_series_are_counted_together():
    rows = [f"{s},{t},1" for s in range(150) for t in (0, 1, 90_000 + s)]
    message = refused(DataError, read, table("item_id,t,y", rows), missing="mask")
    assert message.startswith('d.csv:451: 90,147 rows are missing before "90149"')


# Covariates.

KNOWN = table(
    "ds,y,promo,holiday,temp",
    ["2024-01-01,1,0,,5", "2024-01-02,2,1,xmas,6", "2024-01-03,,1,,", "2024-01-04,,0,new year,", "2024-01-05,,,,"],
)


def test_rows_beyond_the_last_target_say_what_is_known_beforehand():
    panel = panel_of(KNOWN, target="y", known_covariates=["promo", "holiday"], past_covariates="temp")
    assert listed(panel) == [[1, 2]]
    assert panel.past["temp"].tolist() == [5, 6]
    assert panel.known_covariates["promo"].tolist() == [0, 1]
    assert panel.known_covariates["holiday"].tolist() == ["", "xmas"]
    assert panel.coming[0]["promo"].tolist() == [1, 0]  # until the first blank
    assert panel.coming[0]["holiday"].tolist() == ["", "new year", ""]  # blank is a day like any other
    assert panel.timelines[0].last == "2024-01-02"


def test_a_blank_word_ahead_is_missing_where_the_data_have_none():
    panel = panel_of(KNOWN.replace("0,,5", "0,none,5"), target="y", known_covariates=["holiday"])
    assert panel.coming[0]["holiday"].tolist() == []
    panel = panel_of(
        KNOWN.replace("0,,5", "0,none,5").replace("1,,\n", "1,none,\n"), target="y", known_covariates=["holiday"]
    )
    assert panel.coming[0]["holiday"].tolist() == ["none", "new year"]


@pytest.mark.parametrize("missing", ["refuse", "ffill", "interpolate", "mask"])
def test_rows_at_the_end_with_a_time_and_no_value_are_those_to_forecast(missing):
    notes = []
    panel, _ = read(KNOWN, notes, target="y", missing=missing)
    assert listed(panel) == [[1, 2]]
    assert panel.timelines[0].stamp(1) == "2024-01-03"
    assert notes == [
        "columns left out, as no key of the config names them: promo, holiday, temp",
        "the last 3 rows have a time and no value: they are taken for the rows to forecast",
    ]


def test_without_times_a_missing_target_at_the_end_is_missing():
    text = "y\n1\n2\nNA\n"
    assert refused(DataError, read, text).startswith('d.csv:4: column 1 "y": 1 of 3 values is missing')
    assert listed(panel_of(text, missing="mask")) == [[1, 2, 2]]


def test_missing_numbers_of_covariates_are_refused_before_the_last_target_only():
    text = KNOWN.replace("2,1,xmas,6", "2,1,xmas,").replace("0,,5", ",,5")
    assert refused(DataError, read, text, target="y", known_covariates="holiday", past_covariates="temp") == (
        f'd.csv:3: column 5 "temp": 1 of 2 values is missing, this is the first; {SWITCHES}'
    )
    assert refused(DataError, read, text, target="y", known_covariates="promo") == (
        f'd.csv:2: column 3 "promo": 1 of 2 values is missing, this is the first; {SWITCHES}'
    )


def test_a_covariate_that_has_values_only_after_the_targets_is_not_made_up():
    text = table("ds,y,p,x", ["2024-01-01,1,,1", "2024-01-02,2,,1", "2024-01-03,,4,1"])
    options = {"target": "y", "past_covariates": "p", "known_covariates": "x"}
    assert "2 of 2 values are missing" in refused(DataError, read, text, **options)
    assert refused(DataError, read, text, missing="mask", **options) == (
        'd.csv:2: column 3 "p": the series has no value in it; remove its rows, or leave the column out'
    )


def test_a_past_covariate_that_begins_late_is_not_filled_from_what_comes():
    text = table("ds,y,p", ["2024-01-01,1,", "2024-01-02,2,7", "2024-01-03,3,8"])
    for how in ("mask", "interpolate", "ffill"):
        assert refused(DataError, read, text, target="y", past_covariates="p", missing=how) == (
            'd.csv:2: column 3 "p": the first value of the series is missing, and what comes later cannot stand for '
            "it; remove the rows before its first value, or leave the column out"
        )
    assert panel_of(text, target="y", known_covariates="p", missing="mask").known_covariates["p"].tolist() == [7, 7, 8]


def test_covariates_are_filled_on_the_grid_of_their_series():
    rows = ["2024-01-01,1,10,100,a", "2024-01-03,3,30,300,b", "2024-01-04,4,,,c", "2024-01-05,5,50,500,d"]
    panel = panel_of(
        table("ds,y,p,k,w", rows), target="y", past_covariates="p", known_covariates=["k", "w"], missing="interpolate"
    )
    assert listed(panel) == [[1, 2, 3, 4, 5]]
    assert panel.known_covariates["k"].tolist() == [100, 200, 300, 400, 500]
    assert panel.past["p"].tolist() == [10, 10, 30, 30, 50]  # what comes later was not known yet
    assert panel.known_covariates["w"].tolist() == ["a", "a", "b", "c", "d"]


def test_rows_ahead_are_merged_and_end_at_a_gap():
    rows = ["2024-01-01,1,1", "2024-01-02,2,2", "2024-01-03,,3", "2024-01-03,,5", "2024-01-04,,7", "2024-01-06,,9"]
    text = table("ds,y,k", rows)
    for how, wanted in (("first", 3), ("last", 5), ("mean", 4)):
        panel = panel_of(text, target="y", known_covariates="k", missing="mask", duplicates=how)
        assert panel.coming[0]["k"].tolist() == [wanted, 7]


STATIC = "item_id,timestamp,target,zone,area\nA,1,1,x,5\nA,2,2,x,5\nB,1,3,y,7\nB,2,4,y,7\n"


def test_static_columns_have_one_value_a_series():
    panel = panel_of(STATIC, static=["zone", "area"])
    assert panel.static["zone"].tolist() == ["x", "y"]
    assert panel.static["area"].tolist() == [5, 7]


@pytest.mark.parametrize(("key", "old", "new", "number"), [("zone", "4,y", "4,x", 4), ("area", "y,7\n", "y,8\n", 5)])
def test_a_static_column_that_changes_is_refused_with_its_line(key, old, new, number):
    text = STATIC[::-1].replace(old[::-1], new[::-1], 1)[::-1]
    assert refused(DataError, read, text, static=key) == (
        f'd.csv:5: column {number} "{key}": is static, and changes within the series "B"; name it in '
        "data.past_covariates or data.known_covariates"
    )


def test_a_static_number_that_is_missing_does_not_change():
    text = STATIC.replace("3,y,7", "3,y,")
    why = 'd.csv:4: column 5 "area": the static value of the series "B" is missing; write it in each row'
    assert refused(DataError, read, text, static="area") == why
    assert panel_of(text, static="area", missing="mask").static["area"].tolist() == [5, 7]
    assert refused(DataError, read, text.replace("4,y,7", "4,y,"), static="area", missing="mask") == why


def test_words_stay_words_and_numbers_numbers_where_a_model_says_so():
    columns = read(STATIC.replace("x", "1").replace("y,", "2a,"), static="zone")[1]
    assert columns.words == ("zone",)
    panel = panel_of(STATIC.replace("x", "1").replace("y,", "1,"), columns=columns)
    assert panel.static["zone"].tolist() == ["1", "1"]
    numbers = read(STATIC, static="area")[1]
    assert refused(DataError, read, STATIC.replace("x,5", "x,big"), columns=numbers) == (
        'd.csv:2: column 5 "area": "big" is not a number'
    )


def test_a_word_that_would_fill_the_memory_is_refused():
    text = STATIC.replace("1,x", "1," + "x" * 100_000)
    assert refused(DataError, read, text, static="zone") == (
        'd.csv:2: column 4 "zone": a word of 100,000 characters, and 200 are the most; shorten it, or leave the column '
        "out"
    )


# A second file.

LONG = table("unique_id,ds,y,k", [f"{s},{d},{k},{k}" for s in "AB" for k, d in enumerate(days(3))])
OPTIONS = {"known_covariates": "k"}


def coming(panel_text, text, options=OPTIONS, **data):
    data = {**options, **data}
    panel, columns = read(panel_text, **data)
    panel = with_future(panel, columns, source(text, "f.csv"), SeriesConfig(encoding="utf-8", **data))
    return [one[next(iter(one))].tolist() for one in panel.coming]


def future(*rows):
    return table("unique_id,ds,k", rows)


AHEAD = ["A,2024-01-04,7", "A,2024-01-05,8", "B,2024-01-04,9", "B,2024-01-05,6"]


def test_a_second_file_says_what_is_known_beforehand_and_its_overlap_is_passed_over():
    assert coming(LONG, future(*AHEAD)) == [[7, 8], [9, 6]]
    overlapping = [f"{s},{d},99" for s in "AB" for d in days(3)]
    assert coming(LONG, future(*overlapping, *AHEAD)) == [[7, 8], [9, 6]]
    assert coming(LONG, future("C,2024-01-01,3", *AHEAD[::-1])) == [[7, 8], [9, 6]]


def test_one_row_ahead_is_enough():
    assert coming(LONG, future(AHEAD[0], AHEAD[2])) == [[7], [9]]


def test_rows_ahead_of_the_table_itself_are_kept_after_those_of_the_second_file():
    three = "".join(f"{s},2024-01-0{d},,{d}\n" for s in "AB" for d in (4, 5, 6))
    longer = LONG + three
    assert coming(longer, future(AHEAD[0], *AHEAD[2:])) == [[7, 5, 6], [9, 6, 6]]
    nine = [f"A,2024-01-{d:02},{d}" for d in range(4, 12)]
    assert coming(longer, future(*nine, AHEAD[2])) == [list(range(4, 12)), [9, 5, 6]]


def test_the_second_file_adds_to_what_is_known_and_a_series_that_ended_before_others_may_lack_it():
    three = "".join(f"{s},2024-01-0{d},,{d}\n" for s in "AB" for d in (4, 5, 6))
    assert coming(LONG + three, future("A,2024-01-07,1", "A,2024-01-08,2")) == [[4, 5, 6, 1, 2], [4, 5, 6]]
    assert coming(LONG + three, future("A,2024-01-05,9", "B,2024-01-08,2")) == [[4, 9, 6], [4, 5, 6]]
    ended = LONG.replace("B,2024-01-03,2,2\n", "")
    assert coming(ended, future(*AHEAD[:2])) == coming(ended, future(*AHEAD[:2], "B,2024-01-09,9")) == [[7, 8], []]
    assert coming(ended, future(*AHEAD[:2], "B,2024-01-03,9")) == [[7, 8], [9]]


def test_a_row_that_the_second_file_lacks_is_named():
    assert refused(DataError, coming, LONG, future(*AHEAD[:2], AHEAD[3])) == (
        'f.csv: has no row of 2024-01-04, where the series "B" goes on; add it'
    )
    assert refused(DataError, coming, LONG, future(*AHEAD[:2])) == 'f.csv: has no rows of the series "B"; add them'
    assert coming(LONG, future(AHEAD[0], "A,2024-01-06,5", AHEAD[2]), missing="mask") == [[7], [9]]


def test_gaps_and_duplicates_of_the_second_file_do_not_shift_its_rows():
    rows = future("A,2024-01-01,1", "A,2024-01-04,2", "A,2024-01-04,4", "A,2024-01-05,8", *AHEAD[2:])
    for how, wanted in (("first", 2), ("last", 4), ("mean", 3)):
        assert coming(LONG, rows, missing="mask", duplicates=how) == [[wanted, 8], [9, 6]]
    assert refused(DataError, coming, LONG, rows) == (
        'f.csv:4: "2024-01-04" occurs twice; remove one, or merge such rows with --duplicates first|last|mean|sum'
    )


def test_a_blank_number_in_the_second_file_ends_what_is_known():
    assert coming(LONG, future(AHEAD[0], "A,2024-01-05,", *AHEAD[2:])) == [[7], [9, 6]]


def test_without_times_all_rows_of_the_second_file_are_ahead():
    assert coming("y,k\n1,1\n2,2\n", "k\n5\n6\n", {"target": "y", "known_covariates": "k"}) == [[5, 6]]


def test_columns_of_their_own_share_the_second_file():
    options = {"target": ["a", "b"], "known_covariates": "k"}
    panel, columns = read("ds,a,b,k\n2024-01-01,1,5,1\n2024-01-02,2,6,1\n", **options)
    apart = separate(panel, columns.targets)
    after = with_future(apart, columns, source("ds,k\n2024-01-03,4\n"), SeriesConfig(encoding="utf-8", **options))
    assert [one["k"].tolist() for one in after.coming] == [[4], [4]]


def test_a_second_file_without_its_columns_or_without_need():
    assert refused(UsageError, coming, LONG, future(*AHEAD).replace(",k", ",kk")) == (
        'no column "k" in f.csv; did you mean "kk"? columns: "unique_id", "ds", "kk"; the forecast needs it'
    )
    assert refused(ConfigError, coming, LONG, future(*AHEAD), {}) == (
        "data.future: tells known covariates, and data.known_covariates names none; remove one"
    )


# Notes.


def test_constant_columns_and_series_are_noted_once():
    notes = []
    read("a,b\n1,2\n1,3\n", notes, target=["a", "b"])
    assert notes == ['column "a" is constant; there is nothing in it to learn']
    notes.clear()
    _, columns = read("a,b\n1,2\n1,3\n", notes)
    assert columns.targets == ("b",)
    assert notes == ["columns left out: a (constant); name those to forecast in data.target"]
    notes.clear()
    rows = ["A,1,3", "A,2,3", "B,1,3", "B,2,4", "C,1,5", "C,2,5", "D,1,9"]
    read(table("item_id,t,y", rows), notes)
    assert notes == ['2 of 4 series are constant, the first being "A"; there is nothing in them to learn']


def test_series_of_mixed_sizes_keep_their_digits():
    panel = panel_of("item_id,t,y\nA,1,1e-9\nA,2,2e-9\nB,1,1e12\nB,2,3e12\nC,1,-5\nC,2,0.1\n")
    assert listed(panel) == [[1e-9, 2e-9], [1e12, 3e12], [-5, 0.1]]


def test_rows_are_sorted_by_their_times_where_that_is_asked_for():
    text = "d,y\n2024-01-03,3\n2024-01-01,1\n2024-01-02,2\n"
    assert "--sort" in refused(DataError, read, text)
    panel = panel_of(text, sort=True)
    assert listed(panel) == [[1, 2, 3]]
    assert panel.timelines[0].last == "2024-01-03"
    long = "item_id,d,y\nB,2024-01-02,4\nA,2024-01-02,2\nA,2024-01-01,1\nB,2024-01-01,3\n"
    assert sorted(zip(panel_of(long, sort=True).ids, listed(panel_of(long, sort=True)), strict=True)) == [
        ("A", [1, 2]),
        ("B", [3, 4]),
    ]
    twice = text.replace("2024-01-02,2", "2024-01-01,2")
    assert "d.csv:4" in refused(DataError, read, twice, sort=True)  # the line in the file, not after sorting
    assert "occurs twice" in refused(DataError, read, twice, sort=True)
