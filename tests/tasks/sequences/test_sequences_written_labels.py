"""Labels before texts and in cells: fastText's, before a tab, before a space, several with a separator."""

import pytest

from rnncli.data.lines import Line
from rnncli.data.source import Source
from rnncli.errors import ConfigError, DataError, quoted
from rnncli.notes import noting
from rnncli.tasks.sequences.config import ClassifyDataConfig, ExamplesConfig
from rnncli.tasks.sequences.example_files import read_examples
from rnncli.tasks.sequences.example_lines import texts_in
from rnncli.tasks.sequences.examples import Columns, only


def read(content, like=None, name="d.txt", notes=None, schema=ClassifyDataConfig, **data):
    with noting(([] if notes is None else notes).append):
        return read_examples(Source(name, content.encode()), schema(encoding="utf-8", **data), like)


def to_predict(content, like, labels, name="new.txt", notes=None):
    """The texts of lines that are to be predicted by a model that knows these labels."""
    lines = [Line(name, number, text) for number, text in enumerate(content.splitlines(), start=1)]
    with noting(([] if notes is None else notes).append):
        return texts_in(iter(lines), name, ClassifyDataConfig(encoding="utf-8"), like, labels.__contains__)(lines).texts


@pytest.mark.parametrize(
    ("content", "labels", "texts"),
    [
        ("New York\thow are  you\nRome\tfine\n", ["New York", "Rome"], ["how are  you", "fine"]),
        ("New York\ta\nLos Angeles\tb\nNew York\tc\nLos Angeles\td\n", ["New York", "Los Angeles"] * 2, list("abcd")),
        ("मुंबई शहर\tकैसे हो\nपुणे\tठीक\n", ["मुंबई शहर", "पुणे"], ["कैसे हो", "ठीक"]),
        ("good\ta\tb\nbad\tc d\n", ["good", "bad"], ["a\tb", "c d"]),
        # Tabs in texts, whose labels end at a space: what stands before the tabs hardly recurs.
        ("p one\ttwo\nn three\tfour\np five\tsix\n", ["p", "n", "p"], ["one\ttwo", "three\tfour", "five\tsix"]),
        ("good a b\nbad\tc d\nbad e f\n", ["good", "bad", "bad"], ["a b", "c d", "e f"]),
        (
            "__label__a one  two\n__label__b x__label__c y\n",
            ["__label__a", "__label__b"],
            ["one  two", "x__label__c y"],
        ),
    ],
)
def test_where_the_label_of_a_line_ends(content, labels, texts):
    found = read(content)
    assert (found.labels, found.texts, found.sets) == (labels, texts, None)


def test_two_labels_on_a_line_of_fasttext_are_two_labels():
    notes = []
    found = read("__label__a __label__b one two\n__label__b three\nfour __label__a five\n", notes=notes)
    assert found.sets == [("__label__a", "__label__b"), ("__label__b",), ("__label__a",)]
    assert found.labels is None
    assert found.texts == ["one two", "three", "four five"]
    assert found.columns == Columns("lines", separator=" ")
    assert notes == ["d.txt: 1 of 3 lines have several labels, so each label is learnt by itself"]
    again = read("__label__b six\n", like=found.columns)
    assert (again.sets, again.texts) == ([("__label__b",)], ["six"])
    assert only(found, [2]).sets == [("__label__a",)]
    assert found.answers() == found.sets
    assert Columns.from_header(found.columns.to_header()) == found.columns


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("d.txt", "a ; b;a\tone\n\ttwo\nb;\tthree four\n"),
        ("d.csv", "label,s\na ; b;a,one\n,two\nb;,three four\n"),
    ],
)
def test_a_separator_cuts_labels_of_which_there_may_be_none(name, content):
    found = read(content, name=name, label_separator=";")
    assert found.sets == [("a", "b"), (), ("b",)]
    assert found.texts == ["one", "two", "three four"]
    assert found.columns.separator == ";"
    again = read(content, like=found.columns, name=name)
    assert again.sets == found.sets


def test_rows_and_archives_of_numbers_have_several_labels_too():
    wide = read("label,x,y\na|b,1,2\nb,3,4\n", name="d.csv", label_separator="|")
    archive = read("@data\n1,2:a|b\n3,4:b\n", name="d.ts", label_separator="|")
    assert wide.sets == archive.sets == [("a", "b"), ("b",)]
    long = read("id,x,label\n1,5,a|b\n1,6,a|b\n2,7,b\n", name="d.csv", label_separator="|", id="id")
    assert long.sets == [("a", "b"), ("b",)]


def test_a_separator_that_is_nowhere_is_told():
    notes = []
    assert read("a;b\tone\nb\ttwo\n", label_separator="|", notes=notes).sets == [("a;b",), ("b",)]
    assert notes == ['d.txt: no example has several labels with "|" between them']


@pytest.mark.parametrize("name", ["new.txt", "<stdin>"])
def test_marked_labels_are_left_out_of_what_is_predicted(name):
    columns = read("__label__a __label__b one\n__label__b two\n").columns
    notes = []
    lines = "zero\n__label__a __label__z one\ntwo __label__b\nx__label__b three\n"
    assert to_predict(lines, columns, ["__label__a"], name, notes) == ["zero", "one", "two", "x__label__b three"]
    assert notes == [f"{name}:2: labels that begin with __label__ are left out of the texts, here and below"]


def test_tab_lines_of_known_labels_are_predicted_without_them():
    columns = read("New York\tone\nRome\ttwo\n").columns
    lines = "New York\tone\nRome\ttwo three\n\n" * 3
    assert to_predict(lines, columns, ["New York", "Rome"]) == ["one", "two three", ""] * 3
    for known in (["Rome"], ["New York"]):  # a first cell that is no label is text
        assert to_predict(lines, columns, known) == lines.splitlines()
    assert to_predict(lines, columns, ["New York", "Rome"], "<stdin>") == lines.splitlines()
    assert to_predict("Rome\ta\nParis b\n" * 3, columns, ["Rome", "Paris"]) == ["a", "b"] * 3
    assert to_predict("Rome\ta\nRome\n" * 3, columns, ["Rome", "Paris"]) == ["Rome\ta", "Rome"] * 3


@pytest.mark.parametrize(
    ("content", "data", "error", "said"),
    [
        (
            "__label__a x\nlost\n__label__b y\n",
            {},
            DataError,
            r'd\.txt:2: "lost" must be labels that begin with __label__',
        ),
        (
            "__label__a x\n__label__b\n",
            {},
            DataError,
            r'd\.txt:2: "__label__b" must be labels that begin with __label__',
        ),
        ("a\tx\nb\ty\nno tab\n", {}, DataError, r'd\.txt:3: "no tab" must be a label, a tab and a text'),
        ("a\tx\n\ty\n", {}, DataError, r'd\.txt:2: "\\ty" must be a label, a tab and a text'),
        ("a\tx\nb;c\t \n", {"label_separator": ";"}, DataError, r"d\.txt:2: .* must be a label, a tab and a text"),
        ("a x\n y\n", {"label_separator": ";"}, DataError, r'd\.txt:2: " y" must be a label, a space and a text'),
        ("__label__a __label__b x\n", {"label_separator": ";"}, ConfigError, "spaces separate labels that begin with"),
    ],
)
def test_what_is_wrong_is_named_by_file_and_line(content, data, error, said):
    with pytest.raises(error, match=said):
        read(content, **data)


def test_several_labels_where_one_is_learnt_are_refused_by_line():
    two = "__label__a x\n__label__b __label__a y\n"
    said = r'd\.txt:2: "__label__b __label__a" are several labels, where one is known; leave one'
    with pytest.raises(DataError, match=said):
        read(two, like=read("__label__a x\n__label__b y\n").columns)
    with pytest.raises(DataError, match=said):
        read(two, schema=ExamplesConfig)


@pytest.mark.parametrize("mark", [";", "|", ","])
def test_labels_that_are_others_joined_are_told_with_the_option_that_cuts_them(mark):
    rows = "".join(f'text {i},"{label}"\n' for i, label in enumerate(["a", "b", f"a{mark}b", f"b{mark} a"] * 3))
    notes = []
    joined = read(f"text,label\n{rows}", name="d.csv", notes=notes)
    assert joined.sets is None
    told = (
        f'd.csv: the label "a{mark}b" is others joined; --set data.label_separator={quoted(mark)} learns each by itself'
    )
    assert [note for note in notes if "joined" in note] == [told]
    assert set(read(f"text,label\n{rows}", name="d.csv", label_separator=mark).sets) == {
        ("a",),
        ("b",),
        ("a", "b"),
        ("b", "a"),
    }


@pytest.mark.parametrize(
    "labels", ["a b", "a;b c;d", "a a;c", "a; b;", "yes,no maybe"], ids=["apart", "joined", "half", "marks", "words"]
)
def test_labels_that_only_have_a_mark_are_not_told_of(labels):
    notes = []
    read("text,label\n" + "".join(f'x,"{label}"\n' for label in labels.split()), name="d.csv", notes=notes)
    assert not [note for note in notes if "joined" in note]
