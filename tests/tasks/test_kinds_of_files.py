"""What a data file without a config is taken for, by its name and its look: the task and its columns."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
from bare_files import KINDS, REVIEWS, SALES, SEVERAL, TAGGED, TEXTS, WORDS, prepared, rows, source_of, taken

from rnncli.data.source import STDIN
from rnncli.errors import DataError
from rnncli.notes import noting
from rnncli.workflows.bare_file import guessed


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_known_and_read(kind: str) -> None:
    name, content, task, keys = KINDS[kind]
    found, data, note = taken(content, name)
    assert (found, data) == (task, keys)
    called = "standard input" if name == STDIN else name
    assert note.startswith(f"{called} looks like ")
    assert f", so the task is {task}; another one: --set task=" in note
    experiment = prepared(content, name)
    assert experiment.config.task == task


def test_lines_that_may_be_columns_are_told() -> None:
    words, prose = rows(lambda i: (WORDS[i], WORDS[i] + "s")), "It was, all in all, grey.\nNobody came.\n"
    assert taken(words, STDIN)[2].endswith(
        "--set task=NAME, as in rnncli help tasks; as a table: --set data.format=csv"
    )
    assert taken(words, STDIN, "data.format=csv")[0] == "seq2seq"
    assert "as a table" not in taken(prose * 9, STDIN)[2]


def test_the_note_says_why() -> None:
    assert taken(TAGGED, "a.txt")[2] == (
        "a.txt looks like sentences with a tag on every word (2 columns, blank lines between), so the task is tag; "
        "another one: --set task=language-model"
    )
    assert taken(REVIEWS, "a.csv")[2] == (
        'a.csv looks like texts in the column "text" and labels in "label", so the task is classify; another one: '
        "--set task=NAME, as in rnncli help tasks"
    )


@pytest.mark.parametrize(
    ("kind", "labels"),
    [
        ("notes", '"Ask", "Call", …'),
        ("a diary", '"Friday", "Monday", …'),
        ("commits", '"add", "drop", …'),
        ("lines with a seldom first word", '"cold", "odd", …'),
        ("labels among the words of texts", '"bad" or "good"'),
    ],
)
def test_labels_are_offered_where_lines_begin_like_sentences(kind: str, labels: str) -> None:
    name, content, *_ = KINDS[kind]
    offered = f"another one: --set task=classify for lines of a label ({labels}) and a text"
    assert offered in taken(content, name)[2]
    assert taken(content, name, "task=classify")[:2] == ("classify", {})


def test_the_right_columns_are_read() -> None:
    pairs = prepared(KINDS["pairs with what tells the form"][1], "a.tsv")
    assert pairs.config.data.source == [1, 3]
    assert pairs.config.data.target == 2
    assert len(pairs.splits.train) == 31  # so few are cross-validated
    strokes = prepared(KINDS["rows with the same id"][1], "a.csv")
    assert strokes.splits.train.columns.inputs == ("dx", "dy")
    marked = prepared(KINDS["texts and 0 or 1 without names"][1], "a.tsv")
    assert sorted(marked.splits.train.texts) == sorted(TEXTS[:31])
    sales = prepared(SEVERAL, "a.csv")
    assert sales.config.data.target == ["sales"]


@pytest.mark.parametrize("kind", ["texts and labels", "times and values", "two columns and blank lines", "fastText"])
@pytest.mark.parametrize(
    "written",
    [
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.replace("\n", "\r").encode(),
        lambda text: text.rstrip("\n").encode(),
    ],
    ids=["BOM", "CRLF", "CR", "no final newline"],
)
def test_a_file_is_what_it_is_however_it_is_written(kind: str, written: Callable[[str], bytes]) -> None:
    name, content, task, keys = KINDS[kind]
    assert taken(written(content), name)[:2] == (task, keys)


FOREIGN = {
    "texts and labels": ("near", "près"),
    "texts and numbers": ("near", "près"),
    "lines of a label and a text": ("near", "près"),
    "fastText": ("warm", "gélé"),
    "a .ts in a pipe": ("toy", "jouet d’été"),
    "two columns and blank lines": ("the", "thé"),
    "a table of tagged words": ("ar", "år"),
    "pairs": ("ar", "år"),
    "times and values": ("sold", "Größe"),
    "prose": ("all", "“ål”"),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_windows_1252_is_read_as_the_same_text_in_utf_8(kind: str) -> None:
    name, content, task, _ = KINDS[kind]
    content = content.replace(*FOREIGN[kind])
    western = content.encode("cp1252")
    found, read, note = taken(western, name)
    assert (found, read, note) == taken(content, name)
    assert found == task

    def header(content: str | bytes, encoding: str) -> str:
        made = prepared(content, name).header()
        assert made["data"].pop("encoding") == encoding
        return json.dumps(made, default=repr)

    assert header(western, "cp1252") == header(content, "utf-8")
    with pytest.raises(DataError, match=r"is not UTF-8; pass --encoding (latin-1|cp1252)"):
        prepared(western, name, "data.encoding=utf-8")


@pytest.mark.parametrize("overrides", [(), ('data.decimal=","',)])
def test_a_table_between_semicolons_with_a_decimal_comma(overrides: tuple[str, ...]) -> None:
    content = SALES.replace(",", ";").replace(".", ",")
    assert taken(content, "a.csv")[1]["decimal"] == ","
    found, points = prepared(content, "a.csv", *overrides), prepared(SALES, "a.csv")
    assert np.array_equal(found.splits.panel.values, points.splits.panel.values)


@pytest.mark.parametrize("delimiter", [";", "\t"])
@pytest.mark.parametrize(
    ("cells", "read"),
    [
        (("1000,5", "919,7"), True),
        (("1000,5", "919"), True),
        (("12,5 €", "7,25 €"), True),
        (("-0,125", "0,250"), True),
        (("1,234", "2,345"), False),  # thousands or a fraction
        (("1000,5", "919.7"), False),
        (("1000", "919"), False),
    ],
)
def test_decimal_commas_are_found_where_they_can_be_nothing_else(
    cells: tuple[str, str], read: bool, delimiter: str
) -> None:
    rows = [f"2020-{i // 28 + 1:02d}-{i % 28 + 1:02d}{delimiter}{cells[i % 2]}" for i in range(80)]
    notes: list[str] = []
    with noting(notes.append):
        found = guessed("a.csv", source_of("\n".join([f"day{delimiter}sold", *rows, ""]), "a.csv"), ()).config
    assert (found["task"], found["data"].get("decimal")) == ("forecast", "," if read else None)
    assert ('numbers are read with "," for decimals' in notes) == read


def test_other_tasks_read_decimal_commas() -> None:
    rows = [f"a text of some words, number {i * 37 % 101};{i % 5},{i * 7 % 10}" for i in range(60)]
    task, data, _ = taken("\n".join(["text;points", *rows, ""]), "a.csv")
    assert (task, data.get("decimal")) == ("regress", ",")


@pytest.mark.parametrize(
    ("cell", "marks"),
    [
        ("€ 34.{:03d},05", {"decimal": ",", "thousands": "."}),
        ("34,{:03d}.05 $", {"decimal": ".", "thousands": ","}),
        ("34 {:03d},5", {"decimal": ",", "thousands": " "}),
        ("1'234'{:03d}", {"decimal": ".", "thousands": "'"}),
        ("CHF 34\u2019{:03d}.00", {"decimal": ".", "thousands": "'"}),
        ("34\u2009{:03d},00 €", {"decimal": ",", "thousands": " "}),
        ("1.234.{:03d}", {"decimal": ",", "thousands": "."}),
        ("34.{:03d}", {}),  # thousands or a fraction: read as it stands
    ],
)
def test_marks_that_can_be_read_in_one_way_are_read_so(cell: str, marks: dict[str, str]) -> None:
    numbers = [(index * 37) % 1000 for index in range(40)]
    cells = [cell.format(number) for number in numbers]
    content = "Monat;Umsatz\n" + "".join(f"{i % 12 + 1:02d}.{2020 + i // 12};{one}\n" for i, one in enumerate(cells))
    task, data, _ = taken(content, "a.csv")
    assert task == "forecast"
    assert {key: data[key] for key in ("decimal", "thousands") if key in data} == marks
    panel = prepared(content, "a.csv").splits.panel
    step = panel.values[2, 0] - panel.values[1, 0]
    assert step == pytest.approx((numbers[2] - numbers[1]) / (1000 if not marks else 1))
