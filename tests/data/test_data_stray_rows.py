"""A row of a table, or JSON, at the top of a pipe of texts is told of; prose is not."""

from __future__ import annotations

import pytest

from rnncli.data.lines import Line
from rnncli.data.stray_rows import doubt_row
from rnncli.notes import noting

TABLE, JSON = "a row of a table", "an object of JSON"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('"dull, I think",neg', TABLE),
        ("A1\tso dull\tneg", TABLE),
        ("so dull;pos", TABLE),
        ("id,comment,sentiment", TABLE),
        ("french\tenglish", TABLE),
        ('{"text": "so dull"}', JSON),
        ("so dull, neg", None),
        ("1,000 people came", None),
        ('"Dull", she said', None),
        ("neg", None),
        ("{so dull}", None),
        ('"open, text', None),
        ("", None),
    ],
)
def test_a_first_line_that_is_no_text(text, what):
    notes: list[str] = []
    with noting(notes.append):
        doubt_row(Line("<stdin>", 1, text), ("neg", "pos").__contains__)
    assert [note.split(" looks like ")[1].split(", and is read as a text; ")[0] for note in notes] == [what] * bool(
        what
    )
