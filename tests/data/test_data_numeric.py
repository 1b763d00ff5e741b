"""The grammar of numbers, missing values, and rows 15, 17 to 22 and 24 of the table of bad inputs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncli.data.cell_cleaning import cleaned
from rnncli.data.csv_table import Table
from rnncli.data.numeric import column_index, doubt_fractions, is_number, is_numeric_column, numeric_column
from rnncli.errors import DataError, UsageError, shown
from rnncli.notes import noting


def column(*cells: str) -> Table:
    """A table whose third column, "temp", holds `cells` from line 2 on."""
    rows = [["a", "b", cell] for cell in cells]
    return Table("d.csv", ["date", "site", "temp"], rows, list(range(2, 2 + len(rows))), ",")


def refused(table: Table, **options) -> str:
    with pytest.raises(DataError) as caught:
        numeric_column(table, 2, **options)
    assert caught.value.exit_code == 3
    return str(caught.value)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("0", 0),
        ("-1.5", -1.5),
        ("+2", 2),
        (" 3 ", 3),
        ("1e3", 1000),
        ("1.E-2", 0.01),
        (".5", 0.5),
        ("\t007", 7),
    ],
)
def test_numbers(cell, value):
    assert is_number(cell)
    assert numeric_column(column(cell), 2).tolist() == [value]


NOT_NUMBERS = ["abc", "1_000", "٣", "１", "0x1F", "1 2", "--1", "1e", "..", "1\n", "\u00a01", "1.2.3", "e5"]


@pytest.mark.parametrize("cell", NOT_NUMBERS)
def test_rows_18_and_22_what_is_not_a_number(cell):
    assert not is_number(cell)
    message = refused(column(*["1"] * 7, cell))
    assert message.startswith(f'd.csv:9: column 3 "temp": {shown(cell)} is not a number')


def test_row_18_the_exact_message():
    assert refused(column(*["1"] * 7, "abc", "def")) == 'd.csv:9: column 3 "temp": "abc" is not a number'


def test_row_17_a_decimal_comma():
    message = refused(column("1,5"))
    assert message == ('d.csv:2: column 3 "temp": "1,5" is not a number; if "," is the decimal sign, pass --decimal ,')
    assert numeric_column(column("1,5", "-,5", "2"), 2, decimal=",").tolist() == [1.5, -0.5, 2]
    assert '--thousands "."' in refused(column("1.234,5"), decimal=",")
    assert '--thousands ","' in refused(column("1,234.5"))
    assert 'if "." is the decimal sign' in refused(column("1.5"), decimal=",")


@pytest.mark.parametrize(
    ("cell", "decimal", "mend"),
    [
        ("1,234", ".", 'if "," stands between thousands, --thousands ",", and if it is the decimal sign, --decimal ,'),
        ("1,234.5", ".", 'if "," stands between thousands, --thousands ","'),
        ("1.234,5", ".", 'if "." stands between thousands, --thousands "." --decimal ,'),
        ("1.234.567", ".", 'if "." stands between thousands, --thousands "." --decimal ,'),
        ("-1'234", ",", 'if "\'" stands between thousands, --thousands "\'"'),
        ("1 234,5", ".", 'if " " stands between thousands, --thousands " " --decimal ,'),
        ("1\u202f234,5", ",", 'if " " stands between thousands, --thousands " "'),
        ("1_234", ".", "write it without separators between thousands"),
        ("1,234 567", ".", "write it without separators between thousands"),
    ],
)
def test_row_22_marks_between_thousands_are_named_where_there_is_a_key_for_them(cell, decimal, mend):
    message = refused(column(cell), decimal=decimal)
    assert message == f'd.csv:2: column 3 "temp": {shown(cell)} is not a number; {mend}'
    if "--thousands" in mend:
        mark = mend.partition('--thousands "')[2][0]
        point = "," if mend.endswith("--decimal ,") and "if it is" not in mend else decimal
        assert is_number(cleaned([cell], mark, None, point)[0], point)
    assert "thousands" not in refused(column(cell), decimal=decimal, has_thousands=False).replace(
        "write it without separators between thousands", ""
    )


@pytest.mark.parametrize("cell", ["٣", "１", "1२"])
def test_row_22_digits_that_look_right_are_explained(cell):
    assert refused(column(cell)).endswith("is not a number; write it with the ASCII digits 0 to 9")


def test_a_third_decimal_sign_is_refused():
    with pytest.raises(UsageError, match="--decimal"):
        numeric_column(column("1"), 2, decimal=";")


@pytest.mark.parametrize("gap", ["", " ", "NA", "na", "NaN", "null", "NULL"])
def test_row_19_missing_cells_are_refused_with_count_and_line(gap):
    assert refused(column("1", gap, "3", gap)) == (
        'd.csv:3: column 3 "temp": 2 of 4 values are missing, this is the first; '
        "--missing ffill|interpolate|mask|zero says what to do"
    )


def test_row_19_missing_cells_left_as_unknown_on_request():
    table = column("1", "", "NA", "4", "null")
    np.testing.assert_array_equal(numeric_column(table, 2, missing="mask"), [1, np.nan, np.nan, 4, np.nan])


@pytest.mark.parametrize("cell", ["inf", "-Infinity", " INF ", "1e309", "-1e309", "9" * 400])
def test_row_20_not_finite(cell):
    message = refused(column("1", cell))
    assert message.startswith('d.csv:3: column 3 "temp": ')
    assert "is not finite" in message


def test_row_21_too_large_for_float32():
    assert refused(column("1", "1e300", " 1e308", "2")) == (
        'd.csv:4: column 3 "temp": values up to 1e308 overflow float32; rescale'
    )
    assert refused(column("-1e31", ""), missing="mask").startswith("d.csv:2:")
    assert numeric_column(column("1e30"), 2)[0] == 1e30


@pytest.mark.parametrize("missing", ["refuse", "mask"])
def test_row_24_no_values_at_all(missing):
    assert refused(column("", "NA"), missing=missing) == 'd.csv: column 3 "temp" has no values'


def test_row_15_a_missing_column():
    table = column("1")
    with pytest.raises(UsageError) as caught:
        column_index(table, "tmp")
    assert str(caught.value) == ('no column "tmp" in d.csv; did you mean "temp"? columns: "date", "site", "temp"')
    assert caught.value.exit_code == 2
    with pytest.raises(UsageError, match=r'^no column "zzzz" in d.csv; columns: "date"'):
        column_index(table, "zzzz")


@pytest.mark.parametrize("number", [0, 4, -1, "4"])
def test_row_15_a_column_number_out_of_range(number):
    with pytest.raises(UsageError, match="which has 3"):
        column_index(column("1"), number)


def test_columns_are_found_by_name_then_by_number():
    assert [column_index(column("1"), key) for key in ("temp", "3", 1)] == [2, 2, 0]
    assert column_index(Table("d.csv", ["2", "1"], [["a", "b"]], [2], ","), "2") == 0


def test_a_numeric_column_may_have_gaps_but_not_only_gaps():
    assert is_numeric_column(column("1", "", "NA"), 2)
    assert not is_numeric_column(column("", "NA"), 2)
    assert not is_numeric_column(column("1", "x"), 2)
    assert is_numeric_column(column("1,5"), 2, ",")
    assert not is_numeric_column(column("1,5"), 2)


@given(st.lists(st.floats(-1e29, 1e29), min_size=1))
def test_any_float_is_read_back_exactly(values):
    assert numeric_column(column(*map(repr, values)), 2).tolist() == values


@given(st.text(max_size=8))
def test_what_the_grammar_accepts_float_accepts_too(cell):
    if is_number(cell):
        assert float(cell) is not None


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        (["1.234", "9.100", "NA"], True),
        (["-12.345", "123.456"], True),
        (["1.234", "0.500"], False),
        (["1.234", "1.5"], False),
        (["1234", "9"], False),
        (["1.2.2024", "2.2.2024"], False),
    ],
)
def test_fractions_that_may_be_thousands_are_told(cells, told):
    notes = []
    with noting(notes.append):
        doubt_fractions(column(*cells), ".")
    one = cells[0]
    assert notes == (
        [
            f"d.csv: numbers such as {one} are read as fractions, not thousands; if they are thousands, "
            '--thousands "." --decimal ",", else --decimal .'
        ]
        if told
        else []
    )


def test_thousands_or_a_fraction_is_refused_with_two_mends_that_work():
    message = refused(column("1.002", "919"))
    assert message.startswith('d.csv:2: column 3 "temp": "1.002" beside "919" may be thousands or a fraction')
    assert '--thousands "." --decimal ","' in message
    assert numeric_column(column(*cleaned(["1.002", "919"], ".", None, ",")), 2, decimal=",").tolist() == [1002, 919]
    assert numeric_column(column("1.002", "919.000"), 2).tolist() == [1.002, 919]
    for cells in (["1.002", "919.5"], ["0.002", "919"], ["1.002", "2.003"], ["1.0021", "919"]):
        numeric_column(column(*cells), 2)
    assert "may be thousands" in refused(column("1.002", "-919"))
    assert 'if thousands, write them without "."; if a' in refused(column("1.002", "919"), has_thousands=False)
