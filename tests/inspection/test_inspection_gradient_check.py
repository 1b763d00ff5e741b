"""Gradients beside central differences: it passes for every model that is right, and fails for one that is not."""

import numpy as np
import pytest
from inspection import RAGGED, B, T, changed, driver_of, made, sample_of, window
from pairs import Pairs
from pairs import small_shape as pair_shape
from parameters import mostly_thorough
from windows import VARIANTS, Window
from windows import small_shape as window_shape

from rnncli.inspection.check import check
from rnncli.kernels import jit
from rnncli.kernels.cells import CELLS
from rnncli.training.backpropagation import SQUARED_ERROR, Sample

pytestmark = pytest.mark.skipif(not jit.enabled(), reason="minutes in plain Python, and the same code")


def checked(network, sample, loss=None):
    """The check's result, after which the network is the same bit for bit and the gradient is the batch's."""
    driver = driver_of(network, *[loss] if loss else [])
    weights = network.parameters.weights.copy()
    driver.forward(sample.work)
    before = sample.work.outputs.copy()
    result = check(driver, sample)
    assert np.array_equal(network.parameters.weights, weights)
    driver.forward(sample.work)
    assert np.array_equal(sample.work.outputs, before)
    return result


def passes(result, network):
    assert result.passed
    assert result.worst.error < 1e-6
    assert [row.name for row in result.parameters] == [spec.name for spec in network.parameters.declared]
    return True


def windowed(shape, loss="xent", **how):
    """A batch of random weights and data, started from random states."""
    made_up = Window(shape, loss=loss, **how)
    made_up.run_forward()
    known = made_up.targets >= 0 if loss == "xent" else np.isfinite(made_up.targets)
    return made_up.network, Sample(made_up.work, made_up.targets, int(known.sum()))


@pytest.mark.parametrize("layers", mostly_thorough([1, 3], [3]))
@pytest.mark.parametrize("kind", ["numeric", "one-hot", "embedding", "folded embedding"])
@pytest.mark.parametrize(("cell", "activation"), VARIANTS)
def test_the_gradients_of_every_cell_pass(cell, activation, kind, layers):
    network, sample = windowed(window_shape(cell, activation, layers, kind))
    assert passes(checked(network, sample), network)


@pytest.mark.parametrize("pooling", [None, "last", "mean", "max", "attention"])
@pytest.mark.parametrize("cell", mostly_thorough(CELLS, ["gru", "lstm"]))
def test_those_of_both_directions_and_every_pooling_pass(cell, pooling):
    shape = window_shape(cell, "tanh", 2, bidirectional=True, pooling=pooling)
    network, sample = windowed(shape, lengths=[6, 4, 1])
    assert passes(checked(network, sample), network)


def test_those_of_a_squared_error_pass():
    network, sample = windowed(window_shape("gru", "tanh", 2), loss="mse")
    assert passes(checked(network, sample, SQUARED_ERROR), network)


@pytest.mark.parametrize("attention", [None, "dot", "additive", "aligned"])
@pytest.mark.parametrize("cell", mostly_thorough(CELLS, ["gru"]))
def test_those_of_an_encoder_decoder_pass(cell, attention):
    pairs = Pairs(pair_shape(cell, attention, layers=2))
    pairs.run_forward()
    assert passes(checked(pairs.model, Sample(pairs.work, pairs.targets, pairs.count)), pairs.model)


@pytest.mark.parametrize("seed", mostly_thorough(range(5), [0, 1]))
@pytest.mark.parametrize(("cell", "activation"), VARIANTS)
def test_those_of_first_weights_pass_however_little_arrives(cell, activation, seed):
    """Three layers of sigmoids pass on a millionth: what rounding does to a difference is no error of the gradient."""
    network = made(cell, activation, layers=3, method="orthogonal", scale=0.5, seed=seed)
    sample = sample_of(network, *window(steps=30, seed=seed))
    assert passes(checked(network, sample), network)


def test_parameters_that_nothing_depends_on_pass():
    """Units that are dead, tokens never seen, and a layer under a head of zeros."""
    dead = changed(made("rnn", "relu"), rnn__bias_ih_l0=lambda b: b - 100)
    assert passes(checked(dead, sample_of(dead, *window())), dead)
    unseen = made("gru", token_input=True, input_size=50)
    tokens = np.zeros((T, B), np.int32)
    assert passes(checked(unseen, sample_of(unseen, tokens, window()[1])), unseen)
    asleep = made("lstm", head_starts_at_zero=True)
    assert passes(checked(asleep, sample_of(asleep, *window())), asleep)


def falsify(network, name, which=...):
    """Make one parameter's gradient a thousandth too large, or those of its elements that `which` picks out of it."""
    finish, view = network.finish_gradients, network.parameters.gradient_view(name)

    def falsified(share):
        finish(share)
        if share.index == share.count - 1:
            view[which(view) if callable(which) else which] *= 1.001

    network.finish_gradients = falsified


@pytest.mark.parametrize("cell", CELLS)
def test_a_gradient_that_is_a_thousandth_too_large_fails_and_is_named(cell):
    for name in [spec.name for spec in made(cell, layers=2).parameters.declared]:
        network = made(cell, layers=2, scale=1.2)
        falsify(network, name)
        result = checked(network, sample_of(network, *window(), RAGGED))
        assert not result.passed
        assert result.worst.name == name
        assert result.worst.error == pytest.approx(1e-3, rel=0.01)
        assert sorted(row.error for row in result.parameters)[-2] < 1e-6  # the others are as right as they were


def test_a_backward_pass_that_is_a_thousandth_wrong_fails_below_and_not_above():
    network = made("gru", layers=2)
    lower = network.stack.layers[0]
    true = lower.cell.backward

    def wrong(arrays, *more):
        true(arrays, *more)
        arrays.a[...] *= 1.001

    lower.cell = lower.cell._replace(backward=wrong)
    result = checked(network, sample_of(network, *window()))
    failed = {row.name for row in result.parameters if row.error > result.tolerance}
    assert failed == {"rnn.weight_ih_l0", "rnn.bias_ih_l0"}


def test_the_check_looks_where_the_gradient_is_largest():
    """One element in hundreds is wrong, but it is the one that matters most."""
    network = made("rnn", hidden_size=20)
    falsify(network, "rnn.weight_hh_l0", lambda view: np.unravel_index(np.abs(view).argmax(), view.shape))
    result = checked(network, sample_of(network, *window()))
    assert (result.passed, result.worst.name) == (False, "rnn.weight_hh_l0")


SURE = 13.0  # of logits: a cross-entropy of about 1e-6, which is the logarithm of a sum of about 1


def all_but_certain(pooling, sure=SURE):
    """A classifier of both directions whose head gives each target almost all of the probability."""
    network = made("gru", bidirectional=True, pooling=pooling, hidden_size=20)
    changed(network, head__bias=lambda bias: bias + sure * (np.arange(len(bias)) == 2))
    inputs, targets = window(steps=7, sequences=32)
    lengths = np.sort(np.random.default_rng(1).integers(1, 8, 32))[::-1]
    return network, sample_of(network, inputs, np.full_like(targets[:1], 2), lengths)


@pytest.mark.parametrize("pooling", ["last", "mean", "max", "attention"])
def test_those_of_a_loss_of_almost_0_pass_however_coarse_its_differences(pooling):
    for sure in (SURE, SURE + 5):
        network, sample = all_but_certain(pooling, sure)
        assert passes(checked(network, sample), network)


@pytest.mark.parametrize("pooling", ["last", "mean", "max", "attention"])
def test_a_wrong_gradient_of_a_loss_of_almost_0_fails(pooling):
    network, sample = all_but_certain(pooling)
    falsify(network, "rnn.weight_hh_l0_reverse")
    result = checked(network, sample)
    assert (result.passed, result.worst.name) == (False, "rnn.weight_hh_l0_reverse")
