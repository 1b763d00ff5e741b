"""Dropout around the layers: before the first, between, and before the head; held over the steps; of whole tokens.

Gradients are compared with central differences under a fixed mask, outputs with a naive twin that is given the masks.
"""

from dataclasses import replace

import naive
import numpy as np
import pytest
from test_nn_gradients import check_gradients, needs_jit
from windows import Window, error, small_shape

from rnncli.kernels import dropout as kernels
from rnncli.kernels.cells import CELLS
from rnncli.nn import dropout
from rnncli.nn.network import Network
from rnncli.tasks.language_model.decoding import Decoder, Sampling
from rnncli.tasks.language_model.streams import Validation
from rnncli.training.backpropagation import CROSS_ENTROPY, Backpropagation, ThreadPool

LENGTHS = [6, 4, 4, 1]
ALL = {"dropout": 0.2, "input_dropout": 0.3, "output_dropout": 0.25}
KINDS = ["numeric", "one-hot", "embedding", "folded embedding"]


def rates(kind):
    """Every rate that this kind of input can have."""
    given = dict(ALL)
    if kind != "numeric":
        given["embedding_dropout"] = 0.3
    if kind in ("one-hot", "folded embedding"):
        given["input_dropout"] = 0.0
    return given


def window_of(kind, *, held=True, cell="gru", update=2, lengths=None, head_steps=None, **how):
    loss = "mse" if how.get("pooling") or how.get("bidirectional") else "xent"
    skips = how.pop("skip_connections", False)
    shape = replace(small_shape(cell, "tanh", 2, kind, loss, **how), skip_connections=skips, **rates(kind))
    shape = replace(shape, variational_dropout=held)
    ragged = {} if lengths is None else {"T": LENGTHS[0], "B": len(LENGTHS), "lengths": LENGTHS}
    window = Window(shape, loss=loss, head_steps=head_steps, **ragged)
    window.work.dropout_keys = window.network.dropout_keys(1, update)
    return window


@needs_jit
@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_gradients_with_fixed_masks(kind, held):
    check_gradients(window_of(kind, held=held, head_steps=3))


@needs_jit
@pytest.mark.parametrize("pooling", [None, "last"])
@pytest.mark.parametrize("kind", KINDS)
def test_gradients_both_ways_of_unequal_lengths_with_skip_connections(kind, pooling):
    how = {"bidirectional": True, "pooling": pooling, "skip_connections": True}
    check_gradients(window_of(kind, lengths=LENGTHS, cell="lstm", **how))


@needs_jit
def test_words_that_are_looked_up_are_dropped_before_the_first_layer():
    shape = replace(small_shape("gru", "tanh", 2, "embedding"), dropout=0.4, drops_ends=True)
    window = Window(shape)
    window.work.dropout_keys = window.network.dropout_keys(1, 2)
    check_gradients(window)
    assert 0.15 < (window.work.x == 0).mean() < 0.7


def mask_of(p, shape, key, held):
    mask = np.zeros(shape)
    dropout.drop(p, np.ones(shape), mask, key, 0, shape[1], held=held)
    return mask


@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize("kind", ["numeric", "embedding", "one-hot"])
@pytest.mark.parametrize("cell", ["lstm", *(pytest.param(c, marks=pytest.mark.thorough) for c in CELLS if c != "lstm")])
def test_outputs_equal_those_of_the_naive_twin_given_the_masks(cell, kind, held):
    window = window_of(kind, held=held, cell=cell)
    window.run_forward()
    shape, keys, weights = window.shape, window.work.dropout_keys, window.network.parameters.export()
    T, B, H = *window.inputs.shape[:2], shape.hidden_size
    x = window.inputs
    if kind != "numeric":
        x = weights["embedding.weight"][x] if kind == "embedding" else np.eye(shape.input_size)[x]
        rows = np.ones((shape.input_size, 1))
        kernels.apply_to_table(rows, *dropout.mask(0.3, keys[3], rows.dtype), 0, 1)
        x = x * rows[window.inputs]
    if kind != "one-hot":
        x = x * mask_of(0.3, x.shape, keys[2], held)
    between, before_head = (mask_of(p, (T, B, H), key, held) for p, key in ((0.2, keys[0]), (0.25, keys[1])))
    assert not held or (before_head == before_head[0]).all()
    state = list(window.state)
    for t in range(T):
        state[0] = naive.CELLS[cell](x[t], state[0], naive.layer_weights(weights, shape, 0))
        state[1] = naive.CELLS[cell](state[0][0] * between[t], state[1], naive.layer_weights(weights, shape, 1))
        y = state[1][0] * before_head[t] @ weights["head.weight"].T + weights["head.bias"]
        assert error(window.outputs[t], y) < 1e-12, t


def test_masks_are_those_of_seed_and_update():
    window = window_of("embedding")
    first = window.run_forward()
    assert window.run_forward() == first
    for seed, update in ((1, 3), (2, 2)):
        window.work.dropout_keys = window.network.dropout_keys(seed, update)
        assert window.run_forward() != first
    window.work.dropout_keys = window.network.dropout_keys(1, 2)
    assert window.run_forward() == first


@needs_jit
@pytest.mark.parametrize("kind", KINDS)
def test_shards_do_not_change_a_bit(kind):
    shape = replace(window_of(kind).shape, hidden_size=70, skip_connections=True)
    gradients = []
    for shards in (1, 3):
        window = Window(shape, T=20, B=7, dtype=np.float32)
        window.work.dropout_keys = window.network.dropout_keys(1, 2)
        gradients.append(window.run_backward(shards))
    for name, gradient in gradients[0].items():
        assert np.array_equal(gradient, gradients[1][name]), name


@pytest.mark.parametrize("kind", ["one-hot", "embedding", "folded embedding"])
def test_nothing_is_dropped_in_evaluation_scoring_and_generation(kind):
    answers = []
    for dropping in (True, False):
        shape = window_of(kind).shape
        shape = shape if dropping else replace(shape, **dict.fromkeys([*ALL, "embedding_dropout"], 0.0))
        network = Network(shape)
        network.initialise("orthogonal", 0.9, seed=2)
        ids = np.random.default_rng(0).integers(0, 4, 300).astype(np.int32)
        losses = np.zeros(200)
        driver = Backpropagation(network, CROSS_ENTROPY, ThreadPool(1))
        total = Validation(network, ids[100:], ids[:100], driver).run(losses)
        decoder = Decoder(network)
        logits = decoder.read(ids[:10])
        written = [token for _, token in zip(range(30), decoder.write(logits, Sampling()).sequence(0), strict=False)]
        answers.append((total, losses, logits, written))
    (total, losses, logits, written), plain = answers
    assert total == plain[0]
    assert np.array_equal(losses, plain[1])
    assert np.array_equal(logits, plain[2])
    assert written == plain[3]
