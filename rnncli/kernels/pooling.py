"""Poolings: kernels that turn the steps of a sequence into the one vector that a many-to-one network's head reads.

y (T, B, F) are the outputs of the top layer, lengths (B,) the lengths of the sequences, pooled (1, B, F) the result.
The gradients write dy for every step, zero where nothing flows. `half` is the first feature of the direction that
reads backwards (F if there is none); the last step of that direction is the sequence's first.
"""

from __future__ import annotations

from rnncli.kernels.elementary import dot, exp
from rnncli.kernels.jit import jit
from rnncli.kernels.steps import clear


@jit
def _clear_steps(dy, b):
    for t in range(dy.shape[0]):
        clear(dy, t, b, b + 1)


@jit
def last(y, lengths, half, pooled, low, high):
    for b in range(low, high):
        out, at_end, at_start = pooled[0, b], y[lengths[b] - 1, b], y[0, b]
        for j in range(half):  # slices that are assigned to slices take ten times as long to compile
            out[j] = at_end[j]
        for j in range(half, out.size):
            out[j] = at_start[j]


@jit
def last_grad(dpooled, lengths, half, dy, low, high):
    for b in range(low, high):
        _clear_steps(dy, b)
    add_last_grad(dpooled, lengths, half, dy, low, high)


@jit
def add_last_grad(dpooled, lengths, half, dy, low, high):
    """Add the gradient of `last` to dy, which holds other gradients already."""
    for b in range(low, high):
        d, at_end, at_start = dpooled[0, b], dy[lengths[b] - 1, b], dy[0, b]
        for j in range(half):
            at_end[j] += d[j]
        for j in range(half, d.size):
            at_start[j] += d[j]


@jit
def mean(y, lengths, pooled, low, high):
    one = y.dtype.type(1)
    for b in range(low, high):
        clear(pooled, 0, b, b + 1)
        out, share = pooled[0, b], one / y.dtype.type(lengths[b])
        for t in range(lengths[b]):
            row = y[t, b]
            for j in range(out.size):
                out[j] += row[j] * share


@jit
def mean_grad(dpooled, lengths, dy, low, high):
    one = dy.dtype.type(1)
    for b in range(low, high):
        _clear_steps(dy, b)
        d, share = dpooled[0, b], one / dy.dtype.type(lengths[b])
        for t in range(lengths[b]):
            row = dy[t, b]
            for j in range(row.size):
                row[j] = d[j] * share


@jit
def maximum(y, lengths, pooled, steps, low, high):
    """Write each feature's maximum to pooled, and its step, the first of equals, to steps (B, F) int32."""
    for b in range(low, high):
        out, at = pooled[0, b], steps[b]
        for j in range(out.size):
            out[j] = y[0, b, j]
            at[j] = 0
        for t in range(1, lengths[b]):
            row = y[t, b]
            for j in range(out.size):
                higher = not row[j] <= out[j]  # NaN is not lost
                out[j] = row[j] if higher else out[j]
                at[j] = t if higher else at[j]


@jit
def maximum_grad(dpooled, steps, dy, low, high):
    for b in range(low, high):
        _clear_steps(dy, b)
        for j in range(dy.shape[2]):
            dy[steps[b, j], b, j] = dpooled[0, b, j]


@jit
def attention(y, lengths, query, pooled, weights, low, high):
    """Compute pooled = Σ_t w_t·y_t with w = softmax over t of query·y_t; query (F,); weights (T, B) gets w."""
    for b in range(low, high):
        n = lengths[b]
        highest = weights[0, b] = dot(y[0, b], query)
        for t in range(1, n):
            weights[t, b] = dot(y[t, b], query)
            highest = max(highest, weights[t, b])
        total = y.dtype.type(0)
        for t in range(n):
            weights[t, b] = exp(weights[t, b] - highest)
            total += weights[t, b]
        clear(pooled, 0, b, b + 1)
        out = pooled[0, b]
        for t in range(n):
            weights[t, b] /= total
            row, w = y[t, b], weights[t, b]
            for j in range(out.size):
                out[j] += row[j] * w


@jit
def attention_grad(dpooled, y, lengths, query, weights, dscores, dy, low, high):
    """Compute dy and dscores (T, B), the gradient of the products query·y_t, zero beyond a sequence's end."""
    zero = y.dtype.type(0)
    for b in range(low, high):
        n, d = lengths[b], dpooled[0, b]
        _clear_steps(dy, b)
        mean = zero
        for t in range(n):
            dscores[t, b] = dot(y[t, b], d)
            mean += weights[t, b] * dscores[t, b]
        for t in range(n):
            dscores[t, b] = weights[t, b] * (dscores[t, b] - mean)
            row, w, s = dy[t, b], weights[t, b], dscores[t, b]
            for j in range(row.size):
                row[j] = d[j] * w + query[j] * s
        for t in range(n, y.shape[0]):
            dscores[t, b] = zero


@jit
def query_gradient(y, dscores, dquery, first, last):
    """Compute dquery[first:last] = Σ over (t, b) of dscores[t, b]·y[t, b, first:last]."""
    dquery[first:last] = 0
    out = dquery[first:last]
    for t in range(y.shape[0]):
        for b in range(y.shape[1]):
            row, d = y[t, b, first:last], dscores[t, b]
            for j in range(out.size):
                out[j] += row[j] * d
