"""Spans, baselines and words of a tagger."""

from __future__ import annotations

import numpy as np

from rnncli.data.source import Source
from rnncli.tasks.sequences.config import TagDataConfig
from rnncli.tasks.sequences.readers import Words
from rnncli.tasks.sequences.tag import most_frequent
from rnncli.tasks.sequences.tag_files import read_tagged
from rnncli.tasks.sequences.tagged import Tagged


def tagged(content: str) -> Tagged:
    return read_tagged(Source("d.conll", content.encode()), TagDataConfig(encoding="utf-8"))


def words_of(content: str) -> list[list[str]]:
    return tagged(content).words


def test_the_floor_is_the_most_frequent_tag_of_each_word_or_of_all():
    train = tagged("a\tX\nb\tY\nb\tZ\nb\tZ\na\tX\na\tX\n")
    always, of_word = most_frequent(train, tagged("b\tX\nnew\tX\n\na\tX\n"))
    assert always == [["X", "X"], ["X"]]
    assert of_word == [["Z", "X"], ["X"]]


def test_a_word_that_training_never_saw_is_spelt_by_the_letters_it_knows():
    words = Words.of([["ab", "ab", "b"]])
    (numbers,) = words.encode(words_of("ab\tX\nba\tX\nbß\tX\nab\tX\n"))
    assert numbers.tolist() == [0, 1, 2, 0]
    lexicon = words.lexicon()
    assert lexicon.words.tolist() == [1, 0, 0]
    assert [spelling.tolist() for spelling in lexicon.spellings] == [[1, 2], [2, 1], [2, 0]]
    assert Words.of([["ab", "ab", "b"]]).encode(words_of("b\tX\n"))[0].tolist() == [0]
    assert lexicon.seldom.tolist() == [False, False, False]
    words.encode(words_of("b\tX\n"))
    assert words.lexicon().seldom.tolist() == [False, False, False, True]


def test_of_a_very_long_word_both_ends_are_read():
    words = Words.of([["x" * 30 + "y" * 30]])
    words.encode(words_of("x" * 50 + "y" * 50 + "\tX\n"))
    spelling = words.lexicon().spellings[0]
    assert np.array_equal(spelling, [1] * 20 + [2] * 20)
