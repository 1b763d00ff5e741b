"""Tokens and back: `rnncli.data.text`."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncli.data.text import (
    KINDS,
    WORDS,
    Detokenizer,
    as_bytes,
    detokenize,
    last_cut,
    spaced_tokens,
    tokenize,
    word_spans,
)

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()))  # surrogates, marks and joiners too


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't stop-gap it’s", ["Don't", "stop-gap", "it’s"]),
        ("a  b\tc", ["a", "b", "c"]),
        ("one\r\ntwo\rthree\n", ["one", "\n", "two", "\n", "three", "\n"]),
        ("3.5 (x_y) '90s", ["3.5", "(", "x_y", ")", "'", "90s"]),
        ("--Ωμέγα!", ["-", "-", "Ωμέγα", "!"]),
        ("", []),
    ],
)
def test_words(text, words):
    assert tokenize(text, "word") == words
    assert [re.sub(r"\r\n?", "\n", text[start:end]) for start, end in word_spans(text, "word")] == words


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
    assert detokenize(tokenize(text, "word"), "word") == text


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


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "bpe"])
@given(text=st.text())
def test_streaming_says_the_same_as_joining(kind, text):
    stream = Detokenizer(kind)
    tokens = tokenize(text, kind)
    assert "".join([stream.push(token) for token in tokens]) + stream.flush() == detokenize(tokens, kind)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("12.5 and 1,000.25.", ["12.5", "and", "1,000.25", "."]),
        ("a.b 3. 4", ["a.b", "3", ".", "4"]),
        ("2-3 o'clock", ["2-3", "o'clock"]),
    ],
)
def test_numbers_keep_their_points(text, tokens):
    assert tokenize(text, "word") == tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("new@@ est <sep>  10:30\tsnake_case\n", ["new@@", "est", "<sep>", "10:30", "snake_case", "\n"]),
        ("a\u00a0b \u3000 c\u2009d", ["a\u00a0b", "\u3000", "c\u2009d"]),
        ("a\rb\r\n\nc", ["a", "\n", "b", "\n", "\n", "c"]),
        (" \t ", []),
    ],
)
def test_whitespace_tokens_stand_between_spaces_tabs_and_line_ends(text, tokens):
    assert tokenize(text, "whitespace") == tokens


@given(st.lists(st.lists(st.text(st.characters(exclude_characters=" \t\r\n"), min_size=1), min_size=1)))
def test_whitespace_tokens_with_one_space_between_them_come_back(lines):
    text = "\n".join(" ".join(line) for line in lines)
    assert detokenize(tokenize(text, "whitespace"), "whitespace") == text


def test_words_of_version_0_1_are_cut_and_joined_as_they_were():
    text = "नमस्ते snake_case 90's (e.g. $5) …"
    assert tokenize(text, "letters") == (
        ["नमस", "्", "त", "े", "snake", "_", "case", "90's", "(", "e", ".", "g", ".", "$", "5", ")", "…"]
    )
    assert detokenize(tokenize(text, "letters"), "letters") == "नमस ् त े snake _ case 90's (e. g. $ 5) …"


@pytest.mark.parametrize("kind", WORDS)
@given(
    text=st.text(st.sampled_from("ab. \t\n\r\u00a0\u3000你カ\u0301'-"), max_size=20),
    rest=st.text("a \n\r你\u0301", max_size=3),
)
def test_a_text_is_cut_where_its_tokens_stay_the_same(kind, text, rest):
    at = last_cut(text)
    assert tokenize(text[:at], kind) + tokenize(text[at:] + rest, kind) == tokenize(text + rest, kind)


def test_a_text_is_cut_as_late_as_may_be():
    assert last_cut("one two three four") == len("one two three ")
    assert last_cut("你 好\n世 界 ab") == len("你 好\n")
    assert last_cut("你好 ab") == 0


@pytest.mark.parametrize("kind", KINDS)
@given(text=st.text())
def test_tokens_with_their_spaces_are_the_text(kind, text):
    joined = "".join(spaced_tokens(text, kind))
    assert joined == (text if kind != "byte" else as_bytes(text).decode("latin-1"))


def test_a_space_more_or_less_is_a_difference():
    assert spaced_tokens("new@@ est", "word") != spaced_tokens("new @@est", "word")
    assert spaced_tokens(" a  b ", "whitespace") == [" a", "  b", " "]
