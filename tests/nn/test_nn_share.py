"""The sequences that a share sums over: all, or contiguous copies of those of a group."""

import numpy as np
import pytest

from rnncli.nn.parameters import Share

X = np.arange(5 * 7 * 3, dtype=np.float32).reshape(5, 7, 3)


def test_a_share_of_all_sequences_copies_nothing():
    share = Share(0, 1)
    assert share.part(X) is X
    assert np.shares_memory(share.rows(X), X)
    assert share.rows(X).shape == (35, 3)


@pytest.mark.parametrize("times", [1, 2, 3])  # the first time in memory of its own, then in what is kept
def test_a_share_of_a_group_has_contiguous_copies(times):
    share, tokens, mask = Share(1, 2), X[..., 0].astype(np.int32), X.astype(np.float64)
    for low, high in [(0, 2), (2, 7), (3, 4)] * times:
        group = share.over(low, high)
        for array in (X, tokens, mask):
            part = group.part(array)
            assert part.flags.c_contiguous
            assert part.dtype == array.dtype
            assert not np.shares_memory(part, array)
            np.testing.assert_array_equal(part, array[:, low:high])
            assert group.part(array) is part
        np.testing.assert_array_equal(group.rows(X), X[:, low:high].reshape(-1, 3))
        assert (group.split(10), group.scratch(X.dtype) is share.scratch(X.dtype)) == (share.split(10), True)
    assert share.part(X) is X


def test_views_of_one_array_are_told_apart():
    group = Share(0, 1).over(1, 3)
    np.testing.assert_array_equal(group.part(X), X[:, 1:3])
    np.testing.assert_array_equal(group.part(X[:2]), X[:2, 1:3])
    np.testing.assert_array_equal(group.part(X[1:]), X[1:, 1:3])


def test_a_batch_of_several_sequences_in_place_of_each():
    wide = np.repeat(X, 2, axis=1)
    group = Share(0, 1).over(2, 4)
    before = group.part(X)
    np.testing.assert_array_equal(group.times(2).part(wide), wide[:, 4:8])
    np.testing.assert_array_equal(before, X[:, 2:4])
    assert Share(0, 1).times(2).part(wide) is wide
