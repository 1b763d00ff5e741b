"""What tests of forecasts share: features of bare values, learners over them, forecasts from bare contexts."""

import numpy as np

from rnncli.nn.network import Network
from rnncli.tasks.forecast.decoders import Direct, Sizes
from rnncli.tasks.forecast.learner import WindowLearner
from rnncli.tasks.forecast.loss_registry import FORECAST_LOSSES
from rnncli.tasks.forecast.members import Member
from rnncli.tasks.forecast.windows import Features
from rnncli.training.backpropagation import Backpropagation


def bare(values, known=None):
    """Features of one series (N, C) without covariates."""
    N, nothing = len(values), np.zeros((len(values), 0))
    known = np.ones(values.shape, bool) if known is None else known
    return Features(values, known, nothing, nothing, np.zeros((1, 0)), np.zeros(N, int))


def contexts_of(w, horizon):
    """Contexts of bare values w (T, B, C) of one series."""
    T, B, _ = w.shape
    nothing = np.zeros((T + horizon, B, 0))
    return Features(w, np.ones(w.shape, bool), nothing[:T], nothing, np.zeros((B, 0)), np.zeros(B, int))


def direct_member(shape, windowing, pool, *, loss="mse", bptt=None, dtype=np.float64, seed=3):
    """A member whose network has this shape, which is that of a direct decoder."""
    network = Network(shape, np.dtype(dtype))
    network.initialise("orthogonal", 1.0, seed)
    chosen = FORECAST_LOSSES[loss]
    sizes = Sizes(windowing.context, windowing.horizon, shape.input_size, parameters=chosen.parameters)
    return Member(windowing, Direct(network, sizes, bptt), chosen, Backpropagation(network, chosen.loss, pool))


def learner_of(member, values, train, valid, **settings):
    """A learner of one series without covariates; train, valid: (first, last) rows."""
    origins = member.windowing.origins
    return WindowLearner(member, bare(values), origins(*train), origins(*valid), **settings)


def forecast(made, w):
    """(horizon, B, C) by a learner's network after bare contexts w (T, B, C)."""
    return made.member.point(contexts_of(w, made.windowing.horizon))


def panel_features(random, *, targets=2, past=0, known_covariates=0, static=0, gaps=False, series=2, rows=16):
    """Features of random walks; with gaps a third of the values are unknown, and stand for the one before."""
    R = series * rows
    values, known = random.normal(0, 1, (R, targets)).cumsum(axis=0), np.ones((R, targets), bool)
    if gaps:
        known = random.random((R, targets)) > 1 / 3
        known[::rows] = True
        for r, c in zip(*np.nonzero(~known), strict=True):
            values[r, c] = values[r - 1, c]
    return Features(
        values,
        known,
        random.normal(0, 1, (R, past)),
        random.normal(0, 1, (R, known_covariates)),
        random.normal(0, 1, (series, static)),
        np.repeat(np.arange(series), rows),
    )


def member_of(kind, model, sizes, windowing, pool, loss="mse", dtype=np.float64, seed=3, bptt=None):
    """A member of any decoder with random weights, biases and head among them."""
    network = kind.build(model, sizes, 8, np.dtype(dtype), head_starts_at_zero=False)
    network.initialise("orthogonal", 1.0, seed)
    network.parameters.weights[...] += np.random.default_rng(seed).normal(0, 0.3, network.parameters.weights.shape)
    network.pack()
    chosen = FORECAST_LOSSES[loss]
    return Member(windowing, kind(network, sizes, bptt), chosen, Backpropagation(network, chosen.loss, pool))
