"""Labelled sequences from every form of file, and what is said of files that are wrong."""

from __future__ import annotations

import numpy as np
import pytest

from rnncli.data.lines import lines_of
from rnncli.data.source import Source
from rnncli.errors import DataError, UsageError
from rnncli.notes import noting
from rnncli.tasks.sequences.config import ClassifyDataConfig, ExamplesConfig, RegressDataConfig
from rnncli.tasks.sequences.example_files import read_examples
from rnncli.tasks.sequences.example_lines import texts_in
from rnncli.tasks.sequences.examples import Columns, Examples, only

LONG = "id,t,x,y,label\na,1,1,5,up\nb,1,3,7,down\na,2,2,6,up\n"
TS = "@problemName p\n@classLabel true a b\n@data\n1,2,3:4,5,6:a\n7,8:9,10:b\n"


def read(name: str, content: str, like: Columns | None = None, labels: str | None = None, **reading) -> Examples:
    """`labels`: those that a model knows; the examples are then to be predicted."""
    source, data = Source(name, content.encode()), ExamplesConfig(encoding="utf-8", **reading)
    if labels is None:
        return read_examples(source, data, like)
    lines = [line for some in lines_of(source.pieces(), name) for line in some]
    of_lines = texts_in(iter(lines), name, data, like, labels.split().__contains__)
    return of_lines(lines) if of_lines else read_examples(source, data, like, is_label=labels.split().__contains__)


def test_lines_are_a_label_and_a_text():
    found = read("d.txt", "0 dull and long .\n1  a joy\n")
    assert (found.labels, found.texts, found.lines) == (["0", "1"], ["dull and long .", "a joy"], [1, 2])


def test_a_csv_with_one_column_of_texts_beside_the_label():
    found = read("d.csv", 'label,said\ngood,"yes, please"\nbad,no\n')
    assert (found.labels, found.texts) == (["good", "bad"], ["yes, please", "no"])
    assert found.columns == Columns("text", "said", label="label")


def test_rows_with_the_same_id_are_the_steps_of_one_sequence():
    found = read("d.csv", LONG, id="id", time="t")
    assert (found.ids, found.labels, found.lines) == (["a", "b"], ["up", "down"], [2, 3])
    assert [values.tolist() for values in found.values] == [[[1, 5], [2, 6]], [[3, 7]]]
    assert found.columns == Columns("long", None, ("x", "y"), "id", "label")


def test_a_row_is_a_sequence_and_empty_cells_at_its_end_make_it_shorter():
    found = read("d.csv", "a,b,c,class\n1,2,3,p\n4,,,q\n", delimiter=",")
    assert [values.tolist() for values in found.values] == [[[1], [2], [3]], [[4]]]
    assert found.labels == ["p", "q"]


def test_an_archive_file_has_dimensions_and_a_label():
    found = read("d.ts", TS)
    assert [values.tolist() for values in found.values] == [[[1, 4], [2, 5], [3, 6]], [[7, 9], [8, 10]]]
    assert (found.labels, found.lines) == (["a", "b"], [4, 5])
    assert read("d.ts", TS.replace("@data", "@\n@ \n@data")).lines == [6, 7]  # of a mark alone
    assert read("d.ts", "# a\x0cb\x85c\u2028d\r\n" + TS).lines == [5, 6]  # which an editor shows as one line


@pytest.mark.parametrize("first", ["x" * 200_000, '"' + "x" * 200_000, '"open, it is said', '"a" b,c'])
def test_a_first_line_that_is_no_table_is_a_text(first):
    columns = read("d.csv", 'label,said\ngood,"yes, please"\nbad,no\n').columns
    assert read("new.txt", first + "\nno\n", columns, labels="good bad").texts == [first, "no"]


@pytest.mark.parametrize(
    ("name", "content", "reading"),
    [("d.csv", LONG, {"id": "id", "time": "t"}), ("d.ts", TS, {}), ("d.csv", "label,s\na,x y\nb,z\n", {})],
)
def test_new_data_are_read_like_the_old_without_labels(name, content, reading):
    first = read(name, content, **reading)
    again = read(name, content, first.columns, labels="a b")
    assert (again.texts, again.ids) == (first.texts, first.ids)
    assert all(map(np.array_equal, again.values or [], first.values or []))
    assert Columns.from_header(first.columns.to_header()) == first.columns


def test_bare_lines_are_texts_for_a_model_of_texts():
    columns = read("d.csv", "label,s\na,x\nb,z\n").columns
    found = read("<stdin>", "one text\nanother, with a comma\n", columns, labels="a b")
    assert (found.texts, found.labels) == (["one text", "another, with a comma"], None)
    for name in ("<stdin>", "d.dat"):
        assert read(name, "label,s\na,x\n,z \n", columns, labels="a b").texts == ["x", "z"]


def test_a_file_of_labelled_lines_is_predicted_without_its_labels():
    columns = read("d.txt", "0 dull\n1 fine\n").columns
    lines, texts = "1 a joy\n0 so so\n" * 3, ["a joy", "so so"] * 3
    assert read("new.txt", lines, columns, labels="0 1").texts == texts
    for few in ("1 a joy\n", "1 a joy\n0 so so\n", "1 a joy\n" * 9):  # texts may begin with such a word
        assert read("new.txt", few, columns, labels="0 1").texts == few.splitlines()
    assert read("<stdin>", "1 a joy\n0 so so\n", columns, labels="0 1").texts == ["1 a joy", "0 so so"]
    assert read("new.txt", "1 a joy\nso so\n", columns, labels="0 1").texts == ["1 a joy", "so so"]


def test_an_archive_file_without_labels_is_predicted():
    columns = read("d.ts", TS).columns
    bare = read("new.ts", TS.replace(":a\n", "\n").replace(":b\n", "\n"), columns, labels="a b")
    assert [values.tolist() for values in bare.values] == [[[1, 4], [2, 5], [3, 6]], [[7, 9], [8, 10]]]


def test_columns_named_by_digits_are_names_in_new_data():
    columns = read("d.csv", "label,0,1,2\np,5,6,7\nq,8,9,1\n").columns
    with pytest.raises(UsageError, match=r'no column "2" in d\.csv; columns: "label", "0", "1"'):
        read("d.csv", "label,0,1\np,5,6\n", columns, labels="p q")


def test_a_config_that_names_columns_reads_a_table_from_a_pipe():
    assert len(read("<stdin>", LONG, id="id", time="t")) == 2


def test_only_keeps_what_belongs_together():
    some = only(read("d.csv", LONG, id="id", time="t"), [1])
    assert (some.ids, some.labels, some.lines, some.values[0].tolist()) == (["b"], ["down"], [3], [[3, 7]])


@pytest.mark.parametrize(
    ("name", "content", "reading", "said"),
    [
        ("d.txt", "", {}, "d.txt: is empty"),
        ("d.txt", "0 fine\n good\n", {}, 'd.txt:2: " good" must be a label'),
        ("d.csv", "id,x,label\na,1,p\n,2,q\n", {"id": "id"}, 'd.csv:3: column "id" is empty'),
        (
            "d.csv",
            "id,x,label\na,,p\nb,2,q\n",
            {"id": "id", "inputs": ["x"]},
            "d.csv:2: the sequence has no values; remove its rows",
        ),
        ("d.ts", "@data\n1,2:\n", {}, "d.ts:2: the sequence has no label"),
        ("d.txt", "0 fine\nlonely\n", {}, r'd.txt:2: "lonely" must be a label, a space and a text'),
        ("d.csv", "label,s\na,x\nb,\n", {"text": "s"}, 'd.csv:3: column "s" is empty'),
        ("d.csv", "label,x\na,1\n,2\n", {}, 'd.csv:3: column "label" has no label'),
        ("d.csv", LONG + "a,3,9,9,down\n", {"id": "id"}, 'd.csv:5: id "a" is labelled "down" here and "up" on line 2'),
        ("d.csv", "a,b,label\n1,2,p\n3,four,q\n", {"inputs": ["a", "b"]}, 'd.csv:3: column 2 "b": "four" is not a num'),
        ("d.csv", "a,b,label\n1,2,p\n,,q\n", {}, "d.csv:3: the sequence has no values"),
        ("d.csv", "a,label\n1e35,p\n1,q\n", {}, "d.csv:2: a value is too large"),
        ("d.ts", "@data\n1,2:3:a\n", {}, "d.ts:2: dimension 2 has 1 step, the first 2"),
        ("d.ts", "@data\n1,2:a\n1,2:3,4:b\n", {}, "d.ts:3: 2 dimensions, and 1 on line 2"),
        (
            "d.ts",
            "@data\n1,?,2:a\n",
            {},
            r"d.ts:2: dimension 1, step 2 has no value; --missing ffill\|",
        ),
        ("d.ts", "@data\n1,inf,2:a\n", {}, 'd.ts:2: dimension 1: "inf" is not a number'),
        ("d.ts", "@data\n?,NaN:a\n", {}, "d.ts:2: the sequence has no values"),
        ("d.csv", "id,x,z,label\na,,1,p\na,2,1,p\n", {"id": "id"}, r'd.csv:2: column 2 "x" has no value; --missing'),
        ("d.csv", "a,b,c,label\n1,,3,p\n1,2,3,q\n", {}, r'd.csv:2: column 2 "b" has no value; --missing ffill'),
        ("d.ts", "@timeStamps true\n@data\n(0,1),3:a\n", {}, r'd.ts:3: dimension 1: "3" is not \(time, value\)'),
        ("d.ts", "1,2:a\n", {}, "d.ts:1: .* stands before @data"),
        ("d.ts", "@data\n", {}, "d.ts: no sequences"),
        ("d.ts", "@classLabel false\n@data\n1,2\n", {}, "no labels"),
    ],
)
def test_what_is_wrong_is_named_by_file_and_line(name, content, reading, said):
    with pytest.raises(DataError, match=said):
        read(name, content, **reading)


@pytest.mark.parametrize(
    ("content", "reading", "said"),
    [
        ("a,b\n1,2\n", {}, r"name the column of labels with --set data.label=NAME; columns: \"a\", \"b\""),
        ("s,label\nx,y\n", {"text": "label"}, '"label" is also what the model reads'),
        ("a,label\n1,2\n", {"inputs": ["a", "label"]}, '"label" is also what the model reads'),
        ("s,a,label\nx,1,y\n", {"text": "s", "inputs": ["a"]}, "texts or numbers; remove one"),
        ("a,label\n1,2\n", {"label": "lable"}, 'did you mean "label"'),
        ("s,u,label\nx,y,2\n", {}, "name the texts with --set data.text=NAME"),
    ],
)
def test_columns_that_are_not_there(content, reading, said):
    with pytest.raises(UsageError, match=said):
        read("d.csv", content, delimiter=",", **reading)


def test_a_model_of_a_file_without_names_reads_such_files():
    examples = "".join(f"{label},text {i}\n" for i, label in enumerate(["good", "bad"] * 6))
    like = read("d.csv", examples, label=1, text=2).columns
    assert (like.headed, like.label, like.text) == (False, "column1", "column2")
    assert read("new.csv", "bad,one\ngood,two\n", like).labels == ["bad", "good"]
    assert read("new.csv", "bad,one\n", like, labels="bad good").texts == ["one"]
    assert read("new.csv", "one\ntwo\n", like, labels="bad good").texts == ["one", "two"]


@pytest.mark.parametrize("form", ["text", "headless", "lines"])
def test_a_row_or_json_in_a_pipe_is_a_text_with_a_doubt(form):
    like = Columns("lines") if form == "lines" else Columns("text", "column2", label="column1", headed=form == "text")
    for first, told in [('{"said": "so dull"}', 1), ("id,comment,class", 1), ("so dull", 0), ("so dull, good", 0)]:
        notes: list[str] = []
        with noting(notes.append):
            assert read("<stdin>", f"{first}\nno\n", like, labels="good bad").texts == [first, "no"]
        assert len(notes) == told


@pytest.mark.parametrize("header", ["id,Said", "SAID\tid"])
def test_a_pipe_whose_header_has_another_case_is_refused_as_a_file_is(header):
    rows = "\n".join([header, header[-2:] + header[2:-2] + "x y"])
    for name in ("<stdin>", "new.csv"):
        with pytest.raises(UsageError, match='no column "said"'):
            read(name, f"{rows}\n", Columns("text", "said"), labels="good bad")


BARE = {"text label": ("so dull,bad", "a joy,good"), "label text": ("bad,so dull", "good,a joy")}


@pytest.mark.parametrize("order", BARE)
@pytest.mark.parametrize(
    ("cut", "answered"),
    [
        (lambda row: f"A1,{row}", True),
        (lambda row: f"A1,{row}", False),
        (lambda row: f"{row},x", False),
        (lambda row: f"A1,x,{row}", True),
    ],
)
def test_a_table_of_another_width_than_one_without_names_is_refused(order, cut, answered):
    rows = [row for row in BARE[order] for _ in range(4)]
    text, label = order.split().index("text") + 1, order.split().index("label") + 1
    like = read("d.csv", "\n".join(rows), label=label, text=text, header=False).columns
    roles = order.replace("label", "answer").split()
    places = f"the {roles[0]} in column 1, the {roles[1]} in column 2"
    for header in ("", "id,text,label\n"):
        content = header * (not answered) + "".join(f"{cut(row)}\n" for row in rows)
        with pytest.raises(DataError, match=f"the training data had 2 without names; .*: {places}"):
            read("new.csv", content, like, labels=None if answered else "bad good")


def test_answers_that_are_last_or_alone_beside_texts_may_be_missing():
    texts = read("d.csv", "A,so dull,bad\nB,a joy,good\n" * 4, label=3, text=2, header=False).columns
    assert texts.width == 3
    assert Columns.from_header(texts.to_header()) == texts
    for content in ("A,so dull\n", "so dull\n", "A,so dull,bad\n"):
        assert read("new.csv", content, texts, labels="bad good").texts == ["so dull"]
    numbers = read("d.csv", "1,2,bad\n3,4,good\n" * 4, label=3, header=False).columns
    assert read("new.csv", "1,2\n", numbers, labels="bad good").values[0].tolist() == [[1], [2]]
    with pytest.raises(DataError, match=r"has 4 .*: a number in column 1, a number in column 2, the answer in"):
        read("new.csv", "1,2,3,4\n", numbers, labels="bad good")
    with pytest.raises(DataError, match="has 2 columns, and the training data had 3 without names"):
        read("new.csv", "1,2\n" * 4, numbers)
    assert read("d.csv", "text,label\nso dull,bad\n").columns.width is None


@pytest.mark.parametrize(
    ("header", "row", "label"),
    [
        ("id,text,price", "a{0},so dull {0},{0}.5", "price"),
        ("text,price", "so dull {0},{0}.5", "price"),
        ("price,said", "{0}.5,so dull {0}", "price"),
        ("id,text,sum", "{0},so dull {0},{0}.5", "sum"),  # an id of numbers
        ("text,price,target", "so dull {0},{0}.5,{0}", "target"),
    ],
)
def test_the_only_numbers_of_a_table_are_those_that_regress_predicts(header, row, label):
    source = Source("d.csv", "\n".join([header, *(row.format(i) for i in range(9)), ""]).encode())
    found = read_examples(source, RegressDataConfig(encoding="utf-8", text="said" if "said" in header else "text"))
    assert found.columns.label == label


def test_one_of_several_columns_of_numbers_is_to_be_named():
    source = Source("d.csv", b"text,price,weight\nso dull,1,2\na joy,2,3\n")
    with pytest.raises(UsageError, match=r"name the column of the numbers to predict with --set data.label=NAME"):
        read_examples(source, RegressDataConfig(encoding="utf-8"))
    with pytest.raises(UsageError, match=r"name the column of labels with --set data.label=NAME"):
        read_examples(source, ClassifyDataConfig(encoding="utf-8"))
