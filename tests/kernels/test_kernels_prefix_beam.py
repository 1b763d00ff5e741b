"""Greedy decoding by its definition; prefix beam search against all targets, a naive one, and a language model."""

import itertools

import naive
import numpy as np
import pytest

from rnncli.kernels import prefix_beam as decoding
from rnncli.kernels.ctc import least_steps
from rnncli.kernels.prefix_beam import greedy, prefix_beam

WIDE = 2000  # more than there are prefixes


def outputs_of(T, C=4, seed=0, spread=1.5, dtype=np.float64):
    return np.random.default_rng(seed).normal(0, spread, (T, C)).astype(dtype)


def spoken(one):
    return tuple(one.symbols.tolist())


def best_path(outputs, target):
    """The most probable path that says the target, by trying all."""
    logs = np.log(naive.softmax(outputs))
    paths = itertools.product(range(outputs.shape[1]), repeat=len(outputs))
    return max((p for p in paths if naive.collapsed(p)[0] == target), key=lambda p: logs[np.arange(len(p)), p].sum())


class Grammar:
    """A language model whose symbols depend on the two before them, asked as the search asks it, and by prefix."""

    def __init__(self, C=4, seed=7):
        self.table = np.log(np.random.default_rng(seed).dirichlet(np.ones(C), (C + 1, C + 1)))
        self.prefixes = [()]
        self.asked = 0

    def of(self, prefix):
        padded = (-1, -1, *prefix)
        return self.table[padded[-2], padded[-1]]

    def __call__(self, before, appended):
        assert self.asked or (before.tolist(), appended.tolist()) == ([0], [0])
        self.asked += 1
        self.prefixes = [self.prefixes[i] + ((c,) if c else ()) for i, c in zip(before, appended, strict=True)]
        assert len(set(self.prefixes)) == len(self.prefixes)
        return np.array([self.of(prefix) for prefix in self.prefixes])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_greedy_is_what_the_most_probable_path_says(dtype):
    for seed in range(30):
        outputs = outputs_of(12, seed=seed, dtype=dtype)
        path = outputs.argmax(axis=1)
        found = greedy(outputs)
        target, begins = naive.collapsed(path.tolist())
        assert spoken(found) == target
        assert found.steps.tolist() == begins
        logs = np.log(naive.softmax(outputs.astype(float)))
        assert found.score == found.rank == pytest.approx(logs[np.arange(12), path].sum(), rel=1e-6)


def test_greedy_in_pieces_hears_what_it_hears_at_once():
    outputs = outputs_of(40)
    whole = greedy(outputs)
    for size in (1, 3, 39):
        symbols, steps, before = [], [], 0
        for first in range(0, 40, size):
            piece = greedy(outputs[first : first + size], before)
            symbols += piece.symbols.tolist()
            steps += (piece.steps + first).tolist()
            before = int(outputs[first : first + size][-1].argmax())
        assert (symbols, steps) == (whole.symbols.tolist(), whole.steps.tolist())


def test_of_equal_outputs_the_first_counts():
    assert spoken(greedy(np.array([[1.0, 1, 1], [0, 1, 1], [0, 0, 1]]))) == (1, 2)


@pytest.mark.parametrize("T", range(1, 7))
def test_a_wide_beam_finds_every_target_with_its_probability_and_its_steps(T):
    outputs = outputs_of(T, seed=T)
    chances = {target: paths[0].sum() for target, paths in naive.ctc_paths(outputs).items()}
    found = prefix_beam(outputs, WIDE, WIDE)
    assert [spoken(one) for one in found] == sorted(chances, key=chances.get, reverse=True)
    for one in found:
        assert one.score == one.rank == pytest.approx(np.log(chances[spoken(one)]), abs=1e-12)
    for one in found[:20]:
        assert one.steps.tolist() == naive.collapsed(best_path(outputs, spoken(one)))[1]


@pytest.mark.parametrize("width", [1, 2, 3, 5, 20])
def test_a_narrow_beam_is_the_naive_one(width):
    for seed in (*range(6), 29, 39):  # in the last two a prefix leaves the beam of 5 and returns, a longer one stays
        outputs = outputs_of(7, 3, seed)
        found, wanted = prefix_beam(outputs, width, width), naive.prefix_beam(outputs, width)
        assert len(found) == width
        for one, (prefix, score, rank, begins) in zip(found, wanted, strict=True):
            assert (spoken(one), one.steps.tolist()) == (prefix, begins)
            assert (one.score, one.rank) == pytest.approx((score, rank), abs=1e-12)


@pytest.mark.parametrize(("weight", "bonus"), [(1.0, 0.0), (0.5, 0.7), (2.0, 3.0), (0.0, -1.0)])
@pytest.mark.parametrize("width", [2, 7, WIDE])
def test_a_language_model_and_a_bonus_join_the_rank_as_in_the_naive_search(width, weight, bonus):
    outputs, grammar = outputs_of(6 if width < WIDE else 4, seed=int(10 * weight)), Grammar()
    found = prefix_beam(outputs, width, width, grammar, weight, bonus)
    assert grammar.asked == len(outputs) + 1
    ends = [
        (rank + weight * grammar.of(prefix)[0], score, prefix, begins)
        for prefix, score, rank, begins in naive.prefix_beam(
            outputs, width, lambda prefix: weight * grammar.of(prefix) + bonus
        )
    ]
    for one, (rank, score, prefix, begins) in zip(found, sorted(ends, reverse=True), strict=True):
        assert (spoken(one), one.steps.tolist()) == (prefix, begins)
        assert (one.rank, one.score) == pytest.approx((rank, score), abs=1e-12)


def test_a_wide_beam_with_a_language_model_finds_the_best_of_all_targets():
    outputs, grammar = outputs_of(5, seed=3), Grammar()
    ranks = {
        target: np.log(paths[0].sum())
        + 1.5 * (sum(grammar.of(target[:k])[c] for k, c in enumerate(target)) + grammar.of(target)[0])
        + 0.3 * len(target)
        for target, paths in naive.ctc_paths(outputs).items()
    }
    found = prefix_beam(outputs, WIDE, 10, grammar, 1.5, 0.3)
    assert [spoken(one) for one in found] == sorted(ranks, key=ranks.get, reverse=True)[:10]
    assert [one.rank for one in found] == pytest.approx(sorted(ranks.values(), reverse=True)[:10], abs=1e-12)


def test_a_bonus_alone_is_for_each_symbol():
    outputs = outputs_of(6, seed=4)
    found = prefix_beam(outputs, WIDE, WIDE, bonus=2.5)
    assert all(one.rank == pytest.approx(one.score + 2.5 * len(one.symbols), abs=1e-12) for one in found)
    assert [one.rank for one in found] == sorted((one.rank for one in found), reverse=True)
    assert len(found[0].symbols) > len(prefix_beam(outputs, WIDE, 1)[0].symbols)


def test_the_best_target_may_be_another_than_that_of_the_best_path():
    outputs = np.log(np.array([[0.6, 0.4], [0.6, 0.4]]))  # 0.36 for blanks alone, 0.64 for the other three paths
    assert spoken(greedy(outputs)) == ()
    best, second = prefix_beam(outputs, 5, 5)
    assert (spoken(best), spoken(second)) == ((1,), ())
    assert np.exp([best.score, second.score]) == pytest.approx([0.64, 0.36])


def test_calls_of_many_steps_and_of_one_give_the_same_and_symbols_fit_their_steps(monkeypatch):
    outputs = outputs_of(300, 30, spread=3.0, dtype=np.float32)
    whole = prefix_beam(outputs, 8, 8)
    monkeypatch.setattr(decoding, "AT_ONCE", 1)
    for one, same in zip(whole, prefix_beam(outputs, 8, 8), strict=True):
        assert (spoken(one), one.steps.tolist(), one.score) == (spoken(same), same.steps.tolist(), same.score)
        assert len(one.symbols) == len(one.steps)
        assert (np.diff(one.steps) > 0).all()
        assert least_steps(one.symbols) <= 300
        assert (outputs[one.steps, one.symbols] > outputs.mean()).mean() > 0.9
    assert len({spoken(one) for one in whole}) == 8


def test_a_symbol_that_no_step_says_is_in_no_target():
    outputs = outputs_of(5)
    outputs[:, 2] = -np.inf
    found = prefix_beam(outputs, WIDE, WIDE)
    assert all(np.isfinite(one.score) and 2 not in one.symbols for one in found)
    assert np.exp([one.score for one in found]).sum() == pytest.approx(1)


def test_no_steps_say_nothing():
    for found in (greedy(np.zeros((0, 4))), *prefix_beam(np.zeros((0, 4)), 3, 3)):
        assert (spoken(found), found.steps.tolist(), found.score) == ((), [], 0.0)
