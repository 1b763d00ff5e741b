"""Networks to look into, for tests: batches as a learner hands them out, whole reports, and Jacobians by hand."""

from __future__ import annotations

import naive
import numpy as np

from rnncli.inspection.inspect import Batches, inspect
from rnncli.kernels import losses
from rnncli.nn.network import Network, NetworkShape
from rnncli.training.backpropagation import CROSS_ENTROPY, SQUARED_ERROR, Backpropagation, Sample, ThreadPool
from rnncli.training.optimizer import Optimizer

FLOAT64 = np.dtype(np.float64)
POOL = ThreadPool(1)
T, B, I, H, O = 9, 4, 3, 6, 5
LOSSES = {"cross entropy": CROSS_ENTROPY, "squared error": SQUARED_ERROR}
RAGGED = np.array([9, 7, 4, 1])


def made(cell, activation="tanh", layers=1, method="uniform", scale=1.0, seed=2, **changes):
    """A network of random weights, in float64."""
    shape = {"input_size": I, "hidden_size": H, "num_layers": layers, "output_size": O, "token_input": False}
    network = Network(NetworkShape(cell, **(shape | changes), activation=activation), FLOAT64)
    network.initialise(method, scale, seed=seed)
    return network


def changed(network, **views):
    """The same with other weights: each a function of the old; a name's dots are double underlines."""
    for name, change in views.items():
        view = network.parameters.view(name.replace("__", "."))
        view[...] = change(view)
    network.pack()
    return network


def window(steps=T, sequences=B, seed=1, features=I):
    """Features (T, B, I) and tokens (T, B) to say."""
    random = np.random.default_rng(seed)
    return (
        random.normal(0, 1, (steps, sequences, features)),
        random.integers(0, O, (steps, sequences)).astype(np.int32),
    )


def sample_of(network, inputs, targets, lengths=None):
    """A batch from the zero state. lengths: of whole sequences, longest first; what lies beyond is full of traps."""
    steps, sequences = inputs.shape[:2]
    work = network.workspace(steps, sequences, len(targets), training=True)
    for layer in work.directions:
        layer.h[1:], layer.dh[1:], layer.a[...] = 7.0, 7.0, 7.0
    targets = targets.copy()
    if lengths is not None:
        work = work.ragged(lengths)
        if len(targets) > 1:
            beyond = np.arange(steps)[:, None] >= lengths
            targets[beyond] = losses.IGNORED if targets.ndim == 2 else np.nan
    (work.tokens if network.shape.token_input else work.x)[...] = inputs
    work.clear_state()
    known = targets != losses.IGNORED if targets.ndim == 2 else np.isfinite(targets)
    return Sample(work, targets, int(known.sum()))


def driver_of(network, loss=CROSS_ENTROPY, pool=POOL):
    return Backpropagation(network, loss, pool)


def optimizer_of(network, name="sgd", clip_norm=None):
    return Optimizer(name, network, clip_norm, POOL)


def inspected(network, *samples, loss=CROSS_ENTROPY, optimizer=None, rate=0.1, pool=POOL):
    """The report of these batches."""
    ready = [lambda sample=sample: sample for sample in samples]
    return inspect("init", driver_of(network, loss, pool), Batches(ready), optimizer or optimizer_of(network), rate)


def passed_forward(network, inputs, lengths=None):
    """The traces after a forward pass."""
    sample = sample_of(network, inputs, np.zeros((len(inputs), inputs.shape[1]), np.int32), lengths)
    driver_of(network).forward(sample.work)
    return network.traces(sample.work)


def differences(function, x, step=1e-3):
    """The Jacobian (M, N) of function (N,) → (M,) at x, by central differences of the fourth order."""
    columns = []
    for unit in np.eye(len(x)):
        near, far = ((function(x + s * unit) - function(x - s * unit)) / (2 * s) for s in (step, 2 * step))
        columns.append((4 * near - far) / 3)
    return np.stack(columns, axis=1)


def naive_states(network, inputs, b, length):
    """The states of the one layer of a network after 0, 1, …, length steps of sequence b."""
    shape = network.shape
    weights = naive.layer_weights(network.parameters.export(), shape, 0)
    states = [naive.zero_state(shape.cell, shape.hidden_size)]
    for x in inputs[:length, b]:
        states.append(naive.CELLS[shape.cell](x, states[-1], weights, shape.activation))
    return states


def naive_jacobian(network, x, state):
    """∂s_t/∂s_{t−1} of the one layer of a network, by central differences of its naive twin; s is its whole state."""
    shape = network.shape
    weights = naive.layer_weights(network.parameters.export(), shape, 0)
    near = 1e-6 if shape.activation == "relu" else 1e-5 if shape.cell == "slstm" else 1e-3  # no nearer kink

    def whole(s):
        return np.concatenate(naive.CELLS[shape.cell](x, np.split(s, len(state)), weights, shape.activation))

    found = differences(whole, np.concatenate(state), near)
    for i, (name, values) in enumerate(zip(naive.STATES[shape.cell], state, strict=True)):
        if name == "n" and not values.any():  # nothing weighed: nothing comes through; beside it is a jump
            found[:, i * shape.hidden_size : (i + 1) * shape.hidden_size] = 0
    return found
