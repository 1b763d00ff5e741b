"""The ring of leaky units against its twin, and ridge regression against a library's."""

import naive
import numpy as np
import pytest

from rnncli.kernels import reservoir

RANDOM = np.random.default_rng(3)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("segments", [1, 3])
def test_states_equal_the_naive_ones(segments, backwards):
    lengths, inputs, H = [7, 2, 1, 6], 2, 5
    sequences = [RANDOM.normal(size=(n, inputs)).astype(np.float32) for n in lengths]
    v, bias = RANDOM.normal(size=(inputs, H)).astype(np.float32), RANDOM.normal(size=H).astype(np.float32)
    states, found = np.zeros((8, H), np.float32), np.full((4, segments + 1, H), np.nan, np.float32)
    given = np.concatenate(sequences), np.cumsum([0, *lengths]), v, bias, np.float32(0.9), np.float32(0.3)
    reservoir.run(*given, backwards, states, found)
    for x, features in zip(sequences, found, strict=True):
        ordered = x[::-1] if backwards else x
        assert features == pytest.approx(naive.leaky_ring(ordered, v, bias, 0.9, 0.3, segments), abs=2e-6)


def test_ridge_weights_and_leverages_solve_the_system():
    N, L, penalty = 6, 2, 0.3
    rows, y = RANDOM.normal(size=(N, 4)), RANDOM.normal(size=(L, N))
    products = np.empty((N, N))
    reservoir.gram(rows, products)
    assert products == pytest.approx(rows @ rows.T)
    weights, leverage = np.empty((L, N)), np.empty(N)
    reservoir.ridge(products, penalty, y, np.empty((N, N)), np.empty((N, N)), weights, leverage)
    inverse = np.linalg.inv(rows @ rows.T + penalty * np.eye(N))
    assert weights == pytest.approx(y @ inverse)
    assert leverage == pytest.approx(np.diag(inverse))


def test_products_of_rows():
    a, b, found = RANDOM.normal(size=(3, 6)), RANDOM.normal(size=(2, 6)), np.empty((3, 2))
    reservoir.products(a, b, found)
    assert found == pytest.approx(a @ b.T)
