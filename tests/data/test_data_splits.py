"""Splits of items that are numbers: which are drawn, which stay together, and which training must have."""

from __future__ import annotations

from collections import Counter

import pytest

from rnncli.data.splits import Splits, by_rarest
from rnncli.notes import noting
from rnncli.tasks.registry import config_from_mapping


class Numbers(list):
    name = "numbers"


def splits_of(n, seed, inputs=(), answers=(), strata=(), **shares):
    config = config_from_mapping({"task": "classify", "data": shares, "training": {"seed": seed}})
    whole = Numbers(range(n))
    return Splits(config, whole, lambda source: whole, lambda items, chosen: Numbers(chosen), inputs, answers, strata)


def drawn(inputs, answers, seed, validation=0.5):
    splits = splits_of(len(answers), seed, inputs, answers, validation=validation)
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


@pytest.mark.parametrize("seed", range(10))
def test_every_split_has_its_share_of_each_label(seed):
    labels = ["a"] * 100 + ["b"] * 60 + ["c"] * 40
    splits = splits_of(200, seed, strata=by_rarest([(label,) for label in labels]), validation=0.1, test=0.2)
    counts = {name: Counter(labels[i] for i in split) for name, split in splits.held_out.items()}
    assert counts == {"validation": {"a": 10, "b": 6, "c": 4}, "test": {"a": 20, "b": 12, "c": 8}}
    assert sorted([*splits.train, *splits.held_out["validation"], *splits.held_out["test"]]) == list(range(200))


def test_shares_that_are_no_whole_number_are_rounded_either_way_and_other_seeds_draw_others():
    labels = ["a"] * 7 + ["b"] * 13 + ["c"] * 33
    found, ones = set(), Counter()
    for seed in range(30):
        held_out = splits_of(53, seed, strata=by_rarest([(x,) for x in labels]), validation=0.2).held_out["validation"]
        counts = Counter(labels[i] for i in held_out)
        assert counts["a"] in (1, 2)  # of 1.3
        assert counts["b"] in (2, 3)  # of 2.5
        assert counts["c"] in (6, 7)  # of 6.2
        assert len(held_out) == int(0.2 * 53)
        found.add(tuple(held_out))
        ones.update(held_out)
    assert len(found) == 30
    assert len(ones) > 45


def test_numbers_are_held_out_from_the_whole_of_their_range():
    values = [float((37 * i) % 100) for i in range(100)]
    held_out = splits_of(100, 5, strata=values, validation=0.2).held_out["validation"]
    assert sorted(int(values[i]) // 5 for i in held_out) == list(range(20))


def test_the_rarest_label_of_a_set_counts_first():
    labels = [("a", "x") if i < 10 else ("b",) if i < 30 else ("a",) for i in range(100)]
    assert by_rarest([("a", "b", "b"), ("b",), ()]) == [[(1, "a"), (2, "b")], [(2, "b")], []]
    held_out = splits_of(100, 2, strata=by_rarest(labels), validation=0.1).held_out["validation"]
    assert Counter(labels[i] for i in held_out) == {("a", "x"): 1, ("b",): 2, ("a",): 7}


@pytest.mark.parametrize("seed", range(10))
def test_groups_stay_together_and_are_stratified(seed):
    groups = [i // 3 for i in range(180)]  # 60 groups of 3, 20 of each label
    labels = ["abc"[(i // 3) % 3] for i in range(180)]
    splits = splits_of(180, seed, groups, strata=by_rarest([(x,) for x in labels]), validation=0.1)
    held_out = splits.held_out["validation"]
    assert Counter(labels[i] for i in held_out) == {"a": 6, "b": 6, "c": 6}
    assert not {groups[i] for i in held_out} & {groups[i] for i in splits.train}


def test_of_two_large_groups_one_is_held_out():
    held_out = set()
    for seed in range(10):
        splits = splits_of(40, seed, [i // 20 for i in range(40)], strata=by_rarest([("a",)] * 40), validation=0.1)
        assert len(splits.held_out["validation"]) == 20
        held_out.add(splits.held_out["validation"][0] // 20)
    assert held_out == {0, 1}


def test_without_strata_the_first_of_a_shuffled_order_are_held_out_as_in_0_1():
    held_out = splits_of(20, 1, validation=0.2, test=0.1).held_out
    assert held_out == {"test": [7, 17], "validation": [5, 8, 11, 14]}


def folds_of(n, seed, inputs=(), answers=(), strata=(), **data):
    return splits_of(n, seed, inputs, answers, strata, **data).folds()


@pytest.mark.parametrize("seed", range(5))
def test_folds_hold_each_item_out_once_and_its_share_of_each_label(seed):
    labels = ["a"] * 50 + ["b"] * 30 + ["c"] * 20
    folds = folds_of(100, seed, strata=by_rarest([(x,) for x in labels]))
    assert [Counter(labels[i] for i in one.held_out["validation"]) for one in folds] == [{"a": 10, "b": 6, "c": 4}] * 5
    assert sorted(i for one in folds for i in one.held_out["validation"]) == list(range(100))
    assert all(sorted([*one.train, *one.held_out["validation"]]) == list(range(100)) for one in folds)


def test_folds_keep_groups_together_and_each_answer_in_training():
    groups = [i // 4 for i in range(60)]
    answers = [("rare",) if i < 4 else ("a",) for i in range(60)]
    folds = folds_of(60, 3, groups, answers, by_rarest(answers), folds=4)
    assert len(folds) == 4
    for one in folds:
        held_out = one.held_out["validation"]
        assert not {groups[i] for i in held_out} & {groups[i] for i in one.train}
        assert any(answers[i] == ("rare",) for i in one.train)
    assert sorted(i for one in folds for i in one.held_out["validation"]) == list(range(4, 60))


def test_two_groups_make_two_folds_and_one_makes_none():
    assert len(folds_of(20, 1, [i // 10 for i in range(20)])) == 2
    assert folds_of(20, 1, [0] * 20) == []


COPIES = [k % 10 for k in range(600)]


@pytest.mark.parametrize(
    ("inputs", "answers", "shares", "named", "why"),
    [
        (COPIES, [(x,) for x in COPIES], {}, "folds", "10 in 600 sequences, each with a label that no other"),
        (COPIES, [(x,) for x in COPIES], {"folds": 5}, "folds", "data.validation, or hold copies out of each other"),
        (COPIES, [(x,) for x in COPIES], {"validation": 0.1}, "validation", "--set data.group=none"),
        (COPIES, [(x,) for x in COPIES], {"validation": 0, "test": 0.1}, "test", "a file of others, data.test, or"),
        ([0] * 50, (), {}, "folds", "1 in 50 sequences; name a file of others"),
        (
            range(50),
            [(x,) for x in range(50)],
            {},
            "folds",
            "every sequence that would be held out has a label",
        ),
        (range(9), (), {"validation": 0.1}, "validation", "the share of 9 sequences is less than one"),
    ],
)
def test_what_cannot_be_held_out_is_told_with_the_reason(inputs, answers, shares, named, why):
    notes: list[str] = []
    with noting(notes.append):
        splits = splits_of(len(inputs), 1, list(inputs), answers, **shares)
    assert notes[-1].startswith(f"numbers: nothing is held out for {named}: ")
    assert why in notes[-1]
    assert splits.validated["folds"] == 0
    assert (splits.folds(), splits.held_out, len(splits.train)) == ([], {}, len(inputs))


@pytest.mark.parametrize("shares", [{}, {"validation": 0}, {"validation": 0.5, "test": 0.1}, {"folds": 3}])
def test_of_what_is_held_out_as_asked_nothing_is_told(shares):
    notes: list[str] = []
    with noting(notes.append):
        splits_of(60, 1, list(range(60)), [("a",)] * 60, **shares)
    assert notes == []
