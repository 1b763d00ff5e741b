"""What a layer remembers through its own recurrence, told apart from what comes back through the layers above it."""

import naive
import numpy as np
import pytest
from inspection import RAGGED, B, H, T, differences, driver_of, inspected, made, passed_forward, sample_of, window
from pairs import Pairs
from pairs import small_shape as pair_shape
from unrolled import mean_by_lag
from windows import VARIANTS

from rnncli.inspection import gradient_by_lag
from rnncli.inspection.gradient_by_lag import own_recurrence, readings_of
from rnncli.inspection.reports import HEALTHY, VANISHING
from rnncli.kernels.cells import CELLS
from rnncli.training.backpropagation import Sample

LAYERS = 3


def naive_own(network, x, b, length, entering, index):
    """Norms by lag of d(v·h_T)/ds_(T−k) of one layer whose inputs are given, by central differences of its twin."""
    shape, weights = network.shape, network.parameters.export()
    step, inputs = naive.CELLS[shape.cell], list(x[:length, b])
    for l in range(index):
        state, below = naive.zero_state(shape.cell, H), []
        for row in inputs:
            state = step(row, state, naive.layer_weights(weights, shape, l), shape.activation)
            below.append(state[0])
        inputs = below
    own, states = naive.layer_weights(weights, shape, index), [naive.zero_state(shape.cell, H)]
    for row in inputs:
        states.append(step(row, states[-1], own, shape.activation))

    def read(whole, k):
        state = tuple(np.split(whole, len(states[0])))
        for row in inputs[length - k :]:
            state = step(row, state, own, shape.activation)
        return np.array([entering @ state[0]])

    rows = [differences(lambda s, k=k: read(s, k), np.concatenate(states[length - k]), 5e-4)[0] for k in range(length)]
    return [np.linalg.norm(row) for row in rows]


@pytest.mark.parametrize("lengths", [pytest.param(None, marks=pytest.mark.thorough), RAGGED])
@pytest.mark.parametrize(("cell", "activation"), [one for one in VARIANTS if one[1] != "relu"])
def test_norms_are_those_of_central_differences_of_the_layer_alone(cell, activation, lengths):
    network = made(cell, activation, LAYERS, scale=1.3)
    x, targets = window()
    sample = sample_of(network, x, targets, lengths)
    layers = inspected(network, sample).layers
    last, counted = gradient_by_lag.at_one_step(sample.targets, network.traces(sample.work)[-1].lengths)
    assert counted.all()
    driver_of(network).states(sample.work, last, 1)
    for index, layer in enumerate(layers):
        dh = network.traces(sample.work)[index].work.dh
        wanted = [
            naive_own(network, x, b, n, dh[n, b].copy(), index)
            for b, n in enumerate([T] * B if lengths is None else lengths)
        ]
        assert layer.own_gradient_norm_by_lag == pytest.approx(mean_by_lag(wanted), rel=1e-6, abs=1e-11)


@pytest.mark.parametrize("cell", CELLS)
def test_both_directions_of_a_lower_layer_have_their_own(cell):
    """A mirror: with the upper layer's recurrent matrices at zero, what is left of the total is the layer's own."""
    network = made(cell, layers=2, bidirectional=True, pooling="last")
    x, targets = window()
    sample = sample_of(network, x, targets[:1], RAGGED)
    layers = inspected(network, sample).layers
    assert [layer.reverse for layer in layers] == [False, True, False, True]
    for trace, layer in zip(network.traces(sample.work), layers, strict=True):
        assert layer.own_gradient_norm_by_lag[0] == layer.state_gradient_norm_by_lag[0]
        if trace.layer.index:
            assert layer.own_gradient_norm_by_lag == layer.state_gradient_norm_by_lag


@pytest.mark.parametrize("layers", [1, 6])
def test_depth_does_not_cure_a_network_that_forgets(layers):
    """Six layers have C(k+5, 5) ways back to layer 0: its whole gradient grows first, its own does not."""
    network = made("rnn", layers=layers, method="orthogonal", scale=0.5, hidden_size=16)
    found = inspected(network, sample_of(network, *window(steps=65))).layers
    for layer in found:
        assert layer.reach.verdict == VANISHING
        assert 0.7 < layer.reach.half_life < 1.02  # of 0.5^k: 1, and tanh takes a little more
        assert 4 <= layer.reach.memory_1_percent <= 7
    if layers == 6:
        assert max(found[0].left_by_lag) > 1
        assert found[0].left_by_lag[10] > 50 * found[0].own_left_by_lag[10]


def test_attention_and_a_pooling_over_steps_are_ways_back_of_their_own():
    x, targets = window()
    for pooling, alone in (("last", True), ("mean", False), ("attention", False)):
        network = made("gru", layers=2, pooling=pooling)
        for layer in inspected(network, sample_of(network, x, targets[:1])).layers:
            assert layer.reads_every_step != alone
            assert layer.memory_by_lag == (layer.own_left_by_lag if alone else layer.left_by_lag)
            assert alone or layer.reach.verdict == HEALTHY
    for attention in ("dot", None):
        pairs = Pairs(pair_shape("lstm", attention))
        pairs.run_forward()
        layers = inspected(pairs.model, Sample(pairs.work, pairs.targets, pairs.count)).layers
        for layer in layers:
            assert layer.reads_every_step == (layer.part == "encoder" and attention is not None)


def test_measuring_it_changes_no_other_number():
    network = made("lstm", layers=LAYERS)
    sample = sample_of(network, *window())
    readings = readings_of(network, sample.work)
    gradient_by_lag.measure(driver_of(network), sample, readings)
    before = [reading.state[0].copy() for reading in readings]
    gradient_by_lag.measure(driver_of(network), sample, readings)
    for reading, norms in zip(readings, before, strict=True):
        assert np.array_equal(reading.state[1], norms)
        assert np.array_equal(reading.own[0], reading.own[1])


def test_a_trace_of_one_step_has_nothing_to_come_back_through():
    trace = passed_forward(made("gru"), window(1)[0])[0]
    trace.work.dh[1] = 1.0
    own_recurrence(trace, driver_of(made("gru")).pool)
    assert (trace.work.dh[1] == 1).all()
