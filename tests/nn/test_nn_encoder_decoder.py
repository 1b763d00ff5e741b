"""Encoder-decoder and attention: gradients, a naive twin, PyTorch, and nothing that leaks between sequences."""

import naive
import numpy as np
import pytest
from pairs import LENGTHS, SPANS, Pairs, small_shape
from parameters import mostly_thorough
from windows import central_differences, error

from rnncli.kernels import jit
from rnncli.kernels.cells import CELLS
from rnncli.nn.attention import ATTENTIONS

needs_jit = pytest.mark.skipif(not jit.enabled(), reason="minutes in plain Python, and the same code")
WAYS = [None, *ATTENTIONS]


@needs_jit
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("attention", WAYS)
@pytest.mark.parametrize("cell", mostly_thorough(CELLS, ["gru", "lstm"]))
def test_gradients_match_central_differences(cell, attention, layers):
    pairs = Pairs(small_shape(cell, attention, layers))
    check_gradients(pairs)


@needs_jit
@pytest.mark.parametrize("embedding", [None, 2])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("attention", WAYS)
def test_gradients_match_whatever_reads_the_source(attention, bidirectional, embedding):
    check_gradients(Pairs(small_shape("lstm", attention, bidirectional=bidirectional, embedding=embedding)))


@needs_jit
@pytest.mark.parametrize("cell", CELLS)
def test_gradients_match_after_a_given_vector(cell):
    check_gradients(Pairs(small_shape(cell, layers=2, encodes=False)))


def check_gradients(pairs):
    gradients = {name: gradient.copy() for name, gradient in pairs.run_backward().items()}
    for name, array in pairs.variables().items():
        wanted = central_differences(array, pairs.run_forward, 3e-4, fourth_order=True)
        assert error(gradients[name], wanted) < 1e-7, name


@pytest.mark.parametrize("attention", WAYS)
@pytest.mark.parametrize("cell", CELLS)
def test_outputs_match_the_naive_twin_of_each_sequence_alone(cell, attention):
    shape = small_shape(cell, attention, layers=2)
    pairs = Pairs(shape)
    pairs.run_forward()
    weights = pairs.model.parameters.export()
    for b, (length, span) in enumerate(zip(LENGTHS, SPANS, strict=True)):
        source = pairs.work.encoder.tokens[:length, b]
        outputs = naive.encoder_decoder(shape, weights, source, pairs.work.decoder.tokens[:span, b])
        assert error(pairs.outputs[:span, b], outputs) < 1e-12


def test_a_given_vector_starts_the_naive_twin():
    shape = small_shape("lstm", encodes=False)
    pairs = Pairs(shape)
    pairs.run_forward()
    for b, span in enumerate(SPANS):
        tokens = pairs.work.decoder.tokens[:span, b]
        outputs = naive.encoder_decoder(shape, pairs.model.parameters.export(), pairs.vector[0, b], tokens)
        assert error(pairs.outputs[:span, b], outputs) < 1e-12


@pytest.mark.thorough
@pytest.mark.parametrize("attention", WAYS)
def test_threads_change_no_bit(attention):
    shape = small_shape("lstm", attention, layers=2, dropout=0.5)
    one, three = Pairs(shape, np.float32), Pairs(shape, np.float32)
    for pairs in (one, three):
        pairs.model.set_dropout(pairs.work, 1, 2)
    wanted, got = one.run_backward(), three.run_backward(shards=3)
    for name in wanted:
        assert got[name].tobytes() == wanted[name].tobytes(), name


@pytest.mark.parametrize("attention", WAYS)
def test_company_and_padding_change_no_bit(attention):
    shape = small_shape("gru", attention)
    pairs = Pairs(shape, np.float32)
    pairs.run_forward()
    for b in range(len(SPANS)):
        alone = Pairs(shape, np.float32, LENGTHS[b : b + 1], SPANS[b : b + 1])
        alone.work.encoder.tokens[...] = pairs.work.encoder.tokens[: LENGTHS[b], b : b + 1]
        alone.work.decoder.tokens[...] = pairs.work.decoder.tokens[: SPANS[b], b : b + 1]
        alone.run_forward()
        assert alone.outputs[:, 0].tobytes() == np.ascontiguousarray(pairs.outputs[: SPANS[b], b]).tobytes()


@needs_jit
@pytest.mark.parametrize("attention", WAYS)
def test_gradients_match_with_dropout(attention):
    pairs = Pairs(small_shape("lstm", attention, layers=2, dropout=0.4))
    pairs.model.set_dropout(pairs.work, 3, 4)
    check_gradients(pairs)
    other = pairs.outputs
    pairs.model.set_dropout(pairs.work, 3, 5)
    pairs.run_forward()
    assert not np.array_equal(pairs.outputs, other)
