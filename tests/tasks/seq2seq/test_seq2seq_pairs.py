"""Pairs of what is given and what is to be written, and what is said of files that are wrong."""

from __future__ import annotations

import pytest

from rnncli.data.lines import Line
from rnncli.data.source import Source
from rnncli.errors import DataError, UsageError
from rnncli.notes import noting
from rnncli.tasks.seq2seq.config import PromptsConfig, SourcesConfig
from rnncli.tasks.seq2seq.pairs import PairColumns, Pairs, only, read_pairs


def read(name: str, content: str, like: PairColumns | None = None, *, named=False, answered=True, notes=None, **data):
    schema = PromptsConfig if named else SourcesConfig
    with noting(([] if notes is None else notes).append):
        return read_pairs(
            Source(name, content.encode()), schema(encoding="utf-8", **data), like, named=named, answered=answered
        )


def test_a_tsv_is_what_is_given_and_what_is_written():
    found = read("d.tsv", 'walk "up"\twalked\n\ngo\twent\r\n')
    assert found.prompts == [('walk "up"',), ("go",)]
    assert (found.targets, found.lines) == (["walked", "went"], [1, 3])


def test_several_columns_are_given_in_the_order_asked_for():
    found = read("d.tsv", "walk\twalked\tPST\ngo\twent\tPST\n", source=[3, 1], target=2)
    assert found.prompts == [("PST", "walk"), ("PST", "go")]
    assert found.columns == PairColumns(("3", "1"), "2", header=False, width=3, delimiter="\t")


@pytest.mark.parametrize("header", ["source,target", "target,source"])
def test_the_usual_names_are_a_header(header):
    found = read("d.csv", f'{header}\n"a, b",c\nd,e\n')
    first, second = (["a, b", "d"], ["c", "e"])
    given, written = (first, second) if header.startswith("source") else (second, first)
    assert (found.prompts, found.targets) == ([(g,) for g in given], written)


def test_a_name_in_the_config_makes_the_first_line_a_header():
    found = read("d.csv", "en,de,fr\none,eins,un\n", source="en", target="fr")
    assert (found.prompts, found.targets) == ([("one",)], ["un"])


@pytest.mark.parametrize("rows", [range(9), range(70)])
@pytest.mark.parametrize(
    ("names", "row", "mark"),
    [
        ("source{}target", "{i}a{}b{i}", "\t"),
        ("english{}german", "w{i}{}W{i}", "\t"),
        ("question{}answer", "what is {i} plus one ?{}n{i}", "\t"),
        ("question{}answer", "what is {i} plus one ?{}{i}", ","),
        ("infinitive{}simple past", "to go {i}{}went", ","),
    ],
)
def test_names_above_other_lines_are_a_header(names, row, mark, rows):
    notes: list[str] = []
    lines = [names.format(mark), *(row.format(mark, i=i) for i in rows)]
    found = read("d.csv", "\n".join(lines) + "\n", delimiter=mark, notes=notes)
    assert (len(found), found.columns.header, notes) == (len(rows), True, [])


@pytest.mark.parametrize(
    ("first", "row"),
    [
        ("Go away.{}Va-t'en !", "Come {i}.{}Viens {i} !"),
        ("what is 3 plus 4 ?{}7", "what is {i} plus 2 ?{}{i}"),
        ("walk{}walked", "walk{}walked{i}"),
        ("May 6 1962{}1962-05-06", "May {i} 1962{}1962-05-{i}"),
    ],
)
@pytest.mark.parametrize("mark", ["\t", ";"])
def test_a_first_line_like_the_others_is_a_pair(first, row, mark):
    notes: list[str] = []
    lines = [first.format(mark), *(row.format(mark, i=i) for i in range(10, 28))]
    found = read("d.csv", "\n".join(lines) + "\n", delimiter=mark, notes=notes)
    assert (len(found), found.columns.header, notes) == (19, False, [])


def test_words_that_may_be_names_or_a_pair_are_told_with_the_key():
    notes: list[str] = []
    assert read("d.csv", "en,de\none,eins\n", notes=notes).targets == ["eins"]
    assert read("d.tsv", "en\tde\none\teins\n", notes=notes).targets == ["de", "eins"]
    assert notes == [
        'the first line, "en,de", names the columns; if it is a pair, --set data.header=false',
        'the first line, "en\\tde", is read as a pair; if it names the columns, --set data.header=true',
    ]
    assert read("d.csv", "en,de\none,eins\n", header=False, notes=notes).targets == ["de", "eins"]
    assert len(notes) == 2


def test_a_caption_is_given_all_columns_but_the_last():
    found = read("d.csv", "key,mode,notes\nC,minor,C4 Eb4\n", named=True)
    assert (found.prompts, found.targets) == ([("C", "minor")], ["C4 Eb4"])
    found = read("d.csv", "notes,key,mode\nC4 Eb4,C,minor\n", named=True, inputs="mode", target="notes")
    assert (found.prompts, found.targets) == ([("minor",)], ["C4 Eb4"])


def test_new_data_are_read_like_the_old_with_or_without_their_targets():
    old = read("d.tsv", "walk\twalked\tPST\n", source=[1, 3], target=2).columns
    assert read("n.tsv", "go\twent\tPST\n", old, answered=False).prompts == [("go", "PST")]
    assert read("n.tsv", "go\tPST\n", old, answered=False).prompts == [("go", "PST")]
    assert old.of_line(Line("x", 3, "go\tPST")) == old.of_line(Line("x", 3, "go\twent\tPST")) == ("go", "PST")
    with pytest.raises(DataError, match="x:3: 1 field, and the model is given 2"):
        old.of_line(Line("x", 3, "go"))
    named = read("d.csv", "x,source,target\n1,a,b\n").columns
    assert read("n.csv", "source\nc\n", named, answered=False).prompts == [("c",)]
    assert named.of_line(Line("x", 3, "one, two, three")) == ("one, two, three",)


def test_a_line_of_several_sources_is_cut_as_a_table_is():
    given = read("d.csv", "a,b,c\nx,y,z\n", source=[1, 2], target=3).columns
    assert given.of_line(Line("x", 3, f'"p, q",{"r" * 200_000}')) == ("p, q", "r" * 200_000)
    for line, said in (('"p,q', "x:3:1: the quote that opens here"), ('"p"q,r', "x:3:4: text after"), ("", "1 field")):
        with pytest.raises(DataError, match=said):
            given.of_line(Line("x", 3, line))


def test_some_pairs_alone():
    found: Pairs = only(read("d.tsv", "a\tb\nc\td\ne\tf\n"), [0, 2])
    assert (found.prompts, found.targets, found.lines, len(found)) == ([("a",), ("e",)], ["b", "f"], [1, 3], 2)


def test_ragged_lines_can_be_left_out():
    notes: list[str] = []
    found = read("d.tsv", "a\tb\nc\nd\te\n", ragged="skip", header=False, notes=notes)
    assert found.targets == ["b", "e"]
    assert notes == ["left out 1 of 3 rows without 2 fields, the first on line 2"]


@pytest.mark.parametrize(
    ("content", "data", "said"),
    [
        ("", {}, "d.tsv: is empty"),
        ("a\tb\nc\n", {}, "d.tsv:2: 1 field, the first line has 2; correct the line"),
        ("a\tb\nc\t \n", {}, "d.tsv:2: nothing is to be written"),
        ("a b\nc d\n", {}, "d.tsv: has one column, and a pair takes two"),
        ("source\ttarget\tsource\na\tb\tc\n", {}, "d.tsv:1: columns 1 and 3 are both source; rename one"),
        ("a\tb\0\n", {}, "d.tsv:1: contains a NUL byte"),
        ("source\ttarget\n", {}, "d.tsv:1: column names but no pairs"),
        ("a\tb\n", {"source": 5}, "no column 5 in d.tsv; columns: 1, 2"),
        ("a\tb\n", {"target": "c"}, 'no column "c" in d.tsv'),
        ("a\tb\n", {"source": 2}, "data.target: 2 is also what the model is given"),
    ],
)
def test_what_is_said_of_files_that_are_wrong(content, data, said):
    with pytest.raises((DataError, UsageError)) as refused:
        read("d.tsv", content, **data)
    assert said in str(refused.value).replace('"', "") or said in str(refused.value)


@pytest.mark.parametrize("first", ["120,tune one", "C,tune one"])
def test_a_caption_file_whose_first_line_is_a_pair_has_no_names(first):
    keys = "CDE" if first.startswith("C") else ["90", "100", "120"]
    rows = [f"{key},tune {i}" for i, key in enumerate([*keys] * 3)]
    notes: list[str] = []
    found = read("d.csv", "\n".join([first, *rows]), named=True, notes=notes)
    assert (len(found), found.prompts[0], found.targets[0]) == (10, (first.split(",")[0],), "tune one")
    assert notes == ["the first line is a pair like the others, so it names no columns; they have numbers"]


def test_data_header_overrules_what_the_first_line_looks_like():
    assert len(read("d.tsv", "source\ttarget\na\tb\n", header=False)) == 2
    assert len(read("d.tsv", "a\tb\nc\td\n", header=True)) == 1
    assert len(read("d.csv", "key,tune\nC,one\nC,two\nC,three\n", named=True, header=False)) == 4


@pytest.mark.parametrize("name", ["n.tsv", "n.csv"])
def test_blank_lines_before_the_names_are_passed_over_and_others_kept(name):
    mark = "\t" if name.endswith("tsv") else ","
    like = read(name, f"source{mark}target\na{mark}b\nc{mark}d\n").columns
    found = read(name, f"\n\nsource{mark}target\na{mark}b\n\nc{mark}d\n", like, answered=False)
    assert found.prompts == [("a",), ("",), ("c",)]
    for content in ("", "\n", " \n\n"):
        with pytest.raises(DataError, match="is empty"):
            read(name, content, like, answered=False)


@pytest.mark.parametrize("header", [True, False])
def test_lines_that_another_delimiter_cuts_are_refused_with_it(header):
    old = read("d.csv", "source;target\na;b\n", header=header).columns
    with pytest.raises((UsageError, DataError), match=r"its rows are separated otherwise: --delimiter ,$"):
        read("d.csv", "source,target\na,b\n", old, delimiter=";")


@pytest.mark.parametrize("answered", [True, False])
def test_usual_names_above_pairs_are_left_out_for_a_model_whose_data_had_none(answered):
    rows = "walk\twalked\ngo\twent\n"
    like = read("d.tsv", rows).columns
    notes: list[str] = []
    found = read("n.tsv", f"source\ttarget\n{rows}", like, answered=answered, notes=notes)
    assert (found.prompts, found.lines) == ([("walk",), ("go",)], [2, 3])
    assert notes == ['n.tsv:1: left out "source\\ttarget", which names columns']
    notes.clear()
    assert len(read("n.tsv", f"be\twas\n{rows}", like, answered=answered, notes=notes)) == 3
    assert not notes


def test_words_above_numbers_are_left_out_for_a_model_whose_data_had_no_names():
    rows = "1,2,ab\n3,4,cd\n5,6,ef\n"
    like = read("d.csv", rows, named=True).columns
    assert not like.header
    assert read("n.csv", f"width,height,said\n{rows}", like, named=True).prompts == read("d.csv", rows, like).prompts


def test_usual_names_above_bare_lines_are_left_out():
    lines = [Line("n.txt", number, text) for number, text in enumerate(("source\ttarget", "go\twent"), start=1)]
    bare, headed = (PairColumns(("1",), "2", header=header, width=2, delimiter="\t") for header in (False, True))
    notes: list[str] = []
    with noting(notes.append):
        assert list(bare.without_names([lines, lines[1:]])) == [lines[1:], lines[1:]]
        assert list(headed.without_names([lines])) == [lines]
    assert notes == ['n.txt:1: left out "source\\ttarget", which names columns']


@pytest.mark.parametrize(("delimiter", "told"), [(",", 1), ("\t", 0), (" of ", 0)])
def test_names_that_another_delimiter_cuts_are_told_of(delimiter, told):
    lines = [Line("<stdin>", 1, delimiter.join(("source", "target")))]
    like, notes = PairColumns(("1",), "2", header=False, width=2, delimiter="\t"), list[str]()
    with noting(notes.append):
        list(like.without_names([lines]))
    assert sum("looks like a row" in note for note in notes) == told


def test_a_header_in_a_pipe_is_known_by_the_names_of_training():
    like = PairColumns(("source",), "target", header=True, width=2, delimiter=",")
    named = [like.are_named_in(Line("<stdin>", 1, text)) for text in ("id,source", "Target,Source", "source", "a,b")]
    assert named == [True, True, False, False]
