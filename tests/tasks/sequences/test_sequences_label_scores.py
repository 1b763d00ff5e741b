"""Scores of labels against scikit-learn's definitions, written with matrices of ones and zeros, and by hand."""

import numpy as np
import pytest

from rnncli.tasks.sequences import label_scores
from rnncli.tasks.sequences.chances import Chances, best, flat_chances

LABELS = [f"l{k}" for k in range(9)]


def drawn(seed, N=40, share=0.3):
    return np.random.default_rng(seed).random((N, len(LABELS))) < share


def as_sets(matrix):
    return [tuple(LABELS[k] for k in np.flatnonzero(row)) for row in matrix]


def divided(hits, all_of_them):
    return np.divide(hits, all_of_them, out=np.zeros(np.shape(hits)), where=np.asarray(all_of_them) > 0)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("share", [0.02, 0.3])
def test_scores_of_sets_equal_their_definitions(seed, share):
    P, A = drawn(seed, share=share), drawn(seed + 100)
    A[:, 4] = P[:, 4] = False  # a label that nobody has
    A[3] = P[5] = False
    predicted, actual = as_sets(P), as_sets(A)
    hits, of_predicted, of_actual = (P & A).sum(axis=0), P.sum(axis=0), A.sum(axis=0)
    f1 = divided(2.0 * hits, of_predicted + of_actual)
    occurs = of_predicted + of_actual > 0
    precision, recall = hits.sum() / of_predicted.sum(), hits.sum() / of_actual.sum()
    assert label_scores.micro_f1(predicted, actual) == pytest.approx(
        2 * precision * recall / (precision + recall) if hits.any() else 0
    )
    assert label_scores.macro_f1_of_sets(predicted, actual) == pytest.approx(f1[occurs].mean())
    assert label_scores.exact_match(predicted, actual) == (P == A).all(axis=1).mean()
    assert label_scores.hamming_loss(predicted, actual, len(LABELS)) == pytest.approx((P != A).mean())
    found = label_scores.by_label(predicted, actual)
    assert [one.label for one in found] == [LABELS[k] for k in np.flatnonzero(occurs)]
    assert [one.support for one in found] == of_actual[occurs].tolist()
    assert [one.precision for one in found] == pytest.approx(divided(hits, of_predicted)[occurs])
    assert [one.recall for one in found] == pytest.approx(divided(hits, of_actual)[occurs])
    assert [one.f1 for one in found] == pytest.approx(f1[occurs])


@pytest.mark.parametrize("k", [1, 3, 5])
def test_scores_of_the_best_labels_equal_their_definitions(k):
    A, chances = drawn(1), np.random.default_rng(2).random((40, len(LABELS)))
    A[7] = False
    order = np.argsort(-chances, axis=1)
    ranked = [[LABELS[j] for j in row[:5]] for row in order]
    hits = np.take_along_axis(A, order, axis=1)[:, :k].sum(axis=1)
    some = A.any(axis=1)
    precision, recall = label_scores.at_k(ranked, as_sets(A), k)
    assert precision == pytest.approx((hits / k).mean())
    assert recall == pytest.approx((hits[some] / A[some].sum(axis=1)).mean())


def test_scores_of_sets_by_hand():
    predicted, actual = [("a", "b"), (), ("c",), ("a",)], [("a",), ("b",), ("c",), ()]
    assert label_scores.micro_f1(predicted, actual) == pytest.approx(2 * 2 / (4 + 3))
    assert label_scores.macro_f1_of_sets(predicted, actual) == pytest.approx((2 / 3 + 0 + 1) / 3)
    assert label_scores.exact_match(predicted, actual) == 1 / 4
    assert label_scores.hamming_loss(predicted, actual, 5) == 3 / 20
    assert label_scores.at_k([["a", "b"], ["b", "a"], ["a", "c"], ["c", "b"]], actual, 2) == (3 / 8, 1.0)
    assert label_scores.micro_f1([()], [()]) == label_scores.macro_f1_of_sets([()], [()]) == 0


def test_one_label_each_is_scored_as_sets_of_one():
    random = np.random.default_rng(0)
    predicted, actual = ([LABELS[k] for k in random.integers(0, 6, 50)] for _ in range(2))
    P, A = (np.array(side)[:, None] == np.array(LABELS[:6]) for side in (predicted, actual))
    f1 = 2 * (P & A).sum(axis=0) / (P.sum(axis=0) + A.sum(axis=0))
    assert label_scores.macro_f1(predicted, actual) == pytest.approx(f1.mean())
    assert label_scores.accuracy(predicted, actual) == (P & A).sum() / 50
    found = label_scores.confusion(LABELS[:4], predicted, actual)
    assert found.labels == tuple(LABELS[:6])
    assert list(found.rows()) == (A.T.astype(int) @ P.astype(int)).tolist()


def test_the_largest_confusions_come_first():
    actual = ["a"] * 5 + ["b"] * 4 + ["c"] * 3
    predicted = ["a", "b", "b", "c", "c", "b", "a", "a", "a", "a", "c", "b"]
    assert label_scores.confusion(["a", "b", "c"], predicted, actual).largest() == [
        ("b", "a", 3),
        ("a", "b", 2),
        ("a", "c", 2),
        ("c", "a", 1),
        ("c", "b", 1),
    ]


def test_the_best_of_values_among_equal_ones():
    assert best(np.array([0.1, 0.7, 0.3, 0.7, 0.3, 0.3]), 4) == [1, 3, 2, 4]
    assert best(np.array([0.5, 0.9]), 5) == [1, 0]
    assert best(np.array([0.5, 0.9]), 0) == []


def test_a_table_has_a_column_for_each_of_few_labels_and_the_best_of_many():
    few = Chances({f"l{k}": k for k in range(20)}, np.arange(20, dtype=np.float32) / 32)
    assert flat_chances(few) == {f"p(l{k})": k / 32 for k in range(20)}
    many = Chances({f"l{k}": k for k in range(21)}, np.arange(21, dtype=np.float32) / 32)
    assert flat_chances(many) == {
        name: value
        for rank in range(1, 6)
        for name, value in ((f"label_{rank}", f"l{21 - rank}"), (f"p_{rank}", (21 - rank) / 32))
    }
    assert dict(many) == {f"l{k}": k / 32 for k in range(21)}
