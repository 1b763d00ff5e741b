"""Three parts of every series, by fraction, count or file; and origins that no filled value tells the future to."""

import numpy as np
import pytest
from panels import days, read, refused, source

from rnncli.errors import ConfigError, DataError
from rnncli.notes import noting
from rnncli.tasks.forecast.config import SeriesConfig
from rnncli.tasks.forecast.panel_tables import separate
from rnncli.tasks.forecast.splits import divided, with_rows
from rnncli.tasks.forecast.windows import Windowing

FIXED = np.zeros((9, 1)), np.ones((9, 1))


def windowing(context=2, horizon=1):
    return Windowing(context, horizon, 1, "none", None, FIXED)


def table(**lengths):
    """Series of days from 2024-01-01 on, their values being 0, 1, …"""
    rows = [f"{name},{day},{k}" for name, n in lengths.items() for k, day in enumerate(days(n))]
    return "\n".join(["unique_id,ds,y", *rows, ""])


def cut(text, notes=None, **data):
    data = {"validation": 0.0, **data}
    panel, columns = read(text, **{key: value for key, value in data.items() if key not in ("validation", "test")})
    with noting(([] if notes is None else notes).append):
        return divided(panel, columns, SeriesConfig(encoding="utf-8", **data), "d.csv")


def rows(made, s, part):
    first, last = made.span(s, part)
    return made.panel.values[first:last, 0].tolist()


@pytest.mark.parametrize(
    ("validation", "test", "ends"),
    [
        (0.2, 0.1, [[14, 18, 20], [4, 5, 5], [2, 2, 2]]),
        (0.0, None, [[20, 20, 20], [5, 5, 5], [2, 2, 2]]),
        (3, 2, [[15, 18, 20], [0, 3, 5], [0, 2, 2]]),  # the shortest lends all its rows to validation
        (4, None, [[16, 20, 20], [1, 5, 5], [0, 2, 2]]),
        (0.0, 3, [[17, 17, 20], [2, 2, 5], [0, 0, 2]]),
    ],
)
def test_parts_are_cut_off_the_end_of_each_series(validation, test, ends):
    made = cut(table(A=20, B=5, C=2), validation=validation, test=test)
    assert made.ends.tolist() == ends
    for s, lengths in enumerate(ends):
        first = 0
        for part, last in enumerate(lengths):
            assert rows(made, s, part) == list(range(first, last))
            first = last
    assert made.rows(0).tolist() == [
        begin + k for begin, (n, _, _) in zip((0, 20, 25), ends, strict=True) for k in range(n)
    ]


def test_origins_stay_in_their_series_and_their_part():
    made = cut(table(A=7, B=6), validation=2, test=1)
    assert made.origins(windowing(), 0, "refuse").tolist() == [2, 3, 7 + 2]
    assert made.origins(windowing(), 1, "refuse").tolist() == [4, 5, 7 + 3, 7 + 4]
    assert made.origins(windowing(), 2, "refuse").tolist() == [6, 7 + 5]
    assert made.origins(windowing(context=4), 0, "refuse").tolist() == []
    assert made.origins(windowing(horizon=2), 1, "refuse").tolist() == [4, 7 + 3]


GAPPY = "ds,a,b\n" + "".join(f"{day},{a},{b}\n" for day, a, b in zip(days(8), "01 345 7", "  234567", strict=True))


@pytest.mark.parametrize(
    ("missing", "wanted"),
    [
        ("mask", [3, 4, 5, 6, 7]),  # b begins in row 2, and before that its first value is not known
        ("interpolate", [4, 5, 6]),  # a is filled in rows 2 and 6: what is there may come from the row after
    ],
)
def test_no_origin_stands_where_what_is_filled_tells_of_what_comes(missing, wanted):
    made = cut(GAPPY.replace(" ", ""), missing=missing, target=["a", "b"])
    assert made.origins(windowing(), 0, missing).tolist() == wanted


def test_what_is_read_before_an_origin_does_not_depend_on_what_comes_after():
    """Every context of every origin is the same when all that follows it is another."""
    for missing in ("mask", "interpolate"):
        text = GAPPY.replace(" ", "").replace("0,\n", "0,5\n")
        options = {"missing": missing, "target": ["a"], "past_covariates": "b"}
        made = cut(text, **options)
        for origin in made.origins(windowing(), 0, missing).tolist():
            lines = text.splitlines()
            later = [line[:11] + "900,900" for line in lines[origin + 1 :]]
            other = cut("\n".join(lines[: origin + 1] + later), **options)
            for ours, theirs in (
                (made.panel.values, other.panel.values),
                (made.panel.past["b"], other.panel.past["b"]),
            ):
                assert ours[origin - 2 : origin].tolist() == theirs[origin - 2 : origin].tolist()


@pytest.fixture
def file(tmp_path):
    def write(text, name="v.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


def test_files_go_on_where_the_part_before_ends(file):
    validation = file("unique_id,ds,y\nA,2024-01-04,10\nA,2024-01-05,11\n")
    test = file("unique_id,ds,y\nB,2024-01-03,20\nB,2024-01-04,21\nA,2024-01-06,30\nA,2024-01-07,31\n", "t.csv")
    made = cut(table(A=3, B=2), validation=validation, test=test)
    assert made.ends.tolist() == [[3, 5, 7], [2, 2, 4]]
    assert made.panel.values[:, 0].tolist() == [0, 1, 2, 10, 11, 30, 31, 0, 1, 20, 21]
    assert made.last == test
    assert [timeline.last for timeline in made.panel.timelines] == ["2024-01-07", "2024-01-04"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            "A,2024-01-05,1\nA,2024-01-06,1\n",
            '{v}: begins at 2024-01-05 of "A"; it must go on where d.csv ends, at 2024-01-04',
        ),
        (
            "A,2024-01-03,1\nA,2024-01-04,1\n",
            '{v}: begins at 2024-01-03 of "A"; it must go on where d.csv ends, at 2024-01-04',
        ),
        ("C,2024-01-04,1\nC,2024-01-05,1\n", '{v}: has a series "C" that d.csv has not; remove it'),
    ],
)
def test_files_that_do_not_go_on_are_refused(file, text, why):
    path = file("unique_id,ds,y\n" + text)
    assert refused(DataError, cut, table(A=3, B=2), validation=path) == why.format(v=path)


def test_a_name_that_would_drive_the_terminal_is_escaped(file):
    path = file("unique_id,ds,y\n\x1b[31m,2024-01-04,1\n\x1b[31m,2024-01-05,1\n")
    assert r'has a series "\x1b[31m"' in refused(DataError, cut, table(A=3), validation=path)


def test_a_column_that_is_missing_at_the_beginning_of_a_file_still_goes_on(file):
    path = file("ds,a,b\n2024-01-03,3,\n2024-01-04,4,40\n")
    panel, columns = read("ds,a,b\n2024-01-01,1,10\n2024-01-02,2,20\n")
    data = SeriesConfig(encoding="utf-8", channels="independent", missing="mask", validation=path)
    made = divided(separate(panel, columns.targets), columns, data, "d.csv")
    assert made.ends.tolist() == [[2, 4, 4], [2, 4, 4]]
    assert made.panel.values[:, 0].tolist() == [1, 2, 3, 4, 10, 20, 20, 40]  # and not 40, which lies ahead
    assert made.panel.known[:, 0].tolist() == [True] * 6 + [False, True]


def test_a_file_to_test_on_must_have_a_transform_too(file):
    text = "unique_id,ds,y\nA,2024-01-04,5\nA,2024-01-05,-5\n"
    panel, columns = read(table(A=3))
    data = SeriesConfig(encoding="utf-8", transform="log1p", validation=0.0)
    made = divided(panel, columns, data, "d.csv")
    assert refused(DataError, with_rows, made, source(text, "t.csv"), columns, data) == (
        "t.csv: data.transform log1p needs values that are not negative, and the lowest is -5; take another transform"
    )


def test_words_of_a_file_are_words_even_if_they_look_like_numbers(file):
    text = "ds,y,w\n2024-01-01,1,a\n2024-01-02,2,1\n"
    path = file("ds,y,w\n2024-01-03,3,1\n2024-01-04,4,1\n")
    made = cut(text, past_covariates="w", validation=path)
    assert made.panel.past["w"].tolist() == ["a", "1", "1", "1"]


def test_nothing_left_to_train_on(file):
    assert refused(ConfigError, cut, table(A=3, B=2), validation=2, test=1) == (
        "data.validation and data.test leave nothing to train on; lower one of them"
    )
    path = file("unique_id,ds,y\nA,2024-01-04,10\nA,2024-01-05,11\n")
    assert refused(ConfigError, cut, table(A=3), validation=path, test=2).startswith(
        "data.test: a fraction cannot come after a data.validation that is a file"
    )
