"""Did you mean ...?"""

from __future__ import annotations

from rnncli.config.problems import closest, did_you_mean


def test_a_near_word_is_suggested() -> None:
    assert did_you_mean("lerning_rate", ["epochs", "learning_rate"]) == '; did you mean "learning_rate"?'
    assert closest("LSTM", ["rnn", "lstm"]) == "lstm"


def test_nothing_is_suggested_for_a_word_unlike_any() -> None:
    assert did_you_mean("zzz", ["epochs", "learning_rate"]) == ""
    assert did_you_mean("", []) == ""


def test_a_long_word_is_like_none() -> None:
    assert closest("ab" * 500_000, ["learning_rate"] * 50) is None  # compared letter by letter it would take hours
