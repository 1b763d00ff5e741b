"""training.shards: the gradient is a binary tree over groups of the batch, and its bits depend on nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from parameters import mostly_thorough
from ranks_in_threads import on_ranks
from shards import KINDS, SHARDS, trained

from rnncli.training.ranks import Ranks

QUICK = ("one-hot characters", "composed words")


def assert_same(found: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> None:
    assert found.keys() == wanted.keys()
    for name, array in wanted.items():
        np.testing.assert_array_equal(found[name], array, name)


@pytest.mark.parametrize("name", mostly_thorough(KINDS, QUICK))
def test_bits_depend_on_neither_ranks_nor_threads(name: str) -> None:
    wanted = trained(name, Ranks(SHARDS))
    assert_same(trained(name, Ranks(SHARDS), threads=2), wanted)
    assert_same(trained(name, Ranks(SHARDS), threads=3), wanted)
    for size in (2, 4, 8):
        for found in on_ranks(size, SHARDS, lambda ranks: trained(name, ranks, threads=1 + (ranks.size < 8))):
            assert_same(found, wanted)
    others = trained(name, Ranks(2))
    assert any((array != wanted[key]).any() for key, array in others.items() if key == "weights")
