"""The interpolated 5-gram against the definition of Witten–Bell smoothing, written out token by token."""

import math
from collections import Counter, defaultdict

import numpy as np
import pytest

from rnncli.tasks.language_model import ngram
from rnncli.tasks.language_model.ngram import ORDER, cross_entropy
from tests.sample_text import tiny_shakespeare


def brute_force(train, valid, context, V, line_end=None):
    """Mean nats per token: P_n(w | c) = (count(c w) + kinds(c)·P_{n−1}(w | c')) / (count(c) + kinds(c))."""
    followers = defaultdict(Counter)
    for n in range(5):
        for i in range(n, len(train)):
            if line_end not in train[i - n + 1 : i] or line_end is None:
                followers[tuple(train[i - n : i])][train[i]] += 1
    text = [*context, *valid]
    total = 0.0
    for i in range(len(context), len(text)):
        p = 1 / V
        for n in range(min(4, i) + 1):
            seen = followers.get(tuple(text[i - n : i]))
            if seen is None or (line_end is not None and line_end in text[i - n + 1 : i]):
                break
            p = (seen[text[i]] + len(seen) * p) / (seen.total() + len(seen))
        total -= math.log(p)
    return total / len(valid)


def ids(values):
    return np.array(values, np.int32)


@pytest.mark.parametrize("seed", range(12))
def test_random_corpora(seed):
    random = np.random.default_rng(seed)
    V = int(random.choice([2, 3, 5, 30, 60_000]))
    used = random.integers(0, V, 4)  # few of them, so that long contexts come again
    make = lambda N: [int(x) for x in random.choice(used, N)]  # noqa: E731
    train, valid = make(random.integers(1, 400)), make(random.integers(1, 100))
    for context in ([], make(1), make(3), make(4), make(50), train):
        got = cross_entropy(ids(train), ids(valid), ids(context), V)
        assert got == pytest.approx(brute_force(train, valid, context, V), rel=1e-12)
        got = cross_entropy(ids(train), ids(valid), ids(context), V, int(used[0]))
        assert got == pytest.approx(brute_force(train, valid, context, V, int(used[0])), rel=1e-12)


def test_lines_that_are_items_know_nothing_of_each_other():
    """Each line begins anew: after its end comes any letter, and then its own again, whatever the line before was."""
    random, end, V = np.random.default_rng(4), 0, 31
    text = ids([token for letter in random.integers(1, 31, 600) for token in (letter, letter, end)])
    train, valid = text[:900], text[900:]
    within, across = (cross_entropy(train, valid, train, V, *given) for given in ([end], []))
    assert math.log(30) / 3 < within < 0.98 * across
    sentences = ids([1, 2, 3, 4, 5, end, 2, 3, 1, end] * 60)  # here the line before tells which comes
    train, valid = sentences[:500], sentences[500:]
    within, across = (cross_entropy(train, valid, train, V, *given) for given in ([end], []))
    assert across < within / 2


@pytest.mark.parametrize("length", range(1, 9))
def test_corpora_shorter_than_the_order(length):
    train = [k % 3 for k in range(length)]
    for valid in ([0], [2, 1], [0, 1, 2, 0, 1, 2, 0]):
        for context in ([], [0], train):
            for end in (None, 1):
                got = cross_entropy(ids(train), ids(valid), ids(context), 4, end)
                assert got == pytest.approx(brute_force(train, valid, context, 4, end), rel=1e-13)


def test_tokens_and_contexts_that_training_never_saw():
    train, valid = [1, 2, 1, 2, 1, 3] * 9, [0, 1, 0, 0, 1, 2, 9, 1, 2, 1, 2, 0]
    got = cross_entropy(ids(train), ids(valid), ids([9, 9, 1, 2]), 10)
    assert got == pytest.approx(brute_force(train, valid, [9, 9, 1, 2], 10), rel=1e-13)


def test_one_token_by_hand():
    """After "a": seen twice, followed by b and c; below it a b a c, four tokens of three kinds."""
    a, b, c = 0, 1, 2
    unigram = (1 + 3 * 0.25) / (4 + 3)
    wanted = (1 + 2 * unigram) / (2 + 2)
    assert cross_entropy(ids([a, b, a, c]), ids([b]), ids([a]), 4) == pytest.approx(-math.log(wanted), rel=1e-15)


def test_a_distribution_sums_to_one():
    random = np.random.default_rng(0)
    train, context = random.integers(0, 5, 200).astype(np.int32), ids([1, 0, 3, 2])
    chances = [math.exp(-cross_entropy(train, ids([w]), context, 7)) for w in range(7)]
    assert sum(chances) == pytest.approx(1, rel=1e-12)
    assert chances[5] == chances[6] > 0


def test_more_context_than_four_tokens_changes_nothing():
    random = np.random.default_rng(1)
    train, valid = random.integers(0, 3, 300).astype(np.int32), random.integers(0, 3, 50).astype(np.int32)
    context = random.integers(0, 3, 20).astype(np.int32)
    assert ORDER == 5
    losses = [cross_entropy(train, valid, context[-k:], 3) for k in (3, 4, 20)]
    assert losses[1] == losses[2] != losses[0]


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 49])
def test_scoring_in_pieces_changes_nothing(piece, monkeypatch):
    random = np.random.default_rng(2)
    train, valid, context = (random.integers(0, 3, n).astype(np.uint8) for n in (300, 50, 9))
    cases = [(context[:k], 3, end) for k in (0, 1, 3, 9) for end in (None, 2)]
    wanted = [cross_entropy(train, valid, *case) for case in cases]
    monkeypatch.setattr(ngram, "PIECE", piece)
    assert [cross_entropy(train, valid, *case) for case in cases] == pytest.approx(wanted, rel=1e-13)


def test_many_tokens_of_a_large_vocabulary_do_not_overflow():
    """Keys of plain 5-grams would need 65,537⁵, which is beyond 64 bits; numbered contexts do not."""
    V = 65_537
    train = [V - 1, V - 2, V - 1, V - 3, V - 1] * 20
    valid = [V - 1, V - 2, V - 1, V - 3, V - 1, V - 4, V - 1]
    got = cross_entropy(ids(train), ids(valid), ids(train), V)
    assert got == pytest.approx(brute_force(train, valid, train, V), rel=1e-12)


def test_tiny_shakespeare():
    train, rest, V = tiny_shakespeare()
    assert cross_entropy(train, rest, train, V) == pytest.approx(1.669, abs=1e-3)
