"""The nearest neighbour by time warping: windows and scales chosen on the training split, and its samples."""

import os
from pathlib import Path

import numpy as np
import pytest

from rnncli.data.source import read_source
from rnncli.notes import noting
from rnncli.tasks.registry import config_from_mapping
from rnncli.tasks.sequences import nearest
from rnncli.tasks.sequences.example_files import read_examples
from rnncli.tasks.sequences.examples import Columns, Examples

RANDOM = np.random.default_rng(7)


def examples(sequences, labels):
    numbers = list(range(1, len(labels) + 1))
    values = [np.asarray(x, float).reshape(len(x), -1) for x in sequences]
    return Examples("d", Columns("wide"), [str(n) for n in numbers], numbers, labels, None, values)


def miss(predicted, actual):
    return float(predicted != actual)


def accuracy(found, train, asked):
    return np.mean([train.labels[i] == label for i, label in zip(found, asked.labels, strict=True)])


def bump(place, steps=30):
    return np.exp(-((np.arange(steps) - place) ** 2) / 2)


def test_sequences_that_are_late_are_found_by_warping():
    def made(N):
        places = RANDOM.integers(10, 13, N)  # late by up to a tenth of the length
        pairs = [(bump(p), "one") if k % 2 else (bump(p) + bump(p + 6), "two") for k, p in enumerate(places)]
        return examples([x + RANDOM.normal(0, 0.02, 30) for x, _ in pairs], [label for _, label in pairs])

    train, asked = made(20), made(60)
    train.values[0] *= 1.01
    assert accuracy(nearest.nearest_warped(train, asked, train.labels, miss), train, asked) == 1


def test_the_scale_of_each_is_left_out_where_shapes_tell():
    def made(N):
        up = [np.linspace(0, 1, 12)[:: 1 if k % 2 else -1] for k in range(N)]
        return examples([RANDOM.uniform(0.1, 50) * x + RANDOM.uniform(-90, 90) for x in up], ["down", "up"] * (N // 2))

    train, asked = made(30), made(40)
    assert accuracy(nearest.nearest_warped(train, asked, train.labels, miss), train, asked) == 1
    assert accuracy(nearest.nearest(train, asked), train, asked) < 1


def test_the_level_counts_where_it_tells():
    def made(N):
        return examples([RANDOM.normal(k % 2 * 5, 1, 10) for k in range(N)], ["low", "high"] * (N // 2))

    train, asked = made(40), made(40)
    assert accuracy(nearest.nearest_warped(train, asked, train.labels, miss), train, asked) == 1


def test_unequal_lengths_several_columns_and_gaps():
    train = examples([np.eye(3)[[0, 0, 1, 1, 2]], np.eye(3)[[2, 1, 0]], np.eye(3)[[2, 2, 1, 0, 0]]], ["a", "b", "b"])
    asked = examples([np.eye(3)[[0, 1, 2]], [[0, 0, 1], [np.nan, 1, 0], [1, 0, 0], [1, 0, 0]]], ["a", "b"])
    found = nearest.nearest_warped(train, asked, train.labels, miss)
    assert [train.labels[i] for i in found] == ["a", "b"]


def test_a_window_that_few_could_be_compared_in_is_not_taken_for_a_better_one(monkeypatch):
    train = examples(RANDOM.normal(size=(60, 40)) + 5 * np.arange(60)[:, None], [f"{k:02}" for k in range(60)])
    asked = examples([x + 0.1 for x in train.values], train.labels)
    monkeypatch.setattr(nearest, "_MOST", 60 * 60 * 40)  # for all without a window
    found = nearest.nearest_warped(train, asked, train.labels, lambda p, a: abs(int(p) - int(a)))
    assert found.tolist() == list(range(60))


def test_too_many_sequences_are_thinned_out_and_told(monkeypatch):
    train = examples(RANDOM.normal(size=(40, 10)), ["a", "b", "b", "b"] * 10)
    asked = examples([train.values[k] + 1e-3 for k in range(40)], train.labels)
    assert nearest.nearest_warped(train, asked, train.labels, miss).tolist() == list(range(40))
    monkeypatch.setattr(nearest, "_SHARES", (0.1,))
    monkeypatch.setattr(
        nearest, "_MOST", 40 * 20 * 10 * 3
    )  # of 10 steps, each beside itself and a step before and after
    notes = []
    with noting(notes.append):
        found = nearest.nearest_warped(train, asked, train.labels, miss)
    assert 10 < len(set(found.tolist())) <= 20
    assert notes == ["the nearest neighbour by DTW, a baseline, learns from 20 of 40 examples, to save time"]
    assert {train.labels[i] for i in found} == {"a", "b"}


@pytest.mark.parametrize(
    ("name", "published"), [("ItalyPowerDemand", 0.950), ("JapaneseVowels", 0.949), ("ucr/FaceFour", 0.830)]
)
def test_the_archive_publishes_the_same_without_a_window(name, published):
    """Its values as they are, all dimensions warped together."""
    folder = Path(os.environ.get("RNNCLI_DATA", "."))
    if not (folder / f"{name}_TRAIN.ts").exists():
        pytest.skip(f"needs {name}_TRAIN.ts in the folder $RNNCLI_DATA")
    data = config_from_mapping({"task": "classify", "data": {"encoding": "utf-8"}}).data
    train, asked = (read_examples(read_source(str(folder / f"{name}_{of}.ts")), data) for of in ("TRAIN", "TEST"))
    seen, others = (nearest.Series.of(one.values) for one in (train, asked))
    found = nearest.found_by_warping(seen, np.arange(len(train)), others, np.arange(len(asked)), 1.0, apart=False)
    assert accuracy(found, train, asked) == pytest.approx(published, abs=6e-4)
