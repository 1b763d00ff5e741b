"""Dynamic time warping against its definition in plain Python, and the nearest neighbour by it."""

import math

import numpy as np
import pytest

from rnncli.kernels import warping


def plain(a, b, share):
    """The distance by the whole matrix D."""
    n, m = len(a), len(b)
    band = max(math.floor(share * max(n, m) + 0.5), abs(n - m))
    D = np.full((n + 1, m + 1), np.inf)
    D[0, 0] = 0
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            if abs(i - j) <= band:
                D[i, j] = ((a[i - 1] - b[j - 1]) ** 2).sum() + min(D[i - 1, j], D[i, j - 1], D[i - 1, j - 1])
    return D[n, m]


def warped(a, b, share, most=np.inf):
    return warping.warped(a, b, share, most, np.full((2, len(b) + 1), np.nan))


@pytest.mark.parametrize("share", [0.0, 0.1, 0.25, 1.0])
@pytest.mark.parametrize("C", [1, 3])
def test_a_distance_is_that_of_the_whole_matrix(share, C):
    random = np.random.default_rng(1)
    for _ in range(30):
        a, b = (random.normal(size=(random.integers(1, 12), C)) for _ in range(2))
        wanted = plain(a, b, share)
        assert warped(a, b, share) == pytest.approx(wanted, rel=1e-12)
        assert warped(a, b, share, 1.01 * wanted) == pytest.approx(wanted, rel=1e-12)
        assert warped(a, b, share, wanted * 0.99) == np.inf


def test_without_a_window_sequences_of_one_length_are_not_warped():
    a, b = np.array([[0.0], [0], [1], [0]]), np.array([[0.0], [1], [0], [0]])
    assert warped(a, b, 0.0) == 2
    assert warped(a, b, 0.25) == 0


@pytest.mark.parametrize("apart", [False, True])
def test_neighbours_are_those_of_all_distances(apart):
    random = np.random.default_rng(2)
    sets = [[random.normal(size=(random.integers(1, 9), 2)) for _ in range(12)] for _ in range(2)]
    if apart:
        sets[1] = sets[0]
    (seen, starts), (asked, asked_starts) = ((np.concatenate(s), np.cumsum([0, *map(len, s)])) for s in sets)
    chosen, queries = np.array([1, 2, 3, 5, 8, 9, 11]), np.array([0, 2, 3, 7, 11])
    rows, found = np.empty((2, 10)), np.empty(5, int)
    for share in (0.0, 0.2, 1.0):
        warping.nearest(seen, starts, chosen, asked, asked_starts, queries, share, apart, rows, found)
        for q, query in enumerate(queries.tolist()):
            far = {i: plain(sets[1][query], sets[0][i], share) for i in chosen.tolist() if not (apart and i == query)}
            assert found[q] == min(far, key=far.get)
