"""Data in memory as files have them: every cell as it is, and what cannot be a table named."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncli.api.handed import GIVEN, TABLE, Names, handed
from rnncli.data.source import Source
from rnncli.errors import DataError, UsageError
from tests.api.frames import Column, Frame, Series

DAYS = np.array(["2024-01-31", "2024-02-01"], "M8[ns]")


class Period(str):
    """A month as pandas has them, which is neither a date nor a text."""


PERIODS = np.empty(2, object)
PERIODS[:] = [Period("2024-01"), Period("2024-02")]
HOURS = np.array(["2024-01-31T00", "2024-02-01T12"], "M8[h]")


def text_of(data: Any, names: Names | None = None) -> str:
    source = handed(data, names).data
    assert isinstance(source, Source)
    return source.content.decode()


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"a\r\nb", "a\r\nb"),
        (["a", "", 'b, "c"'], 'a\n\nb, "c"\n'),
        ([1, 2.5], "value\n1.0\n2.5\n"),
        (np.arange(3), "value\n0\n1\n2\n"),
        (np.array([[1, 2], [3, 4]]), "x1,x2\n1,2\n3,4\n"),
        ([[1, 2], [3, 4, 5]], "x1,x2,x3\n1,2,\n3,4,5\n"),
        (([[1, 2], [3, 4]], ["up", "down"]), "x1,x2,label\n1,2,up\n3,4,down\n"),
        ((["good, really", "bad"], [1, 0]), 'text,label\n"good, really",1\nbad,0\n'),
        (([1, 2], ["odd", "even"]), "x1,label\n1,odd\n2,even\n"),
        (([[[1, 2], [3, 4]], [[5, 6]]], ["a", "b"]), "id,x1,x2,label\n1,1,2,a\n1,3,4,a\n2,5,6,b\n"),
        (([[1, 2], [3]], [["a", "b"], ["c"]]), "id,x1,label\n1,1,a\n1,2,b\n2,3,c\n"),
        (([["he", "ran"], ["yes"]], [["P", "V"], ["I"]]), "id,text,label\n1,he,P\n1,ran,V\n2,yes,I\n"),
        ({"when": DAYS, "sold": [1, None]}, "when,sold\n2024-01-31,1\n2024-02-01,\n"),
        ({"when": HOURS}, "when\n2024-01-31T00:00:00\n2024-02-01T12:00:00\n"),
        ({"when": np.array(["2024-01-31", "NaT"], "M8[D]")}, 'when\n2024-01-31\n""\n'),
        ({"when": [datetime.date(2024, 1, 31)]}, "when\n2024-01-31\n"),
        ({"a": np.array([0.1, np.nan], np.float32), "b": [True, False]}, "a,b\n0.1,True\n,False\n"),
        ([{"a": 1, "b": "x"}, {"b": "y", "c": 2.0}], "a,b,c\n1,x,\n,y,2.0\n"),
        (Frame({"co2": [1.5, 2.0]}, index=DAYS), "time,co2\n2024-01-31,1.5\n2024-02-01,2.0\n"),
        (Frame({"co2": [1.5]}, index=["a"], name="site"), "site,co2\na,1.5\n"),
        (Series([1.5, 2.0], DAYS), "time,value\n2024-01-31,1.5\n2024-02-01,2.0\n"),
        (Series([1.5, 2.0], [0, 1], "co2"), "co2\n1.5\n2.0\n"),
        ((Frame({"a": [1, 2]}), Column(["x", "y"])), "a,label\n1,x\n2,y\n"),
        (Frame({"co2": [1.5, 2.0]}, index=PERIODS), "time,co2\n2024-01,1.5\n2024-02,2.0\n"),
        (Frame({"co2": [1.5, 2.0]}), "co2\n1.5\n2.0\n"),
    ],
)
def test_a_table_or_a_text_is_what_a_file_would_have(data: Any, text: str) -> None:
    assert text_of(data) == text


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_floats_come_back_as_they_were(double: float, single: float) -> None:
    cells = text_of({"a": np.array([double]), "b": np.array([single], np.float32), "c": [double]}).split("\n")[1]
    a, b, c = cells.split(",")
    assert float(a) == float(c) == double
    assert np.float32(b) == np.float32(single)


def test_new_data_have_the_names_of_the_training_data() -> None:
    wide = Names.of({"form": "wide", "inputs": ["c1", "c2", "c3"], "label": "digit", "text": None})
    assert text_of([[1, 2, 3], [4, 5]], wide) == "c1,c2,c3\n1,2,3\n4,5,\n"
    steps = Names.of({"form": "long", "inputs": ["dx", "dy"], "id": "stroke", "label": "shape"})
    assert text_of([[[1, 2]], [[3, 4]]], steps) == "stroke,dx,dy\n1,1,2\n2,3,4\n"
    words = Names.of({"form": "columns", "width": 2})
    assert text_of([["he", "ran"], ["yes"]], words) == "he\nran\n\nyes\n"
    assert text_of(([["he"], ["yes"]], [["P"], ["I"]]), words) == "he\tP\n\nyes\tI\n"


def test_names_are_files() -> None:
    assert handed("notes.txt").data == handed(Path("notes.txt")).data == "notes.txt"
    assert handed([Path("a.txt"), Path("b.txt")]).all == ("a.txt", "b.txt")


def test_the_name_tells_a_table_from_a_text() -> None:
    text, table = handed(["a"]).data, handed({"a": [1]}).data
    assert isinstance(text, Source)
    assert isinstance(table, Source)
    assert (text.name, table.name) == (GIVEN, TABLE)


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (3, UsageError, "data of the type int are none; give a path"),
        ([], DataError, "is empty; give it a text"),
        (["a\nb"], DataError, "text 0 has a line end"),
        ({"a": [1], "b": [1, 2]}, UsageError, r'unequal lengths \("a" 1, "b" 2\)'),
        ({"a": [[1]]}, UsageError, "is no cell of a table"),
        ((["a", "b"], ["c"]), UsageError, "has 2 sequences and 1 answers; give one for each"),
        (([[1, 2]], [["a"]]), UsageError, "sequence 0 has 2 steps and 1 answer$"),
        (([[1], [2]], [["a"], "b"]), UsageError, "sequence 1 has 1 step and 1 answer"),
        (([[1], []], ["a", "b"]), DataError, "sequence 1 is empty; leave it out"),
        ([[1], 2], UsageError, "some of its sequences are single values"),
        ({"a": "bc"}, UsageError, "data of the type str are none"),
        ([1 + 2j], UsageError, "are no numbers"),
        ([None, np.zeros((), np.complex64)], UsageError, "are no numbers"),
        (["\ud800"], DataError, "which is no character; leave it out"),
        (["a\udcff"], DataError, "which is no character; leave it out"),
        ({"a": ["\udcff"]}, DataError, "which is no character; leave it out"),
        ((["a", "b"], ["x", "\udcff"]), DataError, "which is no character; leave it out"),
        ("\ud800.txt", UsageError, r'"\\ud800.txt" is no file name: "\\ud800" is no character'),
        (Path("\0"), UsageError, "is no file name: it has a NUL character"),
        ([Path("a.txt"), Path("\ud800")], UsageError, "is no file name"),
        ([[1, "a"]], UsageError, "are no numbers; give numbers, or texts alone"),
        ([[[1, 2]], [[1]]], UsageError, "rows of as many numbers as in the others"),
    ],
)
def test_what_is_no_data_is_told(data: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        handed(data)


def test_a_model_of_bytes_reads_those_that_it_answered() -> None:
    assert handed(["a\udcff"], Names(of_bytes=True)).data.content == b"a\xff\n"  # type: ignore[union-attr]
    assert handed("\udcff.txt").data == "\udcff.txt"  # a name with the byte 0xff


def test_columns_of_one_name_are_refused() -> None:
    with pytest.raises(UsageError, match='two columns are called "a"; rename one'):
        handed(Frame({"a": [1.0]}, index=["x"], name="a"))
