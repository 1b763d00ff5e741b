"""The counter-based generator: published answers, uniformity, independence; orthogonal matrices; dropout's masks."""

import numpy as np
import pytest

from rnncli.kernels import dropout
from rnncli.kernels.jit import enabled
from rnncli.kernels.random import GOLDEN, bits, fill_bits, fill_normal, fill_uniform, mix, orthogonalise, unit

SHAPE = (5, 8, 500) if enabled() else (5, 8, 100)
KEY = np.uint32(0xC0FFEE11)


def uniform(seed, stream, n):
    """n draws in [0, 1)."""
    return np.array([unit(seed, stream, k) for k in range(n)])


def chi_square(counts, expected):
    return float(((counts - expected) ** 2 / expected).sum())


def test_mix_gives_the_published_splitmix64_sequence():
    wanted = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821]
    states = [np.uint64((1234567 + k * int(GOLDEN)) % 2**64) for k in range(5)]
    assert [int(mix(state)) for state in states] == wanted


@pytest.mark.parametrize("stream", [0, 3])
def test_unit_is_uniform(stream):
    u = uniform(1, stream, 100_000)
    assert u.min() >= 0
    assert u.max() < 1
    counts = np.histogram(u, 100, (0, 1))[0]
    assert 62 < chi_square(counts, 1_000) < 149  # 99 degrees of freedom: the 0.1% tails on both sides
    pairs = np.histogram2d(u[:-1], u[1:], 10, [[0, 1], [0, 1]])[0]
    assert chi_square(pairs, 99_999 / 100) < 149


def test_seeds_streams_and_positions_give_unrelated_draws():
    draws = {key: uniform(*key, 2_000) for key in [(1, 0), (2, 0), (1, 1), (2, 1), (0, 1)]}
    every = np.concatenate(list(draws.values()))
    assert np.unique(every).size == every.size
    for one, a in draws.items():
        for other, b in draws.items():
            if one != other:
                assert abs(np.corrcoef(a, b)[0, 1]) < 4 / np.sqrt(2_000), (one, other)


def test_fills_are_the_draws_by_number():
    out, raw = np.zeros(50), np.zeros(50, np.uint64)
    fill_uniform(out, 7, 3, 0.25)
    assert out == pytest.approx((2 * uniform(7, 3, 50) - 1) * 0.25, abs=1e-16)
    fill_bits(raw, 7, 3)
    assert raw.tolist() == [int(bits(7, 3, k)) for k in range(50)]
    assert (raw >> np.uint64(11)).astype(float) * 2.0**-53 == pytest.approx(uniform(7, 3, 50), abs=0)


def test_normal_values_are_sums_of_the_four_parts_of_the_bits():
    out = np.zeros(20_000)
    fill_normal(out, 7, 3)
    raw = np.array([int(bits(7, 3, k)) for k in range(20_000)], np.uint64)
    sums = np.frombuffer(raw.tobytes(), np.uint16).reshape(-1, 4).astype(float).sum(axis=1)
    assert out == pytest.approx((sums / 65535 - 2) * np.sqrt(3), abs=1e-4)  # four of −½ … ½ have the variance ⅓
    assert abs(out.mean()) < 4 / np.sqrt(20_000)
    assert abs(out.var() - 1) < 4 * np.sqrt(1.7 / 20_000)  # 1.7: the kurtosis of such a sum, less 1
    assert np.mean(np.abs(out) < 1) == pytest.approx(0.683, abs=0.02)


@pytest.mark.parametrize("n", [1, 2, 17, 64])
def test_orthogonalise(n):
    before = np.zeros((n, n))
    fill_uniform(before.reshape(-1), 1, 0, 1.0)
    q = before.copy()
    orthogonalise(q)
    assert np.abs(q @ q.T - np.eye(n)).max() < 1e-12
    triangle = before @ q.T  # row i was made from rows 0..i only, with a positive share of itself
    assert np.abs(np.triu(triangle, 1)).max() < 1e-12 * n
    assert (np.diag(triangle) > 0).all()


def test_orthogonalise_of_nearly_parallel_rows():
    q = np.ones((5, 5)) + 1e-7 * np.random.default_rng(0).normal(0, 1, (5, 5))
    orthogonalise(q)
    assert np.abs(q @ q.T - np.eye(5)).max() < 1e-12


def dropped(x, p, key=KEY, low=0, high=None, held=False):
    y = np.full_like(x, -7)
    high = x.shape[1] if high is None else high
    dropout.apply(x, y, key, np.uint32(p * 2**32), x.dtype.type(1 / (1 - p)), held, low, high)
    return y


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_dropout_keeps_its_share_and_scales_it(p, dtype):
    x = 1 + np.random.default_rng(0).random(SHAPE).astype(dtype)
    y = dropped(x, p)
    kept = y != 0
    assert abs(kept.mean() - (1 - p)) < 4 * np.sqrt(p * (1 - p) / x.size)
    assert np.array_equal(y[kept], x[kept] * dtype(1 / (1 - p)))
    for axis in range(3):  # neighbours in time, batch and unit are kept or dropped independently
        a, b = (np.take(kept, range(*r), axis) for r in ((0, SHAPE[axis] - 1), (1, SHAPE[axis])))
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 4 / np.sqrt(a.size)


def test_a_held_mask_is_that_of_the_first_step_at_all_steps():
    x = np.ones(SHAPE, np.float32)
    held = dropped(x, 0.4, held=True)
    assert np.array_equal(held, np.broadcast_to(dropped(x, 0.4)[0], SHAPE))


def test_rows_of_tokens_are_dropped_wherever_they_occur():
    random = np.random.default_rng(0)
    tokens, table, bias = random.integers(0, 40, (5, 3)).astype(np.int32), random.normal(0, 1, (40, 7)), np.ones(7)
    how = (KEY, np.uint32(0.4 * 2**32), 1 / 0.6)
    masked = table.copy()
    dropout.apply_to_table(masked, *how, 0, 7)
    kept = masked[:, 0] != 0
    assert 8 < kept.sum() < 36
    assert np.allclose(masked, table * kept[:, None] / 0.6)
    gathered, rows = np.zeros((5, 3, 7)), table[tokens]
    dropout.gather_with_bias(table, bias, tokens, gathered, *how, 0, 3)
    dropout.apply_to_rows(rows, tokens, *how, 0, 3)
    assert np.allclose(gathered, masked[tokens] + 1, rtol=1e-12)
    assert np.allclose(rows, masked[tokens], rtol=1e-12)


def test_a_gradient_in_place_meets_the_mask_of_the_forward_call():
    y, gradient = dropped(np.ones(SHAPE, np.float32), 0.3), np.ones(SHAPE, np.float32)
    dropout.apply(gradient, gradient, KEY, np.uint32(0.3 * 2**32), np.float32(1 / 0.7), False, 0, SHAPE[1])
    assert np.array_equal(gradient, y)


def test_masks_do_not_depend_on_shards():
    x = np.random.default_rng(0).normal(0, 1, (3, 8, 10)).astype(np.float32)
    whole = dropped(x, 0.4)
    for low, high in [(0, 3), (3, 4), (4, 8)]:
        part = dropped(x, 0.4, low=low, high=high)
        assert np.array_equal(part[:, low:high], whole[:, low:high])
        assert (np.delete(part, range(low, high), axis=1) == -7).all()


def test_another_key_is_another_mask():
    x = np.ones(SHAPE, np.float32)
    masks = [dropped(x, 0.5, np.uint32(key)) != 0 for key in (0, 1, 2, 2**31, 2**32 - 1)]
    for i, one in enumerate(masks):
        for other in masks[:i]:
            assert abs((one == other).mean() - 0.5) < 4 * 0.5 / np.sqrt(x.size)


def test_without_dropout_everything_is_kept():
    x = np.random.default_rng(0).normal(0, 1, SHAPE).astype(np.float32)
    assert np.array_equal(dropped(x, 0.0), x)
