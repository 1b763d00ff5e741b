"""The first sentence on a score: what it says of each kind of figure, and of the folds of a cross-validation."""

import pytest

from rnncli.training.folds import pooled
from rnncli.training.headline import AMONG, CORRECT, ERRORS, IN_PERCENT, OFF_BY, Headline, percent, plain, summed
from rnncli.training.reports import Score
from rnncli.training.score_object import score_object

EUROS = Headline(OFF_BY, 1550.0, 3010.0, "last year's value", 10, "sales", "€", 14000.0)


@pytest.mark.parametrize(
    ("headline", "sentence"),
    [
        (EUROS, "off by 155 € on average, 11%; last year's value: 301 €"),
        (Headline(OFF_BY, 2.0, 3.0, "the mean", 4, "heat"), "heat off by 0.5 on average; the mean: 0.75"),
        (Headline(CORRECT, 1085, 50, "the usual", 1100), "right 1,085 of 1,100; the usual: 50"),
        (Headline(CORRECT, 8, 5, "the usual", 10, "steps"), "right 8 of 10 steps; the usual: 5"),
        (Headline(IN_PERCENT, 22.0, 30.0, "the last value", 2), "off by 11% on average; the last value: 15%"),
        (
            Headline(AMONG, 4.6264, 5.02, "5-gram", what="byte"),
            "each next byte is like a guess among 4.63; 5-gram: 5.02",
        ),
        (Headline(ERRORS, 0.6, 0.8, "the last value"), "errors 25% smaller than those of the last value"),
        (Headline(ERRORS, 1.0, 0.8, "the last value"), "errors 25% larger than those of the last value"),
    ],
)
def test_it_says_what_people_use(headline, sentence):
    assert headline.text() == sentence


def test_json_has_its_numbers_as_means():
    found = EUROS.to_json()
    assert found["text"] == EUROS.text()
    assert (found["network"], found["baseline"], found["count"], found["unit"]) == (155.0, 301.0, 10, "€")
    assert found["percent"] == pytest.approx(100 * 155 / 1400)
    right = Headline(CORRECT, 85, 50, "the usual", 100).to_json()
    assert (right["network"], right["baseline"], right["count"]) == (85, 50, 100)
    assert right["beside"] == "the usual"
    assert score_object(Score("test", "MAE", 1.0, (), headline=EUROS))["headline"] == found


def test_folds_are_added_up():
    other = Headline(OFF_BY, 50.0, 90.0, "last year's value", 10, "sales", "€", 2000.0)
    both = summed([EUROS, other])
    assert both == Headline(OFF_BY, 1600.0, 3100.0, "last year's value", 20, "sales", "€", 16000.0)
    scores = [Score("validation", "MAE", 1.0, (("mean", 2.0),), headline=one) for one in (EUROS, other)]
    assert pooled(scores, [10, 10], "20 answers").headline == both
    assert summed([EUROS, None]) is None
    assert summed([]) is None


def test_it_survives_the_header_of_a_model_file():
    score = Score("test", "MAE", 1.0, (), headline=EUROS)
    assert Score.from_header(score.to_header()) == score
    older = {name: value for name, value in score.to_header().items() if name != "headline"}
    assert Score.from_header(older).headline is None


def test_numbers_have_the_digits_that_matter():
    written = {0.5721: "0.572", 155.04: "155", 999.7: "1,000", 12345.678: "12,346", 0.0: "0"}
    assert [plain(value) for value in written] == list(written.values())
    shares = {0.00164: "0.16%", 0.038: "3.8%", 0.0996: "10%", 0.114: "11%", 12.5: "1,250%"}
    assert [percent(share) for share in shares] == list(shares.values())
