"""Places that are trained on and held out, by counting them one by one."""

from __future__ import annotations

import numpy as np
import pytest

from rnncli.data.places import Places


def spans(generator: np.random.Generator, count: int) -> np.ndarray:
    """Disjoint spans in any order."""
    ends = np.sort(generator.choice(60, 2 * count, replace=False)).reshape(-1, 2)
    return generator.permutation(ends)


@pytest.mark.parametrize("seed", range(20))
def test_places_that_another_was_trained_on_are_counted(seed: int) -> None:
    generator = np.random.default_rng(seed)
    before, after = (Places(spans(generator, seed % 5), spans(generator, 1 + seed % 7)) for _ in range(2))
    trained = {place for low, high in before.trained for place in range(low, high)}
    held_out = [place for low, high in after.held_out for place in range(low, high)]
    assert after.count_held_out == len(held_out)
    assert after.seen_by(before) == sum(place in trained for place in held_out)


def test_single_items() -> None:
    before, after = Places.of_items([5, 1, 2], [0, 3]), Places.of_items([0], [1, 3, 5])
    assert (after.seen_by(before), after.count_held_out) == (2, 3)
    assert before.seen_by(after) == 1
    assert Places.of_items([], []).seen_by(before) == 0
