"""Cells as people write them: marks between thousands, words for missing values, signs of units."""

import re

import pytest

from rnncli.data.cell_cleaning import cleaned, without_signs
from rnncli.data.csv_table import Table
from rnncli.data.numeric import numeric_column
from rnncli.errors import DataError, shown
from rnncli.notes import Doubt, noting


def column(*cells):
    return Table("d.csv", ["x", "temp"], [["a", cell] for cell in cells], list(range(2, 2 + len(cells))), ",")


@pytest.mark.parametrize(
    ("cell", "thousands", "decimal", "value"),
    [
        ("1,234.5", ",", ".", 1234.5),
        ("-12,345,678", ",", ".", -12345678),
        ("1.234,5", ".", ",", 1234.5),
        ("1.002", ".", ",", 1002),
        ("1 234,5", " ", ",", 1234.5),
        ("1\u202f234", " ", ".", 1234),
        ("1'234.5", "'", ".", 1234.5),
        ("1\u2019234\u2019567.5", "'", ".", 1234567.5),
        ("1\u2009234,5", " ", ",", 1234.5),
        ("919", ",", ".", 919),
    ],
)
def test_marks_between_thousands(cell, thousands, decimal, value):
    (made,) = cleaned([cell], thousands, None, decimal)
    assert numeric_column(column(made), 1, decimal=decimal).tolist() == [value]


@pytest.mark.parametrize("cell", ["1,23", "0,513", "1,2345", "12,34,567", "1,234,5", ",123"])
def test_what_is_not_grouped_by_thousands_stays_and_is_refused(cell):
    assert cleaned([cell], ",", None, ".") == [cell]


def test_words_that_mean_missing():
    assert cleaned(["-999", " x ", "x1", "7"], None, ["-999", "x"], ".") == ["", "", "x1", "7"]


@pytest.mark.parametrize("cells", [["k.A.", "5 €", " k.A. "], ["5 €", "", "k.A."]])
def test_words_that_mean_missing_need_no_sign(cells):
    with noting(lambda text: None):
        assert without_signs(column(*cells), ["k.A."]).signs == {"temp": "€"}
        assert without_signs(column(*cells)).signs == {}


@pytest.mark.parametrize(
    ("cells", "sign", "values"),
    [
        (["$1.50", "-$2", "$-3.25", "$ 4"], "$", [1.5, -2, -3.25, 4]),
        (["1.50 €", "-2€", "", "NA"], "€", [1.5, -2, None, None]),
        (["$1.25", "($3.50)", "(2 $)"], "$", [1.25, -3.5, -2]),
        (["12%", "7.5 %", "-1%"], "%", [12, 7.5, -1]),
        (["- €", "5 €", "–", "€ -", "—€", "6 €"], "€", [None, 5, None, None, None, 6]),
        (["21.5 °C", "-3°C"], "°C", [21.5, -3]),
        (["570,-- €", "-862,- €", "7 €", "1.-- €", "2,– €"], "€", [570, -862, 7, 1, 2]),
        (["\u22125 €", "€ \u22126", "-€ 7", "(8 €)", "\u22129,-- €"], "€", [-5, -6, -7, -8, -9]),
        (["\u2009CHF\u20095", "CHF 6.-"], "CHF", [5, 6]),
        (["5- €", "6- €"], None, None),
        (["USD 5", "EUR 5"], None, None),
        (["5%", "0.05"], None, None),
        (["5", "6"], None, None),
        (["$5$", "$6$"], None, None),
        (["A5", "A6"], None, None),
    ],
)
def test_a_sign_that_all_cells_have_is_taken_off_and_said(cells, sign, values):
    notes = []
    with noting(notes.append):
        made = without_signs(column(*cells))
    if sign is None:
        assert (made, notes) == (column(*cells), [])
        return
    assert notes == [f'numbers are read, and written, without their signs: "temp" in {sign}']
    found = numeric_column(made, 1, missing="mask").tolist()
    assert [None if value != value else value for value in found] == values


@pytest.mark.parametrize("odd", ["k.A.", "7 $", "n. n. €"])
def test_a_cell_that_is_odd_among_signs_is_refused_by_its_line(odd):
    with noting(lambda text: None):
        made = without_signs(column("5 €", odd, "6 €"))
    assert made.signs == {"temp": "€"}
    with pytest.raises(DataError, match=f'd.csv:3: column 2 "temp": {re.escape(shown(odd))} is not a number'):
        numeric_column(made, 1)


def test_a_number_without_the_sign_of_the_others_is_told():
    notes = []
    with noting(notes.append):
        made = without_signs(column("5 %", "6 %", "0.07", "8 %"))
    assert numeric_column(made, 1).tolist() == [5, 6, 0.07, 8]
    assert [text for text in notes if isinstance(text, Doubt)] == [
        'd.csv:4: 1 numbers of the column "temp" have no %, "0.07" the first; they are read as the others'
    ]


def test_signs_come_before_thousands():
    made = without_signs(column("$1,234.50", "-$2,000"))
    cells = cleaned([row[1] for row in made.rows], ",", None, ".")
    assert numeric_column(column(*cells), 1).tolist() == [1234.5, -2000]
