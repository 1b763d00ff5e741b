"""Did you mean ...?"""

from __future__ import annotations

import time

from rnncli.config.suggestions import closest, did_you_mean


def test_a_near_word_is_suggested() -> None:
    assert did_you_mean("lerning_rate", ["epochs", "learning_rate"]) == '; did you mean "learning_rate"?'
    assert closest("LSTM", ["rnn", "lstm"]) == "lstm"


def test_nothing_is_suggested_for_a_word_unlike_any() -> None:
    assert did_you_mean("zzz", ["epochs", "learning_rate"]) == ""
    assert did_you_mean("", []) == ""


def test_a_long_word_takes_no_time() -> None:
    started = time.perf_counter()
    closest("ab" * 500_000, ["learning_rate"] * 50)
    assert time.perf_counter() - started < 0.5
