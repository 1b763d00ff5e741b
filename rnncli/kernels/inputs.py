"""Token gathers, which feed the first layer, and the scatters and column sums of the gradients.

A one-hot input needs no product: row v of W (V, G·H) *is* the contribution of token v. The gradient is the scatter
of da into the same rows. Scatters and column sums are sharded by columns, so that every element is one chain over
(t, b) in order.
"""

from __future__ import annotations

from rnncli.kernels.jit import jit


@jit
def gather(table, tokens, x, at, low, high):
    """Copy table rows: x[t, b, at : at + N] = table[tokens[t, b]]; table (V, N), tokens (T, B) below V."""
    N = table.shape[1]
    for t in range(x.shape[0]):
        for b in range(low, high):
            row, out = table[tokens[t, b]], x[t, b, at : at + N]
            for j in range(N):
                out[j] = row[j]


@jit
def gather_with_bias(table, bias, tokens, a, low, high):
    """Compute a[t, b] = table[tokens[t, b]] + bias."""
    for t in range(a.shape[0]):
        for b in range(low, high):
            row, out = table[tokens[t, b]], a[t, b]
            for j in range(out.size):
                out[j] = row[j] + bias[j]


@jit
def scatter(da, at, tokens, dtable, first, last):
    """Set dtable[:, first:last] to the sums over (t, b) of da[t, b, at + first : at + last] in row tokens[t, b]."""
    dtable[:, first:last] = 0
    for t in range(da.shape[0]):
        for b in range(da.shape[1]):
            out = dtable[tokens[t, b], first:last]
            row = da[t, b, at + first : at + last]
            for j in range(out.size):
                out[j] += row[j]


@jit
def column_sums(da, db, first, last):
    """Compute db[first:last], the sum over the rows of da (R, N)[:, first:last]."""
    db[first:last] = 0
    out = db[first:last]
    for r in range(da.shape[0]):
        row = da[r, first:last]
        for j in range(out.size):
            out[j] += row[j]
