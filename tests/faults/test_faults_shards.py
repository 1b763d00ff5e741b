"""Trainings of every kind on random numbers of ranks and threads, stopped and gone on with on others: the same bits."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest
from attacks import Tally, size
from ranks_in_threads import on_ranks
from shards import KINDS, Trained, trained

from rnncli.errors import ConfigError
from rnncli.training.ranks import Ranks

pytestmark = pytest.mark.faults

Stops = Callable[[int], bool]


def never(update: int) -> bool:
    return False


def test_ranks_and_threads_change_no_bit() -> None:
    tally, tries = Tally("ranks and threads"), size(4, 300)
    for seed in range(tries):
        draw = random.Random(seed)
        name, shards = draw.choice(list(KINDS)), 2 ** draw.randint(1, 4)
        training = {"batch_size": draw.randint(shards, 24), "seed": draw.randint(0, 999)}
        sizes = [2 ** draw.randint(0, shards.bit_length() - 1) for _ in range(2)]
        threads, last = draw.randint(1, 3), draw.randint(1, 4)
        told = f"{seed}: {name}, {shards} shards, {sizes} ranks, {threads} threads, stopped after {last}, {training}"

        def once(ranks: Ranks, stops: Stops = never, before: Trained | None = None) -> Trained:
            return trained(name, ranks, threads, 5, stops, before, **training)  # noqa: B023

        try:
            whole = once(Ranks(shards))
        except ConfigError:
            tally.count("refused")
            continue
        stopped = on_ranks(sizes[0], shards, lambda ranks: once(ranks, lambda update: update == last - 1))  # noqa: B023
        ended = on_ranks(sizes[1], shards, lambda ranks: once(ranks, before=stopped[0]))  # noqa: B023
        same = all(np.array_equal(one.weights, whole.weights) for one in ended)
        if same and {one.position.update for one in stopped} == {last}:
            tally.count("same bits")
        else:
            tally.fail(told)
    tally.end(at_least=tries)
