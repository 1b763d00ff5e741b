"""Validation on several warmed-up streams scores every token once, and scores it as one pass over the text would."""

import naive
import numpy as np
import pytest

from rnncli.kernels.cells import CELLS
from rnncli.kernels.losses import IGNORED
from rnncli.nn.network import Network, NetworkShape
from rnncli.tasks.language_model import streams
from rnncli.tasks.language_model.streams import WARM_UP, StreamLearner, Validation
from rnncli.training.backpropagation import CROSS_ENTROPY, Backpropagation, ThreadPool

pytestmark = pytest.mark.thorough

V, FLOAT64 = 6, np.dtype(np.float64)


def made(cell="gru", layers=2, dtype=FLOAT64, **changes):
    network = Network(NetworkShape(cell, V, 8, layers, V, token_input=True, **changes), dtype)
    network.initialise("orthogonal", 0.8, seed=3)
    # Sharp predictions, or every token would cost ln V wherever it is read; a mean over all that was read is flat.
    network.parameters.view("head.weight")[...] *= 40 if cell == "slstm" else 4
    network.pack()
    return network


def text(N, seed=0):
    return np.random.default_rng(seed).integers(0, V, N).astype(np.int32)


def validation(network, valid, context):
    return Validation(network, valid, context, Backpropagation(network, CROSS_ENTROPY, ThreadPool(1)))


def single_pass(network, valid, context):
    """(summed nats, tokens) of `valid`, one step at a time from the beginning of the context."""
    whole = np.concatenate([context, valid])
    shape = network.shape
    state = [naive.zero_state(shape.cell, 1, shape.hidden_size)] * shape.num_layers
    logits = naive.network(shape, network.parameters.export(), whole[:-1, None], state)
    first = max(len(context), 1)
    count = len(whole) - first
    return naive.cross_entropy(logits[first - 1 :], whole[first:]) * count, count


@pytest.mark.parametrize("lengths", [(1, 300), (63, 1), (64, 3), (65, 256), (700, 257), (700, 5000), (1023, 100)])
@pytest.mark.parametrize(("cell", "embedding"), [*((cell, None) for cell in CELLS), ("gru", 4)])
def test_one_stream_is_a_single_pass(cell, embedding, lengths):
    network = made(cell, embedding_size=embedding)
    valid, context = text(lengths[0]), text(lengths[1], seed=1)
    total, count = validation(network, valid, context).run()
    wanted, wanted_count = single_pass(network, valid, context[-WARM_UP - 1 :])
    assert count == wanted_count == len(valid)
    assert total == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("length", [2, 3, 65, 900])
@pytest.mark.parametrize("cell", CELLS)
def test_a_text_of_its_own_starts_cold_and_skips_its_first_token_only(cell, length):
    network, valid = made(cell), text(length)
    total, count = validation(network, valid, valid[:0]).run()
    wanted, _ = single_pass(network, valid, valid[:0])
    assert count == length - 1
    assert total == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("length", [0, 1])
def test_nothing_to_score(length):
    total, count = validation(made(), text(length), text(0)).run()
    assert count == 0
    assert np.isnan(total)


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("length", [2049, 2999, 5003])
@pytest.mark.parametrize("cell", CELLS)
def test_several_streams_equal_a_single_pass(cell, length, own):
    """A state that forgets within the warm-up loses nothing by the cuts."""
    network, valid = made(cell, dtype=np.dtype(np.float32)), text(length)
    context = text(0) if own else text(400, seed=1)
    checked = validation(network, valid, context)
    assert checked.shape[1] == (length - own) // 1024
    total, count = checked.run()
    wanted, wanted_count = single_pass(network, valid, context)
    assert count == wanted_count
    assert total / count == pytest.approx(wanted / count, abs=1e-5)
    assert 0.02 < np.abs(total / count - np.log(V))  # the network says something


@pytest.mark.parametrize("context", [0, 1, 100, 5000])
@pytest.mark.parametrize("length", [2, 300, 1500, 2047, 2048, 2049, 40_000])
def test_every_token_is_counted_once_after_a_warm_up(length, context):
    """Numbered tokens: whatever is scored is scored once, right after the token before it."""
    numbers = np.arange(context + length, dtype=np.int32)
    checked = validation(made(layers=1), numbers[context:], numbers[:context])
    tokens, targets = checked.slice(0, checked.shape[0])
    scored = targets != IGNORED
    first = context if context else 1
    assert sorted(targets[scored].tolist()) == list(range(first, context + length))
    assert np.array_equal(tokens[scored] + 1, targets[scored])
    assert checked.count == context + length - first
    for start, stop in ((0, 1), (WARM_UP - 1, WARM_UP + 1), (checked.shape[0] - 1, checked.shape[0])):
        piece = checked.slice(start, stop)
        assert np.array_equal(piece, (tokens[start:stop], targets[start:stop]))
    for stream in range(tokens.shape[1]):
        begins = np.flatnonzero(scored[:, stream])[0]
        read = tokens[:begins, stream]
        if stream == 0:
            real = read[checked.cold_until :]
            assert len(real) == min(max(context, 1), WARM_UP + 1) - 1
        else:
            real = read
            assert len(real) >= 200
        assert np.array_equal(np.diff(real), np.ones(max(len(real) - 1, 0)))


def test_padding_before_a_cold_start_is_not_read():
    """A network that remembers everything would show it."""
    shape = NetworkShape("rnn", V, 4, 1, V, token_input=True, activation="identity")
    network = Network(shape, FLOAT64)
    network.initialise("orthogonal", 1.0, seed=1)
    for length in (5, 70):
        valid = text(length) % (V - 1) + 1
        for context in (valid[:0], text(3)):
            total, _ = validation(network, valid, context).run()
            assert total == pytest.approx(single_pass(network, valid, context)[0], rel=1e-10)


def test_validating_changes_nothing_and_says_the_same_again():
    network, ids = made(dropout=0.4), text(600)
    learner = StreamLearner(network, ids, text(300, 1), ids, batch_size=3, bptt=8, stride=8, seed=1, pool=ThreadPool(1))
    learner.gradient(0)
    weights = network.parameters.weights.copy()
    carried = {name: array.copy() for name, array in learner.arrays().items()}
    first = learner.validate()
    assert learner.validate() == first
    assert np.array_equal(network.parameters.weights, weights)
    for name, array in learner.arrays().items():
        assert array.any() == name.startswith("carried.h")  # a GRU has no memory cell
        assert np.array_equal(array, carried[name])


def test_the_state_is_carried_within_an_epoch_and_zero_at_its_start():
    network, ids = made(), text(3 * 24 + 1)
    learner = StreamLearner(network, ids, ids[:0], ids[:0], batch_size=3, bptt=8, stride=8, seed=1, pool=ThreadPool(1))
    losses = [learner.gradient(update)[0] for update in range(6)]
    assert losses[3:] == losses[:3]
    state = [naive.zero_state(network.shape.cell, 3, 8)] * 2
    logits = naive.network(network.shape, network.parameters.export(), ids[:-1].reshape(3, 24).T, state)
    wanted = naive.cross_entropy(logits, ids[1:].reshape(3, 24).T) * 72
    assert sum(losses[:3]) == pytest.approx(wanted, rel=1e-12)
    learner.restart()
    assert learner.gradient(1)[0] != losses[1]


def test_the_warm_up_is_what_the_design_asks_for():
    assert WARM_UP >= 200
    assert streams.Validation.STREAM_LENGTH > WARM_UP  # or the second stream would need more context than there is
