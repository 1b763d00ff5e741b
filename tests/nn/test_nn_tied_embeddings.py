"""Tied embeddings: the head's weights are the token vectors. Twins, gradients, same bits, what a model file has."""

from dataclasses import replace

import naive
import numpy as np
import pytest
from test_nn_gradients import check_gradients, needs_jit
from test_nn_skip_connections import assert_writes_as_it_reads
from windows import Window, error, small_shape

from rnncli.kernels.cells import CELLS
from rnncli.nn.network import Network

KINDS = ["embedding", "folded embedding"]
LENGTHS = [6, 4, 4, 1]


def tied(cell, kind, layers=2, hidden=5, **how):
    shape = small_shape(cell, "tanh", layers, kind, hidden=hidden)
    return replace(shape, embedding_size=hidden, tied_embeddings=True, **how)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cell", CELLS)
def test_outputs_equal_the_naive_twin(cell, kind):
    window = Window(tied(cell, kind))
    window.run_forward()
    weights = window.network.parameters.export()
    assert "head.weight" not in weights
    assert error(window.outputs, naive.network(window.shape, weights, window.inputs, window.state)) < 1e-13


@needs_jit
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cell", ["lstm", *(pytest.param(c, marks=pytest.mark.thorough) for c in CELLS if c != "lstm")])
def test_gradients_are_those_of_lookups_and_head_together(cell, kind):
    check_gradients(Window(tied(cell, kind), head_steps=2))
    check_gradients(Window(tied(cell, kind), T=LENGTHS[0], B=len(LENGTHS), lengths=LENGTHS))


@needs_jit
def test_gradients_with_what_is_dropped_before_and_behind():
    shape = tied("lstm", "embedding", dropout=0.3, input_dropout=0.4, output_dropout=0.4, embedding_dropout=0.3)
    window = Window(shape)
    window.network.set_dropout(window.work, 1, 2)
    check_gradients(window)


@needs_jit
@pytest.mark.parametrize("kind", KINDS)
def test_shards_do_not_change_a_bit(kind):
    shape = replace(tied("gru", kind, hidden=70), input_size=75, output_size=75)
    whole = Window(shape, T=40, B=7, dtype=np.float32).run_backward(shards=1)
    split = Window(shape, T=40, B=7, dtype=np.float32).run_backward(shards=3)
    for name, gradient in whole.items():
        assert np.array_equal(gradient, split[name]), name


def test_first_token_vectors_are_small_so_that_no_token_is_likely():
    network = Network(tied("lstm", "folded embedding"))
    network.initialise("orthogonal", 1.0, 1)
    assert 0 < np.abs(network.parameters.view("embedding.weight")).max() <= 0.1


@pytest.mark.thorough
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_generated_is_what_the_training_forward_says(kind):
    network = Network(tied("lstm", kind, hidden=12))
    network.initialise("orthogonal", 0.9, seed=2)
    network.parameters.view("embedding.weight")[...] *= 30
    network.pack()
    assert_writes_as_it_reads(network)


@pytest.mark.parity
@pytest.mark.parametrize("kind", KINDS)
def test_outputs_and_gradients_equal_those_of_pytorch(kind):
    import torch

    window = Window(tied("lstm", kind, 1), T=9, B=4)
    gradients = window.run_backward()
    weights = {n: torch.from_numpy(a).requires_grad_() for n, a in window.network.parameters.export().items()}
    lstm, embedding = torch.nn.LSTM(5, 5).double(), weights["embedding.weight"]
    own = {name.removeprefix("rnn."): one for name, one in weights.items() if name.startswith("rnn.")}
    start = tuple(torch.from_numpy(array)[None] for array in window.state[0])
    y, _ = torch.func.functional_call(lstm, own, (embedding[torch.from_numpy(window.inputs).long()], start))
    logits = torch.nn.functional.linear(y, embedding, weights["head.bias"])
    assert error(window.outputs, logits.detach().numpy()) < 1e-10
    targets = torch.from_numpy(window.targets).flatten().long()
    torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets, ignore_index=-1).backward()
    for name, weight in weights.items():
        assert error(gradients[name], weight.grad.numpy()) < 1e-10, name
