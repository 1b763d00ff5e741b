"""Generation of tokens: steps of the whole network, and the draws between them, in one jitted call.

Control does not return to Python between two tokens, and each step reads the weights once for all B sequences of a
batch. The kernels are those of training, so a sequence has the same bits whatever else is in its batch.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from rnncli.kernels import copies, denormals, random, sampling
from rnncli.kernels.cells import CELLS, cell
from rnncli.kernels.compiler import overload
from rnncli.kernels.gemm import accumulate, multiply
from rnncli.kernels.inputs import gather, gather_with_bias
from rnncli.kernels.jit import FLAGS, jit

STREAM, REDRAWN = 900, 1 << 39  # of a seed's independent random streams; to the second the attempt is added
PENALISED = 64  # of the newest tokens


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
    capped: bool | None
    head: np.ndarray  # (R, …) packed, of the R layers that it reads, the topmost last
    head_bias: np.ndarray  # (V,)


class State(NamedTuple):
    """The arrays that one step of B sequences is computed in."""

    arrays: Any  # of the cell, one step each with an axis of L before its own: of states, row 1 is the next one
    x: np.ndarray  # (1, B, I) embeddings, or empty
    logits: np.ndarray  # (1, B, V)
    active: np.ndarray  # (1,): B


class Past(NamedTuple):
    """What is remembered of the tokens that B sequences have had. Number 0 is the first one written; those that were
    read before it have negative numbers."""

    after: np.ndarray  # (S, V) int32: the place after each token from each place; negative for one that must not come
    place: np.ndarray  # (B,) int32
    recent: np.ndarray  # (B, R) int32: the newest tokens, number k at k mod R
    read: int  # how many of them were read
    seen: np.ndarray  # (W,) uint64: the filter of what must not be copied; see `copies`


def _cell_of(arrays):
    return next(one for one in CELLS.values() if one.arrays is arrays)


def _by_cell(plain, choose):
    """Make kernels use choose(cell) in place of `plain`; the first argument holds the arrays of that cell."""

    @overload(plain, jit_options=FLAGS, strict=False)
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
        own = (weights.recurrent[l], weights.bias_hh[l], weights.own[l], weights.activation)
        _forward(arrays, cell.Weights(*own, None, weights.capped), state.active)


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
def write(weights, state, tokens, seeds, number, rules, past, chances, heap):
    """Fill tokens (N, B): each token is drawn from state.logits, then read.

    The draws of sequence b depend on seeds[b] and on the number of the token, which is `number` for the first one
    here; chances (V,) float64 and heap (V,) int64 are scratch.
    """
    word = denormals.flush()
    for n in range(tokens.shape[0]):
        for b in range(tokens.shape[1]):
            end, places = number + n, past.after[past.place[b]]
            if rules.penalty != 1.0:
                sampling.discourage(state.logits[0, b], past.recent[b], end, PENALISED, rules.penalty)
            sampling.probabilities(state.logits[0, b], rules, places, chances, heap)
            token = sampling.draw(chances, random.unit(seeds[b], STREAM, end))
            if 0 < rules.longest <= end + past.read:
                token = _not_copied(token, state.logits[0, b], seeds[b], end, rules, places, past, b, chances, heap)
            past.place[b] = places[token]
            past.recent[b, end % past.recent.shape[1]] = token
            tokens[n, b] = token
        read(weights, state, tokens[n : n + 1])
    denormals.restore(word)


@jit
def _not_copied(first, logits, seed, end, rules, places, past, b, chances, heap):
    """Return the token `first`, or another where it would make what is copied longer than allowed.

    Others are drawn from those that are left in `chances`; where none is, from all that are possible at the
    temperature; and where all of these are copied too, it is the first one after all.
    """
    token, attempt, widened, n = first, 0, False, rules.longest + 1
    while copies.may_have(copies.hash_last(past.recent[b], end, n, token), past.seen):
        chances[token] = 0.0
        total = 0.0
        for v in range(chances.size):
            total += chances[v]
        if total <= 0.0:
            if widened:
                return first
            widened = True
            wide = sampling.Rules(rules.temperature, 0, 1.0, 0.0, 1.0, 0)
            sampling.probabilities(logits, wide, places, chances, heap)
            total = 1.0
        attempt += 1
        token = sampling.draw(chances, random.unit(seed, REDRAWN + attempt, end) * total)
    return token
