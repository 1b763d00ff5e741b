"""What a layer does to the recurrence of its cell: against differences and the naive twin, for every cell with it."""

import itertools
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
from rnncli.nn.recurrence import Recurrence
from rnncli.nn.writers import TokenWriter
from rnncli.tasks.language_model.decoding import Barred, Sampling

WITH_JIT = pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="minutes in plain Python, nothing new")
CAPPED = Recurrence(capped=True)
LASTING = [(name, CAPPED) for name, cell in CELLS.items() if cell.caps]
DRAWN = [(name, Recurrence(**{key: 0.4})) for name in CELLS for key in ("weight_drop", "state_dropout")]
VARIANTS = [*LASTING, *DRAWN]
EACH = [one if one[0] == "lstm" else pytest.param(*one, marks=pytest.mark.thorough) for one in VARIANTS]
LENGTHS = [6, 4, 4, 1]


def small(cell, recurrence, layers=2, kind="numeric", **how):
    return replace(small_shape(cell, "tanh", layers, kind, **how), recurrence=recurrence)


@pytest.mark.parametrize("kind", ["numeric", pytest.param("folded embedding", marks=[WITH_JIT, pytest.mark.thorough])])
@pytest.mark.parametrize(("cell", "recurrence"), EACH)
def test_gradients_with_ragged_ends(cell, recurrence, kind):
    check_gradients(Window(small(cell, recurrence, kind=kind)))


@WITH_JIT
@pytest.mark.thorough
@pytest.mark.parametrize(("cell", "recurrence"), VARIANTS)
def test_gradients_of_sequences_read_both_ways(cell, recurrence):
    shape = small(cell, recurrence, bidirectional=True, pooling="last")
    check_gradients(Window(shape, T=LENGTHS[0], B=len(LENGTHS), lengths=LENGTHS))


@pytest.mark.parametrize(("cell", "recurrence"), EACH)
def test_outputs_equal_the_naive_twin_and_not_those_of_the_plain_cell(cell, recurrence):
    window = Window(small(cell, recurrence))
    window.run_forward()
    whole = window.network.parameters.export()
    weights, masks = dict(whole), []
    for l, work in enumerate(window.work.layers):
        if recurrence.weight_drop:
            weights[f"rnn.weight_hh_l{l}"] = work.drawn.U.values.T
        if recurrence.state_dropout:
            masks.append(work.drawn.locked.mask)
    assert error(window.outputs, naive.network(window.shape, weights, window.inputs, window.state, masks)) < 1e-13
    plain = naive.network(small(cell, Recurrence()), whole, window.inputs, window.state)
    assert error(window.outputs, plain) > 1e-3


@WITH_JIT
@pytest.mark.thorough
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


def test_masks_are_of_the_fraction_that_was_asked_for_and_new_for_each_update():
    shape = replace(small_shape("gru", "tanh", 2, bidirectional=True), hidden_size=40)
    shape = replace(shape, recurrence=Recurrence(weight_drop=0.25, state_dropout=0.5))
    network = Network(shape)
    network.initialise("uniform", 1.0, seed=1)
    work = network.workspace(3, 16, 3, training=True)

    def drawn(seed, update):
        network.set_dropout(work.first(2, 0), seed, update)
        for layer, one in zip(network.traces(work), work.directions, strict=True):
            kept = one.drawn.U.values != 0
            assert np.array_equal(one.drawn.U.values[kept], (layer.layer.U.value * np.float32(1 / 0.75))[kept])
            assert np.unique(one.drawn.locked.mask).tolist() == [0, 2]
            yield kept.copy()
            yield one.drawn.locked.mask > 0

    first = [mask.copy() for mask in drawn(1, 0)]
    for mask, wanted in zip(first, [0.75, 0.5] * 4, strict=True):
        assert mask.mean() == pytest.approx(wanted, abs=0.06)
    for a, b in itertools.combinations(first[::2], 2):
        assert not np.array_equal(a, b)
    assert all(np.array_equal(a, b) for a, b in zip(drawn(1, 0), first, strict=True))
    for other in (drawn(1, 1), drawn(2, 0)):
        assert not any(np.array_equal(a, b) for a, b in zip(other, first, strict=True))


@pytest.mark.parametrize(("cell", "recurrence"), [(c, r) for c, r in DRAWN if c in ("gru", "lstm")])
def test_outside_of_training_nothing_is_dropped(cell, recurrence):
    shape = small(cell, recurrence)
    network, plain = Network(shape), Network(replace(shape, recurrence=Recurrence()))
    for one in (network, plain):
        one.initialise("orthogonal", 1.0, seed=3)
    trained = network.workspace(5, 2, 5, training=True)
    network.set_dropout(trained, 1, 0)
    works = [one.workspace(5, 2, 5, training=False) for one in (network, plain)]
    x = np.random.default_rng(0).normal(0, 1, (5, 2, shape.input_size))
    for one, work in zip((network, plain, network), (*works, trained), strict=True):
        work.x[...] = x
        one.forward(work, 0, 2)
    assert np.array_equal(works[0].outputs, works[1].outputs)
    assert not np.array_equal(works[0].outputs, trained.outputs)


@pytest.mark.thorough
@WITH_JIT
@pytest.mark.parametrize(("cell", "recurrence"), LASTING)
def test_what_is_written_is_what_the_whole_text_is_followed_by(cell, recurrence):
    network = Network(small(cell, recurrence, kind="one-hot", hidden=12))
    network.initialise("orthogonal", 0.9, seed=2)
    network.parameters.view("head.weight")[...] *= 30  # a fresh network hardly tells one token from another
    network.pack()
    writer, tokens = TokenWriter(network, 2), np.zeros((40, 2), np.int32)
    anything = Barred(np.zeros((1, network.shape.output_size), np.int32)).past(2, 0)
    writer.write(tokens, np.array([3, 4], np.uint64), 0, Sampling().rules, anything)
    assert len(np.unique(tokens)) > 2
    work = network.workspace(40, 2, 1, training=False)
    work.tokens[...] = tokens
    network.forward(work, 0, 2)
    assert np.array_equal(writer.state.logits, work.outputs)


@WITH_JIT
@pytest.mark.thorough
@pytest.mark.parametrize(("cell", "recurrence"), LASTING)
def test_a_pair_of_stacks_writes_what_its_naive_twin_finds_most_probable(cell, recurrence):
    pairs = Pairs(replace(small_pairs(cell, "dot", layers=2), recurrence=recurrence))
    for b, (answer,) in enumerate(written(pairs, 1)):
        assert answer.score == pytest.approx(score(pairs, b, answer.tokens, ended=len(answer.tokens) < 4), rel=1e-9)
