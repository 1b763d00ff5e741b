"""Verdicts of every task: on errors of answers, of blocks of tokens, and of the folds of a cross-validation."""

import numpy as np
import pytest

from rnncli.errors import CheckFailedError, UsageError
from rnncli.tasks.checks import check_beaten, require_judged
from rnncli.tasks.language_model.figures import in_blocks
from rnncli.tasks.sequences.label_scores import micro_f1, micro_f1_errors
from rnncli.training.folds import pooled
from rnncli.training.paired_bootstrap import Compared, joined, verdict
from rnncli.training.reports import Score
from rnncli.training.score_object import score_object

RANDOM = np.random.default_rng(3)
WRONG = {"network": RANDOM.random(200) < 0.1, "bad": RANDOM.random(200) < 0.5, "good": RANDOM.random(200) < 0.01}


def compared(count=200, wrong=WRONG):
    return Compared.of({name: one[:count] for name, one in wrong.items()}, range(count), "sequence")


def test_a_clear_difference_is_found_and_an_equal_is_not():
    assert compared().verdicts() == {"bad": "better", "good": "worse"}
    equal = {"network": WRONG["network"], "same": WRONG["network"]}
    assert compared(wrong=equal).verdicts() == {"same": "cannot tell, 200 sequences"}
    assert compared(4).verdicts()["bad"] == "cannot tell, 4 sequences"
    assert compared().verdicts() == compared().verdicts()


def test_two_equal_classifiers_are_seldom_told_apart():
    random, told = np.random.default_rng(5), 0
    for _ in range(200):
        wrong = {"network": random.random(60) < 0.3, "other": random.random(60) < 0.3}
        told += compared(60, wrong).verdicts()["other"].startswith(("better", "worse"))
    assert told <= 16  # 5% in each two directions together would be 10, and three standard errors more are 19


def test_answers_to_equal_inputs_count_once():
    errors = {"network": [0.0] * 40, "other": [1.0] * 40}
    few = Compared.of(errors, [n % 4 for n in range(40)], "sequence")
    assert few.count == 4
    assert few.verdicts() == {"other": "cannot tell, 4 groups"}


def test_folds_are_judged_together():
    halves = [
        Compared.of({name: one[k : k + 100] for name, one in WRONG.items()}, range(100), "pair") for k in (0, 100)
    ]
    both = joined(halves)
    assert both.count == 200
    assert both.verdicts() == compared().verdicts()
    scores = [Score("validation", "accuracy", 0.9, (("bad", 0.5), ("good", 0.99))).judged(half) for half in halves]
    whole = pooled(scores, [100, 100], "200 answers")
    assert whole.verdicts == both.verdicts()
    assert whole.independent == 200
    assert Score.from_header(whole.to_header()) == whole
    assert score_object(whole)["independent"] == 200


def test_a_baseline_that_a_fold_lacks_is_left_out():
    other = Compared.of({"network": [0.0] * 9, "bad": [1.0] * 9}, range(9), "sequence")
    assert set(joined([compared(), other]).errors) == {"network", "bad"}


def test_tokens_are_judged_in_blocks_whose_mean_is_that_of_all():
    losses = {"network": RANDOM.random(10_050), "5-gram": RANDOM.random(10_050) + 0.1}
    blocks = in_blocks(losses)
    assert blocks.count == 51
    assert np.average(blocks.errors["5-gram"], weights=blocks.weights) == pytest.approx(losses["5-gram"].mean())
    assert blocks.verdicts() == {"5-gram": "better"}
    assert in_blocks({name: one[:300] for name, one in losses.items()}).verdicts() == {
        "5-gram": "cannot tell, 2 blocks"
    }


def test_errors_of_label_sets_have_the_mean_of_their_f1():
    predicted, actual = [["a"], ["a", "b"], []], [["a"], ["b"], ["c"]]
    assert 1 - np.mean(micro_f1_errors(predicted, actual)) == pytest.approx(micro_f1(predicted, actual))


def test_a_verdict_that_cannot_be_told_counts_what_it_rests_on():
    assert verdict(0.5, 1200, "pair") == "cannot tell, 1,200 pairs"
    assert verdict(0.99, 5, "pair") == "cannot tell, 5 pairs"
    assert verdict(0.99, 1, "pair") == "cannot tell, 1 pair"
    assert [verdict(p, 6) for p in (0.98, 0.02)] == ["better", "worse"]


def test_what_must_be_beaten_is_named_in_any_spelling():
    score = Score(
        "test", "accuracy", 0.9, (("good One", 0.99), ("bad", 0.5)), verdicts={"good One": "worse", "bad": "better"}
    )
    require_judged(score, ["good-one", "Good One", "bad"])
    check_beaten(score, ["bad"])
    with pytest.raises(
        CheckFailedError, match=r"--must-beat good-one: the network is not shown to be better: worse \(acc"
    ):
        check_beaten(score, ["bad", "good-one"])
    with pytest.raises(UsageError, match='did you mean "good-one"'):
        require_judged(score, ["god-one"])
    with pytest.raises(UsageError, match="no such baseline; name one of good-one, bad"):
        require_judged(score, ["zzzzz"])
    with pytest.raises(UsageError, match="has no verdicts"):
        require_judged(Score("test", "BLEU", 3.0, (("copy", 2.0),)), ["copy"])
