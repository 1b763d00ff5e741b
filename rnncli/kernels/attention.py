"""Attention of a decoder over its encoder: scores, their softmax over the source, and the mean weighted by it.

    dot        e_ts = q_t · m_s                    (Luong et al., 2015; q is a projection of the decoder's state)
    additive   e_ts = v · tanh(q_t + k_s)          (Bahdanau et al., 2015; k is a projection of m)
    w_t = softmax over s < lengths of e_t,   context_t = Σ_s w_ts·m_s
    aligned    context_t = m_p, p the place where the decoder is; 0 behind the end    (Aharoni & Goldberg, 2017)

memory m (S, B, F), query q (T, B, ·), keys k (S, B, A), weights w and the scores' gradient dscores (T, B, S).
lengths (B,) belong to the sources, spans (B,) to the targets: steps beyond them get no context and no gradient.
"""

from __future__ import annotations

from rnncli.kernels.elementary import dot, exp, tanh
from rnncli.kernels.jit import jit


@jit
def dot_scores(query, memory, lengths, spans, weights, low, high):
    for b in range(low, high):
        for t in range(spans[b]):
            row, q = weights[t, b], query[t, b]
            for s in range(lengths[b]):
                row[s] = dot(q, memory[s, b])


@jit
def dot_scores_grad(dscores, query, memory, lengths, spans, dquery, dmemory, low, high):
    """Compute the gradients of `dot_scores`: dquery is overwritten, dmemory is added to."""
    zero = query.dtype.type(0)
    for b in range(low, high):
        for t in range(dquery.shape[0]):
            dq = dquery[t, b]
            for j in range(dq.size):
                dq[j] = zero
        for t in range(spans[b]):
            dq, q = dquery[t, b], query[t, b]
            for s in range(lengths[b]):
                d, m, dm = dscores[t, b, s], memory[s, b], dmemory[s, b]
                for j in range(dq.size):
                    dq[j] += d * m[j]
                    dm[j] += d * q[j]


@jit
def additive_scores(query, keys, energy, lengths, spans, raised, weights, low, high):
    """Write the additive scores to `weights`; energy is v (A,), raised (B, A) is scratch."""
    for b in range(low, high):
        r = raised[b]
        for t in range(spans[b]):
            row, q = weights[t, b], query[t, b]
            for s in range(lengths[b]):
                k = keys[s, b]
                for j in range(r.size):
                    r[j] = tanh(q[j] + k[j])
                row[s] = dot(energy, r)


@jit
def additive_scores_grad(dscores, query, keys, energy, lengths, spans, dquery, dkeys, denergy, low, high):
    """Compute all of dquery and dkeys, and each sequence's contribution to dv in denergy (B, A)."""
    zero, one = query.dtype.type(0), query.dtype.type(1)
    for b in range(low, high):
        dv = denergy[b]
        for j in range(dv.size):
            dv[j] = zero
        for s in range(dkeys.shape[0]):
            dk = dkeys[s, b]
            for j in range(dk.size):
                dk[j] = zero
        for t in range(dquery.shape[0]):
            dq = dquery[t, b]
            for j in range(dq.size):
                dq[j] = zero
        for t in range(spans[b]):
            dq, q = dquery[t, b], query[t, b]
            for s in range(lengths[b]):
                d, k, dk = dscores[t, b, s], keys[s, b], dkeys[s, b]
                for j in range(dq.size):
                    r = tanh(q[j] + k[j])  # cheaper again than kept: T·S·A values
                    inner = d * energy[j] * (one - r * r)
                    dv[j] += d * r
                    dq[j] += inner
                    dk[j] += inner


@jit
def attend(weights, memory, lengths, spans, joined, low, high):
    """Turn scores into weights, in `weights`, and write the contexts to the last F columns of joined (T, B, H + F)."""
    zero = memory.dtype.type(0)
    F = memory.shape[2]
    for b in range(low, high):
        n = lengths[b]
        for t in range(joined.shape[0]):
            out = joined[t, b, joined.shape[2] - F :]
            for j in range(F):
                out[j] = zero
            if t >= spans[b]:
                continue
            w = weights[t, b]
            highest = w[0]
            for s in range(1, n):
                highest = max(highest, w[s])
            total = zero
            for s in range(n):
                w[s] = exp(w[s] - highest)
                total += w[s]
            for s in range(n):
                w[s] /= total
                m, share = memory[s, b], w[s]
                for j in range(F):
                    out[j] += share * m[j]


@jit
def attend_grad(djoined, weights, memory, lengths, spans, dscores, dmemory, low, high):
    """Compute dscores within lengths and spans from the gradient of the contexts in djoined; dmemory is added to."""
    zero = memory.dtype.type(0)
    F = memory.shape[2]
    for b in range(low, high):
        n = lengths[b]
        for t in range(spans[b]):
            w, d, dcontext = weights[t, b], dscores[t, b], djoined[t, b, djoined.shape[2] - F :]
            mean = zero
            for s in range(n):
                d[s] = dot(dcontext, memory[s, b])
                mean += w[s] * d[s]
            for s in range(n):
                d[s] = w[s] * (d[s] - mean)
                dm, share = dmemory[s, b], w[s]
                for j in range(F):
                    dm[j] += share * dcontext[j]


@jit
def follow(tokens, first, end, places, low, high):
    """Write to places (T, B) how many moves, tokens of first ≤ token < end, the decoder has read up to each step."""
    for b in range(low, high):
        place = 0
        for t in range(tokens.shape[0]):
            if first <= tokens[t, b] < end:
                place += 1
            places[t, b] = place


@jit
def point(places, memory, lengths, spans, joined, low, high):
    """Write the contexts m_p to the last F columns of joined (T, B, H + F)."""
    zero = memory.dtype.type(0)
    F = memory.shape[2]
    for b in range(low, high):
        for t in range(joined.shape[0]):
            out, p = joined[t, b, joined.shape[2] - F :], places[t, b]
            inside = t < spans[b] and p < lengths[b]
            for j in range(F):
                out[j] = memory[p, b, j] if inside else zero


@jit
def point_grad(djoined, places, lengths, spans, dmemory, low, high):
    """Add the gradient of the contexts in djoined to dmemory."""
    F = dmemory.shape[2]
    for b in range(low, high):
        for t in range(spans[b]):
            p = places[t, b]
            if p < lengths[b]:
                dm, dcontext = dmemory[p, b], djoined[t, b, djoined.shape[2] - F :]
                for j in range(F):
                    dm[j] += dcontext[j]


@jit
def join(y, joined, low, high):
    """Copy the decoder's own outputs y (T, B, H) to the first H columns of joined."""
    for t in range(y.shape[0]):
        for b in range(low, high):
            row, out = y[t, b], joined[t, b]
            for j in range(row.size):
                out[j] = row[j]


@jit
def unjoin(djoined, dy, low, high):
    """Copy the first part of djoined, which belongs to y, to dy: the backward pass of `join`."""
    for t in range(dy.shape[0]):
        for b in range(low, high):
            row, out = djoined[t, b], dy[t, b]
            for j in range(out.size):
                out[j] = row[j]


@jit
def squash(x, low, high):
    """Replace x (T, B, N) by tanh(x)."""
    for t in range(x.shape[0]):
        for b in range(low, high):
            row = x[t, b]
            for j in range(row.size):
                row[j] = tanh(row[j])


@jit
def squash_grad(y, dy, low, high):
    """Replace dL/dy in dy by dL/dx, where y = tanh(x)."""
    one = y.dtype.type(1)
    for t in range(y.shape[0]):
        for b in range(low, high):
            row, d = y[t, b], dy[t, b]
            for j in range(row.size):
                d[j] *= one - row[j] * row[j]
