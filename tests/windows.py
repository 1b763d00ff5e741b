"""One training window for tests: a network, its data, its loss; gradients by backward and by central differences."""

from __future__ import annotations

import itertools
from dataclasses import replace

import naive
import numpy as np

from rnncli.kernels import forecast_losses, losses
from rnncli.kernels.cells import CELLS
from rnncli.nn.network import Network, NetworkShape
from rnncli.nn.parameters import Share

IN_TORCH = ("rnn", "gru", "lstm")  # which PyTorch has modules of
VARIANTS = [(name, activation) for name, cell in CELLS.items() for activation in cell.activations]


def small_shape(cell, activation, layers, kind="numeric", loss="xent", hidden=5, bidirectional=False, pooling=None):
    shape = NetworkShape(
        cell=cell,
        input_size=4,
        hidden_size=hidden,
        num_layers=layers,
        output_size=3,
        token_input=kind != "numeric",
        embedding_size=3 if "embedding" in kind else None,
        activation=activation,
        fold_up_to=320 if kind == "folded embedding" else 0,
        bidirectional=bidirectional,
        pooling=pooling,
    )
    return replace(shape, output_size=4) if kind != "numeric" and loss == "xent" else shape


class Window:
    """T steps of B sequences of random data with ragged ends, on a network with random weights.

    lengths: where sequences really end; the loss ignores what lies beyond.
    """

    def __init__(self, shape, T=6, B=3, head_steps=None, loss="xent", dtype=np.float64, seed=0, lengths=None):
        self.shape, self.loss, self.dtype = shape, loss, np.dtype(dtype)
        random = np.random.default_rng(seed)
        self.network = Network(shape, self.dtype)
        # A sigmoid's slope is at most 1/4: with small weights its gradients drown in central differences' rounding.
        spread = (4.0 if shape.activation == "sigmoid" else 1.1) / np.sqrt(shape.hidden_size)
        weights = {s.name: random.normal(0, spread, s.shape) for s in self.network.parameters.declared}
        self.network.parameters.load(weights)
        head_steps = 1 if shape.pooling else head_steps or T
        self.work = self.network.workspace(T, B, head_steps, training=True, input_gradient=True)
        self.lengths = np.full(B, T) if lengths is None else np.array(lengths)
        self.work = self.work if lengths is None else self.work.ragged(self.lengths)
        if shape.token_input:
            self.inputs = random.integers(0, shape.input_size, (T, B)).astype(np.int32)
        else:
            self.inputs = random.normal(0, 1, (T, B, shape.input_size)).astype(dtype)
        states = [naive.some_state(shape.cell, random, B, shape.hidden_size) for _ in self.work.directions]
        self.state = [tuple(array.astype(dtype) for array in state) for state in states]
        if loss == "xent":
            self.targets = random.integers(0, shape.output_size, (head_steps, B)).astype(np.int32)
            for b in range(B):  # sequences of unequal length
                end = max(head_steps - b, 1) if lengths is None or shape.pooling else self.lengths[b]
                self.targets[end:, b] = losses.IGNORED
        else:
            self.targets = random.normal(0, 1, (head_steps, B, shape.output_size)).astype(dtype)

    def run_forward(self, shards=1):
        """The mean loss; outputs are left in work.outputs as dL/d(outputs), and copied to self.outputs before."""
        work, network = self.work, self.network
        network.pack()
        if self.shape.recurrence.draws:
            network.set_dropout(work, 1, 2)
        if self.shape.token_input:
            work.tokens[...] = self.inputs
        else:
            work.x[...] = self.inputs
        work.set_state(self.state)
        per_step = np.zeros(work.outputs.shape[:2])
        count = (self.targets >= 0).sum() if self.loss == "xent" else self.targets.size
        kernel = losses.softmax_cross_entropy if self.loss == "xent" else forecast_losses.squared_error
        edges = [work.B * i // shards for i in range(shards + 1)]
        for low, high in itertools.pairwise(edges):
            network.forward(work, low, high)
        self.outputs = work.outputs.copy()
        for low, high in itertools.pairwise(edges):
            kernel(work.outputs, self.targets, per_step, self.dtype.type(1 / count), low, high)
        return losses.total(per_step) / count

    def run_backward(self, shards=1):
        """Every gradient by name: parameters in PyTorch's shapes, `x`, and `h0`, `c0`, … of each layer."""
        self.run_forward(shards)
        edges = [self.work.B * i // shards for i in range(shards + 1)]
        for low, high in itertools.pairwise(edges):
            self.network.backward(self.work, low, high)
        shares = [Share(i, shards) for i in range(shards)]
        for share in shares:
            self.network.weight_gradients(self.work, share)
        for share in shares:
            self.network.finish_gradients(share)
        gradients = self.network.parameters.export_gradients()
        if not self.shape.token_input:
            gradients["x"] = self.work.dx.copy()
        for l, layer in enumerate(self.work.directions):
            gradients |= {f"{name}0_{l}": layer.gradients[i][0].copy() for i, name in enumerate(layer.states)}
        return gradients

    def variables(self):
        """Every array that the loss depends on, by the name of its gradient; changing one changes the loss."""
        arrays = {s.name: self.network.parameters.view(s.name) for s in self.network.parameters.declared}
        arrays = {n: a.T if self._transposed(n) else a for n, a in arrays.items()}
        if not self.shape.token_input:
            arrays["x"] = self.inputs
        for l, state in enumerate(self.state):
            names = (f"{name}0_{l}" for name in self.network.stack.cell.state_names)
            arrays |= dict(zip(names, state, strict=True))
        return arrays

    def _transposed(self, name):
        return next(s.transposed for s in self.network.parameters.declared if s.name == name)

    def central_differences(self, array, step=1e-5):
        return central_differences(array, self.run_forward, step)


def central_differences(array, loss, step=1e-5, *, fourth_order=False):
    """dL/d(array), one element at a time; loss() is L of what the array holds.

    Of the fourth order, a smooth loss allows a far larger step, and small gradients do not drown in rounding.
    """

    def slope(index, width):
        kept = array[index]
        array[index] = kept + width
        above = loss()
        array[index] = kept - width
        below = loss()
        array[index] = kept
        return (above - below) / (2 * width)

    gradient = np.zeros(array.shape)
    for index in np.ndindex(array.shape):
        gradient[index] = slope(index, step)
        if fourth_order:
            gradient[index] = (4 * gradient[index] - slope(index, 2 * step)) / 3
    return gradient


def error(got, wanted):
    """max|got − wanted| / max|wanted|, the measure of every comparison in this project."""
    scale = np.abs(wanted).max()
    return float(np.abs(got - wanted).max() / scale) if scale > 0 else float(np.abs(got).max())
