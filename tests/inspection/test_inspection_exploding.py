"""Gradients explode by growth through a recurrence; that attention or a pooling reads other steps more is no growth."""

import numpy as np
import pytest
from inspection import changed, inspected, made, sample_of, window
from pairs import Pairs
from pairs import small_shape as pair_shape

from rnncli.inspection.reach import reach
from rnncli.inspection.reports import EXPLODING, HEALTHY
from rnncli.training.backpropagation import Sample

POOLINGS = (None, "last", "mean", "max", "attention")
STEPS = 33


def seen(network):
    inputs, targets = window(steps=STEPS)
    return inspected(network, sample_of(network, inputs, targets[:1] if network.shape.pooling else targets)).layers


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("pooling", POOLINGS)
def test_a_linear_network_of_large_recurrent_weights_explodes_whatever_reads_it(pooling, bidirectional):
    how = {"method": "orthogonal", "scale": 1.5, "layers": 2, "bidirectional": bidirectional}
    for layer in seen(made("rnn", "identity", pooling=pooling, **how)):
        assert layer.reach.verdict == EXPLODING
        assert layer.reach.decay == pytest.approx(1.5, rel=1e-9)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_gated_networks_do_not_explode_whatever_reads_them(cell, pooling, bidirectional):
    for layer in seen(made(cell, method="orthogonal", layers=2, pooling=pooling, bidirectional=bidirectional)):
        assert layer.reach.verdict != EXPLODING
        assert layer.reach.decay < 1


def test_a_pooling_that_looks_at_the_first_step_alone_is_no_explosion():
    network = made("rnn", pooling="attention", method="orthogonal", scale=0.5, hidden_size=16)
    inputs, targets = window(steps=STEPS)
    inputs[0] *= 30  # a state unlike all later ones, which is half forgotten at each
    first = np.sign(inputs[0, 0] @ network.parameters.view("rnn.weight_ih_l0"))
    changed(network, pooling__weight=lambda query: 2 * first)
    (layer,) = inspected(network, sample_of(network, inputs[:, :1], targets[:1, :1])).layers
    assert max(layer.left_by_lag) > 1000
    assert layer.reach.verdict == HEALTHY
    assert layer.reach.decay < 0.6
    assert layer.own_left_by_lag[STEPS - 1] < 1e-8


@pytest.mark.parametrize(("scale", "wanted"), [(4.0, EXPLODING), (0.5, HEALTHY)])
def test_an_encoder_that_attention_reads_explodes_through_its_recurrence_alone(scale, wanted):
    pairs = Pairs(pair_shape("rnn", "dot", activation="identity"))
    for name in ("l0", "l0_reverse"):
        pairs.model.parameters.view(f"encoder.rnn.weight_hh_{name}")[...] = scale * np.eye(3)
        for small in ("weight_ih", "bias_ih", "bias_hh"):  # so that what grows saturates nothing that reads it
            pairs.model.parameters.view(f"encoder.rnn.{small}_{name}")[...] *= 1e-3
    pairs.run_forward()
    layers = inspected(pairs.model, Sample(pairs.work, pairs.targets, pairs.count)).layers
    encoder = [layer for layer in layers if layer.part == "encoder"]
    assert len(encoder) == 2
    for layer in encoder:
        assert layer.reads_every_step
        assert layer.reach.decay == pytest.approx(scale, rel=1e-9)
        assert layer.reach.verdict == wanted


def test_growth_is_that_of_the_recurrence_and_what_is_left_that_of_all():
    """The encoder of a translator that is right: its last step is all but unread."""
    whole, own = np.array([1, 0.58, 0.36, 0.24, 606, 241, 47.8])[:, None], 0.58 ** np.arange(7.0)[:, None]
    found = reach([whole], own=[own])
    assert (found.verdict, found.left) == (HEALTHY, 47.8)
    assert found.decay == pytest.approx(0.58)
    assert (found.half_life, found.half_life_above) == (None, None)
    assert reach([whole]).verdict == EXPLODING
    assert reach([own], own=[whole]).verdict == EXPLODING
