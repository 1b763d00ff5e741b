"""Did you mean ...?"""

from __future__ import annotations

import pytest

from rnncli.config.suggestions import closest, did_you_mean


def test_a_near_word_is_suggested() -> None:
    assert did_you_mean("lerning_rate", ["epochs", "learning_rate"]) == '; did you mean "learning_rate"?'
    assert closest("LSTM", ["rnn", "lstm"]) == "lstm"


KNOWN = [
    "id",
    "seed",
    "epochs",
    "gru",
    "utf-8",
    "bfloat16",
    "learning_rate",
    "num_layers",
    "hidden_size",
    "Europe/Berlin",
]


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("epoch", "epochs"),
        ("gur", "gru"),  # two letters swapped
        ("utf9", "utf-8"),
        ("learn_rate", "learning_rate"),
        ("hidden", "hidden_size"),
        ("hidden-units", "hidden_size"),
        ("layers", "num_layers"),
        ("random_seed", "seed"),
        ("lr", "learning_rate"),
        ("bf16", "bfloat16"),
        ("Berlin", "Europe/Berlin"),
    ],
)
def test_a_word_with_wrong_letters_a_part_of_one_or_its_initials(word: str, meant: str) -> None:
    assert closest(word, ["path", *KNOWN]) == meant


@pytest.mark.parametrize("word", ["watch", "batch", "units", "iterations", "me", "device"])
def test_a_word_with_as_many_letters_right_as_wrong_is_like_none(word: str) -> None:
    """Most of them have the letters of another in its order, as watch those of path: no more than that."""
    assert closest(word, ["path", "items", "attention", "gru", "id", "decoder", "tune"]) is None


def test_nothing_is_suggested_for_a_word_unlike_any() -> None:
    assert did_you_mean("zzz", ["epochs", "learning_rate"]) == ""
    assert did_you_mean("", []) == ""


def test_a_long_word_is_like_none() -> None:
    assert closest("ab" * 500_000, ["learning_rate"] * 50) is None  # compared letter by letter it would take hours
