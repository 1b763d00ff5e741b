"""Splits of items that are numbers: which are drawn, which stay together, and which training must have."""

from __future__ import annotations

import pytest

from rnncli.data.splits import Splits
from rnncli.tasks.registry import config_from_mapping


class Numbers(list):
    name = "numbers"


def drawn(inputs, answers, seed, validation=0.5):
    config = config_from_mapping({"task": "classify", "data": {"validation": validation}, "training": {"seed": seed}})
    whole = Numbers(range(len(answers)))
    splits = Splits(config, whole, lambda source: whole, lambda items, chosen: Numbers(chosen), inputs, answers)
    return splits.train, splits.held_out.get("validation", [])


@pytest.mark.parametrize("seed", range(20))
def test_copies_of_a_rare_item_go_to_training_with_it(seed):
    inputs = [*range(20), *["rare"] * 3]
    answers = [("a",)] * 10 + [("b",)] * 10 + [("c",), ("c", "d"), ("c",)]
    train, held_out = drawn(inputs, answers, seed)
    assert {20, 21, 22} <= set(train)
    assert sorted([*train, *held_out]) == list(range(23))
    assert not {inputs[i] for i in train} & {inputs[i] for i in held_out}


def test_without_copies_only_the_first_of_each_lacking_answer_moves():
    moved = 0
    for seed in range(20):
        answers = [("a",)] * 30 + [("c",)] * 2
        train, _ = drawn((), answers, seed)
        plain, _ = drawn((), [()] * 32, seed)
        assert len(train) - len(plain) == int(not {30, 31} & set(plain))
        moved += len(train) - len(plain)
    assert moved > 0
