"""What inspect-grads measures, on batches that a learner hands out to be looked at.

    ruler        the norm of dL_T/dh_{T−k} at each lag k, and what is read off it
    jacobians    one step's Jacobian along the data: singular values, spectral radius, Lyapunov exponent
    gates        what gates say, and how often at the ends of their range
    parameters   norms of weights, gradients and updates; clipping
    check        gradients beside central differences
    advice       sentences, and what to change
    inspect      all of it in one report; the ruler's summary during training
    reports      frozen dataclasses of all that

dL/dW, which mixes all lags, hides how far back a gradient reaches; so the loss is taken at one step only. Norms are
taken so that neither a square overflows nor a small one vanishes.
"""
