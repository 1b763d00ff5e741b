"""Steps of sequences of unequal length, and the two directions they can be read in.

The sequences of a batch stand in order of length, longest first, so that those still running at step t are the first
`active[t]` of them. What lies beyond a sequence's end is never read as its own, and its gradient is zero.
"""

from __future__ import annotations

from rnncli.kernels.jit import jit


@jit
def clear(x, t, first, last):
    """x[t, first:last] = 0; x (T, B, N)."""
    zero = x.dtype.type(0)
    for b in range(first, last):
        row = x[t, b]
        for j in range(row.size):
            row[j] = zero


@jit
def reverse_tokens(tokens, lengths, out, low, high):
    """out[t, b] = tokens[n − 1 − t, b], n = lengths[b]; 0 beyond the end."""
    for b in range(low, high):
        n = lengths[b]
        for t in range(tokens.shape[0]):
            out[t, b] = tokens[n - 1 - t, b] if t < n else 0


@jit
def reverse(x, lengths, out, low, high):
    """out[t, b] = x[n − 1 − t, b], n = lengths[b]; 0 beyond the end; x (T, B, N)."""
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
    """out[t, b] += x[n − 1 − t, b] within each sequence."""
    for b in range(low, high):
        n = lengths[b]
        for t in range(n):
            source, target = x[n - 1 - t, b], out[t, b]
            for j in range(target.size):
                target[j] += source[j]


@jit
def join(ahead, back, lengths, y, low, high):
    """y[t, b] = ahead[t, b] beside back[n − 1 − t, b]; 0 beyond the end; ahead, back (T, B, H), y (T, B, 2H)."""
    H = ahead.shape[2]
    for b in range(low, high):
        n = lengths[b]
        for t in range(n):
            first, second = ahead[t, b], back[n - 1 - t, b]
            left, right = y[t, b, :H], y[t, b, H:]
            for j in range(H):
                left[j] = first[j]
                right[j] = second[j]
        for t in range(n, y.shape[0]):
            clear(y, t, b, b + 1)


@jit
def part(dy, lengths, dahead, dback, low, high):
    """The gradient of `join`: dahead and dback from dy; 0 beyond the end."""
    H = dahead.shape[2]
    for b in range(low, high):
        n = lengths[b]
        for t in range(n):
            first, second = dahead[t, b], dback[n - 1 - t, b]
            left, right = dy[t, b, :H], dy[t, b, H:]
            for j in range(H):
                first[j] = left[j]
                second[j] = right[j]
        for t in range(n, dy.shape[0]):
            clear(dahead, t, b, b + 1)
            clear(dback, t, b, b + 1)
