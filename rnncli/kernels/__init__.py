"""The numba kernels: arrays in, arrays out; no Python objects, no I/O, no exceptions, no allocation of outputs.

Read in this order:

    cache        the cache of compiled kernels, and a safe import of numba
    kept         the files of compiled kernels, with their hashes; who compiles while others wait
    compiler     numba and llvmlite, which no other module imports itself
    jit          the one decorator and the one set of flags
    elementary   exp, log, tanh, sigmoid, softplus, fma and dot of our own: the same bits on every machine
    gamma        the logarithm of the gamma function, and its derivative
    gemm, register_tile   every matrix product of the project, and its innermost loop, for float32 and bfloat16
    panel_rows, vector_code   what its panels are packed with, and the pieces of vector code that these are made of
    bfloat16     rounding to bfloat16, and pairs of such values
    buffers      arrays of zeros, or how many bytes they would take
    cells        the cells, a file each: `step` and `step_grad` side by side, then `forward` and `backward`
    steps        sequences of unequal length, and both directions of reading them
    pooling      one vector from a sequence's steps
    attention    a decoder's scores, weights and contexts over its source
    inputs       token gathers and scatters, and sums
    losses       softmax cross-entropy
    crf          the likelihood of a chain of tags, its gradient, and the best tags
    ctc          symbols whose steps nobody knows: their likelihood and its gradient
    forecast_losses   absolute and squared error, quantiles, Gaussian, Student's t, negative binomial
    series       autocovariances, moving averages and smoothing of many series, for naive forecasts
    linear       a linear model, fitted one example at a time, for baselines of texts
    reservoir    a fixed recurrent encoder, and ridge regression with the answers to examples that it leaves out
    warping      dynamic time warping, and the nearest of many sequences by it
    optimizers   one fused update per optimizer, and the gradient norm
    denormals    flushing of denormals, which some CPUs are slow with, to zero
    dropout, random, sampling   all random choices, computed from counters and seeds
    copies       which sequences of tokens a text has
    generation   many tokens in one call
    arithmetic_coder, context_mixing, coding   texts in few bytes, by counts and a network
    beam         the steps of greedy and beam search
    prefix_beam  greedy and beam search for what a network that was trained by CTC heard

Shapes are time-major and C-contiguous: inputs (T, B, I), states (T+1, B, H) with row 0 the incoming state, gate
pre-activations (T, B, G·H). The gradient of `x` is `dx`. Weights are held transposed against PyTorch, (I, G·H)
and (H, G·H), so that a one-hot input selects a row of the matrix. The caller validates everything: a kernel neither
checks bounds nor handles missing values, except for the losses, which skip unknown targets.
"""
