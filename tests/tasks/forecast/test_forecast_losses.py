"""How the outputs of each forecast loss are read: points, quantiles and samples, and their agreement with the loss."""

import math

import numpy as np
import pytest

from rnncli.nn.network import Network, NetworkShape
from rnncli.tasks.forecast.loss_registry import FORECAST_LOSSES
from rnncli.tasks.forecast.losses import LEVELS
from rnncli.training.backpropagation import Backpropagation, ThreadPool

NAMES = list(FORECAST_LOSSES)
SAMPLED = [name for name in NAMES if FORECAST_LOSSES[name].sample]
CLOSED = [name for name in NAMES if FORECAST_LOSSES[name].quantile]
DRAWS = 20_000


def parameters(name, shape=(2, 3), seed=0, dtype=np.float64):
    return np.random.default_rng(seed).normal(0, 1, (*shape, FORECAST_LOSSES[name].parameters)).astype(dtype)


def scales(name, shape=(2, 3)):
    return None if FORECAST_LOSSES[name].signed else np.random.default_rng(1).uniform(1, 9, shape)


def softplus(x):
    return np.logaddexp(0.0, x)


def test_names_and_what_each_knows():
    assert NAMES == ["mae", "mse", "quantile", "gaussian", "student-t", "negative-binomial"]
    assert set(SAMPLED) == {"quantile", "gaussian", "student-t", "negative-binomial"}
    assert set(CLOSED) == {"quantile", "gaussian"}
    assert [FORECAST_LOSSES[name].parameters for name in NAMES] == [1, 1, 11, 2, 3, 2]
    assert [name for name in NAMES if not FORECAST_LOSSES[name].signed] == ["negative-binomial"]
    assert (np.diff(LEVELS) > 0).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("name", "p", "wanted"),
    [
        ("mae", [3.0], 3.0),
        ("mse", [-2.0], -2.0),
        ("quantile", [0, 1, 2, 3, 4, 5.5, 6, 7, 8, 9, 10], 5.5),
        ("quantile", [10, 9, 8, 7, 6, 5.5, 4, 3, 2, 1, 0], 5.5),
        ("gaussian", [0.5, 9.0], 0.5),
        ("student-t", [0.25, 9.0, 9.0], 0.25),
        ("negative-binomial", [0.0, 9.0], math.log(2) + 1e-6),
    ],
)
def test_the_point_by_hand(name, p, wanted, dtype):
    got = FORECAST_LOSSES[name].point(np.array([[p, p]], dtype))
    assert got.shape == (1, 2)
    assert got.dtype == np.float64
    assert got == pytest.approx(wanted, rel=1e-15)


@pytest.mark.parametrize("name", NAMES)
def test_reading_leaves_the_parameters_alone(name):
    p, loss = parameters(name), FORECAST_LOSSES[name]
    kept = p.copy()
    loss.point(p)
    if loss.sample:
        loss.sample(p, 3, np.random.default_rng(0), scales(name))
    if loss.quantile:
        loss.quantile(p, [0.5])
    assert np.array_equal(p, kept)


@pytest.mark.parametrize("name", SAMPLED)
def test_what_is_drawn_is_what_the_loss_learns(name):
    """Over draws from parameters, the gradient of the loss at those parameters has mean 0."""
    p, loss = parameters(name, (6,), seed=3), FORECAST_LOSSES[name]
    scale = scales(name, (6,))
    draws = loss.sample(p, DRAWS, np.random.default_rng(4), scale)
    assert draws.shape == (DRAWS, 6)
    assert draws.dtype == np.float64
    p = np.sort(p) if name == "quantile" else p
    targets = draws if scale is None else np.concatenate([draws, np.broadcast_to(scale, draws.shape)], axis=-1)
    gradient, losses = np.tile(p.reshape(1, 1, -1), (1, DRAWS, 1)), np.zeros((1, DRAWS))
    loss.loss.kernel(gradient, targets[None], *loss.loss.arguments, losses, 1.0, 0, DRAWS)
    errors = gradient[0].std(axis=0) / math.sqrt(DRAWS)
    assert (np.abs(gradient[0].mean(axis=0)) < 4.5 * errors).all()


@pytest.mark.parametrize("name", CLOSED)
def test_quantiles_in_closed_form_are_those_of_samples(name):
    p, loss = parameters(name), FORECAST_LOSSES[name]
    levels = [0.01, 0.1, 0.33, 0.5, 0.77, 0.99]
    quantiles = loss.quantile(p, levels)
    draws = loss.sample(p, DRAWS, np.random.default_rng(5))
    assert quantiles.shape == (len(levels), 2, 3)
    for level, quantile in zip(levels, quantiles, strict=True):
        below = (draws < quantile).mean(axis=0)
        assert (np.abs(below - level) < 4.5 * math.sqrt(level * (1 - level) / DRAWS)).all()


@pytest.mark.parametrize("name", CLOSED)
def test_the_median_is_the_point(name):
    p, loss = parameters(name), FORECAST_LOSSES[name]
    assert np.array_equal(loss.quantile(p, [0.5])[0], loss.point(p))


def test_gaussian_quantiles_at_known_levels():
    p = np.array([[1.0, 0.5]])
    sigma = softplus(0.5) + 1e-3
    got = FORECAST_LOSSES["gaussian"].quantile(p, [0.025, 0.5, 0.9])
    assert got[:, 0] == pytest.approx([1 - 1.959963984540054 * sigma, 1, 1 + 1.2815515655446004 * sigma], rel=1e-12)


def test_quantiles_lie_on_straight_lines_between_the_levels_and_beyond():
    p = np.array([[1.0, 4.0, 5, 6, 7, 8, 9, 10, 11, 12.0, 13.5]])
    got = FORECAST_LOSSES["quantile"].quantile(p, [0.025, 0.1, 0.15, 0.25, 0.9, 0.975, 0.0625, 0.01, 0.99])
    beyond = [1 - 3 * 0.015 / 0.075, 13.5 + 1.5 * 0.015 / 0.075]
    assert got[:, 0] == pytest.approx([1, 4, 4.5, 5.5, 12, 13.5, 2.5, *beyond], rel=1e-12)


def test_crossing_quantiles_are_sorted():
    loss, p = FORECAST_LOSSES["quantile"], parameters("quantile", (4, 5))
    shuffled = np.random.default_rng(6).permuted(p, axis=-1)
    assert np.array_equal(loss.quantile(p, LEVELS), loss.quantile(shuffled, LEVELS))
    assert np.array_equal(loss.point(p), loss.point(shuffled))
    assert (np.diff(loss.quantile(p, np.linspace(0.001, 0.999, 99)), axis=0) >= 0).all()
    one, two = (loss.sample(q, 9, np.random.default_rng(7)) for q in (p, shuffled))
    assert np.array_equal(one, two)


def test_students_t_has_the_promised_centre_and_variance():
    p = np.array([[2.0, 0.3, 6.0], [-1.0, -1.0, 9.0]])
    draws = FORECAST_LOSSES["student-t"].sample(p, DRAWS, np.random.default_rng(8))
    sigma, nu = softplus(p[:, 1]) + 1e-3, 2 + softplus(p[:, 2])
    assert (np.abs(draws.mean(axis=0) - p[:, 0]) < 4.5 * draws.std(axis=0) / math.sqrt(DRAWS)).all()
    assert draws.var(axis=0) == pytest.approx(sigma**2 * nu / (nu - 2), rel=0.06)


def test_counts_are_whole_with_the_promised_mean_and_variance():
    p, scale = np.array([[0.5, 0.2], [-1.0, 2.0], [3.0, -30.0]]), np.array([1.0, 9.0, 4.0])
    draws = FORECAST_LOSSES["negative-binomial"].sample(p, DRAWS, np.random.default_rng(9), scale)
    mu, alpha = scale * (softplus(p[:, 0]) + 1e-6), softplus(p[:, 1]) / np.sqrt(scale) + 1e-6
    assert np.array_equal(draws, np.rint(draws))
    assert draws.min() >= 0
    errors = np.sqrt((mu + alpha * mu**2) / DRAWS)
    assert (np.abs(draws.mean(axis=0) - mu) < 4.5 * errors).all()
    assert draws.var(axis=0) == pytest.approx(mu + alpha * mu**2, rel=0.08)
    assert FORECAST_LOSSES["negative-binomial"].point(p) * scale == pytest.approx(mu, rel=1e-14)


def test_counts_of_absurd_parameters_are_drawn_without_an_error():
    p = np.array([[1e30, 1e30], [1e30, -1e30], [-1e30, 1e30], [-1e30, -1e30]])
    draws = FORECAST_LOSSES["negative-binomial"].sample(p, 50, np.random.default_rng(10), np.ones(4))
    assert np.isfinite(draws).all()
    assert not draws[:, 2:].any()


@pytest.mark.parametrize("name", NAMES)
def test_backpropagation_through_a_network_equals_the_kernel_alone(name):
    """The loss's own arguments reach its kernel, with and without a gradient; unknown targets are skipped."""
    chosen, T, B, K = FORECAST_LOSSES[name], 4, 3, 2
    network = Network(NetworkShape("gru", 2, 5, 1, K * chosen.parameters, token_input=False), np.dtype(np.float64))
    network.initialise("orthogonal", 1.0, seed=1)
    random = np.random.default_rng(2)
    work = network.workspace(T, B, 1, training=True)
    work.x[...] = random.normal(0, 1, work.x.shape)
    targets = random.poisson(3, (1, B, K)).astype(float)
    targets[0, 1, 0] = np.nan
    if not chosen.signed:
        targets = np.concatenate([targets, np.full_like(targets, 2.0)], axis=-1)
    driver = Backpropagation(network, chosen.loss, ThreadPool(1))
    driver.forward(work)
    outputs, losses = work.outputs.copy(), np.zeros((1, B))
    chosen.loss.kernel(outputs, targets, *chosen.loss.arguments, losses, 1 / 5, 0, B)
    assert driver.evaluate(work, targets) == losses.sum()
    assert driver.gradient(work, targets, 5) == losses.sum()
    assert np.array_equal(work.outputs, outputs)
    assert np.isfinite(network.parameters.gradient).all()
