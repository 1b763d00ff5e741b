"""Byte pairs: a slow twin that counts all pairs anew for each token, texts that come back, whatever they are."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rnncli.data import bpe
from rnncli.data.bpe import SINGLE, BytePairs, learn
from rnncli.data.pieces import last_end, pieces
from rnncli.data.text import as_bytes, detokenize
from rnncli.data.vocabulary import Vocabulary

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()))
FEW = st.text(alphabet="aab é'’,1 \n\t\u2003", max_size=200)


def naive_tokens(counts, size, least):
    words = {piece: [chr(byte) for byte in as_bytes(piece)] for piece in counts}
    tokens = list(SINGLE)
    while len(tokens) < size:
        totals = Counter()
        for piece, word in words.items():
            for pair in itertools.pairwise(word):
                totals[pair] += counts[piece]
        best = min(totals, key=lambda pair: (-totals[pair], *map(tokens.index, pair)), default=None)
        if best is None or totals[best] < max(least, 2):
            break
        token = "".join(best)
        tokens += [] if token in tokens else [token]
        for word in words.values():
            i = 0
            while i < len(word) - 1:
                if (word[i], word[i + 1]) == best:
                    word[i : i + 2] = [token]
                i += 1
    return tuple(tokens)


def naive_cut(piece, tokens):
    word = [chr(byte) for byte in as_bytes(piece)]
    while True:
        found = [(tokens.index(a + b), i) for i, (a, b) in enumerate(itertools.pairwise(word)) if a + b in tokens]
        if not found:
            return word
        i = min(found)[1]
        word[i : i + 2] = [word[i] + word[i + 1]]


@given(text=FEW, size=st.integers(256, 290), least=st.integers(1, 4))
@example(text="aaaaaaa aaaa", size=270, least=1)
@example(text="abab abab bab", size=270, least=1)
@settings(max_examples=150, deadline=None)
def test_the_tokens_are_those_of_the_slow_twin(text, size, least):
    counts = Counter(pieces(text))
    assert learn(counts, size, least) == naive_tokens(counts, size, least)


@given(text=FEW, other=FEW)
@settings(max_examples=150, deadline=None)
def test_pieces_are_joined_as_the_slow_twin_joins_them(text, other):
    tokens = learn(Counter(pieces(text)), 300, 1)
    each = BytePairs(tokens, 1).each(pieces(other))
    assert [[tokens[number - 1] for number in numbers] for numbers in each] == [
        naive_cut(piece, tokens) for piece in pieces(other)
    ]


@given(learnt=ANY_TEXT, text=ANY_TEXT)
@example(learnt="", text="\ud83d\ude00 e\u0301 👩\u200d👩 \u202eabc\x1b[2J \udcff")
def test_any_text_comes_back_byte_for_byte_and_nothing_is_unknown(learnt, text):
    vocabulary = Vocabulary.build(learnt, "bpe")
    ids = vocabulary.encode(text)
    assert 0 not in ids
    assert not vocabulary.unseen(text)
    # Surrogates that stand for bytes, and others, are told apart in each piece.
    assert as_bytes(detokenize(vocabulary.decode(ids), "bpe")) == b"".join(map(as_bytes, pieces(text)))


@given(data=st.binary())
def test_any_bytes_come_back(data):
    text = data.decode("utf-8", "surrogateescape")
    vocabulary = Vocabulary.build(text, "bpe")
    assert as_bytes(detokenize(vocabulary.decode(vocabulary.encode(text)), "bpe")) == data


@given(text=ANY_TEXT)
def test_the_pieces_of_a_text_are_all_of_it(text):
    assert "".join(pieces(text)) == text


@given(text=st.text(alphabet="ab1, \n\t\r\u2003\xa0é'’", max_size=40), more=st.text(alphabet="ab \n\t'", max_size=3))
def test_a_text_is_cut_where_no_piece_is(text, more):
    cut = last_end(text)
    assert pieces(text[:cut]) + pieces(text[cut:] + more) == pieces(text + more)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("I don't know, Ada's  hat", ["I", " don't", " know", ",", " Ada's", " ", " hat"]),
        ("rock'n'roll ’tis", ["rock'n", "'", "roll", " ’", "tis"]),
        ("a_b = f(x)  # 12345\n    y\n\n\nz", None),
        ("नमस्ते дом 你好。", ["नमस्ते", " дом", " 你好", "。"]),
        ("a \t\nb\r\n", ["a", " \t\n", "b", "\r\n"]),
    ],
)
def test_pieces_are_words_with_the_space_before_them(text, found):
    if found is None:
        found = ["a", "_", "b", " =", " f", "(", "x", ")", " ", " #", " 123", "45", "\n", "   ", " y", "\n\n\n", "z"]
    assert pieces(text) == found


def test_a_text_without_end_is_cut_all_the_same():
    assert last_end("ab" * 1000) == 0
    assert last_end("ab" * 100_000) == 200_000


def test_what_is_kept_of_pieces_is_bounded(monkeypatch):
    monkeypatch.setattr(bpe, "_KEPT", 10)
    pairs = BytePairs(learn({"ab": 3}, 300, 1), 1)
    for number in range(100):
        assert pairs.each([f"ab{number}"])[0][0] == 257
        assert len(pairs._known) <= 11


def test_part_of_a_character_is_written_so_that_it_can_be_read():
    vocabulary = Vocabulary.build("€ € € é é", "bpe")
    assert vocabulary.written(1 + 0xE2) == "\\xe2"
    assert " €" in map(vocabulary.written, range(len(vocabulary)))
    assert vocabulary.written(0) == "<unk>"
