"""tanh, sigmoid, exp and log of our own against numpy in float64, plainly and inside a jitted loop."""

import math
from decimal import Decimal, localcontext

import numpy as np
import pytest

from rnncli.kernels.elementary import EXP_HIGH, exp, exp_parts, log, log1p, log_sigmoid, sigmoid, softplus, tanh
from rnncli.kernels.jit import enabled, jit

POINTS = 400_001 if enabled() else 4_001


@jit
def each_tanh(x, out):
    for i in range(x.size):
        out[i] = tanh(x[i])


@jit
def each_sigmoid(x, out):
    for i in range(x.size):
        out[i] = sigmoid(x[i])


@jit
def each_exp(x, out):
    for i in range(x.size):
        out[i] = exp(x[i])


@jit
def each_log(x, out):
    for i in range(x.size):
        out[i] = log(x[i])


@jit
def each_log1p(x, out):
    for i in range(x.size):
        out[i] = log1p(x[i])


@jit
def each_softplus(x, out):
    for i in range(x.size):
        out[i] = softplus(x[i])


@jit
def each_log_sigmoid(x, out):
    for i in range(x.size):
        out[i] = log_sigmoid(x[i])


FUNCTIONS = {"tanh": (tanh, each_tanh), "sigmoid": (sigmoid, each_sigmoid), "exp": (exp, each_exp)}


def logistic(x):
    return np.exp(-np.logaddexp(0, -x))


def in_a_kernel(loop, x):
    out = np.full_like(x, -7)
    loop(x, out)
    return out


def plainly(function, x):
    return np.array([function(v) for v in x])


def both_ways(name, x):
    """The kernel's answers, and those of plain calls for a sample of x."""
    function, loop = FUNCTIONS[name]
    few = x[:: max(1, x.size // 500)]
    return [(x.astype(float), in_a_kernel(loop, x)), (few.astype(float), plainly(function, few))]


def test_tanh_in_float32():
    for x, got in both_ways("tanh", np.linspace(-12, 12, POINTS, dtype=np.float32)):
        assert got.dtype == np.float32
        assert np.abs(got - np.tanh(x)).max() < 3e-7
        assert np.abs(got).max() <= 1


def test_tanh_of_small_numbers_is_relatively_exact():
    x = np.geomspace(1e-30, 1e-2, 2001, dtype=np.float32)
    assert np.abs(in_a_kernel(each_tanh, x) / np.tanh(x.astype(float)) - 1).max() < 4e-7
    assert np.array_equal(in_a_kernel(each_tanh, -x), -in_a_kernel(each_tanh, x))


def test_sigmoid_in_float32_is_monotone_between_0_and_1():
    for x, got in both_ways("sigmoid", np.linspace(-30, 30, POINTS, dtype=np.float32)):
        assert got.dtype == np.float32
        assert np.abs(got - logistic(x)).max() < 2e-7
        assert got.min() >= 0
        assert got.max() <= 1
        assert np.diff(got).min() > -2.5e-7  # neighbours may swap by the rounding of p/q, 4 units of 2^-24
        middle = np.abs(x) < 8
        assert (np.diff(got[middle][:: middle.sum() // 100]) > 0).all()


def test_exp_in_float32():
    for x, got in both_ways("exp", np.linspace(-87.33, 88.02, POINTS, dtype=np.float32)):
        assert got.dtype == np.float32
        assert np.abs(got / np.exp(x) - 1).max() < 2e-7


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("far", [100.0, 1e30, np.inf])
def test_float32_saturates(name, far):
    low, high = {"tanh": (-1, 1), "sigmoid": (0, 1), "exp": (0, np.exp(float(EXP_HIGH)))}[name]
    with np.errstate(invalid="ignore"):
        for _, got in both_ways(name, np.array([-far, far], np.float32)):
            assert np.isfinite(got).all()
            assert abs(got[0] - low) < 3e-7
            assert got[1] == pytest.approx(high, rel=3e-7)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_nan_stays_nan_and_stays_alone(name, dtype):
    x = np.ones(37, dtype)
    x[[0, 5, 36]] = np.nan
    for asked, got in both_ways(name, x):
        assert np.array_equal(np.isnan(got), np.isnan(asked))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_float64_is_exact(name):
    reference = {"tanh": np.tanh, "sigmoid": logistic, "exp": np.exp}[name]
    for x, got in both_ways(name, np.linspace(-20, 20, 4001)):
        assert got.dtype == np.float64
        wanted = reference(x)
        assert (np.abs(got - wanted) <= 1e-15 * np.maximum(1, np.abs(wanted))).all()


def test_log():
    x = np.concatenate([np.geomspace(1e-300, 1e300, 20_001), np.linspace(0.5, 2, 20_001), 1 + np.geomspace(1e-15, 1)])
    wanted = np.log(x)
    for got in (in_a_kernel(each_log, x), plainly(log, x[::40])):
        reference = wanted if got.size == x.size else wanted[::40]
        assert (np.abs(got - reference) <= 4.5e-16 * np.abs(reference)).all()
    assert log(1.0) == 0
    assert np.isnan(log(np.nan))
    assert np.isnan(in_a_kernel(each_log, np.array([np.nan, 1.0]))).tolist() == [True, False]


@pytest.mark.parametrize("name", ["exp", "sigmoid"])
def test_float64_is_relatively_exact_in_both_tails(name):
    reference = {"exp": np.exp, "sigmoid": lambda x: np.where(x < 0, np.exp(x), 1) / (1 + np.exp(-np.abs(x)))}[name]
    for x, got in both_ways(name, np.linspace(-708, 709, POINTS // 10)):
        wanted = reference(x)
        assert (np.abs(got - wanted) <= 6e-16 * wanted).all()
    assert in_a_kernel(FUNCTIONS[name][1], np.array([0.0, -800.0, -np.inf]))[1:].max() == 0
    far = in_a_kernel(FUNCTIONS[name][1], np.array([800.0, np.inf]))
    assert (far == (np.inf if name == "exp" else 1)).all()


def test_exp_of_float64_is_exact_at_powers_of_two():
    assert exp(np.float64(0)) == 1
    assert exp(np.float64(math.log(2))) == 2
    assert exp(np.float64(-math.log(1024))) == 1 / 1024


@pytest.mark.parametrize("size", [1.0, 700.0, 1e4, 1e6, 1e15])
def test_the_parts_of_exp_are_exact_where_exp_would_overflow(size):
    with localcontext() as context:
        context.prec = 60
        for x in size * np.random.default_rng(0).uniform(-1, 1, 30):
            m, n = exp_parts(x)
            assert n == int(n)
            assert 0.6 < m < 1.6
            off = Decimal(m).ln() + int(n) * Decimal(2).ln() - Decimal(float(x))
            assert abs(off) < max(4.5e-16, np.spacing(size) if size > 1e6 else 0.0)


def test_log1p_is_relatively_exact_around_0_and_everywhere_else():
    tiny = np.geomspace(1e-300, 0.999, 2001)
    x = np.concatenate([tiny, -tiny, np.geomspace(1, 1e300, 2001), np.linspace(-0.4, 0.5, 2001)])
    wanted = np.log1p(x)
    for got in (in_a_kernel(each_log1p, x), np.array([log1p(v) for v in x[::40]])):
        reference = wanted if got.size == x.size else wanted[::40]
        assert (np.abs(got - reference) <= 7e-16 * np.abs(reference)).all()
    assert log1p(0.0) == 0
    assert np.isnan(log1p(np.nan))


def test_softplus_is_relatively_exact_in_both_tails():
    x = np.concatenate([np.linspace(-700, 700, 4001), np.linspace(-3, 3, 2001), [1e300]])
    wanted = np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0)
    for got in (in_a_kernel(each_softplus, x), np.array([softplus(v) for v in x[::40]])):
        reference = wanted if got.size == x.size else wanted[::40]
        assert (np.abs(got - reference) <= 2e-15 * reference).all()
    assert np.isnan(softplus(np.nan))


@pytest.mark.parametrize(("kind", "bound"), [(np.float32, 1.5e-7), (np.float64, 2e-15)])
def test_log_sigmoid(kind, bound):
    x = np.linspace(-60, 60, POINTS, dtype=kind)
    for got, of in ((in_a_kernel(each_log_sigmoid, x), x.astype(float)), (plainly(log_sigmoid, x[::999]), x[::999])):
        assert (np.abs(got - -np.logaddexp(0, -of.astype(float))) <= bound * np.maximum(1, np.abs(of))).all()
    assert np.isnan(plainly(log_sigmoid, [kind(np.nan)])).all()
    far = np.array([-1e4, 1e4], kind)
    assert in_a_kernel(each_log_sigmoid, far) == pytest.approx([-1e4, 0])


def test_sigmoid_is_the_slope_of_softplus():
    for x in np.linspace(-30, 30, 61):
        one, two = ((softplus(x + h) - softplus(x - h)) / (2 * h) for h in (1e-3, 2e-3))
        assert sigmoid(x) == pytest.approx((4 * one - two) / 3, rel=1e-11, abs=1e-11)
