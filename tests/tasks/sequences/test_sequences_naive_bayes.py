"""Naive Bayes against its formula in plain Python: one label, several, many of them, and as version 0.1 stored it."""

import json
import math
from collections import Counter

import numpy as np
import pytest

from rnncli.tasks.sequences import baselines, naive_bayes
from rnncli.tasks.sequences.examples import Columns, Examples
from rnncli.tasks.sequences.naive_bayes import NaiveBayes, OneAgainstRest

WORDS = [f"w{k}" for k in range(30)]


def texts(seed, N=60):
    random = np.random.default_rng(seed)
    return [" ".join(WORDS[k] for k in random.integers(0, 30, random.integers(1, 12))) for _ in range(N)]


def drawn(seed, L, N=60):
    """Sets of labels, of which one has none, one has all, and each label is somewhere."""
    random = np.random.default_rng(seed)
    sets = [sorted(set(random.integers(0, L, random.integers(1, 4)).tolist()) | {i % L}) for i in range(N)]
    return [[], list(range(L)), *sets[2:]]


def share(word, seen, kinds):
    return math.log((seen[word] + 1) / (seen.total() + kinds))


@pytest.mark.parametrize("at_once", [1, 7, 1 << 21])
def test_scores_of_many_labels_equal_the_formula(at_once, monkeypatch):
    monkeypatch.setattr(naive_bayes, "_AT_ONCE", at_once * 5)
    known, labels, L = texts(0), [i % 5 for i in range(60)], 5
    model = NaiveBayes.of(known, [(k,) for k in labels], L, "word")
    kinds = len({word for text in known for word in text.split()})
    seen = [Counter(w for text, k in zip(known, labels, strict=True) if k == l for w in text.split()) for l in range(L)]
    for text, scores in zip(texts(1, 8), model.scores(texts(1, 8)), strict=True):
        wanted = [math.log(12) + sum(share(word, seen[l], kinds) for word in text.split()) for l in range(L)]
        assert scores == pytest.approx(wanted, rel=1e-12)


def test_each_label_against_the_rest_equals_the_formula():
    known, sets, L = texts(0), drawn(1, 4), 4
    model = OneAgainstRest(known, sets, L, "word")
    kinds = len({word for text in known for word in text.split()})
    for text in [*texts(2, 8), "unheard", "w1 unheard w1"]:
        wanted = []
        for l in range(L):
            sides = [
                [t for t, labels in zip(known, sets, strict=True) if (l in labels) == has] for has in (True, False)
            ]
            (own, rest) = (Counter(w for t in side for w in t.split()) for side in sides)
            words = [word for word in text.split() if word != "unheard"]
            more = sum(share(word, own, kinds) - share(word, rest, kinds) for word in words)
            wanted.append(math.log(len(sides[0]) / len(sides[1])) + more)
        assert model.log_odds(text) == pytest.approx(wanted, rel=1e-12)


def test_a_label_that_every_text_has_is_not_endlessly_sure():
    odds = OneAgainstRest(["a", "b"], [[0, 1], [0]], 2, "word").log_odds("a")
    assert np.isfinite(odds).all()
    assert odds[0] > 0


def examples(sets, said):
    numbers = list(range(1, len(said) + 1))
    return Examples("d", Columns("lines", separator=" "), [str(n) for n in numbers], numbers, None, said, sets=sets)


def test_floors_of_sets_by_hand():
    sets = [("a",), ("a", "b"), ("b", "a"), ("c",)]
    # a, 3 times in 4 texts: 6 / (4 + 6); a and b: 10 / (8 + 6); all: 12 / (12 + 6)
    assert baselines.best_constant(sets) == ("a", "b")
    assert baselines.best_constant([("b",), ("a",), ("c",), ()]) == ("a", "b", "c")
    train = examples([("x",), ("x", "y"), ("y",), ()], ["red red", "red blue", "blue blue", "grey grey"])
    asked = examples([()] * 3, ["red", "blue", "grey"])
    assert baselines.naive_bayes_sets(train, asked, ["x", "y"], "word") == [["x"], ["y"], []]


def test_a_header_of_version_0_1_is_read_as_it_was():
    model = NaiveBayes.of(texts(0), [(i % 3,) for i in range(60)], 3, "word", pairs=True)
    header = model.to_header()
    dense = np.ones((len(model.features), 3), int)
    for f in range(len(model.features)):
        for i in range(model.starts[f], model.starts[f + 1]):
            dense[f, model.labels[i]] += model.counts[i]
    old = {"features": header["features"], "counts": dense.tolist(), "texts": header["texts"]}
    old |= {"kind": "word", "pairs": True}
    renewed = naive_bayes.renewed(json.loads(json.dumps(old)))
    assert renewed == header
    assert naive_bayes.renewed(renewed) == header
    again = NaiveBayes.from_header(renewed)
    assert np.array_equal(again.scores(texts(3, 5)), model.scores(texts(3, 5)))
