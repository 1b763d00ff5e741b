"""training.shards: the gradient is a binary tree over groups of the batch, and its bits depend on nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from inspection import RAGGED, driver_of, made, sample_of, window
from parameters import mostly_thorough
from ranks_in_threads import on_ranks
from shards import KINDS, SHARDS, UPDATES, Trained, prepared, trained

from rnncli.errors import ConfigError
from rnncli.inspection.check import check
from rnncli.tasks.cross_validation import CrossValidation
from rnncli.tasks.registry import TASKS
from rnncli.training.backpropagation import Backpropagation, ThreadPool
from rnncli.training.ranks import Ranks
from rnncli.training.side_by_side import SideBySide

QUICK = ("one-hot characters", "composed words")


def assert_same(found: Trained, wanted: Trained) -> None:
    assert found.arrays.keys() == wanted.arrays.keys()
    for name, array in wanted.arrays.items():
        np.testing.assert_array_equal(found.arrays[name], array, name)
    assert found.losses == wanted.losses


def test_every_task_is_trained_here() -> None:
    assert {task for task, *_ in KINDS.values()} == set(TASKS)


@pytest.mark.parametrize("name", mostly_thorough(KINDS, QUICK))
def test_bits_depend_on_neither_ranks_nor_threads(name: str) -> None:
    wanted = trained(name, Ranks(SHARDS))
    assert_same(trained(name, Ranks(SHARDS), threads=2), wanted)
    assert_same(trained(name, Ranks(SHARDS), threads=4), wanted)
    for size in (2, 4, 8):
        for found in on_ranks(size, SHARDS, lambda ranks: trained(name, ranks, threads=1 + (ranks.size < 8))):
            assert_same(found, wanted)
    assert (trained(name, Ranks(2)).weights != wanted.weights).any()


@pytest.mark.parametrize("name", mostly_thorough(["items", "additive attention", "direct"], ["items"]))
def test_ranks_share_the_work_of_updates_and_of_evaluations(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    passed: dict[int, int] = {}
    run = ThreadPool.over_batch

    def counting(self: ThreadPool, B: int, work: Any, nanoseconds: float = 0.0, first: int = 0) -> None:
        rank = self.ranks.rank
        passed[rank] = passed.get(rank, 0) + B
        run(self, B, work, nanoseconds, first)

    monkeypatch.setattr(ThreadPool, "over_batch", counting)
    on_ranks(1, SHARDS, lambda ranks: trained(name, ranks, updates=4))
    whole = passed.pop(0)
    on_ranks(4, SHARDS, lambda ranks: trained(name, ranks, updates=4))
    assert max(passed.values()) < 0.35 * whole


def test_one_chain_over_the_groups_of_a_rank_is_not_that_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    tree = Backpropagation._summed

    def chained(self, work, per_step, groups: Sequence[tuple[int, int]], sums) -> float:  # type: ignore[no-untyped-def]
        loss = tree(self, work, per_step, groups[:1], sums)
        for group in groups[1:]:
            before = [one.copy() for one in sums]
            loss += tree(self, work, per_step, [group], sums)
            for one, other in zip(sums, before, strict=True):
                one += other
        return loss

    monkeypatch.setattr(Backpropagation, "_summed", chained)
    one, two = (on_ranks(size, SHARDS, lambda ranks: trained("one-hot characters", ranks))[0] for size in (1, 2))
    assert (one.weights != two.weights).any()


@pytest.mark.parametrize("name", mostly_thorough(KINDS, ["composed words"]))
def test_it_is_the_gradient_of_the_whole_batch(name: str) -> None:
    gradients = []
    for shards in (1, 2, SHARDS):
        pool = ThreadPool(1, Ranks(shards))
        learner = prepared(name, pool, np.float64).learner
        losses = [learner.gradient(update)[0] for update in range(UPDATES)]  # of weights that are left as they are
        gradients.append((learner.network.parameters.gradient.copy(), losses))
    (wanted, loss), *others = gradients
    assert np.abs(wanted).max() > 0
    for found, losses in others:
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12 * np.abs(wanted).max())
        np.testing.assert_allclose(losses, loss, rtol=1e-12)


@pytest.mark.parametrize("cell", ["gru", "peephole"])
def test_central_differences_agree_with_it(cell: str) -> None:
    network = made(cell, layers=2, bidirectional=True, pooling="attention")
    inputs, targets = window()
    driver = driver_of(network, pool=ThreadPool(1, Ranks(2)))
    assert check(driver, sample_of(network, inputs, targets[-1:], RAGGED)).passed


@pytest.mark.parametrize("name", mostly_thorough(KINDS, ["items"]))
def test_any_number_of_ranks_stops_together_and_any_other_goes_on(name: str) -> None:
    whole = trained(name, Ranks(SHARDS))

    def stopped(ranks: Ranks) -> Trained:
        return trained(name, ranks, stops=lambda update: ranks.rank == ranks.size - 1 and update == 2)

    for size, after in ((4, 2), (1, 8), (8, 1)):
        states = on_ranks(size, SHARDS, stopped)
        assert {state.position.update for state in states} == {3}
        for state in states[1:]:
            assert_same(state, states[0])
        for found in on_ranks(after, SHARDS, lambda ranks: trained(name, ranks, before=states[0])):  # noqa: B023
            np.testing.assert_array_equal(found.weights, whole.weights)


@pytest.mark.parametrize("name", ["one-hot characters", "items", "direct", "numbers", "dot attention"])
def test_a_batch_that_has_fewer_sequences_than_shards_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"training\.shards is 16, and a batch has only \d+ sequences; lower it, or"):
        prepared(name, ThreadPool(1, Ranks(16)))


@pytest.mark.parametrize("name", ["attention pooling", "folds"])
def test_a_rank_computes_whole_networks_where_there_are_enough_of_them(name: str) -> None:
    def computed(ranks: Ranks) -> list[int]:
        experiment = prepared(name, ThreadPool(1, ranks))
        folds = experiment.folds()
        learner = (CrossValidation(experiment, folds) if folds else experiment).learner
        assert isinstance(learner, SideBySide)
        counted: list[int] = []

        def counting(k: int, gradient: Callable[[int], tuple[float, int]]) -> Callable[[int], tuple[float, int]]:
            def called(update: int) -> tuple[float, int]:
                counted.append(k)
                return gradient(update)

            return called

        for k, one in enumerate(learner.learners):
            one.gradient = counting(k, one.gradient)  # type: ignore[method-assign]
        learner.gradient(0)
        return counted

    first, second = on_ranks(2, SHARDS, computed)
    assert (first, second) == (([0], [1]) if name == "attention pooling" else ([0], [1, 2]))
