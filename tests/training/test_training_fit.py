"""Whether a network over- or under-fits: the rule, its edges, and that it says nothing where chance decides."""

import pytest

from rnncli.config.model_section import ModelConfig
from rnncli.training.fit import FITS, OVER, UNDER, fit, over_fit


def lines(train, valid):
    best = [valid[k] == min(valid[: k + 1]) for k in range(len(valid))]
    return [
        {"step": 10 * (k + 1), "train_loss": t, "valid_loss": v, "improved": b}
        for k, (t, v, b) in enumerate(zip(train, valid, best, strict=True))
    ]


def model(num_layers=2, dropout=0.3, hidden_size=64):
    return ModelConfig(num_layers=num_layers, dropout=dropout, hidden_size=hidden_size)


def judged(train, valid, held_out=5000, **of):
    return fit(lines(train, valid), held_out, model(**of), "training.epochs=40")


def test_worse_at_the_end_than_at_best_over_fits():
    found = judged([2.0, 1.7, 1.5, 1.4], [1.9, 1.7, 1.6, 1.62])
    assert found.verdict == OVER
    assert found.text() == (
        "the network over-fits: validation loss 1.600 at best after update 30 of 40, 1.620 at the end, while training "
        "loss fell from 1.500 to 1.400; try --set model.dropout=0.5"
    )
    assert judged([2.0, 1.7, 1.5, 1.4], [1.9, 1.7, 1.6, 1.61]).verdict == FITS  # not by a whole percent
    assert judged([2.0, 1.7, 1.5, 1.5], [1.9, 1.7, 1.6, 1.7]).verdict == FITS  # which learnt no more either


def test_a_training_loss_far_below_validation_over_fits():
    assert judged([2.0, 1.7, 1.5, 1.2], [1.9, 1.7, 1.6, 1.55]).verdict == OVER
    assert judged([2.0, 1.7, 1.5, 1.3], [1.9, 1.7, 1.6, 1.55]).verdict == FITS


def test_best_at_the_end_with_hardly_a_gap_under_fits():
    found = judged([2.0, 1.7, 1.65, 1.6], [1.9, 1.7, 1.65, 1.6])
    assert (found.verdict, found.change) == (UNDER, ("training.epochs=40", "model.dropout=0.1"))
    assert judged([2.0, 1.7, 1.6, 1.6], [1.9, 1.7, 1.6, 1.61]).verdict == FITS  # not best at the end


@pytest.mark.parametrize(
    ("of", "change"),
    [
        ({"dropout": 0.0}, ("model.dropout=0.2",)),
        ({"dropout": 0.5}, ("model.dropout=0.6",)),
        ({"dropout": 0.6}, ("model.hidden_size=32",)),
        ({"num_layers": 1}, ("model.num_layers=2", "model.dropout=0.3")),
        ({"dropout": 0.9, "hidden_size": 1}, ("model.hidden_size=1",)),
    ],
)
def test_what_to_change_where_it_over_fits(of, change):
    assert judged([2.0, 1.7, 1.5, 1.0], [1.9, 1.7, 1.6, 1.55], **of).change == change


@pytest.mark.parametrize("of", [{"dropout": 0.0}, {"num_layers": 1}])
def test_what_to_change_where_it_under_fits_without_dropout(of):
    assert judged([2.0, 1.7, 1.65, 1.6], [1.9, 1.7, 1.65, 1.6], **of).change[1] == "model.hidden_size=128"


def test_nothing_is_said_where_chance_decides():
    train, valid = [2.0, 1.7, 1.5, 1.0], [1.9, 1.7, 1.6, 1.7]
    assert judged(train, valid, held_out=999) is None  # 6% worse
    assert judged(train[:3], valid[:3]) is None
    assert judged([0.1, 0.01, 0.01, 0.01], [0.1, 0.02, 0.01, 0.02]) is None  # a text that is known by heart
    assert judged(train, [float("nan")] * 4) is None
    assert fit([], 5000, model(), "") is None


EARLY = [1.0, 0.8, 0.9, 1.1, 1.2, 1.3, 1.25, 1.3]


def test_validation_that_becomes_much_worse_while_training_goes_on_over_fits_however_few_are_held_out():
    train = [1.2, 1.0, 0.8, 0.6, 0.5, 0.4, 0.3, 0.2]
    found = over_fit(lines(train, EARLY), model())
    assert found.text() == (
        "the network over-fits: validation loss 0.800 at best after update 20 of 80, 1.300 at the end, while training "
        "loss fell from 1.000 to 0.200; try --set model.dropout=0.5"
    )
    assert judged(train, EARLY, held_out=10) == found
    assert over_fit(lines(train, EARLY), model(num_layers=1)).change == ("model.hidden_size=32",)
    assert over_fit(lines(train, [*EARLY[:-1], 0.95]), model()) is None  # one of the last quarter is not much worse
    assert over_fit(lines([*train[:-1], 1.1], EARLY), model()) is None  # it did not learn on
    assert over_fit(lines(train, train), model()) is None
    assert over_fit(lines(train, [value / 20 for value in EARLY]), model()) is None  # nearly 0


def test_weights_that_were_best_early_are_told_with_an_end_that_comes_sooner():
    train, valid = [1 / (k + 1) for k in range(40)], [1.0, 0.8, *[1.2 + k / 100 for k in range(38)]]
    for found in (over_fit(lines(train, valid), model()), judged(train, valid)):
        assert found.change == ("model.dropout=0.5", "training.patience=10")


def test_weights_that_training_only_made_worse_over_fit():
    found = over_fit(lines([None, 0.8, 0.6, 0.5], [0.6, 0.8, 0.9, 1.0]), model())
    assert found.losses == "validation loss 0.600 at best after update 10 of 40, 1.000 at the end"
