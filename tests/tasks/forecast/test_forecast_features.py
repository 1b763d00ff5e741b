"""A panel as features: encoded by its training rows, with the calendar, and with what is known of the rows ahead."""

import json

import numpy as np
import pytest
from panels import panel_of, refused

from rnncli.errors import ConfigError, DataError
from rnncli.tasks.forecast.config import SeriesConfig
from rnncli.tasks.forecast.features import Encoders, Fitted, last_contexts
from rnncli.tasks.forecast.splits import Divided
from rnncli.tasks.forecast.windows import Windowing

OPTIONS = {"target": "y", "past_covariates": "p", "known_covariates": ["k", "w"], "static": "zone"}
TEXT = (
    "unique_id,ds,y,p,k,w,zone\n"
    "A,2024-01-01,1,2,0,a,x\nA,2024-01-02,2,4,2,b,x\nA,2024-01-03,3,6,4,a,x\nA,2024-01-04,,,6,b,x\nA,2024-01-05,,,8,c,x\n"
    "B,2024-01-02,5,2,1,b,y\nB,2024-01-03,7,4,3,b,y\nB,2024-01-04,,,5,a,y\nB,2024-01-05,,,7,a,y\n"
)


def encoders(panel, rows, calendar=False):
    return Encoders.fit(panel, np.array(rows), calendar)


def test_every_kind_of_column_becomes_features():
    panel = panel_of(TEXT, **OPTIONS)
    made = encoders(panel, [0, 1, 2])  # of A alone: p 2 4 6, k 0 2 4
    spread = np.sqrt(8 / 3)
    features = made.features(panel)
    assert features.past[:, 0] == pytest.approx((np.array([2, 4, 6, 2, 4]) - 4) / spread)
    assert features.known_covariates[:, 0] == pytest.approx((np.array([0, 2, 4, 1, 3]) - 2) / spread)
    assert features.known_covariates[:, 1:].tolist() == [[1, 0], [0, 1], [1, 0], [0, 1], [0, 1]]
    assert features.static.tolist() == [[1, 0], [0, 1]]
    assert features.series.tolist() == [0, 0, 0, 1, 1]
    assert made.sizes(panel) == {"past": 1, "known_covariates": 3, "static": 2}
    assert Encoders.from_header(json.loads(json.dumps(made.to_header()))) == made


def test_what_is_known_ahead_is_encoded_likewise():
    panel = panel_of(TEXT, **OPTIONS)
    made = encoders(panel, [0, 1, 2])
    spread = np.sqrt(8 / 3)
    assert made.after(panel, 0, 2, 2)[:, 0] == pytest.approx([4 / spread, 6 / spread])
    assert made.after(panel, 0, 2, 2)[:, 1:].tolist() == [[0, 1], [0, 0]]  # c was never seen
    assert made.after(panel, 1, 1, 1)[:, 1:].tolist() == [[1, 0]]


def test_the_last_contexts_end_with_what_is_known_ahead():
    panel = panel_of(TEXT, **OPTIONS)
    made = encoders(panel, [0, 1, 2])
    windowing = Windowing(2, 1, 1, "none", None, (np.zeros((2, 1)), np.ones((2, 1))))
    contexts = last_contexts(panel, made, windowing, 2)
    assert contexts.values[:, :, 0].T.tolist() == [[2, 3], [5, 7]]
    k = (np.array([[2, 4, 6, 8], [1, 3, 5, 7]]) - 2) / np.sqrt(8 / 3)
    assert contexts.known_covariates[:, :, 0].T == pytest.approx(k)
    assert contexts.static.tolist() == [[1, 0], [0, 1]]


def test_the_calendar_goes_on_over_the_rows_ahead():
    panel = panel_of(TEXT, **OPTIONS)
    made = encoders(panel, [0, 1, 2], calendar=True)
    assert made.sizes(panel)["known_covariates"] == 3 + 4
    weekday = np.array([0, 1, 2, 3, 4])  # 2024-01-01 is a Monday
    sines = np.sin(2 * np.pi * weekday / 7)
    assert made.features(panel).known_covariates[:, 3] == pytest.approx([*sines[:3], *sines[1:3]])
    assert made.after(panel, 0, 2, 2)[:, 3] == pytest.approx(sines[3:])


@pytest.mark.parametrize(
    ("series", "count", "which"),
    [
        (0, 3, '"A" end too early: 2024-01-06 is missing'),
        (1, 5, '"B" end too early: 2024-01-06 to 2024-01-08 are missing'),
    ],
)
def test_rows_ahead_that_are_missing_are_named(series, count, which):
    panel = panel_of(TEXT, **OPTIONS)
    assert refused(DataError, encoders(panel, [0, 1]).after, panel, series, count, 9) == (
        f'the known covariates "k", "w" of the series {which}; give them to predict by --future FILE or in '
        "rows of DATA without a target, or train with data.future, or pass --horizon 2"  # which all series have
    )


def test_only_covariates_that_end_too_early_are_named_and_no_horizon_where_there_is_none():
    panel = panel_of(TEXT.replace("A,2024-01-05,,,8", "A,2024-01-05,,,"), **OPTIONS)
    said = refused(DataError, encoders(panel, [0, 1]).after, panel, 0, 2, 2)
    assert said.startswith('the known covariates "k" of the series "A" end too early: 2024-01-05 is missing;')
    assert said.endswith("or pass --horizon 1")
    bare = panel_of("y,k\n1,1\n2,5\n", target="y", known_covariates="k")
    assert refused(DataError, encoders(bare, [0, 1]).after, bare, 0, 1, 1).endswith("or train with data.future")


def test_rows_ahead_that_are_missing_are_counted_where_there_are_no_times():
    panel = panel_of("y,k\n1,1\n2,5\n,7\n", target="y", known_covariates="k")
    made = encoders(panel, [0, 1])
    assert "early: row 2 after its end is missing;" in refused(DataError, made.after, panel, 0, 2, 2)
    assert "early: row 2 after its end to row 4 after its end are" in refused(DataError, made.after, panel, 0, 4, 4)
    assert encoders(panel_of("y\n1\n2\n"), [0, 1]).after(panel_of("y\n1\n2\n"), 0, 9, 9).shape == (9, 0)


def fitted(text, ends, **data):
    panel = panel_of(text, **data)
    return panel, Fitted.to(Divided(panel, np.array(ends), "d.csv"), SeriesConfig(encoding="utf-8", **data), "d.csv")


SERIES = [f"A,{t},{100 + 2 * t + 20 * np.sin(np.pi * t / 3)},{t % 3},{'ab'[t % 2]}" for t in range(60)]
SERIES += [f"B,{t},{10 + np.sin(t)},{t % 5},{'ab'[t % 2]}" for t in range(40)]
HEADER = "unique_id,ds,y,p,w\n"


def test_later_rows_change_nothing_that_is_fitted():
    ends = [[50, 60, 60], [30, 35, 40]]
    options = {"past_covariates": ["p", "w"], "transform": "box-cox", "season": 6, "target": "y"}
    later = [
        row
        if int(row.split(",")[1]) < (50 if row[0] == "A" else 30)
        else f"{row[:1]},{row.split(',')[1]},{1e3 * 1.2 ** int(row.split(',')[1]) * (2 + k % 2)},777,new"
        for k, row in enumerate(SERIES)
    ]
    _, before = fitted(HEADER + "\n".join(SERIES), ends, **options)
    _, after = fitted(HEADER + "\n".join(later), ends, **options)
    assert after.to_header() == before.to_header()
    assert before.power > 0.8  # the later rows would make it small


def test_whole_series_are_centred_each_by_its_own_training_rows():
    panel, made = fitted("unique_id,ds,y\nA,1,1\nA,2,3\nA,3,99\nB,1,-5\nB,2,-5\nB,3,0\n", [[2, 3, 3], [0, 3, 3]])
    assert [part[:, 0].tolist() for part in made.fixed] == [[2, -5], [1, 1]]
    again = Fitted.from_header(json.loads(json.dumps(made.to_header())))
    assert again.to_header() == made.to_header()
    others = panel_of("unique_id,ds,y\nC,1,10\nC,2,14\nA,1,50\nA,2,60\n")
    moved = made.for_series(others, panel.ids, SeriesConfig(encoding="utf-8"))
    assert [part[:, 0].tolist() for part in moved.fixed] == [[12, 2], [2, 1]]


def test_a_calendar_needs_times():
    assert refused(ConfigError, fitted, "y\n1\n2\n", [[2, 2, 2]], calendar=True).startswith(
        "data.calendar: needs a time column; name it in data.time"
    )


def test_a_transform_that_the_data_do_not_have():
    assert refused(DataError, fitted, "y\n1\n0\n", [[2, 2, 2]], transform="log") == (
        "d.csv: data.transform log needs values that are positive, and the lowest is 0; take another transform"
    )
