"""Kernels for sequences of unequal length, and for reading them in both directions.

The sequences of a batch are sorted by length, longest first, so that the first `active[t]` of them are still running
at step t. Values beyond a sequence's end are never read as part of it, and their gradients are zero.
"""

from __future__ import annotations

from rnncli.kernels.jit import jit


@jit
def clear(x, t, first, last):
    """Set x[t, first:last] to 0; x (T, B, N)."""
    zero = x.dtype.type(0)
    for b in range(first, last):
        row = x[t, b]
        for j in range(row.size):
            row[j] = zero


@jit
def reverse_tokens(tokens, lengths, out, low, high):
    """Reverse each sequence: out[t, b] = tokens[n − 1 − t, b] with n = lengths[b], and 0 beyond its end."""
    for b in range(low, high):
        n = lengths[b]
        for t in range(tokens.shape[0]):
            out[t, b] = tokens[n - 1 - t, b] if t < n else 0


@jit
def reverse(x, lengths, out, low, high):
    """Reverse each sequence: out[t, b] = x[n − 1 − t, b] with n = lengths[b], and 0 beyond its end; x (T, B, N)."""
    for b in range(low, high):
        n = lengths[b]
        for t in range(n):
            source, target = x[n - 1 - t, b], out[t, b]
            for j in range(target.size):
                target[j] = source[j]
        for t in range(n, x.shape[0]):
            clear(out, t, b, b + 1)


@jit
def add_reversed(x, lengths, out, low, high):
    """Add each sequence in reverse: out[t, b] += x[n − 1 − t, b] for t < n = lengths[b]."""
    for b in range(low, high):
        n = lengths[b]
        for t in range(n):
            source, target = x[n - 1 - t, b], out[t, b]
            for j in range(target.size):
                target[j] += source[j]


@jit
def join(forward, backward, lengths, y, low, high):
    """Concatenate both directions: y[t, b] = [forward[t, b], backward[n − 1 − t, b]], n = lengths[b], 0 beyond the end.

    forward, backward (T, B, H); y (T, B, 2H).
    """
    H = forward.shape[2]
    for b in range(low, high):
        n = lengths[b]
        for t in range(n):
            first, second = forward[t, b], backward[n - 1 - t, b]
            lower, upper = y[t, b, :H], y[t, b, H:]
            for j in range(H):
                lower[j] = first[j]
                upper[j] = second[j]
        for t in range(n, y.shape[0]):
            clear(y, t, b, b + 1)


@jit
def unjoin(dy, lengths, dforward, dbackward, low, high):
    """Compute dforward and dbackward, the gradients of the inputs of `join`, from dy; 0 beyond a sequence's end."""
    H = dforward.shape[2]
    for b in range(low, high):
        n = lengths[b]
        for t in range(n):
            first, second = dforward[t, b], dbackward[n - 1 - t, b]
            lower, upper = dy[t, b, :H], dy[t, b, H:]
            for j in range(H):
                first[j] = lower[j]
                second[j] = upper[j]
        for t in range(n, dy.shape[0]):
            clear(dforward, t, b, b + 1)
            clear(dbackward, t, b, b + 1)
