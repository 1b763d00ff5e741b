"""Linear models of texts: their features, labels by the formula in dense arrays, and their samples."""

import numpy as np
import pytest

from rnncli.notes import noting
from rnncli.tasks.sequences import linear
from rnncli.tasks.sequences.sample import sample

RANDOM = np.random.default_rng(5)
WORDS = [f"w{k}" for k in range(12)]
TEXTS = [" ".join(WORDS[k] for k in RANDOM.integers(0, 12, RANDOM.integers(2, 9))) for _ in range(60)]
ASKED = [*TEXTS[:3], "w1 w2 never", "never", "w1 w1 w1"]


def dense(bags):
    made = np.zeros((len(bags), bags.size))
    for i in range(len(bags)):
        made[i, bags.columns[bags.starts[i] : bags.starts[i + 1]]] = 1
    return made


def test_features_are_words_and_pairs_that_come_twice():
    seen, asked = linear.bags_of(["not good", "not good at", "at all"], ["good at all", "nothing"], "word")
    assert dense(seen).sum(axis=1).tolist() == [4, 5, 3]  # one that all have, words, "not good"
    assert dense(asked).tolist() == [[1, 0, 1, 0, 1, 1], [1, 0, 0, 0, 0, 0]]  # not, good, the pair, at, all
    seen, asked = linear.bags_of(["abcd", "ab"], ["xbcd"], "char")
    assert (dense(seen).sum(axis=1).tolist(), dense(asked).sum()) == ([3, 2], 2)


def by_formula(X, asked, has, penalty, kept):
    """Wang and Manning's NBSVM by plain gradient steps."""
    own, rest = X[has].sum(axis=0) + 1, X[~has].sum(axis=0) + 1
    r = np.log((own / own.sum()) / (rest / rest.sum()))
    r[0] = 1
    x, y, w = X * r, np.where(has, 1, -1), np.zeros(X.shape[1])
    step = 1 / (np.linalg.norm(x, 2) ** 2 / penalty + 1)
    for _ in range(20000):
        w -= step * (w - x.T @ (np.maximum(1 - y * (x @ w), 0) * y) / penalty)
    w[1:] = kept * w[1:] + (1 - kept) * np.abs(w[1:]).mean()
    return asked @ (w * r)


@pytest.mark.parametrize("kept", [0.25, 1.0])
def test_labels_are_by_the_formula(kept, monkeypatch):
    monkeypatch.setattr(linear, "_KEPT", (kept,))
    monkeypatch.setattr(linear, "_PENALTIES", (3.0,))
    monkeypatch.setattr(linear, "_TOLERANCE", 1e-10)
    monkeypatch.setattr(linear, "_EPOCHS", 5000)
    numbers = RANDOM.integers(0, 3, len(TEXTS))
    X, asked = map(dense, linear.bags_of(TEXTS, ASKED, "word"))
    found = list(linear.labels(TEXTS, [(k,) for k in numbers], 3, ASKED, "word"))
    for k in range(3):
        assert found[k] == pytest.approx(by_formula(X, asked, numbers == k, 3.0, kept), abs=1e-6)
    two = list(linear.labels(TEXTS, [(int(k == 1),) for k in numbers], 2, ASKED, "word"))
    assert two[1] == pytest.approx(found[1])
    assert np.array_equal(two[0], -two[1])
    sets = [(0, 1) if k == 1 else (0,) if k else () for k in numbers]
    several = list(linear.labels(TEXTS, sets, 2, ASKED, "word"))
    assert several[1] == pytest.approx(found[1])
    assert several[0] == pytest.approx(by_formula(X, asked, numbers > 0, 3.0, kept), abs=1e-6)


def test_the_penalty_is_that_which_errs_least_on_folds():
    asked = []

    def wrong(penalty, learnt, fold):
        asked.append(penalty)
        assert sorted([*learnt, *fold]) == list(range(10))
        return np.array({1.0: [5, 4], 2.0: [3, 2], 3.0: [2, 3]}[penalty])

    assert linear.best((1.0, 2.0, 3.0), 10, wrong) == (2.0, 1)
    assert asked == [1.0] * 3 + [2.0] * 3 + [3.0] * 3


def test_too_many_texts_are_thinned_out_and_told(monkeypatch):
    numbers = np.arange(len(TEXTS)) % 3 // 2  # a third of them 1
    monkeypatch.setattr(linear, "_MOST", sum(map(len, TEXTS)) * linear.TYPICAL // 2)
    notes = []
    with noting(notes.append):
        assert len(list(linear.labels(TEXTS, [(k,) for k in numbers], 2, ASKED, "word"))) == 2
    assert notes == ["the linear model, a baseline, learns from 30 of 60 examples, to save time"]
    chosen = sample(numbers.tolist(), 30)
    assert len(set(chosen.tolist())) == 30
    assert numbers[chosen].sum() == 10
    assert sample("abc", 3).tolist() == sample("abc", 9).tolist() == [0, 1, 2]
