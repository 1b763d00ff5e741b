"""What a model file keeps of a panel comes back the same, and what cannot have been kept is refused."""

import json

import numpy as np
import pytest
from panels import panel_of, read

from rnncli.tasks.forecast.panel import Panel, continued, stacked

LONG = (
    "unique_id,ds,y,z,promo,word,past,zone,area\n"
    "A,2024-01-01,1,5,0,a,3,x,1.5\nA,2024-01-03,,6,1,,4,x,1.5\nA,2024-01-04,3,7,1,a,5,x,1.5\n"
    "A,2024-01-05,,,1,b,,x,1.5\nA,2024-01-06,,,0,a,,x,1.5\n"
    "B,2024-02-01,10,1,0,c,0,y,2\nB,2024-02-02,12,,0,c,1,y,2\n"
)
OPTIONS = {
    "target": ["y", "z"],
    "known_covariates": ["promo", "word"],
    "past_covariates": "past",
    "static": ["zone", "area"],
    "missing": "mask",
}
TABLES = {
    "everything": (LONG, OPTIONS),
    "without times": ("a,b\n1,2\n3,5\n", {}),
    "rows": ("id,1,2,3\nA,1,2,\nB,3,4,5\n", {"layout": "rows"}),
    "odd names": ("item_id,t,y,é ␛.1\nα,1,1,2\nα,2,2,3\n", {"past_covariates": "é ␛.1"}),
}


def assert_equal(one, other):
    assert (one.ids, one.timelines) == (other.ids, other.timelines)
    for name in ("starts", "values", "known"):
        assert getattr(one, name).dtype == getattr(other, name).dtype
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    groups = [(one.past, other.past), (one.known_covariates, other.known_covariates), (one.static, other.static)]
    for ours, theirs in (*groups, *zip(one.coming, other.coming, strict=True)):
        assert list(ours) == list(theirs)
        for name in ours:
            assert ours[name].dtype.kind == theirs[name].dtype.kind
            np.testing.assert_array_equal(ours[name], theirs[name])


def through_json(panel):
    header, arrays = panel.to_header()
    return Panel.from_header(json.loads(json.dumps(header)), arrays)


@pytest.mark.parametrize("name", TABLES)
def test_a_panel_comes_back_as_it_was(name):
    text, options = TABLES[name]
    panel = panel_of(text, **options)
    assert_equal(through_json(panel), panel)
    assert_equal(stacked([panel.one(s) for s in range(len(panel.ids))]), panel)


def test_what_is_ahead_comes_back_and_the_last_rows_are_enough():
    panel = panel_of(LONG, **OPTIONS)
    short = through_json(panel.lasting(2))
    assert short.lengths.tolist() == [2, 2]
    assert short.values.tolist() == [[1, 6], [3, 7], [10, 1], [12, 1]]
    assert short.known.tolist() == [[False, True], [True, True], [True, True], [True, False]]
    assert short.coming[0]["promo"].tolist() == [1, 0]
    assert short.coming[0]["word"].tolist() == ["b", "a"]
    assert short.coming[1]["word"].tolist() == []
    assert panel.lasting(99).lengths.tolist() == [4, 2]


def test_rows_that_follow_are_put_below_and_what_is_missing_first_is_what_came_before():
    panel = panel_of("unique_id,ds,y,w\nA,1,1,a\nA,2,2,b\nB,1,5,a\nB,2,6,b\n", known_covariates="w")
    columns = read("unique_id,ds,y,w\nA,1,1,a\nA,2,2,b\n", known_covariates="w")[1]
    more, _ = read("unique_id,ds,y,w\nA,3,,long word\nA,4,9,c\nA,5,,d\n", columns=columns, missing="mask")
    whole = continued(panel, more)
    assert whole.values[:, 0].tolist() == [1, 2, 2, 9, 5, 6]
    assert whole.known[:, 0].tolist() == [True, True, False, True, True, True]
    assert whole.starts.tolist() == [0, 4, 6]
    assert whole.known_covariates["w"].tolist() == ["a", "b", "long word", "c", "a", "b"]
    assert [one["w"].tolist() for one in whole.coming] == [["d"], []]
    assert [timeline.last for timeline in whole.timelines] == ["4", "2"]


def damaged(change):
    header, arrays = panel_of(LONG, **OPTIONS).to_header()
    change(header, arrays)
    with pytest.raises((KeyError, ValueError)):
        Panel.from_header(header, arrays)


DAMAGE = {
    "fewer rows": lambda header, arrays: header.update(lengths=[4, 1]),
    "no series": lambda header, arrays: header.update(ids=[], lengths=[]),
    "an empty series": lambda header, arrays: header.update(lengths=[6, 0]),
    "negative": lambda header, arrays: header.update(lengths=[-1, 7]),
    "one name twice": lambda header, arrays: header.update(ids=["A", "A"]),
    "one name too many": lambda header, arrays: header.update(ids=["A", "B", "C"]),
    "known of another shape": lambda header, arrays: arrays.update({"panel.known": np.ones((6, 1), np.uint8)}),
    "values without columns": lambda header, arrays: arrays.update(
        {"panel.values": np.ones(6), "panel.known": np.ones(6, np.uint8)}
    ),
    "a short covariate": lambda header, arrays: arrays.update({"panel.past.past": np.ones(3)}),
    "short words": lambda header, arrays: header["words"].update({"ahead.word": ["a"]}),
    "a static value too many": lambda header, arrays: arrays.update({"panel.static.area": np.ones(3)}),
    "a column without values": lambda header, arrays: arrays.pop("panel.ahead.promo"),
    "covariates ahead of two sides": lambda header, arrays: arrays.update({"panel.coming.0.promo": np.ones((2, 2))}),
    "a timeline too few": lambda header, arrays: header["timelines"].pop(),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_what_cannot_have_been_saved_is_refused(how):
    damaged(DAMAGE[how])
