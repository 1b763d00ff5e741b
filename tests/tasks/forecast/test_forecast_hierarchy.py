"""Hierarchies: the sums of a long table as further series, what is refused, and what a sum's columns are."""

import numpy as np
import pytest
from panels import days, panel_of, read, refused, source

from rnncli.errors import ConfigError, DataError
from rnncli.notes import noting
from rnncli.tasks.forecast.config import SeriesConfig
from rnncli.tasks.forecast.hierarchy import Hierarchy
from rnncli.tasks.forecast.panel_tables import read_panel, with_future

SHOPS = {"A": "North", "B": "North", "C": "South"}
VALUES = {"A": [1, 2, 3, 4], "B": [10, 20, 30, 40], "C": [100, 200, 300, 400]}
BOTH = {"hierarchy": ["region", "shop"], "target": "y"}


def table(rows=None, header="region,shop,day,y"):
    """The rows of three shops, day by day; rows: lines in their place."""
    lines = [
        f"{SHOPS[shop]},{shop},{day},{value}"
        for shop, values in VALUES.items()
        for day, value in zip(days(4), values, strict=True)
    ]
    return "\n".join([header, *(lines if rows is None else rows), ""])


def lines(**changes):
    """The lines of `table` by number (the header is line 1), some of them changed, or left out where None."""
    made = dict(enumerate(table().splitlines()[1:], start=2))
    made |= {int(name[1:]): text for name, text in changes.items()}
    return [text for text in made.values() if text is not None]


def of(panel, name):
    return panel.values[panel.rows(panel.ids.index(name)), 0].tolist()


# Sums.


def test_every_level_is_a_series_from_the_top_down():
    panel, columns = read(table(), **BOTH)
    assert panel.ids == ("total,total", "North,total", "South,total", "North,A", "North,B", "South,C")
    assert of(panel, "total,total") == [111, 222, 333, 444]
    assert of(panel, "North,total") == [11, 22, 33, 44]
    assert of(panel, "South,total") == of(panel, "South,C") == [100, 200, 300, 400]
    assert {timeline.last for timeline in panel.timelines} == {"2024-01-04"}
    assert columns.cells(columns.id, "North,total") == {"region": "North", "shop": "total"}
    tree = Hierarchy.of(columns, panel.ids)
    assert tree.aggregation.tolist() == [[1, 1, 1], [1, 1, 0], [0, 0, 1]]
    assert (tree.names, tree.levels.tolist()) == (("total", "region", "shop"), [0, 1, 1, 2, 2, 2])
    assert tree.described() == "total, 2 of region, 3 of shop"
    assert tree.gaps(panel.values.reshape(6, 4).T[..., None]).tolist() == np.zeros((4, 3, 1)).tolist()


def test_one_column_has_a_total_and_its_series():
    panel, columns = read(table(), hierarchy="shop", target="y")
    assert panel.ids == ("total", "A", "B", "C")
    assert of(panel, "total") == [111, 222, 333, 444]
    assert columns.cells(columns.id, "total") == {"shop": "total"}
    assert Hierarchy.of(columns, panel.ids).names == ("total", "shop")


def test_an_id_of_more_columns_is_one_more_level():
    panel, columns = read(table(), hierarchy="region", id="shop", target="y")
    assert panel.ids[:4] == ("total,total", "North,total", "South,total", "North,A")
    assert Hierarchy.of(columns, panel.ids).names == ("total", "region", "shop")


def test_a_shop_that_opens_later_adds_nothing_before():
    notes = []
    panel, _ = read(table(lines(l2=None, l3=None)), notes, **BOTH)
    assert of(panel, "North,total") == [10, 20, 33, 44]
    assert of(panel, "total,total") == [110, 220, 333, 444]
    assert notes == [
        '1 of 3 series begin later than the others, "North,A" at 2024-01-03; before that they add 0 to the sums'
    ]


def test_a_sum_is_known_where_all_of_its_parts_are():
    panel = panel_of(table(lines(l3="North,A,2024-01-02,", l12=None)), missing="mask", **BOTH)
    known = {name: panel.known[panel.rows(s), 0].tolist() for s, name in enumerate(panel.ids)}
    assert known["North,total"] == [True, False, True, True]
    assert known["South,total"] == [True, True, False, True]
    assert known["total,total"] == [True, False, False, True]
    assert known["North,B"] == [True] * 4


def covered(shop, promo, kind):
    return [
        f"{SHOPS[shop]},{shop},{day},{3 if k < 3 else ''},{p},{kind}"
        for k, (day, p) in enumerate(zip(days(6), promo, strict=True))
    ]


def test_covariates_of_a_sum_are_the_mean_of_numbers_and_the_word_in_all():
    rows = [*covered("A", "100100", "kiosk"), *covered("B", "110000", "bakery"), *covered("C", "010111", "bakery")]
    text = table(rows, "region,shop,day,y,promo,kind")
    asked = {"known_covariates": ["promo"], "static": "kind", **BOTH}
    panel = panel_of(text, **asked)
    rows_of = panel.rows(1)
    assert panel.known_covariates["promo"][rows_of].tolist() == [1, 0.5, 0]
    assert panel.coming[1]["promo"].tolist() == [0.5, 0, 0]
    assert panel.coming[0]["promo"].tolist() == pytest.approx([2 / 3, 1 / 3, 1 / 3])
    assert panel.static["kind"].tolist() == ["total", "total", "bakery", "kiosk", "bakery", "bakery"]
    words = text.replace(",1,", ",yes,").replace(",0,", ",no,")
    assert panel_of(words, **asked).known_covariates["promo"][rows_of].tolist() == ["yes", "total", "no"]


def test_a_second_file_tells_the_covariates_of_the_lowest_level():
    rows = [f"{SHOPS[shop]},{shop},{day},3,1" for shop in SHOPS for day in days(3)]
    data = SeriesConfig(encoding="utf-8", known_covariates=["promo"], **BOTH)
    panel, columns, _ = read_panel(source(table(rows, "region,shop,day,y,promo")), data)
    ahead = [f"{SHOPS[shop]},{shop},2024-01-04,{value}" for shop, value in zip("CAB", (6, 3, 0), strict=True)]
    made = with_future(panel, columns, source(table(ahead, "region,shop,day,promo")), data)
    assert [one["promo"].tolist() for one in made.coming] == [[3], [1.5], [6], [3], [0], [6]]


# What is none.


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"l5": "South,A,2024-01-04,4"},
            'd.csv:5: shop "A" is in region "South", and in "North" on line 2; correct one, or, if these are two, '
            "train with --set data.id='[region, shop]'",
        ),
        (
            {"l5": "North,,2024-01-04,4"},
            'd.csv:5: column 2 "shop": is empty, and tells what the row adds to; write it, or remove the row',
        ),
        (
            {"l5": "total,A,2024-01-04,4"},
            'd.csv:5: column 1 "region": "total" is what sums are called, which are made of the other rows; remove '
            "such rows, or rename what is no sum",
        ),
        (
            {"l9": None, "l8": None},
            'd.csv:7: the series "North,B" ends at 2024-01-02, and "North,A" at 2024-01-04; sums need rows of both to '
            "the same end: add some, with 0 where there is nothing, or remove the series",
        ),
    ],
)
def test_rows_that_are_no_hierarchy_are_refused(changes, message):
    assert refused(DataError, read, table(lines(**changes)), **BOTH) == message


def test_without_times_all_series_have_as_many_rows():
    assert refused(DataError, read, table(lines(l9=None)), time="none", **BOTH) == (
        'd.csv:8: the series "North,B" ends after 3 rows, and "North,A" after 4 rows; sums need rows of both to the '
        "same end: add some, with 0 where there is nothing, or remove the series"
    )


def test_shops_of_one_name_in_two_regions_are_two_where_both_columns_name_them():
    text = table().replace("South,C", "South,A")
    assert "if these are two" in refused(DataError, read, text, **BOTH)
    panel = panel_of(text, id=["region", "shop"], **BOTH)
    assert panel.ids[3:] == ("North,A", "North,B", "South,A")
    assert of(panel, "total,total") == [111, 222, 333, 444]


def test_each_level_has_one_above_but_where_data_id_says_so():
    rows = [f"{c},{r},{s},2024-01-0{d},1" for c, r, s in ("XNA", "XSB", "YNC") for d in (1, 2, 3)]
    text = table(rows, "country,region,shop,day,y")
    three = {"hierarchy": ["country", "region", "shop"], "target": "y"}
    message = refused(DataError, read, text, **three)
    assert message.startswith('d.csv:8: region "N" is in country "Y", and in "X" on line 2; correct one, or')
    assert refused(DataError, read, text, id="shop", **three) == message
    panel = panel_of(text, id=["country", "region", "shop"], **three)
    assert panel.ids[:6] == (
        "total,total,total",
        "X,total,total",
        "Y,total,total",
        "X,N,total",
        "X,S,total",
        "Y,N,total",
    )


def test_series_side_by_side_are_no_hierarchy():
    assert refused(ConfigError, read, table(), layout="wide", **BOTH) == (
        "data.hierarchy: names the columns of series one under another, and data.layout is wide; remove one of them"
    )


def test_more_rows_of_some_shops_alone_are_no_more_rows_of_the_sums():
    from rnncli.tasks.forecast.splits import divided, with_rows

    panel, columns = read(table(), **BOTH)
    data = SeriesConfig(encoding="utf-8", **BOTH)
    more = table([f"{SHOPS[shop]},{shop},2024-01-05,5" for shop in "AC"])
    with noting([].append):
        message = refused(
            DataError, with_rows, divided(panel, columns, data, "d.csv"), source(more, "m.csv"), columns, data
        )
    assert message == 'm.csv: has no rows of the series "North,B", which is in the sums; add them'


def test_splits_of_sums_and_parts_are_cut_at_the_same_times():
    """Shop A has 3 of 20 rows: its validation is that of all, or would show training what others are validated on."""
    from rnncli.tasks.forecast.splits import divided

    begins = {"A": 17, "B": 0, "C": 0}
    rows = [f"{SHOPS[s]},{s},{day},1" for s in SHOPS for day in days(20)[begins[s] :]]
    data = SeriesConfig(encoding="utf-8", validation=0.2, test=4, **BOTH)
    panel, columns = read(table(rows), **BOTH)
    assert divided(panel, columns, data, "d.csv").ends.tolist() == [
        [12, 16, 20],
        [12, 16, 20],
        [12, 16, 20],
        [0, 0, 3],
        [12, 16, 20],
        [12, 16, 20],
    ]
