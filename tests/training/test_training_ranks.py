"""The sums of all ranks are one binary tree, whatever the number of ranks."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from ranks_in_threads import Queues, on_ranks

from rnncli.errors import ConfigError, DataError, MachineError, RnncliError
from rnncli.notes import note, noting
from rnncli.training.ranks import ALONE, Ranks

SHARDS = 8
SIZES = [1, 2, 4, 8]


def leaves(size: int, dtype: type = np.float32) -> np.ndarray:
    """Return numbers (SHARDS, size) of very different sizes, whose sum depends on the order."""
    draw = np.random.default_rng(size)
    return (draw.normal(size=(SHARDS, size)) * 10.0 ** draw.integers(-4, 4, (SHARDS, size))).astype(dtype)


def tree(x: np.ndarray) -> np.ndarray:
    return x[0] if len(x) == 1 else tree(x[: len(x) // 2]) + tree(x[len(x) // 2 :])


def summed(ranks: Ranks, x: np.ndarray) -> tuple[np.ndarray, float]:
    each = SHARDS // ranks.size
    own = tree(x[ranks.rank * each : (ranks.rank + 1) * each]).copy()
    return own, ranks.add(float(own[0]), [own])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("numbers", [1, 7, 2048, 2049, 10_007])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_order_is_that_of_the_tree(size: int, numbers: int, dtype: type) -> None:
    x = leaves(numbers, dtype)
    for found, loss in on_ranks(size, SHARDS, lambda ranks: summed(ranks, x)):
        np.testing.assert_array_equal(found, tree(x))
        assert loss == found[0] or dtype is np.float32


def test_another_order_has_other_bits() -> None:
    x = leaves(10_007)
    assert (np.add.reduce(x) != tree(x)).any()


@pytest.mark.parametrize("B", [1, 5, 8, 13, 64])
@pytest.mark.parametrize("size", SIZES)
def test_every_sequence_is_in_one_group_and_gathered_from_its_rank(size: int, B: int) -> None:
    def work(ranks: Ranks) -> tuple[list[tuple[int, int]], np.ndarray]:
        rows = np.full((B, 3), -1.0, np.float32)
        low, high = ranks.own(B)
        rows[low:high] = np.arange(B)[low:high, None]
        ranks.gather(rows)
        return ranks.groups(B), rows

    found = on_ranks(size, SHARDS, work)
    groups = [group for groups, _ in found for group in groups]
    assert groups == [(B * i // SHARDS, B * (i + 1) // SHARDS) for i in range(SHARDS)]
    for _, rows in found:
        np.testing.assert_array_equal(rows, np.repeat(np.arange(B)[:, None], 3, axis=1))


@pytest.mark.parametrize("size", SIZES)
def test_a_request_to_stop_reaches_all_ranks_with_the_sums(size: int) -> None:
    def work(ranks: Ranks) -> list[bool]:
        found = []
        for update in range(3):
            ranks.asked = lambda: update == 1 and ranks.rank == size - 1  # noqa: B023
            ranks.add(0.0, [np.zeros(3, np.float32)])
            found.append(ranks.stopping())
        return found

    assert on_ranks(size, SHARDS, work) == [[False, True, True]] * size


@pytest.mark.parametrize("size", SIZES)
def test_all_read_the_clock_of_rank_0(size: int) -> None:
    assert on_ranks(size, SHARDS, lambda ranks: ranks.clock(lambda: 100.0 + ranks.rank)()) == [100.0] * size


@pytest.mark.parametrize("size", SIZES)
def test_one_bit_of_the_weights_on_one_rank_is_seen_on_all(size: int) -> None:
    def work(ranks: Ranks) -> str:
        weights = np.ones(1000, np.float32)
        ranks.require_same(weights)
        if ranks.rank == size - 1:
            weights.view(np.uint32)[500] ^= 1
        try:
            ranks.require_same(weights)
        except RnncliError as error:
            return str(error)
        return ""

    found = on_ranks(size, SHARDS, work)
    expected = f"the weights of 1 rank ({size - 1}) differ from those of rank 0" if size > 1 else ""
    assert all(text.startswith(expected) and bool(text) == (size > 1) for text in found)


def test_ranks_must_divide_the_shards() -> None:
    with pytest.raises(ConfigError, match=r"training\.shards is 1, which 2 ranks do not divide; start a power of two"):
        on_ranks(2, 1, lambda ranks: ranks.rank)


def test_one_process_needs_no_channel() -> None:
    sums = np.ones(3, np.float32)
    assert ALONE.add(1.5, [sums]) == 1.5
    assert (ALONE.rank, ALONE.size, ALONE.own(5), ALONE.groups(5)) == (0, 1, (0, 5), [(0, 5)])
    assert Ranks(8).groups(4) == [(0, 0), (0, 1), (1, 1), (1, 2), (2, 2), (2, 3), (3, 3), (3, 4)]


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_items_are_shared_and_put_together_with_their_notes(size: int) -> None:
    def work(ranks: Ranks) -> tuple[list[int], list[int], list[str]]:
        done, said = list[int](), list[str]()

        def squared(some: Sequence[int]) -> list[int]:
            done.extend(some)
            for one in some:
                note(f"at {one}")
            return ranks.shared(some, lambda few: [one**2 for one in few])  # apart: nobody else is asked

        with noting(said.append), ranks.evaluating():
            return ranks.shared(range(5), squared), done, said

    found = on_ranks(size, None, work)
    assert [one for _, done, _ in found for one in done] == [0, 1, 2, 3, 4]
    for results, _, said in found:
        assert results == [0, 1, 4, 9, 16]
        assert said == [f"at {one}" for one in range(5)]


def test_outside_of_evaluations_each_rank_does_all_items() -> None:
    assert on_ranks(2, None, lambda ranks: ranks.shared(range(3), list)) == [[0, 1, 2]] * 2


def test_all_ranks_meet_the_first_mistake_among_the_items() -> None:
    def work(ranks: Ranks) -> str:
        def refused(some: Sequence[int]) -> list[int]:
            if some[0] >= 2:
                raise DataError(f"item {some[0]}")
            return list(some)

        with ranks.evaluating(), pytest.raises(DataError) as refusal:
            ranks.shared(range(4), refused)
        return str(refusal.value)

    assert on_ranks(4, None, work) == ["item 2"] * 4


def test_an_error_of_a_machine_is_that_of_its_rank_at_once() -> None:
    class Alone(Queues):
        def gather(self, thing: Any) -> list[Any]:
            raise AssertionError("the others are asked first")

    def full(some: Sequence[int]) -> list[int]:
        raise MachineError("full")

    ranks = Ranks.judging(Alone(1, [[], []]))
    with ranks.evaluating(), pytest.raises(MachineError, match="full"):
        ranks.shared(range(4), full)


@pytest.mark.parametrize("size", [2, 3])
def test_losses_of_any_number_of_ranks_are_put_together(size: int) -> None:
    def work(ranks: Ranks) -> np.ndarray:
        losses = np.zeros((2, 7))
        with ranks.evaluating():
            low, high = ranks.evaluated(7)
            losses[:, low:high] = np.arange(7)[low:high]
            ranks.complete(losses)
        return losses

    for found in on_ranks(size, None, work):
        np.testing.assert_array_equal(found, np.tile(np.arange(7), (2, 1)))
