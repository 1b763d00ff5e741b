"""Sequences with a tag for every step, and what is said of files that are wrong."""

from __future__ import annotations

import pytest

from rnncli.data.source import Source
from rnncli.errors import DataError, UsageError
from rnncli.notes import noting
from rnncli.tasks.sequences.config import TagDataConfig
from rnncli.tasks.sequences.tag_files import read_tagged
from rnncli.tasks.sequences.tagged import TagColumns, Tagged, only

CONLL = "På\tADP\nfredag\tNOUN\n\n\nEller\tCONJ\n"


def read(content: str, like: TagColumns | None = None, name="d.conll", *, tags=None, notes=None, **data) -> Tagged:
    """`tags`: those that a model knows; the sequences are then to be tagged."""
    is_tag = None if tags is None else tags.split().__contains__
    with noting(([] if notes is None else notes).append):
        return read_tagged(Source(name, content.encode()), TagDataConfig(encoding="utf-8", **data), like, is_tag=is_tag)


def test_a_word_and_its_tag_a_line_and_blank_lines_between_sentences():
    found = read(CONLL)
    assert found.words == [["På", "fredag"], ["Eller"]]
    assert found.tags == [["ADP", "NOUN"], ["CONJ"]]
    assert (found.lines, found.ids) == ([[1, 2], [5]], ["1", "2"])
    assert found.where(1) == "d.conll:5"


def test_columns_between_spaces_and_by_number():
    found = read("EU NNP I-NP B-ORG\nrejects VBZ I-VP O\n", label=2)
    assert (found.words, found.tags) == ([["EU", "rejects"]], [["NNP", "VBZ"]])
    assert read("EU NNP I-NP B-ORG\n").tags == [["B-ORG"]]
    assert read("NNP EU\n", text=2, label=1).words == [["EU"]]


def test_ten_columns_are_conll_u():
    line = "{0}\t{1}\tlemma\t{2}\t_\t_\t0\troot\t_\t_\n"
    text = "# text = vámonos\n" + line.format("1-2", "vámonos", "_") + line.format(1, "vamos", "VERB")
    found = read(text + line.format("1.1", "#", "_") + line.format(2, "nos", "PRON"))
    assert (found.words, found.tags, found.lines) == ([["vamos", "nos"]], [["VERB", "PRON"]], [[3, 5]])
    assert read("\t".join("abcdefghij") + "\n").tags == [["j"]]  # ten columns of something else
    assert read("# said\tthen\thow\na\tX\n").words == read("# said\na\tX\n").words == [["a"]]


def test_rows_of_a_table_with_the_same_id_are_a_sequence():
    found = read("s,word,tag\n1,a,X\n2,b,Y\n1,c,Z\n", name="d.csv", id="s")
    assert (found.words, found.tags, found.ids) == ([["a", "c"], ["b"]], [["X", "Z"], ["Y"]], ["1", "2"])
    found = read("s,u,v,state\n1,0.5,2,on\n1,1.5,3,off\n", name="d.csv", id="s", label="state")
    assert found.words is None
    assert (found.values[0].tolist(), found.tags) == ([[0.5, 2], [1.5, 3]], [["on", "off"]])
    assert found.columns.inputs == ("u", "v")


def test_new_sentences_need_no_tags():
    like = read(CONLL).columns
    for text in ("Jeg\tX\nbor\tY\n", "Jeg\nbor\n", "Jeg bor\n"):
        assert read(text, like, tags="X Y ADP NOUN").words == [["Jeg", "bor"]]
    assert read("Jeg bor\nher\n", like, tags="X Y ADP NOUN").words == [["Jeg", "bor"], ["her"]]
    spaced = read("EU NNP I-NP B-ORG\n").columns
    assert read("a NNP X up\n", spaced, tags="B-ORG O").words == [["a", "NNP", "X", "up"]]  # no tag that is known
    assert read("a b\nc d e\n", spaced, tags="B-ORG O").words == [["a", "b"], ["c", "d", "e"]]
    assert read("a NNP X O\n", spaced, tags="B-ORG O").words == [["a"]]


def test_some_sequences_alone():
    found = only(read(CONLL), [1])
    assert (found.words, found.tags, found.lines, len(found)) == ([["Eller"]], [["CONJ"]], [[5]], 1)


def test_ragged_lines_can_be_left_out():
    notes: list[str] = []
    assert read("a\tX\nb\nc\tY\n", ragged="skip", notes=notes).words == [["a", "c"]]
    assert notes == ["left out 1 of 4 lines without 2 columns, the first 2"]


@pytest.mark.parametrize(
    ("name", "content", "data", "said"),
    [
        ("d.conll", "\n \n", {}, "d.conll: is empty"),
        (
            "d.conll",
            "1-2" + "\tx" * 9 + "\n",
            {},
            "d.conll: no line of this CoNLL-U file begins with the number of a word",
        ),
        ("d.conll", "a\tX\0\n", {}, "d.conll:1: contains a NUL byte"),
        ("d.conll", "a\tX\n\nb\tY\tZ\n", {}, "d.conll:3: 3 columns, the first line has 2"),
        ("d.conll", "a\tX\nb\n", {}, "d.conll:2: 1 column, the first line has 2"),
        ("d.conll", "a\tX\nb\t \n", {}, "d.conll:2: the tag is empty"),
        ("d.conll", "a\tX\n\tY\n", {}, "d.conll:2: the word is empty"),
        ("d.conll", "a\nb\n", {}, "d.conll: has one column, and a tag takes two"),
        ("d.conll", "a\tX\n", {"label": 3}, 'data.label: is "3", and d.conll has 2 columns'),
        ("d.conll", "a\tX\n", {"label": 1}, "data.label: 1 is also what the model reads"),
        ("d.csv", "word,tag\na,X\n", {}, "name the column that tells the sequences apart with --set data.id=NAME"),
        ("d.csv", "s,word,tag\n1,a,\n", {"id": "s"}, 'd.csv:2: column "tag" has no label'),
        ("d.csv", "s,word,tag\n1,,X\n", {"id": "s"}, 'd.csv:2: column "word" is empty'),
        ("d.csv", "s,word,tag\n1,a,X\n", {"id": "s", "inputs": "tag"}, "is also what the model reads"),
    ],
)
def test_what_is_said_of_files_that_are_wrong(name, content, data, said):
    with pytest.raises((DataError, UsageError)) as refused:
        read(content, name=name, **data)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("content", "tags", "said"),
    [
        ("1\tword\tlemma\n", "X", "d.conll: has 3 columns, and the model was trained on 2"),
        ("a\tX\tY\n", None, "d.conll: has 3 columns, and the model was trained on 2"),
        ("a\n", None, "d.conll: has 1 column, and the model was trained on 2"),
    ],
)
def test_data_of_another_width_are_refused(content, tags, said):
    with pytest.raises(DataError) as refused:
        read(content, read(CONLL).columns, tags=tags)
    assert str(refused.value) == said


# Files as people have them.

SENTENCES = [["Ann", "saw", "Rome"], ["it", "rains"], ["Bo", "left"]]
TAGGED = [["B", "O", "B"], ["O", "O"], ["B", "O"]]


def conll(mark, comments):
    """The sentences with their tags, each below one of the comments."""
    texts = []
    for comment, words, tags in zip(comments, SENTENCES, TAGGED, strict=True):
        texts.append(comment + "".join(f"{word}{mark}{tag}\n" for word, tag in zip(words, tags, strict=True)))
    return "\n".join(texts)


@pytest.mark.parametrize("mark", [" ", "\t"])
@pytest.mark.parametrize(
    "comments",
    [
        ["# sent_id = 1\n# text = Ann saw Rome\n", "# sent_id = 2\n", "# sent_id = 3\n"],
        ["# s0\n", "# s1\n", "# s2\n"],
        ["# a\tb\n", "# c\td\n", "# e\tf\n"],
        ["# one of some more words than two\n", "", ""],
        ["-DOCSTART- O\n\n", "", ""],
        ["-DOCSTART-\tO\n\n", "", "-DOCSTART-\tO\n\n"],
        ["#x=1 \n", "#x=2 \n", "#x=3 \n"],
    ],
)
def test_comments_and_beginnings_of_documents_are_no_words(mark, comments):
    for between in ("\n", "\n\n", "\n\n\n"):  # a blank line more
        found = read(conll(mark, comments).replace("\n\n", between + "\n") + between)
        assert (found.words, found.tags) == (SENTENCES, TAGGED)


def test_a_hash_among_the_words_is_one():
    found = read("we O\n# O\nwin O\n\n# B\nmetoo O\n\nso O\nit O\n\nis O\nhere O\n")
    assert [words[0] for words in found.words] == ["we", "#", "so", "is"]


@pytest.mark.parametrize("space", ["\u00a0", "\u3000", "\u2009"])
@pytest.mark.parametrize("mark", [" ", "\t"])
def test_columns_are_cut_at_spaces_and_tabs_alone(space, mark):
    found = read(f"a{space}b{mark}X\n{space}{mark}Y\n\nc{mark}X\n")
    assert found.words == [[f"a{space}b", space], ["c"]]
    assert found.tags == [["X", "Y"], ["X"]]


@pytest.mark.parametrize("tag", ["NA", "null", "?", "nan", "None", "-"])
def test_words_for_missing_values_are_tags_and_labels(tag):
    assert read(f"a {tag}\nb X\n").tags == [[tag, "X"]]
    table = f"id,word,tag\n1,a,{tag}\n1,b,X\n"
    assert read(table, name="d.csv", id="id", text="word", label="tag").tags == [[tag, "X"]]


@pytest.mark.parametrize("placeholder", ["_", "O", "-", "NEW"])
def test_columns_without_known_tags_are_columns(placeholder):
    like = read(conll(" ", [""] * 3)).columns
    new = "\n".join("".join(f"{word} {placeholder}\n" for word in words) for words in SENTENCES)
    assert read(new, like, tags="B O").words == SENTENCES
    assert read("it rains\nAnn left\n", like, tags="B O").words == [["it", "rains"], ["Ann", "left"]]


def test_a_hash_before_every_sentence_is_a_word_where_it_has_a_known_tag():
    found = read("".join(f"# O\nword{i} B\nlast O\n\n" for i in range(6)))
    assert [words[0] for words in found.words] == ["#"] * 6
    assert read("".join(f"# doc{i}\nword{i} B\nlast O\n\n" for i in range(6))).words[0] == ["word0", "last"]


@pytest.mark.parametrize("names", ["word\ttag", "Token\tUPOS", "form\tNER"])
@pytest.mark.parametrize("below", ["", "\n"])
def test_a_first_line_that_names_the_columns_is_no_word(names, below):
    notes: list[str] = []
    found = read(f"{names}\n{below}{CONLL}", notes=notes)
    assert (found.words, found.tags) == (read(CONLL).words, read(CONLL).tags)
    assert notes == [f'd.conll:1: left out "{names}", which names columns'.replace("\t", "\\t")]
    assert read(f"{names}\n{CONLL}", found.columns, tags="ADP NOUN CONJ").words == found.words


def test_a_first_word_whose_tag_comes_again_is_a_word():
    rows = "word\tpos\nx\tpos\ny\tneg\n"
    notes: list[str] = []
    assert read(rows, notes=notes).words == [["word", "x", "y"]]
    assert read("name\tVERB\nit\tPRON\n", notes=notes).words == [["name", "it"]]
    assert not notes
