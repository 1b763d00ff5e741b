"""Writing tokens: steps of the whole network, and the draws between them, in one jitted call.

Nothing returns to Python between two tokens, and the weights are read once for all B sequences of a batch. Each step
calls the same kernels as training does, so a sequence is the same bits whatever else is in its batch.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba.extending import overload

from rnncli.kernels import denormals, random, sampling
from rnncli.kernels.cells import CELLS
from rnncli.kernels.gemm import multiply
from rnncli.kernels.inputs import gather, gather_with_bias
from rnncli.kernels.jit import FLAGS, jit

STREAM = 900  # of a seed's independent random streams


class Weights(NamedTuple):
    """A network of L layers, packed. `kind` names the cell, see `rnncli.kernels.cells.cell`."""

    kind: Any
    table: np.ndarray  # (V, N): what token v adds to the first layer; or its embedding (V, I), if `first` is not empty
    first: np.ndarray  # the first layer's W packed, or empty
    above: np.ndarray  # (L − 1, …) W packed of the layers above it
    recurrent: np.ndarray  # (L, …) U packed
    bias: np.ndarray  # (L, G·H)
    bias_hh: np.ndarray  # (L, G·H)
    head: np.ndarray  # packed
    head_bias: np.ndarray  # (V,)


class State(NamedTuple):
    """What a step of B sequences is computed in; one step each of what `rnncli.kernels.cells.cell` says, per layer."""

    x: np.ndarray  # (1, B, I) embeddings, or empty
    a: np.ndarray  # (L, 1, B, G·H)
    q: np.ndarray  # (L, 1, B, G·H), or (L, 0, 0, 0)
    h: np.ndarray  # (L, 2, B, H): row 0 is the state, row 1 the next one
    c: np.ndarray  # (L, 2, B, H), or (L, 0, 0, 0)
    s: np.ndarray  # (L, 1, B, H), or (L, 0, 0, 0)
    logits: np.ndarray  # (1, B, V)
    active: np.ndarray  # (1,): B


def _forward(kind, a, q, h, c, s, recurrent, bias_hh, active):
    """The forward kernel of the cell that `kind` names, over one step of all sequences."""
    _cell_of(type(kind)).forward(a, q, h, c, s, recurrent, bias_hh, kind.activation, active, 0, a.shape[1])


def _cell_of(kind):
    return next(cell for cell in CELLS.values() if cell.kind is kind)


@overload(_forward, jit_options={name: FLAGS[name] for name in ("nogil", "fastmath", "error_model")})
def _choose_forward(kind, a, q, h, c, s, recurrent, bias_hh, active):
    cell_forward = _cell_of(kind.instance_class).forward

    def forward(kind, a, q, h, c, s, recurrent, bias_hh, active):
        cell_forward(a, q, h, c, s, recurrent, bias_hh, kind.activation, active, 0, a.shape[1])

    return forward


@jit
def advance(weights, state, tokens):
    """One step of the layers: each sequence reads its token of `tokens` (1, B); the next states are in row 1."""
    B = tokens.shape[1]
    for l in range(weights.recurrent.shape[0]):
        a = state.a[l]
        if l > 0:
            multiply(state.h[l - 1, 1:], weights.above[l - 1], weights.bias[l], a, 0, 1, 0, B)
        elif weights.first.size > 0:
            gather(weights.table, tokens, state.x, 0, 0, B)
            multiply(state.x, weights.first, weights.bias[0], a, 0, 1, 0, B)
        else:
            gather_with_bias(weights.table, weights.bias[0], tokens, a, 0, B)
        _forward(weights.kind, a, state.q[l], state.h[l], state.c[l], state.s[l], weights.recurrent[l],
                 weights.bias_hh[l], state.active)  # fmt: skip


@jit
def read(weights, state, tokens):
    """One step: each sequence reads its token of `tokens` (1, B); state.logits is what it would say next."""
    advance(weights, state, tokens)
    B = tokens.shape[1]
    multiply(state.h[-1, 1:], weights.head, weights.head_bias, state.logits, 0, 1, 0, B)
    _carry(state.h)
    _carry(state.c)


@jit
def _carry(states):
    """states (L, 2, B, H): the next one is now the state."""
    for l in range(states.shape[0]):
        for b in range(states.shape[2]):
            before, after = states[l, 0, b], states[l, 1, b]
            for j in range(after.size):
                before[j] = after[j]


@jit
def write(weights, state, tokens, seeds, number, temperature, top_k, top_p, excluded, chances):
    """tokens (N, B): each is drawn from state.logits, and read.

    Sequence b's draws depend on seeds[b] and on the token's number, which is `number` for the first of these; chances
    (V,) float64 is scratch. The rest as in `sampling`.
    """
    word = denormals.flush()
    for n in range(tokens.shape[0]):
        for b in range(tokens.shape[1]):
            sampling.probabilities(state.logits[0, b], temperature, top_k, top_p, excluded, chances)
            tokens[n, b] = sampling.draw(chances, random.unit(seeds[b], STREAM, number + n))
        read(weights, state, tokens[n : n + 1])
    denormals.restore(word)
