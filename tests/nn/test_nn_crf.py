"""A chain of tags over a network of words: all gradients, the same bits on any number of threads, and PyTorch."""

import naive
import numpy as np
import pytest
from extras import torch
from test_nn_words import SENTENCES, Batch, needs_jit, shape
from windows import central_differences, error

from rnncli.inspection import gradient_by_lag
from rnncli.inspection.gradient_by_lag import Readings
from rnncli.training.backpropagation import CHAIN, Sample


def batch_of(cell="gru", dtype=np.float64, threads=1, **changes):
    return Batch(shape(cell, crf=True, drops_ends=True, **changes), dtype, threads=threads, loss=CHAIN)


def gradients(batch):
    batch.driver.gradient(batch.work, batch.targets, batch.count)
    return batch.network.parameters.export_gradients()


@needs_jit
@pytest.mark.parametrize("cell", ["rnn", "lstm"])
def test_gradients_of_the_chain_and_of_all_below_match_central_differences(cell):
    batch = batch_of(cell, dropout=0.3)
    batch.work.dropout_keys = batch.network.dropout_keys(1, 2)
    gradients(batch)
    found = [one.gradient.copy() for one in batch.network.parameters.declared]
    for one, gradient in zip(batch.network.parameters.declared, found, strict=True):
        assert error(gradient, central_differences(one.value, batch.loss, 3e-4, fourth_order=True)) < 1e-7, one.name


def test_the_loss_is_that_of_the_outputs_by_brute_force():
    batch = batch_of()
    outputs, weights = batch.outputs(), batch.network.parameters.export()
    chain = [weights[f"crf.{name}"] for name in ("transitions", "start", "end")]
    total = 0.0
    for b, sentence in enumerate(SENTENCES):
        n = len(sentence)
        paths, logs = naive.tag_chances(outputs[:n, b], *chain)
        total -= logs[(paths == batch.targets[:n, b]).all(axis=1)][0]
    assert batch.loss() * batch.count == pytest.approx(total, rel=1e-12)


def test_gradients_are_the_same_bits_on_any_number_of_threads():
    bits = []
    for threads in (1, 2, 3):
        batch = batch_of("lstm", np.float32, threads)
        gradients(batch)
        bits.append(batch.network.parameters.gradient.tobytes())
    assert bits[0] == bits[1] == bits[2]


def without_chain(batch):
    """Return the same batch, of a network that differs only in that it has no chain."""
    plain = Batch(shape(batch.network.shape.cell, drops_ends=True))
    plain.network.load(batch.network.parameters.export())
    plain.targets = batch.targets
    return plain


def test_an_untrained_chain_is_the_softmax_of_each_step():
    batch = batch_of()
    for one in batch.network.crf.declared:
        one.value[...] = 0
    plain = without_chain(batch)
    assert batch.loss() == pytest.approx(plain.loss(), rel=1e-12)
    ours, theirs = gradients(batch), gradients(plain)
    for name, array in theirs.items():
        assert error(ours[name], array) < 1e-11, name


def test_the_gradient_by_lag_is_of_one_step_without_the_chain():
    batch, curves = batch_of("lstm"), []
    for one in (batch, without_chain(batch)):
        one.driver.forward(one.work)
        readings = [Readings(one.network, trace) for trace in one.network.traces(one.work)]
        gradient_by_lag.measure(one.driver, Sample(one.work, one.targets, one.count), readings)
        curves.append([norms for reading in readings for norms in (*reading.hidden, *reading.state)])
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(*curves, strict=True))
    assert all(np.nanmin(norms) > 0 for norms in curves[0])


@pytest.mark.parity
def test_losses_and_gradients_equal_those_of_autograd():
    batch = batch_of("lstm")
    outputs = batch.outputs()
    loss = batch.driver.gradient(batch.work, batch.targets, 1)
    names = "transitions", "start", "end"
    z, A, start, end = (
        torch.tensor(array, requires_grad=True)
        for array in (outputs, *(batch.network.parameters.view(f"crf.{name}") for name in names))
    )
    total = torch.zeros((), dtype=torch.float64)
    for b, sentence in enumerate(SENTENCES):
        y = batch.targets[: len(sentence), b]
        alpha, score = start + z[0, b], start[y[0]] + end[y[-1]]
        for t in range(len(sentence)):
            score = score + z[t, b, y[t]]
            if t:
                alpha = torch.logsumexp(alpha[:, None] + A, dim=0) + z[t, b]
                score = score + A[y[t - 1], y[t]]
        total = total + torch.logsumexp(alpha + end, dim=0) - score
    total.backward()
    assert loss == pytest.approx(total.item(), rel=1e-12)
    assert error(batch.work.outputs, z.grad.numpy()) < 1e-12
    for name, tensor in zip(names, (A, start, end), strict=True):
        assert error(batch.network.parameters.gradient_view(f"crf.{name}"), tensor.grad.numpy()) < 1e-12, name
