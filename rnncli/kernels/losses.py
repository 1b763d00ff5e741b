"""The losses of classes, fused with their gradients: the outputs are overwritten by dL/d(output).

`weight` is 1 / (number of values the mean is over), so that shards need not know of each other; the loss of each
position is written separately and summed in order by `total`, so that threads do not change a bit. `forecast_losses`
has the losses of numbers.
"""

from __future__ import annotations

import numpy as np

from rnncli.kernels.elementary import exp, log, sigmoid, softplus
from rnncli.kernels.jit import jit

f64 = np.float64  # float() of a float32 stays float32 in numba

LEAST = 1e-30  # of probabilities whose logarithms are wanted
IGNORED = -1  # a target that is padding: no loss, no gradient


@jit
def exponentials(z):
    """Replace z (V,) by exp(z − max z); return max z and their sum, as four chains added in a fixed order."""
    V = z.size
    highest = z[0]
    for v in range(1, V):
        highest = max(highest, z[v])
    for v in range(V):
        z[v] = exp(z[v] - highest)
    s0 = s1 = s2 = s3 = z.dtype.type(0)
    whole = V - V % 4
    for v in range(0, whole, 4):
        s0 += z[v]
        s1 += z[v + 1]
        s2 += z[v + 2]
        s3 += z[v + 3]
    for v in range(whole, V):
        s0 += z[v]
    return highest, (s0 + s1) + (s2 + s3)


@jit
def softmax_cross_entropy(logits, targets, losses, weight, low, high):
    """Write losses[t, b] = −ln softmax(logits[t, b])[targets[t, b]] in nats.

    The logits become (softmax − one-hot)·weight. logits (T, B, V), targets (T, B) int32 below V or IGNORED,
    losses (T, B) float64.
    """
    one = logits.dtype.type(1)
    for t in range(logits.shape[0]):
        for b in range(low, high):
            z, y = logits[t, b], targets[t, b]
            if y == IGNORED:
                z[:] = 0
                losses[t, b] = 0.0
                continue
            wanted = f64(z[y])
            highest, total = exponentials(z)
            losses[t, b] = log(f64(total)) - (wanted - f64(highest))
            scale = weight / total
            for v in range(z.size):
                z[v] *= scale
            z[y] -= one * weight


@jit
def sigmoid_cross_entropy(logits, targets, losses, weight, low, high):
    """Write losses[t, b] = −Σ_v ln (σ(z_v) where v is in the set, else 1 − σ(z_v)) in nats, z being logits[t, b].

    The logits become (σ − targets)·weight. logits (T, B, V), targets (T, B, V) uint8, 1 where v is in the set and else
    0, losses (T, B) float64.
    """
    for t in range(logits.shape[0]):
        for b in range(low, high):
            loss = 0.0
            for v in range(logits.shape[2]):
                z, y = logits[t, b, v], targets[t, b, v]
                loss += softplus(-f64(z) if y else f64(z))
                logits[t, b, v] = (sigmoid(z) - y) * weight
            losses[t, b] = loss


@jit
def sigmoids(logits):
    """Replace logits (V,) by σ(logits), the probability of each by itself."""
    for v in range(logits.size):
        logits[v] = sigmoid(logits[v])


@jit
def softmax(logits):
    """Replace logits (V,) by their probabilities."""
    _, total = exponentials(logits)
    for v in range(logits.size):
        logits[v] /= total


@jit
def log_total(z):
    """Return log Σ exp z in float64."""
    highest = z[0]
    for v in range(1, z.size):
        highest = max(highest, z[v])
    total = 0.0
    for v in range(z.size):
        total += f64(exp(z[v] - highest))
    return f64(highest) + log(total)


@jit
def logs(probabilities):
    """Replace probabilities (V,) by their natural logarithms; one below LEAST counts as that."""
    for v in range(probabilities.size):
        probabilities[v] = log(max(f64(probabilities[v]), LEAST))


@jit
def total(values):
    """Return the sum of values (T, B) float64, added in order."""
    result = 0.0
    for t in range(values.shape[0]):
        for b in range(values.shape[1]):
            result += values[t, b]
    return result
