"""Covariates as features: standardised or one-hot, and decided by the training rows alone."""

import json

import numpy as np
import pytest

from rnncli.tasks.forecast.features import Encoding, Encodings


def test_numbers_are_standardised_by_the_training_rows():
    column = np.array([1.0, 3.0, 5.0, 99.0])
    (encoding,) = Encodings.fit({"x": column}, np.array([0, 1, 2]))
    assert (encoding.centre, encoding.scale) == (3, pytest.approx(np.sqrt(8 / 3)))
    assert encoding.encode(column)[:, 0] == pytest.approx((column - 3) / np.sqrt(8 / 3))


def test_words_are_one_of_those_that_training_saw():
    column = np.array(["b", "a", "", "b", "new"])
    (encoding,) = Encodings.fit({"x": column}, np.arange(4))
    assert (encoding.words, encoding.size) == (("", "a", "b"), 3)
    assert encoding.encode(column).tolist() == [[0, 0, 1], [0, 1, 0], [1, 0, 0], [0, 0, 1], [0, 0, 0]]


def test_later_rows_change_nothing():
    rng, rows = np.random.default_rng(0), np.arange(50)
    columns = {"n": rng.normal(size=80), "w": rng.choice(["x", "y"], 80)}
    later = {"n": columns["n"].copy(), "w": columns["w"].astype("U9").copy()}
    later["n"][50:] = 1e9
    later["w"][50:] = "unheard"
    assert Encodings.fit(columns, rows) == Encodings.fit(later, rows)


def test_of_many_words_the_commonest_are_told_apart():
    column = np.array([f"w{k:03}" for k in range(100) for _ in range(1 + (k >= 90))])
    encoding = Encoding.fit("x", column)
    assert encoding.size == 64
    assert set(encoding.words) == {f"w{k:03}" for k in (*range(90, 100), *range(54))}  # ties by the alphabet
    assert encoding.encode(np.array(["w060"])).sum() == 0


@pytest.mark.parametrize("value", [0.0, 7.0, 0.1, -1e9 / 3])
def test_a_constant_number_stays_small(value):
    """The spread of 0.1 is a rounding error, and dividing by it would make 0.2 enormous."""
    encoding = Encoding.fit("x", np.full(1001, value))
    assert encoding.scale == 1
    assert abs(encoding.encode(np.array([value, value + 1]))[:, 0] - [0, 1]).max() < 1e-6


def test_features_stand_side_by_side_in_the_order_of_the_encodings():
    columns = {"w": np.array(["a", "b"]), "n": np.array([1.0, 3.0])}
    encodings = Encodings.fit(columns, np.arange(2))
    assert encodings.size == 3
    assert encodings.encode(columns, 2).tolist() == [[1, 0, -1], [0, 1, 1]]
    assert Encodings().encode({}, 4).shape == (4, 0)


def test_encodings_go_through_json():
    columns = {"w": np.array(["ä", ""]), "n": np.array([1.0, 1e9])}
    encodings = Encodings.fit(columns, np.arange(2))
    assert Encodings.from_header(json.loads(json.dumps(encodings.to_header()))) == encodings
