"""Rows as CSV that reads back as they were."""

import csv
import io

import pytest

from rnncli.data.csv_writer import csv_writer
from rnncli.ui.results import as_csv

CELLS = ["a", "", "\r", "\n", "\r\n", "a\rb\r", 'say "x"', "a,b", "a;b", " "]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_rows_come_back_whatever_is_in_them(delimiter):
    text = io.StringIO()
    writer = csv_writer(text, delimiter)
    writer.writerow(CELLS)
    writer.writerows([[cell, "x"] for cell in CELLS])
    assert text.getvalue().startswith(f'a{delimiter}{delimiter}"\r"{delimiter}')
    back = csv.reader(io.StringIO(text.getvalue(), newline=""), delimiter=delimiter, strict=True)
    assert list(back) == [CELLS, *([cell, "x"] for cell in CELLS)]


def test_a_line_ends_with_a_line_feed_alone():
    assert as_csv([{"token": "\r", "bits": 1.5}, {"token": "x", "bits": None}]) == 'token,bits\n"\r",1.5\nx,\n'
