"""Connectionist Temporal Classification (Graves et al., 2006): the loss of symbols whose steps nobody knows.

At each step a network says one of C symbols, of which 0 is the blank. A path is a symbol for every step; a target of S
symbols is what is left of a path when its repeats are merged and then its blanks are taken out. p(target) is the sum
over all such paths, by the forward–backward algorithm over 2S + 1 states: A_k is the blank after k symbols of the
target, L_k its symbol l_k, which may follow L_{k−1} at once only if it is another one. With y_t = softmax z_t:

    α_t(A_k)  = y_t[0]·(α_{t−1}(A_k) + α_{t−1}(L_k))                            α_{−1}(A_0) = 1, else 0
    α_t(L_k)  = y_t[l_k]·(α_{t−1}(L_k) + α_{t−1}(A_{k−1}) + α_{t−1}(L_{k−1}))   the last one if l_{k−1} ≠ l_k
    δ_t       = the same of the reversed target over the reversed steps
    p(target) = α_{n−1}(A_S) + α_{n−1}(L_S)
    dL/dz_t   = y_t[c] − Σ α_t·δ_t / (y_t[c]·p(target)) over the states of symbol c, for L = −ln p(target)

Every value is m·2^e with m in [1, 2) and an e of its own, both float64. That is log space, in which nothing underflows,
but its sums need neither exp nor log, and so are vector code. The factor 1 / Σ exp z of a softmax is left out of the
sums; the loss gets its logarithm at the end.

Arrays of one step, in which k is 0 to S of a row of W ≥ S + 2: states (4, W), mantissas and exponents of A_k, then
those of L_k, of which L_0 and L_{S+1} are 0; y (2, W), mantissas and exponents of the blank at 0, of l_k at k.
"""

from __future__ import annotations

import numpy as np

from rnncli.kernels.elementary import exp_parts, log
from rnncli.kernels.jit import jit
from rnncli.kernels.losses import exponentials
from rnncli.kernels.steps import clear

f64 = np.float64

BLANK = 0
NOWHERE = -1e300  # the exponent of 0: what is added to it is lost in rounding
_LEAST = -1e15  # of z − max z, as far as `exp_parts` goes
LN2 = 0.6931471805599453
_ONE = np.int64(0x3FF0000000000000)  # the bits of 1.0
_FRACTION = np.int64(0x000FFFFFFFFFFFFF)
_LAST = 4503599627370496.0  # 2^52, in whose bits the last one is worth 1
_LAST_BITS = np.int64(0x4330000000000000)


def least_steps(target: np.ndarray) -> int:
    """Return how many steps a sequence must have to say this target (S,): one for each symbol, and one for a blank
    before each that equals the one before it.
    """
    return len(target) + int((target[1:] == target[:-1]).sum())


@jit
def _power(e):
    """Return 2^e for an integer e ≤ 1023, and 0 for e < −1022."""
    shifted = max(e, -1023.0) + (_LAST + 1023.0)
    return np.int64(f64(shifted).view(np.int64) << np.int64(52)).view(np.float64)


@jit
def _normal(m, e):
    """Return m·2^e, m ≥ 2^−1022, with a mantissa in [1, 2)."""
    bits = f64(m).view(np.int64)
    exponent = np.int64((bits >> np.int64(52)) | _LAST_BITS).view(np.float64) - (_LAST + 1023.0)
    return np.int64((bits & _FRACTION) | _ONE).view(np.float64), e + exponent


@jit
def _say(z, target, S, y):
    """Write exp(z − max z) of the blank and of the target's symbols to y; return Σ exp(z − max z).

    z (C,) becomes exp(z − max z).
    """
    m, e = y[0], y[1]
    m[0] = z[BLANK]
    for k in range(S):
        m[k + 1] = z[target[k]]
    highest, total = exponentials(z)
    for k in range(S + 1):
        m[k], e[k] = exp_parts(max(m[k] - f64(highest), _LEAST))
    return f64(total)


@jit
def _begin(states, S, k):
    """Set A_k to 1 and all other states to 0."""
    for i in range(S + 2):
        states[0, i] = states[2, i] = 1.0
        states[1, i] = states[3, i] = NOWHERE
    states[1, k] = 0.0


@jit
def _advance(before, y, skip, S, back, after):
    """Compute the states α_t from α_{t−1}; if back is 1 and not 0, δ_t from δ_{t+1}.

    skip (W,): 0 where L_{k−1} and L_k may follow each other, else NOWHERE.
    """
    am, ae, lm, le = before[0], before[1], before[2], before[3]
    m, e, ym, ye = after[0], after[1], y[0], y[1]
    for k in range(S + 1):
        i = k + back
        top = max(ae[k], le[i])
        total = am[k] * _power(ae[k] - top) + lm[i] * _power(le[i] - top)
        m[k], e[k] = _normal(total * ym[0], top + ye[0])
    m, e = after[2], after[3]
    for k in (0, S + 1):
        m[k], e[k] = 1.0, NOWHERE
    for k in range(1, S + 1):
        i, j = k - 1 + back, k - 1 + 2 * back
        leap = le[j] + skip[k + back]
        top = max(max(le[k], ae[i]), leap)
        total = lm[k] * _power(le[k] - top) + am[i] * _power(ae[i] - top) + lm[j] * _power(leap - top)
        m[k], e[k] = _normal(total * ym[k], top + ye[k])


@jit
def _set_skip(target, S, skip):
    """Set `skip` for a target."""
    for k in range(S + 2):
        skip[k] = 0.0 if 1 < k <= S and target[k - 1] != target[k - 2] else NOWHERE


@jit
def _chance(states, S):
    """Return p, the sum of A_S and L_S of the last step, as its mantissa and its exponent."""
    top = max(states[1, S], states[3, S])
    return _normal(states[0, S] * _power(states[1, S] - top) + states[2, S] * _power(states[3, S] - top), top)


@jit
def _share(alpha, delta, y, m, e, S, share):
    """Write α·δ / (y·p) of A_k to share[0, k] and of L_k to share[1, k]; p is m·2^e."""
    of_blank = 1.0 / (y[0, 0] * m)
    for k in range(S + 1):
        size = alpha[0, k] * delta[0, k] * of_blank
        share[0, k] = size * _power(alpha[1, k] + delta[1, k] - y[1, 0] - e)
    for k in range(1, S + 1):
        size = alpha[2, k] * delta[2, k] / (y[0, k] * m)
        share[1, k] = size * _power(alpha[3, k] + delta[3, k] - y[1, k] - e)


@jit
def _subtract(share, target, S, weight, z):
    """Subtract what the states of a step have of p from the gradients z (C,) of their symbols."""
    blank = 0.0
    for k in range(S + 1):
        blank += share[0, k]
    z[BLANK] -= z.dtype.type(blank * weight)
    for k in range(S):
        z[target[k]] -= z.dtype.type(share[1, k + 1] * weight)


@jit
def ctc_loss(logits, targets, steps, lengths, losses, weight, low, high):
    """Write losses[0, b] = −ln p(targets[:, b]) / max(lengths[b], 1) in nats, and zero to the other steps.

    The logits become the gradient of this loss times `weight`, zero beyond a sequence's steps. logits (T, B, C);
    targets (S, B) int32, from 1 to C − 1 as far as a target goes; steps, lengths (B,) int32, of a sequence and of its
    target: at least one step, and `least_steps`; losses (T, B) float64.
    """
    n, W = 0, 2
    for b in range(low, high):
        n, W = max(n, steps[b]), max(W, lengths[b] + 2)
    alpha, y, skip = np.empty((n + 1, 4, W)), np.empty((n, 2, W)), np.empty(W)
    delta, share = np.empty((2, 4, W)), np.empty((2, W))
    for b in range(low, high):
        n, S, target = steps[b], lengths[b], targets[:, b]
        loss, scale = 0.0, f64(weight) / max(S, 1)
        _set_skip(target, S, skip)
        _begin(alpha[0], S, 0)
        for t in range(n):
            z = logits[t, b]
            total = _say(z, target, S, y[t])
            loss += log(total)
            to_softmax = z.dtype.type(scale / total)
            for c in range(z.size):
                z[c] *= to_softmax
            _advance(alpha[t], y[t], skip, S, 0, alpha[t + 1])
        m, e = _chance(alpha[n], S)
        for t in range(losses.shape[0]):
            losses[t, b] = 0.0
        losses[0, b] = (loss - log(m) - e * LN2) / max(S, 1)
        after, now = delta[0], delta[1]
        _begin(after, S, S)
        for t in range(n - 1, -1, -1):
            _advance(after, y[t], skip, S, 1, now)
            _share(alpha[t + 1], now, y[t], m, e, S, share)
            _subtract(share, target, S, scale, logits[t, b])
            after, now = now, after
        for t in range(n, logits.shape[0]):
            clear(logits, t, b, b + 1)
