"""How a score stands beside its baselines: how far, in which direction, and what that amounts to."""

from dataclasses import replace

import pytest

from rnncli.training.headline import OFF_BY, Headline
from rnncli.training.reports import Score, strongest_first
from rnncli.training.score_object import score_object
from rnncli.ui.scores import figures, score_text


def lines(network, baseline, **given):
    score = Score("test", "MAE", network, (("last value", baseline),), "9 windows", **given)
    return score_text(score).splitlines()


@pytest.mark.parametrize(
    ("network", "baseline", "words"),
    [
        (3.0, 4.0, "network 25.0% better"),
        (5.0, 4.0, "network 25.0% worse"),
        (4.0, 4.0, "network equal"),
        (0.0, 0.0, "network equal"),
        (12.0, 4.0, "network 200.0% worse"),
        (50.0, 4.0, "network 12.5 times as large"),
        (5.0, 0.0, "network worse"),
    ],
)
def test_a_score_that_was_not_tested_is_compared_in_percents(network, baseline, words):
    assert lines(network, baseline)[2].endswith(f"  {words}")


def test_of_a_figure_that_should_be_high_the_difference_is_told():
    assert lines(0.75, 0.5, higher_is_better=True)[2].endswith("  network 0.2500 higher")
    assert lines(0.5, 0.75, higher_is_better=True)[2].endswith("  network 0.2500 lower")
    assert lines(0.5, 0.5, higher_is_better=True)[2].endswith("  network equal")


@pytest.mark.parametrize("verdict", ["better", "worse", "cannot tell", "cannot tell, 4 groups"])
def test_a_verdict_stands_behind_a_direction_that_judges_nothing(verdict):
    found = lines(3.0, 4.0, verdicts={"last value": verdict}, used="network")
    assert found[2] == f"  last value  4.000  network 25.0% lower: {verdict}"
    assert lines(5.0, 4.0, verdicts={"last value": verdict}, used="network")[2].endswith(f"25.0% higher: {verdict}")
    assert len(found) == 3


def test_who_is_used_in_place_of_the_network_is_said():
    score = Score("test", "MAE", 3.0, (("seasonal naive", 2.0),), verdicts={"seasonal naive": "worse"})
    assert "used" not in score_object(score)
    assert len(score_text(score).splitlines()) == 3
    used = Score("test", "MAE", 3.0, score.baselines, verdicts=score.verdicts, used="seasonal-naive")
    said = "  predict gives seasonal naive, no worse on validation; see predict --network\n"
    assert score_text(used).endswith(said)
    assert score_object(used)["used"] == "seasonal-naive"
    assert score_object(used)["verdicts"] == {"seasonal naive": "worse"}


@pytest.mark.parametrize(("higher", "wanted"), [(True, ["c", "a", "d", "b"]), (False, ["b", "a", "d", "c"])])
def test_the_strongest_baseline_comes_first(higher, wanted):
    made = strongest_first({"a": 2.0, "b": 1.0, "c": 3.0, "d": 2.0}, higher_is_better=higher)
    assert [name for name, _ in made] == wanted
    assert dict(made) == {"a": 2.0, "b": 1.0, "c": 3.0, "d": 2.0}


@pytest.mark.parametrize(
    ("values", "column"),
    [
        ([0.6364, 0.5], ["0.6364", "0.5000"]),
        ([12345.6789, 15000.0], ["12,346", "15,000"]),
        ([3788.4, 980.25, float("nan")], ["3,788", "  980", "    –"]),
        ([1.324e10, 9.87e9], ["13,240,000,000", " 9,870,000,000"]),
        ([155.04, 301.2, 9.87], ["155.0", "301.2", "  9.9"]),
        ([2.5, 0.00123], ["2.5000", "0.0012"]),
        ([1.25e-7, 3e-7], ["1.25e-07", "3e-07"]),
        ([0.0, 0.0], ["0", "0"]),
    ],
)
def test_a_column_has_the_digits_that_matter(values, column):
    assert figures(values) == column


def test_a_score_fits_the_screen_and_says_what_chose_the_weights():
    score = Score(
        "validation",
        "MAE of sales",
        3.0,
        (("last value", 4.0),),
        "79 rolling origins, horizon 12; forecast: 46% a and 54% b",
    )
    text = score_text(score)
    assert max(map(len, text.splitlines())) <= 80
    assert "weights were chosen by this split" in " ".join(text.split())
    assert "chosen" not in score_text(replace(score, split="test"))


def test_the_first_line_is_the_sentence():
    said = Headline(OFF_BY, 1.0, 2.0, "the last value", 1, "sales", "€")
    score = Score("test", "MAE", 3.0, (("last value", 4.0),), headline=said)
    assert score_text(score).splitlines()[0] == "off by 1 € on average; the last value: 2 €"
    theirs = replace(score, used="last-value")
    assert score_text(theirs).splitlines()[0].startswith("network: off by 1 €")
