"""Drawing tokens: temperature, top-k and top-p against a plain reading of their definitions, and by frequency."""

import numpy as np
import pytest

from rnncli.kernels.random import unit
from rnncli.kernels.sampling import Rules, discourage, draw, probabilities

pytestmark = pytest.mark.thorough

NONE = -1
LOGITS = np.array([2.0, -1.0, 0.5, 2.0, 1.0, 0.5, -3.0, 1.5], np.float32)
# The value that chi-square with d degrees of freedom exceeds once in a thousand times.
CRITICAL = {1: 10.83, 2: 13.82, 3: 16.27, 4: 18.47, 5: 20.52, 6: 22.46, 7: 24.32}


def chances(logits, temperature=1.0, top_k=0, top_p=1.0, excluded=NONE, min_p=0.0):
    out, places = np.full(len(logits), -7.0), np.arange(len(logits), dtype=np.int32)
    if excluded != NONE:
        places[excluded] = -1
    probabilities(
        np.asarray(logits), Rules(temperature, top_k, top_p, min_p, 1.0, 0), places, out, np.zeros(out.size, np.int64)
    )
    return out


def naive_chances(logits, temperature=1.0, top_k=0, top_p=1.0, excluded=NONE, min_p=0.0):
    p = {v: np.exp(float(z) / temperature) for v, z in enumerate(logits) if v != excluded}
    ranked = sorted(p, key=lambda v: (-p[v], v))
    if top_k:
        ranked = ranked[:top_k]
    total = sum(p[v] for v in ranked)
    kept, reached = [], 0.0
    for v in ranked:
        if kept and reached / total >= top_p:
            break
        kept.append(v)
        reached += p[v]
    kept = [v for v in kept if p[v] >= min_p * p[kept[0]]]
    reached = sum(p[v] for v in kept)
    return np.array([p[v] / reached if v in kept else 0.0 for v in range(len(logits))])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("temperature", [0.3, 1.0, 5.0])
@pytest.mark.parametrize("top_k", [0, 1, 3, 8, 100])
@pytest.mark.parametrize("top_p", [1e-9, 0.4, 0.75, 0.999, 1.0])
@pytest.mark.parametrize("excluded", [NONE, 0, 4])
@pytest.mark.parametrize("min_p", [0.0, 0.25, 0.6, 1.0])
def test_the_definition(dtype, temperature, top_k, top_p, excluded, min_p):
    settings = temperature, top_k, top_p, excluded, min_p
    logits = LOGITS.astype(dtype)
    assert chances(logits, *settings) == pytest.approx(naive_chances(logits, *settings), abs=1e-15)


def test_plain_temperature_is_softmax():
    for temperature in (0.5, 1.0, 2.0):
        e = np.exp(LOGITS.astype(float) / temperature)
        assert chances(LOGITS, temperature) == pytest.approx(e / e.sum(), rel=1e-14)


def test_top_k_keeps_k_tokens_and_breaks_ties_by_number():
    level = np.zeros(40)
    for k in (1, 2, 17, 39):
        assert np.flatnonzero(chances(level, top_k=k)).tolist() == list(range(k))
    assert np.flatnonzero(chances(LOGITS, top_k=1)).tolist() == [0]
    assert np.flatnonzero(chances(LOGITS, top_k=5)).tolist() == [0, 2, 3, 4, 7]
    assert np.flatnonzero(chances(level, top_k=3, excluded=1)).tolist() == [0, 2, 3]


def test_top_p_keeps_the_smallest_set_that_reaches_p():
    logits = np.log([0.125, 0.5, 0.25, 0.125])
    for p, kept in [(0.01, [1]), (0.49, [1]), (0.51, [1, 2]), (0.74, [1, 2]), (0.76, [0, 1, 2]), (0.88, [0, 1, 2, 3])]:
        assert np.flatnonzero(chances(logits, top_p=p)).tolist() == kept, p


def test_min_p_is_a_fraction_of_the_most_probable_one():
    logits = np.log([0.5, 0.26, 0.24, 0.05])
    assert np.flatnonzero(chances(logits, min_p=0.5)).tolist() == [0, 1]
    assert np.flatnonzero(chances(logits, min_p=1.0)).tolist() == [0]
    assert np.flatnonzero(chances(logits, 2.0, min_p=0.5)).tolist() == [0, 1, 2]  # at the temperature
    assert np.flatnonzero(chances(logits, min_p=0.5, excluded=0)).tolist() == [1, 2]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_was_written_lately_is_less_probable_however_often(dtype):
    recent = np.array([3, 1, 3, 7, 5, 1], np.int32)  # a ring, in which token 8 is at 2
    for shift in (0.0, 40.0):  # which says nothing
        logits = (LOGITS + shift).astype(dtype)
        p = chances(logits)
        discourage(logits, recent, 8, 4, 1.7)
        wanted = [np.log(q) * (1.7 if v in {5, 1, 3} else 1) for v, q in enumerate(p)]
        tolerance = 1e-12 if dtype == np.float64 else 1e-5
        assert chances(logits) == pytest.approx(np.exp(wanted) / np.exp(wanted).sum(), abs=tolerance)
    kept = LOGITS.copy()
    discourage(kept, recent, 0, 4, 1.7)
    assert np.array_equal(kept, LOGITS)


def test_top_p_sees_what_top_k_left():
    logits = np.log([0.4, 0.3, 0.2, 0.1])
    # Of the two that k keeps the first has 4/7: alone it reaches 0.5 there, though 0.4 would not.
    assert chances(logits, top_k=2, top_p=0.5).tolist() == [1, 0, 0, 0]
    assert np.flatnonzero(chances(logits, top_k=0, top_p=0.5)).tolist() == [0, 1]


def test_the_excluded_token_is_never_drawn_even_where_it_towers():
    logits = LOGITS.copy()
    logits[3] = 1e4
    for settings in ({}, {"top_k": 2}, {"top_p": 0.3}, {"temperature": 0.1, "top_k": 3, "top_p": 0.9}):
        p = chances(logits, excluded=3, **settings)
        assert p[3] == 0
        assert p.sum() == pytest.approx(1, rel=1e-15)
        assert 3 not in {draw(p, u) for u in np.linspace(0, np.nextafter(1, 0), 201)}


def test_extreme_logits_and_temperatures_stay_finite():
    with np.errstate(under="ignore"):
        assert chances([1e4, -1e4, 1e4]) == pytest.approx([0.5, 0, 0.5])
        assert chances([2.0, 2.001, 0.0], 1e-6).tolist() == [0, 1, 0]
    assert chances(LOGITS, 1e6) == pytest.approx(np.full(8, 1 / 8), rel=1e-5)


@pytest.mark.parametrize("settings", [{}, {"temperature": 1.7}, {"top_k": 5}, {"top_p": 0.8}])
def test_frequencies_of_20000_draws(settings):
    wanted = naive_chances(LOGITS, **settings)
    p, N = chances(LOGITS, **settings), 20_000
    counts = np.bincount([draw(p, unit(11, 0, k)) for k in range(N)], minlength=8)
    possible = wanted > 0
    assert not counts[~possible].any()
    statistic = ((counts - N * wanted)[possible] ** 2 / (N * wanted[possible])).sum()
    assert statistic < CRITICAL[possible.sum() - 1]


def test_draw_is_the_quantile_and_never_leaves_the_possible_tokens():
    p = np.array([0.0, 0.25, 0.0, 0.5, 0.25, 0.0])
    quantiles = {0.0: 1, 0.2499: 1, 0.25: 3, 0.7499: 3, 0.75: 4, np.nextafter(1, 0): 4}
    assert {u: draw(p, u) for u in quantiles} == quantiles
    assert draw(np.array([0.3, 0.0, 0.6, 0.0]), np.nextafter(1, 0)) == 2  # rounding may leave a sum below one
