"""Sentences about reports made by hand: what they name, and that every change they propose can be made."""

import itertools
import re
from dataclasses import replace

import numpy as np
import pytest

from rnncli.inspection.advice import advice
from rnncli.inspection.reach import reach
from rnncli.inspection.reports import (
    Clipping,
    GateActivity,
    GradientReport,
    LayerGradients,
    ParameterGradient,
    StepJacobians,
)
from rnncli.tasks.registry import TASKS, config_from_mapping

RNN, LSTM = {"cell": "rnn"}, {"cell": "lstm"}
UNCLIPPED = Clipping(5.0, 0.0, None, 1.0, 1.0)


def layer(curve, part="", index=0, flows=None):
    norms = np.asarray(curve, float)
    nothing = StepJacobians(1, (), (), (), 0.0)
    curve = tuple(norms.tolist())
    left = tuple(norm / curve[0] if curve[0] else 0.0 for norm in curve)
    found = reach([norms[:, None]], flows)
    shown = (curve, curve, left, None, None, curve, left)
    return LayerGradients(index, part, False, False, *shown, found, nothing, 1.0, ())


def report(*layers, at="init", gates=(), clip=UNCLIPPED, parameters=()):
    return GradientReport(at, 1.0, "nats", 4, 1, (), layers, parameters, tuple(gates), clip, ())


def decaying(factor, steps):
    return factor ** np.arange(float(steps))


def configured(task, model=None, training=None):
    """A config without nulls that matter, as `prepare` makes it."""
    whole = {"cell": "lstm", "hidden_size": 8, "num_layers": 1, **(model or {})}
    return config_from_mapping({"task": task, "model": whole, "training": {"learning_rate": 2e-3, **(training or {})}})


def told(task, model=None, training=None, *, about):
    return tuple(map(str, advice(configured(task, model, training), about)))


def healthy(steps=5):
    return layer(np.ones(steps))


def changes(sentence):
    """Each of the changes that a sentence proposes, as the overrides it consists of."""
    _, _, tries = sentence.partition(" Try ")
    return [re.findall(r"--set (\S+?=\S+)", one) for one in tries.split(", or ")] if "--set" in tries else []


def test_a_vanishing_rnn_on_a_language_model_wants_gates_or_a_shorter_bptt():
    """0.5^7 is the first below 1%."""
    (sentence,) = told("language-model", RNN, about=report(layer(decaying(0.5, 64))))
    assert sentence == (
        "layer 0: 1% of the gradient is left after 7 steps of 63: bptt 64 trains nothing beyond that at first "
        "(train --watch-grads shows how that changes). "
        "Try --set model.cell=gru --set model.chrono_init=64, or --set training.bptt=8"
    )


def test_a_vanishing_rnn_of_relus_needs_tanh_for_its_gates():
    (sentence,) = told("language-model", RNN | {"activation": "relu"}, about=report(layer(decaying(0.5, 64))))
    assert changes(sentence)[0] == ["model.cell=gru", "model.chrono_init=64", "model.activation=tanh"]


def test_a_shorter_bptt_takes_the_stride_along():
    training = {"bptt": 64, "bptt_stride": 32}
    (sentence,) = told("language-model", LSTM, training, about=report(layer(decaying(0.5, 64))))
    assert changes(sentence)[1] == ["training.bptt=8", "training.bptt_stride=8"]
    (sentence,) = told("language-model", LSTM, {"bptt": 64, "bptt_stride": 4}, about=report(layer(decaying(0.5, 64))))
    assert changes(sentence)[1] == ["training.bptt=8"]


def test_a_regression_has_no_bptt_to_change_but_gates_and_a_pooling_for_them():
    for cell, pooling, proposed in (
        ("rnn", "last", False),
        ("gru", None, True),
        ("gru", "last", True),
        ("gru", "mean", False),
    ):
        model = {"cell": cell} | ({"pooling": pooling} if pooling else {})
        (sentence,) = told("regress", model, about=report(layer(decaying(0.8, 100))))
        assert "21 steps of 99" in sentence
        assert "bptt" not in sentence
        assert (["model.pooling=attention"] in changes(sentence)) == proposed
        wanted = ["model.cell=gru", "model.chrono_init=100"]
        assert changes(sentence)[0] == (wanted if cell == "rnn" else wanted[1:])


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize(("chrono", "wanted"), [(None, True), (20, True), (64, False), (100, False)])
def test_gates_that_vanish_want_chrono_init_unless_they_have_it(cell, chrono, wanted):
    model = {"cell": cell, "chrono_init": chrono}
    (sentence,) = told("language-model", model, about=report(layer(decaying(0.5, 64))))
    assert (["model.chrono_init=64"] in changes(sentence)) == wanted
    assert "model.cell" not in sentence
    assert ["training.bptt=8"] in changes(sentence)


def test_where_all_is_done_already_a_shorter_sequence_is_left():
    model = {"cell": "gru", "chrono_init": 100, "pooling": "attention"}
    (sentence,) = told("regress", model, about=report(layer(decaying(0.5, 64)), at="best"))
    assert sentence.endswith("teaches nothing; shorter sequences would do")


@pytest.mark.parametrize(("scale", "wanted"), [(1.9, "1"), (3.8, "2"), (1.0, "0.52")])
def test_a_gradient_that_explodes_at_first_wants_another_scale(scale, wanted):
    (sentence,) = told("language-model", RNN | {"recurrent_scale": scale}, about=report(layer(decaying(1.9, 64))))
    assert sentence == (
        "layer 0: the gradient grows by a factor of 1.9 a step back: the oldest steps drown the others. "
        f"Try --set model.recurrent_scale={wanted}, or --set training.clip_norm=1"
    )


def test_a_gradient_that_explodes_after_training_wants_clipping_or_a_lower_rate():
    for clip, wanted in ((5.0, "clip_norm=1"), (None, "clip_norm=1"), (1.0, "learning_rate=0.001")):
        curve = report(layer(decaying(1.9, 64)), at="best")
        (sentence,) = told("language-model", RNN, {"clip_norm": clip, "learning_rate": 0.002}, about=curve)
        assert changes(sentence) == [[f"training.{wanted}"]]


def test_a_gradient_that_explodes_wants_a_bounded_activation():
    (sentence,) = told("regress", RNN | {"activation": "relu"}, about=report(layer([1, np.inf]), at="last"))
    assert sentence == "layer 0: the gradient overflows. Try --set model.activation=tanh"
    (sentence,) = told("regress", RNN | {"activation": "identity"}, about=report(layer([1, 2, 150, 0.5, 1e-3])))
    assert "the gradient 2 steps back is 150 times that of the last step" in sentence
    assert "recurrent_scale" not in sentence


def test_of_several_layers_the_worst_explodes_and_the_best_remembers():
    exploding = [layer(decaying(factor, 64), index=i) for i, factor in enumerate((1.2, 1.9, 0.9))]
    (sentence,) = told("language-model", RNN, about=report(*exploding))
    assert sentence.startswith("layer 1: the gradient grows by a factor of 1.9 a step")
    shrinking = [layer(decaying(factor, 64), index=i) for i, factor in enumerate((0.5, 0.99, 0.8))]
    (sentence,) = told("language-model", RNN, about=report(*shrinking))
    assert sentence.startswith("layer 1: 53% of the gradient is left after 63 steps: that is enough")


def test_what_is_healthy_is_left_alone_and_of_much_there_may_be_more():
    (sentence,) = told("regress", about=report(layer(decaying(0.99, 64))))
    assert sentence == "layer 0: 53% of the gradient is left after 63 steps: that is enough"
    (sentence,) = told("language-model", about=report(layer(decaying(0.99, 64))))
    assert sentence.endswith("enough, and there may be more to learn further back. Try --set training.bptt=128")
    (sentence,) = told("language-model", about=report(layer(decaying(0.95, 64))))
    assert sentence == "layer 0: 3.9% of the gradient is left after 63 steps: that is enough"
    (sentence,) = told("regress", about=report(layer(np.ones(2))))
    assert sentence == "layer 0: 100% of the gradient is left after 1 step: that is enough"
    (sentence,) = told("regress", about=report(layer([1, 50])))
    assert sentence == "layer 0: the gradient 1 step back is 50 times that of the last step: that is enough"


def test_a_bptt_that_the_text_does_not_fill_is_not_to_be_made_longer():
    for bptt, more in ((64, True), (65, False)):
        (sentence,) = told("language-model", training={"bptt": bptt}, about=report(layer(decaying(0.99, 64))))
        assert ("Try" in sentence) == more


def test_one_step_has_no_memory_to_speak_of():
    assert told("language-model", about=report(layer([1.0]))) == (
        "layer 0: reads one step, so no gradient flows back in time",
    )


def test_no_gradient_is_not_a_short_memory():
    (sentence,) = told("regress", RNN, about=report(layer(np.zeros(9))))
    assert sentence.startswith("layer 0: no gradient arrives")


def test_an_encoder_without_attention_wants_it():
    both = report(layer(decaying(0.5, 40), "encoder"), layer(decaying(0.9, 8), "decoder"))
    encoder, decoder = told("seq2seq", {"attention": "none"}, about=both)
    assert encoder.startswith("encoder layer 0: 1% of the gradient is left after 7 steps of 39")
    assert changes(encoder) == [["model.chrono_init=40"], ["model.attention=dot"]]
    assert decoder == "decoder layer 0: 48% of the gradient is left after 7 steps: that is enough"
    for attention in ({}, {"attention": "dot"}, {"attention": "additive"}):
        assert changes(told("seq2seq", attention, about=both)[0]) == [["model.chrono_init=40"]]


def test_units_that_never_fire_are_told_of_where_they_are_more_than_half():
    gates = [GateActivity(f"layer {i}", "hidden", 0.1, None, None, dead, 8) for i, dead in enumerate((5, 4))]
    model = RNN | {"activation": "relu"}
    _, sentence = told("regress", model, about=report(healthy(), gates=gates))
    assert sentence == "layer 0: 5 of 8 units never fire. Try --set model.activation=tanh"
    _, sentence = told("regress", model, {"learning_rate": 0.004}, about=report(healthy(), gates=gates, at="best"))
    assert changes(sentence) == [["model.activation=tanh"], ["training.learning_rate=0.002"]]


@pytest.mark.parametrize(
    ("limit", "mean", "wanted"),
    [(5.0, 23.4, "47"), (0.001, 0.0031, "0.007"), (0.001, 0.00062, "0.002"), (0.5, 0.5, "1")],
)
def test_clipping_that_acts_on_most_batches_is_told_of(limit, mean, wanted):
    heavy = Clipping(limit, 0.75, 0.2, mean, mean)
    assert len(told("regress", about=report(healthy(), clip=heavy))) == 1  # adam undoes it
    _, sentence = told("regress", training={"optimizer": "sgd"}, about=report(healthy(), clip=heavy))
    assert sentence.startswith(f"clip_norm {limit:g} acts on 75% of the batches")
    assert changes(sentence) == [[f"training.clip_norm={wanted}"]]
    assert float(wanted) > limit


def test_clipping_that_acts_now_and_then_or_on_what_is_infinite_is_not():
    for clip in (Clipping(5.0, 0.5, 0.2, 9, 9), Clipping(5.0, 1.0, 0.0, np.inf, np.inf), Clipping(None, 0, None, 9, 9)):
        assert len(told("regress", training={"optimizer": "sgd"}, about=report(healthy(), clip=clip))) == 1


MODELS = [
    {"cell": "rnn"},
    {"cell": "rnn", "activation": "relu", "recurrent_scale": 1.9},
    {"cell": "rnn", "activation": "identity"},
    {"cell": "gru"},
    {"cell": "lstm", "chrono_init": 3},
]
CURVES = [
    decaying(0.5, 2),
    decaying(0.5, 3),
    decaying(0.5, 200),
    decaying(0.005, 2),
    decaying(0.005, 3),
    decaying(0.99, 100),
    np.ones(1),
    np.ones(40),
    decaying(1.9, 64),
    decaying(1e40, 5),
    decaying(1e200, 2),
    np.zeros(5),
    [1, np.inf],
    [1, 200, 0.5],
]
TRAININGS = [{}, {"clip_norm": None}, {"clip_norm": 1e-5}]


@pytest.mark.parametrize("task", TASKS)
def test_every_change_that_is_proposed_is_accepted_and_is_a_change(task):
    parts = {"seq2seq": ("encoder", "decoder"), "caption": ("decoder",)}.get(task, ("",))
    proposed = set()
    for model, curve, training, at in itertools.product(MODELS, CURVES, TRAININGS, ("init", "best")):
        filled = {"bptt": 64, "bptt_stride": 64} if task == "language-model" else {}
        more = {"attention": "none"} if task == "seq2seq" else {}
        config = configured(task, model | more, training | filled)
        dead = [GateActivity("layer 0", "hidden", 0.0, None, None, 8, 8)] if model.get("activation") == "relu" else []
        clip = config.training.clip_norm
        heavy = Clipping(clip, 1.0 if clip else 0.0, 0.1, 0.6 * (clip or 1), 2 * (clip or 1))
        layers = [layer(curve, part) for part in parts]
        for sentence in map(str, advice(config, report(*layers, at=at, gates=dead, clip=heavy))):
            assert "\n" not in sentence
            for overrides in changes(sentence):
                assert overrides
                after = config_from_mapping(config.model_dump(), overrides)
                assert after != config
                proposed |= {override.partition("=")[0] for override in overrides}
    assert {"model.cell", "model.chrono_init", "model.activation", "training.clip_norm"} <= proposed
    assert ("training.bptt" in proposed) == (task in ("language-model", "forecast"))
    assert ("model.pooling" in proposed) == (task in ("classify", "regress"))
    assert ("model.attention" in proposed) == (task == "seq2seq")


def test_where_training_failed_its_updates_are_the_first_suspects():
    def failed(ratio, *layers):
        parameters = tuple(
            ParameterGradient(name, (2,), 1.0, 1.0, 1.0, ratio, 0.0, None)
            for name, ratio in (("a", 0.01), ("b", ratio))
        )
        curves = layers or (layer(decaying(0.5, 64)),)
        seen = report(*curves, at="failure", parameters=parameters)
        return told("language-model", training={"learning_rate": 0.5}, about=seen)

    (leaping,) = failed(50.0)
    assert leaping.startswith("b: an update is 50 times the norm of its weights: it leaps")
    assert changes(leaping) == [["training.learning_rate=1e-05"]]
    (calm,) = failed(0.02)
    assert "no update is more than 0.02 times" in calm
    _, grown = failed(50.0, layer(decaying(1.9, 64)))
    assert grown.startswith("layer 0: the gradient grows by a factor of 1.9")


def test_a_layer_that_vanishes_beside_one_that_does_not_is_no_harm():
    both = report(layer(decaying(0.5, 64)), layer(np.ones(64), index=1), at="best")
    (sentence,) = told("regress", about=both)
    assert sentence.startswith("layer 1: 100% of the gradient is left after 63 steps: that is enough; that")
    assert "vanishes in layer 0 does not matter" in sentence


SANE = {
    "model.recurrent_scale": (0.01, 2),
    "model.chrono_init": (3, 4096),
    "training.learning_rate": (1e-7, 1e3),
    "training.bptt": (8, 10_000),
    "training.bptt_stride": (8, 10_000),
    "training.clip_norm": (1e-6, 1e5),
}
SCALES, RATES, NORMS = (1e-30, 0.5, 1.0, 1e30), (1e-12, 1e-6, 2e-3, 500.0), (1e-200, 1.0, 1e30, 1e300)
ENDLESS = [decaying(factor, 20_000) for factor in (0.5, 0.999, 1.0, 1.001)]


@pytest.mark.parametrize("at", ["init", "best", "failure"])
@pytest.mark.parametrize("cell", ["rnn", "lstm"])
def test_no_change_leaves_the_range_in_which_networks_are_trained(at, cell):
    """Whatever the network is: no learning rate of 2e-107, no memory of a million steps."""
    seen = set()
    curves = [layer(curve) for curve in (*CURVES, *ENDLESS)]
    for curve, scale, rate, norm in itertools.product(curves, SCALES, RATES, NORMS):
        training = {"optimizer": "sgd", "learning_rate": rate, "clip_norm": min(norm / 2, 5.0)}
        config = configured("language-model", {"cell": cell, "recurrent_scale": scale}, training)
        parameters = tuple(
            ParameterGradient("w", (2,), 1.0, norm, norm, ratio, 0.0, None) for ratio in (1e-9, norm, None)
        )
        clip = Clipping(training["clip_norm"], 1.0, 0.1, norm, norm)
        for one in advice(config, report(curve, at=at, clip=clip, parameters=parameters)):
            assert len(str(one)) < 400
            for key, value in (change.split("=") for overrides in changes(str(one)) for change in overrides):
                if key in SANE and value != "null":
                    low, high = SANE[key]
                    assert low <= float(value) <= high, str(one)
                    seen.add(key)
    assert "training.learning_rate" in seen


def test_recurrent_weights_that_saturate_want_their_usual_scale():
    for scale, wanted in ((1e30, True), (1e-30, True), (0.5, True), (1.0, False), (1.5, False)):
        (sentence,) = told("regress", RNN | {"recurrent_scale": scale}, about=report(layer(decaying(0.5, 64))))
        assert (["model.recurrent_scale=1"] in changes(sentence)) == wanted


def test_where_no_learning_rate_is_low_enough_something_else_is_said():
    ruined = ParameterGradient("w", (2,), 1.0, 1e100, 1e100, 1e100, 0.0, None)
    (sentence,) = told("regress", about=report(healthy(), at="failure", parameters=(ruined,)))
    assert sentence.endswith("no learning rate is low enough for that: the weights or the data are too large")
    heavy = Clipping(5.0, 1.0, 1e-9, 1e12, 1e12)
    _, sentence = told("regress", training={"optimizer": "sgd"}, about=report(healthy(), clip=heavy))
    assert "Try" not in sentence
    assert "gradients of 1e+12 need it" in sentence


def test_depth_is_told_from_memory():
    """Much comes back to the lower layer through the one above, and little through its own recurrence."""
    forgetting = layer(decaying(0.5, 64))
    own = forgetting.left_by_lag
    for whole, words in (
        (decaying(0.95, 64), "3.9% of the gradient comes back 63 steps through the layers above: that is depth"),
        (
            [1, 300, *decaying(0.5, 62)],
            "the gradient 1 step back is 300 times that of the last step, as it comes",
        ),
    ):
        lower = replace(forgetting, left_by_lag=tuple(whole), own_gradient_norm_by_lag=own, own_left_by_lag=own)
        first, second = told("language-model", RNN, about=report(lower, layer(decaying(0.4, 64), index=1)))
        assert first.startswith("layer 0: 1% of the gradient is left after 7 steps of 63")
        assert words in second
    assert len(told("language-model", RNN, about=report(forgetting))) == 1


def test_what_to_change_does_not_follow_the_lags_that_were_looked_at():
    training = {"bptt": 64, "bptt_stride": 64}
    few, many = (
        told("language-model", LSTM, training, about=report(layer(decaying(0.5, lags), flows=64))) for lags in (16, 64)
    )
    assert changes(few[0]) == changes(many[0])
    assert ["model.chrono_init=64"] in changes(few[0])
    assert ["training.bptt=8", "training.bptt_stride=8"] in changes(few[0])
