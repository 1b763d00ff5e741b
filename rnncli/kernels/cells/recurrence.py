"""What a layer may do to the recurrence of its cell, whatever the cell.

    capped    i ← min(i, 1 − f): what the input gate lets in, the forget gate has made room for (Melis et al., 2018;
              the coupled gates of Greff et al., 2017, are its limit)

Each is a field of `Weights`, None where it is not wanted. Of an argument that is None, numba compiles only what such
a call does: a layer without them runs the code that it would run if this file did not exist.
"""

from __future__ import annotations

from rnncli.kernels.jit import jit


@jit
def let_in(i, f, one, capped):
    """Return what the input gate lets in, i or min(i, 1 − f)."""
    if capped is None:
        return i
    return one - f if i > one - f else i  # a NaN stays


@jit
def let_in_grad(di, df, i, f, one, capped):
    """Return (di, df), the gradients of the gates, for di of what was let in, i."""
    if capped is None:
        return di, df
    # Where 1 − f was the smaller one, what was let in does not depend on the input gate.
    return (one - one, df - di) if i >= one - f else (di, df)
