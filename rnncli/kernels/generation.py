"""Generation of tokens: steps of the whole network, and the draws between them, in one jitted call.

Control does not return to Python between two tokens, and each step reads the weights once for all B sequences of a
batch. The kernels are those of training, so a sequence has the same bits whatever else is in its batch.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from rnncli.kernels import denormals, random, sampling
from rnncli.kernels.cells import CELLS, cell
from rnncli.kernels.compiler import overload
from rnncli.kernels.gemm import accumulate, multiply
from rnncli.kernels.inputs import gather, gather_with_bias
from rnncli.kernels.jit import OVERLOAD_FLAGS, jit

STREAM = 900  # of a seed's independent random streams


class Weights(NamedTuple):
    """The packed weights of a network of L layers."""

    table: np.ndarray  # (V, N): what token v adds to the first layer; or its embedding (V, I), if `first` is not empty
    first: np.ndarray  # the first layer's W packed, or empty
    above: np.ndarray  # (L − 1, …) W packed of the layers above it
    skips: np.ndarray  # (L − 1, V, N) what token v adds to them; (L − 1, 1, …) packed, beside `first`; or (0, 0, 0)
    recurrent: np.ndarray  # (L, …) U packed
    bias: np.ndarray  # (L, G·H)
    bias_hh: np.ndarray  # (L, G·H)
    own: np.ndarray  # (L, n, H), the cells' own parameters
    activation: int
    head: np.ndarray  # (R, …) packed, of the R layers that it reads, the topmost last
    head_bias: np.ndarray  # (V,)


class State(NamedTuple):
    """The arrays that one step of B sequences is computed in."""

    arrays: Any  # of the cell, one step each with an axis of L before its own: of states, row 1 is the next one
    x: np.ndarray  # (1, B, I) embeddings, or empty
    logits: np.ndarray  # (1, B, V)
    active: np.ndarray  # (1,): B


def _cell_of(arrays):
    return next(one for one in CELLS.values() if one.arrays is arrays)


def _by_cell(plain, choose):
    """Make kernels use choose(cell) in place of `plain`; the first argument holds the arrays of that cell."""

    @overload(plain, jit_options=OVERLOAD_FLAGS, strict=False)
    def chosen(arrays, *others):
        return choose(_cell_of(arrays.instance_class))

    return plain


def _forward(arrays, weights, active):
    """Run the forward kernel of the cell that the arrays belong to, over one step of all sequences."""
    _cell_of(type(arrays)).forward(arrays, weights, active, 0, arrays.a.shape[1])


def _of_layer(arrays, l):
    """Return the arrays of layer l."""
    return type(arrays)(*(array[l] for array in arrays))


def states_of(arrays):
    """Return the cell's states, each (L, 2, B, H)."""
    return tuple(getattr(arrays, name) for name in _cell_of(type(arrays)).state_names)


def _choose_forward(cell):
    forward = cell.forward
    return lambda arrays, weights, active: forward(arrays, weights, active, 0, arrays.a.shape[1])


def _choose_of_layer(cell):
    # numba knows no loop over the fields of a record that makes another record.
    fields = ", ".join(f"arrays.{name}[l]" for name in cell.arrays._fields)
    return eval(f"lambda arrays, l: kind({fields})", {"kind": cell.arrays})


def _choose_states(cell):
    fields = ", ".join(f"arrays.{name}" for name in cell.state_names)
    return eval(f"lambda arrays: ({fields},)")


_by_cell(_forward, _choose_forward)
_by_cell(_of_layer, _choose_of_layer)
_by_cell(states_of, _choose_states)


@jit
def advance(weights, state, tokens):
    """Compute one step of the layers: each sequence reads its token of `tokens` (1, B); row 1 gets the next states."""
    B = tokens.shape[1]
    for l in range(weights.recurrent.shape[0]):
        arrays = _of_layer(state.arrays, l)
        if l > 0 and weights.skips.shape[0] > 0:
            if weights.first.size > 0:
                multiply(state.x, weights.skips[l - 1, 0], weights.bias[l], arrays.a, 0, 1, 0, B)
            else:
                gather_with_bias(weights.skips[l - 1], weights.bias[l], tokens, arrays.a, 0, B)
            accumulate(state.arrays.h[l - 1, 1:], weights.above[l - 1], arrays.a, 0, 1, 0, B)
        elif l > 0:
            multiply(state.arrays.h[l - 1, 1:], weights.above[l - 1], weights.bias[l], arrays.a, 0, 1, 0, B)
        elif weights.first.size > 0:
            gather(weights.table, tokens, state.x, 0, 0, B)
            multiply(state.x, weights.first, weights.bias[0], arrays.a, 0, 1, 0, B)
        else:
            gather_with_bias(weights.table, weights.bias[0], tokens, arrays.a, 0, B)
        own = cell.Weights(weights.recurrent[l], weights.bias_hh[l], weights.own[l], weights.activation)
        _forward(arrays, own, state.active)


@jit
def read(weights, state, tokens):
    """Compute one step: each sequence reads its token of `tokens` (1, B); state.logits predicts the next one."""
    advance(weights, state, tokens)
    B = tokens.shape[1]
    h, count = state.arrays.h, weights.head.shape[0]
    multiply(h[-count, 1:], weights.head[0], weights.head_bias, state.logits, 0, 1, 0, B)
    for l in range(1, count):
        accumulate(h[l - count, 1:], weights.head[l], state.logits, 0, 1, 0, B)
    for states in states_of(state.arrays):
        _carry(states)


@jit
def _carry(states):
    """Make the next states, row 1 of states (L, 2, B, H), the current ones, row 0."""
    for l in range(states.shape[0]):
        for b in range(states.shape[2]):
            before, after = states[l, 0, b], states[l, 1, b]
            for j in range(after.size):
                before[j] = after[j]


@jit
def write(weights, state, tokens, seeds, number, temperature, top_k, top_p, excluded, chances):
    """Fill tokens (N, B): each token is drawn from state.logits, then read.

    The draws of sequence b depend on seeds[b] and on the number of the token, which is `number` for the first one
    here; chances (V,) float64 is scratch. The other arguments are those of `sampling.probabilities`.
    """
    word = denormals.flush()
    for n in range(tokens.shape[0]):
        for b in range(tokens.shape[1]):
            sampling.probabilities(state.logits[0, b], temperature, top_k, top_p, excluded, chances)
            tokens[n, b] = sampling.draw(chances, random.unit(seeds[b], STREAM, number + n))
        read(weights, state, tokens[n : n + 1])
    denormals.restore(word)
