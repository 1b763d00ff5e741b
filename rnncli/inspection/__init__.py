"""Measurements for inspect-grads, on batches that a learner hands out for inspection.

    gradient_by_lag  the norm of dL_T/dh_{T−k} at each lag k, as a whole and through a layer's own recurrence
    reach            how fast these decay, and the verdict
    jacobians        the Jacobian of one step along the data: singular values, spectral radius, Lyapunov exponent
    gates            means of gates, and how often they are near an end of their range
    parameters       norms of weights, gradients and updates; clipping
    check            gradients beside central differences
    advice           sentences about the findings, with changes to try
    inspect          all of these in one report; the reach of gradients during training
    reports          frozen dataclasses of the results

The loss is taken at one step only, because dL/dW, which mixes all lags, hides how far back a gradient reaches. Norms
are computed so that no square overflows and no small one vanishes.
"""
