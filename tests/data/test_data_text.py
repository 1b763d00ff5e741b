"""Tokens and back: `rnncli.data.text`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncli.data.text import KINDS, Detokenizer, as_bytes, detokenize, tokenize, word_spans

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()))  # surrogates, marks and joiners too


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't stop-gap it’s", ["Don't", "stop-gap", "it’s"]),
        ("a  b\tc", ["a", "b", "c"]),
        ("one\r\ntwo\rthree\n", ["one", "\n", "two", "\n", "three", "\n"]),
        ("3.5 (x_y) '90s", ["3.5", "(", "x", "_", "y", ")", "'", "90s"]),
        ("--Ωμέγα!", ["-", "-", "Ωμέγα", "!"]),
        ("", []),
    ],
)
def test_words(text, words):
    assert tokenize(text, "word") == words
    assert [word for _, word in word_spans(text)] == words


def test_char_tokens_are_code_points_and_byte_tokens_are_bytes():
    assert tokenize("e\u0301👍", "char") == ["e", "\u0301", "👍"]
    assert tokenize("é", "byte") == ["Ã", "©"]
    assert tokenize(b"\xff\x00", "byte") == ["ÿ", "\0"]
    with pytest.raises(TypeError):
        tokenize(b"a", "char")


@pytest.mark.parametrize(
    "text",
    [
        "Hello, world! (Well… no.)\nIt’s 50% [sic]; a: b?\n\nEnd.",
        "{x} she said “yes”, twice.\n(\n)\n",
        "\n\na",
    ],
)
def test_words_are_joined_as_people_write(text):
    assert detokenize(tokenize(text, "word"), "word") == text.replace("l…", "l …")


@given(ANY_TEXT)
def test_word_tokens_survive_a_round_trip(text):
    words = tokenize(text, "word")
    assert tokenize(detokenize(words, "word"), "word") == words


@given(ANY_TEXT)
def test_row_36_characters_round_trip(text):
    assert detokenize(tokenize(text, "char"), "char") == text


@given(st.binary())
def test_row_36_bytes_round_trip_even_when_they_are_not_utf8(content):
    as_text = detokenize(tokenize(content, "byte"), "byte")
    assert as_bytes(as_text) == content
    assert tokenize(content.decode("utf-8", "surrogateescape"), "byte") == tokenize(content, "byte")


@given(ANY_TEXT)
def test_any_string_has_bytes(text):
    assert isinstance(as_bytes(text), bytes)


def test_bytes_are_held_back_until_a_character_is_complete():
    stream = Detokenizer("byte")
    assert [stream.push(token) for token in tokenize("é€", "byte")] == ["", "é", "", "", "€"]
    assert stream.flush() == ""
    assert stream.push("Ã") == ""
    assert stream.flush() == "�"
    assert stream.push("a") == "a"
    assert stream.push("ÿ") == "�"


@pytest.mark.parametrize("kind", KINDS)
@given(text=st.text())
def test_streaming_says_the_same_as_joining(kind, text):
    stream = Detokenizer(kind)
    tokens = tokenize(text, kind)
    assert "".join([stream.push(token) for token in tokens]) + stream.flush() == detokenize(tokens, kind)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("12.5 and 1,000.25.", ["12.5", "and", "1,000.25", "."]),
        ("a.b 3. 4", ["a", ".", "b", "3", ".", "4"]),
        ("2-3 o'clock", ["2-3", "o'clock"]),
    ],
)
def test_numbers_keep_their_points(text, tokens):
    assert tokenize(text, "word") == tokens
