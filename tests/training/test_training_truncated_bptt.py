"""TBPTT(k1, k2): which steps each update trains on, and its gradients against a loop unrolled by hand in PyTorch."""

import itertools

import numpy as np
import pytest
from extras import torch
from windows import IN_TORCH, error

from rnncli.nn.network import Network, NetworkShape
from rnncli.tasks.language_model.streams import StreamLearner, Streams
from rnncli.training.backpropagation import ThreadPool
from rnncli.training.batches import windows


@pytest.mark.parametrize(("length", "stride", "depth"), [(10, 3, 3), (10, 2, 5), (7, 7, 7), (9, 1, 4), (11, 4, 100)])
def test_every_step_is_counted_once_and_no_gradient_reaches_too_far(length, stride, depth):
    counted = []
    for window in windows(length, stride, depth):
        newest = range(window.start + window.head_from, window.stop)
        counted += newest
        assert len(newest) <= stride
        assert window.T <= depth
        assert window.start == max(0, window.stop - depth)
    assert counted == list(range(length))


@pytest.mark.parametrize(("length", "stride", "depth"), [(10, 3, 3), (10, 2, 5), (9, 1, 4), (11, 4, 100)])
def test_the_kept_state_is_where_the_next_window_starts(length, stride, depth):
    planned = windows(length, stride, depth)
    for window, following in itertools.pairwise(planned):
        assert window.start + window.keep == following.start
        assert 0 <= window.keep <= window.T


@pytest.mark.parametrize("count", [2, 3, 17, 50, 51, 52])
@pytest.mark.parametrize("batch", [1, 4, 32])
def test_streams_hold_every_target_once(count, batch):
    ids = np.arange(count, dtype=np.int32)
    streams = Streams(ids, batch)
    tokens = np.zeros((streams.L, streams.B), np.int32)
    streams.fill(tokens, 0, streams.L)
    targets = streams.targets(0, streams.L)
    pairs = sorted((x, y) for x, y in zip(tokens.ravel(), targets.ravel(), strict=True) if y >= 0)
    assert pairs == [(i, i + 1) for i in range(count - 1)]


MODULES = {"rnn": "RNN", "gru": "GRU", "lstm": "LSTM"}  # of PyTorch


def unrolled(network, ids, batch, stride, depth, updates_with):
    """Yield each update's gradients by name, the windows written out by hand, states stored as plain tensors."""
    shape = network.shape
    rnn = getattr(torch.nn, MODULES[shape.cell])(shape.input_size, shape.hidden_size, shape.num_layers).double()
    head = torch.nn.Linear(shape.hidden_size, shape.output_size).double()
    weights = {name: torch.from_numpy(a) for name, a in network.parameters.export().items()}
    rnn.load_state_dict({n.removeprefix("rnn."): w for n, w in weights.items() if n.startswith("rnn.")})
    head.load_state_dict({n.removeprefix("head."): w for n, w in weights.items() if n.startswith("head.")})
    parameters = {f"rnn.{n}": p for n, p in rnn.named_parameters()}
    parameters |= {f"head.{n}": p for n, p in head.named_parameters()}
    optimizer = updates_with(parameters.values())

    length = (len(ids) - 1) // batch
    x = torch.nn.functional.one_hot(torch.tensor(ids[:-1].reshape(batch, length).T).long(), shape.input_size).double()
    y = torch.tensor(ids[1:].reshape(batch, length).T).long()
    zero = torch.zeros(shape.num_layers, batch, shape.hidden_size).double()
    states = {0: (zero, zero) if shape.cell == "lstm" else zero}  # by the step before which they hold
    for newest in range(0, length, stride):
        stop = min(newest + stride, length)
        start = max(0, stop - depth)
        state, outputs = states[start], []
        for t in range(start, stop):  # one step at a time, so that every state can be stored
            output, state = rnn(x[t : t + 1], state)
            outputs.append(output)
            states[t + 1] = tuple(s.detach() for s in state) if shape.cell == "lstm" else state.detach()
        logits = head(torch.cat(outputs)[newest - start :])
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), y[newest:stop].flatten())
        optimizer.zero_grad()
        loss.backward()
        yield loss.item(), {name: p.grad.numpy().copy() for name, p in parameters.items()}
        optimizer.step()


@pytest.mark.parity
@pytest.mark.parametrize("cell", IN_TORCH)
@pytest.mark.parametrize(("stride", "depth"), [(4, 4), (2, 5), (3, 7), (1, 3), (20, 20), (5, 100)])
def test_equals_a_loop_unrolled_by_hand_in_pytorch(cell, stride, depth):
    shape = NetworkShape(cell, input_size=5, hidden_size=6, num_layers=2, output_size=5, token_input=True)
    network = Network(shape, np.dtype(np.float64))
    network.initialise("orthogonal", 1.0, seed=3)
    ids = np.random.default_rng(0).integers(0, 5, 61).astype(np.int32)
    learner = StreamLearner(
        network,
        ids,
        ids[:0],
        ids[:0],
        batch_size=3,
        bptt=depth,
        stride=stride,
        seed=1,
        pool=ThreadPool(1),
    )
    rate = 0.5
    wanted = unrolled(network, ids, 3, stride, depth, lambda parameters: torch.optim.SGD(parameters, rate))
    for update, (loss, gradients) in enumerate(wanted):
        total, count = learner.gradient(update)
        assert total / count == pytest.approx(loss, rel=1e-10)
        for name, gradient in network.parameters.export_gradients().items():
            assert error(gradient, gradients[name]) < 1e-9, (update, name)
        network.parameters.weights[...] -= rate * network.parameters.gradient
        network.pack()
    assert update + 1 == learner.updates_per_epoch
