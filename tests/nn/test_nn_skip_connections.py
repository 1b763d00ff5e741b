"""Skip connections: every layer reads the network's input, and the head all layers. Twins, gradients, same bits."""

from dataclasses import replace

import naive
import numpy as np
import pytest
from test_nn_gradients import check_gradients, needs_jit
from windows import Window, error, small_shape

from rnncli.kernels.cells import CELLS
from rnncli.nn.network import Network, NetworkShape
from rnncli.nn.pooling import POOLINGS
from rnncli.tasks.language_model.decoding import Decoder, Sampling

LENGTHS = [6, 4, 4, 1]
KINDS = ["numeric", "one-hot", "embedding", "folded embedding"]


def skipping(cell, kind="numeric", layers=3, loss="xent", **how):
    return replace(small_shape(cell, "tanh", layers, kind, loss, **how), skip_connections=True)


def assert_writes_as_it_reads(network):
    """What is written, the most probable token each time, is what the forward pass of training says."""
    decoder, greedy = Decoder(network, excluded=-1), Sampling(temperature=1e-5)
    logits = decoder.read(np.array([3, 1, 2], np.int32))
    written = decoder.write(logits, greedy).sequence(0)
    for _ in range(20):
        token = next(written)
        assert token == int(logits.argmax())
        logits = decoder.read(np.array([token], np.int32))


def ragged(shape, **options):
    return Window(shape, T=LENGTHS[0], B=len(LENGTHS), lengths=LENGTHS, **options)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cell", CELLS)
def test_outputs_equal_the_naive_twin(cell, kind):
    window = Window(skipping(cell, kind))
    window.run_forward()
    twin = naive.network(window.shape, window.network.parameters.export(), window.inputs, window.state)
    assert error(window.outputs, twin) < 1e-13


@needs_jit
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cell", CELLS)
def test_gradients_of_the_newest_steps(cell, kind):
    check_gradients(Window(skipping(cell, kind), head_steps=2))


@needs_jit
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_gradients_both_ways_of_unequal_lengths(cell, kind):
    loss = "xent" if kind == "numeric" else "mse"
    pooling = None if kind == "numeric" else "last"
    check_gradients(ragged(skipping(cell, kind, 2, loss, bidirectional=True, pooling=pooling), loss=loss))


@needs_jit
@pytest.mark.parametrize("pooling", POOLINGS)
def test_every_layer_is_pooled(pooling):
    shape = skipping("gru", layers=2, bidirectional=True, pooling=pooling)
    window = ragged(shape)
    window.run_forward()
    weights = window.network.parameters.export()
    for b, n in enumerate(LENGTHS):
        state = [tuple(array[b] for array in state) for state in window.state]
        below, top = naive.layers(window.shape, weights, window.inputs[:n, b], state)
        queries = [{"pooling.weight": weights.get(name)} for name in ("pooling.weight_l0", "pooling.weight")]
        pooled = [naive.pooled(y, pooling, 5, query) for y, query in zip((below, top), queries, strict=True)]
        wanted = np.concatenate(pooled) @ weights["head.weight"].T + weights["head.bias"]
        assert error(window.outputs[0, b], wanted) < 1e-13, b
    dropping = ragged(replace(shape, dropout=0.4))
    dropping.work.dropout_keys = dropping.network.dropout_keys(1, 2)
    check_gradients(dropping)


@needs_jit
def test_shards_do_not_change_a_bit():
    for kind in KINDS[:2]:
        shape = skipping("lstm", kind, 2, hidden=70)
        whole = Window(shape, T=40, B=7, dtype=np.float32).run_backward(shards=1)
        split = Window(shape, T=40, B=7, dtype=np.float32).run_backward(shards=3)
        for name, gradient in whole.items():
            assert np.array_equal(gradient, split[name]), (kind, name)


@pytest.mark.thorough
@pytest.mark.parametrize(("embedding", "fold_up_to"), [(None, 320), (7, 320), (7, 0)])
@pytest.mark.parametrize("cell", ["lstm", *(pytest.param(c, marks=pytest.mark.thorough) for c in CELLS if c != "lstm")])
def test_what_is_generated_is_what_the_training_forward_says(cell, embedding, fold_up_to):
    how = {"embedding_size": embedding, "fold_up_to": fold_up_to, "skip_connections": True}
    network = Network(NetworkShape(cell, 9, 12, 3, 9, token_input=True, **how))
    network.initialise("orthogonal", 0.9, seed=2)
    network.parameters.view("head.weight")[...] *= 30  # a fresh network hardly tells one token from another
    network.pack()
    assert_writes_as_it_reads(network)


@pytest.mark.parity
@pytest.mark.parametrize("kind", KINDS)
def test_outputs_and_gradients_equal_those_of_pytorch(kind):
    import torch

    window = Window(skipping("lstm", kind, 3), T=9, B=4)
    gradients = window.run_backward()
    weights = {n: torch.from_numpy(a).requires_grad_() for n, a in window.network.parameters.export().items()}
    given = torch.from_numpy(window.inputs)
    if window.shape.token_input:
        given = (weights["embedding.weight"] if "embedding" in kind else torch.eye(4).double())[given.long()]
    read, outputs = given, []
    for l, state in enumerate(window.state):
        module = torch.nn.LSTM(read.shape[-1], 5).double()
        names = [f"rnn.{part}_l{l}" for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
        w_ih, w_hh, b_ih, b_hh = (weights[name] for name in names)
        if l:
            w_ih = torch.cat([w_ih, weights[f"rnn.weight_skip_l{l}"]], dim=1)
        own = {"weight_ih_l0": w_ih, "weight_hh_l0": w_hh, "bias_ih_l0": b_ih, "bias_hh_l0": b_hh}
        start = tuple(torch.from_numpy(array)[None] for array in state)
        y, _ = torch.func.functional_call(module, own, (read, start))
        outputs.append(y)
        read = torch.cat([y, given], dim=-1)
    logits = torch.cat(outputs, dim=-1) @ weights["head.weight"].T + weights["head.bias"]
    assert error(window.outputs, logits.detach().numpy()) < 1e-10
    targets = torch.from_numpy(window.targets).flatten().long()
    torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets, ignore_index=-1).backward()
    for name, weight in weights.items():
        assert error(gradients[name], weight.grad.numpy()) < 1e-10, name
