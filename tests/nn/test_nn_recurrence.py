"""What a layer does to the recurrence of its cell: against differences and the naive twin, for every cell with it."""

import os
from dataclasses import replace

import naive
import numpy as np
import pytest
from pairs import Pairs
from pairs import small_shape as small_pairs
from test_nn_gradients import check_gradients
from test_nn_pair_writer import score, written
from windows import Window, error, small_shape

from rnncli.kernels.cells import CELLS
from rnncli.nn.network import Network
from rnncli.nn.recurrent import Recurrence
from rnncli.nn.writers import TokenWriter

WITH_JIT = pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="minutes in plain Python, nothing new")
CAPPED = Recurrence(capped=True)
VARIANTS = [(name, CAPPED) for name, cell in CELLS.items() if cell.caps]
LENGTHS = [6, 4, 4, 1]


def small(cell, recurrence, layers=2, kind="numeric", **how):
    return replace(small_shape(cell, "tanh", layers, kind, **how), recurrence=recurrence)


@pytest.mark.parametrize("kind", ["numeric", pytest.param("folded embedding", marks=WITH_JIT)])
@pytest.mark.parametrize(("cell", "recurrence"), VARIANTS)
def test_gradients_with_ragged_ends(cell, recurrence, kind):
    check_gradients(Window(small(cell, recurrence, kind=kind)))


@WITH_JIT
@pytest.mark.parametrize(("cell", "recurrence"), VARIANTS)
def test_gradients_of_sequences_read_both_ways(cell, recurrence):
    shape = small(cell, recurrence, bidirectional=True, pooling="last")
    check_gradients(Window(shape, T=LENGTHS[0], B=len(LENGTHS), lengths=LENGTHS))


@pytest.mark.parametrize(("cell", "recurrence"), VARIANTS)
def test_outputs_equal_the_naive_twin_and_not_those_of_the_plain_cell(cell, recurrence):
    window = Window(small(cell, recurrence))
    window.run_forward()
    weights = window.network.parameters.export()
    assert error(window.outputs, naive.network(window.shape, weights, window.inputs, window.state)) < 1e-13
    plain = naive.network(small(cell, Recurrence()), weights, window.inputs, window.state)
    assert error(window.outputs, plain) > 1e-3


@WITH_JIT
@pytest.mark.parametrize(("cell", "recurrence"), VARIANTS)
def test_shards_change_no_bit(cell, recurrence):
    shape = small(cell, recurrence, hidden=70)
    whole = Window(shape, T=40, B=7, dtype=np.float32).run_backward()
    split = Window(shape, T=40, B=7, dtype=np.float32).run_backward(shards=3)
    for name, gradient in whole.items():
        assert np.array_equal(gradient, split[name]), name


@pytest.mark.parametrize("cell", [name for name, cell in CELLS.items() if cell.caps])
def test_a_capped_gate_lets_in_what_the_forget_gate_lets_go(cell):
    window = Window(small(cell, CAPPED, layers=1))
    window.run_forward()
    let_in, kept = np.split(window.work.layers[0].a, 4, axis=2)[:2]
    assert (let_in + kept).max() <= 1
    assert 0.1 < np.isclose(let_in + kept, 1).mean() < 0.9


@WITH_JIT
@pytest.mark.parametrize(("cell", "recurrence"), VARIANTS)
def test_what_is_written_is_what_the_whole_text_is_followed_by(cell, recurrence):
    network = Network(small(cell, recurrence, kind="one-hot", hidden=12))
    network.initialise("orthogonal", 0.9, seed=2)
    network.parameters.view("head.weight")[...] *= 30  # a fresh network hardly tells one token from another
    network.pack()
    writer, tokens = TokenWriter(network, 2), np.zeros((40, 2), np.int32)
    writer.write(tokens, np.array([3, 4], np.uint64), 0, 1.0, 0, 1.0, -1)
    assert len(np.unique(tokens)) > 2
    work = network.workspace(40, 2, 1, training=False)
    work.tokens[...] = tokens
    network.forward(work, 0, 2)
    assert np.array_equal(writer.state.logits, work.outputs)


@WITH_JIT
@pytest.mark.thorough
@pytest.mark.parametrize(("cell", "recurrence"), VARIANTS)
def test_a_pair_of_stacks_writes_what_its_naive_twin_finds_most_probable(cell, recurrence):
    pairs = Pairs(replace(small_pairs(cell, "dot", layers=2), recurrence=recurrence))
    for b, (answer,) in enumerate(written(pairs, 1)):
        assert answer.score == pytest.approx(score(pairs, b, answer.tokens, ended=len(answer.tokens) < 4), rel=1e-9)
