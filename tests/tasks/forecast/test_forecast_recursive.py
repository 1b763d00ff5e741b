"""A network that reads its own forecasts, beside one that is run from the start for every row; and its drawn paths."""

from dataclasses import replace

import naive
import numpy as np
import pytest
from forecasts import member_of, panel_features

from rnncli.kernels.cells import CELLS
from rnncli.tasks.forecast.baselines import last_value, seasonal_naive
from rnncli.tasks.forecast.config import ForecastModelConfig
from rnncli.tasks.forecast.decoders import Sizes
from rnncli.tasks.forecast.loss_registry import FORECAST_LOSSES
from rnncli.tasks.forecast.recursive import Recursive
from rnncli.tasks.forecast.windows import Windowing
from rnncli.training.backpropagation import ThreadPool

CONTEXT, HORIZON, SEASON, C, H = 7, 4, 3, 2, 4
POOL = ThreadPool(1)
ORIGINS = np.array([8, 11, 27])
BASELINES = {0: None, 1: last_value, SEASON: seasonal_naive}
BESIDE = {"past": 1, "known_covariates": 2, "static": 1}
FEATURES = panel_features(np.random.default_rng(4), **BESIDE, gaps=True, rows=20)
BARE = replace(FEATURES, past=np.zeros((40, 0)), known_covariates=np.zeros((40, 0)), static=np.zeros((2, 0)))


def made(lag=1, loss="mse", cell="lstm", horizon=HORIZON, beside=False, layers=2):
    how = Windowing(CONTEXT, horizon, SEASON, "standard", BASELINES[lag], (np.zeros((2, C)), np.ones((2, C))))
    beside = {**BESIDE, "masked": True} if beside else {}
    sizes = Sizes(CONTEXT, HORIZON, C, **beside, lag=lag, parameters=FORECAST_LOSSES[loss].parameters)
    model = ForecastModelConfig(cell=cell, hidden_size=H, num_layers=layers, dropout=0.0)
    return member_of(Recursive, model, sizes, how, POOL, loss)


def contexts(member, features):
    return member.windowing.contexts(features, ORIGINS)


def from_the_start(member, contexts, b):
    """(horizon, C) by hand for window b: before every row the network reads all that is there, from zero state."""
    sizes, lag, horizon = member.decoder.sizes, member.decoder.sizes.lag, member.windowing.horizon
    w = contexts.values[:, b]
    centre, scale = w.mean(axis=0), w.std(axis=0)
    z = [*((w - centre) / scale)]
    known = [*contexts.known[:, b].astype(float)]
    for _ in range(horizon):
        steps = []
        for t, value in enumerate(z):
            parts = [value]
            if sizes.masked:
                parts.append(known[t] if t < CONTEXT else np.ones(C))
            past = contexts.past[min(t, CONTEXT - 1), b]
            steps.append(np.concatenate([*parts, past, contexts.known_covariates[t + 1, b], contexts.static[b]]))
        state = [naive.zero_state(member.network.shape.cell, 1, H)] * member.network.shape.num_layers
        weights = member.network.parameters.export()
        said = naive.network(member.network.shape, weights, np.stack(steps)[:, None], state)[-1, 0]
        z.append(said.reshape(C, -1)[:, 0] + (z[len(z) - lag] if lag else 0))
    return np.stack(z[CONTEXT:]) * scale + centre


@pytest.mark.parametrize("horizon", [1, HORIZON, 3 * HORIZON])
@pytest.mark.parametrize("beside", [False, True])
@pytest.mark.parametrize("lag", BASELINES)
@pytest.mark.parametrize("cell", CELLS)
def test_a_forecast_is_that_of_a_network_run_from_the_start_for_every_row(cell, lag, beside, horizon):
    """Also beyond the horizon that it was trained for."""
    member, features = made(lag, cell=cell, horizon=horizon, beside=beside), FEATURES if beside else BARE
    given = contexts(member, features)
    got = member.point(given)
    assert got.shape == (horizon, len(ORIGINS), C)
    for b in range(len(ORIGINS)):
        assert got[:, b] == pytest.approx(from_the_start(member, given, b), rel=1e-10, abs=1e-10)


@pytest.mark.parametrize("loss", ["mae", "mse"])
@pytest.mark.parametrize("season", [1, SEASON, CONTEXT, CONTEXT + 2])
@pytest.mark.parametrize("horizon", [1, 2 * SEASON + 1])
def test_a_network_that_says_nothing_forecasts_exactly_the_baseline(loss, season, horizon):
    naive_forecast = last_value if season == 1 else seasonal_naive
    how = Windowing(CONTEXT, horizon, season, "seasonal-error", naive_forecast, (np.zeros((2, C)), np.ones((2, C))))
    model = ForecastModelConfig(cell="gru", hidden_size=H, num_layers=1, dropout=0.0)
    member = member_of(Recursive, model, Sizes(CONTEXT, HORIZON, C, lag=season), how, POOL, loss)
    for name in ("head.weight", "head.bias"):
        member.network.parameters.view(name)[...] = 0
    member.network.pack()
    given = contexts(member, BARE)
    assert np.array_equal(member.point(given), naive_forecast(given.values, horizon, season))


DISTRIBUTIONS = [name for name, loss in FORECAST_LOSSES.items() if loss.sample and loss.signed]


@pytest.mark.parametrize("loss", DISTRIBUTIONS)
def test_paths_are_as_many_as_asked_for_and_decided_by_the_seed(loss):
    member = made(loss=loss)
    given = contexts(member, BARE)
    first, again, other = (member.draws(given, 5, seed) for seed in (1, 1, 2))
    assert first.shape == (5, HORIZON, len(ORIGINS), C)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert all(len(set(first[:, k, b, c])) == 5 for k, b, c in np.ndindex(HORIZON, len(ORIGINS), C))
    assert made(loss="mse").draws(given, 5, 1) is None


def test_a_path_reads_what_was_drawn(monkeypatch):
    """Given its own first draw as a known row, the network says the second row of a path."""
    member = made(loss="gaussian", lag=0)
    given = contexts(member, BARE)
    frame = member.frame(given)

    class Twice:  # the same error for every value
        def standard_normal(self, shape):
            return np.full(shape, 2.0)

    monkeypatch.setattr("rnncli.tasks.forecast.recursive.generators", lambda frame, seed: [Twice()] * len(ORIGINS))
    paths = member.decoder.draws(frame, member.driver, member.loss, 1, 1)
    weights, shape = member.network.parameters.export(), member.network.shape
    for b in range(len(ORIGINS)):
        z = [*frame.x[:, b]]
        for k in range(HORIZON):
            state = [naive.zero_state(shape.cell, 1, H)] * 2
            p = naive.network(shape, weights, np.stack(z)[:, None], state)[-1, 0].reshape(C, 2)
            z.append(p[:, 0] + 2 * (np.log1p(np.exp(p[:, 1])) + 1e-3))
            assert paths[0, k, b] == pytest.approx(z[-1], rel=1e-9)


@pytest.mark.parametrize("loss", DISTRIBUTIONS)
def test_of_one_row_the_paths_have_the_distribution_that_the_loss_says(loss):
    member = made(loss=loss, horizon=1, lag=0)
    frame = member.frame(contexts(member, BARE))
    p = member.decoder.read(member.decoder.begun(frame, member.driver).outputs[None].astype(np.float64))
    drawn = member.decoder.draws(frame, member.driver, member.loss, 4000, 3)
    levels = [0.1, 0.5, 0.9]
    if member.loss.quantile:
        wanted = member.loss.quantile(p, levels)
    else:
        wanted = np.quantile(member.loss.sample(p, 40_000, np.random.default_rng(7)), levels, axis=0)
    for level, at in zip(levels, wanted, strict=True):
        assert (np.abs((drawn <= at).mean(axis=0) - level) < 0.03).all()
    asked = member.quantiles(contexts(member, BARE), levels, 1)
    for level, at in zip(levels, (asked - frame.centre) / frame.scale, strict=True):
        assert (np.abs((drawn <= at).mean(axis=0) - level) < 0.09).all()  # of a few hundred paths


def test_counts_are_drawn_whole_and_read_in_units_of_the_scale():
    how = Windowing(CONTEXT, HORIZON, SEASON, "mean", None, (np.zeros((2, C)), np.ones((2, C))))
    model = ForecastModelConfig(cell="gru", hidden_size=H, num_layers=1, dropout=0.0)
    sizes = Sizes(CONTEXT, HORIZON, C, lag=0, parameters=2)
    member = member_of(Recursive, model, sizes, how, POOL, "negative-binomial")
    given = how.contexts(replace(BARE, values=np.floor(5 * np.abs(BARE.values))), ORIGINS)
    drawn = member.draws(given, 300, 1)
    assert np.abs(drawn - np.round(drawn)).max() < 1e-9
    assert drawn.min() > -1e-9
    frame = member.frame(given)
    p = member.decoder.read(member.decoder.begun(frame, member.driver).outputs[None])[0]
    mean = np.log1p(np.exp(p[..., 0])) * frame.scale
    alpha = np.log1p(np.exp(p[..., 1])) / np.sqrt(frame.scale)
    within = 5 * np.sqrt((mean + alpha * mean**2) / 300)
    assert (np.abs(drawn[:, 0].mean(axis=0) - mean) < within).all()
    assert member.point(given)[0] == pytest.approx(mean, rel=1e-3)
