"""The 5-gram with modified Kneser–Ney smoothing against its naive twin, and what it promises."""

import itertools
import math

import numpy as np
import pytest

from rnncli.tasks.language_model import kneser_ney, ngram
from rnncli.tasks.language_model.kneser_ney import KneserNey
from tests import naive
from tests.sample_text import tiny_shakespeare


def ids(values):
    return np.array(values, np.int32)


def twin(train, valid, context, V, line_end=None):
    probability, text = naive.kneser_ney(train, V, line_end), [*context, *valid]
    return [-math.log(probability(text[:i], text[i])) for i in range(len(context), len(text))]


def assert_equal_to_the_twin(train, valid, context, V, line_end=None):
    found = KneserNey(ids(train), V, line_end).losses(ids(valid), ids(context))
    assert found.tolist() == pytest.approx(twin(train, valid, context, V, line_end), rel=1e-11)


def words(random, N, V):
    """Tokens as frequent as words are, so that every count of counts is there."""
    return np.minimum(random.zipf(1.4, N) - 1, V - 1).tolist()


@pytest.mark.parametrize("seed", range(6))
def test_random_texts(seed):
    random = np.random.default_rng(seed)
    V = int(random.choice([2, 5, 40, 70_000]))
    train, valid = words(random, 400, V), words(random, 60, V)
    for context, end in itertools.product(([], [1], train), (None, 0, 1)):
        assert_equal_to_the_twin(train, valid, context, V, end)


def test_discounts_are_taken_where_they_are_defined_and_not_elsewhere():
    random = np.random.default_rng(0)
    orders = kneser_ney._counted(ids(words(random, 3000, 400)), 400, None)
    assert all(kneser_ney._discounts(order.counts) is not None for order in orders)
    n1, n2, n3, n4 = ((orders[4].counts == k).sum() for k in (1, 2, 3, 4))
    Y = n1 / (n1 + 2 * n2)
    wanted = [0, 1 - 2 * Y * n2 / n1, 2 - 3 * Y * n3 / n2, 3 - 4 * Y * n4 / n3]
    assert kneser_ney._discounts(orders[4].counts).tolist() == pytest.approx(wanted, rel=1e-14)
    assert kneser_ney._discounts(np.array([1, 1, 2, 3])) is None  # no n-gram that occurs four times
    assert kneser_ney._discounts(np.array([*[1] * 9, 2, 3, 4])) is None  # D(2) would be below 0


@pytest.mark.parametrize("length", range(1, 9))
def test_texts_shorter_than_the_order(length):
    train = [k % 3 for k in range(length)]
    for valid, context, end in itertools.product(([0], [2, 1], [0, 1, 2, 0, 1]), ([], [0], train), (None, 1)):
        assert_equal_to_the_twin(train, valid, context, 4, end)


@pytest.mark.parametrize("end", [None, 0])
def test_every_conditional_distribution_sums_to_one(end):
    random, V = np.random.default_rng(3), 30
    text = words(random, 900, V - 2)
    model = KneserNey(ids(text), V, end)
    for context in ([], [V - 1], [V - 1, 0, 1], text[5:9], text[50:54], text[200:204], [0, 0, 0, 0]):
        chances = [math.exp(-model.losses(ids([token]), ids(context))[0]) for token in range(V)]
        assert sum(chances) == pytest.approx(1, rel=1e-12)
        assert min(chances) > 0


@pytest.mark.parametrize("piece", [1, 3, 49])
def test_scoring_in_pieces_changes_nothing(piece, monkeypatch):
    random = np.random.default_rng(2)
    train, valid, context = (ids(words(random, n, 9)) for n in (300, 50, 9))
    wanted = KneserNey(train, 9, 0).losses(valid, context)
    monkeypatch.setattr(ngram, "PIECE", piece)
    assert np.array_equal(KneserNey(train, 9, 0).losses(valid, context), wanted)


def test_only_the_newest_tokens_are_counted(monkeypatch):
    random = np.random.default_rng(2)
    train, valid = ids(words(random, 300, 9)), ids(words(random, 50, 9))
    monkeypatch.setattr(kneser_ney, "MOST_TOKENS", 100)
    found = KneserNey(train, 9).losses(valid, train)
    monkeypatch.undo()
    assert np.array_equal(found, KneserNey(train[-100:], 9).losses(valid, train))


def test_tiny_shakespeare():
    train, rest, V = tiny_shakespeare()
    assert KneserNey(train, V).losses(rest, train).mean() == pytest.approx(1.561, abs=1e-3)
