"""Numbers for tokens, and rows 31 and 34 to 36 of the table of bad inputs."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rnncli.config.token_sections import VocabularyConfig
from rnncli.data.text import KINDS, detokenize, tokenize
from rnncli.data.vocabulary import UNKNOWN, Vocabulary, describe_unseen, require_learnable
from rnncli.errors import ConfigError, DataError, ModelFileError, UsageError
from rnncli.notes import noting

CUT = [kind for kind in KINDS if kind != "bpe"]  # whose tokens are cut without knowing the vocabulary
ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()))


def test_tokens_are_numbered_by_code_point_and_words_by_count():
    assert Vocabulary.build("banana\n", "char").tokens == ("<unk>", "\n", "a", "b", "n")
    assert Vocabulary.build("b a c b c", "word").tokens == ("<unk>", "b", "c", "a")
    assert Vocabulary.build(b"\xff\x00a", "byte").tokens == ("<unk>", "\0", "a", "ÿ")


@pytest.mark.parametrize("kind", CUT)
def test_unseen_tokens_are_number_0(kind):
    vocabulary = Vocabulary.build("a b", kind)
    ids = vocabulary.encode("a é b")
    assert ids.dtype == np.min_scalar_type(len(vocabulary) - 1)
    assert vocabulary.decode(ids)[0] == "a"
    assert 0 in ids


@pytest.mark.parametrize("kind", CUT)
@given(text=ANY_TEXT)
@example(text="\ud83d\ude00 e\u0301 👩\u200d👩 \u202eabc\x1b[2J")
def test_row_36_encode_and_decode_round_trip(kind, text):
    vocabulary = Vocabulary.build(text, kind)
    tokens = vocabulary.decode(vocabulary.encode(text))
    assert tokens == tokenize(text, kind)
    if kind == "char":
        assert detokenize(tokens, kind) == text


@pytest.mark.parametrize("kind", KINDS)
@given(text=ANY_TEXT)
def test_the_header_is_json_and_exact(kind, text):
    vocabulary = Vocabulary.build(text, kind)
    header = json.dumps(vocabulary.to_header(), ensure_ascii=False)
    header.encode("utf-8")
    assert Vocabulary.from_header(json.loads(header)) == vocabulary


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"kind": "char"},
        {"kind": "runes", "tokens": ["<unk>", 97]},
        {"kind": "char", "tokens": [97, 98]},
        {"kind": "char", "tokens": ["<unk>", 97, 97]},
        {"kind": "char", "tokens": ["<unk>", "ab"]},
        {"kind": "byte", "tokens": ["<unk>", 97, 256]},
        {"kind": "byte", "tokens": ["<unk>", "ab"]},
        {"kind": "char", "tokens": ["<unk>", -1]},
        {"kind": "char", "tokens": ["<unk>", 2**80]},
        {"kind": "char", "tokens": ["<unk>", None]},
        {"kind": ["char"], "tokens": ["<unk>", 97]},
        {"kind": "char", "tokens": 5},
        {"kind": "bpe", "tokens": ["<unk>", 97, "ab"]},
        {"kind": "bpe", "tokens": ["<unk>", *range(256), "a\u0100"]},
        {"kind": "bpe", "tokens": ["<unk>", *range(256), "ab", "ab"]},
    ],
)
def test_a_damaged_header_is_refused(header):
    with pytest.raises(ModelFileError, match="vocabulary in the model file is damaged"):
        Vocabulary.from_header(header)


@pytest.mark.parametrize("text", ["", "aaaa"])
@pytest.mark.parametrize(("kind", "plural"), [("char", "characters"), ("byte", "bytes"), ("word", "words")])
def test_row_31_one_distinct_token_teaches_nothing(text, kind, plural):
    with pytest.raises(DataError, match=rf"^t\.txt: needs at least 2 distinct {plural}") as caught:
        require_learnable(Vocabulary.build(text, kind), "t.txt")
    assert caught.value.exit_code == 3
    require_learnable(Vocabulary.build("a b", kind), "t.txt")


def limited(counts, kind="word", **limits):
    """The tokens that are kept, and the notes."""
    notes = []
    with noting(notes.append):
        return Vocabulary.of_counts(counts, kind, VocabularyConfig(**limits)).tokens[1:], notes


def test_row_34_too_many_characters_are_refused_and_of_words_the_most_frequent_stay():
    text = "".join(chr(code) for code in range(0x10000, 0x10000 + 65_536))
    with pytest.raises(DataError, match=r"has 65,536 different characters, and a vocabulary 65,535 at most; set") as no:
        Vocabulary.build(text, "char")
    assert no.value.exit_code == 3
    assert "data.tokens: byte (or bpe" in str(no.value)
    kept, notes = limited({character: 1 + (character > text[0]) for character in text}, "char", vocabulary_size=65_535)
    assert kept == tuple(text[1:])
    said = "1 of 131,071 tokens of the training split (0.0%) are <unk>: its vocabulary keeps 65,535 of 65,536"
    assert notes == [f"{said} characters"]
    words, notes = limited({str(number): 1 + (number > 0) for number in range(65_536)})
    assert len(words) == 65_535
    assert notes == [f"{said} words"]
    assert Vocabulary((UNKNOWN, *words), "word").encode("7").dtype == np.uint16
    assert not limited({str(number): 1 for number in range(65_535)})[1]


def test_rare_tokens_are_left_out_ties_by_name():
    counts = {"b": 2, "a": 2, "c": 5, "z": 1, "y": 1}
    assert limited(counts) == (("c", "a", "b", "y", "z"), [])
    said = "2 of 11 tokens of the training split (18.2%) are <unk>: its vocabulary keeps 3 of 5 words"
    assert limited(counts, min_count=2) == (("c", "a", "b"), [said])
    assert limited(counts, vocabulary_size=2)[0] == ("c", "a")
    assert limited(counts, min_count=3, vocabulary_size=2)[0] == ("c",)
    assert limited(counts, "char", vocabulary_size=3)[0] == ("a", "b", "c")
    with pytest.raises(ConfigError, match="is 6, and the most frequent of the words in the training split occurs 5"):
        limited(counts, min_count=6)


def test_a_token_that_is_written_as_the_unknown_one_is_a_token_like_others():
    assert limited({"<unk>": 7, "a": 1}) == (("<unk>", "a"), [])


def test_row_35_unseen_tokens_are_named_with_their_places():
    vocabulary = Vocabulary.build("please stay at", "char")
    unseen = vocabulary.unseen("staé é\x1b\ud800")
    assert unseen == [(4, "é"), (7, "\x1b"), (8, "\ud800")]
    assert describe_unseen(unseen) == (
        '"é" (U+00E9) at position 4, "\\x1b" (U+001B) at position 7, "\\ud800" (U+D800) at position 8'
    )
    assert not vocabulary.unseen("at ease")


def test_row_35_at_most_five_are_named():
    unseen = Vocabulary.build("ab", "char").unseen("1234567")
    assert describe_unseen(unseen).endswith('"5" (U+0035) at position 5 and 2 more')


def test_row_35_unseen_words_and_bytes():
    words = Vocabulary.build("go home", "word").unseen("go  away, go away")
    assert words == [(5, "away"), (9, ",")]
    assert describe_unseen(words, "word") == '"away" at position 5, "," (U+002C) at position 9'
    assert describe_unseen(Vocabulary.build("ab", "byte").unseen("aé"), "byte") == (
        "byte 0xC3 at position 2, byte 0xA9 at position 3"
    )


def test_a_long_text_is_its_lines_one_after_another():
    line, count = "It was the best of times, it was the worst of times;\n", 9_500
    for kind in CUT:
        vocabulary = Vocabulary.build(line * count, kind)
        assert vocabulary == Vocabulary.build(line, kind)
        assert np.array_equal(vocabulary.encode(line * count), np.tile(vocabulary.encode(line), count))


def test_unk_in_a_text_is_a_token_with_a_number_of_its_own():
    vocabulary = Vocabulary.build("<unk> a <unk> b", "whitespace")
    assert vocabulary.tokens == ("<unk>", "<unk>", "a", "b")
    assert vocabulary.encode("a <unk> zebra").tolist() == [2, 1, 0]
    assert vocabulary.unseen("a <unk> zebra") == [(9, "zebra")]
    assert Vocabulary.from_header(json.loads(json.dumps(vocabulary.to_header()))) == vocabulary
    with pytest.raises(ModelFileError):
        Vocabulary.from_header({"kind": "whitespace", "tokens": ["<unk>", "a", "<unk>", "<unk>"]})


def test_unknown_words_are_named_at_their_place_in_any_kind_of_words():
    assert Vocabulary.build("a b", "whitespace").unseen("a\tb@@ b, b@@") == [(3, "b@@"), (7, "b,")]
    assert Vocabulary.build("नमस्ते", "word").unseen("नमस्ते दुनिया") == [(8, "दुनिया")]


def test_an_unknown_token_is_read_as_another_and_a_known_one_stays():
    vocabulary = Vocabulary.build("cafe été", "char")
    reading = vocabulary.reading({"è": "é", "é": "e", "’": "c"})
    assert reading.encode("è’é").tolist() == vocabulary.encode("écé").tolist()
    assert reading.unseen("è’x") == [(3, "x")]
    assert reading == vocabulary
    assert reading.as_read("è’é x") == "écé x"
    words = Vocabulary.build("the hen saw the fox", "word").reading({"cat": "fox"})
    assert words.as_read(" the cat, a  cats cat\n") == " the fox, a  cats fox\n"
    assert words.encode("the cat").tolist() == words.encode("the fox").tolist()


@pytest.mark.parametrize(
    ("kind", "read_as", "message"),
    [
        ("char", {"é": "ö"}, '--unknown é=ö: the model does not know "ö" (U+00F6); name another'),
        ("char", {"ß": "ss"}, "--unknown ß=ss: is to be one of the characters in place of another; name two"),
        (
            "char",
            {"Z=S,ü": "u"},
            "--unknown Z=S,ü=u: is to be one of the characters in place of another; name two, and several pairs as "
            "--unknown A=B --unknown C=D",
        ),
        ("char", {"sz": "s"}, "--unknown sz=s: is to be one of the characters"),
        ("word", {"the cat": "fox"}, "--unknown the cat=fox: is to be one of the words"),
        ("byte", {"é": "e"}, "--unknown é=e: this model reads bytes"),
    ],
)
def test_what_cannot_be_read_as_another_is_refused(kind, read_as, message):
    with pytest.raises(UsageError) as caught:
        Vocabulary.build("the fox has seen us", kind).reading(read_as)
    assert str(caught.value).startswith(message)
