"""The losses of forecasts, by name from the registry: plain formulas, central differences, unknown targets, shards."""

import math
from statistics import NormalDist

import numpy as np
import pytest
from extras import torch

from rnncli.kernels import forecast_losses as kernels
from rnncli.tasks.forecast.loss_registry import FORECAST_LOSSES

NAMES = list(FORECAST_LOSSES)
COUNTS = [name for name in NAMES if not FORECAST_LOSSES[name].signed]
T, B, K = 2, 3, 2


def example(name, dtype=np.float64, shape=(T, B, K), seed=0):
    """Outputs (T, B, K·P), targets (T, B, K) or, with the scales behind counts, (T, B, 2·K)."""
    random, loss = np.random.default_rng(seed), FORECAST_LOSSES[name]
    outputs = random.normal(0, 1.5, (*shape[:2], shape[2] * loss.parameters)).astype(dtype)
    if loss.signed:
        return outputs, random.normal(0, 1.5, shape).astype(dtype)
    parts = random.poisson(4, shape), random.uniform(0.5, 9, shape)
    return outputs, np.concatenate(parts, axis=-1).astype(dtype)


def evaluate(name, outputs, targets, weight=1.0, low=0, high=None):
    """(losses (T, B), gradient); the arguments stay as they are."""
    gradient, losses = outputs.copy(), np.full(outputs.shape[:2], -7.0)
    loss = FORECAST_LOSSES[name].loss
    high = outputs.shape[1] if high is None else high
    loss.kernel(gradient, targets, *loss.arguments, losses, outputs.dtype.type(weight), low, high)
    return losses, gradient


def of_one(name, p, *target):
    """The loss of one value with parameters p, and its derivatives."""
    losses, gradient = evaluate(name, np.array([[p]], float), np.array([[target]], float))
    return losses[0, 0], gradient[0, 0]


def softplus(x):
    return np.logaddexp(0.0, x)


def pinball(p, y):
    levels = FORECAST_LOSSES["quantile"].loss.arguments[0]
    return 2 * sum(max(tau * (y - q), (tau - 1) * (y - q)) for tau, q in zip(levels, p, strict=True)) / len(levels)


def student_t(p, y):
    scale, nu = softplus(p[1]) + 1e-3, 2 + softplus(p[2])
    density = math.lgamma((nu + 1) / 2) - math.lgamma(nu / 2) - 0.5 * math.log(nu * math.pi) - math.log(scale)
    return (nu + 1) / 2 * math.log(1 + ((y - p[0]) / scale) ** 2 / nu) - density


def negative_binomial(p, y, scale):
    mu, alpha = scale * (softplus(p[0]) + 1e-6), softplus(p[1]) / math.sqrt(scale) + 1e-6
    ways = math.lgamma(y + 1 / alpha) - math.lgamma(y + 1) - math.lgamma(1 / alpha)
    return -ways - math.log(1 / (1 + alpha * mu)) / alpha - y * math.log(alpha * mu / (1 + alpha * mu))


FORMULAS = {
    "mae": lambda p, y: abs(p[0] - y),
    "mse": lambda p, y: (p[0] - y) ** 2,
    "quantile": pinball,
    "gaussian": lambda p, y: -math.log(NormalDist(p[0], softplus(p[1]) + 1e-3).pdf(y)),
    "student-t": student_t,
    "negative-binomial": negative_binomial,
}


@pytest.mark.parametrize("name", NAMES)
def test_losses_and_layout_equal_the_formula_written_plainly(name):
    outputs, targets = example(name)
    losses, _ = evaluate(name, outputs, targets)
    for t, b in np.ndindex(T, B):
        each = [FORMULAS[name](p, *targets[t, b, k::K]) for k, p in enumerate(outputs[t, b].reshape(K, -1))]
        assert losses[t, b] == pytest.approx(sum(each), rel=1e-13)


# Parameters and targets of one value each, far into every tail.
FAR = [-30.0, -3.0, 0.1, 2.0, 40.0]
POINTS = {
    "mae": [((m,), (y,)) for m in FAR for y in (0.0, 1e4)],
    "mse": [((m,), (y,)) for m in FAR for y in (0.0, 1e4)],
    "quantile": [(tuple(m + np.linspace(-2, 2, 11)), (y,)) for m in FAR for y in (0.03, 1e4)],
    "gaussian": [((m, s), (y,)) for m in (-30.0, 0.1) for s in FAR for y in (0.0, 0.1, 1e4)],
    "student-t": [((m, s, v), (y,)) for m in (-30.0, 0.1) for s in FAR for v in FAR for y in (0.0, 0.1, 1e4)],
    "negative-binomial": [
        ((m, a), (y, scale)) for m in FAR for a in FAR for y in (0.0, 1.0, 37.0, 1e5) for scale in (0.3, 1.0, 2e4)
    ],
}


@pytest.mark.parametrize("name", NAMES)
def test_every_derivative_equals_central_differences_far_into_the_tails(name):
    points, targets = (np.array(part)[None] for part in zip(*POINTS[name], strict=True))
    losses, gradient = evaluate(name, points, targets)
    located = name in ("gaussian", "student-t")
    # What rounding leaves of a difference: the terms of a count's loss are larger than their sum.
    rounding = 4e-16 * (1 + np.abs(losses) + (0 if located else 20 * targets[..., 0]))
    for i in range(points.shape[2]):
        # A location moves in units of its scale, which may be as small as 1e-3; everything else in units of 1.
        step = 1e-2 * (softplus(points[..., 1]) + 1e-3 if located and i == 0 else np.ones(losses.shape))

        def slope(width, i=i):
            above, below = points.copy(), points.copy()
            above[..., i] += width
            below[..., i] -= width
            return (evaluate(name, above, targets)[0] - evaluate(name, below, targets)[0]) / (2 * width)

        wanted = 1.5 * slope(step) - 0.6 * slope(2 * step) + 0.1 * slope(3 * step)  # of the sixth order
        assert (np.abs(gradient[..., i] - wanted) <= 1e-7 * np.abs(wanted) + 2 * rounding / step).all()


@pytest.mark.parametrize("name", NAMES)
def test_weight_scales_the_gradient_and_not_the_losses(name):
    outputs, targets = example(name)
    losses, gradient = evaluate(name, outputs, targets)
    weighted_losses, weighted = evaluate(name, outputs, targets, weight=0.3)
    assert np.array_equal(weighted_losses, losses)
    assert weighted == pytest.approx(0.3 * gradient, rel=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("held", [np.nan, np.inf, -1e30, 0.5])
@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_target_has_no_loss_and_no_gradient_whatever_the_outputs_hold(name, held, dtype):
    outputs, targets = example(name, dtype)
    P = FORECAST_LOSSES[name].parameters
    alone, gradient = evaluate(name, outputs[..., P:], targets[..., 1::K])
    outputs[..., :P], targets[..., 0] = held, np.nan
    targets[0, 0, 0::K] = np.nan  # an unknown value may have an unknown scale
    losses, both = evaluate(name, outputs, targets)
    assert np.array_equal(losses, alone)
    assert np.array_equal(both[..., P:], gradient)
    assert np.array_equal(both[..., :P], np.zeros((T, B, P)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NAMES)
def test_a_nan_output_gives_a_nan_loss_at_its_position_only(name, dtype):
    outputs, targets = example(name, dtype)
    for i in range(outputs.shape[2]):
        broken = outputs.copy()
        broken[1, 2, i] = np.nan
        losses, gradient = evaluate(name, broken, targets)
        wanted = np.zeros((T, B), bool)
        wanted[1, 2] = True
        assert np.array_equal(np.isnan(losses), wanted)
        assert np.array_equal(np.isnan(gradient).any(axis=-1), wanted)


@pytest.mark.parametrize("name", NAMES)
def test_float32_agrees_with_float64(name):
    outputs, targets = example(name, np.float32)
    losses, gradient = evaluate(name, outputs, targets, weight=0.25)
    exact_losses, exact = evaluate(name, outputs.astype(float), targets.astype(float), weight=0.25)
    assert gradient.dtype == np.float32
    assert losses == pytest.approx(exact_losses, rel=1e-6)
    assert gradient == pytest.approx(exact, rel=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NAMES)
def test_shards_have_the_bits_of_the_whole_and_touch_nothing_else(name, dtype):
    outputs, targets = example(name, dtype)
    losses, gradient = evaluate(name, outputs, targets, 0.1)
    for low in range(B):
        for high in range(low, B + 1):
            part, part_gradient = evaluate(name, outputs, targets, 0.1, low, high)
            inside = (np.arange(B) >= low) & (np.arange(B) < high)
            assert np.array_equal(part, np.where(inside, losses, -7.0))
            assert np.array_equal(part_gradient, np.where(inside[:, None], gradient, outputs))


@pytest.mark.parametrize("name", NAMES)
def test_far_outputs_of_float32_leave_nothing_infinite(name):
    P = FORECAST_LOSSES[name].parameters
    for far in (-1e4, 1e4):
        for i in range(P):
            outputs, targets = example(name, np.float32)
            outputs[..., i::P] = far
            losses, gradient = evaluate(name, outputs, targets)
            assert np.isfinite(losses).all()
            assert np.isfinite(gradient).all()


@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize("count", [0.0, 1.0, 1e9])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e9])
def test_no_parameter_of_counts_leaves_the_finite_numbers(name, count, scale):
    ends = [-3e38, -1e3, -90.0, 0.0, 90.0, 1e3, 3e38]
    outputs = np.array([[[m, a] for m in ends for a in ends]], np.float32)
    targets = np.broadcast_to(np.array([count, scale], np.float32), outputs.shape)
    losses, gradient = evaluate(name, outputs, np.ascontiguousarray(targets))
    assert np.isfinite(losses).all()
    assert np.isfinite(gradient).all()


def test_squared_error_of_float32_is_summed_in_float64():
    outputs, targets = example("mse", np.float32)
    outputs[0, 0, 0] = 3e20  # its square is beyond float32
    losses, gradient = evaluate("mse", outputs, targets, 0.5)
    difference = outputs - targets
    assert np.array_equal(gradient, difference)
    assert losses == pytest.approx((difference.astype(float) ** 2).sum(axis=-1), rel=1e-14)


@pytest.mark.parametrize("name", ["mae", "quantile"])
def test_an_exact_output_has_no_gradient(name):
    P = FORECAST_LOSSES[name].parameters
    loss, gradient = of_one(name, [2.5] * P, 2.5)
    assert loss == 0
    assert not gradient.any()


def test_the_median_alone_is_the_absolute_error():
    outputs, targets = example("mae")
    wanted = evaluate("mae", outputs, targets)
    losses = np.zeros((T, B))
    kernels.quantile(outputs, targets, np.array([0.5]), losses, 1.0, 0, B)
    assert np.array_equal(losses, wanted[0])
    assert np.array_equal(outputs, wanted[1])


def test_pinball_by_hand():
    outputs, losses = np.array([[[1.0, 5.0]]]), np.zeros((1, 1))
    kernels.quantile(outputs, np.array([[[3.0]]]), np.array([0.1, 0.8]), losses, 1.0, 0, 1)
    # 0.1 · 2 from below and 0.2 · 2 from above, twice their mean
    assert losses[0, 0] == pytest.approx(0.2 + 0.4, rel=1e-15)
    assert outputs[0, 0] == pytest.approx([-0.1, 0.2], rel=1e-15)


def test_probabilities_of_counts_sum_to_one_with_the_promised_mean_and_variance():
    for m, a, scale in [(1.0, 0.3, 1.0), (-2.0, 1.0, 4.0), (0.5, -9.0, 6.0)]:
        y = np.arange(400.0)
        targets = np.stack([y, np.full(400, scale)], axis=-1)[None]
        losses, _ = evaluate("negative-binomial", np.tile([m, a], (1, 400, 1)), targets)
        chances = np.exp(-losses[0])
        mu, alpha = scale * (softplus(m) + 1e-6), softplus(a) / math.sqrt(scale) + 1e-6
        assert chances.sum() == pytest.approx(1, rel=1e-12)
        assert chances @ y == pytest.approx(mu, rel=1e-10)
        assert chances @ (y - mu) ** 2 == pytest.approx(mu + alpha * mu**2, rel=1e-10)


def test_counts_without_overdispersion_are_poisson():
    """At α = 1e-6 the probability and its slopes have known limits, which naive formulas lose to rounding."""
    for y in (0.0, 1.0, 5.0, 40.0):
        loss, (dm, da) = of_one("negative-binomial", [2.0, -30.0], y, 3.0)
        mu = 3 * (softplus(2.0) + 1e-6)
        assert loss == pytest.approx(mu - y * math.log(mu) + math.lgamma(y + 1), abs=1e-3)
        assert dm == pytest.approx((1 - y / mu) * 3 / (1 + math.exp(-2)), rel=1e-4)
        to_alpha = 1 / (1 + math.exp(30)) / math.sqrt(3)
        assert da / to_alpha == pytest.approx(0.5 * (y - (y - mu) ** 2), rel=1e-3)


def test_students_t_of_endless_freedom_is_gaussian():
    for y in (0.0, 0.7, -4.0):
        wanted, by_gaussian = of_one("gaussian", [0.2, 0.5], y)
        loss, by_t = of_one("student-t", [0.2, 0.5, 1e8], y)
        assert loss == pytest.approx(wanted, rel=1e-5)
        assert by_t == pytest.approx([*by_gaussian, 0], rel=1e-5, abs=1e-12)
        z = (y - 0.2) / (softplus(0.5) + 1e-3)
        _, (*_, dnu) = of_one("student-t", [0.2, 0.5, 1e4], y)
        # −ln t = −ln normal − (z⁴ − 2z² − 1) / (4ν) + O(1/ν²)
        assert dnu * 1e8 == pytest.approx((z**4 - 2 * z**2 - 1) / 4, rel=5e-3)


@pytest.mark.parity
@pytest.mark.parametrize("name", ["gaussian", "student-t", "negative-binomial"])
def test_values_and_gradients_equal_pytorchs(name):
    outputs, targets = example(name, shape=(4, 5, 3))
    losses, gradient = evaluate(name, outputs, targets)
    leaf = torch.from_numpy(outputs.copy()).requires_grad_()
    p, y = leaf.reshape(4, 5, 3, -1), torch.from_numpy(targets)
    positive = torch.nn.functional.softplus
    if name == "negative-binomial":
        y, scale = y[..., :3], y[..., 3:]
        mu, alpha = scale * (positive(p[..., 0]) + 1e-6), positive(p[..., 1]) / scale.sqrt() + 1e-6
        law = torch.distributions.NegativeBinomial(1 / alpha, probs=alpha * mu / (1 + alpha * mu))
    elif name == "student-t":
        law = torch.distributions.StudentT(2 + positive(p[..., 2]), p[..., 0], positive(p[..., 1]) + 1e-3)
    else:
        law = torch.distributions.Normal(p[..., 0], positive(p[..., 1]) + 1e-3)
    wanted = -law.log_prob(y).sum(dim=-1)
    wanted.sum().backward()
    assert losses == pytest.approx(wanted.detach().numpy(), rel=1e-10)
    assert gradient == pytest.approx(leaf.grad.numpy(), rel=1e-10, abs=1e-10)
